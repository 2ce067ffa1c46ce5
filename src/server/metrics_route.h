/* server/metrics_route.h: /metrics on admin listeners, for Prometheus.
 *
 * Thread: before start.
 */
#ifndef STOA_SERVER_METRICS_ROUTE_H
#define STOA_SERVER_METRICS_ROUTE_H

struct stoa_server;

/* Errors: STOA_E_MEMORY */
int stoa_metrics_add_route(struct stoa_server *server);

#endif
