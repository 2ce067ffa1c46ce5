#include "net/address.h"

#include "base/sys.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define HOST_LEN_MAX 255
#define NAME_LEN_MAX 255

static bool skip_prefix(struct stoa_string *text, const char *prefix) {
  size_t len = strlen(prefix);
  if (text->len < len || memcmp(text->data, prefix, len) != 0) {
    return false;
  }
  text->data += len;
  text->len -= len;
  return true;
}

static int parse_unix(struct stoa_string path, struct stoa_address_list *out) {
  struct stoa_address *address = &out->items[0];
  if (path.len == 0 || path.len >= sizeof address->socket.un.sun_path || memchr(path.data, '\0', path.len) != NULL) {
    return STOA_E_SYNTAX;
  }
  address->socket.un.sun_family = AF_UNIX;
  memcpy(address->socket.un.sun_path, path.data, path.len);
  address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
  out->form = STOA_ADDRESS_PATH;
  out->count = 1;
  return STOA_OK;
}

/* The names that systemd allows: printable ASCII without a colon. */
static int parse_given(struct stoa_string name, struct stoa_address_list *out) {
  if (name.len == 0 || name.len > NAME_LEN_MAX) {
    return STOA_E_SYNTAX;
  }
  for (size_t i = 0; i < name.len; i++) {
    if (name.data[i] <= ' ' || name.data[i] > '~' || name.data[i] == ':') {
      return STOA_E_SYNTAX;
    }
  }
  out->items[0].socket.any.sa_family = AF_UNSPEC;
  out->form = STOA_ADDRESS_GIVEN;
  out->name = name;
  out->count = 1;
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

uint16_t stoa_address_port(const struct stoa_address *address) {
  /* sin_port has the same offset in both families. */
  int family = address->socket.any.sa_family;
  return family == AF_INET || family == AF_INET6 ? ntohs(address->socket.in.sin_port) : 0;
}

void stoa_address_set_port(struct stoa_address *address, uint16_t port) {
  assert(address->socket.any.sa_family != AF_UNIX);
  address->socket.in.sin_port = htons(port);
}

static void set_every(uint16_t port, struct stoa_address_list *out) {
  struct stoa_address *address = &out->items[0];
  address->socket.in6.sin6_family = AF_INET6;
  address->socket.in6.sin6_addr = in6addr_any;
  address->len = sizeof address->socket.in6;
  stoa_address_set_port(address, port);
  out->form = STOA_ADDRESS_EVERY;
  out->count = 1;
}

static void set_ipv4(struct stoa_address *address, const void *bytes, in_port_t port) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
  memcpy(&in.sin_addr, bytes, sizeof in.sin_addr);
  *address = (struct stoa_address){.len = sizeof in};
  address->socket.in = in;
}

void stoa_address_to_ipv4(struct stoa_address *address) {
  const struct in_addr any = {INADDR_ANY};
  assert(address->socket.any.sa_family != AF_UNIX);
  set_ipv4(address, &any, address->socket.in.sin_port);
}

static bool is_same(const struct stoa_address *one, const struct stoa_address *other) {
  return one->len == other->len && memcmp(&one->socket, &other->socket, one->len) == 0;
}

static void add(const struct addrinfo *info, uint16_t port, struct stoa_address_list *out) {
  struct stoa_address address = {0};
  if ((info->ai_family != AF_INET && info->ai_family != AF_INET6) || out->count == STOA_ADDRESS_LIST_MAX) {
    return;
  }
  memcpy(&address.socket, info->ai_addr, info->ai_addrlen);
  address.len = info->ai_addrlen;
  stoa_address_set_port(&address, port);
  if (info->ai_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address.socket.in6.sin6_addr)) {
    const struct in6_addr mapped = address.socket.in6.sin6_addr;
    set_ipv4(&address, mapped.s6_addr + 12, htons(port));
  }
  /* A hosts file with two lines for one name returns an address twice. */
  for (size_t i = 0; i < out->count; i++) {
    if (is_same(&out->items[i], &address)) {
      return;
    }
  }
  out->items[out->count++] = address;
}

static int resolve(const char *host, uint16_t port, struct stoa_address_list *out) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
  struct addrinfo *found = NULL;
  out->form = STOA_ADDRESS_LITERAL;
  if (stoa_sys.getaddrinfo(host, NULL, &hints, &found) != 0) {
    hints.ai_flags = 0;
    out->form = STOA_ADDRESS_NAME;
    if (stoa_sys.getaddrinfo(host, NULL, &hints, &found) != 0) {
      return STOA_E_NOT_FOUND;
    }
  }
  for (const struct addrinfo *info = found; info != NULL; info = info->ai_next) {
    add(info, port, out);
  }
  stoa_sys.freeaddrinfo(found);
  return out->count == 0 ? STOA_E_NOT_FOUND : STOA_OK;
}

static int parse_host_port(struct stoa_string text, struct stoa_address_list *out) {
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
    set_every(port, out);
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

int stoa_address_parse(struct stoa_string text, struct stoa_address_list *out_list) {
  struct stoa_address_list list = {0};
  if (skip_prefix(&text, "wss://")) {
    list.scheme = STOA_ADDRESS_WSS;
  } else if (skip_prefix(&text, "ws://")) {
    list.scheme = STOA_ADDRESS_WS;
  }
  int status = STOA_E_SYNTAX;
  if (skip_prefix(&text, "unix:")) {
    status = parse_unix(text, &list);
  } else if (skip_prefix(&text, "fd:")) {
    status = parse_given(text, &list);
  } else if (text.len > 0) {
    status = parse_host_port(text, &list);
  }
  if (status == STOA_OK) {
    assert(list.count > 0);
    *out_list = list;
  }
  return status;
}

void stoa_address_format(const struct stoa_address *address, char out_text[STOA_ADDRESS_TEXT_SIZE]) {
  char host[INET6_ADDRSTRLEN];
  if (address->socket.any.sa_family == AF_UNIX) {
    snprintf(out_text, STOA_ADDRESS_TEXT_SIZE, "unix:%s", address->socket.un.sun_path);
  } else if (address->socket.any.sa_family == AF_INET) {
    inet_ntop(AF_INET, &address->socket.in.sin_addr, host, sizeof host);
    snprintf(out_text, STOA_ADDRESS_TEXT_SIZE, "%s:%u", host, stoa_address_port(address));
  } else {
    inet_ntop(AF_INET6, &address->socket.in6.sin6_addr, host, sizeof host);
    snprintf(out_text, STOA_ADDRESS_TEXT_SIZE, "[%s]:%u", host, stoa_address_port(address));
  }
}

bool stoa_address_is_any(const struct stoa_address *address) {
  if (address->socket.any.sa_family == AF_INET) {
    return address->socket.in.sin_addr.s_addr == htonl(INADDR_ANY);
  }
  return address->socket.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->socket.in6.sin6_addr);
}

bool stoa_address_is_loopback(const struct stoa_address *address) {
  if (address->socket.any.sa_family == AF_INET) {
    return ntohl(address->socket.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  return address->socket.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address->socket.in6.sin6_addr);
}

bool stoa_address_covers(const struct stoa_address *wide, const struct stoa_address *narrow) {
  int family = wide->socket.any.sa_family;
  if (family == AF_UNIX || narrow->socket.any.sa_family == AF_UNIX) {
    return is_same(wide, narrow);
  }
  if (stoa_address_port(wide) == 0 || stoa_address_port(wide) != stoa_address_port(narrow)) {
    return false;
  }
  if (stoa_address_is_any(wide)) {
    return family == narrow->socket.any.sa_family || (family == AF_INET6 && !wide->ipv6_only);
  }
  return is_same(wide, narrow);
}
