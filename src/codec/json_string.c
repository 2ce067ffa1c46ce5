/* codec/json_string.c: JSON strings (RFC 8259 7). */
#include "base/utf8.h"

#include <assert.h>
#include "codec/json_read.h"
#include "scan.h"

static const uint8_t *fail_utf8(struct stoa_json_reader *reader) {
  return stoa_json_fail(reader, STOA_E_UTF8, "a string that is not UTF-8");
}

static const uint8_t *fail_escape(struct stoa_json_reader *reader, const uint8_t *at) {
  return stoa_json_fail_syntax(reader, at, "an escape of RFC 8259");
}

/* 0 to 15, or 16 for another character. */
static uint32_t hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') {
    return (uint32_t)c - '0';
  }
  uint32_t lower = c | 0x20u;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

/* `at` is at the u of \uXXXX. */
static const uint8_t *read_unit(struct stoa_json_reader *reader, const uint8_t *at, uint32_t *out_unit) {
  if (reader->end - at < 5) {
    return fail_escape(reader, at);
  }
  uint32_t unit = 0;
  for (int i = 1; i <= 4; i++) {
    uint32_t digit = hex_digit(at[i]);
    if (digit > 15) {
      return fail_escape(reader, at);
    }
    unit = unit << 4 | digit;
  }
  *out_unit = unit;
  return at + 5;
}

static bool is_high_surrogate(uint32_t unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}
static bool is_low_surrogate(uint32_t unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/* \uXXXX, or two of them for one character above U+FFFF. A lone surrogate is not a character. */
static const uint8_t *read_character(struct stoa_json_reader *reader, const uint8_t *at, uint32_t *out_character) {
  uint32_t unit;
  at = read_unit(reader, at, &unit);
  if (at == NULL || (!is_high_surrogate(unit) && !is_low_surrogate(unit))) {
    *out_character = at == NULL ? 0 : unit;
    return at;
  }
  bool has_second = is_high_surrogate(unit) && reader->end - at > 1 && at[0] == '\\' && at[1] == 'u';
  uint32_t second = 0;
  if (has_second && (at = read_unit(reader, at + 1, &second)) == NULL) {
    return NULL;
  }
  if (!is_low_surrogate(second)) {
    return stoa_json_fail(reader, STOA_E_UTF8, "a surrogate without its other half");
  }
  *out_character = 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
  return at;
}

/* RFC 3629 3 */
static uint8_t *put_character(uint8_t *to, uint32_t character) {
  assert(character <= 0x10ffff);
  if (character < 0x80) {
    *to++ = (uint8_t)character;
    return to;
  }
  if (character < 0x800) {
    *to++ = (uint8_t)(0xc0 | character >> 6);
  } else {
    if (character < 0x10000) {
      *to++ = (uint8_t)(0xe0 | character >> 12);
    } else {
      *to++ = (uint8_t)(0xf0 | character >> 18);
      *to++ = (uint8_t)(0x80 | (character >> 12 & 0x3f));
    }
    *to++ = (uint8_t)(0x80 | (character >> 6 & 0x3f));
  }
  *to++ = (uint8_t)(0x80 | (character & 0x3f));
  return to;
}

/* The byte of a one-letter escape, or 0 when there is no such escape. */
static uint8_t plain_escape(uint8_t letter) {
  static const uint8_t bytes[256] = {
      ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
  return bytes[letter];
}

/* `at` is after the backslash. An escape is never shorter than its character. */
static const uint8_t *read_escape(struct stoa_json_reader *reader, const uint8_t *at, uint8_t **to) {
  if (at == reader->end) {
    return fail_escape(reader, at);
  }
  if (*at == 'u') {
    uint32_t character = 0;
    at = read_character(reader, at, &character);
    if (at != NULL) {
      *to = put_character(*to, character);
    }
    return at;
  }
  uint8_t byte = plain_escape(*at);
  if (byte == 0) {
    return fail_escape(reader, at);
  }
  *(*to)++ = byte;
  return at + 1;
}

/* The position of the closing quote. It bounds what is copied, so the cost of a string is its own length. */
static const uint8_t *find_quote(struct stoa_json_reader *reader, const uint8_t *at) {
  for (;;) {
    bool ignored;
    at = stoa_scan_text(at, reader->end, &ignored);
    if (stoa_json_is_at(reader, at, '"')) {
      return at;
    }
    if (!stoa_json_is_at(reader, at, '\\') || reader->end - at < 2) {
      return stoa_json_fail_syntax(reader, at, "the rest of a string");
    }
    at += 2;
  }
}

/* Copies runs without escapes and the escapes between them, up to the quote. */
static const uint8_t *unescape(struct stoa_json_reader *reader, const uint8_t *at, const uint8_t *quote, uint8_t **to) {
  while (at != NULL && at < quote) {
    bool ignored;
    const uint8_t *stop = stoa_scan_text(at, quote, &ignored);
    memcpy(*to, at, (size_t)(stop - at));
    *to += stop - at;
    at = stop < quote ? read_escape(reader, stop + 1, to) : stop;
  }
  return at;
}

static const uint8_t *read_escaped(struct stoa_json_reader *reader, const uint8_t *at, struct stoa_string *out_text) {
  const uint8_t *quote = find_quote(reader, at);
  if (quote == NULL) {
    return NULL;
  }
  uint8_t *text = stoa_arena_alloc(reader->arena, (size_t)(quote - at));
  if (text == NULL) {
    return stoa_json_fail_arena(reader);
  }
  uint8_t *to = text;
  at = unescape(reader, at, quote, &to);
  if (at == NULL) {
    return NULL;
  }
  assert(at == quote);
  if (!stoa_utf8_valid(text, (size_t)(to - text))) {
    return fail_utf8(reader);
  }
  *out_text = stoa_string_make((const char *)text, (size_t)(to - text));
  return quote + 1;
}

const uint8_t *stoa_json_read_string(struct stoa_json_reader *reader, const uint8_t *at, struct stoa_string *out_text) {
  bool has_high;
  const uint8_t *stop = stoa_scan_text(at, reader->end, &has_high);
  if (!stoa_json_is_at(reader, stop, '"')) {
    return read_escaped(reader, at, out_text);
  }
  if (has_high && !stoa_utf8_valid(at, (size_t)(stop - at))) {
    return fail_utf8(reader);
  }
  *out_text = stoa_string_make((const char *)at, (size_t)(stop - at));
  return stop + 1;
}
