/* The sessions of this server: list them, end those of a user. */
#include "api.h"
#include "failure.h"
#include "person.h"
#include "tour.h"

#include <stdlib.h>
#include <stoa/uuid.h>

#define LIMIT_DEFAULT 100u
#define LIMIT_MAX 1000u
#define CLOSE_CODE_DEFAULT 4503u
#define CLOSE_CODE_MIN 4000u
#define CLOSE_CODE_MAX 4999u
#define CLOSE_REASON_LEN_MAX 123u

static void fail(struct stoa_call *call, int status) {
  chatroom_fail(call, status == STOA_E_CLOSED ? STOA_ROOM_CLOSED : STOA_ROOM_BUSY, 0);
}

/* Connections. */

struct entry {
  char session_id[STOA_UUID_TEXT_LEN + 1];
  char address[STOA_ADDRESS_TEXT_LEN + 1];
  struct chatroom_v1_connection connection;
  char data[]; /* user id and nick */
};

struct listing {
  struct tour tour; /* first */
  struct stoa_call *call;
  char after[STOA_UUID_TEXT_LEN + 1];
  size_t user_len;
  char user_id[NICKS_USER_ID_BYTES_MAX];
  bool is_out_of_memory;
  size_t limit, count; /* at most limit + 1, the ones with the lowest ids, in order */
  struct entry *entries[];
};

static void free_listing(struct listing *listing) {
  for (size_t i = 0; i < listing->count; i++) {
    free(listing->entries[i]);
  }
  free(listing);
}

static struct stoa_string put(char *at, struct stoa_string text) {
  if (text.len > 0) {
    memcpy(at, text.data, text.len);
  }
  return stoa_string_make(at, text.len);
}

static struct entry *entry_create(struct stoa_session *session, const char *session_id) {
  const struct person *person = stoa_session_user(session);
  bool is_known = person_is_known(person);
  struct stoa_string user_id = is_known ? person_user_id(person) : stoa_string_of("");
  struct stoa_string nick = is_known ? person_nick(person) : stoa_string_of("");
  struct entry *entry = calloc(1, sizeof *entry + user_id.len + nick.len);
  if (entry == NULL) {
    return NULL;
  }
  memcpy(entry->session_id, session_id, sizeof entry->session_id);
  stoa_session_address(session, entry->address);
  entry->connection = (struct chatroom_v1_connection){.session_id = stoa_string_of(entry->session_id),
                                                      .user_id = put(entry->data, user_id),
                                                      .nick = put(entry->data + user_id.len, nick),
                                                      .role = CHATROOM_V1_ROLE_USER,
                                                      .guest = is_known && person_is_guest(person),
                                                      .address = stoa_string_of(entry->address),
                                                      .codec = stoa_string_of(stoa_session_codec(session)),
                                                      .plain = !stoa_session_negotiated(session)};
  if (is_known) {
    entry->connection.role = (int32_t)person_role(person);
  }
  return entry;
}

static void insert(struct listing *listing, struct entry *entry) {
  size_t at = listing->count;
  if (at > listing->limit) {
    free(listing->entries[--at]);
  }
  while (at > 0 && strcmp(listing->entries[at - 1]->session_id, entry->session_id) > 0) {
    listing->entries[at] = listing->entries[at - 1];
    at--;
  }
  listing->entries[at] = entry;
  listing->count = listing->count > listing->limit ? listing->count : listing->count + 1;
}

static bool is_user(struct stoa_session *session, struct stoa_string user_id) {
  const struct person *person = stoa_session_user(session);
  return person_is_known(person) && stoa_string_equal(person_user_id(person), user_id);
}

static bool list_one(void *context, struct stoa_session *session) {
  struct listing *listing = context;
  char id[STOA_UUID_TEXT_LEN + 1];
  stoa_uuid_format(stoa_session_id(session), id);
  bool is_full = listing->count > listing->limit;
  bool is_wanted = listing->user_len == 0 || is_user(session, stoa_string_make(listing->user_id, listing->user_len));
  if (!is_wanted || strcmp(id, listing->after) <= 0 ||
      (is_full && strcmp(id, listing->entries[listing->limit]->session_id) >= 0)) {
    return true;
  }
  struct entry *entry = entry_create(session, id);
  if (entry == NULL) {
    listing->is_out_of_memory = true;
    return false;
  }
  insert(listing, entry);
  return true;
}

static void on_listed(struct tour *tour, int status) {
  struct listing *listing = (struct listing *)tour;
  size_t count = listing->count < listing->limit ? listing->count : listing->limit;
  struct chatroom_v1_connection *items =
      status == STOA_OK && !listing->is_out_of_memory ? calloc(count + 1, sizeof *items) : NULL;
  if (items == NULL) {
    fail(listing->call, status);
  } else {
    for (size_t i = 0; i < count; i++) {
      items[i] = listing->entries[i]->connection;
    }
    const struct chatroom_v1_connections_reply reply = {.connections = {items, count}, .more = listing->count > count};
    int ignored = chatroom_v1_admin_service_list_connections_reply(listing->call, &reply);
    (void)ignored; /* the client may have gone */
  }
  free(items);
  free_listing(listing);
}

static const char *connections_fault(const struct chatroom_v1_connections_request *request) {
  struct stoa_uuid ignored;
  if (request->limit > LIMIT_MAX) {
    return "limit is at most 1000";
  }
  if (request->after.len > 0 && stoa_uuid_parse(request->after, &ignored) != STOA_OK) {
    return "after is a session id";
  }
  return request->user_id.len == 0 ? NULL : api_user_fault(request->user_id);
}

const struct stoa_error *api_on_list_connections(void *user, struct stoa_session *session,
                                                 const struct chatroom_v1_connections_request *request,
                                                 struct chatroom_v1_connections_reply *reply) {
  const char *fault = connections_fault(request);
  const struct stoa_error *error = fault == NULL ? NULL : api_refuse(session, fault);
  (void)user, (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  size_t limit = request->limit == 0 ? LIMIT_DEFAULT : request->limit;
  struct listing *listing = calloc(1, sizeof *listing + (limit + 1) * sizeof listing->entries[0]);
  if (listing == NULL) {
    fail(call, STOA_E_MEMORY);
    return STOA_LATER;
  }
  struct stoa_uuid after;
  if (request->after.len > 0 && stoa_uuid_parse(request->after, &after) == STOA_OK) {
    stoa_uuid_format(&after, listing->after);
  }
  listing->tour = (struct tour){.server = stoa_session_server(session), .visit = list_one, .on_end = on_listed};
  listing->call = call;
  listing->limit = limit;
  listing->user_len = request->user_id.len;
  put(listing->user_id, request->user_id);
  int status = tour_begin(&listing->tour);
  if (status != STOA_OK) {
    fail(call, status);
    free_listing(listing);
  }
  return STOA_LATER;
}

/* Disconnect. */

struct ending {
  struct tour tour; /* first */
  struct stoa_call *call;
  uint32_t count;
  uint16_t code;
  size_t user_len;
  char user_id[NICKS_USER_ID_BYTES_MAX];
  char reason[CLOSE_REASON_LEN_MAX + 1];
};

static bool end_one(void *context, struct stoa_session *session) {
  struct ending *ending = context;
  if (is_user(session, stoa_string_make(ending->user_id, ending->user_len))) {
    stoa_session_close(session, ending->code, ending->reason);
    ending->count++;
  }
  return true;
}

static void on_ended(struct tour *tour, int status) {
  struct ending *ending = (struct ending *)tour;
  if (status != STOA_OK) {
    fail(ending->call, status);
  } else {
    const struct chatroom_v1_disconnect_reply reply = {.sessions = ending->count};
    int ignored = chatroom_v1_admin_service_disconnect_reply(ending->call, &reply);
    (void)ignored;
  }
  free(ending);
}

static const char *disconnect_fault(const struct chatroom_v1_disconnect_request *request) {
  if (request->code != 0 && (request->code < CLOSE_CODE_MIN || request->code > CLOSE_CODE_MAX)) {
    return "code is 4000 to 4999";
  }
  bool has_nul = request->reason.len > 0 && memchr(request->reason.data, '\0', request->reason.len) != NULL;
  if (request->reason.len > CLOSE_REASON_LEN_MAX || has_nul) {
    return "reason has at most 123 bytes, without NUL";
  }
  return api_user_fault(request->user_id);
}

const struct stoa_error *api_on_disconnect(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_disconnect_request *request,
                                           struct chatroom_v1_disconnect_reply *reply) {
  const char *fault = disconnect_fault(request);
  const struct stoa_error *error = fault == NULL ? NULL : api_refuse(session, fault);
  (void)user, (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  struct ending *ending = calloc(1, sizeof *ending);
  if (ending == NULL) {
    fail(call, STOA_E_MEMORY);
    return STOA_LATER;
  }
  ending->tour = (struct tour){.server = stoa_session_server(session), .visit = end_one, .on_end = on_ended};
  ending->call = call;
  ending->code = (uint16_t)(request->code == 0 ? CLOSE_CODE_DEFAULT : request->code);
  ending->user_len = request->user_id.len;
  put(ending->user_id, request->user_id);
  put(ending->reason, request->reason);
  int status = tour_begin(&ending->tour);
  if (status != STOA_OK) {
    fail(call, status);
    free(ending);
  }
  return STOA_LATER;
}
