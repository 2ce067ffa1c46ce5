// language.ts: texts, dates and plurals in the language of the page.
import { type Entry, type Key, LANGUAGES } from './words.js';

const tableName = (language: string): string => language.split('-')[0]!.toLowerCase();

/** The first of the person's languages that the page has, with its region, for dates and plurals. */
export const pickLanguage = (wanted: readonly string[]): string =>
  wanted.find((language) => Object.hasOwn(LANGUAGES, tableName(language))) ?? 'en';

export type Values = Record<string, string | number>;

export const isSameDay = (a: Date, b: Date): boolean => a.toDateString() === b.toDateString();

// The text of 35 days ago has no weekday: it would be taken for one of this week.
const WEEKDAY_DAYS = 6;
const MINUTE_MS = 60000;

export class Language {
  private readonly table: Record<Key, Entry>;
  private readonly plurals: Intl.PluralRules;
  private readonly clockFormat: Intl.DateTimeFormat;
  private readonly fullFormat: Intl.DateTimeFormat;
  private readonly collator: Intl.Collator;
  private readonly listFormat: Intl.ListFormat;
  // Messages that come together often have the same one.
  private lastMinute = NaN;
  private lastClock = '';

  constructor(readonly code: string) {
    this.table = LANGUAGES[tableName(code)]!;
    this.plurals = new Intl.PluralRules(code);
    this.clockFormat = new Intl.DateTimeFormat(code, { hour: 'numeric', minute: '2-digit' });
    this.fullFormat = new Intl.DateTimeFormat(code, { dateStyle: 'full', timeStyle: 'medium' });
    this.collator = new Intl.Collator(code, { numeric: true, sensitivity: 'base' });
    this.listFormat = new Intl.ListFormat(code);
  }

  /** `values.n` chooses the plural where there is one. */
  readonly say = (key: Key, values: Values = {}): string => {
    const entry = this.table[key];
    const form = typeof entry === 'string' ? 'other' : (this.plurals.select(Number(values.n)) as 'one' | 'other');
    const text = typeof entry === 'string' ? entry : (entry[form] ?? entry.other);
    return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));
  };

  /** The text for a numbered error or close code, or the one for all others. */
  sayCode(prefix: 'error' | 'close', code: number, values: Values): string {
    const key = `${prefix}${code}`;
    return this.say((Object.hasOwn(this.table, key) ? key : `${prefix}Other`) as Key, values);
  }

  clock(ms: number): string {
    const minute = Math.floor(ms / MINUTE_MS);
    if (minute !== this.lastMinute) {
      this.lastMinute = minute;
      this.lastClock = this.clockFormat.format(ms);
    }
    return this.lastClock;
  }

  full(ms: number): string {
    return this.fullFormat.format(ms);
  }

  day(ms: number, nowMs = Date.now()): string {
    const then = new Date(ms);
    const now = new Date(nowMs);
    if (isSameDay(then, now)) {
      return this.say('today');
    }
    if (isSameDay(then, new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1))) {
      return this.say('yesterday');
    }
    const isNear = nowMs - ms < WEEKDAY_DAYS * 86400000;
    const year = then.getFullYear() === now.getFullYear() ? undefined : 'numeric';
    return new Intl.DateTimeFormat(this.code, {
      weekday: isNear ? 'long' : 'short', day: 'numeric', month: 'long', year,
    }).format(then);
  }

  /** When a message was written, in a list of other days too. */
  when(ms: number): string {
    return isSameDay(new Date(ms), new Date()) ? this.clock(ms) : `${this.day(ms)} ${this.clock(ms)}`;
  }

  /** "a, b, and c" */
  list(parts: readonly string[]): string {
    return this.listFormat.format(parts);
  }

  readonly compare = (a: string, b: string): number => this.collator.compare(a, b);
}
