// Streams of replies without WebSocket: `for await` over withFallback(), against examples/ticker behind a proxy that
// lets no WebSocket through.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

import { Chatroom } from '../lib/chatroom.mjs';
import { startGate } from '../lib/gate.mjs';
import { run, test } from '../lib/tap.mjs';
import { within } from '../lib/waiting.mjs';
import { generate, load, temporaryFolder } from './build.mjs';

const WINDOW = 256 * 1024;
const MANY = 200000;
const TICKER = fileURLToPath(new URL('../../examples/ticker', import.meta.url));

const folder = temporaryFolder();
generate(TICKER, ['ticker.proto'], folder);
const { stoa, ticker, withFallback } = await load(`
  export * as stoa from '@stoa/client';
  export { withFallback } from '@stoa/client/fallback';
  export * as ticker from './ticker.stoa.js';
`, folder);
const PROTOCOLS = [['stoa.json', {}], ['stoa.proto', { protocol: stoa.protobuf }]];

async function start(t, settings = {}) {
  const server = await Chatroom.start('127.0.0.1:0', { 'server.http_fallback': true, ...settings }, 'TICKER');
  const gate = await startGate(server.port);
  gate.lets.websocket = false;
  t.after(async () => {
    gate.close();
    await server.kill();
  });
  return { server, gate };
}

async function connect(t, gate, options = {}, fallback = {}) {
  const kinds = [];
  const Socket = withFallback({ WebSocket, onOpen: (kind) => kinds.push(kind), ...fallback });
  const client = new ticker.TickerClient(`ws://127.0.0.1:${gate.port}/`, { WebSocket: Socket, ...options });
  t.after(() => client.close());
  await within(new Promise((resolve) => {
    const look = () => client.state === 'connected' && resolve();
    client.onState(look);
    look();
  }), 'the connection');
  assert.deepEqual(kinds, ['http']);
  return client;
}

// How many items came, each once and in order, and the reason of what was thrown after them.
async function drain(stream, onItem = () => {}) {
  let items = 0;
  try {
    for await (const { number } of stream) {
      if (number !== BigInt(items)) {
        assert.fail(`${number} instead of ${items}`);
      }
      items += 1;
      await onItem(items);
    }
    return [items, 'end'];
  } catch (error) {
    return [items, error.reason ?? String(error)];
  }
}

const many = (client, options) => client.watch({ name: 'tea', count: BigInt(MANY) }, options);
const isWell = async (client) => assert.deepEqual(await drain(client.watch({ name: 'tea', count: 3n })), [3, 'end']);

/** A fetch that counts what is read of events, and spoils posts. */
function counting(spoil = () => false) {
  const count = { received: 0, posts: 0, spoilt: 0 };
  count.fetch = async (url, init) => {
    const isPost = init.headers['stoa-sequence'] !== undefined;
    const response = await fetch(url, init);
    if (isPost) {
      count.posts += 1;
      if (spoil(count.posts)) {
        count.spoilt += 1;
        throw new TypeError('the answer is lost');
      }
      return response;
    }
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
      return response;
    }
    const counted = new TransformStream({
      transform(chunk, controller) {
        count.received += chunk.length;
        controller.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(counted), { status: response.status, headers: response.headers });
  };
  return count;
}

for (const [name, settings] of PROTOCOLS) {
  test(`in ${name} a stream of many items comes whole and in order, beside calls of another one`, async (t) => {
    const { gate } = await start(t);
    const client = await connect(t, gate, settings);
    const whole = drain(many(client));
    for (let i = 0; i < 10; i += 1) {
      await isWell(client);
    }
    assert.deepEqual(await within(whole, 'all items'), [MANY, 'end']);
  });

  test(`in ${name} who takes no items is sent no more than a window`, async (t) => {
    const { gate } = await start(t);
    const count = counting();
    const client = await connect(t, gate, settings, { fetch: count.fetch });
    const stream = many(client);
    await within(stream.next(), 'the first item');
    for (let i = 0; i < 30; i += 1) {
      await isWell(client);
    }
    // Four characters of base64 for three bytes, and what an event has around it: items are small.
    const most = 12 * WINDOW;
    assert.ok(count.received < most, `${count.received} bytes came`);
    let items = 1;
    for await (const { number } of stream) {
      assert.equal(number, BigInt(items));
      items += 1;
    }
    assert.equal(items, MANY);
    assert.ok(count.received > most, 'the whole is not more than that');
  });

  test(`in ${name} a break and a signal cancel a stream, and the server has room again`, async (t) => {
    const { gate } = await start(t, { 'server.limits.session_calls_max': 1 });
    const client = await connect(t, gate, settings);
    for await (const { number } of many(client)) {
      if (number === 1000n) {
        break;
      }
    }
    const controller = new AbortController();
    const stream = many(client, controller);
    await within(stream.next(), 'an item');
    const refused = await client.watch({ name: 'tea', count: 1n }).next().catch((error) => error);
    assert.equal(refused.reason, 'TOO_MANY_STREAMS');
    controller.abort();
    assert.equal((await stream.next().catch((error) => error)).reason, 'CANCELLED');
    await isWell(client);
  });

  test(`in ${name} the server's refusal is thrown`, async (t) => {
    const { gate } = await start(t);
    const client = await connect(t, gate, settings);
    const error = await client.watch({ name: '' }).next().catch((thrown) => thrown);
    assert.ok(error instanceof stoa.StoaError);
    assert.equal(error.reason, 'BAD_REQUEST');
    await isWell(client);
  });
}

test('posts whose answers are lost grant credit once, and no item is lost or doubled', async (t) => {
  const { gate } = await start(t);
  const count = counting((number) => number % 3 === 2);
  const client = await connect(t, gate, {}, { fetch: count.fetch });
  assert.deepEqual(await within(drain(many(client)), 'all items'), [MANY, 'end']);
  assert.ok(count.spoilt > 2, `${count.spoilt} answers were lost`);
});

test('a stream whose connection is cut ends with an error and without a gap, and the next one begins anew', async (t) => {
  const { gate } = await start(t);
  const client = await connect(t, gate);
  const [items, reason] = await drain(many(client), async (item) => {
    if (item === 5000) {
      gate.cut();
    }
  });
  assert.equal(reason, 'DISCONNECTED');
  assert.ok(items >= 5000 && items < MANY, `${items}`);
  await within(new Promise((resolve) => {
    const look = () => client.state === 'connected' && resolve();
    client.onState(look);
    look();
  }), 'another connection');
  await isWell(client);
});

// What ends a stream in the middle.
const ENDS = {
  'a server that drains': [(server) => server.stop(), 'DRAINING'],
  'a server that dies': [(server) => server.kill(), 'DISCONNECTED'],
};
for (const [what, [end, reason]] of Object.entries(ENDS)) {
  test(`${what} ends a stream in the middle with an error`, async (t) => {
    const { server, gate } = await start(t);
    const client = await connect(t, gate);
    let ended;
    const [items, thrown] = await drain(many(client), async (item) => {
      if (item === 5000) {
        ended = end(server);
        await new Promise((resolve) => { client.onState(resolve); });
      }
    });
    await ended;
    assert.equal(thrown, reason);
    assert.ok(items >= 5000 && items < MANY, `${items}`);
  });
}

await run();
