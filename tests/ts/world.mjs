// The world of a client under test: its network, its clock and its page, and the frames on the network.

import assert from 'node:assert/strict';

export const CALL = 0x80000000;
export const PING = 40;
const TIMER_MS_MAX = 2 ** 31 - 1;

export function frame(words, payload = '') {
  const text = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  const bytes = new Uint8Array(4 * words.length + text.length);
  words.forEach((word, index) => new DataView(bytes.buffer).setUint32(4 * index, word));
  bytes.set(text, 4 * words.length);
  return bytes;
}

export function parse(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const isCall = view.getUint32(0) >= CALL;
  const payload = new TextDecoder().decode(bytes.subarray(isCall ? 8 : 4));
  return { word: view.getUint32(0), id: isCall ? view.getUint32(4) : undefined, payload };
}

// A network whose sockets do what the test says, and a clock that stands still until the test moves it.
export class World {
  // The client that a test gets unless it names another.
  static Client;

  sockets = [];
  listeners = new Map();
  // What the next `new WebSocket()` throws.
  refusal = null;
  #reported = [];
  document = { hidden: false };
  random = 0.5;
  #now = 1000;
  #timers = new Map();
  #count = 0;
  #before = [];

  constructor() {
    const world = this;
    this.WebSocket = class {
      sent = [];
      readyState = 0;
      constructor(url, protocol) {
        if (world.refusal) {
          throw world.refusal;
        }
        Object.assign(this, { url, protocol });
        world.sockets.push(this);
      }
      send(data) {
        if (this.readyState === 0) {
          throw new DOMException('connecting', 'InvalidStateError');
        }
        if (this.readyState === 1) {
          this.sent.push(data);
        }
      }
      // As browsers take it.
      close(code, reason = '') {
        if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
          throw new DOMException('code', 'InvalidAccessError');
        }
        if (new TextEncoder().encode(reason).length > 123) {
          throw new DOMException('reason', 'SyntaxError');
        }
        Object.assign(this, { closed: code ?? true, reason, readyState: 2 });
      }
    };
  }

  // What was thrown for nobody to catch: what it said.
  async reported() {
    await new Promise(setImmediate);
    return this.#reported.map(({ message }) => message);
  }

  // Take the place of the clock and of the page around the client until `body` is done.
  async run(body) {
    // The clock of the test itself has started when this goes on.
    await null;
    const report = (error) => this.#reported.push(error);
    process.on('unhandledRejection', report);
    this.#replace(globalThis, 'setTimeout', (callback, ms) => {
      this.#count += 1;
      // A number that does not fit is none.
      this.#timers.set(this.#count, { at: this.#now + (ms > TIMER_MS_MAX ? 1 : ms), callback });
      return this.#count;
    });
    this.#replace(globalThis, 'clearTimeout', (timer) => this.#timers.delete(timer));
    this.#replace(globalThis, 'performance', { now: () => this.#now });
    this.#replace(Math, 'random', () => this.random);
    this.#replace(globalThis, 'document', this.document);
    this.#replace(globalThis, 'addEventListener', (name, listener) => this.listeners.set(name, listener));
    this.#replace(globalThis, 'removeEventListener', (name) => this.listeners.delete(name));
    try {
      await body(this);
      assert.deepEqual((await this.reported()).filter((message) => message !== 'mine'), []);
    } finally {
      process.off('unhandledRejection', report);
      for (const [object, name, before] of this.#before) {
        delete object[name];
        Object.defineProperties(object, before ? { [name]: before } : {});
      }
    }
  }

  // By definition, for some of them cannot be assigned in Node 18.
  #replace(object, name, value) {
    this.#before.push([object, name, Object.getOwnPropertyDescriptor(object, name)]);
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
  }

  pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      const [first] = [...this.#timers].sort(([, one], [, other]) => one.at - other.at);
      if (!first || first[1].at > end) {
        break;
      }
      this.#timers.delete(first[0]);
      this.#now = Math.max(this.#now, first[1].at);
      first[1].callback();
    }
    this.#now = end;
  }

  // The computer sleeps: time goes by and no timer runs.
  sleep(ms) { this.#now += ms; }

  get timerCount() { return this.#timers.size; }

  // The page's listener of this event hears it; that of a change of the network is the one of `online`.
  wake(type) { this.listeners.get(this.listeners.has(type) ? type : 'online')({ type }); }

  get socket() { return this.sockets.at(-1); }

  receive(words, payload) { this.socket.onmessage({ data: frame(words, payload).buffer }); }

  open() {
    this.socket.readyState = 1;
    this.socket.onopen({});
  }

  breakLine(code = 1006) {
    this.socket.readyState = 3;
    this.socket.onclose({ code, reason: 'r' });
  }

  // How many Pings the newest socket was given.
  get pings() { return this.socket.sent.filter((data) => parse(data).word === PING).length; }

  client(options, Client = World.Client) {
    const client = new Client('ws://host/', { WebSocket: this.WebSocket, ...options });
    this.states = [];
    client.onState((state, detail) => this.states.push([state, detail]));
    return client;
  }

  online(options) {
    const client = this.client(options);
    this.open();
    return client;
  }
}
