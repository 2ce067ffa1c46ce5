/* server/trace/span.h: one span in memory (stoa/trace.h), from its start until it is written for the collector.
 *
 * A span is one block of fixed size, so that what all of them take is known: their number is bounded by whoever makes
 * them.
 *
 * Does not know: where spans go, which are recorded.
 * Thread: one at a time.
 */
#ifndef STOA_SERVER_TRACE_SPAN_H
#define STOA_SERVER_TRACE_SPAN_H

#include <stoa/trace.h>

#define STOA_SPAN_TEXT_BYTES 640u

enum stoa_span_value { STOA_SPAN_TEXT, STOA_SPAN_INT, STOA_SPAN_BOOL, STOA_SPAN_DOUBLE };

struct stoa_span_attribute {
  const char *key; /* a literal */
  enum stoa_span_value kind;
  uint16_t text_at, text_len; /* in the span's texts */
  union {
    int64_t number;
    double real;
  };
};

struct stoa_tracer;

struct stoa_span {
  struct stoa_span *next; /* in the queue */
  struct stoa_tracer *tracer;
  struct stoa_trace_context context;
  struct stoa_trace_context link; /* all 0: none */
  uint8_t parent_id[8];           /* all 0: it begins the trace */
  uint8_t kind;                   /* enum stoa_span_kind */
  bool has_failed;
  uint8_t attribute_count;
  uint16_t left_out; /* attributes */
  uint16_t text_used;
  uint16_t error_at, error_len; /* in the texts */
  int64_t start_us;             /* since 1970 */
  uint64_t start_ns, end_ns;    /* monotonic */
  struct stoa_span_attribute attributes[STOA_SPAN_ATTRIBUTES_MAX];
  char name[STOA_SPAN_NAME_LEN_MAX + 1];
  char texts[STOA_SPAN_TEXT_BYTES];
};

static inline struct stoa_string stoa_span_text_at(const struct stoa_span *span, uint16_t at, uint16_t len) {
  return stoa_string_make(span->texts + at, len);
}

/* Copy a name that is UTF-8 and not too long; otherwise as far as it is. */
void stoa_span_set_name(struct stoa_span *span, const char *name);

#endif
