#include "server/app/signals.h"

#include "base/sys.h"

#include <assert.h>
#include <sys/signalfd.h>

int stoa_signals_open(struct stoa_signals *out_signals) {
  struct stoa_signals signals;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set, &signals.before);
  signals.fd = stoa_sys.signalfd(-1, &set, SFD_CLOEXEC);
  if (signals.fd < 0) {
    pthread_sigmask(SIG_SETMASK, &signals.before, NULL);
    return STOA_E_SYSTEM;
  }
  *out_signals = signals;
  return STOA_OK;
}

void stoa_signals_close(struct stoa_signals *signals) {
  assert(signals->fd >= 0);
  stoa_sys.close(signals->fd);
  signals->fd = -1;
  pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
}

int stoa_signals_read(const struct stoa_signals *signals) {
  struct signalfd_siginfo info;
  return stoa_sys.read(signals->fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}
