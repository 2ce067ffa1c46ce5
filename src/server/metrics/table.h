/* server/metrics/table.h: the metrics of a server: their names, types, labels and help, as docs/metrics.md lists them.
 *
 * Each is a row of stoa_server_metric_table, which each server copies, because the rows of some labels are known only
 * when it starts: those of its handlers. The labels here never change.
 *
 * Does not know: who counts. Thread: any; the table is constant.
 */
#ifndef STOA_SERVER_METRICS_TABLE_H
#define STOA_SERVER_METRICS_TABLE_H

#include "base/metric.h"

enum stoa_server_metric {
  STOA_M_REQUESTS,        /* {kind, operation}, {code, reason} */
  STOA_M_REQUEST_SECONDS, /* {kind, operation} */
  STOA_M_ACCEPTED,
  STOA_M_ACCEPT_ERRORS, /* enum stoa_accept_error */
  STOA_M_REFUSED,       /* enum stoa_refused */
  STOA_M_HANDSHAKES,    /* enum stoa_handshake */
  STOA_M_TLS,           /* enum stoa_tls_outcome */
  STOA_M_CLOSES,        /* stoa_metric_close_row(), enum stoa_close_side */
  STOA_M_SESSION_SECONDS,
  STOA_M_MESSAGES, /* enum stoa_direction */
  STOA_M_BYTES,    /* enum stoa_direction */
  STOA_M_PUBLICATIONS,
  STOA_M_BACKLOG,
  STOA_M_TURN_SECONDS,
  STOA_M_LAG_SECONDS,
  STOA_M_SLOW_TURNS,
  STOA_M_RELOADS, /* enum stoa_reload_result */
  STOA_M_SPANS,   /* enum stoa_tracer_count of trace/tracer.h */
  STOA_M_COUNT
};

/* What became of a changed configuration. */
enum stoa_reload_result { STOA_RELOAD_OK, STOA_RELOAD_REFUSED };

enum stoa_direction { STOA_DIRECTION_IN, STOA_DIRECTION_OUT };

/* Why a listener could not accept. */
enum stoa_accept_error { STOA_ACCEPT_DESCRIPTORS, STOA_ACCEPT_OTHER };

/* Why a connection, an upgrade or a session was refused: the `reason` of its line in the log too. */
enum stoa_refused {
  STOA_REFUSED_CONNECTIONS_MAX,
  STOA_REFUSED_ADDRESS_CONNECTIONS,
  STOA_REFUSED_NOT_A_PROXY,
  STOA_REFUSED_PROXY_HEADER,
  STOA_REFUSED_DESCRIPTORS,
  STOA_REFUSED_PATH,
  STOA_REFUSED_REQUEST,
  STOA_REFUSED_FORWARDED,
  STOA_REFUSED_ORIGIN,
  STOA_REFUSED_SESSIONS_MAX,
  STOA_REFUSED_ADDRESS_HANDSHAKES,
  STOA_REFUSED_ADDRESS_SESSIONS,
  STOA_REFUSED_TOKEN,
  STOA_REFUSED_PROGRAM,
  STOA_REFUSED_PROGRAM_LATE,
  STOA_REFUSED_MEMORY,
  STOA_REFUSED_DRAINING, /* of a server that still listens for the HTTP fallback */
  STOA_REFUSED_COUNT
};

/* How the upgrade of a connection ended. */
enum stoa_handshake { STOA_HANDSHAKE_ADMITTED, STOA_HANDSHAKE_REFUSED, STOA_HANDSHAKE_ABANDONED };

enum stoa_tls_outcome { STOA_TLS_1_3, STOA_TLS_1_3_RESUMED, STOA_TLS_1_2, STOA_TLS_1_2_RESUMED, STOA_TLS_FAILED };

/* Who ended a session. */
enum stoa_close_side { STOA_CLOSE_BY_SERVER, STOA_CLOSE_BY_PEER };

extern const struct stoa_metric stoa_server_metric_table[STOA_M_COUNT];

/* The value of the label `reason`. */
const char *stoa_refused_text(enum stoa_refused reason);

/* The row of a close code: its own if the library knows it, else that of "other". */
uint32_t stoa_metric_close_row(uint16_t code);

#endif
