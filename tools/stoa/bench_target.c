#include "bench_target.h"

#include <ctype.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

/* RFC 6455 1.3's own example of a key and its answer. A fresh key per connection distinguishes a real server from a
 * cache; the load goes to the user's own server, and a constant key needs no digest. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* RFC 7692 7.1.1: every message is compressed by itself, in both directions. */
#define OFFER "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

static bool refuse(const char *text, const char *reason) {
  fprintf(stderr, "stoa: %s: %s\n", text, reason);
  return false;
}

static bool copy_part(char *out, size_t out_size, const char *from, size_t len) {
  if (len >= out_size) {
    return false;
  }
  memcpy(out, from, len);
  out[len] = '\0';
  return true;
}

/* A space or a control byte would end the request line early. */
static bool is_plain(const char *text) {
  for (; *text != '\0'; text++) {
    if ((unsigned char)*text <= ' ' || *text == 0x7f || *text == '#') {
      return false;
    }
  }
  return true;
}

static bool parse_port(const char *text, size_t len, struct bench_url *url) {
  if (len == 0 || !copy_part(url->port, sizeof url->port, text, len)) {
    return false;
  }
  unsigned value = 0;
  for (size_t i = 0; i < len; i++) {
    if (!isdigit((unsigned char)text[i])) {
      return false;
    }
    value = value * 10 + (unsigned)(text[i] - '0');
  }
  return value > 0 && value <= 65535;
}

/* "host", "host:port", "[::1]" or "[::1]:port", `len` bytes. RFC 6455 3: the default port is 80, and 443 in TLS. */
static bool parse_authority(const char *text, size_t len, struct bench_url *url) {
  const char *host = text;
  const char *host_end = memchr(text, ':', len);
  const char *end = text + len;
  const char *after = host_end;
  if (len > 0 && text[0] == '[') {
    host = text + 1;
    host_end = memchr(text, ']', len);
    after = host_end == NULL || host_end + 1 == end ? NULL : host_end + 1;
    if (host_end == NULL) {
      return false;
    }
  }
  host_end = host_end == NULL ? end : host_end;
  if (host == host_end || !copy_part(url->host, sizeof url->host, host, (size_t)(host_end - host)) ||
      !copy_part(url->authority, sizeof url->authority, text, len)) {
    return false;
  }
  if (after == NULL) {
    return url->tls ? parse_port("443", 3, url) : parse_port("80", 2, url);
  }
  return *after == ':' && parse_port(after + 1, (size_t)(end - after - 1), url);
}

static bool parse_unix(const char *path, struct bench_url *url) {
  const char *colon = strchr(path, ':');
  size_t len = colon == NULL ? strlen(path) : (size_t)(colon - path);
  const char *target = colon == NULL ? "/" : colon + 1;
  snprintf(url->authority, sizeof url->authority, "localhost");
  return len > 0 && *target == '/' && copy_part(url->socket_path, sizeof url->socket_path, path, len) &&
         copy_part(url->target, sizeof url->target, target, strlen(target));
}

bool bench_url_parse(const char *text, struct bench_url *out_url) {
  struct bench_url url = {0};
  if (!is_plain(text)) {
    return refuse(text, "a URL has no spaces, control bytes or fragment");
  }
  if (strncmp(text, "ws+unix:", 8) == 0) {
    if (!parse_unix(text + 8, &url)) {
      return refuse(text, "expected ws+unix:SOCKET or ws+unix:SOCKET:/PATH");
    }
    *out_url = url;
    return true;
  }
  url.tls = strncmp(text, "wss://", 6) == 0;
  const char *authority = url.tls ? text + 6 : strncmp(text, "ws://", 5) == 0 ? text + 5 : "";
  size_t len = strcspn(authority, "/?");
  if (len == 0 || !parse_authority(authority, len, &url)) {
    return refuse(text, "expected ws://HOST:PORT/PATH or wss://HOST:PORT/PATH");
  }
  const char *rest = authority + len;
  int target_len = snprintf(url.target, sizeof url.target, "%s%s", *rest == '/' ? "" : "/", rest);
  if (target_len >= (int)sizeof url.target) {
    return refuse(text, "the path is too long");
  }
  *out_url = url;
  return true;
}

static bool resolve(const struct bench_url *url, struct bench_target *target) {
  if (url->socket_path[0] != '\0') {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, url->socket_path, sizeof url->socket_path);
    memcpy(&target->addresses[0].socket, &address, sizeof address);
    target->addresses[0].len = sizeof address;
    target->address_count = 1;
    return true;
  }
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *found;
  int error = getaddrinfo(url->host, url->port, &hints, &found);
  if (error != 0) {
    return refuse(url->authority, gai_strerror(error));
  }
  for (const struct addrinfo *info = found; info != NULL && target->address_count < BENCH_ADDRESSES_MAX;
       info = info->ai_next) {
    struct bench_address *address = &target->addresses[target->address_count++];
    memcpy(&address->socket, info->ai_addr, info->ai_addrlen);
    address->len = info->ai_addrlen;
  }
  freeaddrinfo(found);
  return true;
}

__attribute__((format(printf, 2, 3))) static bool add(struct bench_target *target, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t room = sizeof target->request - target->request_len;
  int len = vsnprintf(target->request + target->request_len, room, format, arguments);
  va_end(arguments);
  if (len < 0 || (size_t)len >= room) {
    return false;
  }
  target->request_len += (size_t)len;
  return true;
}

static bool write_request(struct bench_target *target, const struct bench_url *url,
                          const struct bench_options *options) {
  bool fits = add(target,
                  "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n",
                  url->target, url->authority);
  if (options->subprotocol != NULL) {
    fits = fits && add(target, "Sec-WebSocket-Protocol: %s\r\n", options->subprotocol);
  }
  if (options->deflate) {
    fits = fits && add(target, "Sec-WebSocket-Extensions: " OFFER "\r\n");
  }
  if (options->origin != NULL) {
    fits = fits && add(target, "Origin: %s\r\n", options->origin);
  }
  for (size_t i = 0; i < options->header_count; i++) {
    fits = fits && add(target, "%s\r\n", options->headers[i]);
  }
  return fits && add(target, "\r\n");
}

bool bench_target_init(struct bench_target *target, const struct bench_options *options) {
  struct bench_url url;
  *target = (struct bench_target){.subprotocol = options->subprotocol, .deflate = options->deflate};
  if (!bench_url_parse(options->url, &url) || !resolve(&url, target)) {
    return false;
  }
  target->tls = url.tls;
  memcpy(target->host, url.host, sizeof target->host);
  return write_request(target, &url, options) || refuse(options->url, "the request is longer than 32 KiB");
}

/* The value of a field, without the white space around it; NULL when there is no such field. */
static const char *find_field(const char *head, size_t len, const char *name, size_t *out_len) {
  size_t name_len = strlen(name);
  const char *end = head + len;
  for (const char *line = memchr(head, '\n', len); line != NULL; line = memchr(line, '\n', (size_t)(end - line))) {
    line++;
    if ((size_t)(end - line) <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':') {
      continue;
    }
    const char *value = line + name_len + 1;
    const char *value_end = memchr(value, '\r', (size_t)(end - value));
    value_end = value_end == NULL ? end : value_end;
    while (value < value_end && (*value == ' ' || *value == '\t')) {
      value++;
    }
    while (value_end > value && (value_end[-1] == ' ' || value_end[-1] == '\t')) {
      value_end--;
    }
    *out_len = (size_t)(value_end - value);
    return value;
  }
  return NULL;
}

/* The next part between semicolons, without spaces. An empty one at the end. */
static size_t next_part(const char **at, const char *end, const char **out_part) {
  const char *part = *at;
  const char *part_end = memchr(part, ';', (size_t)(end - part));
  part_end = part_end == NULL ? end : part_end;
  *at = part_end < end ? part_end + 1 : end;
  while (part < part_end && (*part == ' ' || *part == '\t')) {
    part++;
  }
  while (part_end > part && (part_end[-1] == ' ' || part_end[-1] == '\t')) {
    part_end--;
  }
  *out_part = part;
  return (size_t)(part_end - part);
}

static bool is_word(const char *part, size_t len, const char *word) {
  return len == strlen(word) && strncasecmp(part, word, len) == 0;
}

/* RFC 7692 7.1: the answer may have the size of the server's window, which changes nothing here, but nothing that was
 * not offered. */
static const char *judge_deflate(const char *value, size_t len) {
  const char *at = value;
  const char *end = value + len;
  const char *part;
  size_t part_len = next_part(&at, end, &part);
  bool no_takeover = false;
  if (!is_word(part, part_len, "permessage-deflate")) {
    return "the server chose an extension that was not offered";
  }
  while ((part_len = next_part(&at, end, &part)) > 0) {
    if (is_word(part, part_len, "server_no_context_takeover")) {
      no_takeover = true;
    } else if (!is_word(part, part_len, "client_no_context_takeover") &&
               strncasecmp(part, "server_max_window_bits=", 23) != 0) {
      return "the server chose compression in a way that was not offered";
    }
  }
  return no_takeover ? NULL : "the server compresses with context takeover, which was not offered";
}

static const char *judge_extensions(const struct bench_target *target, const char *head, size_t len) {
  size_t value_len = 0;
  const char *value = find_field(head, len, "Sec-WebSocket-Extensions", &value_len);
  if (value == NULL) {
    return target->deflate ? "the server did not agree to compression" : NULL;
  }
  return target->deflate ? judge_deflate(value, value_len) : "the server chose an extension that was not offered";
}

const char *bench_answer_judge(const struct bench_target *target, const char *head, size_t len) {
  if (len < 12 || memcmp(head, "HTTP/1.1 101", 12) != 0) {
    return "the server did not upgrade";
  }
  size_t value_len = 0;
  const char *value = find_field(head, len, "Sec-WebSocket-Accept", &value_len);
  if (value == NULL || value_len != strlen(ACCEPT) || memcmp(value, ACCEPT, value_len) != 0) {
    return "the answer's Sec-WebSocket-Accept is wrong";
  }
  const char *reason = judge_extensions(target, head, len);
  if (reason != NULL) {
    return reason;
  }
  value = find_field(head, len, "Sec-WebSocket-Protocol", &value_len);
  size_t wanted_len = target->subprotocol == NULL ? 0 : strlen(target->subprotocol);
  if (value == NULL) {
    return wanted_len == 0 ? NULL : "the server did not accept the subprotocol";
  }
  bool same = wanted_len > 0 && value_len == wanted_len && memcmp(value, target->subprotocol, wanted_len) == 0;
  return same ? NULL : "the server chose another subprotocol";
}
