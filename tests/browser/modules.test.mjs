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
const { Blocks, isWhole, nextStep, rowsOf, STEP_MESSAGES } = await load('rows');

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

// ---- the blocks that rows are drawn in ----

const says = (offset, more) => ({ offset: BigInt(offset), userId: 'a', sender: 'A', tsMs: BigInt(1e12 + offset * 1000),
  replyTo: 0n, timestamp: '', clientMsgId: '', ...more });
const range = (from, until, more) => Array.from({ length: until - from + 1 }, (_, at) => says(from + at, more));
const MARKS = { me: 'x', isSentHere: (id) => id !== '' };
const sizes = (all) => all.map(({ rows }) => rows.length);

test('a page that is loaded comes a few messages a frame, from the side of what is there', () => {
  const frames = (shown, all, isBelow) => {
    const counts = [];
    for (let last = shown; last.length < all.length && counts.length < 10;) {
      last = nextStep(last, all, isBelow);
      counts.push([Number(last[0].offset), Number(last.at(-1).offset)]);
    }
    return counts;
  };
  assert.equal(STEP_MESSAGES, 3);
  assert.deepEqual(frames([], range(1, 50), false), [[1, 50]]);
  assert.deepEqual(frames(range(21, 40), range(11, 40), true), [[18, 40], [15, 40], [12, 40], [11, 40]]);
  assert.deepEqual(frames(range(1, 20), range(1, 29), true), [[1, 23], [1, 26], [1, 29]]);
  // Who follows sees what is new at once.
  assert.deepEqual(frames(range(1, 20), range(1, 33), false), [[1, 33]]);
  // A jump to another place.
  assert.deepEqual(frames(range(1, 20), range(101, 133), true), [[101, 133]]);
});

test('what is taken out at the other end goes with a frame of its own', () => {
  const frames = (shown, all, isBelow) => {
    const steps = [];
    for (let last = shown; !isWhole(last, all) && steps.length < 10;) {
      last = nextStep(last, all, isBelow);
      steps.push([Number(last[0].offset), Number(last.at(-1).offset), last.length]);
    }
    return steps;
  };
  assert.deepEqual(frames(range(21, 50), range(13, 42), true), [[21, 42, 22], [18, 42, 25], [15, 42, 28], [13, 42, 30]]);
  assert.deepEqual(frames(range(1, 30), range(5, 34), true), [[5, 30, 26], [5, 33, 29], [5, 34, 30]]);
  // What is new comes first.
  assert.deepEqual(frames(range(1, 30), range(5, 31), false), [[1, 31, 31], [5, 31, 27]]);
  // Many are not kept.
  assert.deepEqual(frames(range(1, 100), range(90, 101), false), [[90, 101, 12]]);
  // What was taken out in the middle goes at once.
  assert.deepEqual(nextStep(range(1, 5), [...range(1, 2), ...range(4, 5)], false), [...range(1, 2), ...range(4, 5)]);
});

test('a message that arrives changes the last block only, and a full one is followed by another', () => {
  const blocks = new Blocks();
  const items = range(1, 30);
  const before = blocks.update(rowsOf(items, [], MARKS));
  const longer = [...items, says(31)];
  const after = blocks.update(rowsOf(longer, [], MARKS));
  // The first one has the day too.
  assert.deepEqual([sizes(before), sizes(after)], [[24, 7], [24, 8]]);
  assert.ok(after[0] === before[0] && after[1] !== before[1] && after[1].key === before[1].key);
  assert.ok(blocks.update(rowsOf(longer, [], MARKS)).every((block, at) => block === after[at]));
  assert.deepEqual(sizes(blocks.update(rowsOf(range(1, 60), [], MARKS))), [24, 24, 13]);
});

test('older messages come in blocks of their own, and the blocks that are there stay', () => {
  const blocks = new Blocks();
  const before = blocks.update(rowsOf(range(101, 124), [], MARKS));
  const after = blocks.update(rowsOf(range(86, 124), [], MARKS));
  assert.deepEqual([sizes(before), sizes(after)], [[24, 1], [16, 23, 1]]);
  assert.deepEqual(after.slice(1).map(({ key }) => key), before.map(({ key }) => key));
  // A few go into a block that takes them.
  assert.deepEqual(sizes(blocks.update(rowsOf(range(80, 124), [], MARKS))), [22, 23, 1]);
});

test('a message keeps its block while others go and come, and when it is stored', () => {
  const blocks = new Blocks();
  const keyOf = (all, name) => all.find(({ rows }) => rows.some(({ key }) => key === name))?.key;
  const waiting = { clientMsgId: 'w', replyTo: 0n, sinceMs: 0, state: 'sent', text: 'w' };
  const first = blocks.update(rowsOf(range(1, 10), [waiting], MARKS));
  // Many arrive before it is stored: those above it move, it does not.
  let all = first;
  for (let last = 11; last <= 60; last += 1) {
    all = blocks.update(rowsOf(range(1, last), [waiting], MARKS));
    assert.equal(keyOf(all, 'own w'), keyOf(first, 'own w'));
  }
  assert.ok(all.length > 1 && Math.max(...sizes(all)) < 48, sizes(all).join());
  const stored = blocks.update(rowsOf([...range(31, 60), says(61, { userId: 'x', clientMsgId: 'w' })], [], MARKS));
  assert.equal(keyOf(stored, 'own w'), keyOf(first, 'own w'));
  assert.equal(new Set(stored.map(({ key }) => key)).size, stored.length);
  assert.equal(blocks.update([]).length, 0);
});

test('every row is in one block, in order, whatever changes', () => {
  const blocks = new Blocks();
  const own = (offset) => says(offset, { userId: 'x', clientMsgId: `m${offset}` });
  const lists = [range(50, 90), range(20, 90), range(60, 140), [...range(60, 70), ...range(100, 140)], range(60, 140),
    [own(150), ...range(151, 160), own(170)], [own(170), ...range(171, 200), says(210)], [...range(140, 149), own(150), own(170)]];
  lists.forEach((items, at) => {
    const rows = rowsOf(items, [], { ...MARKS, unreadAfter: at % 2 ? items[9]?.offset : undefined });
    const all = blocks.update(rows);
    assert.deepEqual(all.flatMap(({ rows: some }) => some.map(({ key }) => key)), rows.map(({ key }) => key));
    assert.equal(new Set(all.map(({ key }) => key)).size, all.length);
    // A line is with the message below it.
    assert.ok(all.every(({ rows: some }) => some[some.length - 1].kind === 'message'));
  });
});

await run();
