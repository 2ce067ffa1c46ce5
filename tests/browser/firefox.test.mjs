// The main things that people do, in Firefox: the other programs of this folder use Chromium.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Chatroom } from '../lib/chatroom.mjs';
import { run, test } from '../lib/tap.mjs';
import { launch, Person } from './firefox.mjs';

const browser = await launch();

async function open(t, names) {
  const options = { data_dir: await mkdtemp(path.join(tmpdir(), 'chat-')) };
  t.after(() => rm(options.data_dir, { recursive: true }));
  const chatroom = await Chatroom.start('127.0.0.1:0', options);
  t.after(() => chatroom.kill());
  const url = `http://127.0.0.1:${chatroom.port}/`;
  const people = [];
  for (const name of names) {
    const person = await Person.join(browser, url, name);
    t.after(() => person.leave());
    people.push(person);
  }
  return { chatroom, options, people };
}

test('two people chat, see each other, and a reload keeps name, user and messages', async (t) => {
  const { people: [ada, zeno] } = await open(t, ['Ada', 'Zeno']);
  await ada.say('Good morning! 你好 👩‍👩‍👧‍👦');
  assert.deepEqual(await zeno.reads('Good morning! 你好 👩‍👩‍👧‍👦'), { sender: 'Ada', own: false });
  await zeno.say('See https://example.org/ and <b>not this</b>');
  assert.deepEqual(await ada.reads('See https://example.org/ and <b>not this</b>'), { sender: 'Zeno', own: false });
  const links = await ada.page.$$eval('.text a', (nodes) => nodes.map((a) => [a.href, a.rel, a.target]));
  assert.deepEqual(links, [['https://example.org/', 'noopener noreferrer nofollow', '_blank']]);
  await ada.until(() => document.querySelectorAll('.member').length === 2);
  await ada.page.reload();
  await ada.isOnline();
  assert.equal((await ada.reads('Good morning! 你好 👩‍👩‍👧‍👦')).own, true);
});

test('a server that is killed while people write and started again loses and doubles nothing', async (t) => {
  const { chatroom, options, people } = await open(t, ['Ada', 'Zeno']);
  const [ada] = people;
  const texts = Array.from({ length: 6 }, (_, at) => `text ${at + 1}`);
  for (const text of texts.slice(0, 3)) {
    await ada.say(text);
  }
  await chatroom.kill();
  for (const text of texts.slice(3)) {
    await ada.say(text);
  }
  await ada.sees('#banner');
  const again = await Chatroom.start(`127.0.0.1:${chatroom.port}`, options);
  t.after(() => again.kill());
  for (const person of people) {
    await person.reads('text 6');
    await person.seesNot('#banner');
    assert.deepEqual(await person.texts(), texts);
  }
});

test('an input method composes without sending', async (t) => {
  const { people: [ada] } = await open(t, ['Ada']);
  await ada.page.focus('#composer textarea');
  await ada.type('ni');
  // Firefox marks the key itself; browsers that end the composition first mark it with a number.
  await ada.page.evaluate(() => {
    const box = document.querySelector('#composer textarea');
    const key = (more) => new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...more });
    box.dispatchEvent(new CompositionEvent('compositionstart', { bubbles: true }));
    box.dispatchEvent(key({ isComposing: true }));
    box.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true, data: '你' }));
    box.dispatchEvent(key({ keyCode: 229 }));
  });
  assert.equal(await ada.written(), 'ni');
  await ada.press('Enter');
  await ada.reads('ni');
  assert.deepEqual(await ada.texts(), ['ni']);
});

test('with the keyboard alone one writes, edits, reacts, answers and switches rooms', async (t) => {
  const { people: [zeno, ada] } = await open(t, ['Zeno', 'Ada']);
  await ada.isIn('#composer textarea');
  await ada.type('one');
  await ada.press('Shift', 'Enter');
  await ada.type('two');
  assert.equal(await ada.written(), 'one\ntwo');
  await ada.press('Enter');
  await ada.reads('one\ntwo');
  await ada.press('ArrowUp');
  await ada.until(() => document.querySelector('#composer textarea').value === 'one\ntwo');
  await ada.type(' and three');
  await ada.press('Enter');
  await zeno.reads('one\ntwo and three');
  await ada.page.focus('#log');
  await ada.press('ArrowUp');
  await ada.isIn('.message');
  await ada.press('+');
  await ada.isIn('.picker button');
  await ada.press('Enter');
  await zeno.sees('.reaction');
  await ada.isIn('.message');
  await ada.press('r');
  await ada.isIn('#composer textarea');
  await ada.type('answer');
  await ada.press('Enter');
  await zeno.sees('.quoted');
  await ada.press('Control', 'k');
  await ada.isIn('#switch-dialog input');
  await ada.type('other');
  await ada.press('Enter');
  await ada.until(() => document.querySelector('#room-name').textContent === 'other');
});

test('older messages are put in without a jump', async (t) => {
  const { people: [ada, zeno] } = await open(t, ['Ada', 'Zeno']);
  // Typing each one would take a minute.
  await zeno.page.evaluate(async () => {
    const box = document.querySelector('#composer textarea');
    for (let at = 1; at <= 80; at += 1) {
      box.value = `line ${at}${at % 7 ? '' : '\nand more'}`;
      box.form.requestSubmit();
      await new Promise((resolve) => { requestAnimationFrame(resolve); });
    }
  });
  await ada.comesToFront();
  await ada.reads('line 80');
  await ada.page.reload();
  await ada.isOnline();
  await ada.reads('line 80');
  const moved = await ada.page.evaluate(async () => {
    const log = document.querySelector('#log');
    const rows = () => [...document.querySelectorAll('.message')];
    const oldest = rows()[0].dataset.key;
    log.scrollTop = 250;
    const { top } = log.getBoundingClientRect();
    const first = rows().find((node) => node.getBoundingClientRect().bottom > top);
    const before = first.getBoundingClientRect().top;
    while (rows()[0].dataset.key === oldest) {
      await new Promise((resolve) => { requestAnimationFrame(resolve); });
    }
    return Math.abs(first.getBoundingClientRect().top - before);
  });
  assert.ok(moved <= 1, `moved by ${moved} px`);
});

test('the page in dark and in Chinese', async (t) => {
  const { people: [ada] } = await open(t, ['Ada']);
  const kept = await ada.page.evaluate(() => {
    localStorage.setItem('stoa.theme', 'dark');
    localStorage.setItem('stoa.language', 'zh');
    return Object.keys(localStorage);
  });
  assert.ok(kept.includes('stoa.nick'), kept.join());
  await ada.page.reload();
  await ada.isOnline();
  const shown = await ada.page.evaluate(() => [document.documentElement.dataset.theme, document.documentElement.lang,
    document.querySelector('#composer textarea').placeholder]);
  assert.deepEqual(shown, ['dark', 'zh', '发送消息到 #lobby']);
});

await run();
