/* server/trace/collector.h: one HTTP request at a time to a collector: connect, POST, read the answer.
 *
 * Each request has a connection of its own: batches are seconds apart, and a connection that was kept is mostly closed
 * by then.
 *
 * Does not know: spans, retries.
 * Thread: one at a time; every wait blocks it, until the deadline at most. The look-up of a name has no deadline,
 * because the system's resolver has none.
 */
#ifndef STOA_SERVER_TRACE_COLLECTOR_H
#define STOA_SERVER_TRACE_COLLECTOR_H

#include "base/clock.h"

#include <stoa/bytes.h>

#define STOA_COLLECTOR_ANSWER_BYTES_MAX (16u * 1024)
#define STOA_COLLECTOR_TARGET_DEFAULT "/v1/traces"

struct stoa_arena;
struct stoa_collector;

/* NULL and empty mean none. Copied. */
struct stoa_collector_settings {
  struct stoa_string endpoint;       /* "http://host:port/path", "https://..."; without a path, /v1/traces */
  const struct stoa_string *headers; /* "Name: value" */
  size_t header_count;
  struct stoa_string ca_file; /* https: PEM file of the authorities to trust; empty: the system's */
};

/* Errors: STOA_E_SYNTAX    the endpoint is no such URL
 *         STOA_E_ARGUMENT  a header is no field, or one that the request has itself; *out_header is its index
 *         STOA_E_NOT_FOUND, STOA_E_DENIED, STOA_E_TLS  the ca_file, as stoa_tls_client_context_create()
 *         STOA_E_MEMORY */
int stoa_collector_create(const struct stoa_collector_settings *settings, size_t *out_header,
                          struct stoa_collector **out_collector);
/* NULL is fine. Secrets in headers are wiped. */
void stoa_collector_destroy(struct stoa_collector *collector);

/* How long a request may take, and whether somebody wants it to end at once. */
struct stoa_collector_limit {
  const struct stoa_clock *clock;
  uint64_t due_ns; /* monotonic */
  bool (*is_over)(void *context);
  void *context;
};

struct stoa_collector_answer {
  uint16_t status;
  uint32_t retry_after_s; /* of Retry-After; UINT32_MAX: there is none */
  struct stoa_string
      body; /* in the collector's memory, until the next request; cut at ANSWER_BYTES_MAX with the head */
};

/* Send a body and wait for the answer. *out_reason says what failed, for the log; a literal.
 * Errors: STOA_E_NOT_FOUND  the name does not resolve
 *         STOA_E_SYSTEM     no connection, or it broke; STOA_E_CLOSED  it ended before the answer
 *         STOA_E_TLS        the certificate was refused, or TLS failed
 *         STOA_E_TIMEOUT    no whole answer by the deadline, or is_over
 *         STOA_E_SYNTAX     the answer is not HTTP/1.1
 *         STOA_E_MEMORY */
int stoa_collector_post(struct stoa_collector *collector, struct stoa_bytes body,
                        const struct stoa_collector_limit *limit, struct stoa_collector_answer *out_answer,
                        const char **out_reason);

#endif
