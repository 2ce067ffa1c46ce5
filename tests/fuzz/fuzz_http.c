/* Heads: any pieces give the same head and the same verdict, and what stands on a good one survives it. */
#include "must.h"
#include "wire/ws_handshake.h"
#include "wire/ws_origin.h"

static const struct stoa_http_limits limits = {4096, 1024, 20};

static struct stoa_http_head parse_in(const uint8_t *data, size_t len, size_t piece) {
  struct stoa_http_head head;
  int verdict = 0;
  stoa_http_head_init(&head);
  for (size_t at = 0; at < len;) {
    at = len - at < piece ? len : at + piece;
    int next = stoa_http_head_parse(&head, &limits, data, at);
    must(verdict == 0 || next == verdict);
    verdict = next;
  }
  return head;
}

static bool span_same(struct stoa_http_span a, struct stoa_http_span b) {
  return a.start == b.start && a.len == b.len;
}

static void head_same(const struct stoa_http_head *a, const struct stoa_http_head *b) {
  must(a->method == b->method && a->head_len == b->head_len && a->keep_alive == b->keep_alive);
  must(span_same(a->target, b->target) && span_same(a->path, b->path) && span_same(a->query, b->query));
  must(a->fields.count == b->fields.count);
  for (size_t i = 0; i < a->fields.count; i++) {
    must(span_same(a->fields.items[i].name, b->fields.items[i].name) &&
         span_same(a->fields.items[i].value, b->fields.items[i].value));
  }
}

static void span_inside(struct stoa_http_span span, const struct stoa_http_head *head) {
  must(span.start <= head->head_len && span.len <= head->head_len - span.start);
}

static void head_makes_sense(const struct stoa_http_head *head, size_t len) {
  must(head->head_len <= len && head->head_len <= limits.head_bytes_max);
  must(head->fields.count >= 1 && head->fields.count <= limits.fields_max);
  must(head->target.len >= 1 && head->target.len <= limits.target_bytes_max);
  must(head->path.len >= 1 && !head->has_body);
  span_inside(head->target, head);
  span_inside(head->path, head);
  span_inside(head->query, head);
  for (size_t i = 0; i < head->fields.count; i++) {
    must(head->fields.items[i].name.len > 0);
    span_inside(head->fields.items[i].name, head);
    span_inside(head->fields.items[i].value, head);
  }
}

/* Nothing of what was decoded may lead out of a folder. */
static void path_is_safe(const struct stoa_http_head *head, const uint8_t *data) {
  char decoded[1024];
  size_t len = 0;
  struct stoa_string path = stoa_string_make((const char *)data + head->path.start, head->path.len);
  if (stoa_http_path_decode(path, decoded, &len) != STOA_OK) {
    return;
  }
  must(len <= path.len);
  must(memchr(decoded, 0, len) == NULL && memchr(decoded, '\\', len) == NULL);
  must(memmem(decoded, len, "/../", 4) == NULL);
}

static void upgrade_is_answered(const struct stoa_http_head *head, const uint8_t *data) {
  struct stoa_ws_request request;
  struct stoa_ws_deflate deflate;
  struct stoa_ws_protocol_cursor cursor = {0};
  struct stoa_string allowed = STOA_STR("http://a");
  char out[512];
  int verdict = stoa_ws_request_read(head, data, &request);
  must(verdict == 0 || verdict == 101 || verdict == 400 || verdict == 426);
  while (stoa_ws_protocol_next(head, data, &cursor).data != NULL) {
  }
  bool compressed = stoa_ws_deflate_negotiate(head, data, &deflate);
  if (verdict != 101) {
    return;
  }
  struct stoa_ws_origin origin;
  if (stoa_ws_origin_parse(request.origin, &origin)) {
    must(origin.scheme.len > 0 && origin.host.len > 0 && !stoa_ws_origin_is_opaque(request.origin));
    must(stoa_ws_origin_is_listed(request.origin, &request.origin, 1));
    (void)stoa_ws_origin_is_of(&origin, request.host);
  }
  (void)stoa_ws_origin_is_listed(request.origin, &allowed, 1);
  size_t len = stoa_ws_response(request.key, "stoa.json", compressed ? &deflate : NULL, NULL, out, sizeof out);
  must(len > 4 && memcmp(out + len - 4, "\r\n\r\n", 4) == 0);
  must(memmem(out, len - 2, "\r\n\r\n", 4) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct stoa_http_head whole = parse_in(data, len, SIZE_MAX);
  struct stoa_http_head single = parse_in(data, len, 1);
  struct stoa_http_head pieces = parse_in(data, len, 1 + len % 13);
  must(whole.verdict == single.verdict && whole.verdict == pieces.verdict);
  if (whole.verdict == 200) {
    head_same(&whole, &single);
    head_same(&whole, &pieces);
    head_makes_sense(&whole, len);
    path_is_safe(&whole, data);
    upgrade_is_answered(&whole, data);
  } else if (whole.verdict != 0) {
    char out[512];
    must(stoa_http_reason(whole.verdict)[0] != 0);
    const struct stoa_http_refusal refusal = {.code = whole.verdict};
    must(stoa_http_refusal(&refusal, out, sizeof out) > 0);
  }
  return 0;
}
