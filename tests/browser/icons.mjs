// Makes the page's PNG icons of web/chat/src/icon.svg again: node tests/browser/icons.mjs
//
// Not a test. Systems that cut their own shape out of an icon (Android's maskable ones, iOS) get one without corners,
// whose drawing lies within the part that all shapes keep.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { launch } from './browser.mjs';

const SOURCE = fileURLToPath(new URL('../../web/chat/src/', import.meta.url));
const ICONS = [['icon-192.png', 192, true], ['icon-512.png', 512, true], ['icon-180.png', 180, false], ['icon-maskable-512.png', 512, false]];

const svg = await readFile(`${SOURCE}icon.svg`, 'utf8');
const [, color] = /<rect[^>]*fill="(#\w+)"/.exec(svg);
const browser = await launch();
for (const [name, size, hasCorners] of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  const [background, scale] = hasCorners ? ['transparent', 1] : [color, 0.8];
  await page.setContent(`<style>
    body { margin: 0; background: ${background}; display: grid; place-items: center; height: 100vh }
    svg { width: ${size * scale}px; height: ${size * scale}px; display: block }
  </style>${svg}`);
  await page.screenshot({ path: SOURCE + name, omitBackground: true });
  await page.close();
}
await browser.close();
