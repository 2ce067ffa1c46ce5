// The chat's SDK against the chat room: with the WebSocket of npm, in both codecs.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';

import { Chatroom } from '../lib/chatroom.mjs';
import { run, test } from '../lib/tap.mjs';
import { within } from '../lib/waiting.mjs';
import { load, temporaryFolder } from './build.mjs';

const { Chat, ChatroomApi, protobuf, stored } = await load(`
  export { protobuf } from '@stoa/client';
  export { ChatroomApi } from '@stoa/client/chatroom';
  export * from '@stoa/client/chat';
`, temporaryFolder());

// Until `holds` does; looks whenever the chat or one of its rooms changes.
function until(source, holds, what) {
  let stop;
  return within(new Promise((resolve) => {
    const look = () => holds() && resolve();
    stop = source.on(source.join ? 'state' : 'change', look);
    look();
  }), what).finally(() => stop());
}

async function start(t, { folder = mkdtempSync(path.join(tmpdir(), 'stoa-room-')), port = 0, settings = {} } = {}) {
  const server = await Chatroom.start(`127.0.0.1:${port}`, { data_dir: folder, ...settings });
  t.after(async () => {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return { server, folder, port: server.port };
}

function open(t, port, options = {}) {
  const chat = new Chat(`ws://127.0.0.1:${port}/`, { WebSocket, ...options });
  t.after(() => chat.close());
  return chat;
}

async function enter(t, port, options, name, joinOptions) {
  const chat = open(t, port, options);
  const room = chat.join(name, joinOptions);
  await until(room, () => room.state === 'joined', 'the room');
  return { chat, room };
}

const texts = (room) => room.messages.map(({ message }) => message);

for (const [name, settings] of [['stoa.json', {}], ['stoa.proto', { protocol: protobuf, api: ChatroomApi }]]) {
  test(`in ${name} two people chat, and a third one sees the same`, async (t) => {
    const { port } = await start(t);
    const ada = await enter(t, port, { ...settings, nick: 'Ada' }, 'books');
    const bob = await enter(t, port, { nick: 'Bob' }, 'books');
    const sent = ada.room.send('hello 👋');
    await within(stored(ada.room, sent), 'the acknowledgement');
    assert.deepEqual([sent.state, texts(ada.room)], ['stored', ['hello 👋']]);
    await until(bob.room, () => bob.room.messages.length === 1, 'the message');
    bob.room.send('柱廊', { replyTo: bob.room.messages[0].offset });
    await until(ada.room, () => ada.room.messages.length === 2, 'the answer');
    const { room } = await enter(t, port, settings, 'books');
    assert.deepEqual([texts(room), room.messages[1].sender, room.messages[1].replyTo === sent.offset], [['hello 👋', '柱廊'], 'Bob', true]);
    const view = (one) => one.messages.map(({ offset, message, userId, tsMs }) => ({ offset, message, userId, tsMs }));
    assert.deepEqual([view(ada.room), view(bob.room)], [view(room), view(room)]);
  });
}

test('messages above the server\'s rate wait, and come in order, once, over one connection', async (t) => {
  const { port } = await start(t, { settings: { 'server.limits.rate.messages_per_s': 20, 'server.limits.rate.messages_burst': 10 } });
  const { chat, room } = await enter(t, port, { nick: 'Ada' });
  const states = [];
  let waited = 0;
  chat.on('state', (state) => states.push(state));
  room.on('outgoing', ({ state }) => { waited += state === 'queued'; });
  const wanted = Array.from({ length: 60 }, (_, i) => `message ${i}`);
  await Promise.all(wanted.map((text) => stored(room, room.send(text))));
  await until(room, () => room.messages.length === wanted.length, 'the messages');
  assert.deepEqual([texts(room), states], [wanted, []]);
  assert.ok(waited > wanted.length, 'none was above the rate');
});

test('a server that is killed while messages are sent loses none, doubles none, and keeps their order', async (t) => {
  const COUNT = 60;
  let { server, folder, port } = await start(t);
  const ada = await enter(t, port, { nick: 'Ada', protocol: protobuf, api: ChatroomApi });
  const bob = await enter(t, port, { nick: 'Bob' });
  const wanted = Array.from({ length: COUNT }, (_, i) => `message ${i}`);
  const heard = [];
  bob.room.on('message', ({ message }) => heard.push(message));
  const done = Promise.all(wanted.map((text) => stored(ada.room, ada.room.send(text))));
  for (const at of [10, 25, 40]) {
    await until(ada.room, () => COUNT - ada.room.outgoing.length >= at, `message ${at}`);
    await server.kill();
    ({ server } = await start(t, { folder, port }));
    [ada, bob].forEach(({ chat }) => chat.retryNow());
  }
  await within(done, 'all to be stored');
  await until(bob.room, () => heard.length >= COUNT, 'all to be heard');
  const fresh = await enter(t, port, { nick: 'Cy' }, '', { history: 50 });
  await fresh.room.loadOlder(100);
  assert.deepEqual(texts(fresh.room), wanted);
  assert.deepEqual([heard, texts(bob.room), texts(ada.room)], [wanted, wanted, wanted]);
});

test('what was missed while offline comes once and in order, also to a second tab of the same guest', async (t) => {
  const { port } = await start(t);
  const first = await enter(t, port, { nick: 'Ada' }, 'books');
  const { guestToken } = first.chat.me;
  const second = await enter(t, port, { nick: 'Ada 2', guestToken }, 'books');
  const bob = await enter(t, port, { nick: 'Bob' }, 'books');
  first.room.send('before');
  await until(second.room, () => second.room.messages.length === 1, 'the first message');
  const recovered = within(new Promise((resolve) => { second.room.on('recovered', resolve); }), 'to recover');
  second.chat.close();
  for (const text of ['one', 'two', 'three']) {
    await within(stored(bob.room, bob.room.send(text)), text);
  }
  second.chat.connect();
  assert.equal((await recovered).recovered, true);
  await until(second.room, () => second.room.messages.length === 4, 'what was missed');
  assert.deepEqual(texts(second.room), ['before', 'one', 'two', 'three']);
});

test('a server that drains is left, and the next one is joined with all that was missed', async (t) => {
  const { server, folder, port } = await start(t);
  const { chat, room } = await enter(t, port, { nick: 'Ada' });
  await within(stored(room, room.send('one')), 'one');
  const states = [];
  chat.on('state', (state) => states.push(state));
  await server.stop();
  await until(chat, () => chat.state === 'reconnecting', 'the end');
  const two = room.send('two');
  assert.equal(two.state, 'queued');
  await start(t, { folder, port });
  chat.retryNow();
  await within(stored(room, two), 'two');
  assert.deepEqual([texts(room), chat.state, states.at(-1)], [['one', 'two'], 'connected', 'connected']);
});

test('pages of history go back to the first message, and a window does not grow beyond its size', async (t) => {
  const { port } = await start(t);
  const { room } = await enter(t, port, {}, 'books', { windowMax: 20 });
  const all = Array.from({ length: 45 }, (_, i) => `m${i}`);
  await within(Promise.all(all.map((text) => stored(room, room.send(text)))), 'all to be stored');
  const newest = texts(room);
  assert.ok(newest.length >= 18 && newest.length <= 20, `${newest.length} messages`); // a tenth is left out at once
  assert.deepEqual([newest, room.window.moreBefore], [all.slice(-newest.length), true]);
  for (let i = 0; i < 5 && room.window.moreBefore; i += 1) {
    await room.loadOlder(10);
  }
  assert.deepEqual([texts(room), room.window.moreBefore, room.window.moreAfter], [all.slice(0, 20), false, true]);
  for (let i = 0; i < 5 && room.window.moreAfter; i += 1) {
    await room.loadNewer(10);
  }
  assert.deepEqual([texts(room), room.window.moreBefore, room.window.moreAfter], [all.slice(25), true, false]);
});

test('a text that the server refuses has failed, and those after it are stored', async (t) => {
  const { port } = await start(t);
  const { room } = await enter(t, port);
  // Invisible, so it passes here.
  const [blank, good] = [room.send('\u2063'), room.send('good')];
  await within(stored(room, good), 'the good one');
  assert.ok(['failed', 'stored'].includes(blank.state));
  assert.equal(texts(room).at(-1), 'good');
});

test('what is built from pushes is what a fresh client fetches: edits, deletions and reactions', async (t) => {
  const { port } = await start(t);
  const [ada, bob] = await Promise.all(['Ada', 'Bob'].map((nick) => enter(t, port, { nick }, 'books')));
  const offsets = [];
  for (const text of ['one', 'two', 'three', 'four']) {
    offsets.push((await within(stored(ada.room, ada.room.send(text)), text)).offset);
  }
  const [one, two, three] = offsets;
  await within(ada.room.call('edit', { offset: one, text: 'one, edited' }), 'the edit');
  await within(ada.room.call('react', { offset: two, emoji: '👍' }), 'a reaction');
  await within(bob.room.call('react', { offset: two, emoji: '👍' }), 'another one');
  await within(bob.room.call('react', { offset: three, emoji: '🎉' }), 'a third one');
  await within(bob.room.call('react', { offset: three, emoji: '🎉', off: true }), 'its end');
  await within(ada.room.call('delete', { offset: three }), 'the deletion');
  const last = await within(stored(bob.room, bob.room.send('five')), 'the last message');
  await until(ada.room, () => ada.room.place.offset >= last.offset, 'all of it');
  const view = ({ messages }) => messages.map(({ asOf, clientMsgId, reactions, ...rest }) => ({
    ...rest, reactions: [...reactions].map(([emoji, { count }]) => [emoji, count]),
  }));
  const { room } = await enter(t, port, { nick: 'Cy' }, 'books');
  assert.deepEqual(view(ada.room), view(room));
  assert.deepEqual(view(bob.room), view(room));
  assert.deepEqual(texts(room), ['one, edited', 'two', '', 'four', 'five']);
  assert.deepEqual([...ada.room.messages[1].reactions], [['👍', { count: 2, mine: true }]]);
  assert.equal(await bob.room.call('edit', { offset: one, text: 'not mine' }).catch(({ code }) => code), 103);
});

await run();
