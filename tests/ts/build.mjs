// build.mjs: what the plugin and the runtime make of a .proto file, as a module that a test can import.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { buildModules } from '../../web/client/build.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
export const CASES = path.join(HERE, 'cases');
export const GOLDEN = path.join(HERE, 'golden');
export const CLIENT = path.join(HERE, '../../web/client');
export const MODULES = path.join(CLIENT, 'node_modules');
export const API = path.join(HERE, '../../api');

const { buildSync } = createRequire(path.join(CLIENT, 'package.json'))('esbuild');

function setting(name) {
  if (!process.env[name]) {
    throw new Error(`the environment variable ${name} must be set`);
  }
  return process.env[name];
}

const folders = [];
process.once('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

export function temporaryFolder() {
  folders.push(mkdtempSync(path.join(tmpdir(), 'stoa-ts-')));
  return folders.at(-1);
}

// Names of the files below a folder, sorted.
export function filesUnder(folder, suffix) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const inner = entry.isDirectory() ? filesUnder(path.join(folder, entry.name), suffix) : [''];
    return inner.map((name) => path.join(entry.name, name));
  }).filter((name) => name.endsWith(suffix)).sort();
}

function protoc(root, protos, ...options) {
  execFileSync(setting('PROTOC'), [...options, `-I${root}`, `-I${API}`, ...protos], { cwd: root });
}

// X.stoa.ts below `out`.
export function generate(root, protos, out) {
  protoc(root, protos, `--plugin=protoc-gen-stoa=${setting('PROTOC_GEN_STOA')}`, `--stoa_out=${out}`, '--stoa_opt=ts');
}

// X_pb.js of protobuf-es below `out`.
export function generatePeer(root, protos, out) {
  protoc(root, protos, `--plugin=protoc-gen-es=${path.join(MODULES, '.bin/protoc-gen-es')}`, `--es_out=${out}`,
    '--es_opt=target=js,import_extension=js');
}

let runtime;

// The package's modules, as users get them; made once.
function modules() {
  if (!runtime) {
    runtime = temporaryFolder();
    buildModules(runtime);
  }
  const { exports } = JSON.parse(readFileSync(path.join(CLIENT, 'package.json'), 'utf8'));
  return Object.fromEntries(Object.entries(exports).map(([entry, { default: file }]) =>
    [path.posix.join('@stoa/client', entry), path.join(runtime, path.relative('dist', file))]));
}

// One module of several lines of source; its code as text.
export function bundle(source, folder, options = {}) {
  const result = buildSync({
    stdin: { contents: source, resolveDir: folder, loader: 'ts' },
    alias: modules(),
    nodePaths: [MODULES, path.join(HERE, '../node_modules')],
    bundle: true,
    format: 'esm',
    target: 'es2020',
    write: false,
    logLevel: 'silent',
    // The settings of whoever bundles are not the test's to find.
    tsconfigRaw: {},
    ...options,
  });
  return result.outputFiles[0].text;
}

export async function load(source, folder) {
  const file = path.join(temporaryFolder(), 'bundle.mjs');
  writeFileSync(file, bundle(source, folder));
  return import(pathToFileURL(file));
}
