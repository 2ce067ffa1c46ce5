#include "server/auth.h"

#include "base/array.h"
#include "base/memory.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/log.h>

#define LEEWAY_S_DEFAULT 25u
#define LEEWAY_S_MAX 3600u
/* The wall clock is compared at least so often. */
#define RECHECK_MS 30000u

/* A session's verified token, in memory of its own. */
struct stoa_identity {
  struct stoa_arena *arena;
  struct stoa_token token;
};

/* Keys. */

static int load_keys(struct stoa_auth *auth, const struct stoa_auth_config *config) {
  struct stoa_token_key_source sources[4];
  size_t count = 0;
  const struct {
    enum stoa_token_key_form form;
    struct stoa_string file;
  } files[] = {{STOA_TOKEN_JWKS, config->jwks_file},
               {STOA_TOKEN_PEM, config->public_key_file},
               {STOA_TOKEN_SECRET, config->secret_file}};
  for (size_t i = 0; i < STOA_COUNT_OF(files); i++) {
    if (files[i].file.len > 0) {
      sources[count++] = (struct stoa_token_key_source){.form = files[i].form, .file = files[i].file.data};
    }
  }
  if (config->secret.len > 0) {
    sources[count++] = (struct stoa_token_key_source){
        .form = STOA_TOKEN_SECRET, .content = {(const uint8_t *)config->secret.data, config->secret.len}};
  }
  if (count == 0) {
    stoa_log(STOA_LOG_ERROR, "server.auth has no key; set jwks_file, public_key_file or secret_file");
    return STOA_E_ARGUMENT;
  }
  struct stoa_token_key_error error;
  int status = stoa_token_keys_create(sources, count, &auth->keys, &error);
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_ERROR, "the keys of server.auth cannot be used",
             STOA_F_STR("reason", error.text[0] == '\0' ? stoa_status_text(status) : error.text));
  }
  return status;
}

/* A file with all keys and their defaults configures nothing. */
static bool is_empty(const struct stoa_auth_config *config) {
  return config->jwks_file.len + config->public_key_file.len + config->secret_file.len + config->secret.len == 0 &&
         config->issuer.len == 0 && config->audiences.count == 0 && !config->required && !config->query_token;
}

int stoa_auth_init(struct stoa_auth *auth, const struct stoa_auth_config *config) {
  assert(auth->keys == NULL);
  if (config == NULL || is_empty(config)) {
    return STOA_OK;
  }
  if (config->leeway_s > LEEWAY_S_MAX) {
    stoa_log(STOA_LOG_ERROR, "an option is out of range", STOA_F_STR("option", "server.auth.leeway_s"),
             STOA_F_INT("value", config->leeway_s), STOA_F_INT("highest", LEEWAY_S_MAX));
    return STOA_E_ARGUMENT;
  }
  int status = load_keys(auth, config);
  auth->is_required = config->required;
  auth->takes_query = config->query_token;
  auth->verifier = (struct stoa_token_verifier){
      .keys = auth->keys,
      .issuer = config->issuer,
      .audiences = config->audiences.items,
      .audience_count = config->audiences.count,
      .leeway_s = config->leeway_s == 0 ? LEEWAY_S_DEFAULT : config->leeway_s,
  };
  return status;
}

void stoa_auth_fini(struct stoa_auth *auth) {
  stoa_token_keys_unref(auth->keys);
  auth->keys = NULL;
}

bool stoa_auth_allows(const struct stoa_anonymous *anonymous, uint32_t type) {
  for (uint32_t i = 0; i < anonymous->count; i++) {
    if (anonymous->types[i] == type) {
      return true;
    }
  }
  return false;
}

int stoa_auth_allow_anonymous(struct stoa_anonymous *anonymous, uint32_t type) {
  if (type > STOA_TYPE_MAX) {
    return STOA_E_ARGUMENT;
  }
  if (stoa_auth_allows(anonymous, type)) {
    return STOA_OK;
  }
  if (anonymous->count == STOA_ANONYMOUS_TYPES_MAX) {
    return STOA_E_LIMIT;
  }
  anonymous->types[anonymous->count++] = type;
  return STOA_OK;
}

/* Identities. */

static const struct stoa_identity *identity_of(const struct stoa_session *session) {
  const struct stoa_session_account *account = stoa_server_session_of(session)->account;
  return account == NULL ? NULL : account->identity;
}

static void destroy(struct stoa_identity *identity) {
  if (identity != NULL) {
    stoa_arena_destroy(identity->arena);
    stoa_free(identity);
  }
}

static struct stoa_identity *create(void) {
  struct stoa_identity *identity = stoa_calloc(1, sizeof *identity);
  if (identity == NULL) {
    return NULL;
  }
  identity->arena = stoa_arena_create(STOA_TOKEN_ARENA_BYTES);
  if (identity->arena == NULL) {
    destroy(identity);
    return NULL;
  }
  return identity;
}

static void log_refusal(const struct stoa_session *session, const char *reason) {
  char address[STOA_ADDRESS_TEXT_LEN + 1];
  stoa_session_address(session, address);
  stoa_log(STOA_LOG_WARN, "token refused", STOA_F_STR("address", address), STOA_F_STR("reason", reason));
}

/* A refresh must not change whose session it is: what the program stored with it belongs to the first subject. */
static bool is_same_subject(const struct stoa_session *session, const struct stoa_token *token) {
  const struct stoa_identity *before = identity_of(session);
  return before == NULL || stoa_string_equal(before->token.claims.subject, token->claims.subject);
}

static int verify(struct stoa_session *session, struct stoa_string text, struct stoa_identity *identity,
                  bool *out_is_expired) {
  const struct stoa_worker *worker = stoa_worker_of(session);
  struct stoa_token_error error = {0};
  int status = stoa_token_verify(&worker->settings->auth.verifier, text, stoa_clock_wall_us(worker->server->clock),
                                 identity->arena, &identity->token, &error);
  if (status == STOA_E_DENIED) {
    *out_is_expired = error.reason == STOA_TOKEN_EXPIRED;
    log_refusal(session, error.text);
  } else if (status == STOA_OK && !is_same_subject(session, &identity->token)) {
    *out_is_expired = false;
    log_refusal(session, "its subject is not that of the session's first token");
    status = STOA_E_DENIED;
  }
  /* The arena is large enough for every token, so its cap is never reached. */
  assert(status != STOA_E_LIMIT);
  return status;
}

int stoa_auth_identify(struct stoa_session *session, struct stoa_string text, bool *out_is_expired) {
  struct stoa_session_account *account = stoa_server_session_account(stoa_server_session_of(session));
  struct stoa_identity *identity = account == NULL ? NULL : create();
  if (identity == NULL) {
    return STOA_E_MEMORY;
  }
  int status = verify(session, text, identity, out_is_expired);
  if (status != STOA_OK) {
    destroy(identity);
    return status;
  }
  destroy(account->identity);
  account->identity = identity;
  return STOA_OK;
}

uint64_t stoa_auth_expiry_ms(const struct stoa_session *session) {
  const struct stoa_identity *identity = identity_of(session);
  const struct stoa_worker *worker = stoa_worker_of(session);
  if (identity == NULL) {
    return UINT64_MAX;
  }
  assert(identity->token.claims.has_expires);
  int64_t end_us = identity->token.claims.expires_us + (int64_t)worker->settings->auth.verifier.leeway_s * 1000000;
  int64_t left_us = end_us - stoa_clock_wall_us(worker->server->clock);
  if (left_us <= 0) {
    return 0;
  }
  uint64_t left_ms = (uint64_t)left_us / 1000 + 1;
  return stoa_loop_now_ms(worker->loop) + (left_ms < RECHECK_MS ? left_ms : RECHECK_MS);
}

void stoa_auth_forget(struct stoa_server_session *own) {
  if (own->account != NULL) {
    destroy(own->account->identity);
    own->account->identity = NULL;
  }
}

const struct stoa_token *stoa_session_token(const struct stoa_session *session) {
  const struct stoa_identity *identity = identity_of(session);
  return identity == NULL ? NULL : &identity->token;
}

struct stoa_string stoa_session_subject(const struct stoa_session *session) {
  const struct stoa_identity *identity = identity_of(session);
  return identity == NULL ? (struct stoa_string){NULL, 0} : identity->token.claims.subject;
}
