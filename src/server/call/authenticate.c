#include "server/call/authenticate.h"

#include "server/admission.h"

#include <assert.h>
#include <stoa/error.stoa.h>

static uint64_t act_on_expiry(struct stoa_session *session) {
  uint64_t due_ms = stoa_auth_expiry_ms(session);
  if (due_ms != 0) {
    return due_ms;
  }
  const struct stoa_error error = {.code = STOA_ERROR_TOKEN_EXPIRED,
                                   .reason = STOA_STR("TOKEN_EXPIRED"),
                                   .message = STOA_STR("the token has expired"),
                                   .temporary = true};
  stoa_admission_expel(session, &error, STOA_CLOSE_TOKEN_EXPIRED);
  return UINT64_MAX;
}

static uint64_t act_on_waiting(struct stoa_session *session, uint64_t now_ms) {
  const struct stoa_server_session *own = stoa_server_session_of(session);
  uint32_t limit_ms = stoa_worker_of(session)->settings->limits.handshake_timeout_ms;
  uint32_t passed_ms = (uint32_t)now_ms - own->account->awaits_ms;
  if (passed_ms < limit_ms) {
    return now_ms + (limit_ms - passed_ms);
  }
  /* What has arrived in time is handled first. */
  if (stoa_stream_has_unread(&session->stream)) {
    return now_ms + STOA_STREAM_UNREAD_MS;
  }
  stoa_session_close(session, STOA_CLOSE_NO_HELLO, "no token in time");
  return UINT64_MAX;
}

uint64_t stoa_authenticate_on_deadline(struct stoa_session *session, uint64_t now_ms) {
  if (session->state != STOA_SESSION_OPEN) {
    return UINT64_MAX;
  }
  return stoa_server_session_of(session)->awaits_token ? act_on_waiting(session, now_ms) : act_on_expiry(session);
}

static const struct stoa_error *refused(struct stoa_session *session, bool is_expired) {
  /* A wrong token is a mistake of the client, so that it cannot try tokens without end. */
  if (stoa_server_session_count_mistake(session) >= stoa_worker_of(session)->settings->limits.session_errors_max) {
    stoa_session_close(session, STOA_CLOSE_TOO_MANY_ERRORS, "too many errors");
  }
  return is_expired ? stoa_session_error(session, STOA_ERROR_TOKEN_EXPIRED, "TOKEN_EXPIRED", "the token has expired")
                    : stoa_session_error(session, STOA_ERROR_UNAUTHORIZED, "UNAUTHORIZED", "bad token");
}

static const struct stoa_error *failed(struct stoa_session *session) {
  return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "the token could not be verified");
}

/* A session that waits for the program's decision stays outside the groups until the program admits it. */
static int let_in(struct stoa_session *session) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  bool is_pending = (session->stream.pauses & STOA_PAUSE_ADMISSION) != 0;
  if (!own->awaits_token) {
    return STOA_OK;
  }
  assert(!own->accepted);
  own->awaits_token = false;
  return is_pending ? STOA_OK : stoa_admission_enroll(session);
}

const struct stoa_error *stoa_session_authenticate(struct stoa_session *session, struct stoa_string token) {
  struct stoa_worker *worker = stoa_worker_of(session);
  bool is_expired = false;
  if (!stoa_auth_is_on(&worker->settings->auth)) {
    return stoa_session_error(session, STOA_ERROR_UNAUTHORIZED, "UNAUTHORIZED", "this server takes no tokens");
  }
  if (stoa_session_is_http(session)) {
    return stoa_session_error(session, STOA_ERROR_UNAUTHORIZED, "UNAUTHORIZED",
                              "an HTTP request has its token in the field Authorization");
  }
  if (session->state != STOA_SESSION_OPEN) {
    return failed(session);
  }
  int status = stoa_auth_identify(session, token, &is_expired);
  if (status == STOA_E_DENIED) {
    return refused(session, is_expired);
  }
  if (status != STOA_OK) {
    return failed(session);
  }
  if (let_in(session) != STOA_OK) {
    stoa_session_close(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
    return failed(session);
  }
  worker->streams.on_deadline_change(&session->stream, stoa_auth_expiry_ms(session));
  return NULL;
}
