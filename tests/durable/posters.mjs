// posters.mjs: as posters.c, by the TypeScript client: node posters.mjs URL PREFIX COUNT SEED LOG

import { createWriteStream, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import WebSocket from 'ws';

import { generate, load, temporaryFolder } from '../ts/build.mjs';

const WINDOW = 16;
const TICK_MS = 10;
const [url, prefix, count, seedText, log] = process.argv.slice(2);
const FEED = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../examples/feed');

const folder = temporaryFolder();
generate(FEED, ['feed.proto', 'stoa/config.proto', 'stoa/room_config.proto'], folder);
const { FeedClient, protobuf } = await load(`
  export { protobuf } from '@stoa/client';
  export * from './feed.stoa.js';
`, folder);

const events = createWriteStream(log);
const write = (poster, event, rest = {}) => {
  const line = { client: poster.name, event, room: poster.room, ...rest };
  events.write(`${JSON.stringify(line, (_, value) => (typeof value === 'bigint' ? String(value) : value))}\n`);
};

// mulberry32
let seed = Number(BigInt(seedText) % 4294967296n);
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const chance = (permille) => random() * 1000 < permille;

let isEnding = false;

// One message a task, as in browsers: otherwise the posts of a packet come before the reply's promise continues.
class Socket extends WebSocket {
  constructor(address, protocol) {
    super(address, protocol, { allowSynchronousEvents: false });
  }
}

class Poster {
  position = { epoch: 0n, offset: 0n };
  created = 0;
  acked = 0;
  next = 1;
  inFlight = 0;
  hasFailed = false;
  isFollowing = false;
  done = new Set();

  constructor(number) {
    this.name = `${prefix}${number}`;
    this.room = `feed-${number % 2}`;
    this.comeBack();
  }

  comeBack() {
    const client = new FeedClient(url, { WebSocket: Socket, ...(chance(500) ? {} : { protocol: protobuf }) });
    this.client = client;
    client.on('post', ({ epoch, offset, text }) => {
      if (this.client === client) {
        write(this, 'received', { offset, text });
        this.position = { epoch, offset };
      }
    });
    client.onState((state, detail) => this.client === client && this.onState(state, detail));
  }

  onState(state, detail) {
    this.isFollowing = false;
    if (state === 'connected') {
      this.connection = {};
      Object.assign(this, { next: this.acked + 1, inFlight: 0, hasFailed: false });
      this.follow(this.connection);
    } else if (state === 'reconnecting' || state === 'closed') {
      this.connection = null;
      write(this, 'ended', { code: detail.code });
    }
  }

  async follow(connection) {
    write(this, 'asked', this.position);
    try {
      const reply = await this.client.call('follow', { feed: this.room, ...this.position });
      if (this.connection === connection) {
        const { recovered, epoch, offset } = reply;
        write(this, 'followed', { recovered, epoch, offset, page: reply.posts.map((post) => [post.offset, post.text]) });
        this.position = recovered ? this.position : { epoch, offset };
        this.isFollowing = true;
      }
    } catch {
      write(this, 'refused');
      if (this.connection === connection) {
        this.leave();
      }
    }
  }

  leave() {
    const { client } = this;
    Object.assign(this, { client: null, connection: null, isFollowing: false });
    client?.close();
  }

  async send(number, connection) {
    const id = `${this.name}-${number}`;
    const request = { feed: this.room, text: `${id} ${'z'.repeat((number * 37) % 150)}`, author: this.name, id };
    write(this, 'sent', { id });
    this.inFlight += 1;
    try {
      const { offset } = await this.client.call('send', request);
      write(this, 'acked', { id, offset });
      this.done.add(number);
      while (this.done.delete(this.acked + 1)) {
        this.acked += 1;
      }
    } catch (error) {
      write(this, 'failed', { id, reason: error.reason });
      if (this.connection === connection) {
        this.hasFailed = true;
      }
    }
    if (this.connection === connection) {
      this.inFlight -= 1;
    }
  }

  sendSome() {
    if (this.hasFailed && this.inFlight === 0) {
      Object.assign(this, { hasFailed: false, next: this.acked + 1 });
    }
    for (let i = 0; i < 4 && !this.hasFailed; i += 1) {
      if (this.next > this.acked + WINDOW || (this.next > this.created && (isEnding || !chance(250)))) {
        return;
      }
      this.created = Math.max(this.created, this.next);
      if (!this.done.has(this.next)) {
        this.send(this.next, this.connection);
      }
      this.next += 1;
    }
  }

  tick() {
    if (!this.client) {
      if (isEnding || chance(60)) {
        this.comeBack();
      }
    } else if (this.client.state === 'reconnecting') {
      if (chance(100)) {
        this.client.retryNow();
      }
    } else if (this.isFollowing && !isEnding && chance(6)) {
      write(this, 'left');
      this.leave();
    } else if (this.isFollowing) {
      this.sendSome();
    }
  }
}

const posters = Array.from({ length: Number(count) }, (_, number) => new Poster(number));
process.stdin.on('end', () => { isEnding = true; }).resume();
const timer = setInterval(() => {
  posters.forEach((poster) => poster.tick());
  if (isEnding && posters.every((poster) => poster.acked === poster.created)) {
    clearInterval(timer);
    posters.forEach((poster) => poster.leave());
    events.end(() => process.exit(0));
  }
}, TICK_MS);
