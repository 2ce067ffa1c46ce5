#include "server/app/systemd_sockets.h"

#include "base/sys.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/log.h>
#include <sys/ioctl.h>

#define FIRST_FD 3
/* More than any service has; a larger number is a mistake. */
#define FDS_MAX 1024
#define DIGITS_MAX 9

static bool parse_number(struct stoa_string text, int *out_number) {
  int number = 0;
  if (text.len == 0 || text.len > DIGITS_MAX) {
    return false;
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return false;
    }
    number = number * 10 + (text.data[i] - '0');
  }
  *out_number = number;
  return true;
}

static bool read_variable(const char *name, int *out_number) {
  const char *text = getenv(name);
  return text != NULL && parse_number(stoa_string_of(text), out_number);
}

/* How many were passed to this process; without LISTEN_PID they may be meant for its parent. */
static int passed_count(void) {
  int pid;
  int count;
  if (!read_variable("LISTEN_PID", &pid) || pid != stoa_sys.getpid() || !read_variable("LISTEN_FDS", &count)) {
    return 0;
  }
  return count > FDS_MAX ? FDS_MAX : count;
}

/* The n-th name of the list. */
static struct stoa_string name_of(int index) {
  const char *names = getenv("LISTEN_FDNAMES");
  if (names == NULL) {
    return stoa_string_of("unknown");
  }
  for (int i = 0; i < index; i++) {
    const char *colon = strchr(names, ':');
    if (colon == NULL) {
      return stoa_string_of("unknown");
    }
    names = colon + 1;
  }
  return stoa_string_make(names, strcspn(names, ":"));
}

static bool has_name(int index, struct stoa_string name) {
  struct stoa_string own = name_of(index);
  return own.len == name.len && memcmp(own.data, name.data, own.len) == 0;
}

int stoa_systemd_sockets_find(struct stoa_string name, int *out_fds, size_t fds_max, size_t *out_count) {
  int passed = passed_count();
  size_t count = 0;
  int number;
  bool is_number = parse_number(name, &number);
  assert(fds_max > 0);
  for (int i = 0; i < passed; i++) {
    if (is_number ? number != FIRST_FD + i : !has_name(i, name)) {
      continue;
    }
    if (count == fds_max) {
      return STOA_E_LIMIT;
    }
    out_fds[count++] = FIRST_FD + i;
  }
  *out_count = count;
  return count == 0 ? STOA_E_NOT_FOUND : STOA_OK;
}

static int option_of(int fd, int name) {
  int value = -1;
  socklen_t len = sizeof value;
  return stoa_sys.getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

static bool is_listening_stream(int fd) {
  int domain = option_of(fd, SO_DOMAIN);
  bool is_known = domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX;
  return is_known && option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == 1;
}

int stoa_systemd_sockets_take(int fd, struct stoa_address *out_address) {
  struct stoa_address address = {.len = sizeof address.socket};
  int on = 1;
  int flags = stoa_sys.fd_flags(fd);
  if (flags < 0) {
    return STOA_E_SYSTEM;
  }
  /* What is passed has come through an exec, so it cannot have had this flag. */
  if ((flags & FD_CLOEXEC) != 0) {
    return STOA_E_EXISTS;
  }
  if (!is_listening_stream(fd)) {
    return STOA_E_TYPE;
  }
  if (stoa_sys.getsockname(fd, &address.socket.any, &address.len) != 0 || stoa_sys.ioctl_int(fd, FIONBIO, &on) != 0 ||
      stoa_sys.ioctl_int(fd, FIOCLEX, &on) != 0) {
    return STOA_E_SYSTEM;
  }
  *out_address = address;
  return STOA_OK;
}

void stoa_systemd_sockets_forget(void) {
  int passed = passed_count();
  for (int i = 0; i < passed; i++) {
    int flags = stoa_sys.fd_flags(FIRST_FD + i);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) {
      char advice[64];
      snprintf(advice, sizeof advice, "set server.addresses to [\"fd:%d\"]", FIRST_FD + i);
      stoa_log(STOA_LOG_WARN, "a socket of the service manager is not used by any address",
               STOA_F_INT("fd", FIRST_FD + i), STOA_F_TEXT("name", name_of(i)), STOA_F_STR("advice", advice));
    }
  }
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");
}
