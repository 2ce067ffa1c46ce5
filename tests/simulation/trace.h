/* tests/simulation/trace.h: what happened, as lines of text; two runs of one seed write the same bytes. */
#ifndef TESTS_SIMULATION_TRACE_H
#define TESTS_SIMULATION_TRACE_H

#include <stdbool.h>
#include <stddef.h>

struct trace {
  char *text; /* NULL, or terminated */
  size_t len, size;
  char failure[256]; /* the first thing that must not be; "" when all is well */
};

__attribute__((format(printf, 2, 3))) void trace_line(struct trace *trace, const char *format, ...);
/* The same, and the run has failed. */
__attribute__((format(printf, 2, 3))) void trace_fail(struct trace *trace, const char *format, ...);
bool trace_equal(const struct trace *one, const struct trace *other);
void trace_release(struct trace *trace);

#endif
