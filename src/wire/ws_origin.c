#include "wire/authority.h"
#include "wire/http_token.h"
#include "wire/ws_handshake.h"

/* scheme://host[:port], taken apart (RFC 6454 6.2). */
struct origin {
  struct stoa_string scheme;
  struct stoa_string host;
  uint32_t port; /* the scheme's own when none is written */
};

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

static bool origin_parse(struct stoa_string text, struct origin *out_origin) {
  struct stoa_authority authority;
  size_t len = scheme_len(text);
  if (len == 0 || text.len - len < 3 || memcmp(text.data + len, "://", 3) != 0 ||
      !stoa_authority_parse(stoa_string_make(text.data + len + 3, text.len - len - 3), &authority)) {
    return false;
  }
  out_origin->scheme = stoa_string_make(text.data, len);
  out_origin->host = authority.host;
  out_origin->port = authority.port != STOA_PORT_NONE ? authority.port : default_port(out_origin->scheme);
  return true;
}

static bool same_host(const struct origin *origin, struct stoa_string host) {
  struct stoa_authority authority;
  uint32_t usual = default_port(origin->scheme);
  if (usual == STOA_PORT_NONE || !stoa_authority_parse(host, &authority)) {
    return false;
  }
  uint32_t port = authority.port != STOA_PORT_NONE ? authority.port : usual;
  return port == origin->port && stoa_http_equal_fold(origin->host, authority.host);
}

static bool origins_equal(const struct origin *a, const struct origin *b) {
  return a->port == b->port && stoa_http_equal_fold(a->scheme, b->scheme) && stoa_http_equal_fold(a->host, b->host);
}

/* Does one entry of the list allow the origin? `parsed` is NULL when the origin is no scheme://host. */
static bool entry_allows(struct stoa_string entry, struct stoa_string origin, const struct origin *parsed) {
  struct origin entry_parsed;
  if (parsed == NULL) {
    return stoa_string_equal(origin, stoa_string_of("null")) && stoa_string_equal(entry, origin);
  }
  if (stoa_string_equal(entry, stoa_string_of("*"))) {
    return true;
  }
  return origin_parse(entry, &entry_parsed) && origins_equal(&entry_parsed, parsed);
}

bool stoa_ws_origin_allowed(struct stoa_string origin, struct stoa_string host, const struct stoa_string *allowed,
                            size_t allowed_count) {
  struct origin parsed;
  bool well_formed = origin_parse(origin, &parsed);
  if (allowed_count == 0) {
    return well_formed && same_host(&parsed, host);
  }
  for (size_t i = 0; i < allowed_count; i++) {
    if (entry_allows(allowed[i], origin, well_formed ? &parsed : NULL)) {
      return true;
    }
  }
  return false;
}
