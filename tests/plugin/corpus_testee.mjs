// What corpus_testee.c does, with the generated TypeScript.
//
// Usage: corpus_testee.mjs FOLDER, where corpus.py has written types.json: for each type the module, the name of its
// table, and its full name.

import { readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const CLIENT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../web/client');
const { buildSync } = createRequire(path.join(CLIENT, 'package.json'))('esbuild');
const FROM_JSON = 1;
const TO_JSON = 2;

const folder = process.argv[2];
const rows = JSON.parse(readFileSync(path.join(folder, 'types.json'), 'utf8'));

// All tables, and the runtime, as one module.
async function load() {
  const lines = rows.map(([module, name], i) => `import { ${name} as t${i} } from '${module}';`);
  const names = rows.map((_, i) => `t${i}`);
  const source = [...lines, `export * as stoa from '@stoa/client';`, `export const types = [${names.join(', ')}];`];
  const { outputFiles } = buildSync({
    stdin: { contents: source.join('\n'), resolveDir: folder, loader: 'ts' },
    alias: { '@stoa/client/wkt': path.join(CLIENT, 'src/wkt.ts'), '@stoa/client': path.join(CLIENT, 'src/index.ts') },
    bundle: true, format: 'esm', target: 'es2020', write: false, logLevel: 'error', tsconfigRaw: {},
  });
  const file = path.join(folder, 'testee.bundle.mjs');
  writeFileSync(file, outputFiles[0].text);
  return import(pathToFileURL(file));
}

// All bytes, or null at the end of the input.
function read(length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const count = readSync(0, bytes, at, length - at);
    if (count === 0) {
      return null;
    }
    at += count;
  }
  return bytes;
}

function write(bytes) {
  for (let at = 0; at < bytes.length;) {
    at += writeSync(1, bytes, at);
  }
}

const { stoa, types } = await load();

function convert(type, wanted, bytes) {
  const message = wanted & FROM_JSON ? stoa.decodeJson(type, JSON.parse(bytes.toString())) : stoa.decodeBinary(type, bytes);
  return wanted & TO_JSON ? Buffer.from(JSON.stringify(stoa.encodeJson(type, message))) : stoa.encodeBinary(type, message);
}

function answer(status, bytes) {
  const head = Buffer.alloc(8);
  head.writeInt32LE(status, 0);
  head.writeUInt32LE(bytes.length, 4);
  write(Buffer.concat([head, bytes]));
}

write(Buffer.from(rows.map(([, , fullName]) => `${fullName}\n`).join('') + '\n'));
for (let head = read(12); head !== null; head = read(12)) {
  const bytes = read(head.readUInt32LE(8));
  try {
    answer(0, convert(types[head.readUInt32LE(0)], head.readUInt32LE(4), bytes));
  } catch (error) {
    answer(-1, Buffer.from(String(error)));
  }
}
