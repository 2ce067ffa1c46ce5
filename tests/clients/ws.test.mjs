// Node's `ws`, a WebSocket library of other authors, with the chat room.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import WebSocket from 'ws';

import { makeCertificate } from '../lib/certificate.mjs';
import { Chatroom } from '../lib/chatroom.mjs';
import { run, test } from '../lib/tap.mjs';
import { within } from '../lib/waiting.mjs';
import { CALL, HELLO, PING, words } from '../lib/wire.mjs';
import { Client } from './client.mjs';

const SUBPROTOCOLS = ['stoa.json', 'stoa.proto', ''];
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const HOSTS = ['127.0.0.1', '[::1]'];
const TEXT_CHARS_MAX = 4000;
// Lengths around the borders of the frame's own length field, and everything that JSON escapes.
const TEXTS = [
  'hello', '大家好，柱廊 👩‍👩‍👧‍👦', 'line\nline\t"quoted" \\ \u0001', 'x'.repeat(125), 'y'.repeat(126), '😀'.repeat(TEXT_CHARS_MAX),
];

function hasIpv6() {
  return Object.values(networkInterfaces()).flat().some((address) => address.address === '::1');
}

async function open(t, { scheme = 'ws', host = HOSTS[0], options = {}, program } = {}) {
  const settings = { ...options };
  if (scheme === 'wss') {
    const tls = await makeCertificate();
    t.after(() => tls.remove());
    settings['server.tls.certificate'] = tls.certificate;
    settings['server.tls.key'] = tls.key;
  }
  const chatroom = await Chatroom.start(`${scheme === 'wss' ? 'wss://' : ''}${host}:0`, settings, program);
  t.after(() => chatroom.kill());
  const url = `${scheme}://${host}:${chatroom.port}/`;
  const join = async (subprotocol, nick, clientOptions) => {
    const client = await Client.join(url, subprotocol, nick, clientOptions);
    t.after(() => client.socket.terminate());
    return client;
  };
  return { chatroom, url, join };
}

async function exchangeAmongAll(clients) {
  for (const speaker of clients) {
    for (const text of TEXTS) {
      speaker.say(text);
      const heard = await Promise.all(clients.map((client) => client.hears()));
      for (const message of heard) {
        assert.equal(message.message, text);
        assert.equal(message.sender, speaker.welcome?.nick ?? message.sender);
        assert.match(message.timestamp, TIMESTAMP);
        assert.match(message.userId, UUID);
        assert.equal(message.userId, speaker.welcome?.userId ?? message.userId);
        assert.equal(Number(message.tsMs), Date.parse(message.timestamp));
      }
      // Codecs differ in how they write a number of 64 bits, and Protobuf leaves out what is empty. An epoch has more
      // digits than a double.
      const parts = heard.map((message) => [message.message, message.sender, message.userId, message.room,
        Number(message.tsMs), Number(message.offset), Number(message.epoch).toPrecision(12)]);
      assert.equal(new Set(parts.map((part) => JSON.stringify(part))).size, 1);
    }
  }
}

for (const scheme of ['ws', 'wss']) {
  for (const host of HOSTS) {
    const name = `over ${scheme} and ${host} clients of JSON, of Protobuf and of no subprotocol exchange messages`;
    test(name, async (t) => {
      if (host === '[::1]' && !hasIpv6()) {
        t.skip('this machine has no IPv6');
        return;
      }
      const { join } = await open(t, { scheme, host });
      const clients = [];
      for (const subprotocol of SUBPROTOCOLS) {
        const client = await join(subprotocol, `with ${subprotocol}`);
        assert.equal(client.socket.protocol, subprotocol);
        clients.push(client);
      }
      await exchangeAmongAll(clients);
    });
  }
}

test('over wss a client that verifies the server and shows a certificate exchanges messages, one without is refused', async (t) => {
  const tls = await makeCertificate();
  t.after(() => tls.remove());
  const [pem, key] = await Promise.all([readFile(tls.certificate), readFile(tls.key)]);
  const settings = {
    'server.tls.certificate': tls.certificate, 'server.tls.key': tls.key, 'server.tls.client_ca': tls.certificate,
    'server.tls.client_verify': 'required',
  };
  const chatroom = await Chatroom.start('wss://127.0.0.1:0', settings);
  t.after(() => chatroom.kill());
  const url = `wss://127.0.0.1:${chatroom.port}/`;
  const verifies = { rejectUnauthorized: true, ca: pem };
  const clients = [];
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
    const client = await Client.join(url, 'stoa.json', maxVersion, { ...verifies, cert: pem, key, maxVersion });
    t.after(() => client.socket.terminate());
    clients.push(client);
  }
  await exchangeAmongAll(clients);
  const stranger = new WebSocket(url, ['stoa.json'], verifies);
  const [error] = await within(once(stranger, 'error'), 'the refusal');
  assert.match(error.message, /certificate required|ECONNRESET|socket hang up/);
});

test('the reply to Hello has the session, the user, the name, the server, its time, its limits and its ping interval', async (t) => {
  const { join } = await open(t, { options: { 'server.limits.message_bytes_max': 5000, 'server.ping_interval_ms': 3456 } });
  for (const [subprotocol, nick] of [['stoa.json', '小明'], ['stoa.proto', 'Ada']]) {
    const { welcome } = await join(subprotocol, nick);
    assert.match(welcome.sessionId, UUID);
    assert.match(welcome.userId, UUID);
    assert.deepEqual([welcome.nick, welcome.messageBytesMax, welcome.pingMs, welcome.textCharsMax],
      [nick, 5000, 3456, TEXT_CHARS_MAX]);
    assert.ok(welcome.server.length > 0);
    assert.ok(Math.abs(Number(welcome.serverMs) - Date.now()) < 60000);
    // The JSON of an int64 is a string, since a JavaScript number cannot hold all of them.
    assert.equal(typeof welcome.serverMs, subprotocol === 'stoa.json' ? 'string' : 'number');
  }
});

test('the ping interval that Hello tells is the default one where nothing is configured', async (t) => {
  const { join } = await open(t);
  assert.equal((await join('stoa.json', 'Ada')).welcome.pingMs, 25000);
});

test('two clients are told apart by their ids, and have different names', async (t) => {
  const { join } = await open(t);
  const [one, other] = [await join('stoa.json', 'Ada'), await join('stoa.proto', 'Zeno')];
  assert.equal((await other.hello('ADA')).message.code, 124);
  assert.notEqual(one.welcome.userId, other.welcome.userId);
  one.socket.send(Buffer.concat([words(0), Buffer.from(JSON.stringify({ message: 'm', userId: other.welcome.userId }))]));
  assert.deepEqual([(await one.hears()).userId, (await other.hears()).userId], [one.welcome.userId, one.welcome.userId]);
  const again = await one.hello('Beatrix');
  assert.equal(again.message.userId, one.welcome.userId);
});

test('a text of 4,000 characters is sent, a longer one is refused with 122 and its length', async (t) => {
  const { join } = await open(t);
  for (const subprotocol of ['stoa.json', 'stoa.proto']) {
    const client = await join(subprotocol, `with ${subprotocol}`);
    for (const char of ['x', '柱', '😀']) {
      client.say(char.repeat(TEXT_CHARS_MAX + 1));
      const { error, type, call, message } = await client.receives('the error for a text that is too long');
      assert.deepEqual([error, type, call, message.code, message.reason], [true, 0, false, 122, 'TEXT_TOO_LONG']);
      assert.match(message.message, /4000 characters.* 4001$/);
      client.say(char.repeat(TEXT_CHARS_MAX));
      assert.equal((await client.hears()).message, char.repeat(TEXT_CHARS_MAX));
    }
  }
});

test('a Ping is taken by everybody and answered to nobody, however many there are', async (t) => {
  const { join } = await open(t, { options: { 'server.limits.session_errors_max': 3 } });
  for (const subprotocol of SUBPROTOCOLS) {
    const client = await join(subprotocol, `with ${subprotocol}`);
    for (let i = 0; i < 10; i += 1) {
      client.socket.send(words(PING));
    }
    client.say('still here');
    assert.equal((await client.receives('the first frame')).message.message, 'still here');
  }
});

test('a client without a name gets one, and invalid names are refused', async (t) => {
  const { url, join } = await open(t);
  assert.match((await join('stoa.json', '')).welcome.nick, /^guest-/);
  let number = 0;
  for (const subprotocol of ['stoa.json', 'stoa.proto']) {
    for (const nick of ['x'.repeat(33), 'a\u0007b', ' ']) {
      const client = await Client.connect(url, subprotocol);
      t.after(() => client.socket.terminate());
      const reply = await client.hello(nick);
      assert.deepEqual([reply.call, reply.error, reply.message.code], [true, true, 125]);
      assert.ok(reply.message.reason.length > 0 && reply.message.message.length > 0);
      number += 1;
      assert.equal((await client.hello(String(number).padStart(32, 'x'))).error, false);
    }
  }
});

test('whoever leaves and comes back with the token is the same user of the same name', async (t) => {
  const { url, join } = await open(t);
  for (const subprotocol of ['stoa.json', 'stoa.proto']) {
    const ada = await join(subprotocol, `Ada with ${subprotocol}`);
    await ada.close(1000);
    const again = await Client.connect(url, subprotocol);
    t.after(() => again.socket.terminate());
    const { message } = await again.hello('', ada.welcome.guestToken);
    assert.deepEqual([message.nick, message.userId], [ada.welcome.nick, ada.welcome.userId]);
  }
});

test('sender and timestamp come from the server, whatever the client claims', async (t) => {
  const { join } = await open(t);
  const [ada, guest] = [await join('stoa.json', 'Ada'), await join('', '')];
  const claim = Buffer.from(JSON.stringify({ message: 'm', sender: 'Zeno', timestamp: '1999-01-01T00:00:00.000Z' }));
  for (const [speaker, sender] of [[ada, /^Ada$/], [guest, /^guest-/]]) {
    speaker.socket.send(Buffer.concat([words(0), claim]));
    const heard = await ada.hears();
    assert.match(heard.sender, sender);
    assert.match(heard.timestamp, TIMESTAMP);
    assert.ok(Math.abs(Date.parse(heard.timestamp) - Date.now()) < 60000);
  }
});

test('a frame that cannot be understood is answered by an error, and the session goes on', async (t) => {
  const { join } = await open(t);
  for (const subprotocol of ['stoa.json', 'stoa.proto']) {
    const client = await join(subprotocol, `with ${subprotocol}`);
    const wrong = {
      'an unknown type': words(99),
      'a frame cut short': Buffer.from([0, 0, 0]),
      'a payload of neither codec': Buffer.concat([words(0), Buffer.from([0xff, 0xff])]),
    };
    for (const [what, bytes] of Object.entries(wrong)) {
      client.socket.send(bytes);
      const answer = await client.receives(`the error for ${what}`);
      assert.deepEqual([answer.error, answer.call], [true, false], what);
      assert.ok(answer.message.code >= 100, what);
    }
    client.socket.send(words(CALL + 99, 77));
    const reply = await client.receives('the error for an unknown call');
    assert.deepEqual([reply.error, reply.call, reply.type, reply.id], [true, true, 99, 77]);
    client.say('');
    assert.equal((await client.receives('the error for an empty text')).message.code, 123);
    client.say('still here');
    assert.equal((await client.hears()).message, 'still here');
  }
});

test('a client without subprotocol receives chat messages and nothing else', async (t) => {
  const { join } = await open(t, { options: { 'server.ping_interval_ms': 100 } });
  const [guest, ada] = [await join('', ''), await join('stoa.json', 'Ada')];
  const brokenChat = Buffer.concat([words(0), Buffer.from('{')]);
  for (const bytes of [words(99), words(CALL + HELLO, 1), Buffer.from([0]), brokenChat]) {
    guest.socket.send(bytes);
  }
  const pinged = new Promise((resolve) => { guest.socket.once('ping', resolve); });
  await within(pinged, 'a ping');
  ada.say('hello');
  const frame = await guest.receives('the first frame');
  assert.deepEqual([frame.binary, frame.type, Object.keys(frame.message).sort()],
    [true, 0, ['clientMsgId', 'deleted', 'editedMs', 'epoch', 'message', 'offset', 'reactions', 'replyTo', 'room', 'sender',
      'timestamp', 'tsMs', 'userId']]);
  guest.say('still here');
  assert.equal((await guest.receives('the second frame')).message.message, 'still here');
});

test('of several subprotocols the server takes one that it speaks', async (t) => {
  const { url } = await open(t);
  const socket = new WebSocket(url, ['chat.v9', 'stoa.proto']);
  t.after(() => socket.terminate());
  await within(new Promise((resolve) => { socket.once('open', resolve); }), 'the handshake');
  assert.equal(socket.protocol, 'stoa.proto');
});

test('permessage-deflate is agreed on when the server is told to, and messages pass through it whole', async (t) => {
  const { join } = await open(t, { options: { 'server.compression': true } });
  const clients = [];
  for (const subprotocol of SUBPROTOCOLS) {
    const perMessageDeflate = { threshold: 0 };
    if (subprotocol === 'stoa.proto') {
      perMessageDeflate.clientNoContextTakeover = true;
    }
    const client = await join(subprotocol, `with ${subprotocol}`, { perMessageDeflate });
    assert.match(client.socket.extensions, /permessage-deflate/);
    clients.push(client);
  }
  clients.push(await join('stoa.json', 'without', { perMessageDeflate: false }));
  assert.equal(clients.at(-1).socket.extensions, '');
  await exchangeAmongAll(clients);
  // `ws` keeps its dictionary from message to message here, so one broken context would show in the next text.
  await exchangeAmongAll(clients);
});

test('permessage-deflate is not agreed on by default', async (t) => {
  const { join } = await open(t);
  assert.equal((await join('stoa.json', 'Ada')).socket.extensions, '');
});

test('messages up to the limit pass in one frame and in many, a ping between them', async (t) => {
  const { join } = await open(t, {
    // The chat room's own limit is much lower.
    program: 'ECHO',
    options: { 'server.limits.message_bytes_max': 4 << 20, 'server.limits.send_queue_bytes_max': 32 << 20 },
  });
  const ada = await join('stoa.json', 'Ada');
  const text = '柱'.repeat(1 << 20);
  ada.say(text);
  assert.equal((await ada.hears()).message, text);
  const bytes = ada.wire.chat(text);
  for (let at = 0; at < bytes.length; at += 100000) {
    ada.socket.send(bytes.subarray(at, at + 100000), { fin: at + 100000 >= bytes.length });
    ada.socket.ping('between');
  }
  assert.equal((await ada.hears()).message, text);
  assert.equal(await ada.pongs.take('a pong'), 'between');
});

test('a message above the limit closes its sender with 1009, and nobody else', async (t) => {
  const { join } = await open(t);
  for (const compressed of [false, true]) {
    const perMessageDeflate = compressed ? { threshold: 0 } : false;
    const ada = await join('stoa.json', 'Ada', { perMessageDeflate });
    const zeno = await join('stoa.json', `Zeno ${compressed}`);
    ada.say('x'.repeat(65536));
    assert.equal((await ada.closing()).code, 1009);
    zeno.say('unharmed');
    assert.equal((await zeno.hears()).message, 'unharmed');
  }
});

test('what decompresses to more than the limit closes its sender with 1009', async (t) => {
  const { join } = await open(t, { options: { 'server.compression': true } });
  const ada = await join('stoa.json', 'Ada', { perMessageDeflate: { threshold: 0 } });
  ada.say('x'.repeat(10 << 20));
  assert.equal((await ada.closing()).code, 1009);
});

test('a ping is answered by a pong with the same bytes', async (t) => {
  const { join } = await open(t);
  const client = await join('stoa.json', 'Ada');
  for (const payload of ['', 'p', 'q'.repeat(125)]) {
    client.socket.ping(payload);
    assert.equal(await client.pongs.take('a pong'), payload);
  }
});

test('an idle session is pinged, as a WebSocket and as a page can see it, and lives while it answers', async (t) => {
  const { join } = await open(t, { options: { 'server.ping_interval_ms': 100, 'server.pong_timeout_ms': 3000 } });
  const client = await join('stoa.json', 'Ada');
  for (let i = 0; i < 2; i += 1) {
    const pinged = new Promise((resolve) => { client.socket.once('ping', resolve); });
    await within(pinged, 'a ping');
    const frame = await client.receives('an empty Ping message');
    assert.deepEqual([frame.type, frame.call, frame.error, frame.message], [PING, false, false, {}]);
  }
  client.say('alive');
  assert.equal((await client.hears()).message, 'alive');
});

test('a session that answers no ping is closed with 4012', async (t) => {
  const { join } = await open(t, { options: { 'server.ping_interval_ms': 100, 'server.pong_timeout_ms': 100 } });
  const dead = await join('stoa.json', 'Ada', { autoPong: false });
  assert.equal((await dead.closing()).code, 4012);
});

test('the closing handshake returns the code of the one who began it', async (t) => {
  const { join } = await open(t);
  for (const code of [1000, 1001, 1011, 3000, 3999, 4000, 4999]) {
    const client = await join('stoa.json', 'Ada');
    assert.equal((await client.close(code, 'see you')).code, code);
  }
  const client = await join('stoa.json', 'Ada');
  assert.equal((await client.close()).code, 1005);
});

test('too many errors close a session with 4509', async (t) => {
  const { join } = await open(t, { options: { 'server.limits.session_errors_max': 5 } });
  const client = await join('stoa.json', 'Ada');
  for (let i = 0; i < 20; i += 1) {
    client.socket.send(words(99));
  }
  assert.equal((await client.closing()).code, 4509);
});

test('a server that is told to end closes every session with 4001 and exits with 0', async (t) => {
  const { chatroom, join } = await open(t);
  const clients = await Promise.all(SUBPROTOCOLS.map((subprotocol) => join(subprotocol, `with ${subprotocol}`)));
  const ended = chatroom.stop();
  for (const client of clients) {
    assert.equal((await client.closing()).code, 4001);
  }
  assert.deepEqual(await ended, { code: 0, signal: null });
});

test('pages of other origins are refused before the upgrade, unless they are named', async (t) => {
  const handshake = (chatroom, origin) => within(new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${chatroom.port}/`, ['stoa.json'], { origin });
    t.after(() => socket.terminate());
    socket.on('error', () => {});
    socket.once('unexpected-response', (request, response) => resolve(response.statusCode));
    socket.once('open', () => resolve(101));
  }), 'the handshake');
  const { chatroom: own } = await open(t);
  const { chatroom: named } = await open(t, { options: { 'server.allowed_origins': ['https://chat.example'] } });
  assert.equal(await handshake(own, `http://127.0.0.1:${own.port}`), 101);
  assert.equal(await handshake(own, `http://127.0.0.1:${named.port}`), 403);
  assert.equal(await handshake(named, 'https://chat.example'), 101);
  for (const origin of ['https://evil.example', 'https://chat.example.evil.example', 'http://chat.example', 'null',
    'https://chat.example:8443', 'https://chat.example@evil.example']) {
    assert.equal(await handshake(own, origin), 403, origin);
    assert.equal(await handshake(named, origin), 403, origin);
  }
});

await run();
