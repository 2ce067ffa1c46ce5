// firefox.mjs: Firefox over WebDriver BiDi, and people in it.

import assert from 'node:assert/strict';
import puppeteer from 'puppeteer-core';

import { DEADLINE_MS } from '../lib/waiting.mjs';

const PROGRAM = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
const BOX = '#composer textarea';

export function launch() {
  return puppeteer.launch({
    browser: 'firefox', executablePath: PROGRAM, headless: true, protocolTimeout: 4 * DEADLINE_MS, timeout: 4 * DEADLINE_MS,
    extraPrefsFirefox: { 'intl.accept_languages': 'en-US', 'datareporting.policy.dataSubmissionEnabled': false },
  });
}

// Runs in the page before its own scripts: what the Content-Security-Policy stopped.
function watchPage() {
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) => {
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
}

// A visitor with storage of their own. Counts what no page may ever do.
export class Person {
  errors = [];

  static async visit(browser, url) {
    const person = new Person();
    person.context = await browser.createBrowserContext();
    person.page = await person.context.newPage();
    person.page.setDefaultTimeout(DEADLINE_MS);
    // Firefox reports a connection that failed as an error of the page.
    person.page.on('pageerror', (error) => /establish a connection/.test(error) || person.errors.push(String(error)));
    await person.page.evaluateOnNewDocument(watchPage);
    await person.page.goto(url);
    return person;
  }

  static async join(browser, url, name) {
    const person = await Person.visit(browser, url);
    await person.sees('#name-dialog input');
    await person.page.type('#name-dialog input', name);
    await person.page.keyboard.press('Enter');
    await person.isOnline();
    return person;
  }

  async isOnline() {
    await this.until(() => document.querySelector('#status[data-state=online]') && !document.querySelector('.skeleton'));
  }

  // A page behind others has no frames, and the focus only for itself.
  async comesToFront() {
    await this.page.bringToFront();
  }

  async until(holds, ...values) {
    return this.page.waitForFunction(holds, {}, ...values);
  }

  async sees(selector) {
    await this.page.waitForSelector(selector, { visible: true });
  }

  async seesNot(selector) {
    await this.page.waitForSelector(selector, { hidden: true });
  }

  async isIn(selector) {
    await this.until((wanted) => document.activeElement.matches(wanted), selector);
  }

  async type(text) {
    await this.page.keyboard.type(text);
  }

  async press(...keys) {
    for (const key of keys.slice(0, -1)) {
      await this.page.keyboard.down(key);
    }
    await this.page.keyboard.press(keys.at(-1));
    for (const key of keys.slice(0, -1).reverse()) {
      await this.page.keyboard.up(key);
    }
  }

  async say(text) {
    await this.page.focus(BOX);
    await this.type(text);
    await this.press('Enter');
  }

  async written() {
    return this.page.$eval(BOX, (box) => box.value);
  }

  // Wait for a message that the server has, by its exact text; returns what is shown of it.
  async reads(text) {
    const handle = await this.until((wanted) => {
      const nodes = [...document.querySelectorAll('.message:not(.pending)')];
      const node = nodes.findLast((one) => one.querySelector('.text').textContent === wanted);
      return node && { sender: node.querySelector('.sender').textContent, own: node.classList.contains('own') };
    }, text);
    return handle.jsonValue();
  }

  async texts() {
    return this.page.$$eval('.message .text', (nodes) => nodes.map((node) => node.textContent));
  }

  // Leave, after a look at what must never have happened.
  async leave() {
    const violations = await this.page.evaluate(() => window.violations);
    await this.context.close();
    assert.deepEqual({ errors: this.errors, violations }, { errors: [], violations: [] });
  }
}
