// The SDK without WebSocket: against the chat room behind a proxy that blocks, and against servers by hand.

import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';

import { Chatroom } from '../lib/chatroom.mjs';
import { startGate } from '../lib/gate.mjs';
import { run, test } from '../lib/tap.mjs';
import { Inbox, within } from '../lib/waiting.mjs';
import { load, temporaryFolder } from './build.mjs';

const { Chat, ChatroomApi, protobuf, stored, withFallback } = await load(`
  export { protobuf } from '@stoa/client';
  export { ChatroomApi } from '@stoa/client/chatroom';
  export { withFallback } from '@stoa/client/fallback';
  export * from '@stoa/client/chat';
`, temporaryFolder());

function until(source, holds, what) {
  let stop;
  return within(new Promise((resolve) => {
    const look = () => holds() && resolve();
    stop = source.on(source.join ? 'state' : 'change', look);
    look();
  }), what).finally(() => stop());
}

const texts = (room) => room.messages.map(({ message }) => message);

async function start(t, options = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'stoa-fallback-'));
  const server = await Chatroom.start('127.0.0.1:0', { data_dir: folder, 'server.http_fallback': true, ...options });
  const gate = await startGate(server.port);
  t.after(async () => {
    gate.close();
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return { server, gate, folder };
}

async function enter(t, port, nick, options = {}, fallback = {}) {
  const kinds = [];
  const Socket = withFallback({ WebSocket, onOpen: (kind) => kinds.push(kind), ...fallback });
  const chat = new Chat(`ws://127.0.0.1:${port}/`, { WebSocket: Socket, nick, ...options });
  t.after(() => chat.close());
  const room = chat.join('books');
  await until(room, () => room.state === 'joined', 'the room');
  return { chat, room, kinds };
}

// All that the server has stored, page by page.
async function storedTexts(room) {
  let page;
  let all = [];
  do {
    page = await room.call('history', { before: all[0]?.offset, limit: 100 });
    all = [...page.items, ...all];
  } while (page.more);
  return all.map(({ message }) => message);
}

async function says(who, text) {
  await within(stored(who.room, who.room.send(text)), `the acknowledgement of ${text}`);
}

for (const [name, settings] of [['stoa.json', {}], ['stoa.proto', { protocol: protobuf, api: ChatroomApi }]]) {
  test(`in ${name} people chat where no WebSocket is let through`, async (t) => {
    const { server, gate } = await start(t);
    gate.lets.websocket = false;
    const ada = await enter(t, gate.port, 'Ada', settings);
    const bob = await enter(t, server.port, 'Bob');
    assert.deepEqual([ada.kinds, bob.kinds], [['http'], ['websocket']]);
    for (let i = 0; i < 20; i += 1) {
      await says(i % 2 ? ada : bob, `message ${i} 👋\n"quoted"`);
    }
    await says(ada, 'last');
    await until(ada.room, () => texts(ada.room).at(-1) === 'last', 'the last message');
    await until(bob.room, () => texts(bob.room).at(-1) === 'last', 'the last message');
    assert.deepEqual(texts(ada.room), texts(bob.room));
    assert.equal(texts(ada.room).length, 21);
  });
}

test('an upgrade that hangs is not waited for', async (t) => {
  const { gate } = await start(t);
  gate.lets.websocket = 'hang';
  const ada = await enter(t, gate.port, 'Ada', {}, { hangMs: 100 });
  assert.deepEqual(ada.kinds, ['http']);
  await says(ada, 'here');
});

test('nothing is lost or doubled when the network changes in the middle, and back', async (t) => {
  const { server, gate } = await start(t);
  const bob = await enter(t, server.port, 'Bob');
  const ada = await enter(t, gate.port, 'Ada');
  assert.deepEqual(ada.kinds, ['websocket']);
  const told = [];
  const ways = [['http', { websocket: false, http: true }], ['websocket', { websocket: true, http: false }],
    ['http', { websocket: false, http: true }]];
  for (const [index, [kind, lets]] of ways.entries()) {
    const sent = [];
    for (let i = 0; i < 10; i += 1) {
      sent.push(...[ada, bob].map(({ chat, room }) =>
        stored(room, room.send(`${chat.me.nick.toLowerCase()} ${index}.${i}`))));
      if (i === 4) {
        // Some are on their way.
        gate.lets = lets;
        gate.cut();
      }
    }
    await within(Promise.all(sent), 'all to be stored');
    assert.equal(ada.kinds.at(-1), kind);
    told.push(...Array.from({ length: 10 }, (_, i) => [`ada ${index}.${i}`, `bob ${index}.${i}`]).flat());
  }
  await until(bob.room, () => bob.room.messages.length === told.length, 'all messages');
  await until(ada.room, () => ada.room.messages.length === told.length, 'all messages');
  assert.deepEqual(texts(ada.room), texts(bob.room));
  assert.deepEqual([...texts(ada.room)].sort(), [...told].sort());
  // Each one's own are in the order in which they were sent.
  assert.deepEqual(texts(ada.room).filter((text) => text.startsWith('ada')), told.filter((text) => text.startsWith('ada')));
});

test('nothing is lost or doubled when the server drains in the middle, and another one follows', async (t) => {
  const { server, gate, folder } = await start(t, { 'server.workers': 1, 'server.limits.handshake_timeout_ms': 600000 });
  // So many connections that the server takes its time to close all sessions: four seconds.
  const crowd = Array.from({ length: 4000 }, () => net.connect(server.port, '127.0.0.1').on('error', () => {}));
  t.after(() => crowd.forEach((one) => one.destroy()));
  await within(Promise.all(crowd.map((one) => new Promise((resolve) => { one.on('connect', resolve); }))), 'the crowd');
  gate.lets.websocket = false;
  const bob = await enter(t, server.port, 'Bob');
  const heard = [];
  let hasGap = false;
  bob.room.on('message', ({ message }) => heard.push(message));
  // A slow machine lets more be said while he is away than a recovery brings.
  bob.room.on('gap', () => { hasGap = true; });
  const speakers = [];
  for (const nick of ['Ada', 'Amy', 'Ann', 'Art']) {
    speakers.push({ nick, ...await enter(t, gate.port, nick), told: [], sent: [] });
  }
  const say = (one) => {
    one.told.push(`${one.nick} ${one.told.length}`);
    one.sent.push(stored(one.room, one.room.send(one.told.at(-1))));
    return one.sent.at(-1);
  };
  await within(Promise.all(speakers.map(say)), 'the first messages');
  const { port } = server;
  let isStopped = false;
  const stopped = server.stop().then(() => { isStopped = true; });
  let answered = 0;
  // Each says one thing after the other for as long as the server answers.
  await Promise.all(speakers.map(async (one) => {
    while (!isStopped) {
      await Promise.race([say(one), stopped]);
      answered += isStopped ? 0 : 1;
    }
  }));
  // A browser or a proxy may post on another connection each time.
  assert.ok(answered > 0, 'the draining server has stored nothing');
  const next = await Chatroom.start(`127.0.0.1:${port}`, { data_dir: folder, 'server.http_fallback': true });
  t.after(() => next.kill());
  await within(Promise.all(speakers.flatMap(({ sent }) => sent)), 'all to be stored');
  const late = await enter(t, port, 'Eve');
  const all = await within(storedTexts(late.room), 'what is stored');
  assert.equal(all.length, speakers.reduce((sum, { told }) => sum + told.length, 0));
  for (const { nick, told } of speakers) {
    assert.deepEqual(all.filter((text) => text.startsWith(nick)), told);
  }
  await until(bob.room, () => texts(bob.room).at(-1) === all.at(-1), 'the last message');
  assert.deepEqual(heard, hasGap ? all.filter((text) => heard.includes(text)) : all);
});

test('posts that are cut are sent again and applied once', async (t) => {
  const { server, gate } = await start(t);
  gate.lets.websocket = false;
  const ada = await enter(t, gate.port, 'Ada');
  const bob = await enter(t, server.port, 'Bob');
  const told = [];
  for (let i = 0; i < 40; i += 1) {
    told.push(`message ${i}`);
    ada.room.send(told.at(-1));
    if (i % 8 === 7) {
      gate.cut();
    }
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  await until(bob.room, () => bob.room.messages.length >= told.length, 'all messages');
  assert.deepEqual(texts(bob.room), told);
});

test('what worked is remembered, and a WebSocket is tried first again later', async (t) => {
  const { gate } = await start(t);
  gate.lets.websocket = false;
  const ada = await enter(t, gate.port, 'Ada', {}, { rememberMs: 60000 });
  gate.lets.websocket = true;
  gate.cut();
  await until(ada.chat, () => ada.kinds.length === 2, 'the next connection');
  assert.deepEqual(ada.kinds, ['http', 'http']);
  assert.equal(gate.opened.websocket, 0);
  const bob = await enter(t, gate.port, 'Bob', {}, { rememberMs: 0 });
  assert.deepEqual(bob.kinds, ['websocket']);
  gate.lets.websocket = false;
  gate.cut();
  await until(bob.chat, () => bob.kinds.length === 2, 'the next connection');
  gate.lets.websocket = true;
  gate.cut();
  await until(bob.chat, () => bob.kinds.length === 3, 'the next connection');
  assert.deepEqual(bob.kinds, ['websocket', 'http', 'websocket']);
});

test('a page whose WebSocket worked blames the network only after the second failure', async (t) => {
  const { gate } = await start(t);
  const ada = await enter(t, gate.port, 'Ada');
  gate.lets.websocket = false;
  gate.cut();
  await until(ada.chat, () => ada.chat.state === 'reconnecting', 'the loss');
  await until(ada.chat, () => ada.chat.state === 'connected', 'the next connection');
  assert.deepEqual(ada.kinds, ['websocket', 'http']);
  assert.equal(gate.opened.http, 1);
});

test('a server without the fallback is one that cannot be reached', async (t) => {
  const { gate } = await start(t, { 'server.http_fallback': false });
  gate.lets.websocket = false;
  const states = new Inbox();
  const chat = new Chat(`ws://127.0.0.1:${gate.port}/`, { WebSocket: withFallback({ WebSocket }) });
  t.after(() => chat.close());
  chat.on('state', (state, detail) => states.put([state, detail.code]));
  assert.deepEqual(await states.take('the state'), ['reconnecting', 1006]);
});

test('a session that is idle lives on, because pings are answered', async (t) => {
  const { gate } = await start(t, { 'server.ping_interval_ms': 100, 'server.pong_timeout_ms': 300 });
  gate.lets.websocket = false;
  const ada = await enter(t, gate.port, 'Ada');
  await within(new Promise((resolve) => {
    gate.onPost = () => gate.opened.post >= 30 && resolve();
  }), 'thirty posts');
  assert.deepEqual([ada.chat.state, ada.kinds], ['connected', ['http']]);
  await says(ada, 'still here');
});

// Servers by hand.

async function serve(t, answer) {
  const server = http.createServer(answer);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.close(); server.closeAllConnections(); });
  return `ws://127.0.0.1:${server.address().port}/`;
}

const OPEN = 'event:open\ndata:{"key":"k"}\n\n';

function watch(t, url, options = {}) {
  const events = new Inbox();
  const socket = new (withFallback({ WebSocket: undefined, ...options }))(url, 'stoa.json');
  t.after(() => socket.close());
  socket.onopen = () => events.put('open');
  socket.onmessage = ({ data }) => events.put(typeof data === 'string' ? data : [...new Uint8Array(data)]);
  socket.onclose = ({ code, reason }) => events.put({ code, reason });
  return { socket, events };
}

test('events of every form are read, however they are cut', async (t) => {
  const all = Buffer.from(`${OPEN}data:f0000001aé\n\n:\n\ndata:c8000000500000102{}\n\ndata:bAAEC\n\ndata:thi\n\n`
    + 'data:uw6QK\n\nevent:other\ndata:x\n\nid:7\n\nevent:close\ndata:4001 bye bye\n\n');
  const url = await serve(t, async (request, response) => {
    if (request.headers['stoa-session']) {
      response.writeHead(204).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const byte of all) {
      response.write(Buffer.from([byte]));
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    response.end();
  });
  const { events } = watch(t, url);
  assert.equal(await events.take('open'), 'open');
  assert.deepEqual(await events.take('f'), [0, 0, 0, 0x1a, 0xc3, 0xa9]);
  assert.deepEqual(await events.take('c'), [0x80, 0, 0, 5, 0, 0, 1, 2, 0x7b, 0x7d]);
  assert.deepEqual(await events.take('b'), [0, 1, 2]);
  assert.equal(await events.take('t'), 'hi');
  assert.equal(await events.take('u'), 'ä\n');
  assert.deepEqual(await events.take('close'), { code: 4001, reason: 'bye bye' });
});

for (const [what, status, type, body] of [['another status', 404, 'text/event-stream', ''],
  ['a page of the proxy', 200, 'text/html', '<p>blocked</p>'], ['a broken first event', 200, 'text/event-stream',
    'event:open\ndata:{\n\n']]) {
  test(`${what} is a connection that failed`, async (t) => {
    const url = await serve(t, (request, response) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    const { events } = watch(t, url);
    assert.equal((await events.take('close')).code, 1006);
  });
}

test('what passes is tried again with the same number, and messages keep their order', async (t) => {
  const bodies = new Inbox();
  const statuses = [503, 429, 502, 204];
  const url = await serve(t, (request, response) => {
    if (request.headers['stoa-protocol']) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(OPEN);
      return;
    }
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const status = statuses.shift() ?? 204;
      bodies.put([request.headers['stoa-sequence'], status, Buffer.concat(parts).toString('latin1')]);
      response.writeHead(status).end();
    });
  });
  const { socket, events } = watch(t, url);
  await events.take('open');
  socket.send(Uint8Array.of(1));
  socket.send(Uint8Array.of(2));
  const body = '\0\0\0\x01\x01\0\0\0\x01\x02';
  for (const status of [503, 429, 502, 204]) {
    assert.deepEqual(await bodies.take('a post'), ['1', status, body]);
    socket.send(Uint8Array.of(3));
  }
  const [number, , more] = await bodies.take('a post');
  assert.deepEqual([number, more], ['2', '\0\0\0\x01\x03'.repeat(4).slice(0, more.length)]);
});

test('close() sends what was sent before it', async (t) => {
  const bodies = new Inbox();
  const url = await serve(t, (request, response) => {
    if (request.headers['stoa-protocol']) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(OPEN);
      response.on('close', () => bodies.put('end'));
      return;
    }
    request.on('data', (part) => bodies.put(part.toString('latin1')));
    request.on('end', () => response.writeHead(204).end());
  });
  const { socket, events } = watch(t, url);
  await events.take('open');
  socket.send(Uint8Array.of(7));
  socket.close(4100, 'enough');
  assert.equal(await bodies.take('the post'), '\0\0\0\x01\x07');
  assert.equal(await bodies.take('the end'), 'end');
  assert.deepEqual(await events.take('close'), { code: 4100, reason: 'enough' });
});

test('a session that is gone ends the socket', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.headers['stoa-protocol']) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(OPEN);
    } else {
      response.writeHead(404).end();
    }
  });
  const { socket, events } = watch(t, url);
  await events.take('open');
  socket.send(Uint8Array.of(7));
  assert.equal((await events.take('close')).code, 1006);
});

await run();
