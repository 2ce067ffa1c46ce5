// connection.js: one talk with the server, kept alive through breaks.
//
// Opens the socket, says Hello, and from then on hands over chat messages. When the line breaks it comes back by itself
// with a random, growing delay; it stays away when the server said so (close codes 4500 to 4999).
//
// Does not know: the page. Events are called one at a time, never inside the call that caused them, except that
// `state` reports a change made by open(), retryNow() and close() before those return.

import { decodeFrame, encodeCall, encodePlain } from './frame.js';

export const TYPE_CHAT = 0;
const TYPE_HELLO = 16;

export const ERROR_NICK_TAKEN = 124;
export const ERROR_NICK_INVALID = 125;

const SUBPROTOCOL = 'stoa.json';
const CLOSE_STOP_FIRST = 4500;
const CLOSE_STOP_LAST = 4999;

const DELAY_MIN_MS = 500;
const DELAY_BASE_MS = 1000;
const DELAY_MAX_MS = 20000;
// The server pings an idle session every 25 s and gives it 10 s. A page cannot see WebSocket pings, so silence is all
// that tells it about a dead line.
const SILENCE_MAX_MS = 35000;
const GREETING_MAX_MS = 15000;
// A talk that held this long was a good one: the next break starts again with the shortest delay.
const STABLE_MS = 10000;
// The server may need this long to notice that our last line is dead, and holds our name until then.
const NICK_HELD_MS = 45000;
// And this long to see that the page before a reload is gone.
const NICK_RELOAD_MS = 3000;

// What may follow what. `idle` waits for a name, `waiting` for its next attempt, `closed` for a person.
const FOLLOWS = {
  idle: ['connecting'],
  connecting: ['connecting', 'online', 'waiting', 'closed', 'idle'],
  online: ['connecting', 'waiting', 'closed'],
  waiting: ['connecting', 'closed'],
  closed: ['connecting'],
};

// Full jitter: any delay between the least and a bound that doubles, so that a thousand pages that lost one server do
// not come back in one moment.
export function reconnectDelayMs(attempt, random) {
  const bound = Math.min(DELAY_MAX_MS, DELAY_BASE_MS * 2 ** Math.min(attempt, 10));
  return Math.round(DELAY_MIN_MS + random() * (bound - DELAY_MIN_MS));
}

const browser = {
  open: (url, protocol) => new WebSocket(url, protocol),
  now: () => performance.now(),
  random: Math.random,
  setTimer: (run, delayMs) => setTimeout(run, delayMs),
  clearTimer: (timer) => clearTimeout(timer),
};

export class Connection {
  #url;
  #events;
  #world;
  #state = 'idle';
  #socket = null;
  #timer = null;
  #nick = '';
  #callId = 0;
  #attempt = 0;
  #heardAt = 0;
  #onlineAt = 0;
  #nickOursUntil = 0;

  // events  {state(state, detail), chat(message), refused(type, error)}
  //         detail: online {hello}, waiting {delayMs}, closed {code, reason} or {error}, idle {error} of a refused name
  // world   what a test replaces: open, now, random, setTimer, clearTimer
  constructor(url, events, world = browser) {
    this.#url = url;
    this.#events = events;
    this.#world = world;
  }

  get state() {
    return this.#state;
  }

  // Talk under this name, over a new socket; whatever was open before is left.
  //
  // remembered  the name is from an earlier visit, whose connection may still be closing
  open(nick, { remembered = false } = {}) {
    this.#nick = nick;
    this.#attempt = 0;
    this.#nickOursUntil = remembered ? this.#world.now() + NICK_RELOAD_MS : 0;
    this.#connect();
  }

  // The wait is over: the person asked, or the network is back. Does nothing in other states.
  retryNow() {
    if (this.#state === 'waiting') {
      this.#connect();
    }
  }

  // The person asks once more after the server had said to stop.
  reopen() {
    if (this.#state === 'closed') {
      this.open(this.#nick);
    }
  }

  // Timers sleep while the page does: look at the clock once it wakes.
  wake() {
    if (this.#state === 'online' || this.#state === 'connecting') {
      this.#watch();
    }
  }

  // Returns false, and sends nothing, unless the talk is online.
  sendChat(frame) {
    if (this.#state !== 'online') {
      return false;
    }
    this.#socket.send(frame);
    return true;
  }

  #enter(state, detail = {}) {
    if (!FOLLOWS[this.#state].includes(state)) {
      throw new Error(`a connection cannot go from ${this.#state} to ${state}`);
    }
    this.#state = state;
    this.#events.state(state, detail);
  }

  #connect() {
    this.#abandon();
    this.#heardAt = this.#world.now();
    this.#enter('connecting');
    const socket = this.#world.open(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#greet();
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(event.code, event.reason);
    this.#watch();
  }

  // A dead line may keep a closing socket for minutes, so the socket loses its handlers and is not waited for.
  #abandon() {
    this.#world.clearTimer(this.#timer);
    this.#timer = null;
    const socket = this.#socket;
    if (socket === null) {
      return;
    }
    this.#socket = null;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #greet() {
    this.#callId += 1;
    this.#socket.send(encodeCall(TYPE_HELLO, this.#callId, { nick: this.#nick }));
  }

  // One timer that looks at the clock, instead of one that every message restarts.
  #watch() {
    this.#world.clearTimer(this.#timer);
    const limitMs = this.#state === 'online' ? SILENCE_MAX_MS : GREETING_MAX_MS;
    const leftMs = this.#heardAt + limitMs - this.#world.now();
    if (leftMs <= 0) {
      this.#lose();
      return;
    }
    this.#timer = this.#world.setTimer(() => this.#watch(), leftMs);
  }

  #receive(data) {
    this.#heardAt = this.#world.now();
    let frame;
    try {
      frame = decodeFrame(data);
    } catch (error) {
      console.warn('a frame that cannot be read was left out:', error.message);
      return;
    }
    this.#dispatch(frame);
  }

  // Types that this page does not know, Ping among them, count as life and are left alone.
  #dispatch(frame) {
    if (frame.call && frame.type === TYPE_HELLO && frame.id === this.#callId) {
      this.#greeted(frame);
    } else if (frame.error) {
      this.#events.refused(frame.type, frame.message);
    } else if (!frame.call && frame.type === TYPE_CHAT) {
      this.#events.chat(frame.message);
    }
  }

  #greeted(frame) {
    if (this.#state !== 'connecting') {
      return;
    }
    if (frame.error) {
      this.#helloRefused(frame.message);
      return;
    }
    this.#onlineAt = this.#world.now();
    this.#enter('online', { hello: frame.message });
    this.#watch();
  }

  #helloRefused(error) {
    if (error.code === ERROR_NICK_TAKEN && this.#world.now() < this.#nickOursUntil) {
      this.#lose();
    } else if (error.code === ERROR_NICK_TAKEN || error.code === ERROR_NICK_INVALID) {
      this.#abandon();
      this.#enter('idle', { error });
    } else if (error.temporary) {
      this.#lose(error.retryMs);
    } else {
      this.#abandon();
      this.#enter('closed', { error });
    }
  }

  #closed(code, reason) {
    if (code >= CLOSE_STOP_FIRST && code <= CLOSE_STOP_LAST) {
      this.#abandon();
      this.#enter('closed', { code, reason });
    } else {
      this.#lose();
    }
  }

  // The line is gone; come back after a while.
  #lose(delayLeastMs = 0) {
    const now = this.#world.now();
    if (this.#state === 'online') {
      this.#nickOursUntil = now + NICK_HELD_MS;
      if (now - this.#onlineAt >= STABLE_MS) {
        this.#attempt = 0;
      }
    }
    this.#abandon();
    const delayMs = Math.max(delayLeastMs, reconnectDelayMs(this.#attempt, this.#world.random));
    this.#attempt += 1;
    this.#timer = this.#world.setTimer(() => this.retryNow(), delayMs);
    this.#enter('waiting', { delayMs });
  }
}

export function chatFrame(text) {
  return encodePlain(TYPE_CHAT, { message: text });
}
