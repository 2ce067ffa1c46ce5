#include "server/listener/origin.h"

#include <assert.h>
#include <stdio.h>

#include "wire/http_token.h"

/* Longer names are not repeated in a reason. */
#define SHOWN_LEN_MAX 100

/* What `%.*s` takes. */
#define SHOW(text) (int)(text).len, (text).data

static bool equal(struct stoa_string text, const char *wanted) {
  return stoa_http_equal_fold(text, stoa_string_of(wanted));
}

static bool ends_with(struct stoa_string text, const char *wanted) {
  size_t len = strlen(wanted);
  return text.len > len && equal(stoa_string_make(text.data + text.len - len, len), wanted);
}

/* The names of this server. */

/* RFC 1034 3.1: a name may end in the dot of the root. */
static struct stoa_string without_root(struct stoa_string host) {
  return host.len > 1 && host.data[host.len - 1] == '.' ? stoa_string_make(host.data, host.len - 1) : host;
}

static bool is_literal(struct stoa_string host) {
  uint8_t address[STOA_IP_LEN];
  if (host.len > 2 && host.data[0] == '[') {
    return stoa_ip_parse_v6(stoa_string_make(host.data + 1, host.len - 2), address);
  }
  return stoa_ip_parse_v4(host, address);
}

/* Names that public name servers do not resolve: single labels, localhost (RFC 6761 6.3), .local (RFC 6762 3). */
static bool is_local_name(struct stoa_string host) {
  return memchr(host.data, '.', host.len) == NULL || ends_with(host, ".localhost") || ends_with(host, ".local");
}

/* RFC 6125 6.4.3: a star stands for one whole label, the leftmost. */
static bool is_certified(struct stoa_string host, struct stoa_string name) {
  if (name.len > 2 && memcmp(name.data, "*.", 2) == 0) {
    const char *dot = memchr(host.data, '.', host.len);
    size_t label_len = dot != NULL ? (size_t)(dot - host.data) : 0;
    return label_len > 0 && stoa_http_equal_fold(stoa_string_make(dot, host.len - label_len),
                                                 stoa_string_make(name.data + 1, name.len - 1));
  }
  return stoa_http_equal_fold(host, name);
}

/* The port does not matter, because rebinding changes the address of a name. */
static bool is_host_entry(struct stoa_string name, struct stoa_string entry) {
  struct stoa_authority known;
  return stoa_authority_parse(entry, &known) && stoa_http_equal_fold(name, without_root(known.host));
}

static bool is_known_host(const struct stoa_origin_rules *rules, struct stoa_string host) {
  struct stoa_string name = without_root(host);
  if (is_literal(host) || is_local_name(name) ||
      (rules->machine_name.len > 0 && stoa_http_equal_fold(name, without_root(rules->machine_name)))) {
    return true;
  }
  for (size_t i = 0; i < rules->certificate_names.count; i++) {
    if (is_certified(name, rules->certificate_names.items[i])) {
      return true;
    }
  }
  for (size_t i = 0; i < rules->hosts.count; i++) {
    if (is_host_entry(name, rules->hosts.items[i])) {
      return true;
    }
  }
  return false;
}

/* The page. */

static bool is_own_page(const struct stoa_origin_rules *rules, const struct stoa_origin_request *request,
                        const struct stoa_ws_origin *origin) {
  bool is_https = stoa_ws_origin_has_scheme(origin, "https");
  if (!is_https && (request->is_tls || !stoa_ws_origin_has_scheme(origin, "http"))) {
    return false;
  }
  if (stoa_ws_origin_is_of(origin, request->host)) {
    return true;
  }
  for (size_t i = 0; i < rules->hosts.count; i++) {
    if (stoa_ws_origin_is_of(origin, rules->hosts.items[i])) {
      return true;
    }
  }
  return false;
}

static bool is_allowed_page(const struct stoa_origin_rules *rules, const struct stoa_origin_request *request) {
  struct stoa_ws_origin origin;
  if (request->origin.data == NULL) {
    return true;
  }
  if (rules->allowed_origins.count > 0) {
    return stoa_ws_origin_is_listed(request->origin, rules->allowed_origins.items, rules->allowed_origins.count);
  }
  return stoa_ws_origin_parse(request->origin, &origin) && is_own_page(rules, request, &origin);
}

/* The host. */

/* Is this an upgrade that a page of a rebound name cannot have sent? */
static bool is_beyond_rebinding(const struct stoa_origin_rules *rules, const struct stoa_origin_request *request) {
  struct stoa_ws_origin origin;
  if (!request->is_upgrade) {
    return false;
  }
  return request->origin.data == NULL || rules->allowed_origins.count > 0 || request->is_forwarded ||
         (!request->is_tls && stoa_ws_origin_parse(request->origin, &origin) &&
          stoa_ws_origin_has_scheme(&origin, "https"));
}

static bool is_allowed_host(const struct stoa_origin_rules *rules, const struct stoa_origin_request *request) {
  struct stoa_authority host;
  if (request->host.data == NULL) {
    return true; /* no browser: a browser always sends Origin */
  }
  if (!stoa_authority_parse(request->host, &host)) {
    return false;
  }
  if (is_known_host(rules, host.host)) {
    return true;
  }
  return rules->hosts.count == 0 &&
         (request->local == NULL || !stoa_ip_is_private(request->local) || is_beyond_rebinding(rules, request));
}

/* The reasons. */

static void explain_host(const struct stoa_origin_rules *rules, const struct stoa_origin_request *request,
                         char out_reason[STOA_ORIGIN_REASON_SIZE]) {
  struct stoa_authority host;
  if (!stoa_authority_parse(request->host, &host) || host.host.len > SHOWN_LEN_MAX) {
    snprintf(out_reason, STOA_ORIGIN_REASON_SIZE,
             "the host of the request is not known; if it is a name of this server, add it to server.hosts");
  } else if (rules->hosts.count == 0) {
    snprintf(out_reason, STOA_ORIGIN_REASON_SIZE,
             "the host \"%.*s\" is not known, and the connection is to a private address; if it is a name of this "
             "server, set server.hosts: [\"%.*s\"]",
             SHOW(host.host), SHOW(host.host));
  } else {
    snprintf(out_reason, STOA_ORIGIN_REASON_SIZE,
             "the host \"%.*s\" is not in server.hosts; if it is a name of this server, add \"%.*s\" to server.hosts",
             SHOW(host.host), SHOW(host.host));
  }
}

/* A list replaces the default, so the suggested list has the server's own page too. */
static void explain_first_origin(const struct stoa_origin_request *request, const struct stoa_ws_origin *origin,
                                 char out_reason[STOA_ORIGIN_REASON_SIZE]) {
  const char *scheme = request->is_tls ? "https" : "http";
  struct stoa_authority host;
  bool is_host_shown = request->host.len <= SHOWN_LEN_MAX && stoa_authority_parse(request->host, &host);
  int len = snprintf(out_reason, STOA_ORIGIN_REASON_SIZE, "a page of \"%.*s\" may not connect; to allow it, set ",
                     SHOW(request->origin));
  assert(len > 0 && len < STOA_ORIGIN_REASON_SIZE);
  char *at = out_reason + len;
  size_t size = STOA_ORIGIN_REASON_SIZE - (size_t)len;
  /* Behind a proxy that replaces Host, the server's own page looks like a page of another host. */
  bool is_proxied = origin != NULL && stoa_ws_origin_has_scheme(origin, "https") && !request->is_tls;
  if (is_proxied || (origin != NULL && request->is_forwarded)) {
    snprintf(at, size,
             "server.hosts: [\"%.*s\"] if it is this server's own page behind a proxy, else "
             "server.allowed_origins: [\"%.*s\"]",
             SHOW(origin->authority), SHOW(request->origin));
  } else if (is_host_shown) {
    snprintf(at, size, "server.allowed_origins: [\"%s://%.*s\", \"%.*s\"]", scheme, SHOW(request->host),
             SHOW(request->origin));
  } else {
    snprintf(at, size, "server.allowed_origins: [\"%.*s\"]", SHOW(request->origin));
  }
}

static void explain_origin(const struct stoa_origin_rules *rules, const struct stoa_origin_request *request,
                           char out_reason[STOA_ORIGIN_REASON_SIZE]) {
  struct stoa_ws_origin origin;
  bool is_parsed = stoa_ws_origin_parse(request->origin, &origin);
  if (request->origin.len > SHOWN_LEN_MAX || (!is_parsed && !stoa_ws_origin_is_opaque(request->origin))) {
    snprintf(out_reason, STOA_ORIGIN_REASON_SIZE,
             "the Origin is invalid or too long; only server.allowed_origins: [\"*\"] allows it");
  } else if (rules->allowed_origins.count > 0) {
    snprintf(out_reason, STOA_ORIGIN_REASON_SIZE,
             "a page of \"%.*s\" may not connect; to allow it, add \"%.*s\" to server.allowed_origins",
             SHOW(request->origin), SHOW(request->origin));
  } else {
    explain_first_origin(request, is_parsed ? &origin : NULL, out_reason);
  }
}

bool stoa_origin_check(const struct stoa_origin_rules *rules, const struct stoa_origin_request *request,
                       char out_reason[STOA_ORIGIN_REASON_SIZE]) {
  if (!is_allowed_page(rules, request)) {
    explain_origin(rules, request, out_reason);
    return false;
  }
  if (!is_allowed_host(rules, request)) {
    explain_host(rules, request, out_reason);
    return false;
  }
  return true;
}

/* Entries of the configuration. */

static bool has_star(struct stoa_string text) {
  return text.len > 0 && memchr(text.data, '*', text.len) != NULL;
}

/* The length of the text before a path, a query or a fragment; these are searched from `start` on. */
static size_t origin_len(struct stoa_string text, size_t start) {
  size_t at = start;
  while (at < text.len && text.data[at] != '/' && text.data[at] != '?' && text.data[at] != '#') {
    at++;
  }
  return at;
}

static size_t scheme_end(struct stoa_string text) {
  const char *mark = text.len > 0 ? memmem(text.data, text.len, "://", 3) : NULL;
  return mark != NULL ? (size_t)(mark - text.data) + 3 : 0;
}

const char *stoa_origin_entry_fault(struct stoa_string entry, char out_text[STOA_ORIGIN_REASON_SIZE]) {
  struct stoa_ws_origin origin;
  if (stoa_string_equal(entry, stoa_string_of("*")) || stoa_ws_origin_is_opaque(entry)) {
    return NULL;
  }
  if (has_star(entry)) {
    return "a star is allowed only on its own: write \"*\", or each origin in full";
  }
  if (stoa_ws_origin_parse(entry, &origin)) {
    return NULL;
  }
  size_t start = scheme_end(entry);
  struct stoa_string front = stoa_string_make(entry.data, origin_len(entry, start));
  struct stoa_authority authority;
  if (start > 0 && front.len < entry.len && front.len <= SHOWN_LEN_MAX && stoa_ws_origin_parse(front, &origin)) {
    snprintf(out_text, STOA_ORIGIN_REASON_SIZE, "an origin has no path: write \"%.*s\"", SHOW(front));
    return out_text;
  }
  if (start == 0 && front.len <= SHOWN_LEN_MAX && stoa_authority_parse(front, &authority)) {
    snprintf(out_text, STOA_ORIGIN_REASON_SIZE,
             "an origin starts with its scheme: write \"https://%.*s\", or with http:// if it has no TLS", SHOW(front));
    return out_text;
  }
  return "not an origin: write scheme://host or scheme://host:port";
}

const char *stoa_host_entry_fault(struct stoa_string entry, char out_text[STOA_ORIGIN_REASON_SIZE]) {
  struct stoa_authority authority;
  if (has_star(entry)) {
    return "a star is not allowed: write each host in full";
  }
  if (stoa_authority_parse(entry, &authority)) {
    return NULL;
  }
  size_t start = scheme_end(entry);
  size_t end = origin_len(entry, start);
  struct stoa_string host = stoa_string_make(entry.data + start, end - start);
  if (host.len <= SHOWN_LEN_MAX && stoa_authority_parse(host, &authority)) {
    snprintf(out_text, STOA_ORIGIN_REASON_SIZE, "a host has no scheme and no path: write \"%.*s\"", SHOW(host));
    return out_text;
  }
  return "not a host: write a name or an address (IPv6 in brackets), and :port to limit it to one port";
}
