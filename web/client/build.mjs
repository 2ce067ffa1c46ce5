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
// The chat, on the runtime, and its wrappers.
const CHAT = {
  chat: 'src/chat/index.ts', chatroom: 'src/api/chatroom/v1/chatroom.stoa.ts', react: 'src/react.ts', vue: 'src/vue.ts',
  tracing: 'src/tracing.ts',
};

const OPTIONS = {
  absWorkingDir: HERE,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2020',
  tsconfig: 'tsconfig.json',
  logLevel: 'warning',
};

/** The modules, without the declarations of their types. */
export function buildModules(out) {
  buildSync({
    ...OPTIONS,
    entryPoints: { ...RUNTIME, ...CHAT },
    outdir: out,
    external: ['react', 'vue'],
    chunkNames: 'chunk-[hash]',
    // What the modules share among themselves ends in an underscore.
    mangleProps: /[a-z]_$/,
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
