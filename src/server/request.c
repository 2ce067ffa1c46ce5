/* server/request.c: what becomes of a request: an upgrade to a session, a file of the page, or a refusal. */
#include "server/admission.h"
#include "wire/http_date.h"
#include "wire/ws_handshake.h"

#include <stdio.h>
#include <stoa/log.h>

/* A request and what is chosen for it. */
struct upgrade {
  struct stoa_stream *stream;
  struct stoa_server *server;
  const struct stoa_http_head *head;
  const uint8_t *data;
  struct stoa_ws_request request;
  struct stoa_ws_deflate deflate;
  bool compress;
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

static bool is_endpoint(struct upgrade *upgrade) {
  struct stoa_string encoded = {(const char *)upgrade->data + upgrade->head->path.start, upgrade->head->path.len};
  if (encoded.len > sizeof upgrade->path ||
      stoa_http_path_decode(encoded, upgrade->path, &upgrade->path_len) != STOA_OK) {
    return false;
  }
  return stoa_string_equal(stoa_string_make(upgrade->path, upgrade->path_len), upgrade->server->config.path);
}

static void on_plain_request(struct upgrade *upgrade) {
  const struct stoa_files *files = &upgrade->server->files;
  if (files->root_fd < 0) {
    refuse(upgrade, is_endpoint(upgrade) ? 426 : 404, NULL);
    return;
  }
  stoa_files_answer(files, upgrade->stream, upgrade->head, upgrade->data, upgrade->stream->conn.tls != NULL);
}

/* The first of the client's subprotocols that is spoken here; none at all is the first client. A client that asks
 * only for others gets no subprotocol in the answer, and by RFC 6455 4.1 may leave. */
static void choose_format(struct upgrade *upgrade) {
  struct stoa_ws_protocol_cursor cursor = {0};
  upgrade->format = 0;
  for (struct stoa_string name = stoa_ws_protocol_next(upgrade->head, upgrade->data, &cursor); name.data != NULL;
       name = stoa_ws_protocol_next(upgrade->head, upgrade->data, &cursor)) {
    int format = stoa_formats_find(&upgrade->server->formats, name);
    if (format > 0) {
      upgrade->format = (size_t)format;
      return;
    }
  }
}

static bool origin_allowed(const struct upgrade *upgrade) {
  const struct stoa_server_config *config = &upgrade->server->config;
  /* Without Origin it is no browser, and there are no cookies here that somebody else's page could ride on. */
  return upgrade->request.origin.data == NULL ||
         stoa_ws_origin_allowed(upgrade->request.origin, upgrade->request.host, config->allowed_origins.items,
                                config->allowed_origins.count);
}

static bool write_response(struct upgrade *upgrade) {
  char response[1024];
  char date[STOA_HTTP_DATE_SIZE];
  char fields[128];
  const char *protocol = upgrade->server->formats.items[upgrade->format].subprotocol;
  stoa_http_date(stoa_http_wall_us(upgrade->stream), date);
  /* Who is not a page learns from it when silence means that the connection is dead. */
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

static void begin_session(struct upgrade *upgrade) {
  struct stoa_server_session *own = stoa_server_session_of_stream(upgrade->stream);
  struct stoa_session *session = &own->base;
  struct stoa_worker *worker = stoa_worker_of_stream(upgrade->stream);
  char address[INET6_ADDRSTRLEN];
  own->format = (uint8_t)upgrade->format;
  if (stoa_session_begin(session, &worker->sessions, upgrade->compress ? &upgrade->deflate : NULL) != STOA_OK) {
    stoa_stream_doom(upgrade->stream, STOA_FATE_BROKEN);
    return;
  }
  if (stoa_worker_add_session(worker, session) != STOA_OK) {
    stoa_session_close(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
    return;
  }
  stoa_peer_format(stoa_server_session_client(own), address);
  const struct stoa_request request = {
      .path = {upgrade->path, upgrade->path_len},
      .query = {(const char *)upgrade->data + upgrade->head->query.start, upgrade->head->query.len},
      .origin = upgrade->request.origin,
      .address = address,
      .head = upgrade,
  };
  stoa_admission_begin(session, &request);
}

static void on_upgrade(struct upgrade *upgrade) {
  if (!is_endpoint(upgrade)) {
    refuse(upgrade, 404, NULL);
    return;
  }
  if (!origin_allowed(upgrade)) {
    stoa_log(STOA_LOG_WARN, "origin refused", STOA_F_TEXT("origin", upgrade->request.origin));
    refuse(upgrade, 403, NULL);
    return;
  }
  choose_format(upgrade);
  upgrade->compress = upgrade->server->config.compression &&
                      stoa_ws_deflate_negotiate(upgrade->head, upgrade->data, &upgrade->deflate);
  if (write_response(upgrade)) {
    begin_session(upgrade);
  }
}

void stoa_worker_on_request(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data) {
  struct upgrade upgrade = {
      .stream = stream, .server = stoa_worker_of_stream(stream)->server, .head = head, .data = data};
  int code = stoa_ws_request_read(head, data, &upgrade.request);
  if (code == 101) {
    on_upgrade(&upgrade);
  } else if (code == 0) {
    on_plain_request(&upgrade);
  } else {
    refuse(&upgrade, code, NULL);
  }
}
