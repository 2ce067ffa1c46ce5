#include "net/dial.h"

#include "base/sys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>

static bool usable(const struct addrinfo *info) {
  return info->ai_family == AF_INET || info->ai_family == AF_INET6;
}

int stoa_dial_resolve(const char *host, uint16_t port, struct stoa_address out_addresses[STOA_DIAL_ADDRESSES_MAX],
                      size_t *out_count) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  int error = stoa_sys.getaddrinfo(host, NULL, &hints, &found);
  if (error != 0) {
    return error == EAI_MEMORY ? STOA_E_MEMORY : error == EAI_SYSTEM ? STOA_E_SYSTEM : STOA_E_NOT_FOUND;
  }
  size_t count = 0;
  for (const struct addrinfo *info = found; info != NULL && count < STOA_DIAL_ADDRESSES_MAX; info = info->ai_next) {
    if (usable(info)) {
      struct stoa_address *address = &out_addresses[count++];
      memset(address, 0, sizeof *address);
      memcpy(&address->socket, info->ai_addr, info->ai_addrlen);
      address->len = info->ai_addrlen;
      /* The port has the same offset in both. */
      address->socket.in.sin_port = htons(port);
    }
  }
  stoa_sys.freeaddrinfo(found);
  if (count == 0) {
    return STOA_E_NOT_FOUND;
  }
  *out_count = count;
  return STOA_OK;
}

bool stoa_dial_literal(const char *host, uint16_t port, struct stoa_address *out_address) {
  struct stoa_address address;
  memset(&address, 0, sizeof address);
  if (inet_pton(AF_INET, host, &address.socket.in.sin_addr) == 1) {
    address.socket.in.sin_family = AF_INET;
    address.socket.in.sin_port = htons(port);
    address.len = sizeof address.socket.in;
  } else if (inet_pton(AF_INET6, host, &address.socket.in6.sin6_addr) == 1) {
    address.socket.in6.sin6_family = AF_INET6;
    address.socket.in6.sin6_port = htons(port);
    address.len = sizeof address.socket.in6;
  } else {
    return false;
  }
  *out_address = address;
  return true;
}

int stoa_dial_start(const struct stoa_address *address, int *out_fd) {
  const int on = 1;
  int fd = stoa_sys.socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return STOA_E_SYSTEM;
  }
  if (address->socket.any.sa_family != AF_UNIX) {
    /* A turn's messages are one write anyway; a small write must not wait for the acknowledgement of the one before. */
    stoa_sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (stoa_sys.connect(fd, &address->socket.any, address->len) != 0 && errno != EINPROGRESS) {
    int saved_errno = errno;
    stoa_sys.close(fd);
    errno = saved_errno;
    return STOA_E_SYSTEM;
  }
  *out_fd = fd;
  return STOA_OK;
}

int stoa_dial_result(int fd) {
  int error = 0;
  socklen_t len = sizeof error;
  if (stoa_sys.getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
    return STOA_E_SYSTEM;
  }
  errno = error;
  return error == 0 ? STOA_OK : STOA_E_SYSTEM;
}
