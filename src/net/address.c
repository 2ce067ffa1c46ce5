#include "base/sys.h"
#include "net/listener.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define HOST_LEN_MAX 255

static bool skip_prefix(struct stoa_string *text, const char *prefix) {
  size_t len = strlen(prefix);
  if (text->len < len || memcmp(text->data, prefix, len) != 0) {
    return false;
  }
  text->data += len;
  text->len -= len;
  return true;
}

static int parse_unix(struct stoa_string path, struct stoa_address *out) {
  if (path.len == 0 || path.len >= sizeof out->socket.un.sun_path || memchr(path.data, '\0', path.len) != NULL) {
    return STOA_E_SYNTAX;
  }
  out->socket.un.sun_family = AF_UNIX;
  memcpy(out->socket.un.sun_path, path.data, path.len);
  out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
  return STOA_OK;
}

static int parse_port(struct stoa_string text, uint16_t *out_port) {
  uint32_t port = 0;
  if (text.len == 0 || text.len > 5) {
    return STOA_E_SYNTAX;
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return STOA_E_SYNTAX;
    }
    port = port * 10 + (uint32_t)(text.data[i] - '0');
  }
  if (port > 65535) {
    return STOA_E_SYNTAX;
  }
  *out_port = (uint16_t)port;
  return STOA_OK;
}

static void set_any(uint16_t port, struct stoa_address *out) {
  out->socket.in6.sin6_family = AF_INET6;
  out->socket.in6.sin6_addr = in6addr_any;
  out->socket.in6.sin6_port = htons(port);
  out->len = sizeof out->socket.in6;
}

static int resolve(const char *host, uint16_t port, struct stoa_address *out) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
  struct addrinfo *found = NULL;
  if (stoa_sys.getaddrinfo(host, NULL, &hints, &found) != 0) {
    return STOA_E_NOT_FOUND;
  }
  int status = STOA_E_NOT_FOUND;
  if (found->ai_family == AF_INET || found->ai_family == AF_INET6) {
    memcpy(&out->socket, found->ai_addr, found->ai_addrlen);
    out->len = found->ai_addrlen;
    /* The port lies at the same place in both. */
    out->socket.in.sin_port = htons(port);
    status = STOA_OK;
  }
  stoa_sys.freeaddrinfo(found);
  return status;
}

static int parse_host_port(struct stoa_string text, struct stoa_address *out) {
  const char *colon = memrchr(text.data, ':', text.len);
  if (colon == NULL) {
    return STOA_E_SYNTAX;
  }
  struct stoa_string host = {text.data, (size_t)(colon - text.data)};
  uint16_t port;
  if (parse_port(stoa_string_make(colon + 1, text.len - host.len - 1), &port) != STOA_OK) {
    return STOA_E_SYNTAX;
  }
  if (host.len == 0) {
    set_any(port, out);
    return STOA_OK;
  }
  if (host.data[0] == '[') {
    if (host.len < 3 || host.data[host.len - 1] != ']') {
      return STOA_E_SYNTAX;
    }
    host = stoa_string_make(host.data + 1, host.len - 2);
  } else if (memchr(host.data, ':', host.len) != NULL) {
    return STOA_E_SYNTAX;
  }
  char name[HOST_LEN_MAX + 1];
  if (host.len > HOST_LEN_MAX || memchr(host.data, '\0', host.len) != NULL) {
    return STOA_E_SYNTAX;
  }
  memcpy(name, host.data, host.len);
  name[host.len] = '\0';
  return resolve(name, port, out);
}

int stoa_address_parse(struct stoa_string text, struct stoa_address *out_address) {
  struct stoa_address address = {0};
  if (skip_prefix(&text, "wss://")) {
    address.tls = true;
  } else {
    skip_prefix(&text, "ws://");
  }
  int status = STOA_E_SYNTAX;
  if (text.len > 0) {
    status = skip_prefix(&text, "unix:") ? parse_unix(text, &address) : parse_host_port(text, &address);
  }
  if (status == STOA_OK) {
    *out_address = address;
  }
  return status;
}

void stoa_address_format(const struct stoa_address *address, char out_text[STOA_ADDRESS_TEXT_LEN]) {
  char host[INET6_ADDRSTRLEN];
  if (address->socket.any.sa_family == AF_UNIX) {
    snprintf(out_text, STOA_ADDRESS_TEXT_LEN, "unix:%s", address->socket.un.sun_path);
  } else if (address->socket.any.sa_family == AF_INET) {
    inet_ntop(AF_INET, &address->socket.in.sin_addr, host, sizeof host);
    snprintf(out_text, STOA_ADDRESS_TEXT_LEN, "%s:%u", host, ntohs(address->socket.in.sin_port));
  } else {
    inet_ntop(AF_INET6, &address->socket.in6.sin6_addr, host, sizeof host);
    snprintf(out_text, STOA_ADDRESS_TEXT_LEN, "[%s]:%u", host, ntohs(address->socket.in6.sin6_port));
  }
}
