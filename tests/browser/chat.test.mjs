// People in two browsers, the real page, the real server.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { makeCertificate } from '../lib/certificate.mjs';
import { Chatroom } from '../lib/chatroom.mjs';
import { serveFirstClient, serveUnder } from '../lib/pages.mjs';
import { run, test } from '../lib/tap.mjs';
import { Person, launch } from './browser.mjs';

// Evaluated by the debugger, since the page's Content-Security-Policy lets no script be added.
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { viewport: { width: 375, height: 667 }, isMobile: true, hasTouch: true };
const SECOND_MS = 1000;

const browser = await launch();

// A chat room of this test's own, and people who leave it when the test is over.
async function open(t, { options = {}, address } = {}) {
  const chatroom = await Chatroom.start(address, options);
  t.after(() => chatroom.kill());
  const url = `http://127.0.0.1:${chatroom.port}/`;
  const join = async (name, settings) => {
    const person = await Person.join(browser, url, name, settings);
    t.after(() => person.leave());
    return person;
  };
  const visit = async (settings) => {
    const person = await Person.visit(browser, url, settings);
    t.after(() => person.leave());
    return person;
  };
  return { chatroom, url, join, visit };
}

// A chat room that allows pages of another origin beside its own, which it has to name too: so it is started once to
// learn its port.
async function openNaming(t, origin) {
  const first = await Chatroom.start();
  await first.kill();
  const address = `127.0.0.1:${first.port}`;
  return open(t, { address, options: { 'server.allowed_origins': [origin, `http://${address}`] } });
}

test('two people see each other\'s messages with sender and time', async (t) => {
  const { join } = await open(t);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  const before = Date.now() - SECOND_MS;
  await ada.say('Good morning!');
  const seen = await zeno.reads('Good morning!');
  assert.deepEqual([seen.sender, seen.own], ['Ada', false]);
  assert.ok(Date.parse(seen.time) >= before && Date.parse(seen.time) <= Date.now() + SECOND_MS, seen.time);
  assert.match(seen.shownTime, /^\d+:\d\d/);
  await zeno.say('Good morning, Ada.');
  assert.equal((await ada.reads('Good morning, Ada.')).sender, 'Zeno');
  assert.equal((await ada.reads('Good morning!')).own, true);
  assert.deepEqual([await ada.messageCount(), await zeno.messageCount()], [2, 2]);
});

test('Chinese text, emoji and writing from right to left arrive as they were written', async (t) => {
  const { join } = await open(t);
  const [ada, ming] = [await join('Ada'), await join('小明')];
  for (const text of ['大家好，今天天气真好！', '👩‍👩‍👧‍👦🇨🇳 𝒳', 'مرحبا بالجميع', 'e\u0301 \u202Etxet\u202C \u0007 end']) {
    await ming.say(text);
    assert.equal((await ada.reads(text)).sender, '小明');
  }
});

test('a text of 4,000 characters arrives whole, folded until it is opened', async (t) => {
  const { join } = await open(t);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  for (const text of ['x'.repeat(3990) + '0123456789', '😀'.repeat(4000)]) {
    await ada.say(text);
    assert.equal((await zeno.reads(text)).long, true);
  }
  await zeno.page.locator('.show-all').last().click();
  assert.equal((await zeno.reads('😀'.repeat(4000))).long, false);
});

test('two people of one name are two people', async (t) => {
  const { join } = await open(t);
  const [ada, other] = [await join('Ada'), await join('Ada')];
  await other.page.evaluate(() => {
    window.watched.hidden = true;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await ada.say('mine');
  await other.say('yours');
  assert.deepEqual([(await ada.reads('mine')).own, (await other.reads('mine')).own], [true, false]);
  assert.deepEqual([(await ada.reads('yours')).own, (await other.reads('yours')).own], [false, true]);
  assert.equal(await other.page.title(), '(1) Stoa');
  assert.equal(await ada.page.locator('.message.continues').count(), 0);
});

// A way to the server whose direction up can be held.
async function holdable(t, port) {
  const line = { held: false, sockets: new Set() };
  const proxy = net.createServer((down) => {
    const up = net.connect(port, '127.0.0.1');
    line.sockets.add(down);
    down.on('data', (data) => line.held || up.write(data));
    up.pipe(down);
    for (const socket of [down, up]) {
      socket.on('error', () => {});
      socket.on('close', () => { down.destroy(); up.destroy(); });
    }
  });
  await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  t.after(() => { line.sockets.forEach((socket) => socket.destroy()); proxy.close(); });
  line.url = `http://127.0.0.1:${proxy.address().port}/`;
  return line;
}

test('a text that never reached the server is sent again by itself, and arrives once', async (t) => {
  const { chatroom, join } = await open(t);
  const line = await holdable(t, chatroom.port);
  const ada = await Person.join(browser, line.url, 'Ada');
  t.after(() => ada.leave());
  const other = await join('Ada');
  line.held = true;
  await ada.say('only Ada wrote this');
  await other.say('somebody else');
  assert.equal((await ada.reads('somebody else')).own, false);
  line.sockets.forEach((socket) => socket.destroy());
  line.held = false;
  await other.reads('only Ada wrote this');
  await ada.reads('only Ada wrote this');
  assert.equal(await ada.written(), '');
  assert.deepEqual([await ada.messageCount(), await other.messageCount()], [2, 2]);
});

for (const [what, prefix, path] of [['a proxy gives it a folder', '/chat/', '/'], ['server.path is another', '/', '/ws'],
  ['both', '/a/b/', '/deep/50% "é']]) {
  test(`the page finds its server where ${what}`, async (t) => {
    const { chatroom } = await open(t, { options: { 'server.path': path } });
    const proxy = await serveUnder(prefix, chatroom.port);
    t.after(() => proxy.close());
    const ada = await Person.join(browser, `${proxy.origin}${prefix}`, 'Ada');
    t.after(() => ada.leave());
    await ada.say('found');
    await ada.reads('found');
    const { pathname } = new URL(await ada.page.evaluate(() => window.watched.sockets[0].url));
    assert.equal(decodeURIComponent(pathname), prefix + path.slice(1));
  });
}

test('markup and scripts are shown as text', async (t) => {
  const { join } = await open(t);
  const [ada, mallory] = [await join('Ada'), await join('<b>Mallory</b>')];
  const texts = ['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '</div><svg onload=alert(1)>',
    'javascript:alert(1)', '<a href="javascript:alert(1)">x</a>', '{{7*7}} ${alert(1)} <style>*{display:none}</style>'];
  for (const text of texts) {
    await mallory.say(text);
    const seen = await ada.reads(text);
    assert.deepEqual([seen.sender, seen.elements], ['<b>Mallory</b>', 0]);
  }
});

test('only http and https links can be followed, and they tell nothing about this page', async (t) => {
  const { join } = await open(t);
  const ada = await join('Ada');
  const text = 'See https://example.org/a_(b)?c=1. Not javascript:alert(1), not data:text/html,x.';
  await ada.say(text);
  await ada.reads(text);
  const links = await ada.page.locator('.text a').evaluateAll((nodes) => nodes.map((a) => [a.href, a.rel, a.target]));
  assert.deepEqual(links, [['https://example.org/a_(b)?c=1', 'noopener noreferrer nofollow', '_blank']]);
});

test('Enter sends, Shift+Enter starts a new line, and nothing is sent without text', async (t) => {
  const { join } = await open(t);
  const ada = await join('Ada');
  await ada.write('   ');
  await ada.press('Enter');
  await ada.write('one');
  await ada.press('Shift+Enter');
  await ada.page.keyboard.type('two');
  assert.equal(await ada.written(), 'one\ntwo');
  await ada.press('Enter');
  await ada.reads('one\ntwo');
  assert.deepEqual([await ada.written(), await ada.messageCount()], ['', 1]);
});

test('Enter that ends a composition of an input method does not send', async (t) => {
  const { join } = await open(t);
  const ada = await join('Ada');
  await ada.page.locator('#composer textarea').focus();
  const devtools = await ada.context.newCDPSession(ada.page);
  await devtools.send('Input.imeSetComposition', { text: '你好', selectionStart: 2, selectionEnd: 2 });
  await ada.page.keyboard.press('Enter');
  // Browsers that end the composition first mark the key with this number.
  await ada.page.evaluate(() => document.querySelector('#composer textarea').dispatchEvent(
    new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true })));
  await devtools.send('Input.insertText', { text: '你好' });
  assert.equal((await ada.written()).trim(), '你好');
  await ada.say('你好吗');
  await ada.reads('你好吗');
  assert.equal(await ada.messageCount(), 1);
});

test('a message that is too long is refused before it is sent, and its text is kept', async (t) => {
  const small = { 'server.limits.message_bytes_max': 1000 };
  for (const [options, text] of [[{}, '😀'.repeat(4001)], [small, '长'.repeat(400)]]) {
    const { join } = await open(t, { options });
    const ada = await join('Ada');
    await ada.say(text);
    await ada.page.getByText('This message is too long').waitFor();
    assert.equal(await ada.written(), text);
    await ada.say('short');
    await ada.reads('short');
    assert.equal(await ada.messageCount(), 1);
  }
});

test('a message that comes too soon is given back with the time to wait', async (t) => {
  const { join } = await open(t);
  for (const [code, wanted] of [[111, 'Too many messages at once'], [106, 'The server has reached a limit']]) {
    const refusal = Buffer.from(JSON.stringify({ code, temporary: true, retryMs: 2500 }));
    const refuse = (socket, id) => socket.send(Buffer.concat([Buffer.from([0xc0, 0, 0, 0]), id, refusal]));
    const ada = await join('Ada', { prepare: (page) => page.routeWebSocket(/./, (socket) => {
      answerHello(socket, undefined, (bytes) => bytes.readUInt32BE(0) === 0x80000000 && refuse(socket, bytes.subarray(4, 8)));
    }) });
    await ada.say('too soon');
    await ada.page.getByText(`${wanted}. Your text is kept. Try again in 3 s.`).waitFor();
    assert.equal(await ada.written(), 'too soon');
  }
});

test('a full server is shown with a countdown, and the page reconnects by itself', async (t) => {
  const { visit } = await open(t);
  const sockets = [];
  const ada = await visit({ prepare: async (page) => {
    await page.clock.install();
    await page.routeWebSocket(/./, (socket) => {
      if (sockets.push(socket) > 1) {
        socket.connectToServer();
        return;
      }
      socket.onMessage(() => {
        const refusal = Buffer.from('{"code":106,"reason":"FULL","temporary":true,"retryMs":600000}');
        socket.send(Buffer.concat([Buffer.from([0x40, 0, 0, 0]), refusal]));
        socket.close({ code: 4014, reason: 'full' });
      });
    });
  } });
  await ada.giveName('Ada');
  await ada.page.getByText('The server is full at the moment').waitFor();
  assert.match(await ada.page.locator('#banner-countdown').textContent(), /^in (59\d|60\d) s$/);
  assert.equal(await ada.page.getByRole('button', { name: 'Retry now' }).isVisible(), true);
  assert.equal(await ada.page.locator('#notice').textContent(), '');
  // Real time goes on beside the one that the test moves.
  await ada.page.clock.runFor(500 * SECOND_MS);
  assert.equal(sockets.length, 1);
  await ada.page.clock.runFor(101 * SECOND_MS);
  await ada.sees('#status[data-state=online]');
  await ada.seesNot('#banner');
});

test('a name that the server refuses is asked for again, and the accepted one is remembered', async (t) => {
  const { visit } = await open(t);
  const person = await visit({ prepare: (page) => page.routeWebSocket(/./, (socket) => answerHello(socket, (nick) => {
    const taken = '{"code":124,"reason":"NICK_TAKEN","message":"taken"}';
    return nick === 'Ada' ? { error: true, payload: taken } : { payload: JSON.stringify({ nick }) };
  })) });
  await person.giveName('Ada');
  await person.page.getByText('Someone is using this name').waitFor();
  await person.giveName('Beatrix');
  await person.sees('#status[data-state=online]');
  await person.page.reload();
  await person.sees('#status[data-state=online]');
  assert.equal(await person.page.locator('#me-name').textContent(), 'Beatrix');
});

test('a name can be changed, and later messages carry the new one', async (t) => {
  const { join } = await open(t);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  await ada.page.locator('#me').click();
  await ada.giveName('Augusta');
  await ada.page.getByText('Augusta', { exact: true }).waitFor();
  await ada.sees('#status[data-state=online]');
  await ada.page.waitForFunction(() => window.watched.sockets.at(-1).readyState === WebSocket.OPEN);
  await ada.say('It is me.');
  assert.equal((await zeno.reads('It is me.')).sender, 'Augusta');
  assert.equal((await ada.reads('It is me.')).own, true);
});

test('a name of no or too many characters is not accepted', async (t) => {
  const { visit } = await open(t);
  const person = await visit();
  for (const name of ['', '   ', 'x'.repeat(33)]) {
    await person.giveName(name);
    await person.page.getByText('A name has 1 to 32 characters').waitFor();
  }
  await person.page.keyboard.press('Escape');
  await person.sees('#name-dialog');
  await person.giveName('😀'.repeat(32));
  await person.sees('#status[data-state=online]');
});

test('the page comes back by itself when the server was killed and started again', async (t) => {
  const { chatroom, join } = await open(t);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  await ada.say('before');
  await zeno.reads('before');
  await chatroom.kill();
  for (const person of [ada, zeno]) {
    await person.sees('#banner');
    assert.match(await person.page.locator('#banner').innerText(), /The connection was lost/);
  }
  await ada.say('kept');
  assert.equal(await ada.written(), 'kept');
  const again = await Chatroom.start(`127.0.0.1:${chatroom.port}`);
  t.after(() => again.kill());
  for (const person of [ada, zeno]) {
    await person.seesNot('#banner');
    await person.sees('.note');
  }
  await ada.press('Enter');
  assert.equal((await zeno.reads('kept')).sender, 'Ada');
  await zeno.say('after');
  await ada.reads('after');
  assert.equal(await ada.messageCount(), 3);
});

test('messages outlive a server that is killed: those who are there miss nothing, and newcomers see them', async (t) => {
  const options = { data_dir: await mkdtemp(path.join(tmpdir(), 'chat-')) };
  t.after(() => rm(options.data_dir, { recursive: true }));
  const { chatroom, join } = await open(t, { options });
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  await ada.say('kept');
  await zeno.reads('kept');
  await chatroom.kill();
  await ada.sees('#banner');
  const again = await Chatroom.start(`127.0.0.1:${chatroom.port}`, options);
  t.after(() => again.kill());
  const late = await join('Late');
  assert.equal((await late.reads('kept')).sender, 'Ada');
  for (const person of [ada, zeno]) {
    await person.seesNot('#banner');
  }
  await late.say('after');
  for (const person of [ada, zeno, late]) {
    await person.reads('after');
    assert.equal(await person.messageCount(), 2);
    assert.equal(await person.page.locator('.note').count(), 0);
  }
});

test('"Retry now" and a network that is back connect at once', async (t) => {
  const { chatroom, join } = await open(t);
  const ada = await join('Ada', { prepare: (page) => page.addInitScript(() => { Math.random = () => 1; }) });
  await chatroom.kill();
  const retry = ada.page.getByRole('button', { name: 'Retry now' });
  const sockets = () => ada.page.evaluate(() => window.watched.sockets.length);
  await retry.waitFor();
  const before = await sockets();
  await retry.click();
  await ada.page.waitForFunction((count) => window.watched.sockets.length > count, before);
  await retry.waitFor();
  const again = await Chatroom.start(`127.0.0.1:${chatroom.port}`);
  t.after(() => again.kill());
  await ada.page.evaluate(() => window.dispatchEvent(new Event('online')));
  await ada.sees('#status[data-state=online]');
});

// A page whose clock the test moves, and whose first socket reaches the server through the test's hands.
async function withLine(join, name) {
  const sockets = [];
  const person = await join(name, {
    prepare: async (page) => {
      await page.clock.install();
      await page.addInitScript(() => { Math.random = () => 1; });
      await page.routeWebSocket(/./, (socket) => {
        if (sockets.push(socket) === 1) {
          socket.connectToServer();
        }
      });
    },
  });
  await person.page.clock.pauseAt(await person.page.evaluate(() => Date.now() + 1000));
  return { person, sockets };
}

test('a break shorter than two seconds shows nothing, a longer one a banner', async (t) => {
  const { join } = await open(t);
  const { person, sockets } = await withLine(join, 'Ada');
  await sockets[0].close({ code: 4001, reason: 'draining' });
  await person.page.waitForFunction(() => window.watched.sockets[0].readyState === WebSocket.CLOSED);
  await person.page.clock.runFor(1900);
  assert.equal(await person.page.locator('#banner').isVisible(), false);
  assert.equal(await person.page.locator('#status').getAttribute('data-state'), 'online');
  await person.page.clock.runFor(400);
  assert.equal(await person.page.locator('#banner').isVisible(), true);
  assert.equal(await person.page.locator('#status').getAttribute('data-state'), 'offline');
});

test('a close code of 4500 or above is final: the banner says why and nothing is tried again', async (t) => {
  const { join } = await open(t);
  const { person, sockets } = await withLine(join, 'Ada');
  await sockets[0].close({ code: 4503, reason: 'kicked' });
  await person.page.getByText('You were removed from the chat.').waitFor();
  await person.page.clock.runFor(600 * SECOND_MS);
  await person.page.evaluate(() => window.dispatchEvent(new Event('online')));
  assert.equal(sockets.length, 1);
});

test('a page that the server closes for too many errors does not reconnect', async (t) => {
  const { join } = await open(t, { options: { 'server.limits.session_errors_max': 3 } });
  const ada = await join('Ada');
  await ada.page.evaluate(() => {
    for (let i = 0; i < 10; i += 1) {
      window.watched.sockets[0].send(new Uint8Array([0, 0, 0, 99, 0x7b, 0x7d]));
    }
  });
  await ada.page.getByText('after too many errors').waitFor();
  assert.equal(await ada.page.evaluate(() => window.watched.sockets.length), 1);
  await ada.page.getByRole('button', { name: 'Connect again' }).click();
  await ada.sees('#status[data-state=online]');
});

test('the first client, from another origin that is allowed, and the page chat with each other', async (t) => {
  const first = await serveFirstClient();
  t.after(() => first.close());
  const { chatroom, join } = await openNaming(t, first.origin);
  const ada = await join('Ada');
  const guest = await Person.visit(browser, `${first.origin}/?server=ws://127.0.0.1:${chatroom.port}/`);
  t.after(() => guest.leave());
  await guest.page.waitForFunction(() => document.title === 'The first client: open');
  const long = '大理石柱😀'.repeat(800);
  for (const text of ['hello from the first client', long]) {
    await guest.page.locator('input').fill(text);
    await guest.page.locator('button').click();
    assert.match((await ada.reads(text)).sender, /^guest-/);
    await guest.page.waitForFunction((wanted) => document.querySelector('li:last-child')?.textContent === wanted, text);
  }
  await ada.say('你好 👋');
  await guest.page.locator('li', { hasText: '你好 👋' }).waitFor();
  assert.match(await guest.page.locator('li').last().getAttribute('title'), /^Ada, \d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.equal(await guest.page.locator('li').count(), 3);
});

test('a page from an origin that is not allowed cannot connect', async (t) => {
  const first = await serveFirstClient();
  t.after(() => first.close());
  const { chatroom, join } = await openNaming(t, 'http://127.0.0.1:1');
  const stranger = await Person.visit(browser, `${first.origin}/?server=ws://127.0.0.1:${chatroom.port}/`);
  t.after(() => stranger.leave());
  await stranger.page.waitForFunction(() => document.title === 'The first client: close');
  await join('Ada');
});

test('over TLS the page uses wss and chats as well', async (t) => {
  const tls = await makeCertificate();
  t.after(() => tls.remove());
  const options = { 'server.tls.certificate': tls.certificate, 'server.tls.key': tls.key };
  const chatroom = await Chatroom.start('wss://127.0.0.1:0', options);
  t.after(() => chatroom.kill());
  const ada = await Person.join(browser, `https://127.0.0.1:${chatroom.port}/`, 'Ada');
  t.after(() => ada.leave());
  await ada.say('safely');
  await ada.reads('safely');
  assert.match(await ada.page.evaluate(() => window.watched.sockets[0].url), /^wss:/);
});

test('someone who reads older messages keeps the place and is told how many are new', async (t) => {
  const { join } = await open(t);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  for (let i = 1; i <= 30; i += 1) {
    await ada.say(`line ${i}`);
  }
  await zeno.reads('line 30');
  const log = zeno.page.locator('#log');
  assert.ok(await log.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight < 2), 'at the bottom');
  await log.evaluate((node) => { node.scrollTop = 100; });
  await zeno.page.waitForFunction(() => document.querySelector('#log').getAttribute('aria-live') === 'off');
  await ada.say('new one');
  await zeno.page.getByRole('button', { name: '1 new message' }).waitFor();
  await ada.say('new two');
  const button = zeno.page.getByRole('button', { name: '2 new messages' });
  await button.waitFor();
  assert.equal(await log.evaluate((node) => node.scrollTop), 100);
  await button.click();
  await button.waitFor({ state: 'hidden' });
  assert.ok(await log.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight < 2), 'at the bottom');
});

test('the title counts the messages that came while the page was hidden', async (t) => {
  const { join } = await open(t);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  const look = (hidden) => zeno.page.evaluate((value) => {
    window.watched.hidden = value;
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  await look(true);
  await ada.say('one');
  await ada.say('two');
  await zeno.page.waitForFunction(() => document.title === '(2) Stoa');
  await zeno.reads('two');
  await look(false);
  assert.equal(await zeno.page.title(), 'Stoa');
});

test('days are separated, and messages of one person within five minutes are grouped', async (t) => {
  const { join } = await open(t);
  const ada = await join('Ada', { prepare: (page) => page.routeWebSocket(/./, (socket) => chat(socket)) });
  await ada.reads('next day');
  const rows = await ada.page.locator('#list > *').evaluateAll((nodes) => nodes.map((node) => node.classList[0] +
    (node.classList.contains('continues') ? ' continues' : '')));
  assert.deepEqual(rows, ['day', 'message', 'message continues', 'message', 'message', 'day', 'message']);

  function chat(socket) {
    answerHello(socket);
    const send = (message, sender, timestamp) => socket.send(chatBytes({ message, sender, timestamp }));
    send('a', 'Zeno', '2026-01-02T10:00:00.000Z');
    send('b', 'Zeno', '2026-01-02T10:04:00.000Z');
    send('c', 'Zeno', '2026-01-02T10:09:30.000Z');
    send('d', 'Chrysippus', '2026-01-02T10:09:40.000Z');
    send('next day', 'Chrysippus', '2026-01-03T10:09:50.000Z');
  }
});

test('of very many messages the page keeps the newest two thousand', async (t) => {
  const { join } = await open(t);
  const ada = await join('Ada', { prepare: (page) => page.routeWebSocket(/./, (socket) => {
    answerHello(socket);
    for (let i = 1; i <= 3000; i += 1) {
      socket.send(chatBytes({ message: `line ${i}`, sender: 'Zeno', timestamp: '2026-01-02T10:00:00.000Z' }));
    }
  }) });
  await ada.reads('line 3000');
  const count = await ada.messageCount();
  assert.ok(count <= 2000 && count >= 1800, String(count));
  // The oldest one that is left shows its sender, though it was in the middle of a group.
  assert.doesNotMatch(await ada.page.locator('.message').first().getAttribute('class'), /continues/);
});

function chatBytes(message) {
  return Buffer.concat([Buffer.alloc(4), Buffer.from(JSON.stringify(message))]);
}

// Be the server of one socket: answer its Hello, whatever its id, with what reply(nick) gives.
//
// otherwise  called for every other frame
function answerHello(socket, reply = (nick) => ({ payload: JSON.stringify({ nick }) }), otherwise = () => {}) {
  socket.onMessage((frame) => {
    const bytes = Buffer.from(frame);
    if (bytes.readUInt32BE(0) === 0x80000010) {
      const { error = false, payload } = reply(JSON.parse(bytes.subarray(8).toString()).nick);
      const head = Buffer.from(bytes.subarray(0, 8));
      head[0] |= error ? 0x40 : 0;
      socket.send(Buffer.concat([head, Buffer.from(payload)]));
    } else {
      otherwise(bytes);
    }
  });
}

test('a Chinese browser gets the page in Chinese', async (t) => {
  const { visit } = await open(t);
  const person = await visit({ locale: 'zh-CN' });
  await person.page.getByText('欢迎来到 Stoa').waitFor();
  await person.giveName('小明');
  await person.page.getByText('已连接').waitFor();
  assert.equal(await person.page.locator('html').getAttribute('lang'), 'zh-CN');
  assert.equal(await person.page.locator('#composer textarea').getAttribute('placeholder'), '输入消息');
});

test('on a phone everything fits, can be hit by a finger, and does not zoom', async (t) => {
  const { join } = await open(t);
  const ada = await join('A name of thirty-two characters!', PHONE);
  await ada.say('w'.repeat(500));
  await ada.reads('w'.repeat(500));
  await ada.write('a draft');
  const measured = await ada.page.evaluate(() => {
    const boxes = [...document.querySelectorAll('button, textarea')].map((node) => node.getBoundingClientRect());
    return {
      wide: [document.documentElement, document.querySelector('#log')].some((node) => node.scrollWidth > innerWidth),
      small: boxes.filter((box) => box.width > 0 && (box.width < 44 || box.height < 44)).length,
      fontSize: parseFloat(getComputedStyle(document.querySelector('#composer textarea')).fontSize),
    };
  });
  assert.deepEqual(measured, { wide: false, small: 0, fontSize: 16 });
});

async function findings(person) {
  await person.page.evaluate(AXE);
  const { violations } = await person.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.map((violation) => `${violation.impact} ${violation.id}: ${violation.nodes[0].html}`);
}

for (const [look, settings] of [['light', { colorScheme: 'light' }], ['dark', { colorScheme: 'dark' }],
  ['on a phone', { ...PHONE, colorScheme: 'light' }]]) {
  test(`axe finds no problem, ${look}`, async (t) => {
    const { chatroom, join, visit } = await open(t);
    const asked = await visit({ ...settings, reducedMotion: 'reduce' });
    assert.deepEqual(await findings(asked), []);
    const [ada, zeno] = [await join('Ada', { ...settings, reducedMotion: 'reduce' }), await join('Zeno')];
    for (const text of ['hello', 'https://example.org/', '👍', 'long '.repeat(600)]) {
      await zeno.say(text);
      await ada.say(text);
    }
    await zeno.reads('long '.repeat(600).trim());
    await ada.page.waitForFunction(() => document.querySelectorAll('.message').length === 8);
    assert.deepEqual(await findings(ada), []);
    await chatroom.kill();
    await ada.page.getByRole('button', { name: 'Retry now' }).waitFor();
    await ada.say('kept');
    assert.deepEqual(await findings(ada), []);
  });
}

await run();
