// How the page looks, moves and is operated: scrolling, sizes, keyboard, assistive technology, budgets.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import { run, test } from '../lib/tap.mjs';
import { launch } from './browser.mjs';
import { message, open, play } from './people.mjs';

// Evaluated by the debugger, since the page's Content-Security-Policy lets no script be added.
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { viewport: { width: 375, height: 667 }, isMobile: true, hasTouch: true };
const PAGE_BYTES_MAX = 60 * 1024;
const REQUESTS_MAX = 4;

const browser = await launch();

test('on a phone everything fits, can be hit by a finger, and does not zoom', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('A name of thirty-two characters!', PHONE);
  await ada.say('w'.repeat(500));
  await ada.reads('w'.repeat(500));
  await ada.write('a draft');
  const measured = await ada.page.evaluate(() => {
    const boxes = [...document.querySelectorAll('button:not(.sender, .quoted), textarea')].map((node) => node.getBoundingClientRect());
    return {
      wide: [document.documentElement, document.querySelector('#log')].some((node) => node.scrollWidth > innerWidth),
      small: boxes.filter((box) => box.width > 0 && (box.width < 44 || box.height < 44)).length,
      fontSize: parseFloat(getComputedStyle(document.querySelector('#composer textarea')).fontSize),
    };
  });
  assert.deepEqual(measured, { wide: false, small: 0, fontSize: 16 });
});

async function findings(person) {
  await person.page.evaluate(AXE);
  const { violations } = await person.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.map((violation) => `${violation.impact} ${violation.id}: ${violation.nodes[0].html}`);
}

for (const [look, settings] of [['light', { colorScheme: 'light' }], ['dark', { colorScheme: 'dark' }],
  ['on a phone', { ...PHONE, colorScheme: 'light' }]]) {
  test(`axe finds no problem, ${look}`, async (t) => {
    const { chatroom, join, visit } = await open(t, browser);
    const asked = await visit({ ...settings, reducedMotion: 'reduce' });
    assert.deepEqual(await findings(asked), []);
    const [ada, zeno] = [await join('Ada', { ...settings, reducedMotion: 'reduce' }), await join('Zeno')];
    for (const text of ['hello', 'https://example.org/', '👍', 'long '.repeat(600)]) {
      await zeno.say(text);
      await ada.say(text);
    }
    await zeno.reads('long '.repeat(600).trim());
    await ada.page.waitForFunction(() => document.querySelectorAll('.message').length === 8);
    assert.deepEqual(await findings(ada), []);
    await chatroom.kill();
    await ada.page.getByRole('button', { name: 'Retry now' }).waitFor();
    await ada.say('kept');
    assert.deepEqual(await findings(ada), []);
  });
}

test('axe finds no problem in the dialogs and in the search', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada', { reducedMotion: 'reduce' });
  await ada.say('hello');
  await ada.readsStored('hello');
  const dialogs = {
    '#settings-dialog': () => ada.page.getByRole('button', { name: 'Settings' }).click(),
    '#keys-dialog': async () => { await ada.page.locator('#log').focus(); await ada.page.keyboard.press('?'); },
    '#switch-dialog': () => ada.page.keyboard.press('Control+k'),
    '#person-dialog': () => ada.page.locator('.by .sender').click(),
    '#delete-dialog': () => ada.act('hello', 'delete'),
  };
  for (const [dialog, show] of Object.entries(dialogs)) {
    await show();
    await ada.sees(dialog);
    assert.deepEqual(await findings(ada), [], dialog);
    await ada.page.keyboard.press('Escape');
    await ada.seesNot(dialog);
  }
  await ada.page.locator('#search-button').click();
  await ada.sees('.search');
  assert.deepEqual(await findings(ada), []);
});

const line = (at) => message(at, `line ${at}${at % 7 ? '' : '\nand more\nof it'}`, { userId: `u${at % 3}`, sender: `Person ${at % 3}` });

// A room of many messages, of which a page asks for some.
function playMany(count) {
  const all = Array.from({ length: count }, (_, at) => line(at + 1));
  const history = ({ before, after, limit = 50 }) => {
    const some = all.filter(({ offset }) => (!Number(before) || +offset < before) && (!Number(after) || +offset > after));
    const items = Number(after) ? some.slice(0, limit) : some.slice(-limit);
    return { items, top: String(count), epoch: '1', more: some.length > items.length };
  };
  const join = { room: 'lobby', epoch: '1', offset: String(count), items: all.slice(-50), moreBefore: true };
  return play({ history, join });
}

test('older messages are put in while one scrolls, and the first one that is seen moves by one pixel at most', async (t) => {
  const { settings } = playMany(500);
  // In the browser of people, as the pace of its frames is part of the question.
  const whole = await launch({ isWhole: true });
  t.after(() => whole.close());
  const { join } = await open(t, whole);
  const ada = await join('Ada', settings);
  await ada.reads('line 500');
  const { steps, moved, most, grown } = await ada.page.evaluate(async () => {
    const log = document.querySelector('#log');
    const frame = () => new Promise((resolve) => { requestAnimationFrame(resolve); });
    const rows = () => [...document.querySelectorAll('.message')];
    const result = { steps: 0, moved: 0, most: 0, grown: 0 };
    // Each time that the list is changed; a slow machine may do that twice in a frame.
    let shown = rows().length;
    const changes = new MutationObserver(() => {
      const count = rows().length;
      result.grown = Math.max(result.grown, count - shown);
      shown = count;
    });
    changes.observe(document.querySelector('#list'), { childList: true, subtree: true });
    while (rows()[0].dataset.key !== '1') {
      const oldest = rows()[0].dataset.key;
      log.scrollTop = 250;
      const { top } = log.getBoundingClientRect();
      const first = rows().find((node) => node.getBoundingClientRect().bottom > top);
      const before = first.getBoundingClientRect().top;
      while (rows()[0].dataset.key === oldest) {
        await frame();
      }
      await frame();
      result.steps += 1;
      result.moved = Math.max(result.moved, first.isConnected ? Math.abs(first.getBoundingClientRect().top - before) : 1000);
      result.most = Math.max(result.most, rows().length);
    }
    return result;
  });
  // 450 messages in 30 pages, each in one step or more.
  assert.ok(steps >= 30, `${steps} steps`);
  assert.ok(moved <= 1, `moved by ${moved} px`);
  assert.ok(grown > 0 && grown <= 3, `${grown} messages at once`);
  assert.equal(most, 160);
  await ada.page.locator('#newer').click();
  await ada.page.getByText('line 500', { exact: true }).waitFor();
});

test('a message keeps its element while it is stored, edited and reacted to, and what has the focus in it', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  await ada.say('see https://example.org/');
  await ada.readsStored('see https://example.org/');
  await zeno.reads('see https://example.org/');
  const row = await ada.row('example').elementHandle();
  await row.evaluate((node) => node.querySelector('a').focus());
  await zeno.act('example', 'quick >> nth=0');
  await ada.sees('.reaction');
  assert.equal(await ada.page.evaluate(() => document.activeElement.tagName), 'A');
  const reaction = await ada.page.locator('.reaction').elementHandle();
  await reaction.focus();
  await reaction.press('Enter');
  await ada.page.locator('.reaction[aria-pressed=true] .count', { hasText: '2' }).waitFor();
  assert.ok(await reaction.evaluate((node) => node === document.activeElement));
  await ada.act('example', 'edit');
  await ada.say('see the plan');
  await ada.readsStored('see the plan');
  await zeno.reads('see the plan');
  assert.ok(await row.evaluate((node) => node.isConnected && node.textContent.includes('see the plan')));
});

test('the full date of a message is there for who points at it', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada');
  await ada.say('hello');
  await ada.row('hello').hover();
  await ada.page.locator('.message.active time[title]').waitFor();
  assert.match(await ada.row('hello').locator('time').getAttribute('title'), /\d{4}/);
});

test('of very many messages the page keeps a hundred and sixty at most', async (t) => {
  const { played, settings } = play();
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  for (let at = 1; at <= 400; at += 1) {
    played.server.push('chat', message(at, `line ${at}`));
  }
  await ada.reads('line 400');
  const count = await ada.messageCount();
  assert.ok(count <= 160 && count >= 144, count);
  // The oldest one that is left shows its sender, though it was in the middle of a group.
  assert.match(await ada.page.locator('.message').first().getAttribute('class'), /head/);
});

test('what is unread is below a line, which stays while one reads', async (t) => {
  const items = Array.from({ length: 40 }, (_, at) => line(at + 1));
  const { played, settings } = play({ join: { room: 'lobby', epoch: '1', offset: '40', items, readOffset: '30', unread: 10 } });
  const { join } = await open(t, browser);
  const ada = await join('Ada', { ...settings, viewport: { width: 1000, height: 500 } });
  const after = () => ada.page.evaluate(() => document.querySelector('.unread-line').nextElementSibling.dataset.key);
  await ada.sees('.unread-line');
  assert.equal(await after(), '31');
  const seen = await ada.page.locator('.unread-line').boundingBox();
  assert.ok(seen.y > 0 && seen.y < 500);
  played.server.push('chat', line(41));
  await ada.reads('line 41');
  assert.equal(await after(), '31');
  await ada.page.locator('#newer').click();
  await ada.page.waitForFunction(() => !document.querySelector('#newer'));
  // It is read when its end is seen.
  assert.equal(await after(), '31');
  await ada.say('an answer');
  await ada.page.waitForFunction(() => !document.querySelector('.unread-line'));
});

test('a newcomer begins at the end, and nothing from before is unread', async (t) => {
  const items = Array.from({ length: 40 }, (_, at) => line(at + 1));
  const { played, settings } = play({ join: { room: 'lobby', epoch: '1', offset: '40', items, readOffset: '0', unread: 40 } });
  const { join } = await open(t, browser);
  const ada = await join('Ada', { ...settings, viewport: { width: 1000, height: 500 } });
  await ada.reads('line 40');
  const box = await ada.row('line 40').boundingBox();
  assert.ok(box.y > 0 && box.y + box.height < 500, JSON.stringify(box));
  assert.deepEqual([await ada.page.locator('.unread-line').count(), await ada.page.title()], [0, '#lobby · Stoa']);
  await ada.look(false);
  played.server.push('chat', line(41));
  await ada.sees('.unread-line');
});

test('the actions follow a mouse that moves, and are gone with it', async (t) => {
  const items = Array.from({ length: 40 }, (_, at) => line(at + 1));
  const { played, settings } = play({ join: { room: 'lobby', epoch: '1', offset: '40', items, readOffset: '40' } });
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  await ada.row('line 38').hover();
  await ada.row('line 38').locator('.actions').waitFor();
  for (let at = 41; at < 51; at += 1) {
    played.server.push('chat', message(at, `new ${at}`));
    await ada.reads(`new ${at}`);
  }
  // The list has moved below the mouse.
  assert.equal(await ada.row('line 38').locator('.actions').count(), 1);
  await ada.page.mouse.move(5, 5);
  await ada.seesNot('.actions');
});

test('the actions of a message whose top is out of view can be reached', async (t) => {
  const items = Array.from({ length: 40 }, (_, at) => line(at + 1, { message: `line ${at + 1}\nand more` }));
  const { settings } = play({ join: { room: 'lobby', epoch: '1', offset: '40', items } });
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  const place = await ada.page.evaluate(() => {
    const log = document.querySelector('#log');
    const { top } = log.getBoundingClientRect();
    const node = [...document.querySelectorAll('.message')].find((row) => row.getBoundingClientRect().top > top);
    log.scrollTop += node.getBoundingClientRect().top + node.clientHeight / 2 - top;
    const { left, bottom } = node.getBoundingClientRect();
    return { top, x: left + 100, y: bottom - 5 };
  });
  await ada.page.mouse.move(place.x, place.y);
  await ada.page.mouse.move(place.x + 5, place.y);
  await ada.sees('.actions');
  const { y } = await ada.page.locator('.actions').boundingBox();
  assert.ok(y >= place.top, `${y} ${place.top}`);
});

test('the page can be installed: its manifest names pictures that are there, in the sizes that it says', async (t) => {
  const { url, visit } = await open(t, browser);
  const ada = await visit();
  const { icons, start_url: start } = await (await fetch(`${url}manifest.webmanifest`)).json();
  assert.equal(start, './');
  const apple = await ada.page.locator('link[rel=apple-touch-icon]').getAttribute('href');
  const all = [...icons, { src: apple, sizes: '180x180', type: 'image/png' }];
  assert.deepEqual(all.map(({ sizes }) => sizes), ['any', '192x192', '512x512', '512x512', '180x180']);
  for (const { src, sizes, type } of all) {
    const answer = await fetch(url + src);
    assert.equal(answer.headers.get('content-type'), type);
    const bytes = new DataView(await answer.arrayBuffer());
    if (type === 'image/png') {
      assert.equal(`${bytes.getUint32(16)}x${bytes.getUint32(20)}`, sizes);
    }
  }
});

test('with the keyboard alone one joins, writes, answers, edits, reacts and switches rooms', async (t) => {
  const { visit } = await open(t, browser);
  const { page } = await visit();
  await page.keyboard.type('Ada');
  await page.keyboard.press('Enter');
  await page.locator('#status[data-state=online]').waitFor();
  await page.locator('#composer textarea').waitFor();
  await page.waitForFunction(() => document.activeElement.matches('#composer textarea'));
  for (const text of ['first', 'second']) {
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
    await page.locator('.message:not(.pending)', { hasText: text }).waitFor();
  }
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Shift+Tab');
  await page.locator('#log').focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await page.waitForFunction(() => document.activeElement.textContent.includes('first'));
  await page.keyboard.press('+');
  await page.locator('.picker button:focus').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.reaction', { hasText: '👍' }).waitFor();
  await page.waitForFunction(() => document.activeElement.matches('.message'));
  await page.keyboard.press('r');
  await page.waitForFunction(() => document.activeElement.matches('#composer textarea'));
  await page.keyboard.type('answer');
  await page.keyboard.press('Enter');
  await page.locator('.quoted', { hasText: 'first' }).waitFor();
  await page.locator('.message:not(.pending)', { hasText: 'answer' }).waitFor();
  await page.keyboard.press('ArrowUp');
  await page.waitForFunction(() => document.querySelector('#composer textarea').value === 'answer');
  await page.keyboard.type(' edited');
  await page.keyboard.press('Enter');
  await page.locator('.message', { hasText: 'answer edited' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('other');
  await page.keyboard.press('Enter');
  await page.locator('#room-name', { hasText: 'other' }).waitFor();
});

for (const width of [320, 600, 899, 900, 1280]) {
  test(`nothing is wider than a window of ${width} pixels`, async (t) => {
    const { join } = await open(t, browser);
    const ada = await join('A name of thirty-two characters!', { viewport: { width, height: 640 } });
    for (const text of ['w'.repeat(400), `\`\`\`\n${'code '.repeat(60)}\n\`\`\``, 'https://example.org/' + 'a/'.repeat(200)]) {
      await ada.say(text);
    }
    await ada.page.waitForFunction(() => document.querySelectorAll('.message:not(.pending)').length === 3);
    const wide = await ada.page.evaluate(() => [document.documentElement, document.querySelector('#log'),
      document.querySelector('.main')].map((node) => node.scrollWidth - node.clientWidth));
    assert.deepEqual(wide, [0, 0, 0]);
  });
}

test('the sides are drawers on a narrow window', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada', PHONE);
  await ada.page.getByRole('button', { name: 'Rooms' }).click();
  await ada.sees('.rooms .room');
  await ada.page.keyboard.press('Escape');
  await ada.seesNot('.rooms .room');
  await ada.page.locator('#people-button').click();
  await ada.sees('.people');
  await ada.page.mouse.click(20, 300);
  await ada.seesNot('.people');
});

test('a link in writing from right to left keeps its direction', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada');
  await ada.say('انظر https://example.org/a?b=1 هنا');
  await ada.sees('.text a');
  const shown = await ada.page.locator('.text').evaluate((node) => ({
    direction: getComputedStyle(node.querySelector('a')).direction, isolated: getComputedStyle(node.querySelector('a')).unicodeBidi,
    text: node.dir,
  }));
  assert.deepEqual(shown, { direction: 'ltr', isolated: 'isolate', text: 'auto' });
});

test('with forced colours what is chosen, read and pressed still has a shape', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada', { forcedColors: 'active' });
  await ada.say('hello');
  await ada.readsStored('hello');
  const widths = await ada.page.evaluate(() => ['.room.open', '.avatar', '.send'].map((selector) => {
    const style = getComputedStyle(document.querySelector(selector));
    return parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== 'none' || parseFloat(style.borderTopWidth) > 0;
  }));
  assert.deepEqual(widths, [true, true, true]);
});

test('appearance and language are switched in the settings, and kept', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada', { colorScheme: 'light' });
  await ada.page.getByRole('button', { name: 'Settings' }).click();
  await ada.page.getByRole('radio', { name: 'Dark' }).check({ force: true });
  await ada.page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
  await ada.page.getByRole('radio', { name: '中文' }).check({ force: true });
  await ada.page.getByText('快捷键').waitFor();
  await ada.page.reload();
  await ada.isOnline();
  const kept = await ada.page.evaluate(() => [document.documentElement.dataset.theme, document.documentElement.lang]);
  assert.deepEqual(kept, ['dark', 'zh']);
});

test('the page is four requests and sixty KiB at most, and what never changes is kept', async (t) => {
  const { visit } = await open(t, browser);
  const answers = [];
  await visit({ prepare: (page) => page.on('response', (response) => answers.push(response)) }).then(async (person) => {
    await person.giveName('Ada');
    await person.isOnline();
  });
  const sizes = await Promise.all(answers.map(async (answer) => {
    const { responseBodySize, responseHeadersSize } = await answer.request().sizes();
    return responseBodySize + responseHeadersSize;
  }));
  const paths = answers.map((answer) => new URL(answer.url()).pathname.replace(/[0-9a-f]{16}/, 'HASH')).sort();
  assert.deepEqual(paths, ['/', '/chat-HASH.css', '/chat-HASH.js', '/stoa.json']);
  assert.ok(answers.length <= REQUESTS_MAX);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(all <= PAGE_BYTES_MAX, `${all} bytes`);
  for (const answer of answers) {
    const headers = answer.headers();
    assert.match(headers['content-security-policy'] ?? 'none', /stoa\.json/.test(answer.url()) ? /./ : /^default-src 'self'/);
    if (/chat-/.test(answer.url())) {
      assert.match(headers['cache-control'], /immutable/);
      assert.equal(headers['content-encoding'], 'gzip');
    }
  }
});

await run({ atOnce: 3 });
