#include "server/request.h"

#include "server/admin/admin.h"
#include "server/admission.h"
#include "server/http/bearer.h"
#include "server/http/client.h"
#include "server/http/endpoint.h"
#include "server/http/fallback.h"
#include "server/http/path_text.h"
#include "server/http/serve.h"
#include "server/kept_fields.h"
#include "server/trace/message.h"
#include "server/trace/session.h"
#include "server/worker/table.h"
#include "wire/forwarded.h"
#include "wire/http_date.h"
#include "wire/ws_handshake.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/log.h>

/* A request and the choices made for it. */
struct upgrade {
  struct stoa_stream *stream;
  struct stoa_server *server;
  const struct stoa_http_head *head;
  const uint8_t *data;
  struct stoa_ws_request request;
  struct stoa_ws_deflate deflate;
  bool compress;
  bool is_fallback; /* of the HTTP fallback, instead of WebSocket */
  size_t format;
  char path[4096];
  size_t path_len;
};

static void refuse(const struct upgrade *upgrade, int code, const char *text) {
  const struct stoa_http_refusal refusal = {.code = code,
                                            .head_only = upgrade->head->method == STOA_HTTP_HEAD,
                                            .wall_us = stoa_http_wall_us(upgrade->stream),
                                            .text = text};
  stoa_http_refuse(upgrade->stream, &refusal);
}

/* An upgrade is refused: count it. */
static void note_refused(const struct upgrade *upgrade, enum stoa_refused reason) {
  struct stoa_worker *worker = stoa_worker_of_stream(upgrade->stream);
  stoa_metrics_note_refused(worker, reason);
  stoa_metric_add(worker->metrics, STOA_M_HANDSHAKES, STOA_HANDSHAKE_REFUSED, 1);
}

static bool is_endpoint(struct upgrade *upgrade) {
  struct stoa_string encoded = {(const char *)upgrade->data + upgrade->head->path.start, upgrade->head->path.len};
  if (encoded.len > sizeof upgrade->path ||
      stoa_http_path_decode(encoded, upgrade->path, &upgrade->path_len) != STOA_OK) {
    return false;
  }
  return stoa_string_equal(stoa_string_make(upgrade->path, upgrade->path_len), upgrade->server->config.path);
}

/* After is_endpoint(), which decodes the path. */
static bool asks_for_endpoint(const struct upgrade *upgrade) {
  return stoa_string_equal(stoa_string_make(upgrade->path, upgrade->path_len), stoa_string_of(STOA_ENDPOINT_FILE));
}

static void on_plain_request(struct upgrade *upgrade) {
  const struct stoa_files *files = &upgrade->server->files;
  bool at_endpoint = is_endpoint(upgrade); /* also decodes the path */
  if (files->root_fd < 0) {
    refuse(upgrade, at_endpoint ? 426 : 404, NULL);
  } else if (asks_for_endpoint(upgrade)) {
    stoa_endpoint_answer(upgrade->server->config.path, upgrade->stream, upgrade->head);
  } else {
    stoa_files_answer(files, upgrade->stream, upgrade->head, upgrade->data, upgrade->stream->conn.tls != NULL);
  }
}

/* The first of the client's subprotocols that is spoken here; without any it is the first client. A client that asks
 * only for others gets no subprotocol in the answer, and may close the connection (RFC 6455 4.1). */
static void choose_format(struct upgrade *upgrade) {
  struct stoa_ws_protocol_cursor cursor = {0};
  upgrade->format = 0;
  for (struct stoa_string name = stoa_ws_protocol_next(upgrade->head, upgrade->data, &cursor); name.data != NULL;
       name = stoa_ws_protocol_next(upgrade->head, upgrade->data, &cursor)) {
    int format = stoa_formats_find(&upgrade->server->formats, name, false);
    if (format > 0) {
      upgrade->format = (size_t)format;
      return;
    }
  }
}

/* Find the client's address behind trusted proxies. False when the request is refused. */
static bool find_client(struct upgrade *upgrade) {
  struct stoa_server_session *own = stoa_server_session_of_stream(upgrade->stream);
  struct stoa_peer client;
  if (stoa_http_client_find(upgrade->stream, upgrade->head, upgrade->data, &client) != STOA_OK) {
    note_refused(upgrade, STOA_REFUSED_FORWARDED);
    refuse(upgrade, 400, "Forwarded and X-Forwarded-For disagree");
    return false;
  }
  bool is_other = memcmp(&client, stoa_server_session_client(own), sizeof client) != 0;
  if (is_other && !stoa_server_session_set_client(own, client.bytes)) {
    note_refused(upgrade, STOA_REFUSED_MEMORY);
    refuse(upgrade, 503, NULL);
    return false;
  }
  return true;
}

/* Fields of a proxy show that no page of a rebound name has sent an upgrade, because a script cannot add fields to one.
 * It can to other requests: for those the proxy must be a known one. */
static bool is_forwarded(const struct upgrade *upgrade) {
  if (!stoa_forwarded_present(upgrade->head, upgrade->data)) {
    return false;
  }
  struct stoa_networks *trusted = &stoa_worker_of_stream(upgrade->stream)->settings->trusted_proxies;
  return !upgrade->is_fallback || stoa_networks_contain(trusted, &stoa_server_session_of_stream(upgrade->stream)->peer);
}

/* Is the page allowed to open the WebSocket? If not, the upgrade is refused and logged. */
static bool page_allowed(struct upgrade *upgrade) {
  const struct stoa_server_session *own = stoa_server_session_of_stream(upgrade->stream);
  const struct stoa_settings *settings = stoa_worker_of_stream(upgrade->stream)->settings;
  struct stoa_origin_rules rules = settings->origin_rules;
  struct stoa_peer local;
  char reason[STOA_ORIGIN_REASON_SIZE];
  char address[INET6_ADDRSTRLEN];
  const struct stoa_origin_request request = {
      .origin = upgrade->request.origin,
      .host = upgrade->request.host,
      .is_upgrade = true,
      .is_tls = upgrade->stream->conn.tls != NULL,
      .is_forwarded = is_forwarded(upgrade),
      .local = upgrade->request.origin.data != NULL ? stoa_http_client_local(upgrade->stream, &local) : NULL,
  };
  const struct stoa_server_listener *listener = &upgrade->server->listeners.items[own->listener];
  rules.certificate_names = stoa_listeners_tls_names(settings->tls, listener);
  if (stoa_origin_check(&rules, &request, reason)) {
    return true;
  }
  stoa_peer_format(stoa_server_session_client(own), address);
  stoa_log(STOA_LOG_WARN, "upgrade refused", STOA_F_STR("address", address), STOA_F_STR("reason", reason),
           STOA_F_TEXT("origin", request.origin), STOA_F_TEXT("host", request.host),
           STOA_F_STR("refused", stoa_refused_text(STOA_REFUSED_ORIGIN)));
  note_refused(upgrade, STOA_REFUSED_ORIGIN);
  refuse(upgrade, 403, reason);
  return false;
}

static bool write_response(struct upgrade *upgrade) {
  char response[1024];
  char date[STOA_HTTP_DATE_SIZE];
  char fields[128];
  const char *protocol = upgrade->server->formats.items[upgrade->format].subprotocol;
  stoa_http_date(stoa_http_wall_us(upgrade->stream), date);
  /* Clients other than pages learn from it after how much silence the connection is dead. */
  snprintf(fields, sizeof fields, "Date: %s\r\nStoa-Ping-Interval: %u\r\n", date,
           upgrade->server->config.ping_interval_ms);
  size_t len = stoa_ws_response(upgrade->request.key, protocol[0] == '\0' ? NULL : protocol,
                                upgrade->compress ? &upgrade->deflate : NULL, fields, response, sizeof response);
  return stoa_stream_output_bytes(upgrade->stream, response, len) == STOA_OK;
}

struct stoa_string stoa_request_field(const struct stoa_request *request, const char *name) {
  const struct upgrade *upgrade = request->head;
  return stoa_http_field(upgrade->head, upgrade->data, name, NULL);
}

struct stoa_string stoa_request_token(const struct stoa_request *request) {
  return stoa_bearer_find(stoa_request_field(request, "Authorization"), request->query);
}

/* The token that the server itself verifies. */
static struct stoa_string token_of(const struct upgrade *upgrade, const struct stoa_request *request) {
  bool takes_query = stoa_worker_of_stream(upgrade->stream)->settings->auth.takes_query;
  return takes_query ? stoa_request_token(request)
                     : stoa_bearer_find(stoa_request_field(request, "Authorization"), (struct stoa_string){NULL, 0});
}

static bool become_session(struct upgrade *upgrade) {
  struct stoa_session *session = &stoa_server_session_of_stream(upgrade->stream)->base;
  struct stoa_session_host *host = &stoa_worker_of_stream(upgrade->stream)->sessions;
  return upgrade->is_fallback
             ? stoa_fallback_begin_session(upgrade->stream, upgrade->head, upgrade->data)
             : stoa_session_begin(session, host, upgrade->compress ? &upgrade->deflate : NULL) == STOA_OK;
}

static void begin_session(struct upgrade *upgrade) {
  struct stoa_server_session *own = stoa_server_session_of_stream(upgrade->stream);
  struct stoa_session *session = &own->base;
  struct stoa_worker *worker = stoa_worker_of_stream(upgrade->stream);
  char address[INET6_ADDRSTRLEN];
  assert(upgrade->format < upgrade->server->formats.count);
  own->format = (uint8_t)upgrade->format;
  if (!become_session(upgrade)) {
    note_refused(upgrade, STOA_REFUSED_MEMORY);
    stoa_stream_doom(upgrade->stream, STOA_FATE_BROKEN);
    return;
  }
  if (stoa_worker_add_session(worker, session) != STOA_OK ||
      stoa_kept_fields_take(session, upgrade->head, upgrade->data) != STOA_OK ||
      stoa_session_trace_keep(session, upgrade->head, upgrade->data) != STOA_OK) {
    note_refused(upgrade, STOA_REFUSED_MEMORY);
    stoa_session_close(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
    return;
  }
  if (upgrade->is_fallback) {
    stoa_fallback_tell_open(session);
  }
  stoa_peer_format(stoa_server_session_client(own), address);
  const struct stoa_request request = {
      .path = {upgrade->path, upgrade->path_len},
      .query = {(const char *)upgrade->data + upgrade->head->query.start, upgrade->head->query.len},
      .origin = upgrade->request.origin,
      .address = address,
      .head = upgrade,
  };
  struct stoa_message_trace trace;
  stoa_message_trace_begin_session(&trace, session);
  stoa_admission_begin(session, &request, token_of(upgrade, &request));
  stoa_message_trace_end(&trace);
}

static void refuse_path(struct upgrade *upgrade) {
  char address[INET6_ADDRSTRLEN];
  char path[STOA_PATH_TEXT_SIZE];
  stoa_path_text_write(
      stoa_string_make((const char *)upgrade->data + upgrade->head->path.start, upgrade->head->path.len), path);
  stoa_peer_format(stoa_server_session_client(stoa_server_session_of_stream(upgrade->stream)), address);
  stoa_log(STOA_LOG_INFO, "upgrade refused: the endpoint is at another path, server.path",
           STOA_F_STR("address", address), STOA_F_STR("path", path),
           STOA_F_TEXT("server.path", upgrade->server->config.path),
           STOA_F_STR("refused", stoa_refused_text(STOA_REFUSED_PATH)));
  note_refused(upgrade, STOA_REFUSED_PATH);
  refuse(upgrade, 404, NULL);
}

/* It asks for WebSocket, but not as RFC 6455 4.2.1 wants. */
static void refuse_request(struct upgrade *upgrade, int code) {
  char address[INET6_ADDRSTRLEN];
  stoa_peer_format(stoa_server_session_client(stoa_server_session_of_stream(upgrade->stream)), address);
  stoa_log(STOA_LOG_INFO, "upgrade refused: the request is not one of RFC 6455", STOA_F_STR("address", address),
           STOA_F_INT("status", code), STOA_F_STR("refused", stoa_refused_text(STOA_REFUSED_REQUEST)));
  note_refused(upgrade, STOA_REFUSED_REQUEST);
  refuse(upgrade, code, NULL);
}

static void on_upgrade(struct upgrade *upgrade) {
  if (!is_endpoint(upgrade)) {
    refuse_path(upgrade);
    return;
  }
  if (!find_client(upgrade) || !page_allowed(upgrade)) {
    return;
  }
  choose_format(upgrade);
  upgrade->compress = stoa_worker_of_stream(upgrade->stream)->settings->config.compression &&
                      stoa_ws_deflate_negotiate(upgrade->head, upgrade->data, &upgrade->deflate);
  if (write_response(upgrade)) {
    begin_session(upgrade);
  }
}

/* The HTTP fallback. */

static bool read_origin(struct upgrade *upgrade) {
  size_t index = 0;
  upgrade->request.origin = stoa_http_field(upgrade->head, upgrade->data, "Origin", &index);
  upgrade->request.host = stoa_http_field(upgrade->head, upgrade->data, "Host", NULL);
  return upgrade->request.origin.data == NULL ||
         stoa_http_field(upgrade->head, upgrade->data, "Origin", &index).data == NULL;
}

static bool is_draining(const struct upgrade *upgrade) {
  return stoa_worker_of_stream(upgrade->stream)->draining;
}

static void open_fallback(struct upgrade *upgrade) {
  if (is_draining(upgrade)) {
    note_refused(upgrade, STOA_REFUSED_DRAINING);
    stoa_fallback_refuse(upgrade->stream, upgrade->head, upgrade->data, 503, "the server is going away");
  } else if (!stoa_fallback_check_open(upgrade->stream, upgrade->head, upgrade->data, &upgrade->format)) {
    note_refused(upgrade, STOA_REFUSED_REQUEST);
  } else {
    begin_session(upgrade);
  }
}

static void serve_post(struct upgrade *upgrade) {
  struct stoa_peer client;
  if (stoa_http_client_find(upgrade->stream, upgrade->head, upgrade->data, &client) != STOA_OK) {
    refuse(upgrade, 400, "Forwarded and X-Forwarded-For disagree");
  } else {
    stoa_fallback_serve_post(upgrade->stream, upgrade->head, upgrade->data, &client);
  }
}

/* Returns whether it was one. */
static bool serve_fallback(struct upgrade *upgrade) {
  enum stoa_fallback_request kind = stoa_fallback_request_of(upgrade->head, upgrade->data);
  if (kind == STOA_FALLBACK_NONE || !upgrade->server->config.http_fallback || !is_endpoint(upgrade)) {
    return false;
  }
  upgrade->is_fallback = true;
  if (!read_origin(upgrade)) {
    refuse_request(upgrade, 400);
  } else if ((kind != STOA_FALLBACK_OPEN || find_client(upgrade)) && page_allowed(upgrade)) {
    switch (kind) {
      case STOA_FALLBACK_NONE:
        break;
      case STOA_FALLBACK_OPEN:
        open_fallback(upgrade);
        break;
      case STOA_FALLBACK_POST:
        serve_post(upgrade);
        break;
      case STOA_FALLBACK_PREFLIGHT:
        stoa_fallback_answer_preflight(upgrade->stream, upgrade->head, upgrade->data);
        break;
    }
  }
  return true;
}

/* A draining server that still listens does so for posts to its sessions of the fallback. */
static void refuse_draining(struct upgrade *upgrade) {
  const struct stoa_http_refusal refusal = {.code = 503,
                                            .head_only = upgrade->head->method == STOA_HTTP_HEAD,
                                            .wall_us = stoa_http_wall_us(upgrade->stream),
                                            .text = "the server is going away",
                                            .fields = STOA_FALLBACK_RETRY_FIELD};
  if (stoa_http_has_token(upgrade->head, upgrade->data, "Upgrade", "websocket")) {
    note_refused(upgrade, STOA_REFUSED_DRAINING);
  }
  stoa_http_refuse(upgrade->stream, &refusal);
}

/* An admin listener has routes, and no public pages. */
static void on_admin_request(struct upgrade *upgrade, int code) {
  const char *reason = NULL;
  if (!stoa_admin_is_safe(upgrade->stream, upgrade->head, upgrade->data, &reason)) {
    refuse(upgrade, 403, reason);
  } else if (stoa_http_has_token(upgrade->head, upgrade->data, "Upgrade", "websocket") ||
             !stoa_http_serve(upgrade->stream, upgrade->head, upgrade->data)) {
    refuse(upgrade, code == 200 ? 404 : code, NULL);
  }
}

/* The verdict about a head with a body, or of another method than GET and HEAD, stands for upgrades: no byte of a body
 * is ever read as a frame. */
static void on_public_request(struct upgrade *upgrade, int code) {
  if (is_draining(upgrade)) {
    if (!serve_fallback(upgrade)) {
      refuse_draining(upgrade);
    }
    return;
  }
  int asked = stoa_ws_request_read(upgrade->head, upgrade->data, &upgrade->request);
  if (asked != 0 && code != 200) {
    refuse_request(upgrade, code);
  } else if (asked == 101) {
    on_upgrade(upgrade);
  } else if (asked != 0) {
    refuse_request(upgrade, asked);
  } else if (serve_fallback(upgrade) || stoa_http_serve(upgrade->stream, upgrade->head, upgrade->data)) {
    return;
  } else if (code != 200) {
    refuse(upgrade, code, NULL);
  } else {
    on_plain_request(upgrade);
  }
}

void stoa_request_on_head(struct stoa_stream *stream, const struct stoa_http_head *head, int code,
                          const uint8_t *data) {
  struct upgrade upgrade = {
      .stream = stream, .server = stoa_worker_of_stream(stream)->server, .head = head, .data = data};
  if (upgrade.server->listeners.items[stoa_server_session_of_stream(stream)->listener].is_admin) {
    on_admin_request(&upgrade, code);
  } else {
    on_public_request(&upgrade, code);
  }
}
