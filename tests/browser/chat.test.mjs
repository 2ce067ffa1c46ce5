// People in two browsers, the real page, the real server: what they write and read.

import assert from 'node:assert/strict';

import { run, test } from '../lib/tap.mjs';
import { launch } from './browser.mjs';
import { message, open, play } from './people.mjs';

const SECOND_MS = 1000;
const GROUP = ['head', 'continues'];

const browser = await launch();

test('two people see each other\'s messages with sender and time', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  const before = Date.now() - SECOND_MS;
  await ada.say('Good morning!');
  const seen = await zeno.reads('Good morning!');
  assert.deepEqual([seen.sender, seen.own], ['Ada', false]);
  assert.ok(Date.parse(seen.time) >= before && Date.parse(seen.time) <= Date.now() + SECOND_MS, seen.time);
  assert.match(seen.shownTime, /^\d+:\d\d/);
  await zeno.say('Good morning, Ada.');
  assert.equal((await ada.reads('Good morning, Ada.')).sender, 'Zeno');
  assert.equal((await ada.reads('Good morning!')).own, true);
  assert.deepEqual([await ada.messageCount(), await zeno.messageCount()], [2, 2]);
});

test('Chinese text, emoji and writing from right to left arrive as they were written', async (t) => {
  const { join } = await open(t, browser);
  const [ada, ming] = [await join('Ada'), await join('小明')];
  for (const text of ['大家好，今天天气真好！', '👩‍👩‍👧‍👦🇨🇳 𝒳', 'مرحبا بالجميع', 'e\u0301 \u202Etxet\u202C \u0007 end']) {
    await ming.say(text);
    assert.equal((await ada.reads(text)).sender, '小明');
  }
});

test('a text of 4,000 characters arrives whole, folded until it is opened', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  for (const text of ['x'.repeat(3990) + '0123456789', '😀'.repeat(4000)]) {
    await ada.say(text);
    assert.equal((await zeno.reads(text)).long, true);
  }
  await zeno.page.locator('.show-all').last().click();
  assert.equal((await zeno.reads('😀'.repeat(4000))).long, false);
});

test('a second Ada is asked for another name', async (t) => {
  const { join, visit } = await open(t, browser);
  await join('Ada');
  const other = await visit();
  await other.giveName('ＡＤＡ');
  await other.page.getByText('Someone is using this name').waitFor();
  await other.giveName('Adam');
  await other.isOnline();
});

test('a reload keeps name and user', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  const idOf = async (text) => {
    await ada.say(text);
    await zeno.reads(text);
    return ada.page.evaluate(() => JSON.parse(atob(localStorage.getItem('stoa.token').split('.')[1])).sub);
  };
  const before = await idOf('before');
  await ada.page.reload();
  await ada.isOnline();
  assert.equal(await ada.page.locator('#me-name').textContent(), 'Ada');
  assert.equal(await idOf('after'), before);
  assert.equal((await zeno.reads('after')).sender, 'Ada');
});

test('messages of others are not mine', async (t) => {
  const { join } = await open(t, browser);
  const [ada, other] = [await join('Ada'), await join('Zeno')];
  await other.page.evaluate(() => {
    window.watched.hidden = true;
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  });
  await ada.say('mine');
  await other.page.waitForFunction(() => document.title === '(1) #lobby · Stoa');
  await other.say('yours');
  assert.deepEqual([(await ada.reads('mine')).own, (await other.reads('mine')).own], [true, false]);
  assert.deepEqual([(await ada.reads('yours')).own, (await other.reads('yours')).own], [false, true]);
  assert.equal(await ada.page.locator('.message.continues').count(), 0);
});

test('what somebody else of the same name wrote is not mine', async (t) => {
  const { played, settings } = play();
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  played.server.push('chat', message(1, 'by the other', { sender: 'Ada', userId: 'u-another' }));
  played.server.push('chat', message(2, 'by me elsewhere', { sender: 'Augusta', userId: 'u-ada' }));
  assert.equal((await ada.reads('by the other')).own, false);
  assert.equal((await ada.reads('by me elsewhere')).own, true);
});

test('markup and scripts are shown as text', async (t) => {
  const { join } = await open(t, browser);
  const [ada, mallory] = [await join('Ada'), await join('<b>Mallory</b>')];
  const texts = ['<script>alert(1)</script>', '<img src=x onerror=alert(1)>', '</div><svg onload=alert(1)>',
    'javascript:alert(1)', '<a href="javascript:alert(1)">x</a>', '{{7*7}} ${alert(1)} <style>*{display:none}</style>'];
  for (const text of texts) {
    await mallory.say(text);
    const seen = await ada.reads(text);
    assert.deepEqual([seen.sender, seen.elements], ['<b>Mallory</b>', 0]);
  }
});

test('only http and https links can be followed, and they tell nothing about this page', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada');
  const text = 'See https://example.org/a_(b)?c=1. Not javascript:alert(1), not data:text/html,x.';
  await ada.say(text);
  await ada.reads(text);
  const links = await ada.page.locator('.text a').evaluateAll((nodes) => nodes.map((a) => [a.href, a.rel, a.target]));
  assert.deepEqual(links, [['https://example.org/a_(b)?c=1', 'noopener noreferrer nofollow', '_blank']]);
});

test('Enter sends, Shift+Enter starts a new line, and nothing is sent without text', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada');
  await ada.write('   ');
  await ada.press('Enter');
  await ada.write('one');
  await ada.press('Shift+Enter');
  await ada.page.keyboard.type('two');
  assert.equal(await ada.written(), 'one\ntwo');
  await ada.press('Enter');
  await ada.reads('one\ntwo');
  assert.deepEqual([await ada.written(), await ada.messageCount()], ['', 1]);
});

test('Enter that ends a composition of an input method does not send', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada');
  await ada.page.locator('#composer textarea').focus();
  const devtools = await ada.context.newCDPSession(ada.page);
  await devtools.send('Input.imeSetComposition', { text: '你好', selectionStart: 2, selectionEnd: 2 });
  await ada.page.keyboard.press('Enter');
  // Browsers that end the composition first mark the key with this number.
  await ada.page.evaluate(() => document.querySelector('#composer textarea').dispatchEvent(
    new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true })));
  await devtools.send('Input.insertText', { text: '你好' });
  assert.equal((await ada.written()).trim(), '你好');
  await ada.say('你好吗');
  await ada.reads('你好吗');
  assert.equal(await ada.messageCount(), 1);
});

test('a message that is too long is refused before it is sent, and its text is kept', async (t) => {
  const small = { 'server.limits.message_bytes_max': 1000 };
  for (const [options, text] of [[{}, '😀'.repeat(4001)], [small, '长'.repeat(400)]]) {
    const { join } = await open(t, browser, { options });
    const ada = await join('Ada');
    await ada.say(text);
    await ada.page.getByText('This message is too long').waitFor();
    assert.equal(await ada.written(), text);
    await ada.say('short');
    await ada.reads('short');
    assert.equal(await ada.messageCount(), 1);
  }
});

test('a name that the server refuses is asked for again, and the accepted one is remembered', async (t) => {
  const { visit } = await open(t, browser);
  const taken = { error: { code: 124, reason: 'NICK_TAKEN', message: 'taken' } };
  const { settings } = play({ hello: ({ nick }) => (nick === 'Ada' ? taken : { nick, userId: 'u-b', defaultRoom: 'lobby' }) });
  const person = await visit(settings);
  await person.giveName('Ada');
  await person.page.getByText('Someone is using this name').waitFor();
  await person.giveName('Beatrix');
  await person.isOnline();
  await person.page.reload();
  await person.isOnline();
  assert.equal(await person.page.locator('#me-name').textContent(), 'Beatrix');
});

test('a name can be changed, and later messages carry the new one', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  await ada.page.locator('#me').click();
  await ada.giveName('Augusta');
  await ada.page.locator('#me-name', { hasText: 'Augusta' }).waitFor();
  await ada.say('It is me.');
  assert.equal((await zeno.reads('It is me.')).sender, 'Augusta');
  assert.equal((await ada.reads('It is me.')).own, true);
});

test('a name of no or too many characters is not accepted', async (t) => {
  const { visit } = await open(t, browser);
  const person = await visit();
  for (const name of ['', '   ', 'x'.repeat(33)]) {
    await person.giveName(name);
    await person.page.getByText('A name has 1 to 32 characters').waitFor();
  }
  // Twice: browsers let the second one close a dialog that refused the first.
  await person.page.keyboard.press('Escape');
  await person.page.keyboard.press('Escape');
  await person.sees('#name-dialog');
  assert.equal(await person.page.evaluate(() => window.watched.sockets.length), 0);
  await person.giveName('😀'.repeat(32));
  await person.isOnline();
});

test('someone who reads older messages keeps the place and is told how many are new', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  for (let i = 1; i <= 30; i += 1) {
    await ada.say(`line ${i}`);
  }
  await zeno.reads('line 30');
  const log = zeno.page.locator('#log');
  assert.ok(await log.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight < 2), 'at the bottom');
  await log.evaluate((node) => { node.scrollTop = 100; });
  await zeno.page.waitForFunction(() => document.querySelector('#log').getAttribute('aria-live') === 'off');
  await ada.say('new one');
  await zeno.page.getByRole('button', { name: '1 new message' }).waitFor();
  await ada.say('new two');
  const button = zeno.page.getByRole('button', { name: '2 new messages' });
  await button.waitFor();
  assert.equal(await log.evaluate((node) => node.scrollTop), 100);
  await button.click();
  await button.waitFor({ state: 'hidden' });
  assert.ok(await log.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight < 2), 'at the bottom');
});

test('the title counts the messages that came while the page was hidden', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  const look = (hidden) => zeno.page.evaluate((value) => {
    window.watched.hidden = value;
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, hidden);
  await look(true);
  await ada.say('one');
  await ada.say('two');
  await zeno.page.waitForFunction(() => document.title === '(2) #lobby · Stoa');
  await zeno.reads('two');
  await look(false);
  await zeno.page.waitForFunction(() => document.title === '#lobby · Stoa');
});

test('a Chinese browser gets the page in Chinese', async (t) => {
  const { visit } = await open(t, browser);
  const person = await visit({ locale: 'zh-CN' });
  await person.page.getByText('欢迎来到 Stoa').waitFor();
  await person.giveName('小明');
  await person.isOnline();
  assert.equal(await person.page.locator('#status').getAttribute('title'), '已连接');
  assert.equal(await person.page.locator('html').getAttribute('lang'), 'zh-CN');
  assert.equal(await person.page.locator('#composer textarea').getAttribute('placeholder'), '发送消息到 #lobby');
});

test('the token of an invitation is taken from the fragment, used, and gone from the address', async (t) => {
  const { visit } = await open(t, browser);
  const hellos = [];
  const person = await visit({ hash: '#token=a.b.c', prepare: (page) => page.routeWebSocket(/./, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((frame) => {
      const bytes = Buffer.from(frame);
      if (bytes.readUInt32BE(0) === 0x80000010) {
        hellos.push(JSON.parse(bytes.subarray(8)).token);
      }
      server.send(frame);
    });
  }) });
  // This server refuses it, and takes a guest.
  await person.isOnline();
  assert.deepEqual([hellos[0], await person.page.evaluate(() => location.hash)], ['a.b.c', '']);
  assert.notEqual(await person.page.evaluate(() => localStorage.getItem('stoa.token')), 'a.b.c');
});

test('a message is edited, deleted, answered and gets reactions, for everybody', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  await ada.say('teh first');
  await ada.readsStored('teh first');
  await ada.page.locator('#composer textarea').press('ArrowUp');
  await ada.writes('teh first');
  await ada.say('the first');
  await zeno.reads('the first');
  await zeno.page.getByText('(edited)').waitFor();
  await zeno.act('the first', 'reply');
  await zeno.say('an answer');
  await ada.page.locator('.quoted', { hasText: 'the first' }).waitFor();
  await zeno.act('the first', 'quick >> nth=0');
  const reaction = ada.page.locator('.reaction', { hasText: '👍' });
  await reaction.waitFor();
  assert.equal(await reaction.getAttribute('aria-pressed'), 'false');
  // Who reacted is told to those who point at it, and to screen readers.
  const who = (wanted) => ada.page.locator(`.reaction[title="${wanted}"][aria-label="${wanted}"]`).waitFor();
  await who('👍, 1 person: Zeno');
  await reaction.click();
  await who('👍, 2 people: you and Zeno');
  await zeno.page.locator('.reaction[aria-pressed=true] .count', { hasText: '2' }).waitFor();
  await ada.act('the first', 'delete');
  await ada.page.locator('#delete-dialog .danger-button').click();
  for (const person of [ada, zeno]) {
    await person.reads('This message was deleted.');
    assert.equal(await person.page.locator('.reaction').count(), 0);
  }
  // Only one's own messages can be edited or deleted.
  await zeno.row('an answer').hover();
  assert.equal(await zeno.row('an answer').locator('.actions .edit').count(), 1);
  await ada.row('an answer').hover();
  assert.equal(await ada.row('an answer').locator('.actions .edit').count(), 0);
});

test('Escape ends editing, and the draft is there again', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada');
  await ada.say('said');
  await ada.readsStored('said');
  await ada.write('a draft');
  await ada.act('said', 'edit');
  assert.equal(await ada.written(), 'said');
  await ada.press('Escape');
  await ada.page.waitForFunction(() => document.querySelector('#composer textarea').value === 'a draft');
});

test('the draft of each room outlives a reload', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada');
  await ada.write('for the lobby');
  await ada.page.evaluate(() => { location.hash = 'other'; });
  await ada.page.locator('#room-name', { hasText: 'other' }).waitFor();
  assert.equal(await ada.written(), '');
  await ada.write('for the other');
  await ada.page.reload();
  await ada.isOnline();
  assert.equal(await ada.written(), 'for the other');
  await ada.page.locator('.room', { hasText: 'lobby' }).click();
  await ada.page.locator('#room-name', { hasText: 'lobby' }).waitFor();
  assert.equal(await ada.written(), 'for the lobby');
});

test('rooms are opened by a link, by Ctrl+K and by the back button', async (t) => {
  const { join, visit } = await open(t, browser);
  const ada = await join('Ada');
  await ada.page.keyboard.press('Control+k');
  await ada.page.locator('#switch-dialog input:focus').waitFor();
  await ada.page.keyboard.type('设计');
  await ada.page.keyboard.press('Enter');
  await ada.page.locator('#room-name', { hasText: '设计' }).waitFor();
  await ada.say('here');
  await ada.readsStored('here');
  const zeno = await visit({ hash: new URL(ada.page.url()).hash });
  await zeno.giveName('Zeno');
  await zeno.reads('here');
  await ada.page.goBack();
  await ada.page.locator('#room-name', { hasText: 'lobby' }).waitFor();
  assert.equal(await ada.messageCount(), 0);
  await zeno.say('to the other room');
  await ada.page.locator('.room', { hasText: '设计' }).locator('.badge', { hasText: '1' }).waitFor();
  await ada.page.goForward();
  await ada.reads('to the other room');
  await ada.page.locator('.unread-line').waitFor();
});

test('bold, code, quotes and blocks are shown as such, and everything else as it was written', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada');
  await ada.say('**bold** _it_ ~~no~~ `a < b` 2*3*4 snake_case_name\n> quoted\n```js\nlet a = "**";\n```');
  await ada.page.locator('.text strong', { hasText: 'bold' }).waitFor();
  const shown = await ada.page.locator('.text').evaluate((node) => ({
    strong: node.querySelector('strong').textContent, em: node.querySelector('em').textContent,
    del: node.querySelector('del').textContent, code: node.querySelector('code').textContent,
    quote: node.querySelector('blockquote').textContent, block: node.querySelector('pre').textContent,
    ems: node.querySelectorAll('em').length, text: node.textContent.includes('2*3*4 snake_case_name'),
  }));
  assert.deepEqual(shown, { strong: 'bold', em: 'it', del: 'no', code: 'a < b', quote: 'quoted', block: 'let a = "**";', ems: 1,
    text: true });
});

test('names of emoji become emoji, and @ suggests people', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  await zeno.say('hello :tada: `:tada:`');
  await ada.reads('hello 🎉 :tada:');
  await ada.page.locator('#composer textarea').pressSequentially('@ze');
  await ada.page.locator('#suggestions [aria-selected=true]', { hasText: 'Zeno' }).waitFor();
  await ada.press('Enter');
  assert.equal(await ada.written(), '@Zeno ');
  await ada.say('@Zeno look');
  await zeno.page.locator('.message.named', { hasText: '@Zeno look' }).waitFor();
  assert.equal(await ada.page.locator('.message.named').count(), 0);
});

test('commands do what they say, and an unknown one keeps the text', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  await ada.say('/me waves');
  await zeno.reads('Ada waves');
  await ada.say('/unknown thing');
  await ada.page.getByText('There is no command /unknown').waitFor();
  assert.equal(await ada.written(), '/unknown thing');
  await ada.say('//usr/bin');
  await zeno.reads('/usr/bin');
  await ada.say('/nick Augusta');
  await ada.page.locator('#me-name', { hasText: 'Augusta' }).waitFor();
  await ada.say('/join garden');
  await ada.page.locator('#room-name', { hasText: 'garden' }).waitFor();
});

test('typing anywhere goes to the message box', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada');
  await ada.page.locator('#log').focus();
  await ada.page.keyboard.type('hello');
  assert.equal(await ada.written(), 'hello');
});

test('a key in a large text changes nothing of the page but the text', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada');
  await ada.say('hello');
  await ada.readsStored('hello');
  await ada.write('word '.repeat(12000));
  await ada.page.evaluate(() => {
    window.changes = 0;
    const count = (changes) => { window.changes += changes.filter(({ target }) => target.closest?.('#list, .side')).length; };
    new MutationObserver(count).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  await ada.press('End');
  await ada.page.keyboard.type('and more');
  assert.match(await ada.written(), /word and more$/);
  assert.equal(await ada.page.evaluate(() => window.changes), 0);
});

// In one test, because the pages of a browser share its clipboard.
test('a text and code are copied as they were written, and the page says so, or that the browser does not allow it', async (t) => {
  const { join } = await open(t, browser);
  const ada = await join('Ada', { permissions: ['clipboard-read', 'clipboard-write'] });
  const copied = () => ada.page.evaluate(() => navigator.clipboard.readText());
  await ada.say('some **bold** text');
  await ada.readsStored('some bold text');
  await ada.act('some bold text', 'copy-text');
  await ada.page.locator('.toast', { hasText: 'Copied' }).waitFor();
  assert.equal(await copied(), 'some **bold** text');
  await ada.say('```\nlet x;\n```');
  const button = ada.page.locator('.message:not(.pending) .copy-code');
  await button.click();
  await ada.page.locator('.copy-code[title="Copied"]').waitFor();
  assert.equal(await copied(), 'let x;');
  // As on pages without TLS.
  await ada.page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await ada.say('```\nlet y;\n```');
  await button.nth(1).click();
  await ada.page.locator('.toast', { hasText: 'does not allow copying' }).waitFor();
  assert.notEqual(await button.nth(1).getAttribute('title'), 'Copied');
});

// ---- against a played server ----

test('too many messages wait by themselves; what a person decides is told with the time left', async (t) => {
  const answers = [{ error: { code: 111, temporary: true, retryMs: 300 } }, { offset: '1', epoch: '1' },
    { error: { code: 120, reason: 'MUTED', temporary: true, retryMs: 90000 } }, { offset: '2', epoch: '1' }];
  const { played, settings } = play({ chat: () => answers.shift() });
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  await ada.say('at once');
  await ada.page.waitForFunction(() => !document.querySelector('.message'));
  played.server.push('chat', message(1, 'at once', { userId: 'u-ada', sender: 'Ada' }));
  await ada.readsStored('at once');
  await ada.say('muted');
  await ada.page.locator('.toast', { hasText: /You are muted\. Try again in \d\d s/ }).waitFor();
  assert.equal((await ada.reads('muted')).state, 'failed');
  await ada.page.getByRole('button', { name: 'Retry' }).click();
  await ada.page.waitForFunction(() => !document.querySelector('.failed'));
  assert.equal(played.server.count('chat'), 4);
});

test('a failed message can be deleted', async (t) => {
  const { settings } = play({ chat: { error: { code: 121, reason: 'BANNED' } } });
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  await ada.say('no');
  await ada.page.locator('.failure .discard').click();
  await ada.seesNot('.message');
});

test('days are separated, and messages of one person within five minutes are grouped', async (t) => {
  const at = (text) => ({ tsMs: String(Date.parse(text)) });
  const items = [
    message(1, 'a', at('2026-01-02T10:00:00Z')),
    message(2, 'b', at('2026-01-02T10:04:00Z')),
    message(3, 'c', at('2026-01-02T10:09:30Z')),
    message(4, 'd', { ...at('2026-01-02T10:09:40Z'), sender: 'Chrysippus', userId: 'u-c' }),
    message(5, 'next day', { ...at('2026-01-03T10:09:50Z'), sender: 'Chrysippus', userId: 'u-c' }),
  ];
  const { settings } = play({ join: { room: 'lobby', epoch: '1', offset: '5', items } });
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  await ada.reads('next day');
  const rows = await ada.page.locator('#list > * > *').evaluateAll((nodes, names) => nodes.map((node) =>
    [node.classList[0], ...names.filter((name) => node.classList.contains(name))].join(' ')), GROUP);
  assert.deepEqual(rows, ['day', 'message head', 'message continues', 'message head', 'message head', 'day', 'message head']);
});

test('who is there and who types is told, without a jump of the page', async (t) => {
  const member = (userId, nick, more) => ({ userId, nick, sessions: 1, ...more });
  const presence = { version: '1', total: 3,
    members: [member('u-z', 'Zeno', { away: true }), member('u-b', 'Beatrix', { role: 1 }), member('u-ada', 'Ada')] };
  const { played, settings } = play({ join: { room: 'lobby', epoch: '1', offset: '0', presence } });
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  const names = () => ada.page.locator('.member-name').allTextContents();
  await ada.sees('.member');
  assert.deepEqual(await names(), ['Ada', 'Beatrix', 'Zeno']);
  assert.equal(await ada.page.locator('.member.away').count(), 1);
  const top = () => ada.page.locator('#composer').evaluate((node) => node.getBoundingClientRect().top);
  const before = await top();
  played.server.push('typing', { room: 'lobby', state: 0, userId: 'u-z', nick: 'Zeno' });
  await ada.page.getByText('Zeno is typing…').waitFor();
  assert.equal(await top(), before);
  played.server.push('chat', message(1, 'typed', { userId: 'u-z' }));
  await ada.reads('typed');
  await ada.page.getByText('is typing').waitFor({ state: 'detached' });
  played.server.push('presenceDiff', { room: 'lobby', version: '2', joins: [member('u-c', 'Cleo')], leaves: ['u-b'], total: 3 });
  await ada.page.locator('.member', { hasText: 'Cleo' }).waitFor();
  assert.deepEqual(await names(), ['Ada', 'Cleo', 'Zeno']);
  await ada.write('x');
  await ada.page.waitForFunction(() => document.querySelector('#composer textarea').value === 'x');
});

test('a server that knows little more than chatting is enough, and is not asked again', async (t) => {
  const { played, settings } = play();
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  played.server.push('chat', message(1, 'hello'));
  await ada.reads('hello');
  assert.equal(await ada.page.locator('.toast').count(), 0);
  await ada.page.waitForFunction(() => document.querySelector('.room.open'));
  await ada.page.locator('#search-button').click();
  await ada.sees('input:focus');
  await ada.page.keyboard.type('x');
  await ada.page.getByText('This server cannot do this yet.').waitFor();
  assert.equal(played.server.count('rooms'), 1);
});

test('found messages are marked, and lead to their place', async (t) => {
  const all = Array.from({ length: 400 }, (_, at) => message(at + 1, `line ${at + 1}`));
  const page = ({ before, after, limit = 50 }) => {
    const some = all.filter(({ offset }) => (!Number(before) || +offset < before) && (!Number(after) || +offset > after));
    const items = Number(after) ? some.slice(0, limit) : some.slice(-limit);
    return { items, top: '400', epoch: '1', more: some.length > items.length };
  };
  const { settings } = play({
    join: { room: 'lobby', epoch: '1', offset: '400', items: all.slice(-50), moreBefore: true },
    history: page,
    search: ({ text }) => ({ items: all.filter((one) => one.message === text).reverse(), top: '400', epoch: '1' }),
  });
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  await ada.reads('line 400');
  await ada.say('/search line 42');
  await ada.page.locator('.result mark', { hasText: 'line 42' }).waitFor();
  await ada.page.locator('.result').click();
  await ada.page.locator('.message.target', { hasText: 'line 42' }).waitFor();
  const box = await ada.row('line 42').boundingBox();
  assert.ok(box.y > 0 && box.y < 800, JSON.stringify(box));
  assert.equal(await ada.page.getByText('line 400', { exact: true }).count(), 0);
  await ada.page.locator('#newer').click();
  await ada.page.getByText('line 400', { exact: true }).waitFor();
});

test('a person who is removed from a room is told, and may join again', async (t) => {
  const { played, settings } = play();
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  played.server.push('left', { room: 'lobby', code: 121, reason: 'BANNED' });
  await ada.page.getByText('You are banned from this room.').waitFor();
  await ada.page.getByRole('button', { name: 'Join again' }).click();
  await ada.sees('#composer');
  assert.equal(played.server.count('join'), 2);
});

test('nothing that is stored runs: texts, names, rooms, topics', async (t) => {
  const evil = ['<img src=x onerror=alert(1)>', '"><script>alert(1)</script>', 'javascript:alert(1)', '[x](javascript:alert(1))',
    '```<svg onload=alert(1)>```', '> <iframe srcdoc="<script>alert(1)</script>">', '**<b onmouseover=alert(1)>x</b>**'];
  const items = evil.flatMap((text, at) => [
    message(2 * at + 1, text, { sender: text, userId: text, reactions: { [text.slice(0, 30)]: { count: 1 } } }),
    message(2 * at + 2, text, { sender: text, replyTo: String(2 * at + 1) }),
  ]);
  const members = evil.map((nick, at) => ({ userId: `u${at}`, nick, sessions: 1 }));
  const { settings } = play({
    join: { room: 'lobby', epoch: '1', offset: '99', topic: evil[0], items, presence: { version: '1', members, total: 7 } },
    rooms: { rooms: evil.map((name) => ({ name, topic: name })) },
    search: { items, top: '99', epoch: '1' },
  });
  const { join } = await open(t, browser);
  const ada = await join('Ada', settings);
  await ada.sees('.member');
  await ada.page.locator('#search-button').click();
  await ada.sees('input:focus');
  await ada.page.keyboard.type('a');
  await ada.sees('.result');
  const found = await ada.page.evaluate(() => ({
    elements: document.querySelectorAll('#app :is(img, script, iframe, b[onmouseover], [onload], [onerror])').length,
    links: [...document.querySelectorAll('#list a')].map((link) => link.protocol).filter((one) => !/^https?:$/.test(one)),
    alerts: window.alerts ?? 0,
  }));
  assert.deepEqual(found, { elements: 0, links: [], alerts: 0 });
});

await run({ atOnce: 3 });
