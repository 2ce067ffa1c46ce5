// A message's trace: from the call in one page, through the chat room, to its arrival in another page, in a collector.

import assert from 'node:assert/strict';

import { launch } from '../browser/browser.mjs';
import { Chatroom } from '../lib/chatroom.mjs';
import { Collector } from '../lib/otlp.mjs';
import { run, test } from '../lib/tap.mjs';
import { within } from '../lib/waiting.mjs';
import { bundle, load, temporaryFolder } from './build.mjs';

const MODULES = `
  export * from '@stoa/client/chat';
  export { protobuf } from '@stoa/client';
  export { ChatroomApi } from '@stoa/client/chatroom';
  export * from '@stoa/client/tracing';
`;
const folder = temporaryFolder();
const SDK = bundle(MODULES, folder, { format: 'iife', globalName: 'sdk', minify: true });
const browser = await launch();

async function openPage(t, room, name, collector, isBinary) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${room.port}/nothing-is-here`);
  await page.evaluate(SDK);
  await within(page.evaluate(async ([nick, endpoint, binary]) => {
    window.tracer = new sdk.Tracer({ serviceName: `page of ${nick}`, endpoint, delayMs: 50 });
    window.chat = new sdk.Chat(`ws://${window.location.host}/`, {
      nick, protocol: window.tracer.protocol(binary ? sdk.protobuf : undefined), api: sdk.ChatroomApi,
    });
    window.room = window.chat.join();
    window.stored = sdk.stored;
    window.got = [];
    window.tracer.watch(window.room);
    window.room.on('message', ({ message }) => window.got.push(message));
    await new Promise((resolve) => {
      window.room.on('change', () => window.room.state === 'joined' && resolve());
    });
  }, [name, collector.endpoint, isBinary]), `${name} to join`);
  return page;
}

for (const isBinary of [false, true]) {
  test(`the trace of one message goes from a call to its delivery in another page, in ${isBinary ? 'stoa.proto' : 'stoa.json'}`, async (t) => {
    const collector = await Collector.start();
    t.after(() => collector.stop());
    const room = await Chatroom.start('127.0.0.1:0', { 'server.tracing.endpoint': collector.endpoint });
    t.after(() => room.kill());
    const [ann, ben] = [await openPage(t, room, 'Ann', collector, isBinary), await openPage(t, room, 'Ben', collector, isBinary)];
    await within(ann.evaluate(() => window.stored(window.room, window.room.send('hello')).then(() => undefined)), 'the message to be stored');
    await within(ben.waitForFunction(() => window.got.includes('hello')), 'the message to arrive');

    const isOf = (name) => (span) => span.name === name;
    const spans = await collector.until(
      (all) => ['chat send', 'chat receive', 'room deliver', 'room store', 'room publish'].every((name) => all.some(isOf(name))),
      'all spans of the message');
    const { traceId } = spans.find(isOf('chat send'));
    const trace = spans.filter((span) => span.traceId === traceId);
    const find = (name) => {
      const found = trace.filter(isOf(name));
      assert.equal(found.length, 1, `${name} is once in ${trace.map((span) => span.name)}`);
      return found[0];
    };
    const send = find('chat send');
    const call = find('chatroom.v1.ChatroomService/Chat');
    const publish = find('room publish');
    const store = find('room store');
    const deliver = find('room deliver');
    const receive = find('chat receive');
    assert.equal(trace.length, 6);
    assert.equal(send.parentSpanId, undefined);
    assert.equal(call.parentSpanId, send.spanId);
    assert.equal(publish.parentSpanId, call.spanId);
    assert.equal(store.parentSpanId, publish.spanId);
    assert.equal(deliver.parentSpanId, call.spanId);
    assert.equal(receive.parentSpanId, call.spanId);
    assert.deepEqual([send, call, receive].map(({ resource }) => resource['service.name']), ['page of Ann', 'chatroom', 'page of Ben']);
    assert.deepEqual([send, call, publish, receive].map(({ kind }) => kind), [3, 2, 4, 5]);
    assert.ok([send, call, publish, store, deliver, receive].every((span) => !span.status));
  });
}

test('a message that fails ends its span with an error, and without a tracer nothing is traced', async (t) => {
  const collector = await Collector.start();
  t.after(() => collector.stop());
  const room = await Chatroom.start('127.0.0.1:0', { 'server.tracing.endpoint': collector.endpoint });
  t.after(() => room.kill());
  const page = await openPage(t, room, 'Ann', collector, false);
  await within(page.evaluate(() => window.stored(window.room, window.room.send('\u200b')).catch(() => undefined)), 'the message to fail');
  const spans = await collector.until((all) => all.some(({ name }) => name === 'chat send'), 'the span');
  const send = spans.find(({ name }) => name === 'chat send');
  assert.equal(send.status.code, 2);
  assert.equal(send.status.message, 'TEXT_EMPTY');
});

// Without a browser.

const { Tracer } = await load(MODULES, folder);
const protocol = {
  name: 'stoa.json',
  encode: (type, message) => message,
  decode: (type, message) => message,
};

test('a tracer adds a traceparent to messages, the same when one is sent again, and to nothing else', () => {
  const tracer = new Tracer({ serviceName: 'x', onSpans: () => {} });
  const traced = tracer.protocol(protocol);
  const first = traced.encode(null, { message: 'a', room: 'r', clientMsgId: '1' });
  assert.match(first.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  assert.deepEqual(traced.encode(null, { message: 'a', room: 'r', clientMsgId: '1' }), first);
  assert.notEqual(traced.encode(null, { message: 'a', room: 'r', clientMsgId: '2' }).traceparent, first.traceparent);
  const other = { room: 'r', history: 50 };
  assert.equal(traced.encode(null, other), other);
  const own = { message: 'a', traceparent: 'mine' };
  assert.equal(traced.encode(null, own), own);
});

test('a tracer keeps to its limit, counts what it loses, and believes no traceparent that is none', async () => {
  const got = [];
  const tracer = new Tracer({ serviceName: 'x', spansMax: 3, onSpans: (spans) => got.push(...spans) });
  const traced = tracer.protocol(protocol);
  const push = (clientMsgId, traceparent) => traced.decode(null, { message: 'a', room: 'r', clientMsgId, offset: 1n, traceparent });
  for (let i = 0; i < 5; i++) {
    traced.encode(null, { message: 'a', clientMsgId: `${i}` });
  }
  assert.equal(tracer.lost, 2);
  [0, 1, 2].forEach((i) => push(`${i}`));
  await tracer.flush();
  assert.deepEqual(got.map(({ name }) => name), ['chat send', 'chat send', 'chat send']);
  const ids = `${'a'.repeat(32)}-${'b'.repeat(16)}`;
  const bad = [undefined, '', `00-${ids}-00`, `00-${ids}-01-x`, `01-${ids}-01`, `00-${ids.toUpperCase()}-01`,
    `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`];
  bad.forEach((traceparent) => push('other', traceparent));
  push('other', `00-${ids}-01`);
  await Promise.resolve();
  await tracer.close();
  assert.deepEqual(got.slice(3).map(({ name, traceId, parentSpanId }) => [name, traceId, parentSpanId]),
    [['chat receive', 'a'.repeat(32), 'b'.repeat(16)]]);
});

await run();
await browser.close();
