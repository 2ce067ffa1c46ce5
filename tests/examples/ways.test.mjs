// One .proto file with HTTP options, called in every way: the same results and errors, each counted once, and an OpenAPI
// document that is valid and has the routes that are served. The server is examples/bookmarks.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Validator } from '@seriousme/openapi-schema-validator';
import WebSocket from 'ws';

import { Chatroom } from '../lib/chatroom.mjs';
import { run, test } from '../lib/tap.mjs';
import { within } from '../lib/waiting.mjs';
import { API, generate, load, temporaryFolder } from '../ts/build.mjs';

const EXAMPLE = fileURLToPath(new URL('../../examples/bookmarks', import.meta.url));
const SERVICE = '/bookmarks.v1.BookmarkService/';
const TYPES = { Add: 1, Get: 2, List: 3, Remove: 4, Check: 5 };

const folder = temporaryFolder();
generate(EXAMPLE, ['bookmarks.proto'], folder);
const { stoa, bookmarks } = await load(`
  export * as stoa from '@stoa/client';
  export * as bookmarks from './bookmarks.stoa.js';
`, folder);

// Requests.

// port  or the path of a unix socket
function ask(port, method, target, body, fields = {}) {
  const place = typeof port === 'string' ? { socketPath: port } : { port, host: '127.0.0.1' };
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = { ...fields, ...(text === undefined ? {} : { 'Content-Type': 'application/json' }) };
    const request = http.request({ ...place, method, path: target, headers, agent: false }, (answer) => {
      let all = '';
      answer.setEncoding('utf8');
      answer.on('data', (data) => { all += data; });
      answer.on('end', () => resolve({ status: answer.statusCode, text: all, fields: answer.headers }));
    });
    request.on('error', reject);
    request.end(text);
  });
}

// The parts of an error that all ways have.
const errorOf = ({ code, reason, message, metadata }) => ({
  error: { code, reason, message, metadata: metadata instanceof Map ? Object.fromEntries(metadata) : metadata ?? {} },
});

// How each rpc looks in HTTP, and what its request is there.
const HTTP = {
  Add: ({ bookmark }) => ['POST', '/v1/bookmarks', bookmark],
  Get: ({ name }) => ['GET', `/v1/bookmarks/${encodeURIComponent(name)}`],
  List: ({ tag = '' }) => ['GET', `/v1/bookmarks?tag=${encodeURIComponent(tag)}`],
  Remove: ({ name }) => ['DELETE', `/v1/bookmarks/${encodeURIComponent(name)}`],
  Check: ({ name }) => ['POST', `/v1/bookmarks/${encodeURIComponent(name)}:check`],
};

const STATUSES = new Map([[107, 400], [404, 404], [409, 409], [1001, 503]]);

async function byHttp(port, rpc, request) {
  const { status, text, fields } = await ask(port, ...HTTP[rpc](request));
  const body = JSON.parse(text);
  assert.equal(fields['content-type'], 'application/json');
  if (status === 200) {
    return { reply: body };
  }
  assert.deepEqual(Object.keys(body), ['code', 'reason', 'message', 'metadata']);
  assert.equal(status, STATUSES.get(body.code));
  assert.equal(fields['retry-after'], body.reason === 'FULL' ? '1' : undefined);
  return errorOf(body);
}

// Frames by hand, as docs/protocol.md has them.
function byFrames(port, rpc, request) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'stoa.json');
  return within(new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(0x80000000 + TYPES[rpc], 0);
      head.writeUInt32BE(7, 4);
      socket.send(Buffer.concat([head, Buffer.from(JSON.stringify(request))]));
    });
    socket.on('message', (data) => {
      const payload = JSON.parse(data.subarray(8).toString());
      socket.close();
      assert.equal(data.readUInt32BE(4), 7);
      resolve((data.readUInt32BE(0) & 0x40000000) !== 0 ? errorOf(payload) : { reply: payload });
    });
  }), 'an answer');
}

function byTypeScript(settings) {
  return async (port, rpc, request) => {
    const client = new bookmarks.BookmarkClient(`ws://127.0.0.1:${port}/`, { WebSocket, ...settings });
    const connected = new Promise((resolve) => { client.onState((state) => state === 'connected' && resolve()); });
    try {
      await within(connected, 'a connection');
      const method = rpc[0].toLowerCase() + rpc.slice(1);
      return { reply: await within(client.call(method, request), 'an answer') };
    } catch (error) {
      assert.ok(error instanceof stoa.StoaError, error);
      return errorOf(error);
    } finally {
      client.close();
    }
  };
}

function byC(codec) {
  return async (port, rpc, request) => {
    const { stdout } = await promisify(execFile)(process.env.BOOKMARKS_CLIENT,
      [`ws://127.0.0.1:${port}/`, codec, String(TYPES[rpc]), JSON.stringify(request)]);
    const answer = JSON.parse(stdout);
    return answer.error ? errorOf(answer.error) : answer;
  };
}

const WAYS = {
  'HTTP': byHttp,
  'WebSocket with JSON': byFrames,
  'TypeScript with JSON': byTypeScript({}),
  'TypeScript with Protobuf': byTypeScript({ protocol: stoa.protobuf }),
  'C with JSON': byC('json'),
  'C with Protobuf': byC('proto'),
};

// The calls.

const book = (name, tags = []) => ({ name, url: `https://${name}.example`, tags });
const failed = (code, reason, message) => ({ error: { code, reason, message, metadata: {} } });
const missing = (name) => failed(404, 'NO_BOOKMARK', `there is no bookmark "${name}"`);

const CASES = [
  ['List', {}, { reply: { bookmarks: [] } }],
  ['Get', { name: 'c' }, missing('c')],
  ['Add', { bookmark: book('c', ['code', 'ä b']) }, { reply: book('c', ['code', 'ä b']) }],
  ['Add', { bookmark: book('c') }, failed(409, 'EXISTS', 'there is a bookmark "c" already')],
  ['Add', { bookmark: { name: 'x'.repeat(41) } }, failed(107, 'BAD_REQUEST', 'bookmark.name: at most 40 characters, got 41')],
  ['Add', { bookmark: book('two words/é') }, { reply: book('two words/é') }],
  ['Get', { name: 'c' }, { reply: book('c', ['code', 'ä b']) }],
  ['List', { tag: 'ä b' }, { reply: { bookmarks: [book('c', ['code', 'ä b'])] } }],
  ['Check', { name: 'c' }, { reply: { name: 'c', isThere: true } }],
  ['Check', { name: 'd' }, missing('d')],
  ...Array.from({ length: 14 }, (_, index) => ['Add', { bookmark: book(`n${index}`) }, { reply: book(`n${index}`) }]),
  ['Add', { bookmark: book('more') }, failed(1001, 'FULL', 'remove a bookmark first')],
  ['Remove', { name: 'c' }, { reply: book('c', ['code', 'ä b']) }],
  ['Remove', { name: 'c' }, missing('c')],
];

async function start(t) {
  const admin = path.join(temporaryFolder(), 'admin.sock');
  const server = await Chatroom.start('127.0.0.1:0',
    { 'server.admin.address': `unix:${admin}`, 'server.web_root': '', 'server.workers': 2 }, 'BOOKMARKS');
  t.after(() => server.kill());
  return { server, port: server.port, admin };
}

async function counts(admin) {
  const { text } = await ask(admin, 'GET', '/metrics');
  const pattern = /^server_requests_code_total\{kind="(\w+)",operation="([^"]*)",code="(\d+)",reason="(\w*)"\} (\d+)$/gm;
  return Object.fromEntries([...text.matchAll(pattern)].map((found) => [found.slice(1, 5).join(' '), Number(found[5])]));
}

function wantedCounts(kind) {
  const wanted = {};
  for (const [rpc, , { error }] of CASES) {
    const key = `${kind} ${SERVICE}${rpc} ${error?.code ?? 0} ${error?.reason ?? ''}`;
    wanted[key] = (wanted[key] ?? 0) + 1;
  }
  return wanted;
}

for (const [name, call] of Object.entries(WAYS)) {
  test(`by ${name} every call has the result of all ways, and is counted once`, async (t) => {
    const { port, admin } = await start(t);
    for (const [rpc, request, wanted] of CASES) {
      assert.deepEqual(JSON.parse(JSON.stringify(await call(port, rpc, request))), wanted, `${rpc} ${JSON.stringify(request)}`);
    }
    assert.deepEqual(await counts(admin), wantedCounts(name === 'HTTP' ? 'http' : 'websocket'));
  });
}

// OpenAPI.

test('the OpenAPI document is valid, and its paths are the routes that are served', async (t) => {
  const out = temporaryFolder();
  execFileSync(process.env.PROTOC, [`--plugin=protoc-gen-stoa=${process.env.PROTOC_GEN_STOA}`, `--stoa_out=${out}`,
    '--stoa_opt=openapi', `-I${EXAMPLE}`, `-I${API}`, 'bookmarks.proto'], { cwd: EXAMPLE });
  const document = JSON.parse(readFileSync(path.join(out, 'bookmarks.openapi.json'), 'utf8'));
  const validator = new Validator();
  const result = await validator.validate(document);
  assert.deepEqual(result.errors ?? [], []);
  assert.ok(result.valid);
  const { port } = await start(t);
  // "x:check" is a name too, so all paths that match count.
  const matching = (target) => Object.entries(document.paths)
    .filter(([template]) => new RegExp(`^${template.replace(/\{[^}]*\}/g, '[^/]+')}$`).test(target))
    .flatMap(([, item]) => Object.keys(item).map((method) => method.toUpperCase()));
  for (const template of Object.keys(document.paths)) {
    const target = template.replace(/\{[^}]*\}/g, 'x');
    const { fields } = await ask(port, 'OPTIONS', target);
    const served = fields.allow.split(', ').filter((method) => !['OPTIONS', 'HEAD'].includes(method));
    assert.deepEqual(served.sort(), [...new Set(matching(target))].sort(), template);
  }
  assert.equal(Object.values(document.paths).flatMap(Object.keys).length, Object.keys(TYPES).length);
});

await run();
