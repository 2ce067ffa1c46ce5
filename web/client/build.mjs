// build.mjs: builds dist/ from src/. esbuild writes the modules, because it inlines enums and shortens the names of
// internal properties; tsc writes the type declarations.

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildSync } from 'esbuild';

const HERE = path.dirname(fileURLToPath(import.meta.url));

// The runtime. inner.ts is for the modules below.
const RUNTIME = { index: 'src/index.ts', wkt: 'src/wkt.ts', inner: 'src/inner.ts' };
// The chat, on the runtime, and its wrappers; and what stands alone.
const CHAT = {
  fallback: 'src/fallback.ts',
  chat: 'src/chat/index.ts', chatroom: 'src/api/chatroom/v1/chatroom.stoa.ts', react: 'src/react.ts', vue: 'src/vue.ts',
};

// Private members of a class that programs extend. An underscore prevents collisions of their short names with other
// members.
const PRIVATE = [
  'api', 'attempt', 'challenge', 'connect', 'dueAt', 'enter', 'hear', 'heardAt', 'id', 'interpret', 'isTried',
  'listenToPage', 'listeners', 'lose', 'moveAt', 'moveTo', 'openedAt', 'options', 'pending', 'probedAt', 'receive',
  'retryAt', 'sendPing', 'socket', 'timer', 'transmit', 'url', 'wake', 'watch',
];
// Members of the runtime's internal objects. No object of a browser, the language or a program may have a member with
// one of these names: every property with such a name is renamed.
const INTERNAL = [
  'allFields', 'check', 'form', 'fromJson', 'hasPresence', 'inner', 'isList', 'json', 'kind', 'label', 'narrow', 'number',
  'place', 'protoName', 'special', 'takesNull', 'toJson', 'zero',
];

// Private members of the chat. None may be the name of a field or call of its API, of a public member, or of a member
// of the language or a browser; those that are, such as `guestToken`, keep their names.
const CHAT_PRIVATE = [
  'acknowledge', 'advance', 'attempt', 'begin', 'changed', 'eventsAfter', 'forget', 'guest', 'idPrefix', 'ids', 'isEnded',
  'isRefused', 'joinAnswered', 'joinLater', 'keep', 'listMembers', 'listeners', 'loading', 'meanwhile', 'myId',
  'onGoingAway', 'pageWith', 'presenceVersion', 'pump', 'queue', 'readAt', 'refreshIn', 'refreshLater', 'refreshTimer',
  'refusal', 'refused', 'remember', 'resumeAt', 'sending', 'sentTyping', 'takeMeanwhile', 'tellRead', 'timers',
  'tokenRefused', 'tokens', 'tokensAt', 'turn', 'typedAt', 'unknownTypes', 'waiting', 'whileLoading',
];

const OPTIONS = {
  absWorkingDir: HERE,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2020',
  tsconfig: 'tsconfig.json',
  logLevel: 'warning',
};

function bundle(out, mangleCache, write) {
  return buildSync({
    ...OPTIONS,
    entryPoints: RUNTIME,
    outdir: out,
    mangleProps: new RegExp(`^(${[...PRIVATE, ...INTERNAL].join('|')})$`),
    mangleCache,
    write,
  });
}

/** The modules, without the declarations of their types. */
export function buildModules(out) {
  // The first pass finds the names that esbuild chooses; the most frequent ones are the shortest.
  const chosen = bundle(out, {}, false).mangleCache;
  PRIVATE.forEach((name) => {
    chosen[name] = `_${chosen[name]}`;
  });
  bundle(out, chosen, true);
  buildSync({
    ...OPTIONS,
    entryPoints: CHAT,
    outdir: out,
    alias: { '@stoa/client': './index.js', '@stoa/client/inner': './inner.js' },
    external: ['./index.js', './inner.js', 'react', 'vue'],
    chunkNames: 'chat-[hash]',
    // What the chat's modules share ends in an underscore.
    mangleProps: new RegExp(`[a-z]_$|^(${CHAT_PRIVATE.join('|')})$`),
  });
}

function build(out) {
  rmSync(out, { recursive: true, force: true });
  buildModules(out);
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '--emitDeclarationOnly', '--outDir', out], { cwd: HERE, stdio: 'inherit' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  build(path.resolve(process.argv[2] ?? path.join(HERE, 'dist')));
}
