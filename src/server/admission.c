#include "server/admission.h"

#include "base/container.h"
#include "server/group/membership.h"
#include "server/send.h"
#include "server/session_id.h"
#include "server/session_log.h"
#include "server/worker/post.h"
#include "server/worker/table.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/error.stoa.h>
#include <stoa/log.h>

void stoa_admission_expel(struct stoa_session *session, const struct stoa_error *error, uint16_t close_code) {
  char reason[128];
  snprintf(reason, sizeof reason, "%.*s", (int)error->message.len, error->message.data);
  if (stoa_session_negotiated(session)) {
    struct stoa_outgoing outgoing = {.is_error = true, .message_type = &stoa_error_type, .message = error};
    stoa_worker_outgoing(stoa_worker_of(session), &outgoing);
    int ignored = stoa_worker_send(session, &outgoing);
    (void)ignored;
  }
  stoa_session_close(session, close_code, reason);
  stoa_arena_reset(stoa_session_arena(session));
}

/* The upgrade ends here: no one is told of the session, or the program did not want it. */
static void note_refused(struct stoa_session *session, enum stoa_refused reason) {
  struct stoa_worker *worker = stoa_worker_of(session);
  stoa_metrics_note_refused(worker, reason);
  stoa_metric_add(worker->metrics, STOA_M_HANDSHAKES, STOA_HANDSHAKE_REFUSED, 1);
}

static void note_admitted(struct stoa_session *session) {
  stoa_metric_add(stoa_worker_of(session)->metrics, STOA_M_HANDSHAKES, STOA_HANDSHAKE_ADMITTED, 1);
  stoa_session_log_opened(session);
}

static void close_without_memory(struct stoa_session *session) {
  note_refused(session, STOA_REFUSED_MEMORY);
  stoa_session_close(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
}

/* Limits. */

/* "Full" is temporary: the client comes back. */
static void expel_full(struct stoa_session *session, const char *message, uint32_t retry_ms) {
  const struct stoa_error error = {.code = STOA_ERROR_LIMIT,
                                   .reason = STOA_STR("FULL"),
                                   .message = stoa_string_of(message),
                                   .temporary = true,
                                   .retry_ms = retry_ms};
  stoa_admission_expel(session, &error, STOA_CLOSE_FULL);
}

/* A session that is refused as too many must not count: otherwise refused clients would keep a full server full. */
static void uncount_session(struct stoa_session *session) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  if (own->counted) {
    own->counted = false;
    size_t before = atomic_fetch_sub(&stoa_worker_of(session)->server->sessions, 1);
    assert(before > 0);
    (void)before;
  }
}

static bool count_session(struct stoa_session *session) {
  struct stoa_server *server = stoa_worker_of(session)->server;
  struct stoa_server_session *own = stoa_server_session_of(session);
  uint32_t limit = stoa_worker_of(session)->settings->limits.sessions_max;
  assert(!own->counted);
  own->counted = true;
  if (atomic_fetch_add(&server->sessions, 1) >= limit && limit > 0) {
    char address[INET6_ADDRSTRLEN];
    uncount_session(session);
    note_refused(session, STOA_REFUSED_SESSIONS_MAX);
    stoa_peer_format(stoa_server_session_client(own), address);
    stoa_log(STOA_LOG_WARN, "session refused: the server is full; raise server.limits.sessions_max",
             STOA_F_STR("address", address), STOA_F_INT("sessions_max", limit),
             STOA_F_STR("refused", stoa_refused_text(STOA_REFUSED_SESSIONS_MAX)));
    expel_full(session, "the server is full", STOA_FULL_RETRY_MS);
    return false;
  }
  return true;
}

static bool count_client(struct stoa_session *session) {
  struct stoa_server *server = stoa_worker_of(session)->server;
  const struct stoa_limits_config *limits = &stoa_worker_of(session)->settings->limits;
  struct stoa_server_session *own = stoa_server_session_of(session);
  const struct stoa_peer *client = stoa_server_session_client(own);
  char address[INET6_ADDRSTRLEN];
  uint32_t retry_ms = STOA_FULL_RETRY_MS;
  stoa_peer_format(client, address);
  uint64_t now_ms = stoa_loop_now_ms(stoa_worker_of(session)->loop);
  if (stoa_peers_admit_handshake(&server->peers, client, now_ms, &retry_ms) != STOA_OK) {
    note_refused(session, STOA_REFUSED_ADDRESS_HANDSHAKES);
    stoa_log(STOA_LOG_WARN,
             "session refused: too many handshakes from one address; raise server.limits.address_handshakes_per_s",
             STOA_F_STR("address", address), STOA_F_INT("address_handshakes_per_s", limits->address_handshakes_per_s),
             STOA_F_STR("refused", stoa_refused_text(STOA_REFUSED_ADDRESS_HANDSHAKES)));
    expel_full(session, "too many handshakes from your address", retry_ms);
    return false;
  }
  if (stoa_peers_session_begin(&server->peers, client) != STOA_OK) {
    note_refused(session, STOA_REFUSED_ADDRESS_SESSIONS);
    stoa_log(STOA_LOG_WARN,
             "session refused: too many sessions from one address; raise server.limits.address_sessions_max, or add "
             "the proxy to server.trusted_proxies",
             STOA_F_STR("address", address), STOA_F_INT("address_sessions_max", limits->address_sessions_max),
             STOA_F_STR("refused", stoa_refused_text(STOA_REFUSED_ADDRESS_SESSIONS)));
    expel_full(session, "too many sessions from your address", STOA_FULL_RETRY_MS);
    return false;
  }
  assert(!own->client_counted);
  own->client_counted = true;
  return true;
}

void stoa_admission_end(struct stoa_session *session) {
  struct stoa_server *server = stoa_worker_of(session)->server;
  struct stoa_server_session *own = stoa_server_session_of(session);
  assert(!own->accepted);
  uncount_session(session);
  if (own->client_counted) {
    stoa_peers_session_end(&server->peers, stoa_server_session_client(own));
  }
}

/* Groups. */

int stoa_admission_enroll(struct stoa_session *session) {
  struct stoa_server *server = stoa_worker_of(session)->server;
  struct stoa_server_session *own = stoa_server_session_of(session);
  int status = stoa_group_join_all(session);
  if (status == STOA_OK) {
    own->accepted = true;
    atomic_fetch_add(&server->codec_sessions[server->formats.items[own->format].codec_index], 1);
  }
  return status;
}

static void withdraw(struct stoa_session *session) {
  struct stoa_server *server = stoa_worker_of(session)->server;
  struct stoa_server_session *own = stoa_server_session_of(session);
  if (own->accepted) {
    stoa_group_leave_all(session);
    own->accepted = false;
    unsigned before = atomic_fetch_sub(&server->codec_sessions[server->formats.items[own->format].codec_index], 1);
    assert(before > 0);
    (void)before;
  }
}

/* A handler may have closed it while its message is in the arena. */
static void tell_closing(struct stoa_session *session) {
  const struct stoa_callbacks *callbacks = &stoa_worker_of(session)->server->callbacks;
  struct stoa_arena *arena = stoa_session_arena(session);
  if (callbacks->on_closing != NULL) {
    const struct stoa_arena_place mark = stoa_arena_mark(arena);
    callbacks->on_closing(callbacks->user, session, session->close_code,
                          session->close_reason == NULL ? "" : session->close_reason);
    stoa_arena_rewind(arena, &mark);
  }
}

static void tell_extensions(struct stoa_session *session) {
  const struct stoa_server *server = stoa_worker_of(session)->server;
  for (size_t i = 0; i < server->extension_count; i++) {
    server->extensions[i].on_closing(server->extensions[i].user, session);
  }
}

void stoa_admission_on_closing(struct stoa_session *session) {
  if ((session->stream.pauses & STOA_PAUSE_ADMISSION) != 0) {
    stoa_metric_add(stoa_worker_of(session)->metrics, STOA_M_HANDSHAKES, STOA_HANDSHAKE_ABANDONED, 1);
  }
  withdraw(session);
  tell_extensions(session);
  if (stoa_server_session_of(session)->known) {
    tell_closing(session);
  }
}

static void expel_for(struct stoa_session *session, const struct stoa_refusal *refusal, enum stoa_refused reason) {
  char address[INET6_ADDRSTRLEN];
  note_refused(session, reason);
  stoa_peer_format(stoa_server_session_client(stoa_server_session_of(session)), address);
  stoa_log(STOA_LOG_INFO, "session refused by the program", STOA_F_STR("address", address),
           STOA_F_INT("code", refusal->close_code),
           STOA_F_STR("reason", refusal->reason == NULL ? "" : refusal->reason),
           STOA_F_STR("refused", stoa_refused_text(reason)));
  bool is_temporary = refusal->close_code < 4500;
  const struct stoa_error error = {.code = refusal->close_code,
                                   .reason = STOA_STR("REFUSED"),
                                   .message = stoa_string_of(refusal->reason == NULL ? "" : refusal->reason),
                                   .temporary = is_temporary,
                                   .retry_ms = is_temporary ? refusal->retry_ms : 0};
  stoa_admission_expel(session, &error, refusal->close_code);
}

/* It waits for the program, which finds it by its id: no input is read, and it is in no group. */
static void wait_for_program(struct stoa_session *session) {
  struct stoa_worker *worker = stoa_worker_of(session);
  if (session->state != STOA_SESSION_OPEN) {
    return; /* closed by the program inside the callback: it has left its groups */
  }
  struct stoa_session_account *account = stoa_server_session_account(stoa_server_session_of(session));
  if (account == NULL) {
    close_without_memory(session);
    return;
  }
  withdraw(session);
  stoa_stream_pause(&session->stream, STOA_PAUSE_ADMISSION);
  account->asked_ms = stoa_stream_now32(&session->stream);
  worker->streams.on_deadline_change(&session->stream,
                                     stoa_loop_now_ms(worker->loop) + worker->settings->limits.handshake_timeout_ms);
}

/* From here on the program gets on_closing for it; at once, if it was closed in on_connect. */
static void make_known(struct stoa_session *session) {
  assert(!stoa_server_session_of(session)->known);
  stoa_server_session_of(session)->known = true;
  if (session->state != STOA_SESSION_OPEN) {
    tell_closing(session);
  }
}

static void ask_program(struct stoa_session *session, const struct stoa_request *request) {
  const struct stoa_callbacks *callbacks = &stoa_worker_of(session)->server->callbacks;
  struct stoa_refusal refusal = {.close_code = STOA_CLOSE_FORBIDDEN, .reason = "refused"};
  if (callbacks->on_connect == NULL) {
    note_admitted(session);
    make_known(session);
    return;
  }
  enum stoa_admission decision = callbacks->on_connect(callbacks->user, session, request, &refusal);
  switch (decision) {
    case STOA_ADMIT:
      note_admitted(session);
      make_known(session);
      break;
    case STOA_ADMIT_LATER:
      wait_for_program(session);
      make_known(session);
      break;
    case STOA_REFUSE:
      expel_for(session, &refusal, STOA_REFUSED_PROGRAM);
      break;
  }
  stoa_arena_reset(stoa_session_arena(session));
}

/* Tokens. */

static void expel_for_token(struct stoa_session *session, int status, bool is_expired) {
  note_refused(session, STOA_REFUSED_TOKEN);
  const struct stoa_error internal = {.code = STOA_ERROR_INTERNAL,
                                      .reason = STOA_STR("INTERNAL"),
                                      .message = STOA_STR("out of memory"),
                                      .temporary = true};
  const struct stoa_error expired = {.code = STOA_ERROR_TOKEN_EXPIRED,
                                     .reason = STOA_STR("TOKEN_EXPIRED"),
                                     .message = STOA_STR("the token has expired"),
                                     .temporary = true};
  const struct stoa_error bad = {
      .code = STOA_ERROR_UNAUTHORIZED, .reason = STOA_STR("UNAUTHORIZED"), .message = STOA_STR("bad token")};
  if (status != STOA_E_DENIED) {
    stoa_admission_expel(session, &internal, STOA_WS_CLOSE_INTERNAL);
  } else if (is_expired) {
    stoa_admission_expel(session, &expired, STOA_CLOSE_TOKEN_EXPIRED);
  } else {
    stoa_admission_expel(session, &bad, STOA_CLOSE_BAD_TOKEN);
  }
}

/* Without a token in the upgrade, the session may send one in a message, if the program takes it from one. */
static bool await_token(struct stoa_session *session) {
  struct stoa_worker *worker = stoa_worker_of(session);
  struct stoa_server_session *own = stoa_server_session_of(session);
  struct stoa_session_account *account = stoa_server_session_account(own);
  if (account == NULL || worker->server->anonymous.count == 0) {
    expel_for_token(session, account == NULL ? STOA_E_MEMORY : STOA_E_DENIED, false);
    return false;
  }
  own->awaits_token = true;
  account->awaits_ms = stoa_stream_now32(&session->stream);
  worker->streams.on_deadline_change(&session->stream,
                                     stoa_loop_now_ms(worker->loop) + worker->settings->limits.handshake_timeout_ms);
  return true;
}

/* False when the session was refused for its token. */
static bool take_token(struct stoa_session *session, struct stoa_string token) {
  struct stoa_worker *worker = stoa_worker_of(session);
  const struct stoa_auth *auth = &worker->settings->auth;
  bool is_expired = false;
  if (!stoa_auth_is_on(auth)) {
    return true;
  }
  if (token.data == NULL) {
    return !auth->is_required || await_token(session);
  }
  int status = stoa_auth_identify(session, token, &is_expired);
  if (status != STOA_OK) {
    expel_for_token(session, status, is_expired);
    return false;
  }
  worker->streams.on_deadline_change(&session->stream, stoa_auth_expiry_ms(session));
  return true;
}

/* It joins the group of all, unless its token is missing, before the program is asked, so that sending and joining
 * groups in on_connect work. */
void stoa_admission_begin(struct stoa_session *session, const struct stoa_request *request, struct stoa_string token) {
  assert(session->state == STOA_SESSION_OPEN);
  if (!count_session(session)) {
    return;
  }
  if (!count_client(session)) {
    uncount_session(session);
    return;
  }
  if (!take_token(session, token)) {
    return;
  }
  if (!stoa_server_session_of(session)->awaits_token && stoa_admission_enroll(session) != STOA_OK) {
    close_without_memory(session);
    return;
  }
  ask_program(session, request);
}

/* Decided later. */

static void decide(struct stoa_session *session, const struct stoa_refusal *refusal, enum stoa_refused reason) {
  if ((session->stream.pauses & STOA_PAUSE_ADMISSION) == 0) {
    return; /* decided already, or no decision is pending */
  }
  stoa_stream_resume(&session->stream, STOA_PAUSE_ADMISSION);
  if (refusal != NULL) {
    expel_for(session, refusal, reason);
  } else if (!stoa_server_session_of(session)->awaits_token && stoa_admission_enroll(session) != STOA_OK) {
    close_without_memory(session);
  } else {
    note_admitted(session);
  }
}

uint64_t stoa_admission_on_deadline(struct stoa_session *session, uint64_t now_ms) {
  if (session->state != STOA_SESSION_OPEN || (session->stream.pauses & STOA_PAUSE_ADMISSION) == 0) {
    return UINT64_MAX;
  }
  uint32_t limit_ms = stoa_worker_of(session)->settings->limits.handshake_timeout_ms;
  uint32_t passed_ms = (uint32_t)now_ms - stoa_server_session_of(session)->account->asked_ms;
  if (passed_ms < limit_ms) {
    return now_ms + (limit_ms - passed_ms);
  }
  static const struct stoa_refusal refusal = {STOA_CLOSE_INTERNAL, "not admitted in time", STOA_FULL_RETRY_MS};
  decide(session, &refusal, STOA_REFUSED_PROGRAM_LATE);
  return UINT64_MAX;
}

/* A decision on its way to the session's worker. */
struct decision {
  struct stoa_worker_post post; /* first */
  struct stoa_uuid session_id;
  bool is_refusal;
  struct stoa_refusal refusal;
  char reason[STOA_WS_CONTROL_LEN_MAX];
};

static void deliver(struct stoa_worker *worker, struct stoa_worker_post *post) {
  const struct decision *decision = stoa_container_of(post, const struct decision, post);
  struct stoa_session *session = stoa_worker_find(worker, &decision->session_id);
  if (session != NULL) {
    decide(session, decision->is_refusal ? &decision->refusal : NULL, STOA_REFUSED_PROGRAM);
  }
}

static int post_decision(struct stoa_server *server, const struct stoa_uuid *session_id,
                         const struct stoa_refusal *refusal) {
  if (!server->started) {
    return STOA_E_CLOSED;
  }
  struct stoa_worker *worker = &server->workers[stoa_session_id_worker(session_id, server->worker_count)];
  struct stoa_worker_post *post;
  int status = stoa_worker_post_create(worker, &worker->mailbox, sizeof(struct decision), 0, deliver, &post);
  if (status != STOA_OK) {
    return status;
  }
  struct decision *decision = stoa_container_of(post, struct decision, post);
  decision->session_id = *session_id;
  decision->is_refusal = refusal != NULL;
  if (refusal != NULL) {
    const char *reason = refusal->reason == NULL ? "" : refusal->reason;
    decision->refusal = *refusal;
    decision->refusal.reason = decision->reason;
    memcpy(decision->reason, reason, strnlen(reason, sizeof decision->reason - 1));
  }
  stoa_worker_post_send(post);
  return STOA_OK;
}

int stoa_server_admit(struct stoa_server *server, const struct stoa_uuid *session_id) {
  return post_decision(server, session_id, NULL);
}

int stoa_server_refuse(struct stoa_server *server, const struct stoa_uuid *session_id,
                       const struct stoa_refusal *refusal) {
  return post_decision(server, session_id, refusal);
}
