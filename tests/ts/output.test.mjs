// What the plugin writes, letter by letter; that the compiler takes it; that the package can be made, and its size.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { run, test } from '../lib/tap.mjs';
import { API, bundle, CASES, CLIENT, filesUnder, generate, GOLDEN, MODULES, temporaryFolder } from './build.mjs';

const SIZE_MAX = 6144;
const TSC = path.join(MODULES, 'typescript/bin/tsc');
const read = (...parts) => readFileSync(path.join(...parts), 'utf8');
const cases = filesUnder(CASES, '.proto');

if (process.argv.includes('--update')) {
  rmSync(GOLDEN, { recursive: true, force: true });
  mkdirSync(GOLDEN);
  generate(CASES, cases, GOLDEN);
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

function compile(folder, paths) {
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      target: 'ES2020', lib: ['ES2020', 'DOM'], module: 'ES2020', moduleResolution: 'bundler', types: [], strict: true,
      noUnusedLocals: true, noUnusedParameters: true, noImplicitOverride: true, noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true, isolatedModules: true, declaration: true, outDir: 'out', paths,
    },
    include: ['**/*.ts'],
  }));
  const done = spawnSync(process.execPath, [TSC, '-p', folder], { encoding: 'utf8' });
  return done.stdout + done.stderr;
}

// The package in the folder of one who uses it, as npm would put it there.
const user = temporaryFolder();
const home = path.join(user, 'node_modules/@stoa/client');
const dist = path.join(home, 'dist');
mkdirSync(home, { recursive: true });
copyFileSync(path.join(CLIENT, 'package.json'), path.join(home, 'package.json'));
execFileSync(process.execPath, [path.join(CLIENT, 'build.mjs'), dist]);
const PACKAGE = { '@stoa/client': [path.join(dist, 'index.d.ts')], '@stoa/client/wkt': [path.join(dist, 'wkt.d.ts')] };

test('the golden files compile under the strictest options, against the declarations of the package', async () => {
  const folder = temporaryFolder();
  generate(CASES, cases, folder);
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

test('the example of the README compiles, and the mistakes that types should catch do not', async () => {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, 'api'));
  generate(API, ['chatroom/v1/chatroom.proto'], path.join(folder, 'api'));
  const example = /```ts\n(.*?)```/s.exec(read(CLIENT, 'README.md'))[1];
  writeFileSync(path.join(folder, 'example.ts'), `${example}\nstop();\n`);
  Object.values(MISTAKES).forEach((line, index) => {
    writeFileSync(path.join(folder, `mistake${index}.ts`), `${example}\nstop();\n${line}\n`);
  });
  const told = compile(folder, PACKAGE);
  assert.doesNotMatch(told, /example\.ts|api\//);
  Object.keys(MISTAKES).forEach((what, index) => assert.match(told, new RegExp(`mistake${index}\\.ts.*error TS`), what));
});

test('the example of the README has at most twenty lines', async () => {
  const example = /```ts\n(.*?)```/s.exec(read(CLIENT, 'README.md'))[1];
  assert.ok(example.trim().split('\n').length <= 20);
});

test('the package holds what its exports name, and Node loads it without a bundler', async () => {
  const { exports } = JSON.parse(read(CLIENT, 'package.json'));
  for (const entry of Object.values(exports).flatMap((one) => Object.values(one))) {
    assert.ok(existsSync(path.join(dist, path.relative('dist', entry))), entry);
  }
  writeFileSync(path.join(user, 'main.mjs'), `
    import { Client, decodeJson } from '@stoa/client';
    import { Timestamp } from '@stoa/client/wkt';
    console.log(typeof Client, decodeJson(Timestamp, '1970-01-01T00:00:01Z').seconds);
  `);
  const told = execFileSync(process.execPath, ['main.mjs'], { cwd: user, encoding: 'utf8' });
  assert.equal(told, 'function 1n\n');
});

test(`codec and client for the chat room are at most ${SIZE_MAX} bytes, minified and gzipped`, async () => {
  const folder = temporaryFolder();
  generate(API, ['chatroom/v1/chatroom.proto'], folder);
  const code = bundle("export * from './chatroom/v1/chatroom.stoa.js';", folder, { minify: true });
  const bytes = gzipSync(code, { level: 9 }).length;
  process.stdout.write(`# ${bytes} bytes gzipped, ${code.length} before\n`);
  assert.ok(bytes <= SIZE_MAX, `${bytes} bytes`);
});

await run();
