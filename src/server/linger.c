#include "server/linger.h"

#include "base/sys.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#define NS_PER_MS 1000000u
#define NS_PER_S 1000000000u

/* Waking is all: the end of the turn sends what is due. */
static void on_due(struct stoa_io *io, uint32_t events) {
  struct stoa_linger *linger = (struct stoa_linger *)(void *)io;
  (void)events;
  uint64_t count;
  ssize_t ignored = stoa_sys.read(io->fd, &count, sizeof count);
  (void)ignored;
  linger->armed_ns = 0;
}

int stoa_linger_init(struct stoa_linger *linger, struct stoa_loop *loop, uint32_t linger_ms, bool adaptive) {
  linger->io.fd = -1;
  linger->loop = loop;
  linger->linger_ns = (uint64_t)linger_ms * NS_PER_MS;
  linger->adaptive = adaptive;
  if (linger_ms == 0) {
    return STOA_OK;
  }
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) {
    return STOA_E_SYSTEM;
  }
  linger->io.fd = fd;
  linger->io.events = EPOLLIN;
  linger->io.on_ready = on_due;
  return stoa_loop_add(loop, &linger->io);
}

void stoa_linger_fini(struct stoa_linger *linger) {
  if (linger->linger_ns > 0 && linger->io.fd >= 0) {
    stoa_sys.close(linger->io.fd);
    linger->io.fd = -1;
  }
}

uint64_t stoa_linger_now_ns(const struct stoa_linger *linger) {
  return linger->linger_ns == 0 ? 0 : stoa_clock_monotonic_ns(stoa_loop_clock(linger->loop));
}

uint64_t stoa_linger_due_ns(const struct stoa_linger *linger, uint64_t last_ns) {
  if (linger->linger_ns == 0) {
    return 0;
  }
  uint64_t now_ns = stoa_linger_now_ns(linger);
  if (!linger->adaptive) {
    return now_ns + linger->linger_ns;
  }
  return last_ns == 0 || now_ns - last_ns >= linger->linger_ns ? 0 : last_ns + linger->linger_ns;
}

void stoa_linger_wake_at(struct stoa_linger *linger, uint64_t due_ns) {
  if (linger->armed_ns != 0 && linger->armed_ns <= due_ns) {
    return;
  }
  struct itimerspec when = {.it_value = {(time_t)(due_ns / NS_PER_S), (long)(due_ns % NS_PER_S)}};
  /* Cannot fail with a valid time and descriptor. */
  int ignored = timerfd_settime(linger->io.fd, TFD_TIMER_ABSTIME, &when, NULL);
  (void)ignored;
  linger->armed_ns = due_ns;
}
