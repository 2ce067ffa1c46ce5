#include "server/http/caller.h"

#include "base/memory.h"
#include "server/http/bearer.h"
#include "server/middleware/address_rates.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/error.stoa.h>

int stoa_http_caller_begin(struct stoa_session *session, const struct stoa_peer *client) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  assert(session->state == STOA_SESSION_NONE);
  assert(own->account == NULL || !own->account->has_outer);
  if (memcmp(stoa_server_session_client(own)->bytes, client->bytes, sizeof client->bytes) == 0) {
    return STOA_OK;
  }
  struct stoa_session_account *account = stoa_server_session_account(own);
  if (account == NULL) {
    return STOA_E_MEMORY;
  }
  account->outer = account->client;
  account->outer_proxied = own->proxied;
  account->has_outer = true;
  account->client = *client;
  own->proxied = true;
  return STOA_OK;
}

void stoa_http_caller_end(struct stoa_session *session) {
  struct stoa_server_session *own = stoa_server_session_of(session);
  struct stoa_session_account *account = own->account;
  assert(session->state == STOA_SESSION_NONE);
  stoa_session_set_user(session, NULL);
  if (account == NULL) {
    return;
  }
  stoa_auth_forget(own);
  stoa_free(account->name);
  account->name = NULL;
  if (account->has_outer) {
    account->client = account->outer;
    own->proxied = account->outer_proxied;
    account->has_outer = false;
  }
}

/* Rates. */

const struct stoa_error *stoa_http_caller_check_rate(struct stoa_session *session, size_t bytes) {
  const struct stoa_server *server = stoa_worker_of(session)->server;
  const struct stoa_settings *settings = stoa_worker_of(session)->settings;
  const struct stoa_address_message message = {
      .settings = settings,
      .peer = stoa_server_session_client(stoa_server_session_of(session)),
      .kind = STOA_ADDRESS_RATE_HTTP,
      .bytes = bytes,
  };
  if (server->http_rates == NULL) {
    return NULL;
  }
  uint32_t retry_ms =
      stoa_address_rates_take(server->http_rates, &message, &settings->rate, stoa_stream_now32(&session->stream));
  struct stoa_error *error = retry_ms == 0 ? NULL : stoa_arena_alloc(stoa_session_arena(session), sizeof *error);
  if (retry_ms == 0 || error == NULL) {
    return retry_ms == 0 ? NULL : stoa_session_error(session, STOA_ERROR_RATE, "TOO_MANY_REQUESTS", NULL);
  }
  *error = (struct stoa_error){.code = STOA_ERROR_RATE,
                               .reason = STOA_STR("TOO_MANY_REQUESTS"),
                               .message = STOA_STR("the address sends more than its rate allows"),
                               .temporary = true,
                               .retry_ms = retry_ms};
  return error;
}

/* Tokens. */

static const struct stoa_error *refuse(struct stoa_session *session, const char *message) {
  return stoa_session_error(session, STOA_ERROR_UNAUTHORIZED, "UNAUTHORIZED", message);
}

static const struct stoa_error *verify(struct stoa_session *session, struct stoa_string token) {
  bool is_expired = false;
  int status = stoa_auth_identify(session, token, &is_expired);
  if (status == STOA_OK) {
    return NULL;
  }
  if (status != STOA_E_DENIED) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "the token could not be verified");
  }
  return is_expired ? stoa_session_error(session, STOA_ERROR_TOKEN_EXPIRED, "TOKEN_EXPIRED", "the token has expired")
                    : refuse(session, "bad token");
}

const struct stoa_error *stoa_http_caller_authenticate(struct stoa_session *session, const struct stoa_handler *handler,
                                                       struct stoa_string authorization, bool is_repeated) {
  const struct stoa_auth *auth = &stoa_worker_of(session)->settings->auth;
  struct stoa_string token = stoa_bearer_find(authorization, stoa_string_make(NULL, 0));
  if (!stoa_auth_is_on(auth)) {
    return NULL; /* the field may be for the program */
  }
  if (is_repeated) {
    return refuse(session, "the field Authorization comes twice");
  }
  if (token.data != NULL) {
    return verify(session, token);
  }
  bool may_call = !auth->is_required || stoa_auth_allows(&stoa_worker_of(session)->server->anonymous, handler->type);
  return may_call ? NULL : refuse(session, "a token is needed: Authorization: Bearer TOKEN");
}
