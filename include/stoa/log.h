/* stoa/log.h: structured lines, one event each.
 *
 * logfmt by default: time=2026-01-31T12:00:00.000Z level=info event="listening" address=0.0.0.0:7700
 * JSON by option. Control bytes (C0, DEL, C1) and bytes that are not UTF-8 are escaped in values, and values are cut at
 * 1 KiB, so that no input can forge a line. A line ends within 8 KiB: fields that no longer fit are counted as
 * left_out=N. An event that repeats more than 10 times a second at one call site is counted instead, and told once as
 * suppressed=N on the next line of that site.
 *
 * Logging never waits for whoever reads the log. While a server runs, lines go through a queue of 256 KiB to a thread
 * that writes them; otherwise the caller writes what can be written without waiting. When the queue is full, lines are
 * dropped and counted, and once half of it is free a line "log lines dropped" with count=N tells so. A line that cannot
 * be written (disk full, nobody at the other end) is dropped and counted too. exit(3) and the return of main() write
 * what is left, as long as it is taken: 250 ms without progress end that, and 5 s in any case. After fork(2) the child
 * logs on without what was queued, which the parent writes.
 * Thread: any. A line of up to 4 KiB is written with one write(2); the lines of one thread keep their order.
 */
#ifndef STOA_LOG_H
#define STOA_LOG_H

#include <stoa/bytes.h>
#include <stoa/export.h>
#include <stoa/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum stoa_log_severity { STOA_LOG_DEBUG, STOA_LOG_INFO, STOA_LOG_WARN, STOA_LOG_ERROR, STOA_LOG_OFF };
enum stoa_log_format { STOA_LOG_LOGFMT, STOA_LOG_JSON };

enum stoa_log_kind { STOA_LOG_STRING, STOA_LOG_INT };

/* One key and its value. `key` is a literal of [a-z0-9_]. */
struct stoa_log_field {
  const char *key;
  enum stoa_log_kind kind;
  struct stoa_string text;
  int64_t number;
};

static inline struct stoa_log_field stoa_log_text_field(const char *key, struct stoa_string text) {
  struct stoa_log_field field = {key, STOA_LOG_STRING, text, 0};
  return field;
}

static inline struct stoa_log_field stoa_log_int_field(const char *key, int64_t number) {
  struct stoa_log_field field = {key, STOA_LOG_INT, {NULL, 0}, number};
  return field;
}

/* Fields in short, of a string that ends with a NUL, of a view and of a whole number. */
#define STOA_F_STR(name, value) stoa_log_text_field((name), stoa_string_of(value))
#define STOA_F_TEXT(name, view) stoa_log_text_field((name), (view))
#define STOA_F_INT(name, value) stoa_log_int_field((name), (int64_t)(value))

/* Where lines go, from which level on, and how. The default is descriptor 2, info, logfmt. Thread: before workers. */
STOA_API void stoa_log_setup(int fd, enum stoa_log_severity level, enum stoa_log_format format);

/* Takes one finished line, as stoa_log_setup() has it written, without its line feed; a NUL follows it. Borrowed until
 * the call returns. Called for one line at a time: by the log's thread while a server runs, else by the thread that
 * logs, and at the end of the program by the one that ends it. It may take its time, for only lines wait, as for a
 * descriptor; but it must not call stoa_log_set_sink() or fork(2), and what it logs itself comes back to it. */
typedef void stoa_log_sink(void *context, enum stoa_log_severity level, struct stoa_string line);

/* Give lines to the program instead of a descriptor, those too that wait now; NULL goes back to the descriptor. The
 * sink before is not called any more when this returns, which waits for it. Thread: any, but not the sink.
 *
 * context  borrowed until another sink is set; the end of the program gives the sink what is left */
STOA_API void stoa_log_set_sink(stoa_log_sink *sink, void *context);

/* A level as lines have it, "warn"; STOA_LOG_OFF is "off". Never NULL; "unknown" for another number. */
STOA_API const char *stoa_log_severity_text(enum stoa_log_severity level);
/* The level of such a text. Errors: STOA_E_NOT_FOUND  it is none of them */
STOA_API int stoa_log_severity_of(struct stoa_string text, enum stoa_log_severity *out_level);

/* Lines that were dropped since the program started, for want of room or because they could not be written. */
STOA_API uint64_t stoa_log_dropped(void);
STOA_API bool stoa_log_enabled(enum stoa_log_severity level);

struct stoa_log_site {
  uint64_t state; /* rate limit of one call site, used with atomics only */
};

STOA_API void stoa_log_write(struct stoa_log_site *site, enum stoa_log_severity level, const char *event,
                             const struct stoa_log_field *fields, size_t field_count);

/* stoa_log(STOA_LOG_INFO, "listening", STOA_F_STR("address", text)); at least one field. */
#define stoa_log(level, event, ...)                                         \
  do {                                                                      \
    if (stoa_log_enabled(level)) {                                          \
      static struct stoa_log_site stoa_log_site_;                           \
      const struct stoa_log_field stoa_log_fields_[] = {__VA_ARGS__};       \
      stoa_log_write(&stoa_log_site_, (level), (event), stoa_log_fields_,   \
                     sizeof stoa_log_fields_ / sizeof stoa_log_fields_[0]); \
    }                                                                       \
  } while (0)

#ifdef __cplusplus
}
#endif

#endif
