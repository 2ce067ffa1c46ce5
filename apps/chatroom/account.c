#include "account.h"

#include "chatroom.h"

#include <assert.h>
#include <stoa/auth.h>
#include <stoa/log.h>
#include <stoa/uuid.h>

static const struct stoa_error *unauthorized(struct stoa_session *session, const char *message) {
  return stoa_session_error(session, STOA_ERROR_UNAUTHORIZED, "UNAUTHORIZED", message);
}

const struct stoa_error *account_internal_error(void) {
  static const struct stoa_error error = {.code = STOA_ERROR_INTERNAL,
                                          .reason = STOA_STR("INTERNAL"),
                                          .message = STOA_STR("the server is out of memory"),
                                          .temporary = true};
  return &error;
}

static const struct person *person_of(const struct stoa_session *session) {
  return stoa_session_user(session);
}

static void log_refusal(const struct stoa_session *session, const char *reason) {
  char address[STOA_ADDRESS_TEXT_LEN + 1];
  stoa_session_address(session, address);
  stoa_log(STOA_LOG_WARN, "token refused", STOA_F_STR("address", address), STOA_F_STR("reason", reason));
}

/* Users. */

/* The session has its token. */
static const struct stoa_error *read_claims(struct stoa_session *session, struct claims *out_claims) {
  const char *reason = "";
  int status = claims_read(stoa_session_token(session), stoa_session_arena(session), out_claims, &reason);
  if (status == STOA_E_DENIED) {
    log_refusal(session, reason);
    return unauthorized(session, "the token has claims that cannot be used");
  }
  return status == STOA_OK ? NULL : account_internal_error();
}

/* token  empty: that of the upgrade */
static const struct stoa_error *find_user(struct stoa_session *session, struct stoa_string token,
                                          struct account *out_account) {
  const struct stoa_error *error = token.len > 0 ? stoa_session_authenticate(session, token) : NULL;
  struct claims claims;
  error = error == NULL ? read_claims(session, &claims) : error;
  if (error == NULL) {
    *out_account = (struct account){.user_id = claims.user_id, .nick = claims.name, .claims = claims};
  }
  return error;
}

/* Guests. */

static int read_guest(struct stoa_session *session, struct stoa_string token, struct guest *out_guest,
                      enum stoa_token_reason *out_reason) {
  const struct people *people = person_people(person_of(session));
  return guest_token_read(people->guests, token, stoa_server_wall_ms(stoa_session_server(session)),
                          stoa_session_arena(session), out_guest, out_reason);
}

static const struct stoa_error *make_guest(struct stoa_session *session, struct account *out_account) {
  struct stoa_uuid id;
  char *text = stoa_arena_alloc(stoa_session_arena(session), STOA_UUID_TEXT_LEN + 1);
  if (text == NULL || stoa_uuid_make(&id) != STOA_OK) {
    return account_internal_error();
  }
  stoa_uuid_format(&id, text);
  *out_account = (struct account){.is_guest = true, .user_id = stoa_string_make(text, STOA_UUID_TEXT_LEN)};
  return NULL;
}

static const struct stoa_error *refuse_guest(struct stoa_session *session, enum stoa_token_reason reason) {
  if (reason == STOA_TOKEN_EXPIRED) {
    return stoa_session_error(session, STOA_ERROR_TOKEN_EXPIRED, "TOKEN_EXPIRED", "the token has expired");
  }
  log_refusal(session, stoa_token_reason_text(reason));
  return unauthorized(session, "bad token");
}

/* A token that this server has made for a guest, else one of server.auth. */
static const struct stoa_error *find_by_token(struct stoa_session *session, struct stoa_string token,
                                              struct account *out_account) {
  struct guest guest;
  enum stoa_token_reason reason;
  int status = read_guest(session, token, &guest, &reason);
  if (status == STOA_OK) {
    *out_account = (struct account){.is_guest = true, .user_id = guest.user_id, .nick = guest.nick};
    return NULL;
  }
  if (status != STOA_E_DENIED) {
    return account_internal_error();
  }
  /* An expired one has the right signature. */
  bool is_users = reason != STOA_TOKEN_EXPIRED && person_people(person_of(session))->options.takes_tokens;
  return is_users ? find_user(session, token, out_account) : refuse_guest(session, reason);
}

const struct stoa_error *account_find(struct stoa_session *session, struct stoa_string token,
                                      struct account *out_account) {
  const struct people_options *options = &person_people(person_of(session))->options;
  assert(!person_is_known(person_of(session)));
  if (stoa_session_token(session) != NULL) {
    return find_user(session, token, out_account);
  }
  if (options->token_required) {
    return token.len > 0 ? find_user(session, token, out_account) : unauthorized(session, "a token is required");
  }
  return token.len > 0 ? find_by_token(session, token, out_account) : make_guest(session, out_account);
}

static const struct stoa_error *renew_guest(struct stoa_session *session, struct stoa_string token) {
  struct guest guest;
  enum stoa_token_reason reason;
  int status = read_guest(session, token, &guest, &reason);
  if (status == STOA_E_DENIED) {
    return refuse_guest(session, reason);
  }
  if (status != STOA_OK) {
    return account_internal_error();
  }
  return stoa_string_equal(guest.user_id, person_user_id(person_of(session)))
             ? NULL
             : stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "BAD_REQUEST", "the token is another guest's");
}

static const struct stoa_error *renew_user(struct stoa_session *session, struct stoa_string token) {
  struct account account;
  const struct stoa_error *error = find_user(session, token, &account);
  if (error != NULL) {
    return error;
  }
  /* The library refuses another subject. */
  assert(stoa_string_equal(account.user_id, person_user_id(person_of(session))));
  return person_set_claims(stoa_session_user(session), &account.claims) == STOA_OK ? NULL : account_internal_error();
}

const struct stoa_error *account_renew(struct stoa_session *session, struct stoa_string token) {
  assert(person_is_known(person_of(session)));
  if (token.len == 0) {
    return unauthorized(session, "a token is required");
  }
  return person_is_guest(person_of(session)) ? renew_guest(session, token) : renew_user(session, token);
}

uint32_t account_token_ttl_s(const struct stoa_session *session) {
  const struct stoa_token *token = stoa_session_token(session);
  if (token == NULL) {
    return 0;
  }
  assert(token->claims.has_expires);
  int64_t left_s = token->claims.expires_us / 1000000 - stoa_server_wall_ms(stoa_session_server(session)) / 1000;
  return left_s < 1 ? 1 : left_s > UINT32_MAX ? UINT32_MAX : (uint32_t)left_s;
}

const struct stoa_error *account_guest_token(struct stoa_session *session, struct stoa_string *out_token) {
  const struct person *person = person_of(session);
  struct stoa_string token = {NULL, 0};
  if (!person_is_guest(person)) {
    *out_token = token;
    return NULL;
  }
  struct stoa_buffer buffer;
  stoa_buffer_init(&buffer, GUEST_TOKEN_LEN_MAX);
  int64_t now_ms = stoa_server_wall_ms(stoa_session_server(session));
  int status =
      guest_token_write(person_people(person)->guests, person_user_id(person), person_nick(person), now_ms, &buffer);
  if (status == STOA_OK) {
    token = stoa_arena_copy(stoa_session_arena(session), stoa_string_make((const char *)buffer.data, buffer.len));
  }
  stoa_buffer_fini(&buffer);
  if (token.data == NULL) {
    return account_internal_error();
  }
  *out_token = token;
  return NULL;
}

const struct stoa_error *account_nick_error(struct stoa_session *session, int status, enum nick_fault fault) {
  assert(status != STOA_OK);
  if (status == STOA_E_EXISTS) {
    return stoa_session_error(session, CHATROOM_ERROR_NICK_TAKEN, "NICK_TAKEN", "another user has this name");
  }
  return status == STOA_E_ARGUMENT
             ? stoa_session_error(session, CHATROOM_ERROR_NICK_INVALID, "NICK_INVALID", nick_fault_text(fault))
             : account_internal_error();
}
