// client.mjs: one client of Node's `ws` that speaks the chat room's protocol.

import WebSocket from 'ws';

import { CHAT, HELLO, JOIN, Wire } from '../lib/wire.mjs';
import { Inbox, within } from '../lib/waiting.mjs';

export class Client {
  pongs = new Inbox();
  #frames = new Inbox();
  #helloId = 0;

  // subprotocol  'stoa.json', 'stoa.proto', or '' to ask for none
  static async connect(url, subprotocol, options = {}) {
    const client = new Client();
    client.wire = new Wire(subprotocol);
    const subprotocols = subprotocol === '' ? [] : [subprotocol];
    client.socket = new WebSocket(url, subprotocols, { rejectUnauthorized: false, ...options });
    client.closed = new Promise((resolve) => {
      client.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    client.socket.on('message', (data, binary) => client.#frames.put({ ...client.wire.read(data), binary }));
    client.socket.on('pong', (data) => client.pongs.put(data.toString()));
    await within(new Promise((resolve, reject) => {
      client.socket.once('open', resolve);
      client.socket.once('error', reject);
    }), 'the handshake');
    client.socket.on('error', () => {});
    return client;
  }

  // Connect, say Hello and join the default room, where there is a subprotocol to do so.
  static async join(url, subprotocol, nick, options) {
    const client = await Client.connect(url, subprotocol, options);
    if (subprotocol !== '') {
      client.welcome = (await client.hello(nick)).message;
      await client.enter();
    }
    return client;
  }

  // Returns the reply's frame.
  async hello(nick) {
    this.#helloId += 1;
    this.socket.send(this.wire.hello(this.#helloId, nick));
    return this.#frames.take('the reply to Hello', (frame) => frame.type === HELLO && frame.id === this.#helloId);
  }

  // Returns the reply's frame.
  async enter() {
    this.#helloId += 1;
    this.socket.send(this.wire.join(this.#helloId));
    return this.#frames.take('the reply to Join', (frame) => frame.type === JOIN && frame.id === this.#helloId);
  }

  say(text) {
    this.socket.send(this.wire.chat(text));
  }

  // The next chat message.
  async hears() {
    return (await this.#frames.take('a chat message', (frame) => frame.type === CHAT && !frame.error)).message;
  }

  // The next frame of any kind.
  async receives(what) {
    return this.#frames.take(what);
  }

  async close(code, reason) {
    this.socket.close(code, reason);
    return within(this.closed, 'the closing handshake');
  }

  async closing() {
    return within(this.closed, 'the server to close');
  }
}
