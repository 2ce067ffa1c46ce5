// The client in a browser: the package's modules in Chromium, against the chat room.

import assert from 'node:assert/strict';

import { launch } from '../browser/browser.mjs';
import { Chatroom } from '../lib/chatroom.mjs';
import { run, test } from '../lib/tap.mjs';
import { within } from '../lib/waiting.mjs';
import { API, bundle, generate, temporaryFolder } from './build.mjs';

const folder = temporaryFolder();
generate(API, ['chatroom/v1/chatroom.proto'], folder);
const SDK = bundle(`
  export * from '@stoa/client';
  export * from './chatroom/v1/chatroom.stoa.js';
`, folder, { format: 'iife', globalName: 'sdk', minify: true });
const CHAT = bundle("export * from '@stoa/client/chat';", folder, { format: 'iife', globalName: 'sdk', minify: true });
const browser = await launch();

// A page of the chat room's own origin with nothing in it but the package, as `sdk`. One that the test made up would
// lie in no network, and Chromium would not let it call this machine.
async function openPage(t) {
  const room = await Chatroom.start();
  t.after(() => room.kill());
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${room.port}/nothing-is-here`);
  // By the debugger: a Content-Security-Policy may let no script be added.
  await page.evaluate(SDK);
  await page.evaluate(() => {
    window.open = async (options) => {
      const client = new sdk.ChatroomClient(`ws://${window.location.host}/`, options);
      await new Promise((resolve) => { client.onState(resolve); });
      return client;
    };
  });
  return { room, page };
}

const evaluate = (page, body, argument) => within(page.evaluate(body, argument), 'the page');

for (const protocol of ['stoa.json', 'stoa.proto']) {
  test(`in ${protocol} a page says Hello, exchanges messages, and gets errors`, async (t) => {
    const { page } = await openPage(t);
    const told = await evaluate(page, async (isBinary) => {
      const [client, other] = [await window.open(isBinary ? { protocol: sdk.protobuf } : {}), await window.open()];
      const { nick, serverMs } = await client.call('hello', { nick: '小明' });
      await other.call('hello', { nick: 'Ada' });
      await Promise.all([client, other].map((one) => one.call('join', {})));
      const heard = new Promise((resolve) => { other.on('chat', resolve); });
      client.send('chat', { message: 'hello 👋' });
      const error = await client.call('hello', { nick: 'x'.repeat(99) }).catch((reason) => reason);
      const { message, sender } = await heard;
      return { nick, kind: typeof serverMs, message, sender, isOurs: error instanceof sdk.StoaError, reason: error.reason };
    }, protocol === 'stoa.proto');
    assert.equal(typeof told.reason, 'string');
    assert.notEqual(told.reason, '');
    delete told.reason;
    assert.deepEqual(told, { nick: '小明', kind: 'bigint', message: 'hello 👋', sender: '小明', isOurs: true });
  });
}

test('in a page calls have a cap, can be cancelled, and end when the client is closed', async (t) => {
  const { page } = await openPage(t);
  const reasons = await evaluate(page, async () => {
    const client = await window.open({ callsMax: 1 });
    const reasonOf = (call) => call.then(() => 'resolved', (error) => error.reason);
    const controller = new AbortController();
    const cancelled = reasonOf(client.call('hello', {}, { signal: controller.signal }));
    const surplus = reasonOf(client.call('hello', {}));
    controller.abort();
    const last = reasonOf(client.call('hello', {}));
    client.close();
    return Promise.all([cancelled, surplus, last, reasonOf(client.call('hello', {}))]);
  });
  assert.deepEqual(reasons, ['CANCELLED', 'TOO_MANY_CALLS', 'DISCONNECTED', 'DISCONNECTED']);
});

test('in a page calls in flight end when the server goes, and the client comes back to the next one', async (t) => {
  const { room, page } = await openPage(t);
  await evaluate(page, async () => {
    window.client = await window.open();
    window.states = [];
    window.client.onState((state, { code }) => window.states.push([state, code]));
  });
  await room.stop();
  await within(page.waitForFunction(() => window.states.length > 0), 'the line to go');
  assert.equal(await evaluate(page, () => window.client.call('hello', {}).catch((error) => error.reason)), 'DISCONNECTED');
  const again = await Chatroom.start(`127.0.0.1:${room.port}`);
  t.after(() => again.kill());
  await within(page.waitForFunction(() => window.client.state === 'connected'), 'the client to come back');
  assert.deepEqual(await evaluate(page, () => window.states[0]), ['reconnecting', 4001]);
  assert.equal((await evaluate(page, () => window.client.call('hello', { nick: 'Ada' }))).nick, 'Ada');
});

test('in a page close closes, also with a code or a reason that pages may not send', async (t) => {
  const { page } = await openPage(t);
  const ended = await evaluate(page, async () => {
    const ends = [];
    for (const [code, reason] of [[1000, ''], [4001, 'bye'], [1001, 'leaving'], [0, ''], [1000, 'x'.repeat(124)]]) {
      const client = await window.open();
      const call = client.call('hello', {}, { timeoutMs: 0 }).catch((error) => error.reason);
      client.close(code, reason);
      let sent = 'sent';
      try { client.send('chat', { message: 'late' }); } catch (error) { sent = error.reason; }
      ends.push([client.state, await call, sent]);
    }
    return ends;
  });
  assert.deepEqual(ended, Array(5).fill(['closed', 'DISCONNECTED', 'DISCONNECTED']));
});

test('in a page an invalid URL or subprotocol makes the constructor throw, and a closing socket accepts nothing', async (t) => {
  const { page } = await openPage(t);
  const told = await evaluate(page, async () => {
    const thrown = [];
    for (const [url, protocol] of [['ws://[', sdk.protobuf], [`ws://${window.location.host}/#x y`, { ...sdk.protobuf, name: 'not a token' }]]) {
      try { new sdk.ChatroomClient(url, { protocol }); } catch (error) { thrown.push(error.name); }
    }
    const sockets = [];
    class Watched extends WebSocket {
      constructor(...args) { super(...args); sockets.push(this); }
    }
    const client = await window.open({ WebSocket: Watched });
    sockets[0].close();
    try { client.send('chat', { message: 'late' }); } catch (error) { thrown.push(error.reason); }
    return thrown;
  });
  assert.deepEqual(told, ['SyntaxError', 'SyntaxError', 'DISCONNECTED']);
});

test('in a page what a listener throws is reported to the page, and the client goes on', async (t) => {
  const { page } = await openPage(t);
  const told = await evaluate(page, async () => {
    const reported = new Promise((resolve) => {
      window.addEventListener('unhandledrejection', ({ reason }) => resolve(reason.message), { once: true });
    });
    const client = await window.open();
    await client.call('hello', {});
    await client.call('join', {});
    client.on('chat', () => { throw new Error('mine'); });
    const heard = new Promise((resolve) => { client.on('chat', resolve); });
    client.send('chat', { message: 'hello' });
    const { message } = await heard;
    return [message, await reported, client.state, (await client.call('hello', { nick: 'Ada' })).nick];
  });
  assert.deepEqual(told, ['hello', 'mine', 'connected', 'Ada']);
});

test('a page learns the ping interval, tries a silent connection by a Ping, and outlives a slower server', async (t) => {
  const room = await Chatroom.start(undefined, { 'server.ping_interval_ms': 60000 });
  t.after(() => room.kill());
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.clock.install();
  await page.goto(`http://127.0.0.1:${room.port}/nothing-is-here`);
  await page.evaluate(SDK);
  await evaluate(page, async () => {
    window.frames = [];
    class Watched extends WebSocket {
      send(data) { window.frames.push(data[3]); super.send(data); }
    }
    window.client = new sdk.ChatroomClient(`ws://${window.location.host}/`, { WebSocket: Watched });
    await new Promise((resolve) => { window.client.onState(resolve); });
    await window.client.call('hello', { nick: 'Ada' });
  });
  // Real time goes on beside the one that the test moves.
  await page.clock.runFor(60000);
  assert.deepEqual(await evaluate(page, () => [window.client.state, window.frames]), ['connected', [16]]);
  await page.clock.runFor(10000);
  assert.deepEqual(await evaluate(page, () => [window.client.state, window.frames]), ['connected', [16, 40]]);
  await page.clock.runFor(10000);
  assert.equal(await evaluate(page, () => window.client.state), 'reconnecting');
});

// Two tabs of one browser.
test('pages that chat lose and double nothing when their server is killed and started again', async (t) => {
  const data = temporaryFolder();
  let server = await Chatroom.start(undefined, { data_dir: data });
  t.after(() => server.kill());
  const context = await browser.newContext();
  t.after(() => context.close());
  const pages = await Promise.all(['Ada', 'Bob'].map(async (nick) => {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${server.port}/nothing-is-here`);
    await page.evaluate(CHAT);
    await evaluate(page, async (name) => {
      window.chat = new sdk.Chat(`ws://${window.location.host}/`, { nick: name });
      window.room = window.chat.join('books');
      window.texts = () => window.room.messages.map(({ message }) => message);
      await new Promise((resolve) => { window.room.on('joined', resolve); });
    }, nick);
    return page;
  }));
  const wanted = Array.from({ length: 40 }, (_, i) => `message ${i}`);
  await evaluate(pages[0], (texts) => { texts.forEach((text) => window.room.send(text)); }, wanted);
  await within(pages[1].waitForFunction(() => window.texts().length >= 10), 'the first messages');
  await server.kill();
  await within(pages[1].waitForFunction(() => window.chat.state === 'reconnecting'), 'the connection to be lost');
  server = await Chatroom.start(`127.0.0.1:${server.port}`, { data_dir: data });
  for (const page of pages) {
    await within(page.waitForFunction((count) => window.texts().length >= count, wanted.length), 'all messages');
    assert.deepEqual(await evaluate(page, () => window.texts()), wanted);
  }
  assert.deepEqual(await evaluate(pages[0], () => window.room.outgoing.length), 0);
});

await run();
