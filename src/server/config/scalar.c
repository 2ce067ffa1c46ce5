/* server/config/scalar.c: selects the reader and writer of a field's kind. */
#include "server/config/scalar.h"

#include <assert.h>
#include <stdio.h>

#include "base/utf8.h"
#include "codec/base64.h"
#include "server/config/enum_name.h"
#include "server/config/number.h"

static bool read_bool(struct stoa_string text, void *out_value) {
  bool value = stoa_string_equal(text, stoa_string_of("true"));
  if (!value && !stoa_string_equal(text, stoa_string_of("false"))) {
    return false;
  }
  memcpy(out_value, &value, sizeof value);
  return true;
}

static bool read_enum(const struct stoa_field *field, struct stoa_string text, void *out_value) {
  int32_t number;
  if (!stoa_config_enum_read(field->enumeration, text, &number)) {
    return false;
  }
  memcpy(out_value, &number, sizeof number);
  return true;
}

static int read_string(struct stoa_string text, struct stoa_arena *arena, void *out_value) {
  struct stoa_string copy = stoa_arena_copy(arena, text);
  if (copy.data == NULL) {
    return STOA_E_MEMORY;
  }
  memcpy(out_value, &copy, sizeof copy);
  return STOA_OK;
}

static int read_bytes(struct stoa_string text, struct stoa_arena *arena, void *out_value) {
  /* Room for the output of stoa_base64_read() and a NUL. */
  uint8_t *data = stoa_arena_alloc(arena, text.len / 4 * 3 + 3);
  size_t len;
  if (data == NULL) {
    return STOA_E_MEMORY;
  }
  if (!stoa_base64_read(text, data, &len)) {
    return STOA_E_TYPE;
  }
  data[len] = 0;
  struct stoa_bytes bytes = stoa_bytes_make(data, len);
  memcpy(out_value, &bytes, sizeof bytes);
  return STOA_OK;
}

int stoa_config_scalar_read(const struct stoa_field *field, struct stoa_string text, struct stoa_arena *arena,
                            void *out_value) {
  switch (field->kind) {
    case STOA_KIND_STRING:
      return read_string(text, arena, out_value);
    case STOA_KIND_BYTES:
      return read_bytes(text, arena, out_value);
    case STOA_KIND_BOOL:
      return read_bool(text, out_value) ? STOA_OK : STOA_E_TYPE;
    case STOA_KIND_ENUM:
      return read_enum(field, text, out_value) ? STOA_OK : STOA_E_TYPE;
    case STOA_KIND_FLOAT:
    case STOA_KIND_DOUBLE:
      return stoa_config_real_read(field, text, out_value) ? STOA_OK : STOA_E_TYPE;
    default:
      assert(field->kind != STOA_KIND_MESSAGE);
      return stoa_config_integer_read(field, text, out_value) ? STOA_OK : STOA_E_TYPE;
  }
}

struct stoa_config_expected stoa_config_expect(const struct stoa_field *field) {
  struct stoa_config_expected expected;
  const char *what = NULL;
  switch (field->kind) {
    case STOA_KIND_STRING:
      what = "a string";
      break;
    case STOA_KIND_BYTES:
      what = "base64";
      break;
    case STOA_KIND_BOOL:
      what = "true or false";
      break;
    case STOA_KIND_FLOAT:
    case STOA_KIND_DOUBLE:
      what = "a number";
      break;
    default:
      assert(field->kind != STOA_KIND_MESSAGE);
      break;
  }
  if (what != NULL) {
    snprintf(expected.text, sizeof expected.text, "%s", what);
  } else if (field->kind == STOA_KIND_ENUM) {
    stoa_config_enum_expect(field->enumeration, expected.text, sizeof expected.text);
  } else {
    stoa_config_integer_expect(field, expected.text, sizeof expected.text);
  }
  return expected;
}

static int append(struct stoa_buffer *out, const char *text) {
  return stoa_buffer_append(out, text, strlen(text));
}

/* Characters that YAML 1.1 (5.1) allows only as escapes, or that end a line: C0, DEL, C1, the line and paragraph
 * separators, the byte order mark and two noncharacters. All of them have at most 3 bytes. */
static bool needs_escape(uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0x2028 || character == 0x2029 ||
         character == 0xfeff || character == 0xfffe || character == 0xffff;
}

static size_t character_len(unsigned char first) {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* The character at `text`, which is UTF-8. One of 4 bytes never needs an escape, so any greater value will do. */
static uint32_t character_at(const unsigned char *text, size_t len) {
  switch (len) {
    case 1:
      return text[0];
    case 2:
      return (text[0] & 0x1fu) << 6 | (text[1] & 0x3fu);
    case 3:
      return (text[0] & 0x0fu) << 12 | (text[1] & 0x3fu) << 6 | (text[2] & 0x3fu);
    default:
      return 0x10000;
  }
}

static int write_character(const unsigned char *text, size_t len, struct stoa_buffer *out) {
  uint32_t character = character_at(text, len);
  if (character == '"' || character == '\\') {
    char escape[] = {'\\', (char)character};
    return stoa_buffer_append(out, escape, sizeof escape);
  }
  if (needs_escape(character)) {
    char escape[8];
    snprintf(escape, sizeof escape, "\\u%04x", (unsigned)character);
    return append(out, escape);
  }
  return stoa_buffer_append(out, text, len);
}

static int write_string(struct stoa_string text, bool is_expanded, struct stoa_buffer *out) {
  if (!stoa_utf8_valid(text.data, text.len)) {
    return STOA_E_UTF8;
  }
  int status = append(out, "\"");
  for (size_t i = 0; i < text.len && status == STOA_OK;) {
    const unsigned char *at = (const unsigned char *)text.data + i;
    size_t len = character_len(*at);
    if (is_expanded && *at == '$' && i + 1 < text.len && text.data[i + 1] == '{') {
      status = append(out, "$");
    }
    status = status == STOA_OK ? write_character(at, len, out) : status;
    i += len;
  }
  return status == STOA_OK ? append(out, "\"") : status;
}

static int write_bytes(struct stoa_bytes bytes, struct stoa_buffer *out) {
  size_t len = stoa_base64_len(bytes.len);
  int status = append(out, "\"");
  if (status == STOA_OK) {
    status = stoa_buffer_reserve(out, len);
  }
  if (status != STOA_OK) {
    return status;
  }
  stoa_base64_write(bytes, out->data + out->len);
  out->len += len;
  return append(out, "\"");
}

static int write_enum(const struct stoa_field *field, const void *value, struct stoa_buffer *out) {
  char room[STOA_CONFIG_SHORT_MAX];
  int32_t number;
  memcpy(&number, value, sizeof number);
  const char *name = stoa_config_enum_name(field->enumeration, number, room);
  return name == NULL ? STOA_E_TYPE : append(out, name);
}

static int write_number(const struct stoa_field *field, const void *value, struct stoa_buffer *out) {
  char text[STOA_CONFIG_NUMBER_TEXT_MAX];
  if (field->kind == STOA_KIND_FLOAT || field->kind == STOA_KIND_DOUBLE) {
    stoa_config_real_write(field, value, text);
  } else {
    stoa_config_integer_write(field, value, text);
  }
  return append(out, text);
}

int stoa_config_scalar_write(const struct stoa_field *field, const void *value, struct stoa_buffer *out) {
  bool truth;
  struct stoa_string text;
  struct stoa_bytes bytes;
  switch (field->kind) {
    case STOA_KIND_STRING:
      memcpy(&text, value, sizeof text);
      return write_string(text, true, out);
    case STOA_KIND_BYTES:
      memcpy(&bytes, value, sizeof bytes);
      return write_bytes(bytes, out);
    case STOA_KIND_BOOL:
      memcpy(&truth, value, sizeof truth);
      return append(out, truth ? "true" : "false");
    case STOA_KIND_ENUM:
      return write_enum(field, value, out);
    default:
      return write_number(field, value, out);
  }
}

int stoa_config_key_write(const struct stoa_field *field, const void *value, struct stoa_buffer *out) {
  struct stoa_string text;
  if (field->kind != STOA_KIND_STRING) {
    return stoa_config_scalar_write(field, value, out);
  }
  memcpy(&text, value, sizeof text);
  return write_string(text, false, out);
}
