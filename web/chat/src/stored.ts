// stored.ts: what the page keeps in the browser: name, token, drafts, settings.
//
// The browser's settings may forbid storage; then everything is as on a first visit.

// Two chats of one host have storage of their own.
const folder = location.pathname.replace(/[^/]*$/, '');
const PREFIX = folder === '/' ? 'stoa.' : `stoa.${folder}.`;
const DRAFTS_MAX = 20;
const ROOMS_MAX = 30;

export function stored(key: string): string {
  try {
    return localStorage.getItem(PREFIX + key) ?? '';
  } catch {
    return '';
  }
}

export function store(key: string, value: string): void {
  try {
    if (value) {
      localStorage.setItem(PREFIX + key, value);
    } else {
      localStorage.removeItem(PREFIX + key);
    }
  } catch {
    // Full, or forbidden.
  }
}

function list(key: string): unknown[] {
  try {
    const value: unknown = JSON.parse(stored(key) || '[]');
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Rooms that this person has opened, the last one first. */
export function visitedRooms(): string[] {
  return list('rooms').filter(isText);
}

export function storeVisit(room: string): void {
  store('rooms', JSON.stringify([room, ...visitedRooms().filter((name) => name !== room)].slice(0, ROOMS_MAX)));
}

export function forgetVisit(room: string): void {
  store('rooms', JSON.stringify(visitedRooms().filter((name) => name !== room)));
}

type Draft = [room: string, text: string];

const drafts = (): Draft[] =>
  list('drafts').filter((one): one is Draft => Array.isArray(one) && isText(one[0]) && isText(one[1]));

export const draftOf = (room: string): string => drafts().find(([name]) => name === room)?.[1] ?? '';

export function storeDraft(room: string, text: string): void {
  const others = drafts().filter(([name]) => name !== room);
  const all: Draft[] = text ? [[room, text], ...others] : others;
  store('drafts', all.length ? JSON.stringify(all.slice(0, DRAFTS_MAX)) : '');
}

const LINK = '#token=';

/** The token of an invitation, https://host/#token=..., takes the place of the one of the last visit. A fragment is
 *  never sent to a server, so no log has it; the address bar and the history lose it here. Returns whether there was
 *  one. */
export function takeInvitation(): boolean {
  if (!location.hash.startsWith(LINK)) {
    return false;
  }
  store('token', location.hash.slice(LINK.length));
  history.replaceState(null, '', location.pathname + location.search);
  return true;
}
