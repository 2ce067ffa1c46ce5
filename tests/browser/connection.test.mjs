// The page's connection: servers that end and come back, networks that break, proxies, other origins, TLS.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { makeCertificate } from '../lib/certificate.mjs';
import { Chatroom } from '../lib/chatroom.mjs';
import { serveFirstClient, serveUnder } from '../lib/pages.mjs';
import { run, test } from '../lib/tap.mjs';
import { Person, launch } from './browser.mjs';
import { open } from './people.mjs';

const SECOND_MS = 1000;
const BROADCAST_PAGES = fileURLToPath(new URL('../../examples/broadcast/web', import.meta.url));

const browser = await launch();

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
  const { chatroom, join } = await open(t, browser);
  const line = await holdable(t, chatroom.port);
  const ada = await Person.join(browser, line.url, 'Ada');
  t.after(() => ada.leave());
  const other = await join('Zeno');
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
    const { chatroom } = await open(t, browser, { options: { 'server.path': path } });
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

test('a full server is shown with a countdown, and the page reconnects by itself', async (t) => {
  const { visit } = await open(t, browser);
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
  assert.match(await ada.page.locator('#banner-countdown').textContent(), /^in (59\d|60\d) s\.$/);
  assert.equal(await ada.page.getByRole('button', { name: 'Retry now' }).isVisible(), true);
  assert.equal(await ada.page.locator('.toast').count(), 0);
  // Real time goes on beside the one that the test moves.
  await ada.page.clock.runFor(500 * SECOND_MS);
  assert.equal(sockets.length, 1);
  await ada.page.clock.runFor(101 * SECOND_MS);
  await ada.isOnline();
  await ada.seesNot('#banner');
});

test('the page comes back by itself when the server was killed and started again', async (t) => {
  const { chatroom, join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  await ada.say('before');
  await zeno.reads('before');
  await chatroom.kill();
  for (const person of [ada, zeno]) {
    await person.sees('#banner');
    assert.match(await person.page.locator('#banner').innerText(), /The connection was lost/);
  }
  await ada.say('kept');
  assert.equal((await ada.reads('kept')).state, 'pending');
  const again = await Chatroom.start(`127.0.0.1:${chatroom.port}`);
  t.after(() => again.kill());
  for (const person of [ada, zeno]) {
    await person.seesNot('#banner');
    // This server had its messages in memory.
    await person.sees('.note');
  }
  assert.equal((await zeno.reads('kept')).sender, 'Ada');
  await zeno.say('after');
  await ada.reads('after');
  assert.deepEqual(await ada.texts(), ['kept', 'after']);
});

test('messages outlive a server that is killed: those who are there miss nothing, and newcomers see them', async (t) => {
  const options = { data_dir: await mkdtemp(path.join(tmpdir(), 'chat-')) };
  t.after(() => rm(options.data_dir, { recursive: true }));
  const { chatroom, join } = await open(t, browser, { options });
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
  const { chatroom, join } = await open(t, browser);
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
  await ada.isOnline();
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
  const { join } = await open(t, browser);
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

// A page with a moved clock whose connection can fall silent, as when the network under it is another one.
async function withSilence(join) {
  const sockets = [];
  const person = await join('Ada', {
    prepare: async (page) => {
      await page.clock.install();
      await page.addInitScript(() => { Math.random = () => 0; });
      await page.routeWebSocket(/./, (socket) => {
        const server = socket.connectToServer();
        const line = { isSilent: false };
        sockets.push(line);
        socket.onMessage((frame) => line.isSilent || server.send(frame));
        server.onMessage((frame) => line.isSilent || socket.send(frame));
      });
    },
  });
  await person.page.clock.pauseAt(await person.page.evaluate(() => Date.now() + 1000));
  return { person, sockets };
}

const SILENCES = [
  ['the network is another one', 4, () => navigator.connection.dispatchEvent(new Event('change'))],
  ['the network is back', 4, () => window.dispatchEvent(new Event('online'))],
];

for (const [what, seconds, happen] of SILENCES) {
  test(`when ${what}, a dead connection is found and replaced within ${seconds} s`, async (t) => {
    const { join } = await open(t, browser);
    const { person, sockets } = await withSilence(join);
    sockets[0].isSilent = true;
    await person.page.clock.runFor(500);
    assert.equal(sockets.length, 1);
    await person.page.evaluate(happen);
    await person.page.clock.runFor(seconds * SECOND_MS);
    await person.page.waitForFunction(() => window.watched.sockets.length === 2);
    await person.page.clock.resume();
    await person.say('here again');
    await person.readsStored('here again');
    assert.equal(await person.page.locator('#status').getAttribute('data-state'), 'online');
  });
}

test('a page whose timers slept longer than the server waits is back a second after it is shown', async (t) => {
  const { join } = await open(t, browser);
  const { person, sockets } = await withSilence(join);
  sockets[0].isSilent = true;
  await person.look(false);
  // The time goes on, and no timer runs.
  await person.page.evaluate((ms) => {
    const { now } = performance;
    performance.now = () => now.call(performance) + ms;
  }, 600 * SECOND_MS);
  await person.look(true);
  await person.page.clock.runFor(2 * SECOND_MS);
  await person.page.waitForFunction(() => window.watched.sockets.length === 2);
  await person.page.clock.resume();
  await person.say('awake');
  await person.readsStored('awake');
});

test('a close code of 4500 or above is final: the banner says why and nothing is tried again', async (t) => {
  const { join } = await open(t, browser);
  const { person, sockets } = await withLine(join, 'Ada');
  await sockets[0].close({ code: 4503, reason: 'kicked' });
  await person.page.waitForFunction(() => window.watched.sockets[0].readyState === WebSocket.CLOSED);
  await person.page.clock.runFor(500);
  await person.page.getByText('You were removed from the chat.').waitFor();
  await person.page.clock.runFor(600 * SECOND_MS);
  await person.page.evaluate(() => window.dispatchEvent(new Event('online')));
  assert.equal(sockets.length, 1);
});

test('a page that the server closes for too many errors does not reconnect', async (t) => {
  const { join } = await open(t, browser, { options: { 'server.limits.session_errors_max': 3 } });
  const ada = await join('Ada');
  await ada.page.evaluate(() => {
    for (let i = 0; i < 10; i += 1) {
      window.watched.sockets[0].send(new Uint8Array([0, 0, 0, 99, 0x7b, 0x7d]));
    }
  });
  await ada.page.getByText('after too many errors').waitFor();
  assert.equal(await ada.page.evaluate(() => window.watched.sockets.length), 1);
  await ada.page.getByRole('button', { name: 'Connect again' }).click();
  await ada.isOnline();
});

// A chat room that allows pages of another origin beside its own, which it has to name too: so it is started once to
// learn its port.
async function openNaming(t, origin) {
  const first = await Chatroom.start();
  await first.kill();
  const address = `127.0.0.1:${first.port}`;
  return open(t, browser, { address, options: { 'server.allowed_origins': [origin, `http://${address}`] } });
}

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

test('the pages of examples/broadcast, one in JSON and one in Protobuf, chat with each other', async (t) => {
  const server = await Chatroom.start('127.0.0.1:0', { 'server.web_root': BROADCAST_PAGES }, 'BROADCAST');
  t.after(() => server.kill());
  const people = [];
  for (const page of ['', 'protobuf.html']) {
    const person = await Person.visit(browser, `http://127.0.0.1:${server.port}/${page}`);
    t.after(() => person.leave());
    await person.page.waitForFunction(() => window.watched.sockets[0].readyState === WebSocket.OPEN);
    people.push(person);
  }
  const texts = ['Ada: hello', 'Zeno: 你好 👋', `Ada: ${'<b onclick=alert(1)>x</b>'.repeat(200)}`, 'Zeno: bye'];
  for (const [at, text] of texts.entries()) {
    const { page } = people[at % 2];
    const [sender, message] = text.split(': ');
    await page.locator('[name=sender]').fill(sender);
    await page.locator('[name=message]').fill(message);
    await page.locator('[name=message]').press('Enter');
    for (const person of people) {
      await person.page.waitForFunction((wanted) => document.querySelector('li:last-child')?.textContent === wanted, text);
    }
  }
  for (const { page } of people) {
    assert.deepEqual(await page.locator('li').allTextContents(), texts);
    assert.match(await page.locator('li').first().getAttribute('title'), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.equal(await page.locator('li *').count(), 0);
  }
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

async function openStored(t) {
  const options = { data_dir: await mkdtemp(path.join(tmpdir(), 'chat-')) };
  t.after(() => rm(options.data_dir, { recursive: true }));
  return { options, ...(await open(t, browser, { options })) };
}

test('a server that is killed while people write loses and doubles nothing', async (t) => {
  const { options, chatroom, join } = await openStored(t);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  const texts = Array.from({ length: 12 }, (_, at) => `text ${at + 1}`);
  for (const text of texts.slice(0, 6)) {
    await ada.say(text);
  }
  await chatroom.kill();
  for (const text of texts.slice(6)) {
    await ada.say(text);
  }
  const again = await Chatroom.start(`127.0.0.1:${chatroom.port}`, options);
  t.after(() => again.kill());
  for (const person of [ada, zeno]) {
    await person.readsStored('text 12');
    assert.deepEqual(await person.texts(), texts);
  }
  const late = await join('Late');
  await late.reads('text 12');
  assert.deepEqual(await late.texts(), texts);
});

test('what is written without a network is sent when it is back, once', async (t) => {
  const { chatroom, join } = await open(t, browser);
  const line = await holdable(t, chatroom.port);
  const ada = await Person.join(browser, line.url, 'Ada');
  t.after(() => ada.leave());
  const zeno = await join('Zeno');
  await ada.context.setOffline(true);
  line.sockets.forEach((socket) => socket.destroy());
  await ada.say('from the tunnel');
  await ada.page.locator('.message.pending', { hasText: 'from the tunnel' }).waitFor();
  await zeno.say('meanwhile');
  await ada.context.setOffline(false);
  await zeno.reads('from the tunnel');
  await ada.readsStored('from the tunnel');
  assert.deepEqual(await ada.texts(), ['meanwhile', 'from the tunnel']);
  assert.deepEqual(await zeno.texts(), ['meanwhile', 'from the tunnel']);
});

test('a page that was frozen is there again when it is shown', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  const devtools = await ada.context.newCDPSession(ada.page);
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
  await zeno.say('while it slept');
  await zeno.readsStored('while it slept');
  await devtools.send('Page.setWebLifecycleState', { state: 'active' });
  await ada.reads('while it slept');
  await ada.say('awake');
  await zeno.reads('awake');
  assert.deepEqual(await ada.texts(), ['while it slept', 'awake']);
});

test('a page that comes back by the back button misses nothing', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  await ada.say('before');
  await zeno.readsStored('before');
  await ada.page.goto('about:blank');
  await zeno.say('meanwhile');
  await zeno.readsStored('meanwhile');
  await ada.page.goBack();
  await ada.reads('meanwhile');
  await ada.say('after');
  await zeno.reads('after');
  assert.deepEqual(await ada.texts(), ['before', 'meanwhile', 'after']);
});

await run({ atOnce: 3 });
