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
  test(`in ${protocol} a page says Hello, talks, and hears errors`, async (t) => {
    const { page } = await openPage(t);
    const told = await evaluate(page, async (options) => {
      const [client, other] = [await window.open(options), await window.open()];
      const { nick, serverMs } = await client.call('hello', { nick: '小明' });
      await other.call('hello', { nick: 'Ada' });
      const heard = new Promise((resolve) => { other.on('chat', resolve); });
      client.send('chat', { message: 'hello 👋' });
      const error = await client.call('hello', { nick: 'x'.repeat(99) }).catch((reason) => reason);
      const { message, sender } = await heard;
      return { nick, kind: typeof serverMs, message, sender, isOurs: error instanceof sdk.StoaError, reason: error.reason };
    }, { protocol });
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

await run();
