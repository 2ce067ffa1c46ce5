#include <assert.h>
#include <stdio.h>
#include <stoa/buffer.h>

#include "wire/http_token.h"
#include "wire/typed.h"

/* How deep a member's value may be nested. The codec that reads the payload has its own, lower limit. */
#define DEPTH_MAX 64

/* The position in a packet. */
struct scanner {
  const uint8_t *data;
  size_t len;
  size_t at;
};

/* The text between two quotes, as written. */
struct quoted {
  const uint8_t *data;
  size_t len;
  bool has_escape;
};

enum member { MEMBER_UNKNOWN = 0, MEMBER_TYPE = 1, MEMBER_ID = 2, MEMBER_PAYLOAD = 4, MEMBER_ERROR = 8 };

/* ---- reading JSON (RFC 8259) ---- */

static void skip_blanks(struct scanner *scanner) {
  while (scanner->at < scanner->len) {
    uint8_t byte = scanner->data[scanner->at];
    if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r') {
      return;
    }
    scanner->at++;
  }
}

/* The next byte that is not a blank, or 0 at the end; it is not taken. */
static uint8_t peek(struct scanner *scanner) {
  skip_blanks(scanner);
  return scanner->at < scanner->len ? scanner->data[scanner->at] : 0;
}

static bool take(struct scanner *scanner, uint8_t byte) {
  if (peek(scanner) != byte) {
    return false;
  }
  scanner->at++;
  return true;
}

/* A string; its opening quote is the next byte. Escapes are skipped, not checked. */
static int take_string(struct scanner *scanner, struct quoted *out_quoted) {
  if (!take(scanner, '"')) {
    return STOA_E_SYNTAX;
  }
  size_t start = scanner->at;
  bool has_escape = false;
  while (scanner->at < scanner->len) {
    uint8_t byte = scanner->data[scanner->at];
    if (byte == '"') {
      *out_quoted = (struct quoted){scanner->data + start, scanner->at - start, has_escape};
      scanner->at++;
      return STOA_OK;
    }
    if (byte < 0x20) {
      return STOA_E_SYNTAX;
    }
    has_escape = has_escape || byte == '\\';
    scanner->at += byte == '\\' ? 2 : 1;
  }
  return STOA_E_SYNTAX;
}

/* An array or object; its bracket is the next byte. The end is found by matching brackets outside of strings. One bit
 * for each level says which bracket is open, so depth costs no stack. */
static int skip_container(struct scanner *scanner) {
  uint64_t open_objects = 0;
  unsigned depth = 0;
  struct quoted ignored;
  do {
    uint8_t byte = peek(scanner);
    if (byte < 0x20) {
      return STOA_E_SYNTAX;
    }
    if (byte == '"') {
      if (take_string(scanner, &ignored) != STOA_OK) {
        return STOA_E_SYNTAX;
      }
      continue;
    }
    if (byte == '{' || byte == '[') {
      if (depth == DEPTH_MAX) {
        return STOA_E_LIMIT;
      }
      open_objects = open_objects << 1 | (byte == '{');
      depth++;
    }
    if (byte == '}' || byte == ']') {
      if ((open_objects & 1) != (byte == '}')) {
        return STOA_E_SYNTAX;
      }
      open_objects >>= 1;
      depth--;
    }
    scanner->at++;
  } while (depth > 0);
  return STOA_OK;
}

static bool is_scalar_byte(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (stoa_http_lower(byte) >= 'a' && stoa_http_lower(byte) <= 'z') ||
         byte == '-' || byte == '+' || byte == '.';
}

/* Any value; *out_value is its text. */
static int take_value(struct scanner *scanner, struct stoa_bytes *out_value) {
  struct quoted ignored;
  uint8_t byte = peek(scanner);
  size_t start = scanner->at;
  int status = STOA_OK;
  if (byte == '"') {
    status = take_string(scanner, &ignored);
  } else if (byte == '{' || byte == '[') {
    status = skip_container(scanner);
  } else {
    while (scanner->at < scanner->len && is_scalar_byte(scanner->data[scanner->at])) {
      scanner->at++;
    }
    status = scanner->at > start ? STOA_OK : STOA_E_SYNTAX;
  }
  *out_value = stoa_bytes_make(scanner->data + start, scanner->at - start);
  return status;
}

/* A number without sign, fraction or exponent. */
static int take_number(struct scanner *scanner, uint32_t max, uint32_t *out_number) {
  struct stoa_bytes value;
  int status = take_value(scanner, &value);
  if (status != STOA_OK) {
    return status;
  }
  uint64_t number = 0;
  for (size_t i = 0; i < value.len; i++) {
    if (value.data[i] < '0' || value.data[i] > '9' || (i == 1 && value.data[0] == '0')) {
      return STOA_E_TYPE;
    }
    number = number * 10 + (uint64_t)(value.data[i] - '0');
    if (number > max) {
      return STOA_E_TYPE;
    }
  }
  *out_number = (uint32_t)number;
  return STOA_OK;
}

/* ---- escapes ---- */

/* The four digits of \uXXXX. */
static bool unit_read(const struct quoted *text, size_t at, uint32_t *out_unit) {
  uint32_t unit = 0;
  if (text->len - at < 4) {
    return false;
  }
  for (size_t i = 0; i < 4; i++) {
    if (!stoa_http_is_hex(text->data[at + i])) {
      return false;
    }
    unit = unit << 4 | stoa_http_hex(text->data[at + i]);
  }
  *out_unit = unit;
  return true;
}

/* The character of a \u escape whose digits are at *at, with the second half of a surrogate pair (RFC 8259 7). */
static bool character_read(const struct quoted *text, size_t *at, uint32_t *out_character) {
  uint32_t unit, second;
  if (!unit_read(text, *at, &unit)) {
    return false;
  }
  *at += 4;
  *out_character = unit;
  if (unit < 0xd800 || unit > 0xdfff) {
    return true;
  }
  /* A lone surrogate is not a character and cannot be written in UTF-8. */
  if (unit > 0xdbff || text->len - *at < 6 || text->data[*at] != '\\' || text->data[*at + 1] != 'u' ||
      !unit_read(text, *at + 2, &second) || second < 0xdc00 || second > 0xdfff) {
    return false;
  }
  *at += 6;
  *out_character = 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
  return true;
}

static size_t utf8_write(uint32_t character, uint8_t out[4]) {
  if (character < 0x80) {
    out[0] = (uint8_t)character;
    return 1;
  }
  size_t len = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
  for (size_t i = len - 1; i > 0; i--) {
    out[i] = (uint8_t)(0x80 | (character & 0x3f));
    character >>= 6;
  }
  static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
  out[0] = (uint8_t)(marks[len] | character);
  return len;
}

/* The next byte, or the character of an escape. Returns its length in UTF-8, 0 for a bad escape. */
static size_t element_read(const struct quoted *text, size_t *at, uint8_t out[4]) {
  static const char names[] = "\"\\/bfnrt";
  static const char bytes[] = "\"\\/\b\f\n\r\t";
  uint8_t byte = text->data[(*at)++];
  if (byte != '\\') {
    out[0] = byte;
    return 1;
  }
  byte = text->data[(*at)++];
  if (byte == 'u') {
    uint32_t character;
    return character_read(text, at, &character) ? utf8_write(character, out) : 0;
  }
  const char *place = byte != 0 ? strchr(names, byte) : NULL;
  if (place == NULL) {
    return 0;
  }
  out[0] = (uint8_t)bytes[place - names];
  return 1;
}

static bool name_is(const struct quoted *text, const char *name) {
  size_t name_len = strlen(name);
  size_t matched = 0;
  size_t at = 0;
  while (at < text->len) {
    uint8_t element[4];
    size_t len = element_read(text, &at, element);
    if (len == 0 || len > name_len - matched || memcmp(name + matched, element, len) != 0) {
      return false;
    }
    matched += len;
  }
  return matched == name_len;
}

/* An escape is never shorter than its character, so the length of the escaped text is enough room. */
static int unescape(const struct quoted *text, struct stoa_buffer *out) {
  out->len = 0;
  int status = stoa_buffer_reserve(out, text->len);
  if (status != STOA_OK) {
    return status;
  }
  size_t at = 0;
  while (at < text->len) {
    size_t len = element_read(text, &at, out->data + out->len);
    if (len == 0) {
      out->len = 0;
      return STOA_E_SYNTAX;
    }
    out->len += len;
  }
  return STOA_OK;
}

/* ---- packets ---- */

/* The quoted form has neither calls nor errors. */
static enum member member_named(const struct quoted *name, bool quoted) {
  if (name_is(name, "type")) {
    return MEMBER_TYPE;
  }
  if (name_is(name, "payload")) {
    return MEMBER_PAYLOAD;
  }
  if (!quoted && name_is(name, "id")) {
    return MEMBER_ID;
  }
  return !quoted && name_is(name, "error") ? MEMBER_ERROR : MEMBER_UNKNOWN;
}

static int take_quoted_payload(struct scanner *scanner, struct stoa_buffer *scratch, struct stoa_bytes *out_payload) {
  struct quoted text;
  struct stoa_bytes other;
  if (peek(scanner) != '"') {
    int status = take_value(scanner, &other);
    return status == STOA_OK ? STOA_E_TYPE : status;
  }
  int status = take_string(scanner, &text);
  if (status != STOA_OK) {
    return status;
  }
  if (!text.has_escape) {
    *out_payload = stoa_bytes_make(text.data, text.len);
    return STOA_OK;
  }
  status = unescape(&text, scratch);
  *out_payload = stoa_bytes_make(scratch->data, scratch->len);
  return status;
}

static int take_member_value(struct scanner *scanner, enum member member, bool quoted, struct stoa_buffer *scratch,
                             struct stoa_typed *typed) {
  struct stoa_bytes ignored;
  switch (member) {
    case MEMBER_TYPE:
      return take_number(scanner, STOA_TYPE_MAX, &typed->type);
    case MEMBER_ID:
      typed->is_call = true;
      return take_number(scanner, UINT32_MAX, &typed->id);
    case MEMBER_ERROR:
      typed->is_error = true;
      return take_value(scanner, &typed->payload);
    case MEMBER_PAYLOAD:
      return quoted ? take_quoted_payload(scanner, scratch, &typed->payload) : take_value(scanner, &typed->payload);
    case MEMBER_UNKNOWN:
      return take_value(scanner, &ignored);
  }
  return STOA_E_SYNTAX;
}

/* One member; *seen has a bit for each known one, which may occur once. */
static int take_member(struct scanner *scanner, bool quoted, struct stoa_buffer *scratch, unsigned *seen,
                       struct stoa_typed *typed) {
  struct quoted name;
  int status = take_string(scanner, &name);
  if (status != STOA_OK || !take(scanner, ':')) {
    return STOA_E_SYNTAX;
  }
  enum member member = member_named(&name, quoted);
  if ((*seen & member) != 0) {
    return STOA_E_SYNTAX;
  }
  *seen |= member;
  return take_member_value(scanner, member, quoted, scratch, typed);
}

/* A type, and a payload or an error, not both. */
static bool members_complete(unsigned seen) {
  unsigned content = seen & (MEMBER_PAYLOAD | MEMBER_ERROR);
  return (seen & MEMBER_TYPE) != 0 && (content == MEMBER_PAYLOAD || content == MEMBER_ERROR);
}

int stoa_typed_text_read(struct stoa_bytes message, bool quoted, struct stoa_buffer *scratch,
                         struct stoa_typed *out_typed) {
  struct scanner scanner = {message.data, message.len, 0};
  struct stoa_typed typed = {0};
  unsigned seen = 0;
  if (!take(&scanner, '{')) {
    return STOA_E_SYNTAX;
  }
  do {
    int status = take_member(&scanner, quoted, scratch, &seen, &typed);
    if (status != STOA_OK) {
      return status;
    }
  } while (take(&scanner, ','));
  if (!take(&scanner, '}')) {
    return STOA_E_SYNTAX;
  }
  skip_blanks(&scanner);
  if (scanner.at != scanner.len || !members_complete(seen)) {
    return STOA_E_SYNTAX;
  }
  *out_typed = typed;
  return STOA_OK;
}

/* Write a byte as it appears inside a string; returns the length. */
static size_t byte_escape(uint8_t byte, uint8_t out[6]) {
  static const char digits[] = "0123456789abcdef";
  if (byte == '"' || byte == '\\') {
    out[0] = '\\';
    out[1] = byte;
    return 2;
  }
  if (byte >= 0x20) {
    out[0] = byte;
    return 1;
  }
  memcpy(out, "\\u00", 4);
  out[4] = (uint8_t)digits[byte >> 4];
  out[5] = (uint8_t)digits[byte & 0x0f];
  return 6;
}

static size_t escaped_len(struct stoa_bytes text) {
  size_t len = 0;
  uint8_t ignored[6];
  for (size_t i = 0; i < text.len; i++) {
    len += byte_escape(text.data[i], ignored);
  }
  return len;
}

/* For both, stoa_typed_text_write() has reserved the room. */
static void put(struct stoa_buffer *out, const void *data, size_t len) {
  if (len > 0) {
    memcpy(out->data + out->len, data, len);
    out->len += len;
  }
}

static void put_escaped(struct stoa_buffer *out, struct stoa_bytes text) {
  put(out, "\"", 1);
  for (size_t i = 0; i < text.len; i++) {
    uint8_t escaped[6];
    put(out, escaped, byte_escape(text.data[i], escaped));
  }
  put(out, "\"", 1);
}

/* Write the text before the payload; returns its length. */
static size_t head_write(const struct stoa_typed *typed, char out[STOA_TYPED_TEXT_AROUND_MAX]) {
  int len = snprintf(out, STOA_TYPED_TEXT_AROUND_MAX, "{\"type\":%u", typed->type);
  if (typed->is_call) {
    len += snprintf(out + len, STOA_TYPED_TEXT_AROUND_MAX - (size_t)len, ",\"id\":%u", typed->id);
  }
  len +=
      snprintf(out + len, STOA_TYPED_TEXT_AROUND_MAX - (size_t)len, ",\"%s\":", typed->is_error ? "error" : "payload");
  return (size_t)len;
}

static size_t payload_len(const struct stoa_typed *typed, bool quoted) {
  return quoted ? escaped_len(typed->payload) + 2 : typed->payload.len;
}

size_t stoa_typed_text_len(const struct stoa_typed *typed, bool quoted) {
  char head[STOA_TYPED_TEXT_AROUND_MAX];
  return head_write(typed, head) + payload_len(typed, quoted) + 1;
}

int stoa_typed_text_write(const struct stoa_typed *typed, bool quoted, struct stoa_buffer *out) {
  assert(typed->type <= STOA_TYPE_MAX);
  assert(!quoted || (!typed->is_call && !typed->is_error));
  char head[STOA_TYPED_TEXT_AROUND_MAX];
  size_t head_len = head_write(typed, head);
  int status = stoa_buffer_reserve(out, head_len + payload_len(typed, quoted) + 1);
  if (status != STOA_OK) {
    return status;
  }
  put(out, head, head_len);
  if (quoted) {
    put_escaped(out, typed->payload);
  } else {
    put(out, typed->payload.data, typed->payload.len);
  }
  put(out, "}", 1);
  return STOA_OK;
}
