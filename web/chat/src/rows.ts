// rows.ts: what the list of messages shows, from a room's messages: days, groups, the line above what is unread.
//
// Pure.
import { type Item, type Outgoing } from '@stoa/client/chat';

export type Row =
  | { kind: 'day'; key: string; ms: number }
  | { kind: 'unread' | 'gap'; key: string }
  | { kind: 'message'; key: string; item: Item; isHead: boolean; ms: number }
  | { kind: 'outgoing'; key: string; message: Outgoing; state: Outgoing['state']; isHead: boolean };

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

const DAY_MS = 24 * 3600 * 1000;

// From midnight to midnight here; with a change of the clock the day may end an hour later.
function dayOf(ms: number): { name: string; from: number; until: number } {
  const date = new Date(ms);
  const name = date.toDateString();
  return { name, from: date.setHours(0, 0, 0, 0), until: date.getTime() + DAY_MS - 3600 * 1000 };
}

export function rowsOf(items: readonly Item[], outgoing: readonly Outgoing[], marks: Marks): Row[] {
  const rows: Row[] = [];
  let last: { user: string; ms: number } | undefined;
  let day = { name: '', from: 0, until: 0 };
  let isUnreadShown = false;
  const mark = (row: Row) => {
    rows.push(row);
    last = undefined;
  };
  const isContinued = (user: string, ms: number) => last?.user === user && ms - last.ms <= GROUP_MS;
  const startDay = (ms: number) => {
    if (!ms || (ms >= day.from && ms < day.until)) {
      return;
    }
    const { name } = day;
    day = dayOf(ms);
    if (day.name !== name) {
      mark({ kind: 'day', key: `day ${day.name}`, ms });
    }
  };
  for (const item of items) {
    const ms = timeOf(item);
    const user = `${item.userId} ${item.sender}`;
    if (item.offset === marks.gapBefore) {
      mark({ kind: 'gap', key: 'gap' });
    }
    startDay(ms);
    if (!isUnreadShown && marks.unreadAfter !== undefined && item.offset > marks.unreadAfter && item.userId !== marks.me) {
      isUnreadShown = true;
      mark({ kind: 'unread', key: 'unread' });
    }
    const isOwn = item.userId === marks.me && marks.isSentHere(item.clientMsgId);
    const key = isOwn ? `own ${item.clientMsgId}` : String(item.offset);
    const isHead = item.replyTo > 0n || item.deleted || !isContinued(user, ms);
    rows.push({ kind: 'message', key, item, isHead, ms });
    last = item.deleted ? undefined : { user, ms };
  }
  let isFirst = true;
  for (const message of outgoing) {
    startDay(message.sinceMs);
    const isHead = isFirst ? message.replyTo > 0n || last?.user.startsWith(`${marks.me} `) !== true : message.replyTo > 0n;
    isFirst = false;
    rows.push({ kind: 'outgoing', key: `own ${message.clientMsgId}`, message, state: message.state, isHead });
  }
  return rows;
}
