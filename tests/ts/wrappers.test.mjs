// The chat in React and in Vue: the real ones, with a server by hand.

import assert from 'node:assert/strict';
import { setTimeout as turnOfTimers } from 'node:timers/promises';

import { run, test } from '../lib/tap.mjs';
import { load, temporaryFolder } from './build.mjs';
import { CALL, frame, parse, World } from './world.mjs';

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const folder = temporaryFolder();
const { React, Renderer, vue, Chat, forReact, forVue } = await load(`
  export * as React from 'react';
  export * as Renderer from 'react-test-renderer';
  export * as vue from 'vue';
  export { Chat } from '@stoa/client/chat';
  export * as forReact from '@stoa/client/react';
  export * as forVue from '@stoa/client/vue';
`, folder);

// One turn of the timers: a room is left by a timer of no time.
const settle = () => turnOfTimers(0);
// React runs effects after its body, and a room is left a little later than that.
const act = async (body) => {
  await Renderer.act(async () => { await body(); await settle(); });
  await Renderer.act(settle);
};
const HELLO = 16;
const JOIN = 20;
const LEAVE = 21;

// A chat on a network that answers Hello and every Join at once.
function begin() {
  const world = new World();
  const base = world.WebSocket;
  world.WebSocket = class extends base {
    send(data) {
      super.send(data);
      const { word, id, payload } = parse(data);
      const { room } = JSON.parse(payload);
      const reply = word === CALL + HELLO ? { nick: 'Ada', userId: 'u1', defaultRoom: 'lobby' } : { room, epoch: '1', offset: '10' };
      if ([CALL + HELLO, CALL + JOIN].includes(word)) {
        queueMicrotask(() => world.receive([word, id], JSON.stringify(reply)));
      }
    }
  };
  const chat = new Chat('ws://host/', { WebSocket: world.WebSocket });
  world.open();
  const sent = (number) => world.socket.sent.map(parse).filter(({ word }) => word === CALL + number)
    .map(({ payload }) => JSON.parse(payload).room);
  const say = (offset, message, room = 'lobby') => world.socket.onmessage({
    data: frame([0], JSON.stringify({ room, epoch: '1', offset: String(offset), userId: 'u2', message })).buffer,
  });
  return { world, chat, sent, say };
}

test('a React component shows the chat, its room and what comes, and leaves the room when it goes', async (t) => {
  const { chat, sent, say } = begin();
  t.after(() => chat.close());
  const { createElement, StrictMode } = React;
  const Lobby = ({ name }) => {
    const { state, me } = forReact.useChat(chat);
    const room = forReact.useRoom(chat, name);
    return `${state} ${me?.nick} ${room?.state} ${room?.messages.map(({ message }) => message)}`;
  };
  const element = (name) => createElement(StrictMode, null, createElement(Lobby, { name }));
  let shown;
  await act(() => { shown = Renderer.create(element('lobby')); });
  assert.equal(shown.toJSON(), 'connected Ada joined ');
  await act(() => { say(11, 'one'); say(12, 'two'); });
  assert.equal(shown.toJSON(), 'connected Ada joined one,two');
  // In strict mode it was taken away and back at once; the room stayed.
  assert.deepEqual([sent(JOIN), sent(LEAVE)], [['lobby'], []]);
  await act(() => shown.update(element('books')));
  assert.deepEqual([sent(JOIN), sent(LEAVE), shown.toJSON()], [['lobby', 'books'], ['lobby'], 'connected Ada joined ']);
  await act(() => { say(11, 'late'); say(11, 'a book', 'books'); });
  assert.equal(shown.toJSON(), 'connected Ada joined a book');
  await act(() => shown.unmount());
  assert.deepEqual([sent(LEAVE), chat.rooms], [['lobby', 'books'], []]);
});

test('components share a room, and one that the program has joined stays', async (t) => {
  const { chat, sent } = begin();
  t.after(() => chat.close());
  await settle();
  const own = chat.join('own');
  const Rooms = ({ names }) => names.map((name, key) => React.createElement(Room, { key, name }));
  const Room = ({ name }) => forReact.useRoom(chat, name)?.name ?? null;
  let shown;
  await act(() => { shown = Renderer.create(React.createElement(Rooms, { names: ['own', 'a', 'a'] })); });
  assert.deepEqual([sent(JOIN), shown.toJSON()], [['own', 'a'], ['own', 'a', 'a']]);
  await act(() => shown.update(React.createElement(Rooms, { names: ['own', 'a'] })));
  assert.deepEqual(sent(LEAVE), []);
  await act(() => shown.update(React.createElement(Rooms, { names: [] })));
  assert.deepEqual([sent(LEAVE), own.state], [['a'], 'joined']);
});

test('a Vue scope shows the chat and its room, follows its name, and leaves the room when it ends', async (t) => {
  const { chat, sent, say } = begin();
  t.after(() => chat.close());
  const scope = vue.effectScope();
  const name = vue.ref('lobby');
  const shown = [];
  scope.run(() => {
    const { value: first } = forVue.useChat(chat);
    assert.equal(first.state, 'connecting');
    const state = forVue.useChat(chat);
    const room = forVue.useRoom(chat, name);
    vue.watchEffect(() => {
      shown.push(`${state.value.state} ${room.value.name} ${room.value.state} ${room.value.messages.map(({ message }) => message)}`);
    }, { flush: 'sync' });
  });
  await settle();
  say(11, 'one');
  assert.equal(shown.at(-1), 'connected lobby joined one');
  name.value = 'books';
  await settle();
  assert.equal(shown.at(-1), 'connected books joined ');
  say(11, 'late');
  say(11, 'a book', 'books');
  assert.equal(shown.at(-1), 'connected books joined a book');
  scope.stop();
  await settle();
  assert.deepEqual([sent(JOIN), sent(LEAVE)], [['lobby', 'books'], ['lobby', 'books']]);
  const count = shown.length;
  chat.close();
  assert.equal(shown.length, count);
});

await run();
