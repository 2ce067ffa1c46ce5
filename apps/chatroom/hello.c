#include "account.h"
#include "handlers.h"
#include "presence.h"
#include "read.h"
#include "rules.h"

#include <assert.h>
#include <stoa/log.h>
#include <stoa/version.h>

#define CLIENT_BYTES_MAX 64u
#define VERSION_BYTES_MAX 64u
/* The longest well-formed tags of BCP 47 that are in use. */
#define LOCALE_BYTES_MAX 35u

static const struct stoa_error *check_lengths(struct stoa_session *session,
                                              const struct chatroom_v1_hello_request *request) {
  bool fits = request->client.len <= CLIENT_BYTES_MAX && request->version.len <= VERSION_BYTES_MAX &&
              request->locale.len <= LOCALE_BYTES_MAX;
  return fits ? NULL
              : stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "BAD_REQUEST",
                                   "client and version have at most 64 bytes, locale at most 35");
}

static void log_hello(const struct stoa_session *session, const struct chatroom_v1_hello_request *request) {
  const struct person *person = stoa_session_user(session);
  stoa_log(STOA_LOG_DEBUG, "hello", STOA_F_TEXT("user", person_user_id(person)),
           STOA_F_TEXT("nick", person_nick(person)), STOA_F_TEXT("client", request->client),
           STOA_F_TEXT("version", request->version), STOA_F_TEXT("locale", request->locale));
}

/* A nick that was not requested, but is in a guest's token, may be in use by now, or no nick by today's rules: then a
 * new guest name is better than an error about something that the person has not typed. */
static int introduce(struct person *person, const struct account *account, struct stoa_string requested,
                     enum nick_fault *out_fault) {
  bool is_tokens = account->nick.len > 0 && (!account->is_guest || requested.len == 0);
  struct stoa_string nick = is_tokens ? account->nick : requested;
  int status = person_introduce(person, account->user_id, nick, account->is_guest, out_fault);
  if (is_tokens && account->is_guest && (status == STOA_E_EXISTS || status == STOA_E_ARGUMENT)) {
    status = person_introduce(person, account->user_id, (struct stoa_string){NULL, 0}, true, out_fault);
  }
  return status;
}

/* Those whom no room takes need not begin. */
static bool is_banned(const struct chatroom *chatroom, const struct stoa_session *session,
                      const struct account *account) {
  char address[USER_ADDRESS_LEN_MAX + 1];
  user_address_of(session, address);
  const struct rules_subject subject = {.user_id = account->user_id,
                                        .address = stoa_string_of(account->is_guest ? address : ""),
                                        .role = account->claims.role};
  return rules_banned_until(chatroom->server_rules, &subject, stoa_server_wall_ms(stoa_session_server(session))) != 0;
}

static const struct stoa_error *meet(const struct chatroom *chatroom, struct stoa_session *session,
                                     struct person *person, const struct chatroom_v1_hello_request *request) {
  struct account account;
  enum nick_fault fault;
  const struct stoa_error *error = account_find(session, request->token, &account);
  if (error != NULL) {
    return error;
  }
  if (is_banned(chatroom, session, &account)) {
    return stoa_session_error(session, CHATROOM_ERROR_BANNED, "BANNED", "you are banned from this server");
  }
  if (!account.is_guest && person_set_claims(person, &account.claims) != STOA_OK) {
    return account_internal_error();
  }
  int status = introduce(person, &account, request->nick, &fault);
  if (status != STOA_OK) {
    return account_nick_error(session, status, fault);
  }
  log_hello(session, request);
  return NULL;
}

/* A second Hello is one of the same user, and may change the nick. */
static const struct stoa_error *meet_again(struct stoa_session *session,
                                           const struct chatroom_v1_hello_request *request) {
  const struct stoa_error *error = request->token.len > 0 ? account_renew(session, request->token) : NULL;
  if (error != NULL || request->nick.len == 0) {
    return error;
  }
  return chatroom_change_nick(session, request->nick);
}

static void tell_limits(const struct stoa_server *server, const struct people_options *options,
                        struct chatroom_v1_hello_reply *reply) {
  reply->message_bytes_max = (uint32_t)stoa_server_message_bytes_max(server);
  reply->ping_ms = stoa_server_ping_interval_ms(server);
  reply->text_chars_max = CHATROOM_TEXT_CHARS_MAX;
  reply->rate_per_s = options->rate_per_s;
  reply->rate_burst = options->rate_burst;
}

static const struct stoa_error *tell(const struct chatroom *chatroom, struct stoa_session *session,
                                     const struct person *person, struct chatroom_v1_hello_reply *reply) {
  const struct stoa_server *server = stoa_session_server(session);
  char *id = stoa_arena_alloc(stoa_session_arena(session), STOA_UUID_TEXT_LEN + 1);
  if (id == NULL) {
    return account_internal_error();
  }
  stoa_uuid_format(stoa_session_id(session), id);
  reply->session_id = stoa_string_of(id);
  reply->user_id = person_user_id(person);
  reply->nick = person_nick(person);
  reply->role = (int32_t)person_role(person);
  reply->server = stoa_string_of("stoa-chatroom/" STOA_VERSION);
  reply->server_ms = stoa_server_wall_ms(server);
  reply->default_room = chatroom->default_room;
  reply->token_ttl_s = account_token_ttl_s(session);
  tell_limits(server, &person_people(person)->options, reply);
  return account_guest_token(session, &reply->guest_token);
}

const struct stoa_error *chatroom_on_hello(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_hello_request *request,
                                           struct chatroom_v1_hello_reply *reply) {
  struct person *person = stoa_session_user(session);
  const struct stoa_error *error = check_lengths(session, request);
  if (error == NULL) {
    error = person_is_known(person) ? meet_again(session, request) : meet(user, session, person, request);
  }
  if (error == NULL && request->token.len > 0) {
    chatroom_load_reader(user, session);
  }
  if (error != NULL) {
    return error;
  }
  /* The nick is that of all sessions of the user. */
  presence_update_user(user, session);
  return tell(user, session, person, reply);
}
