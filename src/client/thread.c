#include "client/thread.h"

#include "base/sys.h"

#include <errno.h>
#include <signal.h>
#include <stoa/status.h>

int stoa_thread_start(void *(*run)(void *argument), void *argument, pthread_t *out_thread) {
  sigset_t all;
  sigset_t before;
  pthread_t thread;
  /* A new thread inherits the mask of the thread that creates it. */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = stoa_sys.pthread_create(&thread, NULL, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) {
    errno = error;
    return STOA_E_SYSTEM;
  }
  *out_thread = thread;
  return STOA_OK;
}
