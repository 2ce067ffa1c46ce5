/* server/app/systemd_notify.h: tells the service manager the state of the program: sd_notify(3), without its library.
 *
 * The protocol: the environment variable NOTIFY_SOCKET names a unix datagram socket, by its path or, after "@", as an
 * abstract address. A message is lines of NAME=value. WATCHDOG_USEC is the time within which WATCHDOG=1 must come again
 * and again; WATCHDOG_PID, if set, is the process that it is meant for.
 *
 * Does not know: when the program is ready, and whether it is well.
 * Thread: open and close on one thread without others; sending on any.
 */
#ifndef STOA_SERVER_APP_SYSTEMD_NOTIFY_H
#define STOA_SERVER_APP_SYSTEMD_NOTIFY_H

#include <stdint.h>

struct stoa_notify {
  int fd;                 /* -1: nobody wants to know */
  uint64_t watchdog_usec; /* 0: there is no watchdog */
};

/* Read the variables, and remove them from the environment, so that no child speaks in the name of this program. An
 * address or a number that cannot be used is logged, and nothing is sent then. */
void stoa_notify_open(struct stoa_notify *out_notify);
/* Twice is fine. */
void stoa_notify_close(struct stoa_notify *notify);

/* Send one message. It waits up to 5 s when the service manager does not read; a message that cannot be sent is logged.
 */
void stoa_notify_send(const struct stoa_notify *notify, const char *message);

#endif
