// text.js: parses a message's text. Pure: strings in, plain objects out; the view makes nodes of them.

// A link ends at spaces and quotes, at Chinese and Japanese characters, which follow a link without a space, and at the
// invisible characters that change the text direction and could hide where a link leads.
const LINK = new RegExp(
  'https?://[^\\s<>"\'`\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\u3000-\\u303F\\uFF00-\\uFFEF' +
    '\\u2018-\\u201D\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069]+',
  'giu',
);
// A sentence goes on after its link: "see https://example.org/a)." does not end with `).`
const TRAILING = '.,;:!?\'"*_~]}';
const LINK_CHARS_MAX = 2048;

// At most three symbols, with their skin tones, joiners and flags, and nothing else.
const PICTURE = '\\p{Extended_Pictographic}\\p{EMod}?\\uFE0F?';
const SYMBOL = `(?:\\p{RI}{2}|${PICTURE}(?:\\u200D${PICTURE})*)`;
const FEW_SYMBOLS = new RegExp(`^\\s*(?:${SYMBOL}\\s*){1,3}$`, 'u');

const LONG_CHARS = 1500;
const LONG_LINES = 18;

function count(text, char) {
  return text.split(char).length - 1;
}

// One pass from the end, so that a hostile text with thousands of closing brackets costs no more than any other.
function trimLink(found) {
  // A closing parenthesis belongs to the link only if the link opened it.
  let unopened = count(found, ')') - count(found, '(');
  let end = found.length;
  while (TRAILING.includes(found[end - 1]) || (found[end - 1] === ')' && unopened > 0)) {
    if (found[end - 1] === ')') {
      unopened -= 1;
    }
    end -= 1;
  }
  return found.slice(0, end);
}

function safeHref(link) {
  if (link.length > LINK_CHARS_MAX) {
    return null;
  }
  try {
    const url = new URL(link);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}

// Split a text into pieces {text} and {text, href}; their texts joined are the whole text.
export function textPieces(text) {
  const pieces = [];
  let done = 0;
  for (const match of text.matchAll(LINK)) {
    const link = trimLink(match[0]);
    const href = safeHref(link);
    if (href === null) {
      continue;
    }
    if (match.index > done) {
      pieces.push({ text: text.slice(done, match.index) });
    }
    pieces.push({ text: link, href });
    done = match.index + link.length;
  }
  if (done < text.length) {
    pieces.push({ text: text.slice(done) });
  }
  return pieces;
}

export function isFewSymbols(text) {
  return text.length <= 60 && FEW_SYMBOLS.test(text);
}

export function isLong(text) {
  return text.length > LONG_CHARS || text.split('\n', LONG_LINES + 1).length > LONG_LINES;
}

// A name's first letter as people see it, not half of a surrogate pair.
export function initial(name) {
  const [first = '?'] = name;
  return first.toLocaleUpperCase();
}

// The same name has the same tone on every page.
export function toneOf(name, tones) {
  let hash = 0;
  for (const char of name) {
    hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  }
  return hash % tones;
}
