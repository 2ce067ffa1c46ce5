#include "trace.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LEN_MAX 300u

static void add(struct trace *trace, const char *format, va_list arguments) {
  if (trace->size - trace->len < LINE_LEN_MAX) {
    trace->size = trace->size == 0 ? 65536 : trace->size * 2;
    trace->text = realloc(trace->text, trace->size);
    assert(trace->text != NULL);
  }
  int len = vsnprintf(trace->text + trace->len, LINE_LEN_MAX - 1, format, arguments);
  size_t used = len < (int)LINE_LEN_MAX - 2 ? (size_t)len : LINE_LEN_MAX - 2;
  trace->len += used;
  trace->text[trace->len++] = '\n';
  trace->text[trace->len] = '\0';
}

void trace_line(struct trace *trace, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  add(trace, format, arguments);
  va_end(arguments);
}

void trace_fail(struct trace *trace, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (trace->failure[0] == '\0') {
    va_list again;
    va_copy(again, arguments);
    vsnprintf(trace->failure, sizeof trace->failure, format, again);
    va_end(again);
  }
  add(trace, format, arguments);
  va_end(arguments);
}

bool trace_equal(const struct trace *one, const struct trace *other) {
  return one->len == other->len && memcmp(one->text, other->text, one->len) == 0;
}

void trace_release(struct trace *trace) {
  free(trace->text);
  *trace = (struct trace){0};
}
