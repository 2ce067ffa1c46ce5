// people.mjs: a chat room of a test's own with people in it, and a server that the test plays itself.

import { Chatroom } from '../lib/chatroom.mjs';
import { Person } from './browser.mjs';

// A chat room, and people who leave it when the test is over.
export async function open(t, browser, { options = {}, address } = {}) {
  const chatroom = await Chatroom.start(address, options);
  t.after(() => chatroom.kill());
  const url = `http://127.0.0.1:${chatroom.port}/`;
  const join = async (name, settings) => {
    const person = await Person.join(browser, url, name, settings);
    t.after(() => person.leave());
    return person;
  };
  const visit = async (settings) => {
    const person = await Person.visit(browser, url + (settings?.hash ?? ''), settings);
    t.after(() => person.leave());
    return person;
  };
  return { chatroom, url, join, visit };
}

const TYPES = {
  chat: 0, hello: 16, refresh: 17, join: 20, leave: 21, left: 22, history: 24, search: 25, presence: 26, presenceDiff: 27,
  typing: 28, read: 29, edit: 30, delete: 31, react: 32, event: 33, moderate: 34, setNick: 35, rooms: 36, roomActivity: 37,
  setRoom: 38, ping: 40, goingAway: 41,
};
const NAMES = Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [type, name]));
const CALL = 0x80000000;
const ERROR = 0x40000000;
const UNKNOWN_TYPE = { code: 104, reason: 'UNKNOWN_TYPE', message: 'unknown type' };

const ME = { nick: 'Ada', userId: 'u-ada', defaultRoom: 'lobby', pingMs: 3600000, sessionId: 's' };

// The protocol of one page, played by a test. The socket is one of playwright's routeWebSocket().
//
// answers  by the name of a call: what it replies, or a function of the request; {error} refuses. Calls without one are
//          answered with 104, as by a server that does not know them.
export class PlayedServer {
  calls = [];
  sent = [];

  constructor(socket, answers = {}) {
    this.socket = socket;
    this.answers = {
      hello: ({ nick }) => ({ ...ME, nick: nick || ME.nick }),
      join: ({ room }) => ({ room: room || 'lobby', epoch: '1', offset: '0' }),
      ...answers,
    };
    socket.onMessage((frame) => this.#take(Buffer.from(frame)));
  }

  #take(bytes) {
    const type = bytes.readUInt32BE(0);
    const name = NAMES[type & 0xffff];
    if (type < CALL) {
      this.sent.push({ name, message: JSON.parse(bytes.subarray(4)) });
      return;
    }
    const request = JSON.parse(bytes.subarray(8));
    this.calls.push({ name, request });
    const answer = this.answers[name];
    const reply = answer === undefined ? { error: UNKNOWN_TYPE } : typeof answer === 'function' ? answer(request) : answer;
    if (reply) {
      const head = Buffer.from(bytes.subarray(0, 8));
      head.writeUInt32BE((type | (reply.error ? ERROR : 0)) >>> 0);
      this.socket.send(Buffer.concat([head, Buffer.from(JSON.stringify(reply.error ?? reply))]));
    }
  }

  push(name, message) {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(TYPES[name]);
    this.socket.send(Buffer.concat([head, Buffer.from(JSON.stringify(message))]));
  }

  count(name) {
    return this.calls.filter((call) => call.name === name).length + this.sent.filter((one) => one.name === name).length;
  }
}

// Settings of a person whose page talks to a PlayedServer; `played.server` is the one of the newest connection.
export function play(answers) {
  const played = { servers: [] };
  const prepare = (page) => page.routeWebSocket(/./, (socket) => {
    played.server = new PlayedServer(socket, answers);
    played.servers.push(played.server);
  });
  return { played, settings: { prepare } };
}

// A stored message of the played room.
export const message = (offset, text, more = {}) => ({
  room: 'lobby', epoch: '1', offset: String(offset), message: text, sender: 'Zeno', userId: 'u-zeno',
  tsMs: String(Date.UTC(2026, 0, 2, 10) + 1000 * offset), ...more,
});
