#include "server/session_log.h"

#include "server/server_private.h"
#include "server/trace/session.h"
#include "session/fallback.h"

#include <assert.h>
#include <stoa/log.h>

#define SECOND_MS 1000u

static bool is_on(const struct stoa_worker *worker) {
  return worker->settings->log.connections == STOA_LOG_CONFIG_CONNECTIONS_ON && stoa_log_enabled(STOA_LOG_INFO);
}

static const char *tls_text(const struct stoa_server_session *own) {
  static const char *const texts[] = {
      [STOA_CONNECTION_PLAIN] = "none", [STOA_CONNECTION_TLS_1_2] = "TLSv1.2", [STOA_CONNECTION_TLS_1_3] = "TLSv1.3"};
  assert(own->tls < STOA_COUNT_OF(texts));
  return texts[own->tls];
}

/* The limit. */

static uint32_t lines_max(const struct stoa_worker *worker) {
  uint32_t share = STOA_SESSION_LINES_PER_S / worker->server->worker_count;
  return share < STOA_SESSION_LINES_MIN ? STOA_SESSION_LINES_MIN : share;
}

static void tell_left_out(struct stoa_worker *worker) {
  struct stoa_session_log *log = &worker->session_log;
  uint32_t opened = log->left_out[STOA_SESSION_LINE_OPENED];
  uint32_t closed = log->left_out[STOA_SESSION_LINE_CLOSED] + log->left_out[STOA_SESSION_LINE_EXPELLED];
  if (opened + closed > 0) {
    const struct stoa_log_field fields[] = {STOA_F_INT("worker", worker->index), STOA_F_INT("opened", opened),
                                            STOA_F_INT("closed", closed),
                                            STOA_F_INT("closed_by_server", log->left_out[STOA_SESSION_LINE_EXPELLED])};
    stoa_log_write(NULL, STOA_LOG_INFO, "sessions not logged, too many in a second", fields, STOA_COUNT_OF(fields));
  }
}

/* Begin another second when the last one is over. */
static void renew(struct stoa_worker *worker, uint64_t now_ms) {
  struct stoa_session_log *log = &worker->session_log;
  if (now_ms - log->began_ms >= SECOND_MS) {
    tell_left_out(worker);
    *log = (struct stoa_session_log){.began_ms = now_ms};
  }
}

static bool may_write(struct stoa_worker *worker, enum stoa_session_line line) {
  struct stoa_session_log *log = &worker->session_log;
  renew(worker, stoa_loop_now_ms(worker->loop));
  if (log->written[line] >= lines_max(worker)) {
    log->left_out[line]++;
    log->has_left_out = true;
    return false;
  }
  log->written[line]++;
  return true;
}

void stoa_session_log_tick(struct stoa_worker *worker) {
  renew(worker, stoa_loop_now_ms(worker->loop));
}

void stoa_session_log_end(struct stoa_worker *worker) {
  tell_left_out(worker);
  worker->session_log = (struct stoa_session_log){0};
}

/* The lines. */

/* Of the session, also when a message ends it. */
static void format_trace(const struct stoa_session *session, char out_text[STOA_TRACE_ID_TEXT_LEN + 1]) {
  struct stoa_trace_context context;
  stoa_session_trace_place(session, &context);
  stoa_trace_id_format(context.trace_id, out_text);
}

/* Only the lines of sessions without WebSocket have their last field, the transport. */
static size_t count_of(const struct stoa_session *session, size_t all) {
  return stoa_session_is_fallback(session) ? all : all - 1;
}

void stoa_session_log_opened(struct stoa_session *session) {
  struct stoa_worker *worker = stoa_worker_of(session);
  struct stoa_server_session *own = stoa_server_session_of(session);
  char id[STOA_UUID_TEXT_LEN + 1];
  char trace[STOA_TRACE_ID_TEXT_LEN + 1];
  char address[INET6_ADDRSTRLEN];
  own->admitted = true;
  if (!is_on(worker) || !may_write(worker, STOA_SESSION_LINE_OPENED)) {
    return;
  }
  stoa_uuid_format(&session->id, id);
  format_trace(session, trace);
  stoa_peer_format(stoa_server_session_client(own), address);
  const struct stoa_log_field fields[] = {STOA_F_STR("session", id),
                                          STOA_F_STR("address", address),
                                          STOA_F_STR("codec", stoa_session_codec(session)),
                                          STOA_F_STR("tls", tls_text(own)),
                                          STOA_F_STR("trace", trace),
                                          STOA_F_STR("transport", "http")};
  stoa_log_write(NULL, STOA_LOG_INFO, "session opened", fields, count_of(session, STOA_COUNT_OF(fields)));
}

static enum stoa_session_line kind_of(const struct stoa_session *session) {
  bool is_expelled = !session->peer_closed && session->close_code != STOA_CLOSE_DRAINING &&
                     session->close_code != STOA_WS_CLOSE_NORMAL && session->close_code != STOA_WS_CLOSE_GOING_AWAY;
  return is_expelled ? STOA_SESSION_LINE_EXPELLED : STOA_SESSION_LINE_CLOSED;
}

void stoa_session_log_closed(struct stoa_session *session) {
  struct stoa_worker *worker = stoa_worker_of(session);
  const struct stoa_server_session *own = stoa_server_session_of(session);
  const struct stoa_stream *stream = &session->stream;
  char id[STOA_UUID_TEXT_LEN + 1];
  char trace[STOA_TRACE_ID_TEXT_LEN + 1];
  char address[INET6_ADDRSTRLEN];
  if (!own->admitted || !is_on(worker) || !may_write(worker, kind_of(session))) {
    return;
  }
  stoa_uuid_format(&session->id, id);
  format_trace(session, trace);
  stoa_peer_format(stoa_server_session_client(own), address);
  const struct stoa_log_field fields[] = {
      STOA_F_STR("session", id),
      STOA_F_STR("address", address),
      STOA_F_STR("user", own->account == NULL || own->account->name == NULL ? "" : own->account->name),
      STOA_F_STR("codec", stoa_session_codec(session)),
      STOA_F_STR("tls", tls_text(own)),
      STOA_F_INT("code", session->close_code),
      STOA_F_STR("by", session->peer_closed ? "peer" : "server"),
      STOA_F_STR("reason", session->close_reason == NULL ? "" : session->close_reason),
      STOA_F_INT("duration_ms", stoa_session_age_ms(session)),
      STOA_F_INT("messages_in", stream->messages_in),
      STOA_F_INT("messages_out", stream->messages_out),
      STOA_F_INT("bytes_in", stream->bytes_in),
      STOA_F_INT("bytes_out", stream->bytes_out),
      STOA_F_STR("trace", trace),
      STOA_F_STR("transport", "http"),
  };
  stoa_log_write(NULL, STOA_LOG_INFO, "session closed", fields, count_of(session, STOA_COUNT_OF(fields)));
}
