/* server/app/guard.h: the thread of a program that acts also when the main thread or a worker is stuck. It reads the
 * signals, keeps the deadline of the stop, and feeds the watchdog of the service manager.
 *
 * What the main thread has to do is a request: main_fd is readable, and stoa_guard_take() returns it.
 * Does not know: the order of the program's steps.
 * Thread: the main thread, except where a function says otherwise. Lifetime: `out_guard` must not move while it is
 *         open.
 */
#ifndef STOA_SERVER_APP_GUARD_H
#define STOA_SERVER_APP_GUARD_H

#include "base/clock.h"
#include "server/app/pulse.h"
#include "server/app/signals.h"
#include "server/app/systemd_notify.h"

#include <pthread.h>

#define STOA_GUARD_STEP_SIZE 160

struct stoa_guard_requests {
  bool stop;
  bool reload; /* since the last take */
};

struct stoa_guard {
  struct stoa_signals signals;
  struct stoa_notify notify;
  int wake_fd; /* eventfd for the guard */
  int main_fd; /* eventfd for the main thread */
  pthread_t thread;
  pthread_mutex_t lock;            /* of all that follows */
  char step[STOA_GUARD_STEP_SIZE]; /* what the main thread is doing, for the log */
  struct stoa_server *const *servers;
  size_t server_count; /* of those that run; 0: none may be used */
  struct stoa_pulse pulse;
  uint64_t beat_ns;     /* when the watchdog is fed next; 0: never */
  uint64_t deadline_ns; /* of the stop; 0: none */
  uint32_t timeout_ms;
  uint32_t stop_signals;
  struct stoa_guard_requests requests;
  bool failed; /* the exit status is 1 */
  bool late;   /* the deadline has passed once */
  bool closing;
};

/* Begin: block and read the signals, and connect to the service manager.
 *
 * timeout_ms  from the request to stop to the end of the process
 * Errors: STOA_E_SYSTEM  there is no descriptor or no thread */
int stoa_guard_open(struct stoa_guard *out_guard, uint32_t timeout_ms);
/* Ends the thread. All servers must have been left before. */
void stoa_guard_close(struct stoa_guard *guard);

/* Before the stop begins. */
void stoa_guard_set_timeout(struct stoa_guard *guard, uint32_t timeout_ms);
/* What the main thread does next. The text is copied, and cut if it is too long. */
__attribute__((format(printf, 2, 3))) void stoa_guard_set_step(struct stoa_guard *guard, const char *format, ...);

/* The servers run, and the program is ready: a second signal aborts them, and the watchdog looks at their workers.
 *
 * servers  borrowed until leave
 * Errors: STOA_E_MEMORY  nothing is watched */
int stoa_guard_watch(struct stoa_guard *guard, struct stoa_server *const *servers, size_t count);
/* The servers' workers have ended and will be freed. Also without watch. */
void stoa_guard_leave(struct stoa_guard *guard);

/* Ask the main thread to stop, and start the deadline; only the first call does. Any thread. */
void stoa_guard_stop(struct stoa_guard *guard, bool has_failed);
/* What is asked of the main thread; reload is then done. */
struct stoa_guard_requests stoa_guard_take(struct stoa_guard *guard);
bool stoa_guard_has_failed(struct stoa_guard *guard);

#endif
