/* stoa/log.h: structured lines, one event each.
 *
 * logfmt by default: time=2026-01-31T12:00:00.000Z level=info event="listening" address=0.0.0.0:7700
 * JSON by option. Control bytes (C0, DEL, C1) and bytes that are not UTF-8 are escaped in values, and values are cut at
 * 1 KiB, so that no input can forge a line. A line ends within 8 KiB: fields that no longer fit are counted as
 * left_out=N. When one call site logs more than 10 lines a second, the others are counted, and the next line of that
 * site has the count as suppressed=N.
 *
 * Logging never waits for the reader of the log. While a server runs, lines go through a queue of 256 KiB to a thread
 * that writes them; otherwise the caller writes what can be written without waiting. When the queue is full, lines are
 * dropped and counted; when half of it is free again, a line "log lines dropped" has the number as count=N. A line that
 * cannot be written (disk full, closed pipe) is dropped and counted too. exit(3) and the return of main() write what is
 * queued; they give up after 250 ms without progress, and after 5 s in any case. After fork(2) the child can log, but
 * the queued lines are written by the parent only.
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

/* From which level on lines are written, from now on. Any thread. */
STOA_API void stoa_log_set_level(enum stoa_log_severity level);

/* Takes one finished line, as stoa_log_setup() formats it, without its line feed; a NUL follows it. Borrowed until the
 * call returns. Called for one line at a time: by the log's thread while a server runs, otherwise by the thread that
 * logs, and at the end of the program by the thread that ends it. It may block, because only lines wait for it, as for
 * a descriptor. It must not call stoa_log_set_sink() or fork(2), and it also receives what it logs itself. */
typedef void stoa_log_sink(void *context, enum stoa_log_severity level, struct stoa_string line);

/* Give lines to the program instead of a descriptor, including those that wait now; NULL restores the descriptor. This
 * waits for the previous sink, which is not called any more when it returns. Thread: any, but not the sink.
 *
 * context  borrowed until another sink is set; the end of the program gives the sink what is left */
STOA_API void stoa_log_set_sink(stoa_log_sink *sink, void *context);

/* The name of a level in log lines, such as "warn"; STOA_LOG_OFF is "off". Never NULL; "unknown" for another number. */
STOA_API const char *stoa_log_severity_text(enum stoa_log_severity level);
/* The level with that name. Errors: STOA_E_NOT_FOUND  no level has the name */
STOA_API int stoa_log_severity_of(struct stoa_string text, enum stoa_log_severity *out_level);

/* Lines dropped since the program started, because the queue was full or they could not be written. */
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
