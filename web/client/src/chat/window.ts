// window.ts: the messages of a room as a page shows them, built from pages and from what follows them live.
//
// A page is folded as of its `top`: edits, deletions and reactions up to that offset are in it, so an event is applied to
// a message only when its offset is above. The same window comes from pages alone and from pushes alone.
//
// All functions are pure: they return a new window, in which only the messages that have changed are new objects.
//
// Does not know: connections, other people's typing, what a page shows of it.
import { type ChatMessage, type EventMessage } from '../api/chatroom/v1/chatroom.stoa.js';
import { Known } from './replies.js';

/** A message, and the offset up to which events are in it. */
export interface Item extends ChatMessage {
  readonly asOf: bigint;
}

export interface Window {
  /** Oldest first. */
  readonly items: readonly Item[];
  /** The room has older, or newer, messages than these. */
  readonly moreBefore: boolean;
  readonly moreAfter: boolean;
}

export const EMPTY: Window = { items: [], moreBefore: false, moreAfter: false };

/** The messages of a page as of its `top`. @internal */
export const itemsOf = (items: readonly ChatMessage[], top: bigint): Item[] => items.map((item) => ({ ...item, asOf: top }));

/** The messages of a page, with the events that were received while it was on its way. */
export function pageItems(
  items: readonly ChatMessage[],
  top: bigint,
  events: readonly EventMessage[],
  me: string,
): Item[] {
  const page = { ...EMPTY, items: itemsOf(items, top) };
  return [...events.reduce<Window>((window, event) => applyEvent(window, event, me), page).items];
}

/** Put a page in. Of a message that is there already the newer state is kept. With more than `max` messages, those at
 *  the other end are left out. `side` is where the page belongs, `more` whether the room goes on there. */
export function addPage(
  window: Window,
  page: readonly Item[],
  side: 'before' | 'after',
  more: boolean,
  max: number,
): Window {
  const by = (key: 'asOf' | 'offset') => (one: Item, other: Item) => Number(one[key] - other[key]);
  const all = [...window.items, ...page].sort(by('asOf')).map((item) => [item.offset, item] as const);
  const items = [...new Map(all).values()].sort(by('offset'));
  const extra = Math.max(0, items.length - max);
  return side === 'before'
    ? { items: items.slice(0, max), moreBefore: more, moreAfter: window.moreAfter || extra > 0 }
    : { items: items.slice(extra), moreBefore: window.moreBefore || extra > 0, moreAfter: more };
}

/** A live message; with more than `max` the oldest tenth is left out. A window that does not reach the end of the room
 *  does not take it. */
export function addMessage(window: Window, message: ChatMessage, max: number): Window {
  const { items, moreAfter } = window;
  // A tenth of them at once: a list that loses its first line with every new one would move as a whole each time.
  const left = items.length < max ? max : max * 0.9;
  return moreAfter || items[items.length - 1]?.offset >= message.offset
    ? window
    : addPage(window, itemsOf([message], message.offset), 'after', false, left);
}

// What an event makes of a message, as the server folds: of a deleted message only its place and its user id are left, a
// reaction that nobody has any more is gone, and other kinds of events change nothing.
function changes(item: Item, { kind, text, tsMs, emoji, off, userId }: EventMessage, me: string): Partial<Item> {
  if (kind === Known.EVENT_DELETE) {
    return { message: '', sender: '', replyTo: 0n, deleted: true, editedMs: 0n, reactions: new Map() };
  }
  if (item.deleted) {
    return {};
  }
  if (kind === Known.EVENT_EDIT) {
    return { message: text, editedMs: tsMs };
  }
  if (kind !== Known.EVENT_REACT) {
    return {};
  }
  const reactions = new Map(item.reactions);
  const { count = 0, mine = false } = reactions.get(emoji) ?? {};
  const left = off ? count - 1 : count + 1;
  reactions.set(emoji, { count: left, mine: userId === me ? !off : mine });
  if (left < 1) {
    reactions.delete(emoji);
  }
  return { reactions };
}

/** `me` is one's own user id. */
export function applyEvent(window: Window, event: EventMessage, me: string): Window {
  const { offset, target } = event;
  const items = window.items.map((item) => (item.offset === target && item.asOf < offset
    ? { ...item, asOf: offset, ...changes(item, event, me) }
    : item));
  return { ...window, items };
}
