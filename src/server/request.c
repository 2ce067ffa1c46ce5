/* A request's way in: an upgrade to a session, a file of the page, or a refusal. */
#include "server/endpoint.h"
#include "server/server_private.h"
#include "server/static.h"
#include "wire/ws_handshake.h"

#include <stoa/error.stoa.h>
#include <stoa/log.h>

/* A request and what is chosen for it. */
struct upgrade {
  struct stoa_session *session;
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

static bool is_head(const struct stoa_http_head *head) {
  return head->method == STOA_HTTP_HEAD;
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

static bool answer_page(const struct upgrade *upgrade, struct stoa_buffer *out) {
  const struct stoa_server *server = upgrade->server;
  if (asks_for_endpoint(upgrade)) {
    return stoa_endpoint_answer(server->config.path, upgrade->head, out);
  }
  return stoa_static_answer(server->web_root_fd, upgrade->head, upgrade->data, upgrade->session->conn.tls != NULL, out);
}

static void on_plain_request(struct upgrade *upgrade) {
  struct stoa_session *session = upgrade->session;
  bool at_endpoint = is_endpoint(upgrade);
  if (upgrade->server->web_root_fd < 0) {
    stoa_session_refuse(session, at_endpoint ? 426 : 404, is_head(upgrade->head));
    return;
  }
  bool keep = false;
  struct stoa_buffer *out = stoa_session_output_begin(session);
  if (out != NULL) {
    keep = answer_page(upgrade, out);
    stoa_session_output_end(session);
  }
  stoa_session_answered(session, !keep);
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
  const char *protocol = upgrade->server->formats.items[upgrade->format].subprotocol;
  size_t len = stoa_ws_response(upgrade->request.key, protocol[0] == '\0' ? NULL : protocol,
                                upgrade->compress ? &upgrade->deflate : NULL, response, sizeof response);
  struct stoa_buffer *out = stoa_session_output_begin(upgrade->session);
  if (out == NULL) {
    return false;
  }
  int status = stoa_buffer_append(out, response, len);
  stoa_session_output_end(upgrade->session);
  if (status != STOA_OK) {
    upgrade->session->broken = true;
  }
  return status == STOA_OK;
}

/* Why this connection is one too many, or NULL. */
static const char *over_limit(const struct upgrade *upgrade) {
  const struct stoa_server *server = upgrade->server;
  const struct stoa_peer *peer = &upgrade->session->peer;
  if (server->limits.sessions_max > 0 && atomic_load(&server->sessions) > server->limits.sessions_max) {
    return "the server is full";
  }
  bool exempt = stoa_peer_is_loopback(peer) && !server->limits.limit_loopback;
  if (!exempt && stoa_peers_count(&upgrade->server->peers, peer) > server->limits.address_sessions_max) {
    return "too many sessions of your address";
  }
  return NULL;
}

static bool ask_program(struct upgrade *upgrade, struct stoa_refusal *out_refusal) {
  const struct stoa_callbacks *callbacks = &upgrade->server->callbacks;
  char address[INET6_ADDRSTRLEN];
  if (callbacks->on_connect == NULL) {
    return true;
  }
  stoa_peer_format(&upgrade->session->peer, address);
  struct stoa_request request = {
      .path = {upgrade->path, upgrade->path_len},
      .query = {(const char *)upgrade->data + upgrade->head->query.start, upgrade->head->query.len},
      .origin = upgrade->request.origin,
      .address = address,
      .head = upgrade,
  };
  bool accepted = callbacks->on_connect(callbacks->user, upgrade->session, &request, out_refusal);
  stoa_arena_reset(stoa_session_arena(upgrade->session));
  return accepted;
}

struct stoa_string stoa_request_field(const struct stoa_request *request, const char *name) {
  const struct upgrade *upgrade = request->head;
  return stoa_http_field(upgrade->head, upgrade->data, name, NULL);
}

/* Becomes a member before the program is asked, so that what it sends and joins in on_connect just works. */
static bool enroll(struct upgrade *upgrade) {
  struct stoa_session *session = upgrade->session;
  if (stoa_group_join_all(session) != STOA_OK) {
    return false;
  }
  session->accepted = true;
  uint8_t codec = upgrade->server->formats.items[session->format].codec_index;
  atomic_fetch_add(&upgrade->server->codec_sessions[codec], 1);
  return true;
}

static void expel(struct upgrade *upgrade, uint16_t code, const char *reason) {
  struct stoa_session *session = upgrade->session;
  if (session->format != 0) {
    const struct stoa_error *error = stoa_session_error(session, code, "REFUSED", reason);
    struct stoa_outgoing outgoing = {.is_error = true, .message_type = &stoa_error_type, .message = error};
    stoa_worker_outgoing(stoa_worker_of(session), &outgoing);
    int ignored = stoa_worker_send(session, &outgoing);
    (void)ignored;
    stoa_arena_reset(stoa_session_arena(session));
  }
  stoa_session_close(session, code, reason);
}

static void open_session(struct upgrade *upgrade) {
  struct stoa_session *session = upgrade->session;
  struct stoa_refusal refusal = {STOA_CLOSE_FORBIDDEN, "refused"};
  session->format = (uint8_t)upgrade->format;
  stoa_session_upgraded(session, upgrade->compress ? &upgrade->deflate : NULL);
  const char *limit = over_limit(upgrade);
  if (limit != NULL) {
    expel(upgrade, STOA_CLOSE_CONNECTION_LIMIT, limit);
  } else if (!enroll(upgrade)) {
    expel(upgrade, STOA_WS_CLOSE_INTERNAL, "out of memory");
  } else if (!ask_program(upgrade, &refusal)) {
    expel(upgrade, refusal.close_code, refusal.reason);
    session->accepted = false;
  }
}

static void on_upgrade(struct upgrade *upgrade) {
  const struct stoa_server_config *config = &upgrade->server->config;
  if (!is_endpoint(upgrade)) {
    stoa_session_refuse(upgrade->session, 404, is_head(upgrade->head));
    return;
  }
  if (!origin_allowed(upgrade)) {
    stoa_log(STOA_LOG_WARN, "origin refused", STOA_F_TEXT("origin", upgrade->request.origin));
    stoa_session_refuse(upgrade->session, 403, is_head(upgrade->head));
    return;
  }
  choose_format(upgrade);
  upgrade->compress = config->compression && stoa_ws_deflate_negotiate(upgrade->head, upgrade->data, &upgrade->deflate);
  if (write_response(upgrade)) {
    open_session(upgrade);
  }
}

void stoa_worker_on_request(struct stoa_session *session, const struct stoa_http_head *head, const uint8_t *data) {
  struct upgrade upgrade = {.session = session, .server = stoa_worker_of(session)->server, .head = head, .data = data};
  int code = stoa_ws_request_read(head, data, &upgrade.request);
  if (code == 101) {
    on_upgrade(&upgrade);
  } else if (code == 0) {
    on_plain_request(&upgrade);
  } else {
    stoa_session_refuse(session, code, is_head(head));
  }
}
