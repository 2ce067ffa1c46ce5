/* base/log_trace.h: the trace that a line of the log belongs to, so that the lines about one message are found
 * together.
 *
 * Does not know: what a trace is. Thread: any.
 */
#ifndef STOA_BASE_LOG_TRACE_H
#define STOA_BASE_LOG_TRACE_H

#include <stdbool.h>

#define STOA_LOG_TRACE_LEN 32

/* The trace of what this thread does now; false: none. Called for each line that is written, by the thread that logs;
 * it must not log. */
typedef bool stoa_log_trace_source(char out_text[STOA_LOG_TRACE_LEN + 1]);

/* Every line from now on has it as its last field, `trace`, unless it has such a field already. NULL: none has. */
void stoa_log_set_trace_source(stoa_log_trace_source *source);

#endif
