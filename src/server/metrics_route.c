#include "server/metrics_route.h"

#include "server/metrics.h"
#include "server/server_private.h"

#define METRICS_BYTES_MAX ((size_t)16 * 1024 * 1024)

static void reply(struct stoa_http_exchange *exchange, enum stoa_metric_format format, struct stoa_bytes text) {
  static const struct stoa_http_field no_store = {"Cache-Control", STOA_STR("no-store")};
  const struct stoa_http_answer answer = {.status = 200,
                                          .content_type = stoa_metric_content_type(format),
                                          .fields = &no_store,
                                          .field_count = 1,
                                          .body = text};
  int ignored = stoa_http_reply(exchange, &answer);
  (void)ignored;
}

/* Prometheus names the formats that it takes; which one it prefers makes no difference to it. */
static void on_metrics(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  static const char open_metrics[] = "application/openmetrics-text";
  struct stoa_string accept = stoa_http_request_field(request, "Accept");
  bool is_open = accept.len > 0 && memmem(accept.data, accept.len, open_metrics, sizeof open_metrics - 1) != NULL;
  enum stoa_metric_format format = is_open ? STOA_METRIC_OPENMETRICS : STOA_METRIC_PROMETHEUS;
  struct stoa_buffer text;
  stoa_buffer_init(&text, METRICS_BYTES_MAX);
  if (stoa_server_write_metrics(user, format, &text) == STOA_OK) {
    reply(exchange, format, stoa_bytes_make(text.data, text.len));
  } else {
    stoa_http_drop(exchange);
  }
  stoa_buffer_fini(&text);
}

int stoa_metrics_add_route(struct stoa_server *server) {
  const struct stoa_route route = {
      .method = "GET", .path = "/metrics", .roles = STOA_ROUTE_ADMIN, .handler = on_metrics, .user = server};
  return stoa_server_add_route(server, &route);
}
