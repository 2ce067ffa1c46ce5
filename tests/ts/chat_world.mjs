// The chat's SDK in a world.mjs, with a server that a test plays by hand.

import { test } from '../lib/tap.mjs';
import { load, temporaryFolder } from './build.mjs';
import { CALL, parse, World } from './world.mjs';

export const ERROR = 0x40000000;
export const TYPE = {
  chat: 0, hello: 16, refresh: 17, join: 20, leave: 21, left: 22, history: 24, presenceDiff: 27, typing: 28, read: 29,
  edit: 30, event: 33, setNick: 35, rooms: 36, roomActivity: 37, ping: 40, goingAway: 41,
};

export const { Chat, ChatroomApi, keepToken, protobuf, stored, TypingState } = await load(`
  export { protobuf } from '@stoa/client';
  export { ChatroomApi } from '@stoa/client/chatroom';
  export * from '@stoa/client/chat';
`, temporaryFolder());

export const inWorld = (name, body) => test(name, () => new World().run(body));
export const settle = () => new Promise(setImmediate);

// The server's side of the newest socket, by hand.
export class Server {
  constructor(world) { this.world = world; }

  // The payloads of this type that it was sent, oldest first, without fields that have the value of an absent one.
  sent(name, socket = this.world.socket) {
    const number = TYPE[name];
    const payloads = socket.sent.map(parse).filter(({ word }) => (word & 0xff) === number).map(({ payload }) => payload);
    return payloads.map((payload) => JSON.parse(payload, (key, value) => (value === '0' || value === false ? undefined : value)));
  }

  calls(name) {
    return this.world.socket.sent.map(parse).filter(({ word }) => word === CALL + TYPE[name]);
  }

  reply(name, body = {}, nth = -1) {
    this.world.receive([CALL + TYPE[name], this.calls(name).at(nth).id], JSON.stringify(body));
  }

  refuse(name, code, more = {}, nth = -1) {
    this.world.receive([CALL + ERROR + TYPE[name], this.calls(name).at(nth).id], JSON.stringify({ code, ...more }));
  }

  push(name, body = {}) {
    this.world.receive([TYPE[name]], JSON.stringify(body));
  }

  chat(offset, more = {}) {
    this.push('chat', { room: 'lobby', epoch: '1', offset: String(offset), userId: 'u2', message: `m${offset}`, ...more });
  }

  event(offset, kind, more = {}) {
    this.push('event', { room: 'lobby', epoch: '1', offset: String(offset), kind, userId: 'u2', ...more });
  }

  // A connection up to the reply to Hello.
  async welcome(more = {}) {
    this.world.open();
    await settle();
    this.reply('hello', { nick: 'Ada', userId: 'u1', defaultRoom: 'lobby', guestToken: 'guest-1', ...more });
    await settle();
  }

  admit(more = {}, nth = -1) {
    this.reply('join', { room: 'lobby', epoch: '1', offset: '10', ...more }, nth);
  }

  breakLine(code) { this.world.breakLine(code); }

  // Until the client does what `count` counts once more.
  until(count) {
    for (const before = count(); count() === before;) {
      this.world.pass(50);
    }
  }

  reconnects() { this.until(() => this.world.sockets.length); }

  // The client's next connection, with everything as it was.
  async back(join = { wasRecovering: true, recovered: true }) {
    this.reconnects();
    await this.welcome();
    this.admit(join);
    // Timers that ran out.
    this.world.pass(0);
  }
}

export function begin(world, options = {}) {
  const chat = new Chat('ws://host/', { WebSocket: world.WebSocket, ...options });
  const states = [];
  chat.on('state', (state) => states.push(state));
  return { chat, states, server: new Server(world) };
}

export async function inRoom(world, options, hello, join) {
  const all = begin(world, options);
  await all.server.welcome(hello);
  const room = all.chat.join('lobby');
  all.server.admit(join);
  const events = [];
  for (const name of ['joined', 'recovered', 'gap', 'message', 'event', 'typing', 'presence', 'read', 'left', 'outgoing']) {
    room.on(name, (value) => events.push([name, value]));
  }
  return { ...all, room, events, names: () => events.map(([name]) => name) };
}

export const texts = (room) => room.messages.map(({ message }) => message);
export const reasonOf = (promise) => promise.then(() => 'resolved', (error) => error.reason ?? error);
