#include "base/thread.h"

#include "base/sys.h"

#include <errno.h>
#include <signal.h>
#include <stoa/status.h>

static int create(const pthread_attr_t *attributes, void *(*run)(void *argument), void *argument,
                  pthread_t *out_thread) {
  sigset_t all;
  sigset_t before;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = stoa_sys.pthread_create(&thread, attributes, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) {
    errno = error;
    return STOA_E_SYSTEM;
  }
  *out_thread = thread;
  return STOA_OK;
}

int stoa_thread_start(void *(*run)(void *argument), void *argument, pthread_t *out_thread) {
  return create(NULL, run, argument, out_thread);
}

int stoa_thread_start_detached(void *(*run)(void *argument), void *argument) {
  pthread_attr_t detached;
  pthread_t thread;
  int error = pthread_attr_init(&detached);
  if (error != 0) {
    errno = error;
    return STOA_E_SYSTEM;
  }
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED); /* fails only for an unknown state */
  int status = create(&detached, run, argument, &thread);
  pthread_attr_destroy(&detached);
  return status;
}
