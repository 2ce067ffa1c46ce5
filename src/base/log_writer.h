/* base/log_writer.h: writes the lines of the log, so that a caller that logs never waits.
 *
 * Lines go through one bounded queue. It is emptied by stoa_log_writer_run_one(), which is called
 *   by a thread      between start and stop, that is, while a server runs;
 *   by a simulation  while the queue is held;
 *   by the caller    otherwise, and when the thread could not be made: as far as possible without waiting.
 * poll(2) is called before a descriptor is written to, and a line is written in pieces that a pipe takes whole. So even
 * a caller that writes never waits for a reader. A sink of the program gets whole lines instead. The thread is needed
 * where poll(2) does not help: slow disks, and another process that fills the same pipe between the two calls.
 *
 * Lines without room in the queue, and lines that cannot be written, are dropped and counted. A line of the writer's
 * own reports how many, once half of the queue is free, or before the next line after a failure. All memory is static.
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

/* Start a thread that writes the lines. It has all signals blocked, and runs until stop was called as often as start.
 * Errors: STOA_E_SYSTEM  there is no thread; callers write their lines. stop must be called after this too. */
int stoa_log_writer_start(void);
/* The last stop ends the thread after all lines are written. It waits for that as long as flush does, not for the end
 * of the thread. */
void stoa_log_writer_stop(void);

/* While held, lines are only queued, for a simulation or a test that calls run_one itself, and start makes no thread.
 * Ending the hold writes the queued lines. */
void stoa_log_writer_hold(bool is_held);

enum stoa_log_step {
  STOA_LOG_STEP_NOTHING, /* no line, or another thread is writing one */
  STOA_LOG_STEP_DONE,    /* a line, or a piece of one, was written, or the line was lost */
  STOA_LOG_STEP_STUCK,   /* the descriptor takes nothing now */
};
/* Write the oldest line or a piece of it. Waits up to wait_ms for the descriptor to take something. A sink gets a whole
 * line. */
enum stoa_log_step stoa_log_writer_run_one(int wait_ms);

/* Write all queued lines, or wait until the thread has written them. Gives up after 250 ms without progress, or after 5
 * s in all. exit(3) does the same and ends the thread. */
void stoa_log_writer_flush(void);

/* Lines that were dropped since the program started. */
uint64_t stoa_log_writer_dropped(void);

#endif
