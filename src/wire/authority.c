#include "wire/authority.h"

#include <assert.h>

#include "wire/http_token.h"

/* The length of "[...]" with characters of an IPv6 address between the brackets, or 0. */
static size_t literal_len(struct stoa_string text) {
  size_t at = 1;
  while (at < text.len && (stoa_http_is_hex((uint8_t)text.data[at]) || text.data[at] == ':' || text.data[at] == '.')) {
    at++;
  }
  return at >= 3 && at < text.len && text.data[at] == ']' ? at + 1 : 0;
}

/* The length of the registered name or IPv4 address at the front, or 0. */
static size_t name_len(struct stoa_string text) {
  size_t at = 0;
  while (at < text.len && stoa_http_is((uint8_t)text.data[at], STOA_HTTP_HOST)) {
    if (text.data[at] == '%') {
      if (text.len - at < 3 || !stoa_http_is_hex((uint8_t)text.data[at + 1]) ||
          !stoa_http_is_hex((uint8_t)text.data[at + 2])) {
        return 0;
      }
    }
    at++;
  }
  return at;
}

/* After the host: nothing, or ':' and a port, which may be empty (RFC 3986 3.2.3). */
static bool port_parse(struct stoa_string text, uint32_t *out_port) {
  uint32_t port = 0;
  if (text.len > 6 || (text.len > 0 && text.data[0] != ':')) {
    return false;
  }
  for (size_t i = 1; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return false;
    }
    port = port * 10 + (uint32_t)(text.data[i] - '0');
  }
  if (port > 65535) {
    return false;
  }
  *out_port = text.len > 1 ? port : STOA_PORT_NONE;
  return true;
}

bool stoa_authority_parse(struct stoa_string text, struct stoa_authority *out_authority) {
  if (text.len == 0) {
    return false;
  }
  size_t host_len = text.data[0] == '[' ? literal_len(text) : name_len(text);
  uint32_t port;
  if (host_len == 0 || !port_parse(stoa_string_make(text.data + host_len, text.len - host_len), &port)) {
    return false;
  }
  assert(host_len <= text.len);
  assert(port <= UINT16_MAX || port == STOA_PORT_NONE);
  out_authority->host = stoa_string_make(text.data, host_len);
  out_authority->port = port;
  return true;
}
