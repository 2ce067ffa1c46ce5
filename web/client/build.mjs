// build.mjs: dist/ from src/. esbuild writes the modules, for it puts numbers where enums are named; tsc writes what
// their types are.

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildSync } from 'esbuild';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(HERE, 'dist'));

rmSync(out, { recursive: true, force: true });
buildSync({
  absWorkingDir: HERE,
  entryPoints: ['src/index.ts', 'src/wkt.ts'],
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2020',
  tsconfig: 'tsconfig.json',
  logLevel: 'warning',
});
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '--emitDeclarationOnly', '--outDir', out], { cwd: HERE, stdio: 'inherit' });
