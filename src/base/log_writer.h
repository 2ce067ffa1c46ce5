/* base/log_writer.h: who writes the lines of the log, without making anybody wait who logs.
 *
 * Lines go through one bounded queue. It is emptied by stoa_log_writer_run_one(), which is called
 *   by a thread       between start and stop: while a server runs;
 *   by who simulates  while the queue is held;
 *   by who logs       otherwise, and when the thread could not be made: as far as it goes without waiting.
 * A descriptor is asked (poll(2)) before it is written to, and a line goes out in pieces that a pipe takes whole, so
 * that even a caller never waits for a reader. A sink of the program's gets whole lines instead. The thread is there
 * for what poll(2) does not know: slow disks, another process that fills the same pipe in between.
 *
 * Lines that find no room, or that cannot be written, are dropped and counted; a line of our own tells how many once
 * half of the queue is free, or before the next line after a failure. All memory is static.
 *
 * Thread: any; there is one writer in a process. After fork(2) the child begins with an empty queue and no thread.
 */
#ifndef STOA_BASE_LOG_WRITER_H
#define STOA_BASE_LOG_WRITER_H

#include "base/clock.h"
#include "base/log_line.h"

struct stoa_log_output {
  const struct stoa_clock *clock;
  int fd;
  enum stoa_log_format style;
};

/* Queue a line, or drop and count it. Never waits. */
void stoa_log_writer_put(const struct stoa_log_output *output, const struct stoa_log_line *line);

/* As stoa_log_set_sink(). */
void stoa_log_writer_set_sink(stoa_log_sink *sink, void *context);

/* Have lines written by a thread, which takes no signals, until as many stops as starts were called.
 * Errors: STOA_E_SYSTEM  there is no thread; who logs writes. stop is due after that too. */
int stoa_log_writer_start(void);
/* The last stop ends the thread, once all is written: it waits for that as flush does, then leaves the thread alone. */
void stoa_log_writer_stop(void);

/* Only queue lines, for a simulation or a test that calls run_one itself; start makes no thread meanwhile. The end of
 * it writes what is there. */
void stoa_log_writer_hold(bool is_held);

enum stoa_log_step {
  STOA_LOG_STEP_NOTHING, /* no line, or somebody else is writing one */
  STOA_LOG_STEP_DONE,    /* a line, or a piece of it, was written, or the line is lost */
  STOA_LOG_STEP_STUCK,   /* the descriptor takes nothing now */
};
/* Write (a piece of) the oldest line; wait up to wait_ms for the descriptor to take something. A sink takes a line. */
enum stoa_log_step stoa_log_writer_run_one(int wait_ms);

/* Write all that is queued, or wait until the thread has, as long as the descriptor takes something: 250 ms without
 * progress end it, and 5 s. exit(3) does the same and ends the thread. */
void stoa_log_writer_flush(void);

/* Lines that were dropped since the program started. */
uint64_t stoa_log_writer_dropped(void);

#endif
