// The messages of a room, folded: what a client builds from pushes is what a fresh client fetches.

import assert from 'node:assert/strict';

import { run, test } from '../lib/tap.mjs';
import { load, temporaryFolder } from './build.mjs';
import { Chance } from './chance.mjs';
import { begin, inRoom, inWorld, texts } from './chat_world.mjs';

const { addMessage, addPage, applyEvent, EMPTY, EventKind, pageItems } =
  await load("export * from '@stoa/client/chat';", temporaryFolder());
const { EVENT_EDIT, EVENT_DELETE, EVENT_REACT, EVENT_TOPIC } = EventKind;

const ME = 'me';
const USERS = [ME, 'bob', 'cy'];
const EMOJI = ['👍', '🎉'];

// The log of a room, and pages of it that are folded from its beginning by other means than the client's.
class Log {
  rows = [];
  #offset = 0n;

  constructor(chance) { this.chance = chance; }

  // A message, or an event of one: as a server would store it.
  append() {
    const { chance } = this;
    const chats = this.rows.filter(({ message }) => message !== undefined);
    const userId = chance.of(USERS);
    // Gaps are allowed.
    this.#offset += 1n + BigInt(chance.below(3));
    const offset = this.#offset;
    if (chats.length === 0 || chance.below(2) === 0) {
      this.rows.push({
        offset, epoch: 1n, userId, message: `text ${offset}`, sender: `nick of ${userId}`, replyTo: offset / 2n,
        deleted: false, editedMs: 0n, reactions: new Map(),
      });
    } else {
      const { offset: target } = chance.of(chats.slice(-8));
      const kind = chance.of([EVENT_EDIT, EVENT_DELETE, EVENT_REACT, EVENT_REACT, EVENT_REACT, EVENT_TOPIC, 99]);
      this.rows.push({
        kind, offset, epoch: 1n, target, userId, text: `edit ${offset}`, tsMs: offset * 10n, emoji: chance.of(EMOJI), off: false,
      });
      this.#setOrTakeBack(this.rows.at(-1));
    }
    return this.rows.at(-1);
  }

  // Only a reaction that is not there is set, only one that is there is taken back.
  #setOrTakeBack(row) {
    row.off = row.kind === EVENT_REACT && this.#who(row.target, row.emoji, row.offset - 1n).has(row.userId);
  }

  #who(target, emoji, top) {
    const users = new Set();
    for (const row of this.rows) {
      if (row.kind === EVENT_REACT && row.target === target && row.emoji === emoji && row.offset <= top) {
        users[row.off ? 'delete' : 'add'](row.userId);
      }
    }
    return users;
  }

  #fold(chat, top) {
    const events = this.rows.filter(({ kind, target, offset }) => kind && target === chat.offset && offset <= top);
    if (events.some(({ kind }) => kind === EVENT_DELETE)) {
      return { ...chat, message: '', sender: '', replyTo: 0n, deleted: true };
    }
    const edit = events.findLast(({ kind }) => kind === EVENT_EDIT);
    const reactions = EMOJI.map((emoji) => [emoji, this.#who(chat.offset, emoji, top)])
      .filter(([, users]) => users.size > 0)
      .map(([emoji, users]) => [emoji, { count: users.size, mine: users.has(ME) }]);
    return { ...chat, message: edit?.text ?? chat.message, editedMs: edit?.tsMs ?? 0n, reactions: new Map(reactions) };
  }

  // The last `limit` messages below `before`, as of `top`.
  page(limit, top = this.#offset, before = 2n ** 64n) {
    const chats = this.rows.filter(({ message, offset }) => message !== undefined && offset <= top && offset < before);
    return {
      items: chats.slice(-limit).map((chat) => this.#fold(chat, top)), top, more: chats.length > limit,
    };
  }
}

const plain = (items) => items.map(({ asOf, reactions, ...rest }) => ({
  ...rest, reactions: [...reactions].sort(([one], [other]) => (one < other ? -1 : 1)),
}));

const take = (window, row, max) => (row.message === undefined ? applyEvent(window, row, ME) : addMessage(window, row, max));

test('what is built from a page and from pushes is what a fresh page has, at every moment', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const chance = new Chance(seed);
    const log = new Log(chance);
    const max = 1 + chance.below(12);
    for (let i = chance.below(30); i > 0; i -= 1) {
      log.append();
    }
    const first = log.page(max);
    let window = addPage(EMPTY, pageItems(first.items, first.top, [], ME), 'after', false, max);
    for (let i = 0; i < 60; i += 1) {
      window = take(window, log.append(), max);
      assert.deepEqual(plain(window.items), plain(log.page(window.items.length).items), `seed ${seed}, step ${i}`);
    }
  }
});

test('older pages, late and with events meanwhile, fit to what is there', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const chance = new Chance(seed);
    const log = new Log(chance);
    for (let i = 0; i < 60; i += 1) {
      log.append();
    }
    const first = log.page(5);
    let window = addPage(EMPTY, pageItems(first.items, first.top, [], ME), 'after', false, 1000);
    for (let more = true; more;) {
      // The server reads the page at once, or later; its answer comes later still.
      const [pushed, events] = [[], []];
      const grow = () => {
        for (let i = chance.below(4); i > 0; i -= 1) {
          pushed.push(log.append());
        }
      };
      const edge = window.items[0].offset;
      grow();
      const page = log.page(4, undefined, edge);
      grow();
      pushed.forEach((row) => {
        window = take(window, row, 1000);
        events.push(...(row.message === undefined ? [row] : []));
      });
      const newer = events.filter(({ offset }) => offset > page.top);
      window = addPage(window, pageItems(page.items, page.top, newer, ME), 'before', page.more, 1000);
      assert.deepEqual(plain(window.items), plain(log.page(window.items.length).items), `seed ${seed}`);
      more = page.more;
    }
    assert.equal(window.moreBefore, false);
  }
});

test('a window has at most as many messages as it may, and says on which sides there are more', async () => {
  const items = (from, to) => pageItems(
    Array.from({ length: to - from + 1 }, (_, i) => ({ offset: BigInt(from + i), reactions: new Map() })), 100n, [], ME);
  const offsets = ({ items: found }) => found.map(({ offset }) => Number(offset));
  let window = addPage(EMPTY, items(7, 9), 'after', false, 3);
  assert.deepEqual([offsets(window), window.moreBefore, window.moreAfter], [[7, 8, 9], false, false]);
  window = addPage(window, items(5, 7), 'before', true, 3);
  assert.deepEqual([offsets(window), window.moreBefore, window.moreAfter], [[5, 6, 7], true, true]);
  assert.equal(addMessage(window, { offset: 10n }, 3), window);
  window = addPage(window, items(8, 9), 'after', false, 3);
  assert.deepEqual([offsets(window), window.moreBefore, window.moreAfter], [[7, 8, 9], true, false]);
  assert.equal(addMessage(window, { offset: 9n }, 3), window);
  window = addMessage(window, { offset: 10n }, 3);
  assert.deepEqual(offsets(window), [8, 9, 10]);
  assert.deepEqual(addMessage(EMPTY, { offset: 1n }, 0).items.length, 0);
});

test('a message that changes is a new object, and the others stay', async () => {
  const [one, two] = [1n, 2n].map((offset) => ({ offset, message: 'x', reactions: new Map() }));
  const before = addPage(EMPTY, pageItems([one, two], 2n, [], ME), 'after', false, 9);
  const event = { kind: EVENT_EDIT, target: 2n, offset: 3n, text: 'y', tsMs: 5n };
  const after = applyEvent(before, event, ME);
  assert.notEqual(after.items[1], before.items[1]);
  assert.equal(after.items[0], before.items[0]);
  assert.equal(before.items[1].message, 'x');
  for (const late of [event, { ...event, offset: 4n, kind: EVENT_TOPIC, target: 0n }, { ...event, offset: 4n, target: 77n }]) {
    const { items, ...more } = applyEvent(after, late, ME);
    assert.ok(items.every((item, index) => item === after.items[index]));
    assert.deepEqual({ items, ...more }, after);
  }
  // Of a kind that is newer than this.
  assert.deepEqual(applyEvent(after, { ...event, offset: 4n, kind: 9 }, ME).items[1], { ...after.items[1], asOf: 4n });
});

// ---- a room's pages, and what comes while they are on their way ----

const page = (from, to, more = {}) => ({
  items: Array.from({ length: to - from + 1 }, (_, i) => ({ offset: String(from + i), epoch: '1', message: `m${from + i}` })),
  top: '10', epoch: '1', ...more,
});

inWorld('older messages are put before, and newer ones are left out when there are too many', async (world) => {
  const { chat, server } = begin(world);
  await server.welcome();
  const room = chat.join('lobby', { windowMax: 4 });
  server.admit({ items: page(8, 10).items, moreBefore: true });
  const older = room.loadOlder(3);
  assert.deepEqual(server.sent('history')[0], { room: 'lobby', epoch: '1', before: '8', limit: 3 });
  server.reply('history', page(5, 7, { more: true }));
  await older;
  assert.deepEqual([texts(room), room.window.moreBefore, room.window.moreAfter], [['m5', 'm6', 'm7', 'm8'], true, true]);
  server.chat(11);
  assert.deepEqual(texts(room), ['m5', 'm6', 'm7', 'm8']);
  // One arrives while the last page is on its way.
  const newer = room.loadNewer(5);
  assert.equal(server.sent('history')[1].after, '8');
  server.chat(12);
  server.reply('history', page(9, 11, { top: '11' }));
  await newer;
  assert.deepEqual([texts(room), room.window.moreAfter], [['m9', 'm10', 'm11', 'm12'], false]);
  server.chat(13);
  assert.deepEqual(texts(room), ['m10', 'm11', 'm12', 'm13']);
  const newest = room.loadNewest(2);
  server.reply('history', page(12, 13, { top: '13', more: true }));
  await newest;
  assert.deepEqual([texts(room), room.window.moreBefore], [['m12', 'm13'], true]);
});

inWorld('what happens to a page while it is on its way is in it once', async (world) => {
  const { server, room } = await inRoom(world);
  const older = room.loadOlder();
  server.event(11, 'EVENT_REACT', { target: '9', emoji: '👍' });
  server.event(12, 'EVENT_REACT', { target: '9', emoji: '👍', userId: 'u1' });
  const items = page(9, 9).items.map((item) => ({ ...item, reactions: { '👍': { count: 1 } } }));
  server.reply('history', { items, top: '11', epoch: '1' });
  await older;
  assert.deepEqual([...room.messages[0].reactions], [['👍', { count: 2, mine: true }]]);
});

await run();
