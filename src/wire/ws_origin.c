#include "wire/ws_origin.h"

#include "wire/http_token.h"

static uint32_t default_port(struct stoa_string scheme) {
  if (stoa_http_equal_fold(scheme, stoa_string_of("http"))) {
    return 80;
  }
  return stoa_http_equal_fold(scheme, stoa_string_of("https")) ? 443 : STOA_PORT_NONE;
}

/* The length of a scheme at the front, or 0 (RFC 3986 3.1). */
static size_t scheme_len(struct stoa_string text) {
  size_t at = 0;
  while (at < text.len) {
    uint8_t byte = (uint8_t)text.data[at];
    bool letter = stoa_http_lower(byte) >= 'a' && stoa_http_lower(byte) <= 'z';
    bool later = (byte >= '0' && byte <= '9') || byte == '+' || byte == '-' || byte == '.';
    if (!letter && (at == 0 || !later)) {
      break;
    }
    at++;
  }
  return at;
}

/* The length of "scheme://" at the front, or 0. */
static size_t prefix_len(struct stoa_string text) {
  size_t len = scheme_len(text);
  return len > 0 && text.len - len >= 3 && memcmp(text.data + len, "://", 3) == 0 ? len + 3 : 0;
}

bool stoa_ws_origin_parse(struct stoa_string text, struct stoa_ws_origin *out_origin) {
  struct stoa_authority authority;
  size_t len = prefix_len(text);
  if (len == 0 || !stoa_authority_parse(stoa_string_make(text.data + len, text.len - len), &authority)) {
    return false;
  }
  out_origin->scheme = stoa_string_make(text.data, len - 3);
  out_origin->host = authority.host;
  out_origin->port = authority.port != STOA_PORT_NONE ? authority.port : default_port(out_origin->scheme);
  out_origin->authority = stoa_string_make(text.data + len, text.len - len);
  return true;
}

bool stoa_ws_origin_is_opaque(struct stoa_string text) {
  size_t len = prefix_len(text);
  return stoa_string_equal(text, stoa_string_of("null")) || (len > 0 && len == text.len);
}

bool stoa_ws_origin_has_scheme(const struct stoa_ws_origin *origin, const char *scheme) {
  return stoa_http_equal_fold(origin->scheme, stoa_string_of(scheme));
}

bool stoa_ws_origin_is_of(const struct stoa_ws_origin *origin, struct stoa_string host) {
  struct stoa_authority authority;
  uint32_t usual = default_port(origin->scheme);
  if (usual == STOA_PORT_NONE || !stoa_authority_parse(host, &authority)) {
    return false;
  }
  uint32_t port = authority.port != STOA_PORT_NONE ? authority.port : usual;
  return port == origin->port && stoa_http_equal_fold(origin->host, authority.host);
}

static bool origins_equal(const struct stoa_ws_origin *a, const struct stoa_ws_origin *b) {
  return a->port == b->port && stoa_http_equal_fold(a->scheme, b->scheme) && stoa_http_equal_fold(a->host, b->host);
}

bool stoa_ws_origin_is_listed(struct stoa_string origin, const struct stoa_string *list, size_t count) {
  struct stoa_ws_origin parsed;
  bool is_parsed = stoa_ws_origin_parse(origin, &parsed);
  for (size_t i = 0; i < count; i++) {
    struct stoa_ws_origin entry;
    if (stoa_string_equal(list[i], stoa_string_of("*")) || stoa_string_equal(list[i], origin)) {
      return true;
    }
    if (is_parsed && stoa_ws_origin_parse(list[i], &entry) && origins_equal(&entry, &parsed)) {
      return true;
    }
  }
  return false;
}
