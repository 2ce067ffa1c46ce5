// What the plugin writes, letter by letter; that the compiler takes it; that the package can be made, and its size.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { run, test } from '../lib/tap.mjs';
import { shorten } from '../../web/chat/build.mjs';
import { lean } from '../../web/client/lean.mjs';
import { API, bundle, CASES, CLIENT, filesUnder, generate, GOLDEN, MODULES, temporaryFolder } from './build.mjs';

const TSC = path.join(MODULES, 'typescript/bin/tsc');
const TICKER = path.join(CLIENT, '../../examples/ticker');
const read = (...parts) => readFileSync(path.join(...parts), 'utf8');
const cases = filesUnder(CASES, '.proto');
// What beyond.proto needs, of Protobuf itself.
const BEYOND = ['descriptor', 'source_context', 'type'].map((name) => `google/protobuf/${name}.proto`);

if (process.argv.includes('--update')) {
  rmSync(GOLDEN, { recursive: true, force: true });
  mkdirSync(GOLDEN);
  generate(CASES, cases, GOLDEN);
  generate(API, ['chatroom/v1/chatroom.proto'], path.join(CLIENT, 'src/api'));
  process.exit(0);
}

for (const proto of cases) {
  test(`${proto} gives its golden file`, async () => {
    const folder = temporaryFolder();
    generate(CASES, [proto], folder);
    const name = proto.replace(/proto$/, 'stoa.ts');
    assert.deepEqual(filesUnder(folder, ''), [name]);
    assert.equal(read(folder, name), read(GOLDEN, name));
  });
}

test('one run for many files gives the same as many runs, and nothing is golden that no case gives', async () => {
  const folder = temporaryFolder();
  generate(CASES, cases, folder);
  assert.deepEqual(filesUnder(folder, ''), filesUnder(GOLDEN, ''));
  for (const name of filesUnder(folder, '')) {
    assert.equal(read(folder, name), read(GOLDEN, name));
  }
});

test('the chat\'s API in the package is what the plugin writes from chatroom.proto', async () => {
  const folder = temporaryFolder();
  generate(API, ['chatroom/v1/chatroom.proto'], folder);
  const home = path.join(CLIENT, 'src/api');
  assert.deepEqual(filesUnder(home, ''), filesUnder(folder, ''));
  for (const name of filesUnder(folder, '')) {
    assert.equal(read(home, name), read(folder, name), 'tests/ts/update.sh writes it again');
  }
});

test('the table of what the chat receives is what lean.mjs writes from the API in the package', async () => {
  assert.equal(read(CLIENT, 'src/chat/replies.ts'), lean(), 'node web/client/lean.mjs writes it again');
  // It refuses what its reader does not know.
  const source = (field) => `stoa.types(\`${field}\`);\nstoa.service($types, \`chat 0 m0\`);`;
  for (const field of ['text=7', 'text:d', 'raw:x0|0', 'constructor', 'text/0']) {
    assert.throws(() => lean(source(field)), /small reader/, field);
  }
});

function compile(folder, paths) {
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      target: 'ES2020', lib: ['ES2020', 'DOM'], module: 'ES2022', moduleResolution: 'bundler', types: [], strict: true,
      noUnusedLocals: true, noUnusedParameters: true, noImplicitOverride: true, noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true, isolatedModules: true, declaration: true, outDir: 'out', paths,
    },
    include: ['**/*.ts'],
  }));
  const done = spawnSync(process.execPath, [TSC, '-p', folder], { encoding: 'utf8' });
  return done.stdout + done.stderr;
}

const npm = (cwd, ...args) => execFileSync('npm', [...args, '--offline', '--no-audit', '--no-fund', '--loglevel=error'],
  { cwd, encoding: 'utf8' });

// An empty project with the package, as `npm pack` makes it.
const user = temporaryFolder();
writeFileSync(path.join(user, 'package.json'), '{ "private": true, "type": "module" }');
const tarball = npm(CLIENT, 'pack', '--pack-destination', user).trim().split('\n').at(-1);
npm(user, 'install', `./${tarball}`);
const home = path.join(user, 'node_modules/@stoa/client');
const { exports: ENTRIES } = JSON.parse(read(home, 'package.json'));
const PACKAGE = Object.fromEntries(Object.entries(ENTRIES).map(([entry, { types }]) =>
  [path.posix.join('@stoa/client', entry), [path.join(home, types)]]));

test('the golden files compile under the strictest options, against the declarations of the package', async () => {
  const folder = temporaryFolder();
  generate(CASES, [...cases, ...BEYOND], folder);
  assert.equal(compile(folder, PACKAGE), '');
});

const MISTAKES = {
  'an unknown message': "client.send('chatt', { message: '' });",
  'an unknown field': "client.send('chat', { massage: '' });",
  'a field of another type': "client.send('chat', { message: 7 });",
  'an unknown call': "client.call('helo', {});",
  'a number for a bigint': "const now: Promise<number> = client.call('hello', {}).then((reply) => reply.serverMs); void now;",
  'a listener of another message': "client.on('chat', (reply: { nick: string }) => reply);",
  'an unknown subprotocol': "new ChatroomClient('', { protocol: 'stoa.xml' });",
};

const EXAMPLES = [...read(CLIENT, 'README.md').matchAll(/```(tsx?|js)\n(.*?)```/gs)].map(([, kind, text]) => ({ kind, text }));
const GENERIC = EXAMPLES.find(({ text }) => text.includes('ChatroomClient')).text;

test('the example of the README for any API compiles, and the mistakes that types should catch do not', async () => {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, 'api'));
  generate(API, ['chatroom/v1/chatroom.proto'], path.join(folder, 'api'));
  writeFileSync(path.join(folder, 'example.ts'), `${GENERIC}\nstop();\n`);
  Object.values(MISTAKES).forEach((line, index) => {
    writeFileSync(path.join(folder, `mistake${index}.ts`), `${GENERIC}\nstop();\n${line}\n`);
  });
  const told = compile(folder, PACKAGE);
  assert.doesNotMatch(told, /example\.ts|api\//);
  Object.keys(MISTAKES).forEach((what, index) => assert.match(told, new RegExp(`mistake${index}\\.ts.*error TS`), what));
});

const STREAM_MISTAKES = {
  'an unknown field of a stream\'s request': "client.watch({ nam: '' });",
  'a field of another type': "client.watch({ name: 7 });",
  'an unknown field of an item': 'for await (const { price } of client.watch({})) { void price; }',
  'a stream that is called': "client.call('watch', {});",
  'a promise of a stream': 'client.watch({}).then(() => {});',
  'what is between the client and its streams': 'client.$begin;',
};

test('the example of streams compiles, and the mistakes that types should catch do not', async () => {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, 'api'));
  generate(TICKER, ['ticker.proto'], path.join(folder, 'api'));
  const [, example] = read(CLIENT, '../../docs/streams.md').match(/```ts\n(.*?)```/s);
  writeFileSync(path.join(folder, 'example.ts'), `${example}\nexport { show };\n`);
  Object.values(STREAM_MISTAKES).forEach((line, index) => {
    const code = `${example}\nexport { show };\nexport async function wrong(client: TickerClient) { ${line} }\n`;
    writeFileSync(path.join(folder, `mistake${index}.ts`), code);
  });
  const told = compile(folder, PACKAGE);
  assert.doesNotMatch(told, /example\.ts|api\//);
  Object.keys(STREAM_MISTAKES).forEach((what, index) =>
    assert.match(told, new RegExp(`mistake${index}\\.ts.*error TS`), what));
});

const CHAT_MISTAKES = {
  'an unknown event of a room': "room.on('mesage', () => {});",
  'a listener of another event': "room.on('message', (left: { code: number }) => left);",
  'a number for an offset': "room.call('edit', { offset: 7, text: 'text' });",
  'a setting of rooms that there is not': "room.call('setRoom', { topics: '' });",
  'an internal member': 'chat.tryRequest_;',
};

test('the examples of the README for the chat compile, and the mistakes that types should catch do not', async () => {
  const folder = temporaryFolder();
  const examples = EXAMPLES.filter(({ kind, text }) => kind === 'ts' && text.includes('@stoa/client/chat'));
  assert.ok(examples.length >= 3);
  examples.forEach(({ text }, index) => writeFileSync(path.join(folder, `example${index}.ts`), text));
  Object.values(CHAT_MISTAKES).forEach((line, index) => {
    writeFileSync(path.join(folder, `mistake${index}.ts`), `${examples[0].text}\n${line}\n`);
  });
  const told = compile(folder, PACKAGE);
  assert.doesNotMatch(told, /example/);
  Object.keys(CHAT_MISTAKES).forEach((what, index) =>
    assert.match(told, new RegExp(`mistake${index}\\.ts.*error TS`), what));
});

test('the wrappers\' declarations need nothing that is not in React, Vue or the package', async () => {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, 'example.ts'), `
    import { Chat } from '@stoa/client/chat';
    import * as forReact from '@stoa/client/react';
    import * as forVue from '@stoa/client/vue';
    const chat = new Chat('');
    export const one: string | undefined = forReact.useRoom(chat, 'lobby')?.messages[0]?.message;
    export const two: string | undefined = forVue.useRoom(chat, { value: 'lobby' }).value.messages[0]?.message;
    export const three: string = forReact.useChat(chat).state + forVue.useChat(chat).value.state;
  `);
  copyFileSync(path.join(CLIENT, 'src/peers.d.ts'), path.join(folder, 'peers.d.ts'));
  assert.equal(compile(folder, PACKAGE), '');
});

test('the example of the README for any API has at most twenty lines', async () => {
  assert.ok(GENERIC.trim().split('\n').length <= 20);
});

const MAIN = `
  import { Client, decodeJson } from '@stoa/client';
  import { Timestamp } from '@stoa/client/wkt';
  import { Chat } from '@stoa/client/chat';
  import { ChatroomApi } from '@stoa/client/chatroom';
  let why;
  try { new Chat('ws://localhost/', { WebSocket: undefined }); } catch ({ message }) { why = message; }
  console.log(typeof Client, decodeJson(Timestamp, '1970-01-01T00:00:01Z').seconds, ChatroomApi.calls.hello[0], why);
`;

function works(folder) {
  writeFileSync(path.join(folder, 'main.mjs'), MAIN);
  const told = execFileSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
  assert.equal(told, 'function 1n 16 no WebSocket: pass { WebSocket }\n');
}

test('the packed package has what its exports name and no dependency, and Node loads it without a bundler', async () => {
  for (const entry of Object.values(ENTRIES).flatMap((one) => Object.values(one))) {
    assert.ok(existsSync(path.join(home, entry)), entry);
  }
  assert.equal(JSON.parse(read(home, 'package.json')).dependencies, undefined);
  assert.deepEqual(readdirSync(path.join(user, 'node_modules')).filter((name) => !name.startsWith('.')), ['@stoa']);
  works(user);
});

test('the folder itself, installed by its path, works', async () => {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  // As after a clone.
  rmSync(path.join(CLIENT, 'dist'), { recursive: true, force: true });
  npm(folder, 'install', CLIENT);
  assert.ok(lstatSync(path.join(folder, 'node_modules/@stoa/client')).isSymbolicLink());
  works(folder);
});

// What the package's installation builds in the tree.
process.once('exit', () => rmSync(path.join(CLIENT, 'dist'), { recursive: true, force: true }));

// What a program has in its bundle, by what it imports, and how the README calls it.
const PAGE = "export { Chat, EventKind, ModerateAction, Role, StoaError, TypingState } from '@stoa/client/chat';";
const SIZES = [
  ['the runtime, `Client`', `
    import { Client, message, string } from '@stoa/client';
    const Text = message([[1, 'text', string]]);
    export const client = (url) => new Client({ messages: { chat: [0, Text] }, calls: { hello: [16, Text, Text] } }, url);`],
  ['`ChatroomClient`', "export { ChatroomClient } from '@stoa/client/chatroom';"],
  ['the chat\'s page', PAGE],
  ['all of `@stoa/client/chat`', "export * from '@stoa/client/chat';"],
  ['`protobuf`', `${PAGE} export { protobuf } from '@stoa/client'; export { ChatroomApi } from '@stoa/client/chatroom';`],
  ['`encodeJson`', `${PAGE} export { encodeJson, decodeJson } from '@stoa/client';`],
  ['`withFallback`', `${PAGE} export { withFallback } from '@stoa/client/fallback';`],
  ['for React', `${PAGE} export * from '@stoa/client/react';`],
];
const TOLD = read(CLIENT, 'README.md').split('\n').filter((line) => /(\| [\d,]+ ){2}\|$/.test(line));

for (const [what, source] of SIZES) {
  test(`${what} in a bundle is as large as the README says`, async () => {
    const code = bundle(source, temporaryFolder(), { minify: true, external: ['react', 'vue'] });
    const sizes = [code, shorten(code)].map((script) => gzipSync(script, { level: 9 }).length);
    const told = TOLD.find((line) => line.includes(what)).split('|').slice(2, 4).map((cell) => Number(cell.replaceAll(',', '')));
    process.stdout.write(`# ${sizes} bytes gzipped; the README says ${told}\n`);
    // Versions of zlib differ by a few bytes.
    assert.ok(sizes.every((size, index) => Math.abs(size - told[index]) <= 30), `${sizes} bytes`);
    if (source === PAGE) {
      assert.ok(sizes[1] < 6144, 'the SDK of the page has less than 6 KiB');
    }
  });
}

await run();
