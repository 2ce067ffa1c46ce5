/* A request with a body: any pieces give the same content, the same end and the same refusal, within the limits, and a
 * body that was read is read again when it is written as one chunk. */
#include <string.h>

#include "must.h"
#include "wire/http_body.h"

#define CONTENT_BYTES_MAX 512

static const struct stoa_http_limits head_limits = {4096, 1024, 20};
static const struct stoa_http_body_limits limits = {
    .content_bytes_max = CONTENT_BYTES_MAX, .extension_bytes_max = 40, .trailer_bytes_max = 60, .trailers_max = 3};

struct result {
  struct stoa_http_body body;
  enum stoa_http_body_event event;
  size_t taken;
  uint8_t content[CONTENT_BYTES_MAX];
  size_t len;
};

static void piece_read(struct result *result, const uint8_t *data, size_t len) {
  size_t at = 0;
  do {
    struct stoa_bytes content = {NULL, 0};
    result->event = stoa_http_body_read(&result->body, data, len, &at, &content);
    if (result->event == STOA_HTTP_BODY_CONTENT) {
      must(content.len > 0 && content.data >= data && content.data + content.len == data + at);
      must(content.len <= sizeof result->content - result->len);
      memcpy(result->content + result->len, content.data, content.len);
      result->len += content.len;
    }
  } while (result->event == STOA_HTTP_BODY_CONTENT);
  must(result->event != STOA_HTTP_BODY_MORE || at == len);
  result->taken += at;
}

static struct result read_in(const struct stoa_http_body *begun, const uint8_t *data, size_t len, size_t piece) {
  struct result result = {.body = *begun};
  piece_read(&result, data, 0);
  for (size_t at = 0; at < len && result.event == STOA_HTTP_BODY_MORE;) {
    size_t step = len - at < piece ? len - at : piece;
    piece_read(&result, data + at, step);
    at += step;
  }
  return result;
}

static void result_same(const struct result *a, const struct result *b) {
  must(a->event == b->event && a->taken == b->taken && a->len == b->len);
  must(a->body.refusal == b->body.refusal && a->body.received == b->body.received);
  must(memcmp(a->content, b->content, a->len) == 0);
}

static void result_makes_sense(const struct result *result) {
  int refusal = result->body.refusal;
  must(result->body.received == result->len);
  must((result->event == STOA_HTTP_BODY_REFUSED) == (refusal != 0));
  must(refusal == 0 || refusal == 400 || refusal == 413 || refusal == 431);
  must(result->body.is_chunked || refusal == 0);
  must(result->event != STOA_HTTP_BODY_END || result->body.is_chunked || result->len == result->body.length);
}

/* The body as one chunk and the end, which another head announces. */
static void content_is_read_again(const struct result *result) {
  static const char chunked[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  struct stoa_http_head head;
  struct stoa_http_body body;
  uint8_t text[CONTENT_BYTES_MAX + 64];
  size_t len = 0;
  stoa_http_head_init(&head);
  must(stoa_http_head_parse(&head, &head_limits, (const uint8_t *)chunked, sizeof chunked - 1) != 0);
  must(stoa_http_body_begin(&head, (const uint8_t *)chunked, &limits, &body) == 200);
  if (result->len > 0) {
    len = (size_t)snprintf((char *)text, sizeof text, "%zx\r\n", result->len);
    memcpy(text + len, result->content, result->len);
    len += result->len;
    memcpy(text + len, "\r\n", 2);
    len += 2;
  }
  memcpy(text + len, "0\r\n\r\n", 5);
  struct result again = read_in(&body, text, len + 5, SIZE_MAX);
  must(again.event == STOA_HTTP_BODY_END && again.taken == len + 5 && again.len == result->len);
  must(memcmp(again.content, result->content, result->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct stoa_http_head head;
  struct stoa_http_body body;
  stoa_http_head_init(&head);
  if (stoa_http_head_parse(&head, &head_limits, data, len) == 0) {
    return 0;
  }
  int code = stoa_http_body_begin(&head, data, &limits, &body);
  must(code != 200 || head.head_len > 0);
  must(stoa_http_reason(code)[0] != 0);
  if (code != 200) {
    return 0;
  }
  data += head.head_len;
  len -= head.head_len;
  struct result whole = read_in(&body, data, len, SIZE_MAX);
  struct result single = read_in(&body, data, len, 1);
  struct result pieces = read_in(&body, data, len, 1 + len % 13);
  result_same(&whole, &single);
  result_same(&whole, &pieces);
  result_makes_sense(&whole);
  if (whole.event == STOA_HTTP_BODY_END) {
    content_is_read_again(&whole);
  }
  return 0;
}
