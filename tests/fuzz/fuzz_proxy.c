/* PROXY headers: any pieces give the same verdict, and what is told lies in the bytes and can be written again. */
#include "must.h"
#include "wire/proxy.h"

#include <string.h>

static bool inside(struct stoa_string part, const uint8_t *data, size_t len) {
  const char *text = (const char *)data;
  return part.len == 0 || (part.data >= text && part.data + part.len <= text + len && part.len <= 108);
}

static void header_makes_sense(const struct stoa_proxy_header *header, size_t used, const uint8_t *data, size_t len) {
  static const uint8_t none[STOA_IP_LEN];
  must(used >= 15 && used <= len && used <= STOA_PROXY_BYTES_MAX);
  must(header->family <= STOA_PROXY_UNIX);
  must(inside(header->source_path, data, used) && inside(header->destination_path, data, used));
  must(header->family == STOA_PROXY_UNIX || (header->source_path.len == 0 && header->destination_path.len == 0));
  if (header->family != STOA_PROXY_IP) {
    must(memcmp(header->source, none, sizeof none) == 0 && header->source_port == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct stoa_proxy_header whole;
  size_t whole_used = 0;
  int verdict = stoa_proxy_parse(data, len, &whole, &whole_used);
  if (verdict == STOA_OK) {
    header_makes_sense(&whole, whole_used, data, len);
  }
  int last = STOA_E_AGAIN;
  size_t end = len < STOA_PROXY_BYTES_MAX ? len : STOA_PROXY_BYTES_MAX;
  for (size_t at = 0; at <= end; at++) {
    struct stoa_proxy_header part;
    size_t used = 0;
    int next = stoa_proxy_parse(data, at, &part, &used);
    must(last == STOA_E_AGAIN || next == last);
    must(next != STOA_OK || (used == whole_used && used <= at));
    last = next;
  }
  must(last == verdict);
  return 0;
}
