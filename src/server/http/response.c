#include "server/http/response.h"

#include "base/array.h"
#include "wire/http.h"
#include "wire/http_date.h"
#include "wire/http_token.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/errors.h>

#define START_BYTES_MAX 512

int stoa_response_add_field(struct stoa_buffer *out, const char *name, struct stoa_string value) {
  size_t name_len = strlen(name);
  int status = stoa_buffer_reserve(out, name_len + value.len + 4);
  if (status != STOA_OK) {
    return status;
  }
  const struct stoa_string parts[] = {{name, name_len}, STOA_STR(": "), value, STOA_STR("\r\n")};
  for (size_t i = 0; i < STOA_COUNT_OF(parts); i++) {
    /* Cannot fail: the room is there. */
    status = stoa_buffer_append(out, parts[i].data, parts[i].len);
    assert(status == STOA_OK);
  }
  return STOA_OK;
}

static int write_start(const struct stoa_response *response, struct stoa_buffer *out) {
  char start[START_BYTES_MAX];
  char date[STOA_HTTP_DATE_SIZE];
  char framing[64] = "";
  stoa_http_date(response->wall_us, date);
  if (response->is_chunked) {
    snprintf(framing, sizeof framing, "Transfer-Encoding: chunked\r\n");
  } else if (response->has_length) {
    snprintf(framing, sizeof framing, "Content-Length: %llu\r\n", (unsigned long long)response->length);
  }
  int len = snprintf(start, sizeof start,
                     "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: %s\r\n%sX-Content-Type-Options: nosniff\r\n",
                     response->status, stoa_http_reason(response->status), date,
                     response->keep_alive ? "keep-alive" : "close", framing);
  assert(len > 0);
  assert((size_t)len < sizeof start);
  return stoa_buffer_append(out, start, (size_t)len);
}

int stoa_response_write(const struct stoa_response *response, struct stoa_buffer *out) {
  assert(response->status >= 200 && response->status <= 599);
  assert(!(response->is_chunked && response->has_length));
  size_t before = out->len;
  int status = write_start(response, out);
  if (status == STOA_OK && response->content_type.len > 0) {
    status = stoa_response_add_field(out, "Content-Type", response->content_type);
  }
  if (status == STOA_OK) {
    status = stoa_buffer_append(out, response->fields.data, response->fields.len);
  }
  if (status == STOA_OK) {
    status = stoa_buffer_append(out, "\r\n", 2);
  }
  if (status != STOA_OK) {
    out->len = before;
  }
  return status;
}

bool stoa_response_has_content(int status) {
  return status != 204 && status != 205 && status != 304;
}

static bool is_of_class(struct stoa_string text, enum stoa_http_class class) {
  for (size_t i = 0; i < text.len; i++) {
    if (!stoa_http_is((uint8_t)text.data[i], class)) {
      return false;
    }
  }
  return true;
}

/* What the library writes itself, and what must not be sent twice. */
static bool is_own(struct stoa_string name) {
  static const struct stoa_string own[] = {STOA_STR("Connection"),        STOA_STR("Content-Length"),
                                           STOA_STR("Content-Type"),      STOA_STR("Date"),
                                           STOA_STR("Transfer-Encoding"), STOA_STR("Upgrade")};
  for (size_t i = 0; i < STOA_COUNT_OF(own); i++) {
    if (stoa_http_equal_fold(name, own[i])) {
      return true;
    }
  }
  return false;
}

static bool is_good_field(const struct stoa_http_field *field) {
  struct stoa_string name = stoa_string_of(field->name);
  return name.len > 0 && is_of_class(name, STOA_HTTP_TOKEN) && !is_own(name) &&
         is_of_class(field->value, STOA_HTTP_VALUE);
}

int stoa_response_add_fields(const struct stoa_http_answer *reply, struct stoa_buffer *out) {
  if (reply->status < 200 || reply->status > 599 ||
      !is_of_class(stoa_string_of(reply->content_type), STOA_HTTP_VALUE)) {
    return STOA_E_ARGUMENT;
  }
  for (size_t i = 0; i < reply->field_count; i++) {
    if (!is_good_field(&reply->fields[i])) {
      return STOA_E_ARGUMENT;
    }
    int status = stoa_response_add_field(out, reply->fields[i].name, reply->fields[i].value);
    if (status != STOA_OK) {
      return status;
    }
  }
  return STOA_OK;
}

struct stoa_http_field stoa_response_retry_after(const struct stoa_error *error, char text[STOA_RESPONSE_RETRY_SIZE]) {
  int len = snprintf(text, STOA_RESPONSE_RETRY_SIZE, "%u", error->retry_ms / 1000 + (error->retry_ms % 1000 != 0));
  return (struct stoa_http_field){"Retry-After", stoa_string_make(text, (size_t)len)};
}

/* What sessions get too has the code that they get; the rest has the status as its code. */
struct stoa_error stoa_response_error_of(int status) {
  static const struct {
    int status;
    struct stoa_error error;
  } errors[] = {
      {400, {.code = STOA_ERROR_BAD_REQUEST, .reason = STOA_STR("BAD_REQUEST")}},
      {401, {.code = STOA_ERROR_UNAUTHORIZED, .reason = STOA_STR("UNAUTHORIZED")}},
      {403, {.code = 403, .reason = STOA_STR("FORBIDDEN")}},
      {404, {.code = 404, .reason = STOA_STR("NOT_FOUND")}},
      {405, {.code = 405, .reason = STOA_STR("METHOD_NOT_ALLOWED")}},
      {408, {.code = 408, .reason = STOA_STR("REQUEST_TIMEOUT"), .temporary = true}},
      {413, {.code = 413, .reason = STOA_STR("CONTENT_TOO_LARGE")}},
      {415, {.code = 415, .reason = STOA_STR("UNSUPPORTED_MEDIA_TYPE")}},
      {431, {.code = 431, .reason = STOA_STR("FIELDS_TOO_LARGE")}},
      {501, {.code = 501, .reason = STOA_STR("NOT_IMPLEMENTED")}},
      {503, {.code = STOA_ERROR_UNAVAILABLE, .reason = STOA_STR("UNAVAILABLE"), .temporary = true}},
      {504, {.code = STOA_ERROR_UNAVAILABLE, .reason = STOA_STR("TIMEOUT"), .temporary = true}},
  };
  for (size_t i = 0; i < STOA_COUNT_OF(errors); i++) {
    if (errors[i].status == status) {
      assert(stoa_error_http_status(&errors[i].error) == status);
      return errors[i].error;
    }
  }
  return (struct stoa_error){.code = STOA_ERROR_INTERNAL, .reason = STOA_STR("INTERNAL")};
}
