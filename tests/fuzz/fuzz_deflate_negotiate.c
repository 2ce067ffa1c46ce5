/* The offers of permessage-deflate: a good head around any value, and answers that keep to what was offered. */
#include "must.h"
#include "wire/ws_deflate.h"

#define VALUE_LEN_MAX 2000

static const struct stoa_http_limits limits = {4096, 1024, 20};

static void answer_keeps_to_the_offer(const struct stoa_ws_deflate *agreed, const char *value, size_t len) {
  char out[161];
  must(agreed->server_no_context_takeover && agreed->client_no_context_takeover);
  must(agreed->server_max_window_bits >= 9 && agreed->server_max_window_bits <= 15);
  must(agreed->client_max_window_bits >= 8 && agreed->client_max_window_bits <= 15);
  must(agreed->client_asked_window_bits || agreed->server_max_window_bits == 15);
  must(agreed->client_offered_window_bits || agreed->client_max_window_bits == 15);
  size_t answer_len = stoa_ws_deflate_answer(agreed, out, sizeof out);
  must(answer_len > 0 && answer_len <= 160);
  /* RFC 7692 7.1.2.2: never answered where it was not offered. A name's case is free. */
  if (memmem(out, answer_len, "client_max_window_bits", 22) != NULL) {
    must(len >= 22 && memchr(value, '_', len) != NULL);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Extensions: ";
  char text[VALUE_LEN_MAX + 100];
  struct stoa_http_head head;
  struct stoa_ws_deflate agreed;
  if (len > VALUE_LEN_MAX) {
    return 0;
  }
  size_t at = sizeof start - 1;
  memcpy(text, start, at);
  if (len > 0) {
    memcpy(text + at, data, len);
  }
  memcpy(text + at + len, "\r\n\r\n", 4);
  stoa_http_head_init(&head);
  if (stoa_http_head_parse(&head, &limits, (const uint8_t *)text, at + len + 4) == 200 &&
      stoa_ws_deflate_negotiate(&head, (const uint8_t *)text, &agreed)) {
    answer_keeps_to_the_offer(&agreed, text + at, len);
  }
  return 0;
}
