/* base/sys.c: the table of system calls, and random bytes. */
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stoa/status.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

/* Enough for 32 ids, at one system call. */
#define POOL_BYTES 512u

/* open(2) takes a variable number of arguments, which a table entry cannot. */
static int open_three(const char *path, int flags, mode_t mode) {
  return open(path, flags, mode);
}

#define REAL_CALLS                                                                                                    \
  {                                                                                                                   \
    .accept4 = accept4, .recv = recv, .send = send, .sendmsg = sendmsg, .read = read, .write = write, .close = close, \
    .epoll_ctl = epoll_ctl, .epoll_wait = epoll_wait, .open = open_three, .getrandom = getrandom,                     \
    .pthread_create = pthread_create                                                                                  \
  }

struct stoa_sys stoa_sys = REAL_CALLS;
const struct stoa_sys stoa_sys_real = REAL_CALLS;

int stoa_random(void *data, size_t len) {
  uint8_t *at = data;
  while (len > 0) {
    ssize_t got = stoa_sys.getrandom(at, len, 0);
    if (got > 0) {
      at += got;
      len -= (size_t)got;
    } else if (got == 0 || errno != EINTR) {
      return STOA_E_SYSTEM;
    }
  }
  return STOA_OK;
}

static __thread struct {
  uint8_t bytes[POOL_BYTES];
  size_t left; /* unused bytes, at the end of `bytes` */
} pool;

int stoa_random_pooled(void *data, size_t len) {
  if (len > POOL_BYTES) {
    return stoa_random(data, len);
  }
  if (len > pool.left) {
    int status = stoa_random(pool.bytes, POOL_BYTES);
    if (status != STOA_OK) {
      return status;
    }
    pool.left = POOL_BYTES;
  }
  memcpy(data, pool.bytes + (POOL_BYTES - pool.left), len);
  pool.left -= len;
  return STOA_OK;
}
