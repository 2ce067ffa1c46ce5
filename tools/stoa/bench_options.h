/* tools/stoa/bench_options.h: the options of `stoa bench`. */
#ifndef STOA_TOOL_BENCH_OPTIONS_H
#define STOA_TOOL_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum bench_mode { BENCH_FANOUT, BENCH_ECHO, BENCH_IDLE };
enum bench_template { BENCH_TEMPLATE_RAW, BENCH_TEMPLATE_JSON };

enum {
  BENCH_PIDS_MAX = 16,
  BENCH_HEADERS_MAX = 16,
  BENCH_PREFIX_MAX = 16,
  BENCH_SENDERS_MAX = 65535, /* four hexadecimal digits in each message */
  BENCH_WINDOW_MAX = 65536,
  BENCH_SIZE_MAX = 16 * 1024 * 1024,
  BENCH_CONNECTIONS_MAX = 1000000,
};

struct bench_options {
  enum bench_mode mode;
  const char *url;
  uint32_t connections;
  uint32_t senders;
  uint32_t window;   /* messages in flight per sender; 0 when a rate is set */
  double rate_per_s; /* of all senders together; 0 when a window is set */
  uint64_t messages; /* per sender; 0 when the run is bounded by time */
  size_t size;       /* WebSocket payload, prefix included */
  uint8_t prefix[BENCH_PREFIX_MAX];
  size_t prefix_len;
  enum bench_template template;
  bool text;    /* text messages instead of binary messages */
  bool deflate; /* compressed messages, in both directions */
  int64_t duration_ms;
  int64_t warmup_ms;
  int64_t drain_ms; /* silence after which missing messages count as lost */
  int64_t connect_timeout_ms;
  uint32_t connect_concurrency;
  const char *ca_file; /* NULL: the server's certificate is not checked */
  const char *subprotocol;
  const char *origin;
  const char *headers[BENCH_HEADERS_MAX];
  size_t header_count;
  pid_t pids[BENCH_PIDS_MAX];
  size_t pid_count;
  bool any_order;
  bool allow_foreign;
  bool json;
};

enum bench_parsed { BENCH_PARSED_RUN, BENCH_PARSED_HELP, BENCH_PARSED_WRONG };

/* Read the command line. BENCH_PARSED_HELP: help was printed. BENCH_PARSED_WRONG: the reason is on stderr. Texts in the
 * result are borrowed from argv. */
enum bench_parsed bench_options_parse(int argc, char **argv, struct bench_options *out_options);

#endif
