#include "base/log_writer.h"

#include "base/log_queue.h"
#include "base/sys.h"
#include "base/thread.h"
#include "base/uninitialized.h"
#include "base/units.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <stoa/status.h>
#include <time.h>

/* How long one wait for a descriptor lasts. */
#define STEP_MS 50
#define NO_PROGRESS_MS 250
#define FLUSH_MS_MAX 5000

static struct {
  pthread_mutex_t lock; /* held while a line is copied, never while one is written */
  pthread_cond_t changed;
  struct stoa_log_queue queue;
  struct stoa_log_output output; /* of the last line, for lines of our own */
  stoa_log_sink *sink;           /* instead of a descriptor; NULL: none */
  void *sink_context;
  uint32_t starts;  /* calls of start minus calls of stop */
  bool is_prepared; /* for exit and fork */
  bool is_held;
  bool is_ending; /* exit was called: the thread ends, and callers write their lines */
  bool has_thread;
  bool is_writing;     /* a thread is writing the oldest line */
  bool is_in_sink;     /* and calls the sink for it */
  bool is_full;        /* lines are dropped until half the queue is free */
  bool is_cut;         /* the last line written ended half-way: the next one begins with a line feed */
  size_t sent;         /* bytes of the oldest line that are written */
  uint64_t steps;      /* grows when something is written or lost */
  uint64_t gave_up_at; /* value of `steps` after the last wait without progress; UINT64_MAX: none yet */
  uint64_t dropped, unreported;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .gave_up_at = UINT64_MAX};

static void lock(void) {
  pthread_mutex_lock(&writer.lock);
}

static void unlock(void) {
  pthread_mutex_unlock(&writer.lock);
}

/* Exit and fork. fork(2) copies the writer without its thread, and with lines that the parent will write. */

static void begin_child(void) {
  writer.changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
  writer.queue.used = 0;
  writer.has_thread = false;
  writer.is_writing = false;
  writer.is_in_sink = false;
  writer.is_full = false;
  writer.is_cut = false;
  writer.sent = 0;
  writer.unreported = 0;
  unlock();
}

static void end(void);

/* Under the lock. Both may fail without memory. Then the last lines may be lost, or a child must not log. */
static void prepare(void) {
  if (!writer.is_prepared) {
    writer.is_prepared = true;
    int ignored = atexit(end);
    ignored = pthread_atfork(lock, unlock, begin_child);
    (void)ignored;
  }
}

/* Queueing, under the lock. */

static int put_record(int fd, uint64_t noticed, const struct stoa_log_line *line) {
  const struct stoa_log_record record = {
      .fd = fd, .len = (uint32_t)line->len, .level = line->level, .noticed = noticed};
  return stoa_log_queue_put(&writer.queue, &record, line->data);
}

static void tell_of_dropped(void) {
  if (writer.unreported == 0) {
    return;
  }
  const struct stoa_log_head head = {.wall_us = stoa_clock_wall_us(writer.output.clock),
                                     .style = writer.output.style,
                                     .level = STOA_LOG_WARN,
                                     .event = "log lines dropped"};
  const struct stoa_log_field count = STOA_F_INT("count", writer.unreported);
  struct stoa_log_line line STOA_UNINITIALIZED;
  stoa_log_line_compose(&line, &head, &count, 1);
  if (put_record(writer.output.fd, writer.unreported, &line) == STOA_OK) {
    writer.unreported = 0;
  }
}

static bool has_room_again(void) {
  return writer.queue.used <= STOA_LOG_QUEUE_BYTES / 2;
}

static int put_line(const struct stoa_log_line *line) {
  if (writer.is_full && !has_room_again()) {
    return STOA_E_LIMIT;
  }
  tell_of_dropped();
  int status = put_record(writer.output.fd, 0, line);
  writer.is_full = status != STOA_OK;
  return status;
}

static void write_without_waiting(void) {
  while (stoa_log_writer_run_one(0) == STOA_LOG_STEP_DONE) {
  }
}

void stoa_log_writer_put(const struct stoa_log_output *output, const struct stoa_log_line *line) {
  lock();
  prepare();
  writer.output = *output;
  if (put_line(line) != STOA_OK) {
    writer.dropped++;
    writer.unreported++;
  }
  bool is_ours = !writer.is_held && (!writer.has_thread || writer.is_ending);
  pthread_cond_broadcast(&writer.changed);
  unlock();
  if (is_ours) {
    write_without_waiting();
  }
}

/* Writing. */

/* The oldest line while it is written, with the text that must come before it. */
struct piece {
  struct stoa_log_record record;
  stoa_log_sink *sink; /* NULL: write to the descriptor */
  void *sink_context;
  size_t begin, end; /* in the text */
  char text[1 + STOA_LOG_LINE_BYTES_MAX];
};

/* Under the lock. False when there is nothing to write, or another thread writes. */
static bool take_piece(struct piece *piece) {
  if (writer.is_writing || !stoa_log_queue_front(&writer.queue, &piece->record, piece->text + 1)) {
    return false;
  }
  piece->text[0] = '\n';
  piece->begin = (writer.is_cut ? 0 : 1) + writer.sent;
  piece->end = 1 + piece->record.len;
  assert(piece->begin < piece->end);
  /* The rest of a partly written line goes to the same descriptor. */
  piece->sink = writer.sent == 0 ? writer.sink : NULL;
  piece->sink_context = writer.sink_context;
  writer.is_writing = true;
  writer.is_in_sink = piece->sink != NULL;
  return true;
}

/* A descriptor that was ready but took nothing gives no further event. The pause prevents a busy loop. */
static void pause_for(int wait_ms) {
  if (wait_ms > 0) {
    int ignored = stoa_sys.poll(NULL, 0, wait_ms);
    (void)ignored;
  }
}

/* Errors: STOA_E_AGAIN   the descriptor takes nothing now
 *         STOA_E_SYSTEM  it will never take this */
static int write_some(int fd, const char *data, size_t len, int wait_ms, size_t *out_written) {
  struct pollfd ready = {fd, POLLOUT, 0};
  int count = stoa_sys.poll(&ready, 1, wait_ms);
  if (count == 0 || (count < 0 && errno == EINTR)) {
    return STOA_E_AGAIN;
  }
  ssize_t written;
  do {
    written = stoa_sys.write(fd, data, len < PIPE_BUF ? len : PIPE_BUF);
  } while (written < 0 && errno == EINTR);
  if (written > 0) {
    *out_written = (size_t)written;
    return STOA_OK;
  }
  if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    pause_for(wait_ms);
    return STOA_E_AGAIN;
  }
  return STOA_E_SYSTEM;
}

/* Under the lock: the oldest line is over. */
static void finish_line(bool is_cut) {
  writer.is_cut = is_cut;
  writer.sent = 0;
  stoa_log_queue_drop_front(&writer.queue);
  if (writer.is_full && has_room_again()) {
    writer.is_full = false;
    tell_of_dropped();
  }
}

static void give_to_sink(struct piece *piece) {
  size_t len = piece->record.len - 1;
  piece->text[1 + len] = '\0'; /* instead of the line feed */
  piece->sink(piece->sink_context, piece->record.level, stoa_string_make(piece->text + 1, len));
}

/* Errors: as write_some() */
static int put_out(struct piece *piece, int wait_ms, size_t *out_written) {
  if (piece->sink != NULL) {
    give_to_sink(piece);
    return STOA_OK;
  }
  return write_some(piece->record.fd, piece->text + piece->begin, piece->end - piece->begin, wait_ms, out_written);
}

static void count_written(const struct piece *piece, size_t written) {
  if (piece->sink != NULL) {
    finish_line(writer.is_cut); /* keep it for the descriptor, which may be used again */
    return;
  }
  writer.sent += written;
  if (piece->begin + written == piece->end) {
    finish_line(false);
  }
}

/* The count of a notice that could not be written is added to the next notice. */
static void count_lost(const struct stoa_log_record *record) {
  writer.dropped += record->noticed > 0 ? 0 : 1;
  writer.unreported += record->noticed > 0 ? record->noticed : 1;
  finish_line(writer.is_cut || writer.sent > 0);
}

enum stoa_log_step stoa_log_writer_run_one(int wait_ms) {
  struct piece piece STOA_UNINITIALIZED;
  lock();
  bool is_taken = take_piece(&piece);
  unlock();
  if (!is_taken) {
    return STOA_LOG_STEP_NOTHING;
  }
  size_t written = 0;
  int status = put_out(&piece, wait_ms, &written);
  lock();
  writer.is_writing = false;
  writer.is_in_sink = false;
  writer.steps += status != STOA_E_AGAIN;
  if (status == STOA_OK) {
    count_written(&piece, written);
  } else if (status == STOA_E_SYSTEM) {
    count_lost(&piece.record);
  }
  pthread_cond_broadcast(&writer.changed);
  unlock();
  return status == STOA_E_AGAIN ? STOA_LOG_STEP_STUCK : STOA_LOG_STEP_DONE;
}

void stoa_log_writer_set_sink(stoa_log_sink *sink, void *context) {
  lock();
  prepare();
  while (writer.is_in_sink) {
    pthread_cond_wait(&writer.changed, &writer.lock);
  }
  writer.sink = sink;
  writer.sink_context = context;
  unlock();
}

/* The thread. */

static bool can_step(void) {
  return writer.queue.used > 0 && !writer.is_writing;
}

static bool is_wanted(void) {
  return writer.starts > 0 && !writer.is_ending;
}

static void *run(void *context) {
  int stuck_ms = 0;
  lock();
  while (is_wanted() || (can_step() && stuck_ms < NO_PROGRESS_MS)) {
    if (!can_step()) {
      pthread_cond_wait(&writer.changed, &writer.lock);
      continue;
    }
    unlock();
    bool is_stuck = stoa_log_writer_run_one(STEP_MS) == STOA_LOG_STEP_STUCK;
    stuck_ms = !is_stuck ? 0 : stuck_ms < NO_PROGRESS_MS ? stuck_ms + STEP_MS : stuck_ms;
    lock();
  }
  writer.has_thread = false;
  pthread_cond_broadcast(&writer.changed);
  unlock();
  return context;
}

int stoa_log_writer_start(void) {
  int status = STOA_OK;
  lock();
  prepare();
  writer.starts++;
  if (!writer.has_thread && !writer.is_held) {
    status = stoa_thread_start_detached(run, NULL); /* it may hang in a write */
    writer.has_thread = status == STOA_OK;
  }
  unlock();
  return status;
}

void stoa_log_writer_hold(bool is_held) {
  lock();
  writer.is_held = is_held;
  unlock();
  if (!is_held) {
    write_without_waiting();
  }
}

/* The end. */

static uint64_t now_ms(void) {
  return stoa_clock_monotonic_ns(&stoa_clock_system) / STOA_NS_PER_MS;
}

/* Under the lock, which is released during the wait. */
static void wait_for_writer(void) {
  uint64_t due_ns = stoa_clock_monotonic_ns(&stoa_clock_system) + (uint64_t)STEP_MS * STOA_NS_PER_MS;
  const struct timespec due = {(time_t)(due_ns / STOA_NS_PER_S), (long)(due_ns % STOA_NS_PER_S)};
  int ignored = pthread_cond_clockwait(&writer.changed, &writer.lock, CLOCK_MONOTONIC, &due);
  (void)ignored;
}

/* Under the lock. After a wait without progress there is no further one until something was written. */
static void wait_until(bool (*is_over)(void)) {
  uint64_t start_ms = now_ms();
  uint64_t progress_ms = start_ms;
  uint64_t steps = writer.steps;
  uint64_t patience_ms = steps == writer.gave_up_at ? 0 : NO_PROGRESS_MS;
  while (!is_over() && now_ms() - progress_ms <= patience_ms && now_ms() - start_ms < FLUSH_MS_MAX) {
    if (can_step() && !writer.has_thread) {
      unlock();
      stoa_log_writer_run_one(patience_ms == 0 ? 0 : STEP_MS);
      lock();
    } else {
      wait_for_writer();
    }
    if (writer.steps != steps) {
      steps = writer.steps;
      progress_ms = now_ms();
      patience_ms = NO_PROGRESS_MS;
    }
  }
  writer.gave_up_at = is_over() ? UINT64_MAX : steps;
}

static bool is_empty(void) {
  return writer.queue.used == 0;
}

static bool is_without_thread(void) {
  return !writer.has_thread;
}

static bool is_ended(void) {
  return is_empty() && is_without_thread();
}

void stoa_log_writer_flush(void) {
  lock();
  wait_until(is_empty);
  unlock();
}

static void end(void) {
  lock();
  writer.is_ending = true;
  pthread_cond_broadcast(&writer.changed);
  wait_until(is_ended);
  unlock();
}

void stoa_log_writer_stop(void) {
  lock();
  assert(writer.starts > 0);
  writer.starts--;
  if (writer.starts == 0) {
    pthread_cond_broadcast(&writer.changed);
    wait_until(is_without_thread);
  }
  unlock();
}

uint64_t stoa_log_writer_dropped(void) {
  lock();
  uint64_t dropped = writer.dropped;
  unlock();
  return dropped;
}
