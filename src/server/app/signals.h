/* server/app/signals.h: the signals of a server program, read from a descriptor; there is no signal handler.
 *
 * Thread: open and close on the thread that creates the other threads, so that they inherit the mask; reading on one.
 */
#ifndef STOA_SERVER_APP_SIGNALS_H
#define STOA_SERVER_APP_SIGNALS_H

#include <signal.h>
#include <stoa/status.h>

struct stoa_signals {
  int fd; /* readable when a signal has come; -1: closed */
  sigset_t before;
};

/* Block SIGTERM, SIGINT and SIGHUP, in this thread and those that it creates, and read them from a descriptor.
 * Errors: STOA_E_SYSTEM  there is no descriptor; nothing has changed */
int stoa_signals_open(struct stoa_signals *out_signals);
/* Restore the mask of this thread. */
void stoa_signals_close(struct stoa_signals *signals);
/* The number of the next signal, or 0 when none has come. It may wait for one: call it when the descriptor is readable.
 */
int stoa_signals_read(const struct stoa_signals *signals);

#endif
