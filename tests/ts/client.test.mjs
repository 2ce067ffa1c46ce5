// The client: under a fake clock and network, against a server of npm's `ws`, and against the
// chat room.

import assert from 'node:assert/strict';
import WebSocket, { WebSocketServer } from 'ws';

import { Chatroom } from '../lib/chatroom.mjs';
import { run, test } from '../lib/tap.mjs';
import { within } from '../lib/waiting.mjs';
import { API, CASES, generate, load, temporaryFolder } from './build.mjs';
import { CALL, frame, parse, PING, World } from './world.mjs';

const ERROR = 0x40000000;

const folder = temporaryFolder();
generate(API, ['chatroom/v1/chatroom.proto'], folder);
generate(CASES, ['shop.proto', 'plain.proto'], folder);
const { stoa, chatroom, shop, plain } = await load(`
  export * as stoa from '@stoa/client';
  export * as shop from './shop.stoa.js';
  export * as plain from './plain.stoa.js';
  export * as chatroom from './chatroom/v1/chatroom.stoa.js';
`, folder);
const { ChatroomClient, ChatroomApi } = chatroom;
World.Client = ChatroomClient;
// JSON is what there is without the option.
const PROTOCOLS = [['stoa.json'], ['stoa.proto', stoa.protobuf]];

const inWorld = (name, body) => test(name, () => new World().run(body));
const reasonOf = (promise) => promise.then(() => 'resolved', (error) => error.reason ?? error.name);

inWorld('it connects when it is made, with the subprotocol that it is told', async (world) => {
  const client = world.client({ protocol: stoa.protobuf });
  assert.deepEqual([client.state, world.socket.url, world.socket.protocol], ['connecting', 'ws://host/', 'stoa.proto']);
  world.open();
  assert.deepEqual([client.state, world.states], ['connected', [['connected', {}]]]);
  assert.equal(world.socket.binaryType, 'arraybuffer');
});

inWorld('a plain frame is its type in big-endian order and its JSON', async (world) => {
  world.online().send('chat', { message: 'é' });
  assert.deepEqual(world.socket.sent[0], frame([0], '{"message":"é"}'));
});

inWorld('after close() nothing connects again, also when the client waited for its next attempt', async (world) => {
  const client = world.online();
  world.breakLine(1006);
  assert.equal(client.state, 'reconnecting');
  client.close();
  client.retryNow();
  client.reconnect();
  world.pass(60000);
  assert.deepEqual([client.state, world.sockets.length, world.timerCount], ['closed', 1, 0]);
});

inWorld('the byte order may be little-endian', async (world) => {
  const client = world.online({ littleEndian: true });
  client.call('hello', {}).catch(() => {});
  assert.deepEqual([...world.socket.sent[0].subarray(0, 8)], [16, 0, 0, 0x80, 1, 0, 0, 0]);
  let heard;
  client.on('ping', (message) => { heard = message; });
  world.socket.onmessage({ data: Uint8Array.of(40, 0, 0, 0).buffer });
  assert.deepEqual(heard, {});
});

inWorld('listeners hear messages in order until they are told to stop, with every field there', async (world) => {
  const client = world.online();
  const heard = [];
  const stop = client.on('chat', (message) => heard.push(message));
  client.on('chat', () => heard.push('second'));
  world.receive([0], '{"message":"one"}');
  stop();
  world.receive([0], '{"message":"two"}');
  const one = { message: 'one', sender: '', timestamp: '', room: '', offset: 0n, epoch: 0n, clientMsgId: '', userId: '',
    tsMs: 0n, replyTo: 0n, deleted: false, editedMs: 0n, reactions: new Map() };
  assert.deepEqual(heard, [one, 'second', 'second']);
});

inWorld('types that the API does not have are ignored', async (world) => {
  const client = world.online();
  client.onError(() => assert.fail());
  world.receive([99], '{');
  world.receive([CALL + 16, 77], '{');
  assert.equal(client.state, 'connected');
});

inWorld('a reply resolves the call of its id, whatever the order', async (world) => {
  const client = world.online();
  const [one, two] = [client.call('hello', { nick: 'a' }), client.call('hello', { nick: 'b' })];
  assert.deepEqual(parse(world.socket.sent[1]), { word: CALL + 16, id: 2, payload: '{"nick":"b"}' });
  world.receive([CALL + 16, 2], '{"nick":"B","serverMs":"9007199254740993"}');
  world.receive([CALL + 16, 1], '{"nick":"A"}');
  assert.deepEqual([(await one).nick, (await two).nick, (await two).serverMs], ['A', 'B', 9007199254740993n]);
  assert.equal(world.timerCount, 1);
});

inWorld('a type that is plain or a call is sent, called and listened to', async (world) => {
  const client = world.client({}, plain.PlainClient);
  world.open();
  const heard = [];
  client.on('chat', (message) => heard.push(message.text));
  client.onError((error, type) => heard.push([error.code, type]));
  client.send('chat', { text: 'one' });
  const [call, refused] = [client.call('chat', { text: 'two' }), client.call('chat', { text: 'three' })];
  assert.deepEqual(world.socket.sent.map(parse), [
    { word: 0, id: undefined, payload: '{"text":"one"}' },
    { word: CALL, id: 1, payload: '{"text":"two"}' },
    { word: CALL, id: 2, payload: '{"text":"three"}' },
  ]);
  world.receive([0], '{"text":"one"}');
  world.receive([CALL, 1], '{"seq":"7"}');
  world.receive([CALL + ERROR, 2], '{"code":5}');
  world.receive([ERROR], '{"code":6}');
  assert.equal((await call).seq, 7n);
  assert.equal((await refused.catch((error) => error)).code, 5);
  assert.deepEqual(heard, ['one', [6, 0]]);
});

inWorld('an error frame rejects its call with all that the server says', async (world) => {
  const call = world.online().call('hello', {});
  world.receive([CALL + ERROR + 16, 1], JSON.stringify({
    code: 124, reason: 'NICK_TAKEN', message: 'taken', metadata: { nick: 'Ada' }, temporary: true, retryMs: 5,
  }));
  const error = await call.catch((reason) => reason);
  assert.ok(error instanceof stoa.StoaError && error instanceof Error);
  assert.deepEqual([error.name, error.code, error.reason, error.message, error.temporary, error.retryMs],
    ['StoaError', 124, 'NICK_TAKEN', 'taken', true, 5]);
  assert.deepEqual([...error.metadata], [['nick', 'Ada']]);
});

inWorld('an error frame without a call goes to those who listen for errors', async (world) => {
  const heard = [];
  world.online().onError((error, type) => heard.push([error.code, type]));
  world.receive([ERROR], '{"code":122}');
  world.receive([ERROR + 99], '{"code":104}');
  assert.deepEqual(heard, [[122, 0], [104, 99]]);
});

inWorld('a frame that cannot be read is told as an error, and a reply that cannot be read rejects its call', async (world) => {
  const client = world.online();
  const heard = [];
  client.onError((error) => heard.push(error.reason));
  client.on('chat', () => assert.fail());
  world.receive([0], '{"message":7}');
  world.receive([0], Uint8Array.of(0x22, 0xff, 0x22));
  assert.deepEqual(heard, ['BAD_FRAME', 'BAD_FRAME']);
  const call = client.call('hello', {});
  world.receive([CALL + 16, 1], 'no JSON');
  assert.equal(await reasonOf(call), 'BAD_FRAME');
});

inWorld('a frame shorter than its head, and a text, are told as errors', async (world) => {
  const heard = [];
  world.online().onError((error) => heard.push(error.reason));
  world.socket.onmessage({ data: new ArrayBuffer(3) });
  world.socket.onmessage({ data: Uint8Array.of(0x80, 0, 0, 16, 0).buffer });
  world.socket.onmessage({ data: 'text' });
  assert.deepEqual(heard, ['BAD_FRAME', 'BAD_FRAME', 'BAD_FRAME']);
});

inWorld('a call is rejected after its timeout, and its late reply is ignored', async (world) => {
  const call = world.online().call('hello', {}, { timeoutMs: 100 });
  world.pass(99);
  assert.equal(await Promise.race([reasonOf(call), 'waits']), 'waits');
  world.pass(1);
  assert.equal(await reasonOf(call), 'TIMEOUT');
  world.receive([CALL + 16, 1], '{}');
});

inWorld('a call has the time that the client gives it, ten seconds by default, and with 0 until the connection ends', async (world) => {
  for (const [options, callOptions, ms] of [[{}, {}, 10000], [{ timeoutMs: 50 }, {}, 50], [{ timeoutMs: 50 }, { timeoutMs: 70 }, 70]]) {
    const client = world.online({ silenceMs: Infinity, ...options });
    const call = reasonOf(client.call('hello', {}, callOptions));
    world.pass(ms - 1);
    assert.equal(await Promise.race([call, 'waits']), 'waits');
    world.pass(1);
    assert.equal(await call, 'TIMEOUT');
  }
  const endless = reasonOf(world.online({ silenceMs: Infinity }).call('hello', {}, { timeoutMs: 0 }));
  world.pass(1e9);
  assert.equal(await Promise.race([endless, 'waits']), 'waits');
  world.breakLine();
  assert.equal(await endless, 'DISCONNECTED');
});

inWorld('the listener on a signal is removed when its call ends', async (world) => {
  const client = world.online();
  const listeners = new Set();
  const signal = {
    aborted: false,
    addEventListener: (_, listener) => listeners.add(listener),
    removeEventListener: (_, listener) => listeners.delete(listener),
  };
  const answered = client.call('hello', {}, { signal });
  const late = client.call('hello', {}, { signal, timeoutMs: 5 });
  assert.equal(listeners.size, 2);
  world.receive([CALL + 16, 1], '{}');
  world.pass(5);
  assert.deepEqual([await reasonOf(answered), await reasonOf(late), listeners.size], ['resolved', 'TIMEOUT', 0]);
});

inWorld('a call is given up when its signal says so, before or while it waits', async (world) => {
  const client = world.online();
  const controller = new AbortController();
  const call = client.call('hello', {}, { signal: controller.signal });
  controller.abort();
  assert.equal(await reasonOf(call), 'CANCELLED');
  assert.equal(await reasonOf(client.call('hello', {}, { signal: controller.signal })), 'CANCELLED');
  assert.equal(world.socket.sent.length, 1);
});

inWorld('calls in flight are rejected when the connection ends, and calls without a connection are refused', async (world) => {
  const client = world.online();
  const call = client.call('hello', {});
  world.breakLine();
  assert.equal(await reasonOf(call), 'DISCONNECTED');
  assert.equal(await reasonOf(client.call('hello', {})), 'DISCONNECTED');
  assert.throws(() => client.send('chat', {}), { reason: 'DISCONNECTED', temporary: true });
});

inWorld('more calls than the cap are refused until one is done', async (world) => {
  const client = world.online({ callsMax: 2 });
  const calls = [client.call('hello', {}), client.call('hello', {})];
  assert.equal(await reasonOf(client.call('hello', {})), 'TOO_MANY_CALLS');
  world.receive([CALL + 16, 1], '{}');
  await calls[0];
  client.call('hello', {}).catch(() => {});
  assert.equal(world.socket.sent.length, 3);
});

inWorld('the cap is 256 by default, and calls that were given up are no longer in flight', async (world) => {
  const client = world.online();
  const controller = new AbortController();
  const { signal } = controller;
  const calls = Array.from({ length: 256 }, (_, index) => reasonOf(client.call('hello', {}, index % 2 ? { signal } : { timeoutMs: 5 })));
  assert.equal(await reasonOf(client.call('hello', {})), 'TOO_MANY_CALLS');
  controller.abort();
  world.pass(5);
  assert.deepEqual((await Promise.all(calls)).slice(0, 2), ['TIMEOUT', 'CANCELLED']);
  const again = Array.from({ length: 256 }, () => reasonOf(client.call('hello', {})));
  assert.equal(await reasonOf(client.call('hello', {})), 'TOO_MANY_CALLS');
  world.breakLine(4503);
  assert.deepEqual([...new Set(await Promise.all(again))], ['DISCONNECTED']);
  assert.equal(world.timerCount, 0);
});

inWorld('an error that the API lists is known by its code and reason, and by nothing else', async (world) => {
  const call = world.online().call('hello', {});
  world.receive([CALL + ERROR + 16, 1], '{"code":1001,"reason":"SOLD_OUT","message":"gone"}');
  const error = await call.catch((reason) => reason);
  assert.deepEqual([shop.isSoldOut(error), shop.isUnspecified(error), shop.Basket_isFull(error)], [true, false, false]);
  const made = shop.errorSoldOut('gone');
  assert.ok(made instanceof stoa.StoaError && shop.isSoldOut(made));
  assert.deepEqual({ ...made }, { ...error });
  assert.deepEqual([shop.Basket_errorFull().code, shop.Basket_errorFull().message, shop.Basket_errorFull().temporary], [1002, '', false]);
  for (const other of [undefined, null, 'SOLD_OUT', { code: 1001, reason: 'SOLD_OUT' }, stoa.apiError(1001, 'FINE'), stoa.apiError(1, 'SOLD_OUT')]) {
    assert.equal(shop.isSoldOut(other), false);
  }
});

inWorld('a value that does not fit its field is the caller\'s mistake', async (world) => {
  const client = world.online();
  assert.throws(() => client.send('chat', { message: 7 }), TypeError);
  assert.equal(await reasonOf(client.call('hello', { nick: '\ud800' })), 'TypeError');
});

inWorld('delays are random between half a second and a bound that doubles up to twenty seconds', async (world) => {
  for (const [random, wanted] of [[1, [1000, 2000, 4000, 8000, 16000, 20000, 20000]], [0, [500, 500, 500, 500, 500, 500, 500]]]) {
    world.random = random;
    world.client();
    const delays = wanted.map(() => {
      world.breakLine();
      const [state, { delayMs, code }] = world.states.at(-1);
      assert.deepEqual([state, code], ['reconnecting', 1006]);
      world.pass(delayMs);
      return delayMs;
    });
    assert.deepEqual(delays, wanted);
  }
});

inWorld('the delay is reset by a connection that lasted ten seconds, not by a server that disconnects at once', async (world) => {
  world.random = 1;
  world.online();
  const breakAfter = (ms) => {
    world.pass(ms);
    world.breakLine();
    const [, { delayMs }] = world.states.at(-1);
    world.pass(delayMs);
    world.open();
    return delayMs;
  };
  assert.deepEqual([breakAfter(0), breakAfter(9999), breakAfter(10000)], [1000, 2000, 1000]);
});

inWorld('it does not reconnect after final close codes, and does after all others', async (world) => {
  for (const [code, state] of [[4499, 'reconnecting'], [4500, 'closed'], [4501, 'closed'], [4503, 'closed'], [4507, 'closed'],
    [4509, 'closed'], [4999, 'closed'], [1000, 'reconnecting'], [1013, 'reconnecting'], [4001, 'reconnecting'],
    [4013, 'reconnecting'], [4014, 'reconnecting'], [4502, 'reconnecting'], [4504, 'closed'], [5000, 'reconnecting']]) {
    const before = world.sockets.length;
    const client = world.online();
    world.breakLine(code);
    assert.deepEqual([client.state, world.states.at(-1)[1].code], [state, code]);
    world.pass(1000);
    assert.equal(world.sockets.length - before, state === 'closed' ? 1 : 2);
    client.close();
  }
  assert.equal(world.listeners.size, 0);
});

inWorld('it comes back at once when the network does', async (world) => {
  const client = world.online();
  world.wake('online');
  assert.equal(world.sockets.length, 1);
  world.breakLine();
  world.wake('online');
  assert.equal(world.sockets.length, 2);
  world.wake('online');
  assert.deepEqual([world.sockets.length, client.state], [2, 'reconnecting']);
  world.open();
  assert.equal(client.state, 'connected');
});

inWorld('a server that is full is asked again no sooner than it says, and later the longer it is full', async (world) => {
  world.random = 1;
  world.client();
  for (const [code, extraMs] of [[4014, 1000], [4014, 2000], [4013, 4000]]) {
    world.open();
    world.receive([ERROR], '{"code":106,"retryMs":30000}');
    world.breakLine(code);
    assert.equal(world.states.at(-1)[1].delayMs, 30000 + extraMs);
    const before = world.sockets.length;
    world.pass(15000);
    world.wake('online');
    world.wake('pageshow');
    assert.equal(world.sockets.length, before);
    world.pass(15000);
    world.wake('pageshow');
    assert.equal(world.sockets.length, before + 1);
  }
});

inWorld('an error about one message does not delay reconnecting', async (world) => {
  world.random = 0;
  world.online();
  world.receive([ERROR], '{"code":111,"retryMs":30000}');
  world.breakLine();
  assert.equal(world.states.at(-1)[1].delayMs, 500);
  world.pass(500);
  world.open();
  world.breakLine(4014);
  assert.equal(world.states.at(-1)[1].delayMs, 500);
});

inWorld('a wait that no timer can hold is a long one', async (world) => {
  world.online();
  world.receive([ERROR], '{"code":106,"retryMs":4294967295}');
  world.breakLine(4014);
  world.pass(1e9);
  assert.equal(world.sockets.length, 1);
});

inWorld('a connection that is silent for 35 seconds is tested by a Ping, and lost after 10 more', async (world) => {
  const client = world.online();
  world.pass(34999);
  assert.equal(world.pings, 0);
  world.pass(1);
  assert.deepEqual([world.pings, parse(world.socket.sent[0])], [1, { word: PING, id: undefined, payload: '{}' }]);
  world.pass(9999);
  assert.equal(client.state, 'connected');
  world.pass(1);
  assert.deepEqual([client.state, world.sockets[0].closed], ['reconnecting', true]);
});

inWorld('any frame is a sign of life, also while a Ping is unanswered', async (world) => {
  const client = world.online();
  world.pass(34000);
  world.receive([99]);
  world.pass(34999);
  assert.equal(world.pings, 0);
  world.pass(10000);
  world.receive([PING]);
  world.pass(34999);
  assert.deepEqual([client.state, world.pings], ['connected', 1]);
});

inWorld('the interval is the one that a reply tells, whether longer or shorter', async (world) => {
  for (const pingMs of [60000, 2000]) {
    const client = world.online();
    client.call('hello', {});
    world.receive([CALL + 16, 1], JSON.stringify({ pingMs }));
    world.pass(pingMs + 9999);
    assert.equal(world.pings, 0);
    world.pass(1);
    assert.equal(world.pings, 1);
    world.pass(9999);
    assert.equal(client.state, 'connected');
    world.pass(1);
    assert.equal(client.state, 'reconnecting');
    client.close();
  }
});

inWorld('the option that ignores silence wins over the interval in a reply', async (world) => {
  const client = world.online({ silenceMs: Infinity });
  client.call('hello', {});
  world.receive([CALL + 16, 1], '{"pingMs":2000}');
  world.pass(3600000);
  assert.deepEqual([client.state, world.pings], ['connected', 0]);
});

inWorld('a page that is shown again, and a network that is back, try the connection at once', async (world) => {
  const client = world.online();
  ['online', 'pageshow', 'visibilitychange'].forEach((name, index) => {
    world.wake(name);
    world.wake(name);
    assert.equal(world.pings, index + 1);
    world.sleep(3001);
  });
  world.document.hidden = true;
  world.wake('visibilitychange');
  assert.equal(world.pings, 3);
  // And it is not lost sooner for that: an idle server is silent.
  world.pass(44999 - 3 * 3001);
  assert.equal(client.state, 'connected');
});

inWorld('after a sleep what was received meanwhile still counts, and silence for a second is the end', async (world) => {
  for (const [heard, isTimerFirst] of [[true, true], [true, false], [false, true], [false, false]]) {
    const client = world.online();
    world.sleep(3600000);
    if (isTimerFirst) {
      world.pass(0);
    }
    world.wake('visibilitychange');
    assert.deepEqual([client.state, world.pings > 0], ['connected', true]);
    if (heard) {
      world.receive([PING]);
    }
    world.pass(1000);
    assert.equal(client.state, heard ? 'connected' : 'reconnecting');
    client.close();
  }
});

inWorld('a timer that slept may run before what the socket has, and gives it 10 seconds', async (world) => {
  for (const heard of [true, false]) {
    const client = world.online();
    world.sleep(3600000);
    world.pass(0);
    assert.deepEqual([client.state, world.pings], ['connected', 1]);
    if (heard) {
      world.receive([PING]);
    }
    world.pass(10000);
    assert.equal(client.state, heard ? 'connected' : 'reconnecting');
    client.close();
  }
});

inWorld('a page that sleeps during the test of its connection looks at what was received, before it gives up', async (world) => {
  for (const heard of [true, false]) {
    const client = world.online();
    world.pass(35000);
    assert.equal(world.pings, 1);
    world.sleep(3600000);
    // The timer is first.
    world.pass(0);
    assert.equal(client.state, 'connected');
    if (heard) {
      world.receive([PING]);
    }
    world.pass(1000);
    assert.equal(client.state, heard ? 'connected' : 'reconnecting');
    client.close();
    assert.equal(world.timerCount, 0);
  }
});

inWorld('a client that is closed does not move, and leaves no timer', async (world) => {
  const client = world.online();
  client.close();
  client.move(5000, 'ws://other/');
  client.reconnect();
  assert.deepEqual([client.state, world.timerCount, world.sockets.length], ['closed', 0, 1]);
});

inWorld('a change of network is tried with what the program gives, also of a hidden page, once in 3 seconds', async (world) => {
  let probes = 0;
  const client = world.online({ probe() { probes += 1; } });
  world.document.hidden = true;
  for (const type of ['online', 'change', 'online']) {
    world.wake(type);
  }
  assert.deepEqual([probes, world.pings], [1, 0]);
  world.receive([PING]);
  world.pass(3001);
  assert.equal(client.state, 'connected');
  world.wake('online');
  world.pass(2999);
  assert.deepEqual([probes, client.state], [2, 'connected']);
  world.pass(1);
  assert.equal(client.state, 'reconnecting');
});

inWorld('it moves to another URL at the time that it is told, and back when that does not work', async (world) => {
  const client = world.online();
  client.move(5000, 'ws://other/');
  world.pass(4999);
  assert.equal(client.state, 'connected');
  world.pass(1);
  assert.deepEqual([client.state, world.socket.url, world.states.at(-1)[1].delayMs], ['reconnecting', 'ws://other/', 0]);
  world.breakLine();
  world.pass(1000);
  assert.equal(world.socket.url, 'ws://host/');
  world.open();
  client.move(5000);
  world.pass(1000);
  world.breakLine(4001);
  assert.deepEqual([world.states.at(-1)[1].delayMs, world.sockets.length], [4000, 3]);
});

inWorld('reconnect gives a connection up and waits as long as it is told and a random time', async (world) => {
  const client = world.online();
  client.reconnect(7000, 'why');
  assert.deepEqual(world.states.at(-1), ['reconnecting', { code: 1000, reason: 'why', delayMs: 7750 }]);
  world.wake('online');
  assert.equal(world.sockets.length, 1);
  client.close();
  client.reconnect();
  assert.equal(client.state, 'closed');
});

inWorld('request settles before the next frame is interpreted, and throws when nothing was sent', async (world) => {
  const client = world.online();
  const heard = [];
  client.on('chat', ({ message }) => heard.push(message));
  client.request('hello', {}, (error, reply) => heard.push(error?.code ?? reply.nick));
  client.request('hello', {}, (error) => heard.push(error.code));
  world.receive([CALL + 16, 1], '{"nick":"Ada"}');
  world.receive([0], '{"message":"one"}');
  world.receive([CALL + ERROR + 16, 2], '{"code":124}');
  assert.deepEqual(heard, ['Ada', 'one', 124]);
  world.breakLine();
  assert.throws(() => client.request('hello', {}, () => assert.fail()), { reason: 'DISCONNECTED' });
});

inWorld('a page that is shown again while its client waits connects at once', async (world) => {
  world.online();
  world.breakLine();
  world.wake('visibilitychange');
  assert.equal(world.sockets.length, 2);
});

inWorld('silence means nothing where the API has no ping', async (world) => {
  const { ping, ...messages } = ChatroomApi.messages;
  assert.ok(ping);
  const client = new stoa.Client({ ...ChatroomApi, messages }, 'ws://host/', { WebSocket: world.WebSocket });
  world.open();
  world.pass(3600000);
  assert.equal(client.state, 'connected');
});

inWorld('a server that accepts the socket and never opens it is given up', async (world) => {
  const client = world.client();
  world.pass(15000);
  assert.equal(client.state, 'reconnecting');
});

inWorld('events of an abandoned socket are ignored', async (world) => {
  const client = world.online();
  client.on('chat', () => assert.fail());
  const [old] = world.sockets;
  world.pass(45000);
  old.onmessage({ data: frame([0], '{}').buffer });
  old.onclose({ code: 4500, reason: '' });
  assert.equal(client.state, 'reconnecting');
});

inWorld('close ends the client for good, without a timer or listener left', async (world) => {
  const client = world.online();
  const call = client.call('hello', {});
  client.close(4000, 'enough');
  assert.deepEqual([client.state, world.socket.closed, world.timerCount, world.listeners.size], ['closed', 4000, 0, 0]);
  assert.equal(await reasonOf(call), 'DISCONNECTED');
  client.close();
  client.retryNow();
  assert.deepEqual(world.states.filter(([state]) => state === 'closed').length, 1);
  assert.equal(world.sockets.length, 1);
});

inWorld('close closes, also with a code or a reason that a WebSocket refuses', async (world) => {
  for (const [code, reason, sent, told] of [
    [1000, 'x'.repeat(123), 1000, 'x'.repeat(123)], [3000, '', 3000, ''], [4999, 'bye', 4999, 'bye'],
    [1001, 'leaving', 1000, 'leaving'], [0, '', 1000, ''], [NaN, '', 1000, ''], [5000, '', 1000, ''], [2999, '', 1000, ''],
    [4000, 'x'.repeat(124), 4000, 'x'.repeat(123)], [4000, '柱'.repeat(50), 4000, '柱'.repeat(41)],
    [4000, `${'x'.repeat(120)}😀`, 4000, 'x'.repeat(120)], [4000, '\ud800', 4000, '\ufffd'],
  ]) {
    const client = world.online();
    const call = client.call('hello', {}, { timeoutMs: 0 });
    client.close(code, reason);
    assert.deepEqual([client.state, world.socket.closed, world.socket.reason], ['closed', sent, told]);
    assert.deepEqual(world.states.at(-1), ['closed', { code: sent, reason: told }]);
    assert.equal(await reasonOf(call), 'DISCONNECTED');
    assert.throws(() => client.send('chat', {}), { reason: 'DISCONNECTED' });
  }
  assert.deepEqual([world.timerCount, world.listeners.size], [0, 0]);
});

inWorld('a socket whose close throws is given up as well', async (world) => {
  const client = world.online();
  world.socket.close = () => { throw new Error('close'); };
  client.close();
  assert.deepEqual([client.state, world.timerCount], ['closed', 0]);
});

inWorld('a URL that is none is the maker\'s error, and nothing is left of the client', async (world) => {
  world.refusal = new DOMException('the URL', 'SyntaxError');
  assert.throws(() => new ChatroomClient('http:// /', { WebSocket: world.WebSocket }), { name: 'SyntaxError' });
  assert.throws(() => new ChatroomClient('ws://host/', { WebSocket: undefined }),
    { name: 'TypeError', message: 'no WebSocket: pass { WebSocket }' });
  assert.throws(() => new ChatroomClient('ws://host/', { WebSocket: world.WebSocket, protocol: 'stoa.proto' }),
    { name: 'TypeError', message: 'unknown protocol: pass { protocol: protobuf }, or none for JSON' });
  assert.deepEqual([world.listeners.size, world.timerCount], [0, 0]);
});

inWorld('a socket that cannot be made when the client comes back is tried again later', async (world) => {
  world.random = 1;
  const client = world.online();
  world.breakLine();
  world.refusal = new DOMException('no sockets left', 'SecurityError');
  world.pass(1000);
  assert.deepEqual([client.state, world.states.at(-1)[1].delayMs, world.states.at(-1)[1].code], ['reconnecting', 2000, 1006]);
  client.retryNow();
  world.wake('online');
  world.refusal = null;
  world.pass(20000);
  world.open();
  assert.equal(client.state, 'connected');
});

inWorld('a listener that throws stops neither the others nor the client, and its error is reported', async (world) => {
  const client = world.online();
  client.close();
  const again = new ChatroomClient('ws://host/', { WebSocket: world.WebSocket });
  const heard = [];
  for (const listen of [(to) => again.onState(to), (to) => again.on('chat', to), (to) => again.onError(to)]) {
    listen(() => { throw new Error('mine'); });
    listen(() => heard.push(again.state));
  }
  world.open();
  world.receive([0], '{}');
  world.receive([ERROR], '{"code":122}');
  world.breakLine();
  assert.deepEqual(heard, ['connected', 'connected', 'connected', 'reconnecting']);
  assert.deepEqual(await world.reported(), ['mine', 'mine', 'mine', 'mine']);
  world.pass(1000);
  world.open();
  world.pass(35000);
  assert.equal(world.pings, 1);
  world.breakLine(4503);
  assert.deepEqual([again.state, world.listeners.size, world.timerCount], ['closed', 0, 0]);
});

inWorld('after a listener closes the client no other listener is called', async (world) => {
  const client = world.client();
  const heard = [];
  client.onState((state) => { heard.push(state); if (state === 'connected') { client.close(); } });
  client.onState((state) => heard.push(state));
  world.open();
  assert.deepEqual([heard, client.state, world.timerCount], [['connected', 'closed', 'closed'], 'closed', 0]);
});

inWorld('sending on a closing socket, or one that throws, is refused, and no call waits for it', async (world) => {
  const client = world.online({ callsMax: 1 });
  const broken = [{ readyState: 2 }, { readyState: 3 }, { readyState: 1, send() { throw new Error('send'); } }];
  for (const change of broken) {
    Object.assign(world.socket, change);
    assert.throws(() => client.send('chat', {}), { reason: 'DISCONNECTED', temporary: true });
    assert.equal(await reasonOf(client.call('hello', {}, { timeoutMs: 0 })), 'DISCONNECTED');
  }
  // And the silent connection is tried all the same.
  world.pass(45000);
  assert.equal(client.state, 'reconnecting');
});

inWorld('a message whose getter throws or closes the client leaves no call in flight', async (world) => {
  const client = world.online({ callsMax: 1 });
  for (let i = 0; i < 2; i += 1) {
    assert.equal(await reasonOf(client.call('hello', { get nick() { throw new RangeError('mine'); } })), 'RangeError');
  }
  const call = client.call('hello', { get nick() { client.close(); return 'Ada'; } }, { timeoutMs: 0 });
  assert.deepEqual([client.state, await reasonOf(call), world.socket.sent], ['closed', 'DISCONNECTED', []]);
});

const until = (client, wanted) => within(new Promise((resolve) => {
  const stop = client.onState((state, detail) => {
    if (state === wanted) {
      stop();
      resolve(detail);
    }
  });
}), `the state ${wanted}`);

async function listen(t, port = 0) {
  const server = new WebSocketServer({ port, host: '127.0.0.1' });
  await new Promise((resolve) => { server.once('listening', resolve); });
  const close = () => new Promise((resolve) => {
    server.clients.forEach((socket) => socket.terminate());
    server.close(resolve);
  });
  t.after(close);
  return { server, close, port: server.address().port };
}

test('with the WebSocket of npm it comes back to a server that was gone', async (t) => {
  const first = await listen(t);
  const client = new ChatroomClient(`ws://127.0.0.1:${first.port}/`, { WebSocket });
  t.after(() => client.close());
  await until(client, 'connected');
  const gone = until(client, 'reconnecting');
  await first.close();
  await gone;
  const { server } = await listen(t, first.port);
  server.on('connection', (socket) => socket.send(frame([0], '{"message":"back"}')));
  const heard = new Promise((resolve) => { client.on('chat', resolve); });
  assert.equal((await within(heard, 'a message')).message, 'back');
});

test('with the WebSocket of npm a server that is not there is tried again, and nothing is thrown', async (t) => {
  const { port, close } = await listen(t);
  await close();
  const client = new ChatroomClient(`ws://127.0.0.1:${port}/`, { WebSocket });
  t.after(() => client.close());
  assert.equal((await until(client, 'reconnecting')).code, 1006);
});

test('with the WebSocket of npm it does not reconnect to a server that closes with 4503', async (t) => {
  const { server, port } = await listen(t);
  server.on('connection', (socket) => socket.close(4503, 'kicked'));
  const client = new ChatroomClient(`ws://127.0.0.1:${port}/`, { WebSocket });
  assert.deepEqual(await until(client, 'closed'), { code: 4503, reason: 'kicked' });
});

async function guest(t, url, protocol, nick) {
  const client = new ChatroomClient(url, { WebSocket, ...(protocol && { protocol }) });
  t.after(() => client.close());
  await until(client, 'connected');
  const welcome = await within(client.call('hello', { nick }), 'Hello');
  await within(client.call('join', {}), 'Join');
  return { client, welcome };
}

for (const [name, protocol] of PROTOCOLS) {
  test(`in ${name} it says Hello to the chat room, exchanges messages, and gets its errors`, async (t) => {
    const room = await Chatroom.start();
    t.after(() => room.kill());
    const url = `ws://127.0.0.1:${room.port}/`;
    const { client, welcome } = await guest(t, url, protocol, '小明');
    assert.equal(welcome.nick, '小明');
    assert.ok(Math.abs(Number(welcome.serverMs) - Date.now()) < 60000);
    const { client: other } = await guest(t, url, undefined, 'Ada');
    const heard = new Promise((resolve) => { other.on('chat', resolve); });
    client.send('chat', { message: 'hello 👋' });
    const { message, sender } = await within(heard, 'the message');
    assert.deepEqual([message, sender], ['hello 👋', '小明']);
    const refused = await within(client.call('hello', { nick: 'x'.repeat(99) }).catch((error) => error), 'an error');
    assert.ok(refused instanceof stoa.StoaError && refused.code >= 100 && refused.reason !== '');
    const wrong = new Promise((resolve) => { client.onError(resolve); });
    client.send('chat', { message: '' });
    assert.equal((await within(wrong, 'the error')).code, 123);
  });
}

test('it comes back to a chat room that was started again', async (t) => {
  const room = await Chatroom.start();
  const { client } = await guest(t, `ws://127.0.0.1:${room.port}/`, undefined, 'Ada');
  const gone = until(client, 'reconnecting');
  await room.stop();
  assert.equal((await gone).code, 4001);
  const again = await Chatroom.start(`127.0.0.1:${room.port}`);
  t.after(() => again.kill());
  await until(client, 'connected');
  assert.equal((await client.call('hello', { nick: 'Ada' })).nick, 'Ada');
});

await run();
