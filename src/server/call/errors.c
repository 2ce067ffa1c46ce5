#include <stoa/errors.h>

#include "base/array.h"
#include "base/utf8.h"
#include "codec/json_write.h"
#include "server/http/error_json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* A cut may be in the middle of a character, which no codec writes. */
static void cut_whole(char *text, size_t len) {
  for (size_t i = 0; i < 3 && len > 0 && !stoa_utf8_valid(text, len); i++) {
    text[--len] = '\0';
  }
}

const struct stoa_error *stoa_error_with_status(struct stoa_session *session, uint32_t code, uint32_t http_status,
                                                const char *reason, const char *message) {
  const struct stoa_error *plain = stoa_session_error(session, code, reason, message);
  assert(http_status == 0 || (http_status >= 400 && http_status <= 599));
  if (http_status == 0 || plain->code != code) { /* without memory it is another error */
    return plain;
  }
  struct stoa_arena *arena = stoa_session_arena(session);
  struct stoa_error *error = stoa_arena_alloc(arena, sizeof *error);
  struct stoa_error_metadata_entry *entry = stoa_arena_alloc(arena, sizeof *entry);
  char digits[sizeof "599"];
  snprintf(digits, sizeof digits, "%03u", http_status % 1000);
  struct stoa_string value = stoa_arena_copy(arena, stoa_string_of(digits));
  if (error == NULL || entry == NULL || value.data == NULL) {
    return plain;
  }
  *error = *plain;
  *entry = (struct stoa_error_metadata_entry){.key = STOA_STR(STOA_ERROR_STATUS_KEY), .value = value};
  error->metadata.items = entry;
  error->metadata.count = 1;
  return error;
}

const struct stoa_error *stoa_error_format(struct stoa_session *session, uint32_t code, uint32_t http_status,
                                           const char *reason, const char *format, va_list arguments) {
  char text[STOA_ERROR_MESSAGE_LEN_MAX + 1] = "";
  int len = vsnprintf(text, sizeof text, format, arguments);
  if (len > STOA_ERROR_MESSAGE_LEN_MAX) {
    cut_whole(text, STOA_ERROR_MESSAGE_LEN_MAX);
  }
  return stoa_error_with_status(session, code, http_status, reason, text);
}

#define CONSTRUCTOR(name, code)                                                                                    \
  const struct stoa_error *stoa_error_##name(struct stoa_session *session, const char *reason, const char *format, \
                                             ...) {                                                                \
    va_list arguments;                                                                                             \
    va_start(arguments, format);                                                                                   \
    const struct stoa_error *error = stoa_error_format(session, code, 0, reason, format, arguments);               \
    va_end(arguments);                                                                                             \
    return error;                                                                                                  \
  }

CONSTRUCTOR(bad_request, 400)
CONSTRUCTOR(unauthorized, 401)
CONSTRUCTOR(forbidden, 403)
CONSTRUCTOR(not_found, 404)
CONSTRUCTOR(conflict, 409)
CONSTRUCTOR(too_many_requests, 429)
CONSTRUCTOR(client_closed, 499)
CONSTRUCTOR(internal, 500)
CONSTRUCTOR(unavailable, 503)
CONSTRUCTOR(timeout, 504)

static bool is_status(uint32_t code) {
  return code >= 400 && code <= 599;
}

static bool is_status_key(struct stoa_string key) {
  return stoa_string_equal(key, stoa_string_of(STOA_ERROR_STATUS_KEY));
}

/* The three digits of a status; 0 when it is something else. */
static uint32_t status_of_text(struct stoa_string text) {
  uint32_t status = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.len != 3 || text.data[i] < '0' || text.data[i] > '9') {
      return 0;
    }
    status = status * 10 + (uint32_t)(text.data[i] - '0');
  }
  return is_status(status) ? status : 0;
}

static uint32_t status_of_metadata(const struct stoa_error *error) {
  for (size_t i = 0; i < error->metadata.count; i++) {
    if (is_status_key(error->metadata.items[i].key)) {
      return status_of_text(error->metadata.items[i].value);
    }
  }
  return 0;
}

/* A gateway's word for an answer that did not come in time. */
static bool is_timeout(const struct stoa_error *error) {
  return error->code == STOA_ERROR_UNAVAILABLE && stoa_string_equal(error->reason, stoa_string_of("TIMEOUT"));
}

static uint32_t status_of_code(uint32_t code) {
  static const struct {
    uint32_t code;
    uint32_t status;
  } known[] = {
      {STOA_ERROR_INTERNAL, 500},
      {101, 401},
      {103, 403},
      {STOA_ERROR_UNKNOWN_TYPE, 404},
      {STOA_ERROR_LIMIT, 429},
      {STOA_ERROR_BAD_REQUEST, 400},
      {STOA_ERROR_UNAVAILABLE, 503},
      {109, 401},
      {STOA_ERROR_RATE, 429},
  };
  for (size_t i = 0; i < STOA_COUNT_OF(known); i++) {
    if (known[i].code == code) {
      return known[i].status;
    }
  }
  return 0;
}

int stoa_error_http_status(const struct stoa_error *error) {
  if (error == NULL) {
    return 200;
  }
  uint32_t status = is_status(error->code) ? error->code : status_of_metadata(error);
  status = status != 0 || !is_timeout(error) ? status : 504;
  status = status != 0 ? status : status_of_code(error->code);
  status = status != 0 ? status : error->temporary ? 503 : 400;
  assert(is_status(status));
  return (int)status;
}

static int write_member(struct stoa_json_writer *writer, bool *is_first, struct stoa_string name,
                        const struct stoa_string *value) {
  int status = *is_first ? STOA_OK : stoa_json_write_char(writer, ',');
  *is_first = false;
  status = status == STOA_OK ? stoa_json_write_string(writer, &name) : status;
  status = status == STOA_OK ? stoa_json_write_char(writer, ':') : status;
  return status == STOA_OK ? stoa_json_write_string(writer, value) : status;
}

static int write_metadata(struct stoa_json_writer *writer, const struct stoa_error *error) {
  static const char name[] = ",\"metadata\":{";
  bool is_first = true;
  int status = stoa_json_write_text(writer, name, sizeof name - 1);
  for (size_t i = 0; i < error->metadata.count && status == STOA_OK; i++) {
    if (!is_status_key(error->metadata.items[i].key)) {
      status = write_member(writer, &is_first, error->metadata.items[i].key, &error->metadata.items[i].value);
    }
  }
  return status == STOA_OK ? stoa_json_write_text(writer, "}}", 2) : status;
}

static int write_all(struct stoa_json_writer *writer, const struct stoa_error *error) {
  char code[32];
  bool is_first = false;
  int len = snprintf(code, sizeof code, "{\"code\":%u", error->code);
  int status = stoa_json_write_text(writer, code, (size_t)len);
  if (status == STOA_OK) {
    status = write_member(writer, &is_first, stoa_string_of("reason"), &error->reason);
  }
  if (status == STOA_OK) {
    status = write_member(writer, &is_first, stoa_string_of("message"), &error->message);
  }
  return status == STOA_OK ? write_metadata(writer, error) : status;
}

int stoa_error_write_json(const struct stoa_error *error, struct stoa_buffer *out) {
  static const struct stoa_json_options options = STOA_JSON_DEFAULTS;
  struct stoa_json_writer writer = {.out = out, .options = &options};
  size_t len_before = out->len;
  int status = write_all(&writer, error);
  if (status != STOA_OK) {
    out->len = len_before;
  }
  return status;
}
