// browser.mjs: a real browser, and people in it.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

import { DEADLINE_MS } from '../lib/waiting.mjs';

// The same engine without the windows, menus and extensions around it, which take half of the processor time of a test.
const SHELL = '/usr/bin/chromium-headless-shell';
const WHOLE = '/usr/bin/chromium';
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

export function launch({ isWhole = false } = {}) {
  const program = process.env.CHROMIUM ?? (!isWhole && existsSync(SHELL) ? SHELL : WHOLE);
  return chromium.launch({ executablePath: program, args: FLAGS });
}

// Runs in the page before its own scripts: what the Content-Security-Policy stopped, the page's sockets, and a switch
// for the visibility that a headless browser never changes.
function watchPage() {
  window.watched = { violations: [], sockets: [], hidden: false };
  document.addEventListener('securitypolicyviolation', (event) => {
    window.watched.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });
  Object.defineProperty(document, 'hidden', { get: () => window.watched.hidden });
  window.WebSocket = new Proxy(window.WebSocket, {
    construct(target, args) {
      const socket = new target(...args);
      window.watched.sockets.push(socket);
      return socket;
    },
  });
}

// A visitor with storage of their own. Counts what no page may ever do.
export class Person {
  dialogs = 0;
  pageErrors = [];

  static async visit(browser, url, options = {}) {
    const person = new Person();
    person.context = await browser.newContext({ locale: 'en-US', ignoreHTTPSErrors: true, ...options });
    person.context.setDefaultTimeout(DEADLINE_MS);
    await person.context.addInitScript(watchPage);
    person.page = await person.context.newPage();
    person.page.on('dialog', (dialog) => {
      person.dialogs += 1;
      dialog.dismiss();
    });
    person.page.on('pageerror', (error) => person.pageErrors.push(String(error)));
    await options.prepare?.(person.page);
    await person.page.goto(url);
    return person;
  }

  static async join(browser, url, name, options) {
    const person = await Person.visit(browser, url, options);
    await person.giveName(name);
    await person.isOnline();
    return person;
  }

  async giveName(name) {
    await this.page.locator('#name-dialog input').fill(name);
    await this.page.locator('#name-dialog button[type=submit]').click();
  }

  // On a phone the state is in a drawer.
  async isOnline() {
    await this.page.locator('#status[data-state=online]').waitFor({ state: 'attached' });
    await this.page.waitForFunction(() => !document.querySelector('.skeleton'));
  }

  async write(text) {
    await this.page.locator('#composer textarea').fill(text);
  }

  async press(key) {
    await this.page.locator('#composer textarea').press(key);
  }

  async say(text) {
    await this.write(text);
    await this.press('Enter');
  }

  async written() {
    return this.page.locator('#composer textarea').inputValue();
  }

  // Until the message box has this text.
  async writes(text) {
    await this.page.waitForFunction((wanted) => document.querySelector('#composer textarea').value === wanted, text);
  }

  async sees(selector) {
    await this.page.locator(selector).first().waitFor({ state: 'visible' });
  }

  async seesNot(selector) {
    await this.page.locator(selector).first().waitFor({ state: 'hidden' });
  }

  // Wait for a message by its exact text; returns what is shown of it.
  async reads(text) {
    const handle = await this.page.waitForFunction((wanted) => {
      const messages = [...document.querySelectorAll('.message')];
      const node = messages.findLast((message) => message.querySelector('.text').textContent === wanted);
      return node && {
        sender: node.querySelector('.sender').textContent,
        time: node.querySelector('time').dateTime,
        shownTime: node.querySelector('time').textContent,
        state: ['failed', 'pending'].find((state) => node.classList.contains(state)) ?? 'stored',
        own: node.classList.contains('own'),
        long: node.querySelector('.long') !== null,
        elements: node.querySelector('.text').childElementCount,
      };
    }, text);
    return handle.jsonValue();
  }

  // Wait for a message that the server has.
  async readsStored(text) {
    await this.page.waitForFunction((wanted) => [...document.querySelectorAll('.message:not(.pending)')].some(
      (node) => node.querySelector('.text').textContent === wanted), text);
    return this.reads(text);
  }

  // The row of a message.
  row(text) {
    return this.page.locator('.message', { has: this.page.locator('.text', { hasText: text }) }).last();
  }

  // Click an action of a message, by its class.
  async act(text, action) {
    await this.row(text).hover();
    await this.row(text).locator(`.actions .${action}`).click();
  }

  async texts() {
    return this.page.locator('.message .text').allTextContents();
  }

  // Another tab is in front, or this one again.
  async look(isShown) {
    await this.page.evaluate((value) => {
      window.watched.hidden = !value;
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    }, isShown);
  }

  async messageCount() {
    return this.page.locator('.message').count();
  }

  // Leave, after a look at what must never have happened.
  async leave() {
    const violations = await this.page.evaluate(() => window.watched.violations);
    await this.context.close();
    assert.deepEqual({ dialogs: this.dialogs, errors: this.pageErrors, violations },
      { dialogs: 0, errors: [], violations: [] });
  }
}
