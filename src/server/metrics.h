/* server/metrics.h: counts what a server does. Each worker bumps a shard of its own; a scrape sums them.
 *
 * Requests are counted here. What else is counted, is bumped where it happens, with stoa_metric_add() and the indexes
 * of metrics_table.h: in worker->metrics on a worker's thread, in server->metrics.shared on any other.
 *
 * Operations are the rows of requests: the handlers, by their index in the table of handlers, then the operation of
 * requests that no handler is for, then those that were added. Each has a series for each transport. Outcomes are the
 * code and the reason of the answer: at most STOA_OUTCOMES_MAX are told apart.
 *
 * Does not know: the handlers' meaning, HTTP's routes.
 * Thread: as each function says. Lifetime: from bind to the server's destroy.
 */
#ifndef STOA_SERVER_METRICS_H
#define STOA_SERVER_METRICS_H

#include "server/metrics_table.h"

#include <stoa/error.stoa.h>
#include <stoa/handler.h>

struct stoa_server;
struct stoa_worker;

enum stoa_transport { STOA_TRANSPORT_WEBSOCKET, STOA_TRANSPORT_HTTP, STOA_TRANSPORT_COUNT };

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
/* The outcome of an error, or STOA_OUTCOME_OK for NULL. Any thread. */
uint32_t stoa_server_metrics_outcome(struct stoa_server *server, const struct stoa_error *error);

/* A request begins: the time if it is one of the sample, else STOA_UNTIMED. Every 31st of a worker is, so that the
 * clock is not read for each message. */
uint64_t stoa_metrics_begin_request(struct stoa_worker *worker);
/* The duration of a request that began at `began_ns`: until now, or STOA_UNTIMED. */
uint64_t stoa_metrics_duration(const struct stoa_worker *worker, uint64_t began_ns);
/* A request was answered, or a message was handled. */
void stoa_metrics_note_request(struct stoa_worker *worker, enum stoa_transport transport, uint32_t operation,
                               uint32_t outcome, uint64_t duration_ns);

/* Count a refusal: on its worker, or NULL on any other thread. */
void stoa_metrics_note_refused(struct stoa_worker *worker, enum stoa_refused reason);

#endif
