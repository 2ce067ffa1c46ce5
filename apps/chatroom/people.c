#include "people.h"

#include "person.h"

#include <assert.h>
#include <chatroom/v1/chatroom.stoa.h>
#include <stdlib.h>
#include <stoa/auth.h>
#include <stoa/log.h>
#include <stoa/middleware.h>

struct people_options people_options_of(const struct stoa_server_config *config) {
  struct people_options options = {.hello_timeout_ms = PEOPLE_HELLO_TIMEOUT_MS_DEFAULT};
  if (config == NULL) {
    return options;
  }
  if (config->auth != NULL) {
    const struct stoa_auth_config *auth = config->auth;
    options.takes_tokens =
        auth->jwks_file.len + auth->public_key_file.len + auth->secret_file.len + auth->secret.len > 0;
    options.token_required = auth->required;
  }
  if (config->limits != NULL && config->limits->rate != NULL) {
    const struct stoa_rate_config *rate = config->limits->rate;
    options.rate_per_s = rate->messages_per_s;
    /* The library's default. */
    uint32_t burst = rate->messages_per_s > UINT32_MAX / 2 ? UINT32_MAX : rate->messages_per_s * 2;
    options.rate_burst = rate->messages_burst > 0 ? rate->messages_burst : burst;
  }
  return options;
}

int people_create(const struct people_options *options, struct people **out_people) {
  struct people *people = calloc(1, sizeof *people);
  int status = people == NULL ? STOA_E_MEMORY : guest_keys_create(options->data_folder, &people->guests);
  if (status == STOA_OK) {
    people->options = *options;
    people->options.data_folder = NULL;
    people->rules = nick_rules_create();
    people->nicks = people->rules == NULL ? NULL : nicks_create(people->rules, NICKS_HOLD_MS_DEFAULT);
    people->sessions = people->nicks == NULL ? NULL : user_sessions_create();
    status = people->sessions == NULL ? STOA_E_MEMORY : STOA_OK;
  }
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_ERROR, "names of people cannot be kept", STOA_F_STR("reason", stoa_status_text(status)));
    people_destroy(people);
    return status;
  }
  if (people->options.hello_timeout_ms == 0) {
    people->options.hello_timeout_ms = PEOPLE_HELLO_TIMEOUT_MS_DEFAULT;
  }
  *out_people = people;
  return STOA_OK;
}

void people_destroy(struct people *people) {
  if (people != NULL) {
    nicks_destroy(people->nicks);
    nick_rules_destroy(people->rules);
    guest_keys_destroy(people->guests);
    user_sessions_destroy(people->sessions);
    free(people);
  }
}

static bool needs_hello(void *context, uint32_t type, const char *operation) {
  (void)context;
  (void)operation;
  return type != CHATROOM_V1_MESSAGE_TYPE_HELLO && type != CHATROOM_V1_MESSAGE_TYPE_PING;
}

static const struct stoa_error *check_hello(void *user, struct stoa_invocation *invocation) {
  struct stoa_session *session = stoa_invocation_session(invocation);
  (void)user;
  /* An HTTP request proves by itself whose it is. */
  if (stoa_session_is_http(session) || person_is_known(stoa_session_user(session))) {
    return NULL;
  }
  return stoa_session_error(session, STOA_ERROR_UNAUTHORIZED, "HELLO_FIRST", "call Hello first");
}

int people_guard(struct people *people, struct stoa_server *server) {
  static const struct stoa_selector selector = {.match = needs_hello};
  const struct stoa_middleware guard = {.name = "hello first", .before = check_hello, .user = people};
  int status = stoa_server_use(server, &selector, &guard);
  return status == STOA_OK ? stoa_server_allow_anonymous(server, CHATROOM_V1_MESSAGE_TYPE_HELLO) : status;
}
