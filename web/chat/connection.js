// connection.js: the connection to the server, which reconnects after breaks.
//
// Opens the socket, calls Hello, and then delivers messages and answers of calls. When the connection is lost, it reconnects after a
// random, growing delay. When the server is full, it also waits for the time that the server sent. It does not
// reconnect when that is useless (close codes 4500 to 4999, see isFinal).
//
// Does not know: the page. Events are called one at a time, never inside the call that caused them, except that
// `state` reports a change made by open(), retryNow(), reopen() and wake() before those return. An exception in an
// event is reported as an error of the page and changes nothing here.

import { decodeFrame, encodeCall, encodePlain } from './frame.js';

export const TYPE_CHAT = 0;
export const TYPE_EVENT = 33;
const TYPE_HELLO = 16;
const TYPE_PING = 40;

const ERROR_INTERNAL = 100;
export const ERROR_LIMIT = 106;
const ERROR_NOT_AVAILABLE = 108;
export const ERROR_RATE = 111;
export const ERROR_NICK_TAKEN = 124;
export const ERROR_NICK_INVALID = 125;

// They are temporary, whether the server says so or not.
const PASSING_ERRORS = [ERROR_INTERNAL, ERROR_LIMIT, ERROR_NOT_AVAILABLE, ERROR_RATE];

export const CLOSE_RATE = 4013;
export const CLOSE_FULL = 4014;
const CLOSE_NO_HELLO = 4502;
const CLOSE_FULL_BEFORE = 4504;

const SUBPROTOCOL = 'stoa.json';
const SOCKET_OPEN = 1;

const DELAY_MIN_MS = 500;
const DELAY_BASE_MS = 1000;
const DELAY_MAX_MS = 20000;
// setTimeout() treats a longer delay as 0.
const TIMER_MS_MAX = 2 ** 31 - 1;
// A page cannot see WebSocket's pings, so the server also sends a Ping message when it has sent nothing else for this
// time. The reply to Hello has this time.
const PING_MS = 25000;
// Added to that time; also the limit for an answer after our own Ping.
const GRACE_MS = 10000;
const GREETING_MAX_MS = 15000;
// After a connection that was open this long, the next break starts with the shortest delay again.
const STABLE_MS = 10000;
// The server may need this time to notice that our last connection is dead; our name is in use until then.
const NICK_HELD_MS = 45000;
// And this time to notice that the page before a reload has closed.
const NICK_RELOAD_MS = 3000;

// Which states may follow a state. `idle` waits for a name, `waiting` for its next attempt, `closed` for the person.
const FOLLOWS = {
  idle: ['connecting'],
  connecting: ['connecting', 'online', 'waiting', 'closed', 'idle'],
  online: ['connecting', 'waiting', 'closed'],
  waiting: ['connecting', 'closed'],
  closed: ['connecting'],
};

// Is reconnecting useless? Not after 4502 (Hello was too late), and not after 4504, which older servers sent when they
// were full.
function isFinal(code) {
  return code >= 4500 && code <= 4999 && code !== CLOSE_NO_HELLO && code !== CLOSE_FULL_BEFORE;
}

// How long to wait for a server that is full, or that found us too fast; 0 when it is not a valid number.
function milliseconds(value) {
  return value > 0 ? Number(value) : 0;
}

// Full jitter: a random delay between the shortest one and a bound that doubles, so that the pages of one server do not
// all reconnect at once.
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
  #url = null;
  #locate;
  #events;
  #world;
  #state = 'idle';
  #socket = null;
  #timer = null;
  #dialNumber = 0;
  #nick = '';
  #callId = 0;
  #helloId = 0;
  #calls = new Map();
  #guestToken = '';
  #attempt = 0;
  #pingMs = PING_MS;
  #dueAt = 0;
  #tried = false;
  #retryMs = 0;
  #notBefore = 0;
  #onlineAt = 0;
  #nickOursUntil = 0;

  // events  {state(state, detail), message(type, message), refused(type, error)}: a Chat or Event message; an error that
  //         answers no call
  //         detail: online {hello}, waiting {delayMs, code}, closed {code, reason} or {error}, idle {error} for a
  //         refused name. `code` is the close code, 1006 when the connection broke
  // where   the URL, or an async function that returns it, called until it succeeds once
  // world   what a test replaces: open, now, random, setTimer, clearTimer
  constructor(where, events, world = browser) {
    this.#url = typeof where === 'string' ? where : null;
    this.#locate = where;
    this.#events = events;
    this.#world = world;
  }

  get state() {
    return this.#state;
  }

  // Connect with this name, over a new socket; an open one is left.
  //
  // remembered  the name is from an earlier visit, whose connection may still be closing
  open(nick, { remembered = false } = {}) {
    // A guest who comes back by token keeps the name, so a new name needs a new guest.
    this.#guestToken = nick === this.#nick ? this.#guestToken : '';
    this.#nick = nick;
    this.#attempt = 0;
    this.#nickOursUntil = remembered ? this.#world.now() + NICK_RELOAD_MS : 0;
    this.#connect();
  }

  // End the wait, because the person asked. Does nothing in other states.
  retryNow() {
    if (this.#state === 'waiting') {
      this.#connect();
    }
  }

  // Connect again after the server has closed for good, because the person asked.
  reopen() {
    if (this.#state === 'closed') {
      this.open(this.#nick);
    }
  }

  // The page is visible again, or the network is back: timers may have been suspended, and the connection may be dead.
  wake() {
    if (this.#state === 'online') {
      this.#try();
    } else if (this.#state === 'connecting') {
      this.#watch();
    } else if (this.#state === 'waiting' && this.#world.now() >= this.#notBefore) {
      this.#connect();
    }
  }

  // Call. Returns false, and sends nothing, unless online.
  //
  // answered(error, reply)  one of them is null; not called when the connection is lost before the answer
  call(type, message, answered = () => {}) {
    if (this.#state !== 'online') {
      return false;
    }
    this.#callId += 1;
    if (!this.#send(encodeCall(type, this.#callId, message))) {
      return false;
    }
    this.#calls.set(this.#callId, answered);
    return true;
  }

  // A closing socket drops a message without an error, and a socket that is not open yet throws.
  #send(frame) {
    if (this.#socket.readyState > SOCKET_OPEN) {
      return false;
    }
    try {
      this.#socket.send(frame);
    } catch {
      return false;
    }
    return true;
  }

  #tell(event, ...values) {
    this.#run(() => this.#events[event](...values));
  }

  #run(callback) {
    try {
      callback();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #enter(state, detail = {}) {
    if (!FOLLOWS[this.#state].includes(state)) {
      throw new Error(`a connection cannot go from ${this.#state} to ${state}`);
    }
    this.#state = state;
    this.#tell('state', state, detail);
  }

  #connect() {
    this.#abandon();
    this.#retryMs = 0;
    this.#hear(GREETING_MAX_MS);
    this.#watch();
    this.#enter('connecting');
    if (this.#url === null) {
      this.#find();
    } else {
      this.#dial();
    }
  }

  async #find() {
    const dial = this.#dialNumber;
    const url = await this.#locate().catch(() => null);
    this.#url ??= url;
    // This attempt may have been cancelled meanwhile.
    if (this.#dialNumber !== dial) {
      return;
    }
    if (this.#url === null) {
      this.#lose();
    } else {
      this.#dial();
    }
  }

  #dial() {
    let socket;
    try {
      socket = this.#world.open(this.#url, SUBPROTOCOL);
    } catch (error) {
      console.warn('a socket could not be made:', error.message);
      this.#lose();
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#greet();
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(event.code, event.reason);
  }

  // A dead connection may keep a closing socket for minutes, so the socket loses its handlers and is not waited for.
  #abandon() {
    this.#world.clearTimer(this.#timer);
    this.#timer = null;
    this.#dialNumber += 1;
    this.#calls.clear();
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
    this.#helloId = this.#callId;
    const token = this.#guestToken === '' ? {} : { token: this.#guestToken };
    this.#send(encodeCall(TYPE_HELLO, this.#helloId, { nick: this.#nick, ...token }));
  }

  #hear(limitMs = this.#pingMs + GRACE_MS) {
    this.#dueAt = this.#world.now() + limitMs;
    this.#tried = false;
  }

  // One timer that looks at the clock, instead of one that every message restarts. It may run late, because pages are
  // suspended. Messages received meanwhile are then still queued, so the connection is tested before it counts as lost.
  #watch() {
    this.#world.clearTimer(this.#timer);
    const leftMs = this.#dueAt - this.#world.now();
    if (leftMs > 0) {
      this.#timer = this.#world.setTimer(() => this.#watch(), Math.min(leftMs, TIMER_MS_MAX));
    } else if (this.#state === 'online' && !this.#tried) {
      this.#try();
    } else {
      this.#lose();
    }
  }

  // A Ping has no answer. But on a dead connection it causes an error, or the silence continues.
  #try() {
    if (this.#dueAt <= this.#world.now()) {
      this.#hear(GRACE_MS);
      this.#tried = true;
    }
    this.#send(encodePlain(TYPE_PING, {}));
    this.#watch();
  }

  #receive(data) {
    this.#hear(this.#state === 'online' ? undefined : GREETING_MAX_MS);
    let frame;
    try {
      frame = decodeFrame(data);
    } catch (error) {
      console.warn('a frame that cannot be read was left out:', error.message);
      return;
    }
    this.#dispatch(frame);
  }

  // Types that this page does not know, such as Ping, count as received and are ignored.
  #dispatch(frame) {
    if (frame.call && frame.type === TYPE_HELLO && frame.id === this.#helloId) {
      this.#greeted(frame);
    } else if (frame.call) {
      this.#answered(frame);
    } else if (frame.error) {
      this.#refused(frame);
    } else if (frame.type === TYPE_CHAT || frame.type === TYPE_EVENT) {
      this.#tell('message', frame.type, frame.message);
    }
  }

  #answered({ id, error, message }) {
    const answered = this.#calls.get(id);
    if (this.#calls.delete(id)) {
      this.#retryMs = error ? milliseconds(message.retryMs) : this.#retryMs;
      this.#run(() => (error ? answered(message, null) : answered(null, message)));
    }
  }

  // Before the reply to Hello an error is not about a message: the close that follows has the reason.
  #refused(frame) {
    this.#retryMs = milliseconds(frame.message.retryMs);
    if (this.#state === 'online') {
      this.#tell('refused', frame.type, frame.message);
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
    this.#pingMs = milliseconds(frame.message.pingMs) || PING_MS;
    this.#guestToken = frame.message.guestToken || this.#guestToken;
    this.#hear();
    this.#enter('online', { hello: frame.message });
    // An event may have changed the state.
    if (this.#state === 'online') {
      this.#watch();
    }
  }

  #helloRefused(error) {
    if (error.code === ERROR_NICK_TAKEN && this.#world.now() < this.#nickOursUntil) {
      this.#lose();
    } else if (error.code === ERROR_NICK_TAKEN || error.code === ERROR_NICK_INVALID) {
      this.#abandon();
      this.#enter('idle', { error });
    } else if (error.temporary || PASSING_ERRORS.includes(error.code)) {
      this.#lose({ askedMs: milliseconds(error.retryMs) });
    } else {
      this.#abandon();
      this.#enter('closed', { error });
    }
  }

  #closed(code, reason) {
    if (isFinal(code)) {
      this.#abandon();
      this.#enter('closed', { code, reason });
    } else {
      this.#lose({ code, askedMs: code === CLOSE_FULL || code === CLOSE_RATE ? this.#retryMs : 0 });
    }
  }

  // The connection is lost; reconnect after a delay, and not before the time that the server sent.
  #lose({ code = 1006, askedMs = 0 } = {}) {
    const now = this.#world.now();
    if (this.#state === 'online') {
      this.#nickOursUntil = now + NICK_HELD_MS;
      if (now - this.#onlineAt >= STABLE_MS) {
        this.#attempt = 0;
      }
    }
    this.#abandon();
    const delayMs = Math.min(askedMs + reconnectDelayMs(this.#attempt, this.#world.random), TIMER_MS_MAX);
    this.#attempt += 1;
    this.#notBefore = now + askedMs;
    this.#timer = this.#world.setTimer(() => this.retryNow(), delayMs);
    this.#enter('waiting', { delayMs, code });
  }
}
