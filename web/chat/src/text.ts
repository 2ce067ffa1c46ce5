// text.ts: parses a message's text. Pure: strings in, plain objects out; the view makes nodes of them.
//
// A small part of Markdown: bold, italic, struck out, code, blocks of code, quotes; and links and mentions. Everything
// else is text as it was written.

export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'link'; text: string; href: string }
  | { kind: 'code'; text: string }
  | { kind: 'mention'; text: string }
  | { kind: 'strong' | 'em' | 'del'; pieces: Piece[] }
  | { kind: 'block'; text: string; language: string }
  | { kind: 'quote'; pieces: Piece[] };

// A link ends at spaces and quotes, at Chinese and Japanese characters, which follow a link without a space, and at the
// invisible characters that change the text direction and could hide where a link leads.
const LINK =
  'https?://[^\\s<>"\'`\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\u3000-\\u303F\\uFF00-\\uFFEF' +
  '\\u2018-\\u201D\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069]+';
// Of a word that may go on. Chinese, Japanese and Korean have no spaces where emphasis begins and ends.
const WORD =
  '(?![\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}])[\\p{L}\\p{N}*_~]';
// A mark of emphasis begins where no word goes on, and its text does not begin or end with a space.
const emphasis = (mark: string, name: string): string =>
  `(?<!${WORD})${mark}(?=[^\\s*_~])(?<${name}>[^\\n]{1,500}?)(?<=\\S)${mark}(?!${WORD})`;
const INLINE = new RegExp(
  [
    '`(?<code>[^`\\n]+)`',
    `(?<link>${LINK})`,
    emphasis('\\*\\*', 'strong'),
    emphasis('\\*', 'star'),
    emphasis('_', 'em'),
    emphasis('~~', 'del'),
    '(?<![\\p{L}\\p{N}@/])@(?<mention>[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N}_.-]{0,31})',
  ].join('|'),
  'giu',
);
const DEPTH_MAX = 3;
// A sentence goes on after its link: "see https://example.org/a)." does not end with `).`
const TRAILING = '.,;:!?\'"*_~]}';
const LINK_CHARS_MAX = 2048;

// At most three symbols, with their skin tones, joiners and flags, and nothing else.
const PICTURE = '\\p{Extended_Pictographic}\\p{EMod}?\\uFE0F?';
const SYMBOL = `(?:\\p{RI}{2}|${PICTURE}(?:\\u200D${PICTURE})*)`;
const FEW_SYMBOLS = new RegExp(`^\\s*(?:${SYMBOL}\\s*){1,3}$`, 'u');

const LONG_CHARS = 1500;
const LONG_LINES = 18;

const count = (text: string, char: string): number => text.split(char).length - 1;

// One pass from the end, so that a hostile text with thousands of closing brackets costs no more than any other.
function trimLink(found: string): string {
  // A closing parenthesis belongs to the link only if the link opened it.
  let unopened = count(found, ')') - count(found, '(');
  let end = found.length;
  while (TRAILING.includes(found[end - 1]!) || (found[end - 1] === ')' && unopened > 0)) {
    if (found[end - 1] === ')') {
      unopened -= 1;
    }
    end -= 1;
  }
  return found.slice(0, end);
}

function safeHref(link: string): string | undefined {
  if (link.length > LINK_CHARS_MAX) {
    return undefined;
  }
  try {
    const url = new URL(link);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined;
  } catch {
    return undefined;
  }
}

// What one match is, and how much of it belongs to it.
function pieceOf(match: RegExpMatchArray, depth: number): [piece: Piece, chars: number] | undefined {
  const { code, link, strong, star, em, del, mention } = match.groups!;
  const whole = match[0].length;
  if (code !== undefined) {
    return [{ kind: 'code', text: code }, whole];
  }
  if (link !== undefined) {
    const text = trimLink(link);
    const href = safeHref(text);
    return href === undefined ? undefined : [{ kind: 'link', text, href }, text.length];
  }
  if (mention !== undefined) {
    return [{ kind: 'mention', text: match[0] }, whole];
  }
  const kind = strong !== undefined ? 'strong' : del !== undefined ? 'del' : 'em';
  return [{ kind, pieces: inline(strong ?? del ?? star ?? em!, depth + 1) }, whole];
}

/** The pieces of one paragraph. */
export function inline(text: string, depth = 0): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const match of depth < DEPTH_MAX ? text.matchAll(INLINE) : []) {
    const found = match.index! < done ? undefined : pieceOf(match, depth);
    if (found) {
      if (match.index! > done) {
        pieces.push({ kind: 'text', text: text.slice(done, match.index) });
      }
      pieces.push(found[0]);
      done = match.index! + found[1];
    }
  }
  if (done < text.length) {
    pieces.push({ kind: 'text', text: text.slice(done) });
  }
  return pieces;
}

// Lines with one sign in front of all of them are a quote.
function paragraphs(text: string): Piece[] {
  const pieces: Piece[] = [];
  for (const part of text.split(/((?:^>(?!>)[^\n]*(?:\n|$))+)/m)) {
    if (/^>(?!>)/.test(part)) {
      pieces.push({ kind: 'quote', pieces: inline(part.replace(/\n$/, '').replace(/^> ?/gm, '')) });
    } else if (part) {
      pieces.push(...inline(part));
    }
  }
  return pieces;
}

const FENCE = /^```([\w+#.-]{0,20})[ \t]*\n([\s\S]*?)(?:\n)?^```[ \t]*$\n?|```([^\n`]+)```/gm;

/** Split a text into pieces. */
export function parse(text: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const match of text.includes('```') ? text.matchAll(FENCE) : []) {
    pieces.push(...paragraphs(text.slice(done, match.index).replace(/\n$/, '')));
    pieces.push({ kind: 'block', language: match[1] ?? '', text: match[2] ?? match[3] ?? '' });
    done = match.index! + match[0].length;
  }
  return [...pieces, ...paragraphs(text.slice(done))];
}

export const isFewSymbols = (text: string): boolean => text.length <= 60 && FEW_SYMBOLS.test(text);

export const isLong = (text: string): boolean =>
  text.length > LONG_CHARS || text.split('\n', LONG_LINES + 1).length > LONG_LINES;

const ACTION = /^\/me\s+(?=\S)/;

/** What the sender does, when it is such a message: "/me waves". */
export const actionOf = (text: string): string | undefined =>
  ACTION.test(text) ? text.replace(ACTION, '') : undefined;

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Does the text name this person with @? */
export const mentions = (text: string, nick: string): boolean =>
  nick !== '' && new RegExp(`(?<![\\p{L}\\p{N}])@${escape(nick)}(?![\\p{L}\\p{N}])`, 'iu').test(text);

/** A name's first letter as people see it, not half of a surrogate pair. */
export function initial(name: string): string {
  const [first = '?'] = name;
  return first.toLocaleUpperCase();
}

const TONES = 8;

/** The same user has the same tone on every page. */
export function toneOf(id: string): number {
  let hash = 0;
  for (const char of id) {
    hash = (hash * 31 + char.codePointAt(0)!) >>> 0;
  }
  return hash % TONES;
}

// Half of a surrogate pair cannot be sent.
const LONE_SURROGATE = /\p{Surrogate}/gu;

export const sendable = (text: string): string => text.replace(LONE_SURROGATE, '\uFFFD');

export const charsOf = (text: string): number => {
  let chars = 0;
  for (const _ of text) {
    chars += 1;
  }
  return chars;
};

/** The same values in the same order. */
export const isSame = (one: readonly unknown[], other: readonly unknown[]): boolean =>
  one.length === other.length && one.every((value, at) => value === other[at]);
