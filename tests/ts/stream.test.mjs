// Streams of replies: with a server by hand, under a fake clock and network, and against examples/ticker.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

import { Chatroom } from '../lib/chatroom.mjs';
import { run, test } from '../lib/tap.mjs';
import { Inbox, within } from '../lib/waiting.mjs';
import { bundle, CASES, generate, load, temporaryFolder } from './build.mjs';
import { CALL, frame, parse, World } from './world.mjs';

const ERROR = 0x40000000;
const MORE = 0x20000000;
const [ITEM, CANCEL, CREDIT] = [CALL + MORE, CALL + ERROR, CALL + ERROR + MORE];
const WINDOW = 256 * 1024;
const ITEM_COST = 8;
const TICKER = fileURLToPath(new URL('../../examples/ticker', import.meta.url));

const folder = temporaryFolder();
generate(CASES, ['streams.proto', 'plain.proto'], folder);
generate(TICKER, ['ticker.proto'], folder);
const { stoa, streams, ticker } = await load(`
  export * as stoa from '@stoa/client';
  export * as streams from './streams.stoa.js';
  export * as ticker from './ticker.stoa.js';
`, folder);
World.Client = streams.PricesClient;
// JSON is what there is without the option.
const PROTOCOLS = [['stoa.json'], ['stoa.proto', stoa.protobuf]];
// Of Prices.Watch.
const T = 2;

const inWorld = (name, body) => test(name, () => new World().run(body));
const price = (cents) => `{"cents":"${cents}"}`;
const sent = (world) => world.socket.sent.map(parse);
const words = (data) => Array.from({ length: data.length / 4 }, (_, at) => new DataView(data.buffer).getUint32(4 * at));

// All items, and the reason of what was thrown after them.
async function drain(stream) {
  const items = [];
  try {
    for await (const { cents } of stream) {
      items.push(Number(cents));
    }
    return [items, 'end'];
  } catch (error) {
    return [items, error.reason ?? error.name];
  }
}

// Does the promise wait? Everything that is ready runs first.
const waits = (promise) => Promise.race([promise.then(() => false), new Promise((resolve) => { setImmediate(resolve, true); })]);

inWorld('a stream begins when it is called, and its items come in order until the end', async (world) => {
  const client = world.online();
  const stream = client.watch({ name: 'tea' });
  assert.deepEqual(sent(world), [{ word: CALL + T, id: 1, payload: '{"name":"tea"}' }]);
  world.receive([ITEM + T, 1], price(1));
  const asked = [stream.next(), stream.next(), stream.next(), stream.next()];
  world.receive([ITEM + T, 1], price(2));
  world.receive([CALL + T, 1]);
  assert.deepEqual(await Promise.all(asked), [
    { value: { cents: 1n }, done: false }, { value: { cents: 2n }, done: false },
    { value: undefined, done: true }, { value: undefined, done: true },
  ]);
  assert.deepEqual(await stream.return(), { value: undefined, done: true });
  assert.equal(world.socket.sent.length, 1);
});

inWorld('in Protobuf too, and an empty message is an item', async (world) => {
  const stream = world.online({ protocol: stoa.protobuf }).watch({ name: 'a' });
  assert.deepEqual(world.socket.sent[0], frame([CALL + T, 1], Uint8Array.of(10, 1, 97)));
  world.receive([ITEM + T, 1]);
  world.receive([ITEM + T, 1], Uint8Array.of(8, 5));
  world.receive([CALL + T, 1]);
  assert.deepEqual(await drain(stream), [[0, 5], 'end']);
});

inWorld('streams and calls of one connection are told apart, and the largest number is one', async (world) => {
  const client = world.online();
  const [one, two, call] = [client.watch({}), client.then_({}), client.call('get', {})];
  world.receive([ITEM + 0x1fffffff, 2], price(2));
  world.receive([CALL + 1, 3], price(3));
  world.receive([ITEM + T, 1], price(1));
  world.receive([CALL + 0x1fffffff, 2]);
  world.receive([CALL + T, 1]);
  assert.deepEqual([await drain(one), await drain(two), (await call).cents], [[[1], 'end'], [[2], 'end'], 3n]);
});

inWorld('a stream called as a member of the client leaves that member', async (world) => {
  const client = world.online();
  const stream = client.close_({});
  assert.equal(sent(world)[0].word, CALL + 3);
  client.close();
  assert.deepEqual([client.state, await drain(stream)], ['closed', [[], 'DISCONNECTED']]);
});

for (const littleEndian of [false, true]) {
  inWorld(`what was taken is granted when it is half of the window, little-endian ${littleEndian}`, async (world) => {
    const stream = world.online({ littleEndian }).watch({});
    const order = (data) => (littleEndian ? new Uint8Array(data).map((_, at) => data[at - at % 4 + 3 - at % 4]) : data);
    const item = `{"cents":"${'0'.repeat(WINDOW / 4 - 12 - ITEM_COST)}"}`;
    const data = frame([0, 0], item);
    data.set(order(frame([ITEM + T, 1])));
    for (let i = 0; i < 4; i += 1) {
      world.socket.onmessage({ data: data.slice().buffer });
    }
    await stream.next();
    assert.equal(world.socket.sent.length, 1);
    await stream.next();
    assert.deepEqual(words(order(world.socket.sent[1])), [CREDIT + T, 1, WINDOW / 2]);
    await stream.next();
    assert.equal(world.socket.sent.length, 2);
    // Now there is credit for two more, and not for a third.
    for (let i = 0; i < 3; i += 1) {
      world.socket.onmessage({ data: data.slice().buffer });
    }
    assert.deepEqual(words(order(world.socket.sent[2])), [CANCEL + T, 1]);
    assert.deepEqual(await drain(stream), [[0, 0, 0], 'BAD_FRAME']);
    assert.equal(world.socket.sent.length, 3);
  });
}

inWorld('the last item may exceed the credit, and the next one is a mistake', async (world) => {
  const stream = world.online().watch({});
  world.receive([ITEM + T, 1], `{"cents":"${'0'.repeat(WINDOW)}7"}`);
  assert.equal(world.socket.sent.length, 1);
  world.receive([ITEM + T, 1], price(8));
  assert.deepEqual([words(world.socket.sent[1]), await drain(stream)], [[CANCEL + T, 1], [[7], 'BAD_FRAME']]);
});

inWorld('items without a byte cost credit too', async (world) => {
  const stream = world.online({ protocol: stoa.protobuf }).watch({});
  for (let i = 0; i < WINDOW / ITEM_COST; i += 1) {
    world.receive([ITEM + T, 1]);
  }
  assert.equal(world.socket.sent.length, 1);
  world.receive([ITEM + T, 1]);
  assert.deepEqual(words(world.socket.sent[1]), [CANCEL + T, 1]);
  const [items, end] = await drain(stream);
  assert.deepEqual([items.length, end], [WINDOW / ITEM_COST, 'BAD_FRAME']);
});

inWorld('the server\'s error comes after the items before it, once', async (world) => {
  const stream = world.online().watch({});
  world.receive([ITEM + T, 1], price(1));
  world.receive([CALL + ERROR + T, 1], '{"code":108,"reason":"DRAINING","message":"later","temporary":true}');
  assert.equal((await stream.next()).value.cents, 1n);
  const error = await stream.next().catch((thrown) => thrown);
  assert.ok(error instanceof stoa.StoaError);
  assert.deepEqual([error.code, error.reason, error.message, error.temporary], [108, 'DRAINING', 'later', true]);
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
  assert.equal(world.socket.sent.length, 1);
});

inWorld('a lost connection and a closed client end a stream with an error, after its items', async (world) => {
  for (const end of [() => world.breakLine(), (client) => client.close(), (client) => client.reconnect()]) {
    const client = world.online();
    const [read, waiting] = [client.watch({}), drain(client.watch({}))];
    world.receive([ITEM + T, 1], price(1));
    world.receive([ITEM + T, 2], price(2));
    end(client);
    assert.deepEqual(await waiting, [[2], 'DISCONNECTED']);
    assert.deepEqual(await drain(read), [[1], 'DISCONNECTED']);
    assert.equal(world.socket.sent.length, 2);
    client.close();
  }
});

inWorld('what keeps a call from being sent is thrown by the first next()', async (world) => {
  const client = world.client({ callsMax: 1 });
  const early = client.watch({});
  world.open();
  assert.deepEqual([await drain(early), await drain(early)], [[[], 'DISCONNECTED'], [[], 'end']]);
  assert.deepEqual(await drain(client.watch({ name: 7 })), [[], 'TypeError']);
  const first = client.watch({});
  assert.deepEqual(await drain(client.watch({})), [[], 'TOO_MANY_CALLS']);
  await first.return();
  assert.deepEqual(await drain(client.watch({}, { signal: AbortSignal.abort() })), [[], 'CANCELLED']);
  assert.deepEqual(sent(world).map(({ word }) => word), [CALL + T, CANCEL + T]);
  // Not taken by anybody, and not reported either.
  client.watch({ name: 7 });
});

inWorld('a silent stream has no time limit', async (world) => {
  const stream = world.online({ silenceMs: Infinity }).watch({});
  const next = stream.next();
  world.pass(1e9);
  assert.equal(world.timerCount, 1);
  world.receive([ITEM + T, 1], price(1));
  assert.equal((await next).value.cents, 1n);
});

inWorld('break cancels a stream, and what is received after that is ignored', async (world) => {
  const client = world.online({ callsMax: 1 });
  client.onError(() => assert.fail());
  world.receive([ITEM + T, 1], price(0));
  const stream = client.watch({});
  world.receive([ITEM + T, 1], price(1));
  world.receive([ITEM + T, 1], price(2));
  for await (const { cents } of stream) {
    assert.equal(cents, 1n);
    break;
  }
  assert.deepEqual(sent(world)[1], { word: CANCEL + T, id: 1, payload: '' });
  world.receive([ITEM + T, 1], price(3));
  world.receive([CALL + T, 1]);
  assert.deepEqual([await drain(stream), world.socket.sent.length], [[[], 'end'], 2]);
  client.watch({});
  assert.equal(sent(world)[2].id, 2);
});

inWorld('return() ends calls of next() that wait, and gives back its value', async (world) => {
  const stream = world.online().watch({});
  const next = stream.next();
  assert.equal(await waits(next), true);
  assert.deepEqual(await stream.return(Promise.resolve(7)), { value: 7, done: true });
  assert.deepEqual(await next, { value: undefined, done: true });
  await stream.return();
  assert.equal(world.socket.sent.length, 2);
});

inWorld('return() after an error that nobody has seen forgets it', async (world) => {
  const stream = world.online().watch({});
  world.receive([CALL + ERROR + T, 1], '{"code":108}');
  await stream.return();
  assert.deepEqual([await drain(stream), world.socket.sent.length], [[[], 'end'], 1]);
});

inWorld('a signal cancels a stream at once: items that wait are dropped', async (world) => {
  const client = world.online();
  const controller = new AbortController();
  const [waiting, full] = [client.watch({}, controller), client.watch({}, controller)];
  const next = drain(waiting);
  world.receive([ITEM + T, 2], price(1));
  controller.abort();
  assert.deepEqual([await next, await drain(full)], [[[], 'CANCELLED'], [[], 'CANCELLED']]);
  assert.deepEqual(sent(world).slice(2), [1, 2].map((id) => ({ word: CANCEL + T, id, payload: '' })));
});

inWorld('a signal cancels also what waits of a stream that the server has ended', async (world) => {
  const controller = new AbortController();
  const stream = world.online().watch({}, controller);
  world.receive([ITEM + T, 1], price(1));
  world.receive([CALL + T, 1]);
  controller.abort();
  assert.deepEqual([await drain(stream), world.socket.sent.length], [[[], 'CANCELLED'], 1]);
});

inWorld('the listener on a signal is removed when the stream is over', async (world) => {
  const client = world.online();
  const listeners = new Set();
  const signal = {
    aborted: false,
    addEventListener: (_, listener) => listeners.add(listener),
    removeEventListener: (_, listener) => listeners.delete(listener),
  };
  const all = [1, 2, 3].map(() => client.watch({}, { signal }));
  assert.equal(listeners.size, 3);
  world.receive([CALL + T, 1]);
  world.receive([CALL + ERROR + T, 2], '{"code":108}');
  await drain(all[0]);
  await drain(all[1]);
  await all[2].return();
  assert.equal(listeners.size, 0);
});

const WRONG = {
  'an end with a payload': [[CALL + T, 1], '{}'],
  'an item that is an error': [[CREDIT + T, 1], price(1)],
  'an item of another type': [[ITEM + 3, 1], price(1)],
  'an end of another type': [[CALL + 3, 1], ''],
  'an error of another type': [[CALL + ERROR + 3, 1], '{"code":108}'],
};
for (const [what, [head, payload]] of Object.entries(WRONG)) {
  inWorld(`${what} ends a stream with BAD_FRAME, and cancels it`, async (world) => {
    const client = world.online();
    const stream = client.watch({});
    world.receive([ITEM + T, 1], price(1));
    world.receive(head, payload);
    assert.deepEqual(await drain(stream), [[1], 'BAD_FRAME']);
    assert.deepEqual(sent(world)[1], { word: CANCEL + T, id: 1, payload: '' });
    assert.equal(client.state, 'connected');
  });
}

for (const [name, protocol] of PROTOCOLS) {
  inWorld(`in ${name} an item that cannot be decoded ends a stream, and an error that cannot is BAD_FRAME`, async (world) => {
    const client = world.online({ protocol });
    const [stream, failed] = [client.watch({}), client.watch({})];
    world.receive([ITEM + T, 1], Uint8Array.of(0xff));
    world.receive([ITEM + T, 1], Uint8Array.of(0xff));
    world.receive([CALL + ERROR + T, 2], Uint8Array.of(0xff));
    assert.equal(world.socket.sent.length, 2);
    assert.deepEqual([await drain(stream), await drain(failed)], [[[], 'BAD_FRAME'], [[], 'BAD_FRAME']]);
    assert.deepEqual(sent(world).slice(2), [{ word: CANCEL + T, id: 1, payload: '' }]);
  });
}

inWorld('a socket that is closing takes no credit and no cancel, and its end is the stream\'s', async (world) => {
  const client = world.online();
  const [stream, other] = [client.watch({}), client.watch({})];
  world.receive([ITEM + T, 1], `{"cents":"${'0'.repeat(WINDOW)}7"}`);
  world.socket.readyState = 2;
  assert.equal((await stream.next()).value.cents, 7n);
  await other.return();
  world.breakLine();
  assert.deepEqual([await drain(stream), world.socket.sent.length], [[[], 'DISCONNECTED'], 2]);
});

test('a bundle of a program without streams does not have them', async () => {
  const without = bundle("export * from '@stoa/client/chat'; export { Client } from '@stoa/client';", folder);
  assert.doesNotMatch(without, /asyncIterator/);
  assert.match(bundle("export { FeedClient } from './streams.stoa.js';", folder), /asyncIterator/);
});

// A WebSocket that counts what is in the client: payloads of items that came, and credit that was granted.
function counting() {
  const events = new Inbox();
  const count = { lengths: [], received: 0, granted: 0, isOver: false, cancels: 0, events };
  count.WebSocket = class extends WebSocket {
    constructor(...rest) {
      super(...rest);
      this.addEventListener('message', ({ data }) => {
        const isItem = (new DataView(data).getUint32(0) & MORE) !== 0;
        if (isItem) {
          // The frame's head is as long as what an item costs beside its payload.
          count.lengths.push(data.byteLength);
          count.received += data.byteLength;
        }
        count.isOver ||= !isItem;
        if (count.isOver || count.received >= WINDOW + count.granted) {
          events.put('full');
        }
      });
    }
    send(data) {
      const [word, , credit] = data.length > 8 ? words(data.slice(0, 12)) : words(data);
      if (word === CREDIT + 1) {
        count.granted += credit;
        count.isGranted = true;
      }
      count.cancels += word === CANCEL + 1;
      super.send(data);
    }
  };
  return count;
}

const connected = (client) => within(new Promise((resolve) => {
  client.onState((state) => state === 'connected' && resolve());
}), 'a connection');

async function serve(t, options) {
  const server = await Chatroom.start('127.0.0.1:0', options, 'TICKER');
  t.after(() => server.kill());
  return server;
}

async function connect(t, server, options) {
  const client = new ticker.TickerClient(`ws://127.0.0.1:${server.port}/`, { WebSocket, ...options });
  t.after(() => client.close());
  await connected(client);
  return client;
}

// Reads so slowly that the server has used its credit whenever an item is taken after credit was granted. Yields the
// number of each item.
async function* slowly(stream, count) {
  let consumed = 0;
  let number = 0;
  count.isGranted = true;
  for (;;) {
    if (count.isGranted && !count.isOver) {
      count.isGranted = false;
      await count.events.take('all that the credit allows', () => count.isOver || count.received >= WINDOW + count.granted);
    }
    const kept = count.received - consumed;
    // Not assert(), a million times.
    if (kept > WINDOW + 64) {
      assert.fail(`${kept} bytes in the client`);
    }
    count.keptMax = Math.max(count.keptMax ?? 0, kept);
    const { value, done } = await stream.next();
    if (done) {
      return;
    }
    if (value.number !== BigInt(number)) {
      assert.fail(`${value.number} instead of ${number}`);
    }
    consumed += count.lengths[number];
    number += 1;
    yield number;
  }
}

const MILLION = 1000000;

for (const [name, protocol] of PROTOCOLS) {
  test(`in ${name} a slow reader of a million items gets them all, and keeps a window at most`, async (t) => {
    const server = await serve(t);
    const count = counting();
    const client = await connect(t, server, { WebSocket: count.WebSocket, ...(protocol && { protocol }) });
    let items = 0;
    for await (const number of slowly(client.watch({ name: 'tea', count: BigInt(MILLION) }), count)) {
      items = number;
    }
    assert.equal(items, MILLION);
    assert.ok(count.keptMax >= WINDOW, `${count.keptMax} bytes: it was never full`);
    assert.ok(count.received > 10 * WINDOW && count.received <= count.granted + WINDOW + 64);
  });
}

test('a million items are cancelled in the middle by a client that reads slowly, and the server has room again', async (t) => {
  const server = await serve(t, { 'server.limits.session_calls_max': 1 });
  const count = counting();
  const client = await connect(t, server, { WebSocket: count.WebSocket, protocol: stoa.protobuf });
  const stream = client.watch({ name: 'tea', count: BigInt(MILLION) });
  const request = { name: 'tea', count: 1n };
  const refused = await client.watch(request).next().catch((error) => error);
  assert.deepEqual([refused.code, refused.reason], [106, 'TOO_MANY_STREAMS']);
  count.isOver = false;
  for await (const number of slowly(stream, count)) {
    if (number === MILLION / 2) {
      break;
    }
  }
  await stream.return();
  const { granted } = count;
  assert.deepEqual((await within(client.watch(request).next(), 'another stream')).value, { number: 0n, cents: 0 });
  assert.ok(count.received <= granted + WINDOW + 64);
  assert.deepEqual([count.granted, count.cancels], [granted, 1]);
});

for (const [name, protocol] of PROTOCOLS) {
  test(`in ${name} a signal cancels a running stream`, async (t) => {
    const server = await serve(t, { 'server.limits.session_calls_max': 1 });
    const client = await connect(t, server, protocol && { protocol });
    const controller = new AbortController();
    const stream = client.watch({ name: 'tea', count: BigInt(MILLION) }, controller);
    const { value } = await within(stream.next(), 'an item');
    assert.deepEqual(value, { number: 0n, cents: 0 });
    controller.abort();
    assert.equal((await stream.next().catch((error) => error)).reason, 'CANCELLED');
    assert.equal((await within(client.watch({ name: 'tea', count: 1n }).next(), 'another stream')).done, false);
  });

  test(`in ${name} the server's refusal is thrown`, async (t) => {
    const client = await connect(t, await serve(t), protocol && { protocol });
    const error = await client.watch({ name: '' }).next().catch((thrown) => thrown);
    assert.ok(error instanceof stoa.StoaError);
    assert.equal(error.reason, 'BAD_REQUEST');
  });
}

// What ends a stream of a million items in the middle.
const ENDS = {
  'a server that drains': [(server) => server.stop(), 'DRAINING'],
  'a server that dies': [(server) => server.kill(), 'DISCONNECTED'],
};
for (const [what, [end, reason]] of Object.entries(ENDS)) {
  test(`${what} ends a million items in the middle with an error, whatever waits`, async (t) => {
    const server = await serve(t);
    const count = counting();
    const client = await connect(t, server, { WebSocket: count.WebSocket, protocol: stoa.protobuf });
    let [items, ended] = [0, null];
    const error = await (async () => {
      for await (const number of slowly(client.watch({ name: 'tea', count: BigInt(MILLION) }), count)) {
        items = number;
        if (number === MILLION / 2) {
          ended = end(server);
          await new Promise((resolve) => { client.onState(resolve); });
          count.isOver = true;
        }
      }
      return null;
    })().catch((thrown) => thrown);
    await ended;
    assert.equal(error?.reason, reason);
    assert.equal(items, count.lengths.length);
    assert.ok(items >= MILLION / 2 && items < MILLION);
  });
}

await run();
