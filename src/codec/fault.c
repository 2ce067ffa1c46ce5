/* codec/fault.c: the text of a decoding error. */
#include "codec/fault.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/array.h"
#include "base/utf8.h"

static const char path_cut[] = "...";

void stoa_fault_set(struct stoa_fault *fault, const char *format, ...) {
  if (fault->error == NULL) {
    return;
  }
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(fault->error->text, sizeof fault->error->text, format, arguments);
  va_end(arguments);
}

int stoa_fault_arena(struct stoa_fault *fault, const struct stoa_arena *arena) {
  bool is_out = stoa_arena_status(arena) == STOA_E_MEMORY;
  stoa_fault_set(fault, "%s", is_out ? "out of memory" : "too large after decoding");
  return is_out ? STOA_E_MEMORY : STOA_E_LIMIT;
}

/* Room is always kept for the dots that replace segments without room. */
static void prepend(struct stoa_fault *fault, const char *segment) {
  assert(fault->error != NULL);
  assert(!fault->is_full);
  char *text = fault->error->text;
  size_t len = strlen(text);
  size_t room = sizeof fault->error->text - 1 - len;
  if (strlen(segment) + sizeof path_cut - 1 > room) {
    segment = path_cut;
    fault->is_full = true;
  }
  size_t add = strlen(segment);
  if (add > room) {
    return;
  }
  memmove(text + add, text, len + 1);
  memcpy(text, segment, add);
  fault->has_path = true;
}

static void prepend_path(struct stoa_fault *fault, const char *segment) {
  if (fault->error == NULL || fault->is_full) {
    return;
  }
  char joined[STOA_FAULT_QUOTE_SIZE + 256 + 8];
  const char *joint = !fault->has_path ? ": " : fault->error->text[0] == '[' ? "" : ".";
  (void)snprintf(joined, sizeof joined, "%s%s", segment, joint);
  prepend(fault, joined);
}

void stoa_fault_name(struct stoa_fault *fault, const char *name) {
  prepend_path(fault, name);
}

void stoa_fault_index(struct stoa_fault *fault, size_t index) {
  char segment[32];
  (void)snprintf(segment, sizeof segment, "[%zu]", index);
  prepend_path(fault, segment);
}

void stoa_fault_key(struct stoa_fault *fault, struct stoa_string key) {
  char quoted[STOA_FAULT_QUOTE_SIZE];
  stoa_fault_quote(key, quoted);
  char segment[STOA_FAULT_QUOTE_SIZE + 4];
  (void)snprintf(segment, sizeof segment, "[\"%s\"]", quoted);
  prepend_path(fault, segment);
}

/* Cut between two characters, so that the cut does not make the text malformed. */
static size_t quoted_len(struct stoa_string raw) {
  if (raw.len <= STOA_FAULT_QUOTED_MAX) {
    return raw.len;
  }
  size_t len = STOA_FAULT_QUOTED_MAX;
  while (len > STOA_FAULT_QUOTED_MAX - 4 && ((uint8_t)raw.data[len] & 0xc0) == 0x80) {
    len--;
  }
  assert(len <= STOA_FAULT_QUOTED_MAX);
  return len;
}

void stoa_fault_quote(struct stoa_string raw, char out_text[STOA_FAULT_QUOTE_SIZE]) {
  static const char hex[] = "0123456789abcdef";
  size_t len = quoted_len(raw);
  bool is_text = stoa_utf8_valid(raw.data, len);
  char *to = out_text;
  for (size_t i = 0; i < len; i++) {
    uint8_t byte = (uint8_t)raw.data[i];
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_text)) {
      *to++ = '\\';
      *to++ = 'x';
      *to++ = hex[byte >> 4];
      *to++ = hex[byte & 15];
    } else {
      *to++ = (char)byte;
    }
  }
  assert((size_t)(to - out_text) + sizeof path_cut <= STOA_FAULT_QUOTE_SIZE);
  memcpy(to, path_cut, sizeof path_cut);
  if (len == raw.len) {
    *to = '\0';
  }
}

const char *stoa_fault_kind_name(uint8_t kind) {
  static const char *const names[] = {
      [STOA_KIND_DOUBLE] = "double",      [STOA_KIND_FLOAT] = "float",       [STOA_KIND_INT64] = "int64",
      [STOA_KIND_UINT64] = "uint64",      [STOA_KIND_INT32] = "int32",       [STOA_KIND_FIXED64] = "fixed64",
      [STOA_KIND_FIXED32] = "fixed32",    [STOA_KIND_BOOL] = "bool",         [STOA_KIND_STRING] = "string",
      [STOA_KIND_MESSAGE] = "an object",  [STOA_KIND_BYTES] = "base64 text", [STOA_KIND_UINT32] = "uint32",
      [STOA_KIND_ENUM] = "an enum value", [STOA_KIND_SFIXED32] = "sfixed32", [STOA_KIND_SFIXED64] = "sfixed64",
      [STOA_KIND_SINT32] = "sint32",      [STOA_KIND_SINT64] = "sint64",
  };
  return kind < STOA_COUNT_OF(names) && names[kind] != NULL ? names[kind] : "nothing";
}
