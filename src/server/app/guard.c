#include "server/app/guard.h"

#include "base/log_writer.h"
#include "base/sys.h"
#include "server/server_private.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>

#define EXIT_FAILED 1
#define NS_PER_MS UINT64_C(1000000)
/* After the deadline of the stop the servers are aborted. This is the time that is left for what follows. */
#define GRACE_MS 5000
/* A service manager that wants signs of life more often than this gets them this often. */
#define BEAT_MS_MIN 10

static uint64_t now_ns(void) {
  return stoa_clock_monotonic_ns(&stoa_clock_system);
}

static void ring(int fd) {
  const uint64_t one = 1;
  ssize_t ignored = stoa_sys.write(fd, &one, sizeof one);
  (void)ignored;
}

static void silence(int fd) {
  uint64_t count;
  ssize_t ignored = stoa_sys.read(fd, &count, sizeof count);
  (void)ignored;
}

/* Signals; with the lock held. */

static size_t count_sessions(const struct stoa_guard *guard) {
  size_t count = 0;
  for (size_t i = 0; i < guard->server_count; i++) {
    count += stoa_server_session_count(guard->servers[i]);
  }
  return count;
}

static void abort_servers(const struct stoa_guard *guard) {
  for (size_t i = 0; i < guard->server_count; i++) {
    stoa_server_abort(guard->servers[i]);
  }
}

static void begin_stop(struct stoa_guard *guard) {
  if (!guard->requests.stop) {
    guard->requests.stop = true;
    guard->deadline_ns = now_ns() + guard->timeout_ms * NS_PER_MS;
    ring(guard->main_fd);
    ring(guard->wake_fd); /* the guard waits for the deadline from now on */
  }
}

static void end_process(const struct stoa_guard *guard, const char *event) {
  stoa_log(STOA_LOG_ERROR, event, STOA_F_STR("hung", guard->step), STOA_F_INT("stop_timeout_ms", guard->timeout_ms));
  stoa_log_writer_flush();
  stoa_sys.exit_now(EXIT_FAILED);
}

static void on_stop_signal(struct stoa_guard *guard, int number) {
  guard->stop_signals++;
  if (guard->stop_signals > 2) {
    end_process(guard, "a third signal ends the process before everything has stopped");
    return;
  }
  stoa_log(STOA_LOG_INFO, guard->stop_signals == 1 ? "draining" : "ending now", STOA_F_INT("signal", number),
           STOA_F_INT("sessions", count_sessions(guard)));
  if (guard->stop_signals == 2) {
    abort_servers(guard);
  }
  begin_stop(guard);
}

static void on_signal(struct stoa_guard *guard) {
  int number = stoa_signals_read(&guard->signals);
  if (number == SIGHUP) {
    guard->requests.reload = true;
    ring(guard->main_fd);
  } else if (number != 0) {
    on_stop_signal(guard, number);
  }
}

/* Time; with the lock held. */

/* The sessions of the servers may be what takes so long; without them the components still stop in order. */
static void on_deadline(struct stoa_guard *guard) {
  if (guard->server_count > 0 && !guard->late) {
    guard->late = true;
    guard->failed = true;
    guard->deadline_ns = now_ns() + GRACE_MS * NS_PER_MS;
    stoa_log(STOA_LOG_ERROR, "the stop takes too long; the servers end now", STOA_F_STR("hung", guard->step),
             STOA_F_INT("stop_timeout_ms", guard->timeout_ms));
    abort_servers(guard);
    return;
  }
  guard->deadline_ns = 0;
  end_process(guard, "the program did not stop in time; the process ends now");
}

static uint64_t beat_interval_ns(const struct stoa_guard *guard) {
  uint64_t ns = guard->notify.watchdog_usec > UINT64_MAX / 1000 ? UINT64_MAX / 2 : guard->notify.watchdog_usec * 500;
  return ns < BEAT_MS_MIN * NS_PER_MS ? BEAT_MS_MIN * NS_PER_MS : ns;
}

/* While the program stops, workers end and run no posts any more; the deadline bounds that time. */
static void on_beat(struct stoa_guard *guard) {
  struct stoa_pulse_stuck stuck;
  guard->beat_ns = now_ns() + beat_interval_ns(guard);
  if (guard->requests.stop || stoa_pulse_beat(&guard->pulse, &stuck)) {
    stoa_notify_send(&guard->notify, "WATCHDOG=1");
    return;
  }
  stoa_log(STOA_LOG_ERROR, "a worker does not turn; the watchdog gets no sign of life",
           STOA_F_STR("server", stoa_server_address(guard->servers[stuck.server], 0)),
           STOA_F_INT("worker", stuck.worker));
}

static int wait_ms(const struct stoa_guard *guard) {
  uint64_t due = guard->deadline_ns == 0 ? UINT64_MAX : guard->deadline_ns;
  if (guard->beat_ns != 0 && guard->beat_ns < due) {
    due = guard->beat_ns;
  }
  uint64_t now = now_ns();
  uint64_t left_ms = due <= now ? 0 : (due - now) / NS_PER_MS + 1;
  if (due == UINT64_MAX) {
    return -1;
  }
  return left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
}

static void act(struct stoa_guard *guard, bool has_signal, bool is_woken) {
  if (is_woken) {
    silence(guard->wake_fd);
  }
  if (has_signal) {
    on_signal(guard);
  }
  if (guard->beat_ns != 0 && now_ns() >= guard->beat_ns) {
    on_beat(guard);
  }
  if (guard->deadline_ns != 0 && now_ns() >= guard->deadline_ns) {
    on_deadline(guard);
  }
}

static void *run(void *context) {
  struct stoa_guard *guard = context;
  struct pollfd fds[2] = {{guard->signals.fd, POLLIN, 0}, {guard->wake_fd, POLLIN, 0}};
  pthread_mutex_lock(&guard->lock);
  while (!guard->closing) {
    int patience_ms = wait_ms(guard);
    pthread_mutex_unlock(&guard->lock);
    int ready = stoa_sys.poll(fds, 2, patience_ms);
    pthread_mutex_lock(&guard->lock);
    act(guard, ready > 0 && (fds[0].revents & POLLIN) != 0, ready > 0 && (fds[1].revents & POLLIN) != 0);
  }
  pthread_mutex_unlock(&guard->lock);
  return NULL;
}

/* Opening and closing. */

static void close_if_open(int fd) {
  if (fd >= 0) {
    stoa_sys.close(fd);
  }
}

static void close_all(struct stoa_guard *guard) {
  close_if_open(guard->wake_fd);
  close_if_open(guard->main_fd);
  stoa_notify_close(&guard->notify);
  stoa_signals_close(&guard->signals);
  pthread_mutex_destroy(&guard->lock);
}

int stoa_guard_open(struct stoa_guard *out_guard, uint32_t timeout_ms) {
  struct stoa_guard *guard = out_guard;
  *guard = (struct stoa_guard){.timeout_ms = timeout_ms};
  if (stoa_signals_open(&guard->signals) != STOA_OK) {
    return STOA_E_SYSTEM;
  }
  pthread_mutex_init(&guard->lock, NULL);
  stoa_notify_open(&guard->notify);
  guard->wake_fd = stoa_sys.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  guard->main_fd = stoa_sys.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (guard->wake_fd < 0 || guard->main_fd < 0 || stoa_sys.pthread_create(&guard->thread, NULL, run, guard) != 0) {
    close_all(guard);
    return STOA_E_SYSTEM;
  }
  return STOA_OK;
}

void stoa_guard_close(struct stoa_guard *guard) {
  assert(guard->server_count == 0);
  pthread_mutex_lock(&guard->lock);
  guard->closing = true;
  ring(guard->wake_fd);
  pthread_mutex_unlock(&guard->lock);
  pthread_join(guard->thread, NULL);
  stoa_pulse_end(&guard->pulse);
  close_all(guard);
}

/* What the main thread tells it. */

void stoa_guard_set_timeout(struct stoa_guard *guard, uint32_t timeout_ms) {
  pthread_mutex_lock(&guard->lock);
  guard->timeout_ms = timeout_ms;
  pthread_mutex_unlock(&guard->lock);
}

void stoa_guard_set_step(struct stoa_guard *guard, const char *format, ...) {
  va_list values;
  va_start(values, format);
  pthread_mutex_lock(&guard->lock);
  vsnprintf(guard->step, sizeof guard->step, format, values);
  pthread_mutex_unlock(&guard->lock);
  va_end(values);
}

int stoa_guard_watch(struct stoa_guard *guard, struct stoa_server *const *servers, size_t count) {
  int status = STOA_OK;
  assert(count > 0);
  pthread_mutex_lock(&guard->lock);
  guard->servers = servers;
  guard->server_count = count;
  if (guard->notify.watchdog_usec > 0) {
    status = stoa_pulse_begin(&guard->pulse, servers, count);
    guard->beat_ns = status == STOA_OK ? now_ns() + beat_interval_ns(guard) : 0;
    guard->server_count = status == STOA_OK ? count : 0;
  }
  if (guard->stop_signals >= 2) {
    abort_servers(guard);
  }
  ring(guard->wake_fd);
  pthread_mutex_unlock(&guard->lock);
  return status;
}

/* The pulse's posts may still be in the mailboxes, so it ends when the guard is closed. */
void stoa_guard_leave(struct stoa_guard *guard) {
  pthread_mutex_lock(&guard->lock);
  guard->server_count = 0;
  pthread_mutex_unlock(&guard->lock);
}

void stoa_guard_stop(struct stoa_guard *guard, bool has_failed) {
  pthread_mutex_lock(&guard->lock);
  guard->failed = guard->failed || has_failed;
  begin_stop(guard);
  pthread_mutex_unlock(&guard->lock);
}

struct stoa_guard_requests stoa_guard_take(struct stoa_guard *guard) {
  pthread_mutex_lock(&guard->lock);
  struct stoa_guard_requests requests = guard->requests;
  silence(guard->main_fd);
  guard->requests.reload = false;
  pthread_mutex_unlock(&guard->lock);
  return requests;
}

bool stoa_guard_has_failed(struct stoa_guard *guard) {
  pthread_mutex_lock(&guard->lock);
  bool failed = guard->failed;
  pthread_mutex_unlock(&guard->lock);
  return failed;
}
