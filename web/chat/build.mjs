// build.mjs: builds dist/ from src/: one page, one script, one style, and their compressed forms.
//
// The names of the script and of the style have a hash of their content, so that browsers may keep them for ever. dist/
// is in the tree, so that whoever builds the server needs no npm; a test builds it again and compares.
//
//     node build.mjs [FOLDER]

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { buildSync } from 'esbuild';
import { minify_sync as minify } from 'terser';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CLIENT = path.join(HERE, '../client/src');
const HASH_CHARS = 16;
// Made of icon.svg by tests/browser/icons.mjs.
const ICONS = ['icon-180.png', 'icon-192.png', 'icon-512.png', 'icon-maskable-512.png'];

function bundle(entry) {
  const { outputFiles } = buildSync({
    absWorkingDir: HERE,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome111', 'firefox115', 'safari16.4'],
    // Comments of licenses would repeat what ARCHITECTURE.md says.
    legalComments: 'none',
    alias: {
      '@stoa/client/chat': path.join(CLIENT, 'chat/index.ts'),
      '@stoa/client/fallback': path.join(CLIENT, 'fallback.ts'),
      '@stoa/client/inner': path.join(CLIENT, 'inner.ts'),
      '@stoa/client': path.join(CLIENT, 'index.ts'),
    },
    // What the SDK's modules share among themselves ends in an underscore.
    mangleProps: /[a-z]_$/,
    write: false,
    logLevel: 'warning',
  });
  return outputFiles[0].text;
}

/** A script that esbuild has written, without what can be said in fewer bytes. */
export function shorten(script) {
  return minify(script, { module: true, ecma: 2022, compress: { ecma: 2022, passes: 3 } }).code;
}

function hashed(name, content) {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, HASH_CHARS);
  const { name: base, ext } = path.parse(name);
  return `${base}-${hash}${ext}`;
}

const source = (name) => readFileSync(path.join(HERE, 'src', name));

/** The files of the page by their names, without the compressed forms. */
export function build() {
  const script = Buffer.from(shorten(bundle('src/main.tsx')));
  const style = Buffer.from(bundle('src/chat.css'));
  const [scriptName, styleName] = [hashed('chat.js', script), hashed('chat.css', style)];
  const icon = source('icon.svg');
  const page = source('index.html')
    .toString()
    .replace('%ICON%', `data:image/svg+xml,${encodeURIComponent(icon.toString().replace(/\s*\n\s*/g, ''))}`)
    .replace('%STYLE%', styleName)
    .replace('%SCRIPT%', scriptName);
  return new Map([
    ['index.html', Buffer.from(page)],
    [scriptName, script],
    [styleName, style],
    ['manifest.webmanifest', source('manifest.webmanifest')],
    ['icon.svg', icon],
    ...ICONS.map((name) => [name, source(name)]),
  ]);
}

// The compressed one is written after the other: a server prefers it when it is not older.
function write(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of build()) {
    writeFileSync(path.join(folder, name), content);
    if (!name.endsWith('.png')) {
      const gzipped = gzipSync(content, { level: 9 });
      writeFileSync(path.join(folder, `${name}.gz`), gzipped);
      console.log(`${name}: ${content.length} bytes, ${gzipped.length} gzipped`);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  write(path.resolve(process.argv[2] ?? path.join(HERE, 'dist')));
}
