/* server/metrics/metrics.h: counts what a server does. Each worker bumps a shard of its own; a scrape sums them.
 *
 * Requests are counted here. What else is counted, is bumped where it happens, with stoa_metric_add() and the indexes
 * of table.h: in worker->metrics on a worker's thread, in server->metrics.shared on any other.
 *
 * Operations are the rows of requests: the handlers, by their index in the table of handlers, then the operation of
 * requests that no handler is for, then those that were added. Each has a series for each transport. Outcomes are the
 * code and the reason of the answer: at most STOA_OUTCOMES_MAX are told apart.
 *
 * Does not know: the handlers' meaning, HTTP's routes.
 * Thread: as each function says. Lifetime: from bind to the server's destroy.
 */
#ifndef STOA_SERVER_METRICS_METRICS_H
#define STOA_SERVER_METRICS_METRICS_H

#include "server/metrics/table.h"

#include <stoa/error.stoa.h>
#include <stoa/handler.h>

struct stoa_server;
struct stoa_worker;

/* How a request came; FALLBACK: in a session of the HTTP fallback. */
enum stoa_transport { STOA_TRANSPORT_WEBSOCKET, STOA_TRANSPORT_HTTP, STOA_TRANSPORT_FALLBACK, STOA_TRANSPORT_COUNT };

/* The reason of an error is the program's, so pairs of code and reason beyond these share one: "other". */
#define STOA_OUTCOMES_MAX 128u
/* The code of success: "0", as in Kratos, and no reason. */
#define STOA_OUTCOME_OK 0u
/* The duration of a request whose beginning was not noted. */
#define STOA_UNTIMED UINT64_MAX

struct stoa_server_metrics {
  struct stoa_metrics *set; /* NULL before bind */
  struct stoa_metric_shard *shared;
  struct stoa_metric table[STOA_M_COUNT];
  struct stoa_metric_labels operations; /* kind and operation */
  struct stoa_metric_labels outcomes;   /* code and reason */
  uint32_t *operation_rows;             /* of each operation and transport */
  uint32_t operation_count, operation_max;
};

/* After the handlers were registered, before the workers exist: everything counts from 0. What was counted before a
 * start that failed is gone.
 *
 * more_operations  how many will be added
 * Errors: STOA_E_MEMORY; STOA_E_LIMIT  too many series. fini is due after an error too. */
int stoa_server_metrics_init(struct stoa_server *server, uint32_t more_operations);
/* A zeroed one is fine. When no worker runs. */
void stoa_server_metrics_fini(struct stoa_server_metrics *metrics);

/* Before the workers run: one more operation, such as a route of HTTP. One whose name is no label (longer than
 * STOA_METRIC_VALUE_LEN_MAX, not UTF-8) is counted as the operation without a handler.
 * Errors: STOA_E_LIMIT  more_operations were added; STOA_E_MEMORY */
int stoa_server_metrics_add_operation(struct stoa_server *server, struct stoa_string name, uint32_t *out_operation);
/* The operation of a handler of the server's table; NULL: of requests without one. */
uint32_t stoa_server_metrics_operation(const struct stoa_server *server, const struct stoa_handler *handler);
/* Its name, the label of its series; valid until fini. */
static inline const char *stoa_server_metrics_operation_name(const struct stoa_server_metrics *metrics,
                                                             uint32_t operation) {
  assert(operation < metrics->operation_count);
  return metrics->operations.rows[metrics->operation_rows[operation * STOA_TRANSPORT_COUNT]].values[1];
}
/* The outcome of an error, or STOA_OUTCOME_OK for NULL. Any thread. */
uint32_t stoa_server_metrics_outcome(struct stoa_server *server, const struct stoa_error *error);

#define STOA_METRICS_SAMPLE 31u
/* A request begins: the time if it is one of the sample, else STOA_UNTIMED. Every 31st of a worker is, so that the
 * clock is not read for each message. */
uint64_t stoa_metrics_begin_request(struct stoa_worker *worker);
/* The duration of a request that began at `began_ns`: until now, or STOA_UNTIMED. */
uint64_t stoa_metrics_duration(const struct stoa_worker *worker, uint64_t began_ns);
/* The label of its series. */
const char *stoa_transport_name(enum stoa_transport transport);
/* A request was answered, or a message was handled. */
void stoa_metrics_note_request(struct stoa_worker *worker, enum stoa_transport transport, uint32_t operation,
                               uint32_t outcome, uint64_t duration_ns);

/* Count a refusal. The worker's thread. */
void stoa_metrics_note_refused(struct stoa_worker *worker, enum stoa_refused reason);

/* Count a reload of the configuration. Any thread, while the server runs. */
void stoa_metrics_note_reload(struct stoa_server *server, enum stoa_reload_result result);

/* Write all metrics, those of the process too: the content of an answer to a scrape, whose type is
 * stoa_metric_content_type(). Any thread, from create to destroy; what is counted by workers is there once it is bound.
 * It takes the mutex of groups for a moment, and reads files of /proc.
 * Errors: STOA_E_MEMORY; STOA_E_LIMIT  the buffer's cap. The buffer then holds a part, which is of no use. */
int stoa_server_write_metrics(struct stoa_server *server, enum stoa_metric_format format, struct stoa_buffer *out);

/* The same in steps, each of which takes a fraction of a millisecond. */
enum stoa_scrape_part {
  STOA_SCRAPE_TABLE,
  STOA_SCRAPE_EXTENSIONS,
  STOA_SCRAPE_SERVER,
  STOA_SCRAPE_PROCESS,
  STOA_SCRAPE_ABOUT,
  STOA_SCRAPE_DONE
};

struct stoa_scrape {
  struct stoa_server *server;
  struct stoa_metric_text text;
  struct stoa_metrics_position position;
  uint32_t extension, extension_set; /* whose metrics are next */
  enum stoa_scrape_part part;        /* the next one */
};

void stoa_scrape_init(struct stoa_scrape *out_scrape, struct stoa_server *server, enum stoa_metric_format format);
/* Append the next step's text, perhaps nothing; not after STOA_SCRAPE_DONE. `out` may be another one each time. Errors:
 * as stoa_server_write_metrics() */
int stoa_scrape_step(struct stoa_scrape *scrape, struct stoa_buffer *out);

#endif
