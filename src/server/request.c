#include "server/request.h"

#include "base/sys.h"
#include "server/admission.h"
#include "server/endpoint.h"
#include "server/worker_table.h"
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
    int format = stoa_formats_find(&upgrade->server->formats, name);
    if (format > 0) {
      upgrade->format = (size_t)format;
      return;
    }
  }
}

/* The address of our end, or the destination of a PROXY header; NULL for a unix socket. If the system does not report
 * it, loopback, so that the strict rules apply. */
static const uint8_t *local_address(const struct upgrade *upgrade, struct stoa_peer *out_local) {
  const struct stoa_server_session *own = stoa_server_session_of_stream(upgrade->stream);
  struct sockaddr_storage address = {0};
  socklen_t len = sizeof address;
  if (own->account != NULL && own->account->has_local) {
    return own->account->local.bytes;
  }
  if (stoa_sys.getsockname(upgrade->stream->conn.io.fd, (struct sockaddr *)&address, &len) != 0) {
    memcpy(out_local->bytes, in6addr_loopback.s6_addr, sizeof out_local->bytes);
    return out_local->bytes;
  }
  *out_local = stoa_peer_of(&address);
  return address.ss_family == AF_UNIX ? NULL : out_local->bytes;
}

static bool is_trusted(const uint8_t address[STOA_IP_LEN], void *context) {
  struct stoa_peer peer;
  memcpy(peer.bytes, address, sizeof peer.bytes);
  return stoa_networks_contain(context, &peer);
}

/* Find the client's address behind trusted proxies. False when the request is refused. */
static bool find_client(struct upgrade *upgrade) {
  struct stoa_server_session *own = stoa_server_session_of_stream(upgrade->stream);
  struct stoa_networks *trusted = &upgrade->server->trusted_proxies;
  uint8_t address[STOA_IP_LEN];
  if (!stoa_networks_contain(trusted, stoa_server_session_client(own))) {
    return true;
  }
  int status = stoa_forwarded_client(upgrade->head, upgrade->data, is_trusted, trusted, address);
  if (status == STOA_E_SYNTAX) {
    char proxy[INET6_ADDRSTRLEN];
    stoa_peer_format(stoa_server_session_client(own), proxy);
    stoa_log(STOA_LOG_WARN,
             "upgrade refused: Forwarded and X-Forwarded-For name different clients; configure the proxy to remove the "
             "field that it does not write",
             STOA_F_STR("proxy", proxy));
    refuse(upgrade, 400, "Forwarded and X-Forwarded-For disagree");
    return false;
  }
  if (status == STOA_OK && !stoa_server_session_set_client(own, address)) {
    refuse(upgrade, 503, NULL);
    return false;
  }
  return true;
}

/* Is the page allowed to open the WebSocket? If not, the upgrade is refused and logged. */
static bool page_allowed(struct upgrade *upgrade) {
  const struct stoa_server_session *own = stoa_server_session_of_stream(upgrade->stream);
  struct stoa_origin_rules rules = upgrade->server->origin_rules;
  struct stoa_peer local;
  char reason[STOA_ORIGIN_REASON_SIZE];
  char address[INET6_ADDRSTRLEN];
  const struct stoa_origin_request request = {
      .origin = upgrade->request.origin,
      .host = upgrade->request.host,
      .is_upgrade = true,
      .is_tls = upgrade->stream->conn.tls != NULL,
      .is_forwarded = stoa_forwarded_present(upgrade->head, upgrade->data),
      .local = upgrade->request.origin.data != NULL ? local_address(upgrade, &local) : NULL,
  };
  const struct stoa_server_listener *listener = &upgrade->server->listeners.items[own->listener];
  if (listener->owns_tls) {
    rules.certificate_names = listener->certificate_names;
  }
  if (stoa_origin_check(&rules, &request, reason)) {
    return true;
  }
  stoa_peer_format(stoa_server_session_client(own), address);
  stoa_log(STOA_LOG_WARN, "upgrade refused", STOA_F_STR("address", address), STOA_F_STR("reason", reason),
           STOA_F_TEXT("origin", request.origin), STOA_F_TEXT("host", request.host));
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

static void begin_session(struct upgrade *upgrade) {
  struct stoa_server_session *own = stoa_server_session_of_stream(upgrade->stream);
  struct stoa_session *session = &own->base;
  struct stoa_worker *worker = stoa_worker_of_stream(upgrade->stream);
  char address[INET6_ADDRSTRLEN];
  assert(upgrade->format < upgrade->server->formats.count);
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
  if (!find_client(upgrade) || !page_allowed(upgrade)) {
    return;
  }
  choose_format(upgrade);
  upgrade->compress =
      upgrade->server->config.compression && stoa_ws_deflate_negotiate(upgrade->head, upgrade->data, &upgrade->deflate);
  if (write_response(upgrade)) {
    begin_session(upgrade);
  }
}

void stoa_request_on_head(struct stoa_stream *stream, const struct stoa_http_head *head, int code,
                          const uint8_t *data) {
  struct upgrade upgrade = {
      .stream = stream, .server = stoa_worker_of_stream(stream)->server, .head = head, .data = data};
  if (code != 200) {
    refuse(&upgrade, code, NULL);
    return;
  }
  code = stoa_ws_request_read(head, data, &upgrade.request);
  if (upgrade.server->listeners.items[stoa_server_session_of_stream(stream)->listener].is_admin) {
    refuse(&upgrade, 404, NULL); /* an admin listener serves no public pages */
  } else if (code == 101) {
    on_upgrade(&upgrade);
  } else if (code == 0) {
    on_plain_request(&upgrade);
  } else {
    refuse(&upgrade, code, NULL);
  }
}
