/* What a server may answer to an upgrade: any pieces give the same head and the same verdict; and URLs, whose parts lie
 * in their text and make a request that can be read. */
#include "must.h"
#include "wire/ws_handshake.h"
#include "wire/ws_offer.h"

static const struct stoa_http_limits limits = {4096, 1024, 20};
static const struct stoa_buffer no_fields;

static struct stoa_http_response parse_in(const uint8_t *data, size_t len, size_t piece) {
  struct stoa_http_response response;
  int verdict = STOA_E_AGAIN;
  stoa_http_response_init(&response);
  for (size_t at = 0; at < len;) {
    at = len - at < piece ? len : at + piece;
    int next = stoa_http_response_parse(&response, &limits, data, at);
    must(verdict == STOA_E_AGAIN || next == verdict);
    verdict = next;
  }
  return response;
}

static void head_makes_sense(const struct stoa_http_response *response, size_t len) {
  must(response->head_len <= len && response->head_len <= limits.head_bytes_max);
  must(response->status >= 100 && response->status <= 599);
  must(response->fields.count <= limits.fields_max);
  for (size_t i = 0; i < response->fields.count; i++) {
    struct stoa_http_span name = response->fields.items[i].name;
    struct stoa_http_span value = response->fields.items[i].value;
    must(name.len > 0 && name.start + name.len < value.start);
    must(value.start + value.len + 2 < response->head_len);
  }
}

static void answer_is_judged(const struct stoa_http_response *response, const uint8_t *data, bool offers_deflate) {
  struct stoa_ws_offer offer = {.protocol = "stoa.json", .deflate = offers_deflate, .more_fields = &no_fields};
  const char *reason = NULL;
  bool deflate = false;
  memcpy(offer.key, "dGhlIHNhbXBsZSBub25jZQ==", sizeof offer.key);
  int status = stoa_ws_offer_check(&offer, response, data, &deflate, &reason);
  must(status == STOA_OK || reason != NULL);
  must(status != STOA_OK || response->status == 101);
  must(!deflate || (status == STOA_OK && offers_deflate));
  must((status == STOA_E_DENIED) == (response->status != 101));
}

static bool inside(struct stoa_string part, const uint8_t *data, size_t len) {
  const char *text = (const char *)data;
  return part.data >= text && part.data + part.len <= text + len;
}

/* The request that a URL makes must be what a server reads, whatever stands in the URL. */
static void url_makes_a_request(const uint8_t *data, size_t len) {
  static const struct stoa_http_limits wide = {8192, 4096, 20};
  struct stoa_ws_url url;
  struct stoa_buffer out;
  struct stoa_http_head head;
  if (stoa_ws_url_parse(stoa_string_make((const char *)data, len), &url) != STOA_OK) {
    return;
  }
  must(url.socket_path.data != NULL ? inside(url.socket_path, data, len) : inside(url.host, data, len));
  must(url.target.len == 0 || inside(url.target, data, len));
  struct stoa_ws_offer offer = {.authority = url.authority, .target = url.target, .more_fields = &no_fields};
  memcpy(offer.key, "dGhlIHNhbXBsZSBub25jZQ==", sizeof offer.key);
  stoa_buffer_init(&out, 8192);
  must(stoa_ws_offer_write(&offer, &out) == STOA_OK);
  stoa_http_head_init(&head);
  must(stoa_http_head_parse(&head, &wide, out.data, out.len) == 200);
  must(head.head_len == out.len);
  stoa_buffer_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct stoa_http_response whole = parse_in(data, len, SIZE_MAX);
  struct stoa_http_response single = parse_in(data, len, 1);
  struct stoa_http_response pieces = parse_in(data, len, 1 + len % 13);
  must(whole.verdict == single.verdict && whole.verdict == pieces.verdict);
  if (whole.verdict == STOA_OK) {
    /* All began zeroed, so what lies between the members is equal too.
     * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    must(memcmp(&whole, &single, sizeof whole) == 0 && memcmp(&whole, &pieces, sizeof whole) == 0);
    head_makes_sense(&whole, len);
    answer_is_judged(&whole, data, false);
    answer_is_judged(&whole, data, true);
  }
  url_makes_a_request(data, len);
  return 0;
}
