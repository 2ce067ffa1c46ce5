// prepare.mjs: builds dist/ for `npm pack`, and for `npm install PATH/TO/THIS/FOLDER`, which links the folder and runs
// this. The tools for it are installed here first if they are missing.

import { execSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const newest = (folder) => Math.max(...readdirSync(folder, { recursive: true }).map((name) =>
  statSync(path.join(folder, name)).mtimeMs));

const DONE = path.join(HERE, 'dist/vue.d.ts');
const isBuilt = existsSync(DONE) && statSync(DONE).mtimeMs > newest(path.join(HERE, 'src'));
// Who runs `npm ci` here wants the tools only.
const isForTools = process.env.npm_command === 'ci' && path.resolve(process.env.INIT_CWD ?? '') === HERE;

if (!isBuilt && !isForTools) {
  if (!existsSync(path.join(HERE, 'node_modules/esbuild'))) {
    execSync('npm ci --ignore-scripts --no-audit --no-fund --loglevel=error', { cwd: HERE, stdio: 'inherit' });
  }
  execSync('node build.mjs', { cwd: HERE, stdio: 'inherit' });
}
