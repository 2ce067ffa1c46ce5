// rows.ts: what the list of messages shows, from a room's messages: days, groups, the line above what is unread; the
// blocks that the rows are drawn in; and how much of a loaded page one frame shows.
//
// A row, and a block, is the same object as before unless something of it has changed, so that views can compare them.
import { type Item, type Outgoing } from '@stoa/client/chat';

export type Row =
  | { kind: 'day'; key: string; ms: number }
  | { kind: 'unread' | 'gap'; key: string }
  | { kind: 'message'; key: string; item: Item; isHead: boolean; ms: number; quoted: Item | undefined }
  | {
      kind: 'outgoing'; key: string; message: Outgoing; state: Outgoing['state']; isHead: boolean;
      quoted: Item | undefined;
    };

/** So many messages fit into a frame with what else it has to do. */
export const STEP_MESSAGES = 3;
// More are taken out with the frame that puts others in.
const GONE_MAX = 60;

/** What the next frame shows of all messages, when `shown` is what the last one did: of a page that was loaded above
 *  or, with `isBelow`, below it, a few more each time. What is no longer among all goes with a frame of its own: before
 *  the page comes, or, for who follows what is new, after that. All, when nothing of the two is the same. */
export function nextStep(shown: readonly Item[], all: readonly Item[], isBelow: boolean): readonly Item[] {
  const last = all.length - 1;
  const before = shown.filter(({ offset }) => offset < (all[0]?.offset ?? 0n));
  const after = shown.filter(({ offset }) => offset > (all[last]?.offset ?? 0n));
  const from = shown[before.length]?.offset;
  const until = shown[shown.length - after.length - 1]?.offset;
  if (from === undefined || until === undefined || from > until) {
    return all;
  }
  const low = all.findIndex(({ offset }) => offset >= from);
  let high = last;
  while (all[high]!.offset > until) {
    high -= 1;
  }
  if (isBelow && before.length + after.length > 0) {
    return all.slice(low, high + 1);
  }
  const kept = high < last && before.length <= GONE_MAX ? before : [];
  return [...kept, ...all.slice(Math.max(0, low - STEP_MESSAGES), isBelow ? high + 1 + STEP_MESSAGES : last + 1)];
}

/** Are these all messages, and no others? */
export const isWhole = (shown: readonly Item[], all: readonly Item[]): boolean =>
  shown.length === all.length && shown[0]?.offset === all[0]?.offset && shown.at(-1)?.offset === all.at(-1)?.offset;

export interface Marks {
  /** Messages above this offset are unread. */
  unreadAfter?: bigint;
  /** Before this message some are missing. */
  gapBefore?: bigint;
  me: string;
  /** Messages that this page sent keep their row when they are stored. */
  isSentHere(clientMsgId: string): boolean;
}

const GROUP_MS = 5 * 60 * 1000;

export const timeOf = (item: Item): number => Number(item.tsMs) || Date.parse(item.timestamp) || 0;

interface Facts {
  ms: number;
  user: string;
  key: string;
}

// Of an item, which never changes. Rows are made again with every message that arrives.
const known = new WeakMap<Item, Facts>();

function factsOf(item: Item): Facts {
  let facts = known.get(item);
  if (!facts) {
    facts = { ms: timeOf(item), user: `${item.userId} ${item.sender}`, key: String(item.offset) };
    known.set(item, facts);
  }
  return facts;
}

const DAY_MS = 24 * 3600 * 1000;

interface Day {
  name: string;
  from: number;
  until: number;
  /** When this was found out: the computer may be taken to another time zone. */
  atMs: number;
}

const NO_DAY: Day = { name: '', from: 0, until: 0, atMs: 0 };
const DAY_KNOWN_MS = 60 * 1000;
let lastDay = NO_DAY;

const isIn = ({ from, until }: Day, ms: number): boolean => ms >= from && ms < until;

// From midnight to midnight here; with a change of the clock the day may end an hour later.
function dayOf(ms: number): Day {
  const atMs = Date.now();
  if (!isIn(lastDay, ms) || Math.abs(atMs - lastDay.atMs) > DAY_KNOWN_MS) {
    const date = new Date(ms);
    const name = date.toDateString();
    lastDay = { name, from: date.setHours(0, 0, 0, 0), until: date.getTime() + DAY_MS - 3600 * 1000, atMs };
  }
  return lastDay;
}

export function rowsOf(items: readonly Item[], outgoing: readonly Outgoing[], marks: Marks): Row[] {
  const rows: Row[] = [];
  let byOffset: Map<bigint, Item> | undefined;
  const quotedBy = (offset: bigint): Item | undefined => {
    if (offset <= 0n) {
      return undefined;
    }
    byOffset ??= new Map(items.map((item) => [item.offset, item]));
    return byOffset.get(offset);
  };
  let last: { user: string; ms: number } | undefined;
  let day = NO_DAY;
  let isUnreadShown = false;
  const mark = (row: Row) => {
    rows.push(row);
    last = undefined;
  };
  const isContinued = (user: string, ms: number) => last?.user === user && ms - last.ms <= GROUP_MS;
  const startDay = (ms: number) => {
    if (!ms || isIn(day, ms)) {
      return;
    }
    const { name } = day;
    day = dayOf(ms);
    if (day.name !== name) {
      mark({ kind: 'day', key: `day ${day.name}`, ms });
    }
  };
  for (const item of items) {
    const facts = factsOf(item);
    const { ms, user } = facts;
    if (item.offset === marks.gapBefore) {
      mark({ kind: 'gap', key: 'gap' });
    }
    startDay(ms);
    if (!isUnreadShown && marks.unreadAfter !== undefined && item.offset > marks.unreadAfter && item.userId !== marks.me) {
      isUnreadShown = true;
      mark({ kind: 'unread', key: 'unread' });
    }
    const isOwn = item.userId === marks.me && marks.isSentHere(item.clientMsgId);
    const key = isOwn ? `own ${item.clientMsgId}` : facts.key;
    const isHead = item.replyTo > 0n || item.deleted || !isContinued(user, ms);
    rows.push({ kind: 'message', key, item, isHead, ms, quoted: quotedBy(item.replyTo) });
    last = item.deleted ? undefined : { user, ms };
  }
  let isFirst = true;
  for (const message of outgoing) {
    startDay(message.sinceMs);
    const isHead = isFirst ? message.replyTo > 0n || last?.user.startsWith(`${marks.me} `) !== true : message.replyTo > 0n;
    isFirst = false;
    const quoted = quotedBy(message.replyTo);
    rows.push({ kind: 'outgoing', key: `own ${message.clientMsgId}`, message, state: message.state, isHead, quoted });
  }
  return rows;
}

// ---- blocks ----

export interface Block {
  key: number;
  rows: Row[];
}

// A change costs the layout and the paint of one block, and a walk over all blocks.
const BLOCK_ROWS = 24;

function isSameRow(one: any, other: any): boolean {
  for (const key in other) {
    if (one[key] !== other[key]) {
      return false;
    }
  }
  return true;
}
const isSameList = (one: readonly Row[], other: readonly Row[]): boolean =>
  one.length === other.length && one.every((row, at) => row === other[at]);

// A message, or a line and the message below it, whose margins are one.
function unitsOf(rows: readonly Row[]): Row[][] {
  const units: Row[][] = [];
  let unit: Row[] = [];
  for (const row of rows) {
    unit.push(row);
    if (row.kind === 'message' || row.kind === 'outgoing') {
      units.push(unit);
      unit = [];
    }
  }
  return unit.length ? [...units, unit] : units;
}

const keyOf = (unit: Row[]): string => unit[unit.length - 1]!.key;

/** Divides the rows of a list into blocks. A message stays in its block, whatever comes and goes around it: an element
 *  that moves to another one loses the focus and is read aloud again. */
export class Blocks {
  private rows = new Map<string, Row>();
  private blocks = new Map<number, Block>();
  private blockOf = new Map<string, number>();
  private keys = 0;

  /** The blocks of these rows, in their order. */
  update(next: readonly Row[]): Block[] {
    const known = new Map<string, Row>();
    const rows = next.map((row) => {
      const before = this.rows.get(row.key);
      const same = before && isSameRow(before, row) ? before : row;
      known.set(row.key, same);
      return same;
    });
    const all = this.divide(unitsOf(rows)).flatMap((block) => this.split(block)).map((block) => {
      const before = this.blocks.get(block.key);
      return before && isSameList(before.rows, block.rows) ? before : block;
    });
    this.rows = known;
    this.remember(all);
    return all;
  }

  private remember(all: readonly Block[]): void {
    this.blocks = new Map();
    this.blockOf = new Map();
    for (const block of all) {
      this.blocks.set(block.key, block);
      for (const { key } of block.rows) {
        this.blockOf.set(key, block.key);
      }
    }
  }

  private divide(units: readonly Row[][]): Block[] {
    const all: Block[] = [];
    const used = new Set<number>();
    let current: Block | undefined;
    const open = (key: number): Block => {
      used.add(key);
      current = { key, rows: [] };
      all.push(current);
      return current;
    };
    // Where the message was before, unless other blocks have come between.
    const homeOf = (unit: Row[]): number | undefined => {
      const key = this.blockOf.get(keyOf(unit));
      return key === current?.key || !used.has(key!) ? key : undefined;
    };
    let run: Row[][] = [];
    // Messages that were not there before, above one that was.
    const placeAbove = (home: number): void => {
      if (home !== current?.key && this.blocks.get(home)!.rows.length + run.length <= BLOCK_ROWS) {
        open(home);
      }
      run.forEach((unit, index) => {
        const isNew = home !== current?.key && index % BLOCK_ROWS === 0;
        (isNew ? open(++this.keys) : current!).rows.push(...unit);
      });
      run = [];
    };
    for (const unit of units) {
      const home = homeOf(unit);
      if (home === undefined) {
        run.push(unit);
      } else {
        placeAbove(home);
        (home === current?.key ? current! : open(home)).rows.push(...unit);
      }
    }
    for (const unit of run) {
      (!current || current.rows.length >= BLOCK_ROWS ? open(++this.keys) : current).rows.push(...unit);
    }
    return all;
  }

  // The last rows keep the block, because a person may be busy with a message that waits there.
  private split(block: Block): Block[] {
    const { key, rows } = block;
    return rows.length < 2 * BLOCK_ROWS ? [block]
      : [{ key: ++this.keys, rows: rows.slice(0, -BLOCK_ROWS) }, { key, rows: rows.slice(-BLOCK_ROWS) }];
  }
}
