#include "server/app/systemd_notify.h"

#include "base/sys.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <stoa/log.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>

#define SEND_TIMEOUT_S 5
#define DIGITS_MAX 19

static bool parse_number(const char *text, uint64_t *out_number) {
  uint64_t number = 0;
  size_t len = strspn(text, "0123456789");
  if (len == 0 || len > DIGITS_MAX || text[len] != '\0') {
    return false;
  }
  for (size_t i = 0; i < len; i++) {
    number = number * 10 + (uint64_t)(text[i] - '0');
  }
  *out_number = number;
  return true;
}

static bool parse_address(const char *text, struct sockaddr_un *out_address, socklen_t *out_len) {
  size_t len = strlen(text);
  if ((text[0] != '/' && text[0] != '@') || len < 2 || len >= sizeof out_address->sun_path) {
    return false;
  }
  *out_address = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(out_address->sun_path, text, len);
  bool is_abstract = text[0] == '@';
  if (is_abstract) {
    out_address->sun_path[0] = '\0'; /* and no NUL at its end: every byte of the length counts */
  }
  *out_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (is_abstract ? 0 : 1));
  return true;
}

static int connect_to(const char *text) {
  struct sockaddr_un address;
  socklen_t len;
  const struct timeval patience = {.tv_sec = SEND_TIMEOUT_S};
  if (!parse_address(text, &address, &len)) {
    errno = EAFNOSUPPORT;
    return -1;
  }
  int fd = stoa_sys.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  stoa_sys.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (stoa_sys.connect(fd, (const struct sockaddr *)&address, len) != 0) {
    int saved_errno = errno;
    stoa_sys.close(fd);
    errno = saved_errno;
    return -1;
  }
  return fd;
}

/* Systemd sets WATCHDOG_PID when the watchdog is for one process only. */
static uint64_t read_watchdog(void) {
  const char *usec_text = getenv("WATCHDOG_USEC");
  const char *pid_text = getenv("WATCHDOG_PID");
  uint64_t usec = 0;
  uint64_t pid = (uint64_t)stoa_sys.getpid();
  if (usec_text == NULL) {
    return 0;
  }
  if (!parse_number(usec_text, &usec) || (pid_text != NULL && !parse_number(pid_text, &pid))) {
    stoa_log(STOA_LOG_WARN, "the service manager's watchdog is ignored: its settings are not numbers",
             STOA_F_STR("watchdog_usec", usec_text), STOA_F_STR("watchdog_pid", pid_text == NULL ? "" : pid_text));
    return 0;
  }
  return pid == (uint64_t)stoa_sys.getpid() ? usec : 0;
}

void stoa_notify_open(struct stoa_notify *out_notify) {
  const char *address = getenv("NOTIFY_SOCKET");
  *out_notify = (struct stoa_notify){.fd = -1};
  if (address != NULL) {
    out_notify->fd = connect_to(address);
    out_notify->watchdog_usec = out_notify->fd < 0 ? 0 : read_watchdog();
    if (out_notify->fd < 0) {
      stoa_log(STOA_LOG_WARN, "the service manager cannot be notified", STOA_F_STR("notify_socket", address),
               STOA_F_STR("reason", strerror(errno)));
    }
  }
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
}

void stoa_notify_close(struct stoa_notify *notify) {
  if (notify->fd >= 0) {
    stoa_sys.close(notify->fd);
  }
  notify->fd = -1;
}

void stoa_notify_send(const struct stoa_notify *notify, const char *message) {
  assert(message[0] != '\0');
  if (notify->fd < 0) {
    return;
  }
  ssize_t sent;
  do {
    sent = stoa_sys.send(notify->fd, message, strlen(message), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    stoa_log(STOA_LOG_WARN, "a message to the service manager was lost", STOA_F_STR("message", message),
             STOA_F_STR("reason", strerror(errno)));
  }
}
