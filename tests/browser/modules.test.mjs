// What the page is made of, without a browser; and that the page in the tree is the one that its source builds to.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { build } from '../../web/chat/build.mjs';
import { run, test } from '../lib/tap.mjs';

const PAGE = fileURLToPath(new URL('../../web/chat/', import.meta.url));
const { buildSync } = createRequire(`${PAGE}build.mjs`)('esbuild');

// The source is TypeScript.
async function load(name) {
  const { outputFiles } = buildSync({
    entryPoints: [`${PAGE}src/${name}.ts`], bundle: true, format: 'esm', platform: 'node', write: false, logLevel: 'warning',
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const { findEndpoint } = await load('endpoint');
const { actionOf, initial, isFewSymbols, isLong, mentions, parse, sendable, toneOf } = await load('text');
const { isSameDay, Language, pickLanguage } = await load('language');
const { LANGUAGES } = await load('words');
const { EMOJI, replaceNames } = await load('emoji');
const { rowsOf } = await load('rows');

const plain = (pieces) => pieces.map((piece) => piece.text ?? plain(piece.pieces)).join('');

test('the page in the tree is the one that its source builds to, with its compressed forms', async () => {
  const files = build();
  // Pictures are compressed already.
  const isPacked = (name) => !name.endsWith('.png');
  const wanted = [...files.keys()].flatMap((name) => (isPacked(name) ? [name, `${name}.gz`] : [name])).sort();
  assert.deepEqual((await readdir(`${PAGE}dist`)).sort(), wanted, 'run `npm ci && npm run build` in web/chat');
  for (const [name, content] of files) {
    assert.ok(content.equals(await readFile(`${PAGE}dist/${name}`)), `${name}: run \`npm run build\` in web/chat`);
    assert.ok(!isPacked(name) || content.equals(gunzipSync(await readFile(`${PAGE}dist/${name}.gz`))), `${name}.gz`);
  }
});

test('the endpoint is relative to the page, whatever folder the page is in', async () => {
  const asked = [];
  const answering = (status, text) => async (url) => {
    asked.push(url);
    return new Response(text, { status });
  };
  for (const [page, answer, wanted] of [
    ['http://host/', '{"endpoint":"./"}', 'ws://host/'],
    ['https://host:1/chat/', '{"endpoint":"./"}', 'wss://host:1/chat/'],
    ['https://host/chat/index.html?x#y', '{"endpoint":"./ws"}', 'wss://host/chat/ws'],
    ['http://host/a/b/', '{"endpoint":"./c/d%20e"}', 'ws://host/a/b/c/d%20e'],
    ['http://host/', '{"endpoint":"wss://other/ws"}', 'wss://other/ws'],
    ['http://host/chat/', '{}', 'ws://host/chat/'], ['http://host/chat/', 'null', 'ws://host/chat/'],
    ['http://host/chat/', '<p>a page</p>', 'ws://host/chat/'],
  ]) {
    assert.equal(await findEndpoint(page, answering(200, answer)), wanted);
  }
  assert.equal(asked[2], 'https://host/chat/stoa.json');
  assert.equal(await findEndpoint('http://host/chat/', answering(404, 'no')), 'ws://host/chat/');
  await assert.rejects(findEndpoint('http://host/', answering(502, 'the server is away')), /502/);
  await assert.rejects(findEndpoint('http://host/', () => Promise.reject(new TypeError('no network'))), TypeError);
});

test('links are http and https only, end where the sentence goes on, and no character is lost', () => {
  const links = (text) => {
    const pieces = parse(text);
    assert.equal(plain(pieces), text);
    return pieces.filter((piece) => piece.href).map((piece) => piece.href);
  };
  assert.deepEqual(links('see https://a.example/b_(c)?d=1), and http://e.example.'),
    ['https://a.example/b_(c)?d=1', 'http://e.example/']);
  assert.deepEqual(links('看https://a.example/页 或https://b.example。'), ['https://a.example/', 'https://b.example/']);
  assert.deepEqual(links('javascript:alert(1) data:text/html,x ftp://a.example http:// https://'), []);
  assert.deepEqual(links('https://a.example/\u202Egpj.exe'), ['https://a.example/']);
  assert.deepEqual(links(`https://a.example/${'x'.repeat(3000)}`), []);
  assert.deepEqual(links('"https://a.example/"<https://b.example/>'), ['https://a.example/', 'https://b.example/']);
});

test('texts that are built to be slow are split in linear time', () => {
  const texts = [`https://a.example/${')'.repeat(60000)}`, `https://a.example/${'.'.repeat(60000)}x`,
    'https://'.repeat(8000), '**a '.repeat(10000), '*'.repeat(40000), '_a_'.repeat(10000) + 'b', '`'.repeat(40001), '@'.repeat(40000),
    '👍'.repeat(20000), `${'👍\u200D'.repeat(8)}!`];
  const start = process.cpuUsage().user;
  for (const text of texts) {
    assert.equal(plain(parse(text)), text);
    isFewSymbols(text);
    isLong(text);
  }
  // Quadratic work over 60,000 characters takes many seconds, linear work a few milliseconds.
  assert.ok(process.cpuUsage().user - start < 2000000);
});

test('a few symbols are shown large, text and digits are not', () => {
  for (const text of ['👍', '👨‍👩‍👧‍👦🇨🇳👍🏽', '❤️', ' 🎉 🎉 ']) {
    assert.ok(isFewSymbols(text), text);
  }
  for (const text of ['', '1', '123', '#', 'a👍', '👍👍👍👍', '好']) {
    assert.ok(!isFewSymbols(text), text);
  }
});

test('long is many characters or many lines', () => {
  assert.ok(!isLong('x'.repeat(1500)) && isLong('x'.repeat(1501)));
  assert.ok(!isLong('\n'.repeat(17)) && isLong('\n'.repeat(18)));
});

test('an initial is a whole character, and a tone depends on the name only', () => {
  assert.deepEqual([initial('ada'), initial('😀x'), initial('小明'), initial('')], ['A', '😀', '小', '?']);
  assert.equal(toneOf('Ada'), toneOf('Ada'));
  assert.ok(['a', 'b', '小', ''].every((name) => toneOf(name) >= 0 && toneOf(name) < 8));
});

test('the page speaks the first language that it knows, and English otherwise', () => {
  assert.equal(pickLanguage(['fr-FR', 'zh-CN', 'en']), 'zh-CN');
  assert.equal(pickLanguage(['en-GB', 'zh']), 'en-GB');
  assert.equal(pickLanguage(['fr', 'constructor']), 'en');
  assert.equal(pickLanguage([]), 'en');
});

test('both languages say the same things with the same values', () => {
  const shape = (table) => Object.fromEntries(Object.entries(table).map(([key, entry]) => {
    const text = typeof entry === 'string' ? entry : entry.other;
    return [key, [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort()];
  }));
  assert.deepEqual(shape(LANGUAGES.zh), shape(LANGUAGES.en));
});

test('plurals follow the number, and unknown codes have a text', () => {
  const strings = new Language('en-US');
  assert.equal(strings.say('newer', { n: 1 }), '1 new message');
  assert.equal(strings.say('newer', { n: 21 }), '21 new messages');
  assert.equal(new Language('zh-CN').say('newer', { n: 1 }), '1 条新消息');
  assert.equal(strings.sayCode('close', 4503), 'You were removed from the chat.');
  assert.equal(strings.sayCode('close', 4999, { code: 4999 }), 'The server closed the connection (4999).');
});

test('a value is put into a text as it is', () => {
  assert.equal(new Language('en').sayCode('error', 999, { message: '$& {code}' }), 'The server answered: $& {code}');
});

test('days are named from today, also around a change of the clock', () => {
  const language = new Language('en-US');
  const today = new Date(2026, 2, 29, 23, 59).getTime();
  assert.equal(language.day(new Date(2026, 2, 29, 0, 1).getTime(), today), 'Today');
  assert.equal(language.day(new Date(2026, 2, 28, 0, 1).getTime(), today), 'Yesterday');
  assert.equal(language.day(new Date(2025, 2, 27).getTime(), today), 'Thu, March 27, 2025');
  assert.ok(!isSameDay(new Date(2026, 2, 28), new Date(2026, 3, 28)));
});

test('marks of emphasis count between words only', () => {
  const kinds = (text) => parse(text).map(({ kind }) => kind);
  assert.deepEqual(kinds('**a** _b_ ~~c~~ `d`'), ['strong', 'text', 'em', 'text', 'del', 'text', 'code']);
  for (const text of ['2*3*4', 'snake_case_name', '** a **', '* a *', 'a**b**c', '__init__', '~~ ~~']) {
    assert.deepEqual(kinds(text), ['text'], text);
  }
  assert.deepEqual(kinds('地铁站**B 出口**见，_记得_带水'), ['text', 'strong', 'text', 'em', 'text']);
  assert.deepEqual(kinds('```js\nlet a;\n```'), ['block']);
  assert.deepEqual(kinds('> a\nb'), ['quote', 'text']);
});

test('people are named by @ and their whole name', () => {
  assert.ok(mentions('hello @Ada!', 'Ada') && mentions('@ada', 'Ada') && mentions('你好@小明，', '小明') === false);
  assert.ok(!mentions('@Adam', 'Ada') && !mentions('a@Ada', 'Ada') && !mentions('@', ''));
  assert.ok(mentions('@a.b', 'a.b') && !mentions('@axb', 'a.b'));
});

test('an action, half a character and names of emoji are told from other text', () => {
  assert.deepEqual([actionOf('/me waves'), actionOf('/men'), actionOf('/me ')], ['waves', undefined, undefined]);
  assert.equal(sendable('a\uD83D b😀'), 'a\uFFFD b😀');
  assert.equal(replaceNames(':tada: a:tada: `:tada:` :none: 10:30:45'), '🎉 a:tada: `:tada:` :none: 10:30:45');
  assert.ok([...EMOJI.values()].every((emoji) => emoji && !/[a-z]/.test(emoji)));
});

test('groups end after five minutes, with another person, at a line, and at an answer', () => {
  const item = (offset, more) => ({ offset: BigInt(offset), userId: 'a', sender: 'A', tsMs: BigInt(1e12 + offset * 1000),
    replyTo: 0n, timestamp: '', clientMsgId: '', ...more });
  const items = [item(1), item(2), item(3, { replyTo: 1n }), item(4, { userId: 'b' }), item(5, { userId: 'b' }), item(400, { userId: 'b' })];
  const rows = rowsOf(items, [], { me: 'x', unreadAfter: 4n, isSentHere: () => false });
  assert.deepEqual(rows.map(({ kind, isHead }) => (isHead === undefined ? kind : isHead)),
    ['day', true, false, true, true, 'unread', true, true]);
});

await run();
