#include "wire/http_body.h"

#include <assert.h>

#include "wire/http_token.h"

/* 16 digits are enough for every size below 2^64; more would only be leading zeros. */
#define SIZE_DIGITS_MAX 16

/* The reader's place in the body. Each state has one function, which takes as many bytes as belong to it. */
enum body_state {
  IN_LENGTH, /* content that Content-Length counts */
  IN_SIZE,
  IN_EXTENSION,
  AT_SIZE_LF,
  IN_CHUNK,
  AT_CHUNK_CR,
  AT_CHUNK_LF,
  AT_TRAILER,
  IN_TRAILER_NAME,
  IN_TRAILER_VALUE,
  AT_TRAILER_LF,
  AT_END_LF,
  AT_END,
  REFUSED
};

/* One call's view of the bytes. */
struct reader {
  struct stoa_http_body *body;
  const uint8_t *data;
  size_t at;
  size_t len;
  struct stoa_bytes content;
};

/* The head's own refusals stand, but those that only say that it has a body, or a method that needs one. */
static bool is_readable(const struct stoa_http_head *head) {
  return head->head_len > 0 &&
         (head->verdict == 200 || head->verdict == 405 || head->verdict == 413 || head->verdict == 501);
}

/* RFC 9112 6.1 and 6.3 over all Transfer-Encoding fields, which are one list. Stricter than the RFC about empty
 * elements: what is skipped by one parser and read by another is how requests are smuggled. */
static int coding_judge(const struct stoa_http_head *head, const uint8_t *data, bool *out_chunked) {
  size_t index = 0;
  size_t codings = 0;
  size_t chunked = 0;
  bool is_last = false;
  struct stoa_string value;
  while ((value = stoa_http_field(head, data, "Transfer-Encoding", &index)).data != NULL) {
    if (value.len == 0 || value.data[value.len - 1] == ',') {
      return 400;
    }
    size_t at = 0;
    struct stoa_string element;
    while (stoa_http_list_next(value, &at, &element)) {
      if (element.len == 0) {
        return 400;
      }
      is_last = stoa_http_equal_fold(element, stoa_string_of("chunked"));
      chunked += is_last ? 1 : 0;
      codings++;
    }
  }
  if (codings > 0 && (!is_last || chunked > 1)) {
    return 400;
  }
  *out_chunked = codings > 0;
  return codings > 1 ? 501 : 200;
}

/* RFC 9110 10.1.1: an expectation in HTTP/1.0, or without content to come, is ignored. */
static bool is_continue_expected(const struct stoa_http_head *head, const uint8_t *data) {
  return head->minor_version > 0 && stoa_http_has_token(head, data, "Expect", "100-continue");
}

int stoa_http_body_begin(const struct stoa_http_head *head, const uint8_t *data,
                         const struct stoa_http_body_limits *limits, struct stoa_http_body *out_body) {
  bool is_chunked = false;
  assert(head->verdict != 0);
  assert(limits->content_bytes_max <= INT64_MAX);
  if (!is_readable(head)) {
    return head->verdict;
  }
  int code = coding_judge(head, data, &is_chunked);
  if (code != 200) {
    return code;
  }
  if (head->path.len == 0) {
    return 405;
  }
  if (head->body_len > limits->content_bytes_max) {
    return 413;
  }
  assert(!is_chunked || head->body_len == 0);
  memset(out_body, 0, sizeof *out_body);
  out_body->limits = *limits;
  out_body->is_chunked = is_chunked;
  out_body->length = head->body_len;
  out_body->left = head->body_len;
  bool is_empty = !is_chunked && head->body_len == 0;
  out_body->expects_continue = !is_empty && is_continue_expected(head, data);
  out_body->state = (uint8_t)(is_chunked ? IN_SIZE : is_empty ? AT_END : IN_LENGTH);
  return 200;
}

static enum stoa_http_body_event refuse(struct reader *reader, uint16_t code) {
  reader->body->refusal = code;
  reader->body->state = REFUSED;
  return STOA_HTTP_BODY_REFUSED;
}

static enum stoa_http_body_event enter(struct reader *reader, enum body_state state) {
  reader->body->state = (uint8_t)state;
  return STOA_HTTP_BODY_MORE;
}

/* One byte that must be there. */
static enum stoa_http_body_event expect(struct reader *reader, uint8_t byte, enum body_state next) {
  if (reader->data[reader->at] != byte) {
    return refuse(reader, 400);
  }
  reader->at++;
  return enter(reader, next);
}

/* Move over bytes of one class and count them. False at a byte for which the limit has no room. */
static bool count_class(struct reader *reader, enum stoa_http_class class, uint32_t *used, uint32_t used_max) {
  while (reader->at < reader->len && stoa_http_is(reader->data[reader->at], class)) {
    if (*used == used_max) {
      return false;
    }
    *used += 1;
    reader->at++;
  }
  return true;
}

static enum stoa_http_body_event take_content(struct reader *reader, enum body_state next) {
  struct stoa_http_body *body = reader->body;
  size_t there = reader->len - reader->at;
  size_t taken = body->left < there ? (size_t)body->left : there;
  assert(taken > 0);
  reader->content = stoa_bytes_make(reader->data + reader->at, taken);
  reader->at += taken;
  body->left -= taken;
  body->received += taken;
  if (body->left == 0) {
    body->state = (uint8_t)next;
  }
  return STOA_HTTP_BODY_CONTENT;
}

/* RFC 9112 7.1: chunk-size = 1*HEXDIG, of which a recipient must foresee that it is too large to count. */
static enum stoa_http_body_event in_size(struct reader *reader) {
  struct stoa_http_body *body = reader->body;
  while (reader->at < reader->len && stoa_http_is_hex(reader->data[reader->at])) {
    if (body->digits == SIZE_DIGITS_MAX || body->left > INT64_MAX >> 4) {
      return refuse(reader, 400);
    }
    body->left = body->left << 4 | stoa_http_hex(reader->data[reader->at]);
    body->digits++;
    reader->at++;
  }
  if (reader->at == reader->len) {
    return STOA_HTTP_BODY_MORE;
  }
  uint8_t byte = reader->data[reader->at];
  if (body->digits == 0 || (byte != ';' && byte != '\r')) {
    return refuse(reader, 400);
  }
  if (body->left > body->limits.content_bytes_max - body->received) {
    return refuse(reader, 413);
  }
  reader->at++;
  body->digits = 0;
  return enter(reader, byte == ';' ? IN_EXTENSION : AT_SIZE_LF);
}

/* RFC 9112 7.1.1: unknown extensions are ignored, and no other one is known. A quoted string cannot hide the line's
 * end, for it holds no CR. */
static enum stoa_http_body_event in_extension(struct reader *reader) {
  struct stoa_http_body *body = reader->body;
  if (!count_class(reader, STOA_HTTP_VALUE, &body->extension_bytes, body->limits.extension_bytes_max)) {
    return refuse(reader, 413);
  }
  return reader->at == reader->len ? STOA_HTTP_BODY_MORE : expect(reader, '\r', AT_SIZE_LF);
}

/* The first byte of a line after the last chunk. A blank would be obs-fold (RFC 9112 5.2). */
static enum stoa_http_body_event at_trailer(struct reader *reader) {
  struct stoa_http_body *body = reader->body;
  if (!stoa_http_is(reader->data[reader->at], STOA_HTTP_TOKEN)) {
    return expect(reader, '\r', AT_END_LF);
  }
  if (body->trailer_count == body->limits.trailers_max) {
    return refuse(reader, 431);
  }
  body->trailer_count++;
  return enter(reader, IN_TRAILER_NAME);
}

static enum stoa_http_body_event in_trailer(struct reader *reader, enum stoa_http_class class, uint8_t end,
                                            enum body_state next) {
  struct stoa_http_body *body = reader->body;
  if (!count_class(reader, class, &body->trailer_bytes, body->limits.trailer_bytes_max)) {
    return refuse(reader, 431);
  }
  return reader->at == reader->len ? STOA_HTTP_BODY_MORE : expect(reader, end, next);
}

static enum stoa_http_body_event state_step(struct reader *reader) {
  switch ((enum body_state)reader->body->state) {
    case IN_LENGTH:
      return take_content(reader, AT_END);
    case IN_SIZE:
      return in_size(reader);
    case IN_EXTENSION:
      return in_extension(reader);
    case AT_SIZE_LF:
      return expect(reader, '\n', reader->body->left > 0 ? IN_CHUNK : AT_TRAILER);
    case IN_CHUNK:
      return take_content(reader, AT_CHUNK_CR);
    case AT_CHUNK_CR:
      return expect(reader, '\r', AT_CHUNK_LF);
    case AT_CHUNK_LF:
      return expect(reader, '\n', IN_SIZE);
    case AT_TRAILER:
      return at_trailer(reader);
    case IN_TRAILER_NAME:
      return in_trailer(reader, STOA_HTTP_TOKEN, ':', IN_TRAILER_VALUE);
    case IN_TRAILER_VALUE:
      return in_trailer(reader, STOA_HTTP_VALUE, '\r', AT_TRAILER_LF);
    case AT_TRAILER_LF:
      return expect(reader, '\n', AT_TRAILER);
    case AT_END_LF:
      return expect(reader, '\n', AT_END);
    case AT_END:
      return STOA_HTTP_BODY_END;
    case REFUSED:
      return STOA_HTTP_BODY_REFUSED;
  }
  return refuse(reader, 400);
}

void stoa_http_body_begin_chunked(const struct stoa_http_body_limits *limits, struct stoa_http_body *out_body) {
  assert(limits->content_bytes_max <= INT64_MAX);
  *out_body = (struct stoa_http_body){.limits = *limits, .is_chunked = true, .state = IN_SIZE};
}

enum stoa_http_body_event stoa_http_body_read(struct stoa_http_body *body, const uint8_t *data, size_t len, size_t *at,
                                              struct stoa_bytes *out_content) {
  struct reader reader = {.body = body, .data = data, .at = *at, .len = len};
  enum stoa_http_body_event event = STOA_HTTP_BODY_MORE;
  assert(*at <= len);
  while (event == STOA_HTTP_BODY_MORE && (reader.at < len || body->state == AT_END || body->state == REFUSED)) {
    event = state_step(&reader);
  }
  assert(reader.at >= *at && reader.at <= len);
  assert(body->received <= body->limits.content_bytes_max);
  *at = reader.at;
  if (event == STOA_HTTP_BODY_CONTENT) {
    *out_content = reader.content;
  }
  return event;
}
