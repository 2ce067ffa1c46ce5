#include "wire/ws_url.h"

#include "wire/authority.h"
#include "wire/http_token.h"

#define URL_LEN_MAX 2048

/* RFC 3986 3.1: the scheme's case does not matter. */
static bool skip_scheme(struct stoa_string *text, const char *scheme) {
  struct stoa_string wanted = stoa_string_of(scheme);
  if (text->len < wanted.len || !stoa_http_equal_fold(stoa_string_make(text->data, wanted.len), wanted)) {
    return false;
  }
  *text = stoa_string_make(text->data + wanted.len, text->len - wanted.len);
  return true;
}

static bool target_valid(struct stoa_string target) {
  for (size_t i = 0; i < target.len; i++) {
    if (!stoa_http_is((uint8_t)target.data[i], STOA_HTTP_TARGET)) {
      return false;
    }
  }
  return target.len == 0 || target.data[0] == '/' || target.data[0] == '?';
}

static struct stoa_string without_brackets(struct stoa_string host) {
  return host.data[0] == '[' ? stoa_string_make(host.data + 1, host.len - 2) : host;
}

static int parse_host(struct stoa_string text, struct stoa_ws_url *url) {
  size_t len = 0;
  while (len < text.len && text.data[len] != '/' && text.data[len] != '?') {
    len++;
  }
  url->authority = stoa_string_make(text.data, len);
  url->target = stoa_string_make(text.data + len, text.len - len);
  struct stoa_authority authority;
  if (!stoa_authority_parse(url->authority, &authority) || authority.port == 0 || !target_valid(url->target)) {
    return STOA_E_SYNTAX;
  }
  url->host = without_brackets(authority.host);
  url->port = (uint16_t)(authority.port != STOA_PORT_NONE ? authority.port : url->tls ? 443 : 80);
  return STOA_OK;
}

static int parse_socket(struct stoa_string text, struct stoa_ws_url *url) {
  const char *colon = text.len > 0 ? memchr(text.data, ':', text.len) : NULL;
  size_t path_len = colon != NULL ? (size_t)(colon - text.data) : text.len;
  url->socket_path = stoa_string_make(text.data, path_len);
  if (path_len < 2 || text.data[0] != '/' || memchr(text.data, '\0', path_len) != NULL) {
    return STOA_E_SYNTAX;
  }
  size_t target_start = colon != NULL ? path_len + 1 : path_len;
  url->target = stoa_string_make(text.data + target_start, text.len - target_start);
  url->authority = stoa_string_of("localhost");
  return target_valid(url->target) ? STOA_OK : STOA_E_SYNTAX;
}

int stoa_ws_url_parse(struct stoa_string text, struct stoa_ws_url *out_url) {
  struct stoa_ws_url url = {0};
  int status = STOA_E_SYNTAX;
  if (text.len > URL_LEN_MAX) {
    return STOA_E_SYNTAX;
  }
  if (skip_scheme(&text, "ws+unix:")) {
    status = parse_socket(text, &url);
  } else if (skip_scheme(&text, "wss://")) {
    url.tls = true;
    status = parse_host(text, &url);
  } else if (skip_scheme(&text, "ws://")) {
    status = parse_host(text, &url);
  }
  if (status == STOA_OK) {
    *out_url = url;
  }
  return status;
}
