#include "bench_target.h"

#include <ctype.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

/* RFC 6455 1.3's own example of a key and its answer. A fresh key per connection is there to tell a server that
 * understood from a cache that repeats; the load goes to a server of one's own, and a constant needs no digest. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static bool refuse(const char *text, const char *reason) {
  fprintf(stderr, "stoa bench: %s: %s\n", text, reason);
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

/* "host", "host:port", "[::1]" or "[::1]:port", `len` bytes. RFC 6455 3: the default port is 80. */
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
    return parse_port("80", 2, url);
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
  if (strncmp(text, "wss:", 4) == 0) {
    return refuse(text, "only ws:// and ws+unix: can be measured, without TLS");
  }
  if (strncmp(text, "ws+unix:", 8) == 0) {
    if (!parse_unix(text + 8, &url)) {
      return refuse(text, "expected ws+unix:SOCKET or ws+unix:SOCKET:/PATH");
    }
    *out_url = url;
    return true;
  }
  size_t len = strncmp(text, "ws://", 5) == 0 ? strcspn(text + 5, "/?") : 0;
  if (len == 0 || !parse_authority(text + 5, len, &url)) {
    return refuse(text, "expected ws://HOST:PORT/PATH");
  }
  const char *rest = text + 5 + len;
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
    memcpy(&target->address, &address, sizeof address);
    target->address_len = sizeof address;
    return true;
  }
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *found;
  int error = getaddrinfo(url->host, url->port, &hints, &found);
  if (error != 0) {
    return refuse(url->authority, gai_strerror(error));
  }
  memcpy(&target->address, found->ai_addr, found->ai_addrlen);
  target->address_len = found->ai_addrlen;
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
  *target = (struct bench_target){.subprotocol = options->subprotocol};
  if (!bench_url_parse(options->url, &url) || !resolve(&url, target)) {
    return false;
  }
  return write_request(target, &url, options) || refuse(options->url, "the request is longer than 32 KiB");
}

/* The value of a field, without the white space around it; NULL when there is none of that name. */
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

const char *bench_answer_judge(const struct bench_target *target, const char *head, size_t len) {
  if (len < 12 || memcmp(head, "HTTP/1.1 101", 12) != 0) {
    return "the server did not upgrade";
  }
  size_t value_len = 0;
  const char *value = find_field(head, len, "Sec-WebSocket-Accept", &value_len);
  if (value == NULL || value_len != strlen(ACCEPT) || memcmp(value, ACCEPT, value_len) != 0) {
    return "the answer's Sec-WebSocket-Accept is wrong";
  }
  if (find_field(head, len, "Sec-WebSocket-Extensions", &value_len) != NULL) {
    return "the server chose an extension that was not offered";
  }
  value = find_field(head, len, "Sec-WebSocket-Protocol", &value_len);
  size_t wanted_len = target->subprotocol == NULL ? 0 : strlen(target->subprotocol);
  if (value == NULL) {
    return wanted_len == 0 ? NULL : "the server did not take the subprotocol";
  }
  bool same = wanted_len > 0 && value_len == wanted_len && memcmp(value, target->subprotocol, wanted_len) == 0;
  return same ? NULL : "the server chose another subprotocol";
}
