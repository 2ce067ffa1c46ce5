#include "server/metrics/table.h"

#include "server/trace/tracer.h"

#include <assert.h>
#include <stoa/session.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define DECIMALS_NS 9
#define DECIMALS_MS 3

/* Labels. */

static const struct stoa_metric_row direction_rows[] = {
    [STOA_DIRECTION_IN] = {{"in"}}, [STOA_DIRECTION_OUT] = {{"out"}}};
static struct stoa_metric_labels directions = STOA_METRIC_LABELS("direction", direction_rows);

static const struct stoa_metric_row accept_error_rows[] = {
    [STOA_ACCEPT_DESCRIPTORS] = {{"descriptors"}}, [STOA_ACCEPT_OTHER] = {{"other"}}};
static struct stoa_metric_labels accept_errors = STOA_METRIC_LABELS("reason", accept_error_rows);

static const struct stoa_metric_row refused_rows[] = {
    [STOA_REFUSED_CONNECTIONS_MAX] = {{"connections_max"}},
    [STOA_REFUSED_ADDRESS_CONNECTIONS] = {{"address_connections"}},
    [STOA_REFUSED_NOT_A_PROXY] = {{"not_a_proxy"}},
    [STOA_REFUSED_PROXY_HEADER] = {{"proxy_header"}},
    [STOA_REFUSED_DESCRIPTORS] = {{"descriptors"}},
    [STOA_REFUSED_PATH] = {{"path"}},
    [STOA_REFUSED_REQUEST] = {{"request"}},
    [STOA_REFUSED_FORWARDED] = {{"forwarded"}},
    [STOA_REFUSED_ORIGIN] = {{"origin"}},
    [STOA_REFUSED_SESSIONS_MAX] = {{"sessions_max"}},
    [STOA_REFUSED_ADDRESS_HANDSHAKES] = {{"address_handshakes"}},
    [STOA_REFUSED_ADDRESS_SESSIONS] = {{"address_sessions"}},
    [STOA_REFUSED_TOKEN] = {{"token"}},
    [STOA_REFUSED_PROGRAM] = {{"program"}},
    [STOA_REFUSED_PROGRAM_LATE] = {{"program_late"}},
    [STOA_REFUSED_MEMORY] = {{"memory"}},
    [STOA_REFUSED_DRAINING] = {{"draining"}},
};
static struct stoa_metric_labels refusals = STOA_METRIC_LABELS("reason", refused_rows);

static const struct stoa_metric_row reload_rows[] = {
    [STOA_RELOAD_OK] = {{"ok"}}, [STOA_RELOAD_REFUSED] = {{"refused"}}};
static struct stoa_metric_labels reloads = STOA_METRIC_LABELS("result", reload_rows);

static const struct stoa_metric_row span_rows[] = {
    [STOA_TRACER_SENT] = {{"sent"}},     [STOA_TRACER_FULL] = {{"full"}},       [STOA_TRACER_REFUSED] = {{"refused"}},
    [STOA_TRACER_FAILED] = {{"failed"}}, [STOA_TRACER_STOPPED] = {{"stopped"}},
};
static struct stoa_metric_labels spans = STOA_METRIC_LABELS("result", span_rows);

static const struct stoa_metric_row handshake_rows[] = {
    [STOA_HANDSHAKE_ADMITTED] = {{"admitted"}},
    [STOA_HANDSHAKE_REFUSED] = {{"refused"}},
    [STOA_HANDSHAKE_ABANDONED] = {{"abandoned"}},
};
static struct stoa_metric_labels handshakes = STOA_METRIC_LABELS("result", handshake_rows);

/* Version and whether a ticket was used go together: what failed has neither. */
static const struct stoa_metric_row tls_rows[] = {
    [STOA_TLS_1_3] = {{"1.3", "full"}},   [STOA_TLS_1_3_RESUMED] = {{"1.3", "resumed"}},
    [STOA_TLS_1_2] = {{"1.2", "full"}},   [STOA_TLS_1_2_RESUMED] = {{"1.2", "resumed"}},
    [STOA_TLS_FAILED] = {{"", "failed"}},
};
static struct stoa_metric_labels tls_outcomes = {{"version", "result"},   tls_rows, STOA_COUNT_OF(tls_rows),
                                                 STOA_COUNT_OF(tls_rows), NULL,     PTHREAD_MUTEX_INITIALIZER};

/* RFC 6455 7.4.1 and its registry, then enum stoa_close_code. The last row is of all others. */
static const uint16_t close_codes[] = {1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009,
                                       1010, 1011, 1012, 1013, 4001, 4004, 4005, 4008, 4010,
                                       4012, 4013, 4014, 4500, 4501, 4502, 4503, 4507, 4509};
static const struct stoa_metric_row close_rows[] = {
    {{"1000"}}, {{"1001"}}, {{"1002"}}, {{"1003"}}, {{"1005"}}, {{"1006"}}, {{"1007"}},
    {{"1008"}}, {{"1009"}}, {{"1010"}}, {{"1011"}}, {{"1012"}}, {{"1013"}}, {{"4001"}},
    {{"4004"}}, {{"4005"}}, {{"4008"}}, {{"4010"}}, {{"4012"}}, {{"4013"}}, {{"4014"}},
    {{"4500"}}, {{"4501"}}, {{"4502"}}, {{"4503"}}, {{"4507"}}, {{"4509"}}, {{"other"}}};
static struct stoa_metric_labels closes = STOA_METRIC_LABELS("code", close_rows);

static const struct stoa_metric_row side_rows[] = {
    [STOA_CLOSE_BY_SERVER] = {{"server"}}, [STOA_CLOSE_BY_PEER] = {{"peer"}}};
static struct stoa_metric_labels sides = STOA_METRIC_LABELS("by", side_rows);

/* Bounds. */

/* Those of Kratos, from 5 ms to 1 s, and some on both sides of them. */
static const uint64_t request_bounds[] = {10 * NS_PER_US,  100 * NS_PER_US, 1 * NS_PER_MS,    5 * NS_PER_MS,
                                          10 * NS_PER_MS,  25 * NS_PER_MS,  50 * NS_PER_MS,   100 * NS_PER_MS,
                                          250 * NS_PER_MS, 500 * NS_PER_MS, 1000 * NS_PER_MS, 10000 * NS_PER_MS};
static const uint64_t turn_bounds[] = {100 * NS_PER_US,  250 * NS_PER_US, 500 * NS_PER_US, 1 * NS_PER_MS,
                                       2500 * NS_PER_US, 5 * NS_PER_MS,   10 * NS_PER_MS,  25 * NS_PER_MS,
                                       50 * NS_PER_MS,   100 * NS_PER_MS, 250 * NS_PER_MS, 500 * NS_PER_MS,
                                       1000 * NS_PER_MS, 5000 * NS_PER_MS};
/* Milliseconds: 100 ms to a day. */
static const uint64_t session_bounds[] = {100, 1000, 10000, 60000, 600000, 3600000, 21600000, 86400000};

/* The table. */

#define PLAIN(name, help, unit, type)       \
  {                                         \
    .family = { name, help, unit, type, 0 } \
  }
#define LABELED(name, help, unit, type, first)                 \
  {                                                            \
    .family = {name, help, unit, type, 0}, .labels = { first } \
  }

const struct stoa_metric stoa_server_metric_table[STOA_M_COUNT] = {
    [STOA_M_REQUESTS] = {.family = {"server_requests_code",
                                    "Requests that were answered, and messages that were handled.", NULL,
                                    STOA_METRIC_COUNTER, 0},
                         .is_sparse = true},
    [STOA_M_REQUEST_SECONDS] = {.family = {"server_requests_seconds",
                                           "Time from a request's arrival to its answer. Only a sample is measured.",
                                           "seconds", STOA_METRIC_HISTOGRAM, DECIMALS_NS},
                                .bounds = request_bounds,
                                .bound_count = STOA_COUNT_OF(request_bounds),
                                .is_sparse = true},
    [STOA_M_ACCEPTED] = PLAIN("stoa_connections_accepted", "Connections that were accepted and not refused at once.",
                              NULL, STOA_METRIC_COUNTER),
    [STOA_M_ACCEPT_ERRORS] = LABELED("stoa_accept_errors", "Times that a listener could not accept a connection.", NULL,
                                     STOA_METRIC_COUNTER, &accept_errors),
    [STOA_M_REFUSED] = LABELED("stoa_refused", "Connections, upgrades and sessions that were refused.", NULL,
                               STOA_METRIC_COUNTER, &refusals),
    [STOA_M_HANDSHAKES] =
        LABELED("stoa_handshakes", "Upgrades to WebSocket by their result.", NULL, STOA_METRIC_COUNTER, &handshakes),
    [STOA_M_TLS] = LABELED("stoa_tls_handshakes", "TLS handshakes by version and result.", NULL, STOA_METRIC_COUNTER,
                           &tls_outcomes),
    [STOA_M_CLOSES] = {.family = {"stoa_session_closes", "Sessions that ended, by close code and by who closed them.",
                                  NULL, STOA_METRIC_COUNTER, 0},
                       .labels = {&closes, &sides},
                       .is_sparse = true},
    [STOA_M_SESSION_SECONDS] = {.family = {"stoa_session_duration_seconds", "How long sessions that ended were open.",
                                           "seconds", STOA_METRIC_HISTOGRAM, DECIMALS_MS},
                                .bounds = session_bounds,
                                .bound_count = STOA_COUNT_OF(session_bounds)},
    [STOA_M_MESSAGES] =
        LABELED("stoa_messages", "WebSocket messages of sessions.", NULL, STOA_METRIC_COUNTER, &directions),
    [STOA_M_BYTES] = LABELED("stoa_connection_bytes", "Bytes of connections with all framing, before TLS.", "bytes",
                             STOA_METRIC_COUNTER, &directions),
    [STOA_M_PUBLICATIONS] = PLAIN("stoa_publications", "Messages that were published to groups, each counted once.",
                                  NULL, STOA_METRIC_COUNTER),
    [STOA_M_BACKLOG] = PLAIN("stoa_backlog_bytes", "Bytes in the queues of connections that do not take them yet.",
                             "bytes", STOA_METRIC_GAUGE),
    [STOA_M_TURN_SECONDS] = {.family = {"stoa_turn_seconds", "Time that a worker needed for a turn of its loop.",
                                        "seconds", STOA_METRIC_HISTOGRAM, DECIMALS_NS},
                             .bounds = turn_bounds,
                             .bound_count = STOA_COUNT_OF(turn_bounds)},
    [STOA_M_LAG_SECONDS] = {.family = {"stoa_loop_lag_seconds", "How late a worker ran timers that were due.",
                                       "seconds", STOA_METRIC_HISTOGRAM, DECIMALS_NS},
                            .bounds = turn_bounds,
                            .bound_count = STOA_COUNT_OF(turn_bounds)},
    [STOA_M_SLOW_TURNS] =
        PLAIN("stoa_slow_turns", "Turns that took longer than log.slow_turn_ms.", NULL, STOA_METRIC_COUNTER),
    [STOA_M_RELOADS] = LABELED("stoa_reloads", "Reloads of the configuration. A refused one has changed nothing.", NULL,
                               STOA_METRIC_COUNTER, &reloads),
    [STOA_M_SPANS] = LABELED("stoa_spans", "Spans by what became of them: sent to the collector, or lost, and why.",
                             NULL, STOA_METRIC_COUNTER, &spans),
};

const char *stoa_refused_text(enum stoa_refused reason) {
  assert(reason < STOA_REFUSED_COUNT);
  return refused_rows[reason].values[0];
}

uint32_t stoa_metric_close_row(uint16_t code) {
  uint32_t row = 0;
  _Static_assert(STOA_COUNT_OF(close_rows) == STOA_COUNT_OF(close_codes) + 1, "a row of each code, and of the others");
  while (row < STOA_COUNT_OF(close_codes) && close_codes[row] != code) {
    row++;
  }
  return row;
}
