// The page's modules that need no page, under a fake clock and network.

import assert from 'node:assert/strict';

import { run, test } from '../lib/tap.mjs';
import { Connection, reconnectDelayMs } from '../../web/chat/connection.js';
import { findEndpoint } from '../../web/chat/endpoint.js';
import { decodeFrame, encodeCall, encodePlain } from '../../web/chat/frame.js';
import { Outbox } from '../../web/chat/outbox.js';
import { Room } from '../../web/chat/room.js';
import { LANGUAGES, Strings, pickLanguage } from '../../web/chat/strings.js';
import { initial, isFewSymbols, isLong, textPieces, toneOf } from '../../web/chat/text.js';
import { Times, isSameDay, parseTimestamp } from '../../web/chat/times.js';

const CALL = 0x80000000;
const ERROR = 0x40000000;
const HELLO = 16;
const PING = 40;

function bytesOf(words, payload) {
  const text = new TextEncoder().encode(payload);
  const bytes = new Uint8Array(4 * words.length + text.length);
  words.forEach((word, index) => new DataView(bytes.buffer).setUint32(4 * index, word));
  bytes.set(text, 4 * words.length);
  return bytes.buffer;
}

// A network whose sockets do what the test says, and a clock that stands still until the test moves it.
class World {
  sockets = [];
  events = [];
  // What open() throws.
  refusal = null;
  #now = 1000;
  #timers = new Map();
  #timerCount = 0;

  constructor(random = () => 0.5) {
    this.random = random;
  }

  open = (url, protocol) => {
    if (this.refusal) {
      throw this.refusal;
    }
    const socket = { url, protocol, sent: [], closed: false, readyState: 0 };
    socket.send = (data) => {
      if (socket.readyState === 0) {
        throw new DOMException('connecting', 'InvalidStateError');
      }
      if (socket.readyState === 1) {
        socket.sent.push(data);
      }
    };
    socket.close = () => { socket.closed = true; };
    this.sockets.push(socket);
    return socket;
  };

  now = () => this.#now;

  setTimer = (run, delayMs) => {
    this.#timerCount += 1;
    // A number that does not fit is none.
    this.#timers.set(this.#timerCount, { at: this.#now + (delayMs > 2 ** 31 - 1 ? 1 : delayMs), run });
    return this.#timerCount;
  };

  clearTimer = (timer) => this.#timers.delete(timer);

  // Move the clock, running what falls due on the way, the earliest first.
  pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      const [first] = [...this.#timers].sort(([, one], [, other]) => one.at - other.at);
      if (!first || first[1].at > end) {
        break;
      }
      this.#timers.delete(first[0]);
      this.#now = Math.max(this.#now, first[1].at);
      first[1].run();
    }
    this.#now = end;
  }

  // The computer sleeps: time goes by and no timer runs.
  sleep(ms) {
    this.#now += ms;
  }

  get socket() {
    return this.sockets.at(-1);
  }

  get states() {
    return this.events.filter(([name]) => name === 'state').map(([, state]) => state);
  }

  // How many Pings the newest socket was given.
  get pings() {
    return this.socket.sent.filter((data) => decodeFrame(data.buffer).type === PING).length;
  }

  connection(where = 'ws://host/', events = {}) {
    const note = (name) => (...values) => this.events.push([name, ...values]);
    const noted = { state: note('state'), message: note('message'), refused: note('refused') };
    return new Connection(where, { ...noted, ...events }, this);
  }

  receive(words, payload = '') {
    this.socket.onmessage({ data: bytesOf(words, payload) });
  }

  answerHello(message, bits = CALL) {
    this.socket.readyState = 1;
    this.socket.onopen();
    const { id } = decodeFrame(this.socket.sent[0].buffer);
    this.receive([bits + HELLO, id], JSON.stringify(message));
  }

  breakLine(code = 1006) {
    this.socket.readyState = 3;
    this.socket.onclose({ code, reason: '' });
  }
}

function online(nick = 'Ada', random, told = {}) {
  const world = new World(random);
  const connection = world.connection();
  connection.open(nick);
  world.answerHello({ nick, ...told });
  return { world, connection };
}

test('a plain frame is its type in big-endian order and its JSON', () => {
  const frame = encodePlain(0x01020304, { message: 'é' });
  assert.deepEqual([...frame.slice(0, 4)], [1, 2, 3, 4]);
  assert.equal(new TextDecoder().decode(frame.slice(4)), '{"message":"é"}');
});

test('a call carries bit 31 and its id', () => {
  const frame = encodeCall(16, 7, {});
  assert.deepEqual([...frame.slice(0, 8)], [0x80, 0, 0, 16, 0, 0, 0, 7]);
});

test('replies, errors and plain frames are told apart', () => {
  assert.deepEqual(decodeFrame(bytesOf([CALL + 16, 9], '{"nick":"A"}')),
    { type: 16, call: true, error: false, id: 9, message: { nick: 'A' } });
  assert.deepEqual(decodeFrame(bytesOf([CALL + ERROR + 16, 9], '{"code":124}')),
    { type: 16, call: true, error: true, id: 9, message: { code: 124 } });
  assert.deepEqual(decodeFrame(bytesOf([ERROR], '{"code":123}')),
    { type: 0, call: false, error: true, id: 0, message: { code: 123 } });
  assert.deepEqual(decodeFrame(bytesOf([40], '')), { type: 40, call: false, error: false, id: 0, message: {} });
});

test('frames that are short, not JSON, not an object or not UTF-8 are refused', () => {
  assert.throws(() => decodeFrame(new ArrayBuffer(3)));
  assert.throws(() => decodeFrame(bytesOf([CALL + 16], '')));
  for (const payload of ['{', '7', '"text"', '[]', 'null']) {
    assert.throws(() => decodeFrame(bytesOf([0], payload)), payload);
  }
  assert.throws(() => decodeFrame(new Uint8Array([0, 0, 0, 0, 0x22, 0xff, 0x22]).buffer));
});

test('the page says Hello with its name as soon as the socket is open, and is online with the reply', () => {
  const { world } = online('小明');
  assert.equal(world.socket.protocol, 'stoa.json');
  assert.deepEqual(decodeFrame(world.socket.sent[0].buffer).message, { nick: '小明' });
  assert.deepEqual(world.states, ['connecting', 'online']);
});

test('a chat message is sent only while online', () => {
  const { world, connection } = online();
  const answers = [];
  const note = (...values) => answers.push(values);
  assert.equal(connection.call(0, { message: 'hello' }, note), true);
  assert.deepEqual(decodeFrame(world.socket.sent[1].buffer),
    { type: 0, call: true, error: false, id: 2, message: { message: 'hello' } });
  world.receive([CALL, 2], '{"offset":"7"}');
  world.receive([CALL, 2], '{"offset":"8"}');
  assert.equal(connection.call(0, { message: 'no' }, note), true);
  world.receive([CALL + ERROR, 3], '{"code":122}');
  assert.equal(connection.call(0, { message: 'unanswered' }, note), true);
  world.breakLine();
  assert.equal(connection.call(0, { message: 'lost' }, note), false);
  assert.deepEqual(answers, [[null, { offset: '7' }], [{ code: 122 }, null]]);
});

// A room on a connection that the test plays.
function playedRoom() {
  const calls = [];
  const events = [];
  const note = (name) => (...values) => events.push([name, ...values]);
  const played = { call: (type, message, answered) => calls.push({ type, message, answered }) > 0 };
  const room = new Room(played, '', { chat: (message) => events.push(['chat', message.message]),
    changed: note('changed'), gap: note('gap'), refused: note('refused') });
  return { room, calls, events };
}

const chatAt = (offset, message, clientMsgId) => ({ epoch: '5', offset: String(offset), message, clientMsgId });

test('a room comes back with its place, and what was missed is shown once and without a gap', () => {
  const { room, calls, events } = playedRoom();
  room.enter();
  assert.equal(calls[0].message.recover, undefined);
  calls[0].answered(null, { epoch: '5', offset: '2', items: [chatAt(1, 'one'), chatAt(2, 'two')] });
  room.arrived(0, chatAt(2, 'two'));
  room.arrived(0, chatAt(3, 'three'));
  room.enter();
  assert.deepEqual(calls[1].message.recover, { epoch: '5', offset: '3' });
  calls[1].answered(null, { epoch: '5', offset: '4', wasRecovering: true, recovered: true });
  room.arrived(0, chatAt(4, 'four'));
  assert.deepEqual(events.map(([, text]) => text), ['one', 'two', 'three', 'four']);
});

test('a room whose messages are lost shows the gap, and then the newest', () => {
  const { room, calls, events } = playedRoom();
  room.enter();
  calls[0].answered(null, { epoch: '5', offset: '1', items: [chatAt(1, 'one')] });
  room.enter();
  calls[1].answered(null, { epoch: '6', offset: '1', items: [{ ...chatAt(1, 'new'), epoch: '6' }] });
  assert.deepEqual(events, [['chat', 'one'], ['gap'], ['chat', 'new']]);
});

test('what is not acknowledged is sent again with the same id, unless it has arrived', () => {
  const { room, calls } = playedRoom();
  room.enter();
  calls[0].answered(null, { epoch: '0' });
  ['acknowledged', 'arrived', 'lost'].forEach((text) => room.send(text));
  const [, one, two, three] = calls;
  one.answered(null, { offset: '1' });
  room.enter();
  calls[4].answered(null, { epoch: '5', offset: '2', wasRecovering: true, recovered: true });
  room.arrived(0, chatAt(2, 'arrived', two.message.clientMsgId));
  calls[5].answered(null, {});
  assert.deepEqual(calls.slice(6).map(({ message }) => message), [three.message]);
  assert.deepEqual(room.giveUp(), ['lost']);
});

test('a refused text is given back, and a room that cannot be entered is told', () => {
  const { room, calls, events } = playedRoom();
  room.enter();
  calls[0].answered({ code: 102 }, null);
  room.send('no');
  calls[1].answered({ code: 123 }, null);
  assert.deepEqual(events, [['refused', { code: 102 }, null], ['refused', { code: 123 }, 'no']]);
  assert.deepEqual(room.giveUp(), []);
});

test('chat messages and refusals reach the page, and everything unknown is ignored', () => {
  const { world } = online();
  world.receive([0], '{"message":"m","sender":"s"}');
  world.receive([ERROR], '{"code":122}');
  world.receive([40]);
  world.receive([99], '{"what":1}');
  world.receive([0], 'no JSON');
  const heard = world.events.filter(([name]) => name !== 'state');
  assert.deepEqual(heard, [['message', 0, { message: 'm', sender: 's' }], ['refused', 0, { code: 122 }]]);
});

test('delays are random between half a second and a bound that doubles up to twenty seconds', () => {
  const bounds = [0, 1, 2, 3, 4, 5, 6, 1000].map((attempt) => reconnectDelayMs(attempt, () => 1));
  assert.deepEqual(bounds, [1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000]);
  assert.deepEqual([0, 5, 1000].map((attempt) => reconnectDelayMs(attempt, () => 0)), [500, 500, 500]);
  assert.equal(reconnectDelayMs(5, () => 0.5), 10250);
});

test('a broken connection is opened again after the delay, and the delay grows while it stays broken', () => {
  const { world } = online('Ada', () => 1);
  world.pass(10000);
  world.breakLine();
  world.pass(999);
  assert.equal(world.sockets.length, 1);
  world.pass(1);
  assert.equal(world.sockets.length, 2);
  world.breakLine();
  world.pass(1999);
  assert.equal(world.sockets.length, 2);
  world.pass(1);
  assert.equal(world.sockets.length, 3);
});

test('a server that answers Hello and disconnects at once does not reset the delay', () => {
  const { world } = online('Ada', () => 1);
  const delays = [];
  for (let i = 0; i < 3; i += 1) {
    world.breakLine();
    delays.push(world.events.at(-1)[2].delayMs);
    world.pass(delays.at(-1));
    world.answerHello({ nick: 'Ada' });
  }
  assert.deepEqual(delays, [1000, 2000, 4000]);
});

test('retryNow connects at once while waiting, and does nothing otherwise', () => {
  const { world, connection } = online();
  connection.retryNow();
  assert.equal(world.sockets.length, 1);
  world.breakLine();
  connection.retryNow();
  assert.equal(world.sockets.length, 2);
  world.answerHello({ nick: 'Ada' });
  world.pass(5000);
  assert.equal(world.sockets.length, 2);
});

test('final close codes stop for good, after all others the page reconnects', () => {
  for (const [code, state] of [[4499, 'waiting'], [4500, 'closed'], [4501, 'closed'], [4503, 'closed'], [4507, 'closed'],
    [4509, 'closed'], [4999, 'closed'], [1000, 'waiting'], [1006, 'waiting'], [1013, 'waiting'], [4001, 'waiting'],
    [4008, 'waiting'], [4013, 'waiting'], [4014, 'waiting'], [4502, 'waiting'], [4504, 'waiting'], [5000, 'waiting']]) {
    const { world, connection } = online();
    world.breakLine(code);
    assert.equal(connection.state, state, `after ${code}`);
    world.pass(60000);
    assert.equal(world.sockets.length > 1, state === 'waiting', `after ${code}`);
  }
});

test('after a final close only a person connects again', () => {
  const { world, connection } = online();
  world.breakLine(4503);
  connection.retryNow();
  connection.wake();
  assert.equal(world.sockets.length, 1);
  connection.reopen();
  assert.equal(world.sockets.length, 2);
});

test('a server that is full is asked again no sooner than it says, unless a person wants it', () => {
  const world = new World(() => 1);
  const connection = world.connection();
  connection.open('Ada');
  for (const [code, extraMs] of [[4014, 1000], [4014, 2000], [4013, 4000]]) {
    world.socket.readyState = 1;
    world.socket.onopen();
    world.receive([ERROR], '{"code":106,"retryMs":30000}');
    world.breakLine(code);
    assert.deepEqual(world.events.at(-1), ['state', 'waiting', { delayMs: 30000 + extraMs, code }]);
    const before = world.sockets.length;
    world.pass(29999);
    connection.wake();
    assert.equal(world.sockets.length, before);
    world.pass(1);
    connection.wake();
    assert.equal(world.sockets.length, before + 1);
  }
  world.receive([ERROR], '{"code":106,"retryMs":30000}');
  world.breakLine(4014);
  connection.retryNow();
  assert.equal(connection.state, 'connecting');
  assert.equal(world.events.some(([name]) => name === 'refused'), false);
});

test('a time to wait that no timer can hold, or that is none, does no harm', () => {
  for (const [retryMs, leastMs] of [[4294967295, 1e9], ['soon', 0], [-5, 0], [null, 0], [{}, 0]]) {
    const { world, connection } = online('Ada', () => 0);
    world.receive([ERROR], JSON.stringify({ code: 106, retryMs }));
    world.breakLine(4014);
    world.pass(leastMs);
    assert.equal(connection.state, 'waiting');
    world.pass(leastMs === 0 ? 500 : 0);
    assert.equal(connection.state, leastMs === 0 ? 'connecting' : 'waiting');
  }
});

test('a refused message does not delay reconnecting', () => {
  const { world } = online('Ada', () => 0);
  world.receive([ERROR], '{"code":111,"retryMs":30000}');
  world.breakLine();
  assert.equal(world.events.at(-1)[2].delayMs, 500);
});

test('a connection that is silent for 35 seconds is tested by a Ping, and lost after 10 more', () => {
  const { world, connection } = online();
  world.pass(34999);
  assert.equal(world.pings, 0);
  world.pass(1);
  assert.equal(world.pings, 1);
  world.pass(9999);
  assert.equal(connection.state, 'online');
  world.pass(1);
  assert.equal(connection.state, 'waiting');
  assert.equal(world.socket.closed, true);
});

test('any frame is a sign of life, also while a Ping is unanswered', () => {
  const { world, connection } = online();
  world.pass(34000);
  world.receive([99]);
  world.pass(44999);
  world.receive([PING]);
  world.pass(34999);
  assert.deepEqual([connection.state, world.pings], ['online', 1]);
});

test('the interval is the one that Hello tells, whether longer or shorter', () => {
  for (const pingMs of [60000, 2000]) {
    const { world, connection } = online('Ada', () => 0.5, { pingMs });
    world.pass(pingMs + 9999);
    assert.equal(world.pings, 0);
    world.pass(1);
    assert.equal(world.pings, 1);
    world.pass(9999);
    assert.equal(connection.state, 'online');
    world.pass(1);
    assert.equal(connection.state, 'waiting');
  }
});

test('waking tests the connection at once, and does not close one that is only silent', () => {
  const { world, connection } = online();
  world.pass(20000);
  connection.wake();
  assert.equal(world.pings, 1);
  world.pass(24999);
  assert.equal(connection.state, 'online');
});

test('after a sleep what was received meanwhile still counts, and silence for 10 seconds is the end', () => {
  for (const heard of [true, false]) {
    for (const timerFirst of [true, false]) {
      const { world, connection } = online();
      world.sleep(3600000);
      if (timerFirst) {
        world.pass(0);
      }
      connection.wake();
      assert.deepEqual([connection.state, world.pings > 0], ['online', true]);
      if (heard) {
        world.receive([PING]);
      }
      world.pass(10000);
      assert.equal(connection.state, heard ? 'online' : 'waiting');
    }
  }
});

test('waking while it waits connects at once', () => {
  const { world, connection } = online();
  world.breakLine();
  connection.wake();
  assert.equal(world.sockets.length, 2);
});

test('a closing socket, and one that throws, take no message, and the connection ends in time', () => {
  for (const change of [{ readyState: 2 }, { readyState: 3 }, { send() { throw new Error('send'); } }]) {
    const { world, connection } = online();
    Object.assign(world.socket, change);
    assert.equal(connection.call(0, { message: 'lost' }), false);
    world.pass(45000);
    assert.equal(connection.state, 'waiting');
  }
});

test('a socket that cannot be made is tried again later', () => {
  const world = new World(() => 1);
  const connection = world.connection();
  world.refusal = new DOMException('no', 'SecurityError');
  connection.open('Ada');
  assert.equal(connection.state, 'waiting');
  world.refusal = null;
  world.pass(1000);
  world.answerHello({ nick: 'Ada' });
  assert.equal(connection.state, 'online');
});

test('an event that throws changes nothing, and is reported', async () => {
  const world = new World();
  const reported = [];
  const note = (error) => reported.push(error.message);
  process.on('uncaughtException', note);
  const fail = () => { throw new Error('mine'); };
  const connection = world.connection('ws://host/', { state: fail, message: fail, refused: fail });
  connection.open('Ada');
  world.answerHello({ nick: 'Ada' });
  world.receive([0], '{}');
  world.receive([ERROR], '{"code":122}');
  world.pass(35000);
  assert.deepEqual([connection.state, world.pings], ['online', 1]);
  world.breakLine();
  world.pass(1000);
  assert.equal(connection.state, 'connecting');
  await new Promise((resolve) => { setImmediate(resolve); });
  process.off('uncaughtException', note);
  assert.deepEqual(reported, Array(6).fill('mine'));
});

// Let what was promised come true.
const promises = () => new Promise((resolve) => { setImmediate(resolve); });

test('the endpoint is asked for once, and again only when it was not told', async () => {
  const answers = [null, 'ws://host/chat/ws', 'ws://other/'];
  const world = new World(() => 1);
  let asked = 0;
  const connection = world.connection(async () => {
    const answer = answers[asked];
    asked += 1;
    return answer ?? Promise.reject(new Error('no network'));
  });
  connection.open('Ada');
  await promises();
  assert.deepEqual([connection.state, world.sockets.length], ['waiting', 0]);
  world.pass(1000);
  await promises();
  world.answerHello({ nick: 'Ada' });
  assert.deepEqual([connection.state, world.socket.url], ['online', 'ws://host/chat/ws']);
  world.breakLine();
  world.pass(2000);
  assert.deepEqual([world.socket.url, asked, world.sockets.length], ['ws://host/chat/ws', 2, 2]);
});

test('an endpoint that is told too late opens no second socket, and one that is never told is given up', async () => {
  const world = new World(() => 1);
  const told = [];
  const connection = world.connection(() => new Promise((resolve) => { told.push(resolve); }));
  connection.open('Ada');
  connection.open('Beatrix');
  told.forEach((tell) => tell('ws://host/'));
  await promises();
  assert.equal(world.sockets.length, 1);
  const silent = new World();
  const waiting = silent.connection(() => new Promise(() => {}));
  waiting.open('Ada');
  silent.pass(15000);
  assert.equal(waiting.state, 'waiting');
});

test('the endpoint is relative to the page, whatever folder the page is in', async () => {
  const asked = [];
  const answering = (status, text) => async (url) => {
    asked.push(url);
    return new Response(text, { status });
  };
  for (const [page, answer, wanted] of [
    ['http://host/', '{"endpoint":"./"}', 'ws://host/'],
    ['https://host:1/chat/', '{"endpoint":"./"}', 'wss://host:1/chat/'],
    ['https://host/chat/index.html?x#y', '{"endpoint":"./ws"}', 'wss://host/chat/ws'],
    ['http://host/a/b/', '{"endpoint":"./c/d%20e"}', 'ws://host/a/b/c/d%20e'],
    ['http://host/', '{"endpoint":"wss://other/ws"}', 'wss://other/ws'],
    ['http://host/chat/', '{}', 'ws://host/chat/'], ['http://host/chat/', 'null', 'ws://host/chat/'],
    ['http://host/chat/', '<p>a page</p>', 'ws://host/chat/'],
  ]) {
    assert.equal(await findEndpoint(page, answering(200, answer)), wanted);
  }
  assert.equal(asked[2], 'https://host/chat/stoa.json');
  assert.equal(await findEndpoint('http://host/chat/', answering(404, 'no')), 'ws://host/chat/');
  await assert.rejects(findEndpoint('http://host/', answering(502, 'the server is away')), /502/);
  await assert.rejects(findEndpoint('http://host/', () => Promise.reject(new TypeError('no network'))), TypeError);
});

test('a server that accepts the socket and never answers Hello is given up', () => {
  const world = new World();
  const connection = world.connection();
  connection.open('Ada');
  world.socket.onopen();
  world.pass(15000);
  assert.equal(connection.state, 'waiting');
});

test('events of an abandoned socket are ignored', () => {
  const { world } = online();
  const [old] = world.sockets;
  world.pass(45000);
  assert.equal(old.onmessage, null);
  assert.equal(old.onclose, null);
});

test('a name that is taken or invalid goes back to the person', () => {
  for (const code of [124, 125]) {
    const world = new World();
    world.connection().open('Ada');
    world.answerHello({ code }, CALL + ERROR);
    assert.deepEqual(world.events.at(-1), ['state', 'idle', { error: { code } }]);
    assert.equal(world.socket.closed, true);
    world.pass(60000);
    assert.equal(world.sockets.length, 1);
  }
});

test('after a break our own name is tried again while the server may still hold it for the dead connection', () => {
  const { world, connection } = online();
  world.breakLine();
  while (connection.state !== 'idle') {
    world.pass(world.events.findLast(([, state]) => state === 'waiting')[2].delayMs);
    world.answerHello({ code: 124 }, CALL + ERROR);
  }
  assert.ok(world.now() > 45000);
  assert.ok(world.sockets.length > 2);
});

test('a remembered name is tried again for a moment, since a reload may be faster than the close of the old connection', () => {
  const world = new World();
  const connection = world.connection();
  connection.open('Ada', { remembered: true });
  world.answerHello({ code: 124 }, CALL + ERROR);
  assert.equal(connection.state, 'waiting');
  world.pass(1000);
  world.answerHello({ nick: 'Ada' });
  assert.equal(connection.state, 'online');
});

test('a Hello that is refused for now is sent again no sooner than the server says', () => {
  for (const error of [{ code: 1000, temporary: true }, { code: 100 }, { code: 106 }, { code: 108 }, { code: 111 }]) {
    const world = new World(() => 1);
    world.connection().open('Ada');
    world.answerHello({ ...error, retryMs: 7000 }, CALL + ERROR);
    assert.equal(world.events.at(-1)[2].delayMs, 8000);
    world.pass(7999);
    assert.equal(world.sockets.length, 1);
    world.pass(1);
    assert.equal(world.sockets.length, 2);
  }
});

test('a Hello refused for good closes with its error', () => {
  const world = new World();
  world.connection().open('Ada');
  world.answerHello({ code: 103, message: 'no' }, CALL + ERROR);
  assert.deepEqual(world.events.at(-1), ['state', 'closed', { error: { code: 103, message: 'no' } }]);
});

test('texts come back from the outbox in order, and only those that were not removed', () => {
  const outbox = new Outbox();
  const ids = ['one', 'two', 'three', 'two'].map((text) => outbox.add(text));
  assert.equal(new Set(ids).size, 4);
  assert.equal(outbox.remove(ids[1]), 'two');
  assert.equal(outbox.remove('from another window'), undefined);
  assert.deepEqual(outbox.entries.map(([id]) => id), [ids[0], ids[2], ids[3]]);
  assert.deepEqual(outbox.takeAll(), ['one', 'three', 'two']);
  assert.deepEqual(outbox.takeAll(), []);
});

test('links are http and https only, end where the sentence goes on, and no character is lost', () => {
  const links = (text) => {
    const pieces = textPieces(text);
    assert.equal(pieces.map((piece) => piece.text).join(''), text);
    return pieces.filter((piece) => piece.href).map((piece) => piece.href);
  };
  assert.deepEqual(links('see https://a.example/b_(c)?d=1), and http://e.example.'),
    ['https://a.example/b_(c)?d=1', 'http://e.example/']);
  assert.deepEqual(links('看https://a.example/页 或https://b.example。'), ['https://a.example/', 'https://b.example/']);
  assert.deepEqual(links('javascript:alert(1) data:text/html,x ftp://a.example http:// https://'), []);
  assert.deepEqual(links('https://a.example/\u202Egpj.exe'), ['https://a.example/']);
  assert.deepEqual(links(`https://a.example/${'x'.repeat(3000)}`), []);
  assert.deepEqual(links('"https://a.example/"<https://b.example/>'), ['https://a.example/', 'https://b.example/']);
});

test('texts that are built to be slow are split in linear time', () => {
  const texts = [`https://a.example/${')'.repeat(60000)}`, `https://a.example/${'.'.repeat(60000)}x`,
    'https://'.repeat(8000), '👍'.repeat(20000), `${'👍\u200D'.repeat(8)}!`];
  const start = process.cpuUsage().user;
  for (const text of texts) {
    assert.equal(textPieces(text).map((piece) => piece.text).join(''), text);
    isFewSymbols(text);
    isLong(text);
  }
  // Quadratic work over 60,000 characters takes many seconds, linear work a few milliseconds.
  assert.ok(process.cpuUsage().user - start < 2000000);
});

test('a few symbols are shown large, text and digits are not', () => {
  for (const text of ['👍', '👨‍👩‍👧‍👦🇨🇳👍🏽', '❤️', ' 🎉 🎉 ']) {
    assert.ok(isFewSymbols(text), text);
  }
  for (const text of ['', '1', '123', '#', 'a👍', '👍👍👍👍', '好']) {
    assert.ok(!isFewSymbols(text), text);
  }
});

test('long is many characters or many lines', () => {
  assert.ok(!isLong('x'.repeat(1500)) && isLong('x'.repeat(1501)));
  assert.ok(!isLong('\n'.repeat(17)) && isLong('\n'.repeat(18)));
});

test('an initial is a whole character, and a tone depends on the name only', () => {
  assert.deepEqual([initial('ada'), initial('😀x'), initial('小明'), initial('')], ['A', '😀', '小', '?']);
  assert.equal(toneOf('Ada', 8), toneOf('Ada', 8));
  assert.ok(['a', 'b', '小', ''].every((name) => toneOf(name, 8) >= 0 && toneOf(name, 8) < 8));
});

test('the page speaks the first language that it knows, and English otherwise', () => {
  assert.equal(pickLanguage(['fr-FR', 'zh-CN', 'en']), 'zh-CN');
  assert.equal(pickLanguage(['en-GB', 'zh']), 'en-GB');
  assert.equal(pickLanguage(['fr', 'constructor']), 'en');
  assert.equal(pickLanguage([]), 'en');
});

test('both languages say the same things with the same values', () => {
  const shape = (table) => Object.fromEntries(Object.entries(table).map(([key, entry]) => {
    const text = typeof entry === 'string' ? entry : entry.other;
    return [key, [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort()];
  }));
  assert.deepEqual(shape(LANGUAGES.zh), shape(LANGUAGES.en));
});

test('plurals follow the number, and unknown codes have a text', () => {
  const strings = new Strings('en-US');
  assert.equal(strings.say('newer', { n: 1 }), '1 new message');
  assert.equal(strings.say('newer', { n: 21 }), '21 new messages');
  assert.equal(new Strings('zh-CN').say('newer', { n: 1 }), '1 条新消息');
  assert.equal(strings.sayCode('close', 4503), 'You were removed from the chat.');
  assert.equal(strings.sayCode('close', 4999, { code: 4999 }), 'The server closed the connection (4999).');
});

test('a value is put into a text as it is', () => {
  assert.equal(new Strings('en').sayCode('error', 999, { message: '$& {code}' }), 'The server answered: $& {code}');
});

test('days are named from today, also around a change of the clock', () => {
  const times = new Times('en-US', new Strings('en-US'));
  const today = new Date(2026, 2, 29, 23, 59);
  assert.equal(times.day(new Date(2026, 2, 29, 0, 1), today), 'Today');
  assert.equal(times.day(new Date(2026, 2, 28, 0, 1), today), 'Yesterday');
  assert.equal(times.day(new Date(2026, 2, 27), today), 'Friday, March 27, 2026');
  assert.ok(!isSameDay(new Date(2026, 2, 28), new Date(2026, 3, 28)));
});

test('a message whose timestamp cannot be read is from now', () => {
  const before = Date.now();
  for (const timestamp of [undefined, null, '', 'soon', {}]) {
    assert.ok(parseTimestamp(timestamp).getTime() >= before, String(timestamp));
  }
  assert.equal(parseTimestamp('2026-01-02T03:04:05.678Z').getTime(), Date.UTC(2026, 0, 2, 3, 4, 5, 678));
});

await run();
