#include "chatroom.h"

#include "activity.h"
#include "api.h"
#include "away.h"
#include "change.h"
#include "going_away.h"
#include "handlers.h"
#include "join.h"
#include "member.h"
#include "people.h"
#include "person.h"
#include "read.h"
#include "text.h"

#include <stdlib.h>
#include <stoa/log.h>
#include <stoa/worker.h>

#define DEFAULT_ROOM "lobby"
#define EDIT_WINDOW_S_DEFAULT (24u * 3600)

/* A client tests its connection: nothing to do. Without a handler it would count as an unknown type. */
static const struct stoa_error *on_ping(void *user, struct stoa_session *session,
                                        const struct chatroom_v1_ping_message *message) {
  (void)user;
  (void)session;
  (void)message;
  return NULL;
}

/* A session that has come before the server's bans were read. */
struct arrival {
  struct stoa_server *server;
  struct stoa_uuid session_id;
};

/* When it fails, the first Join does it. */
static void on_bans(void *context, enum stoa_room_status status, uint32_t retry_ms) {
  struct arrival *arrival = context;
  (void)status, (void)retry_ms;
  int ignored = stoa_server_admit(arrival->server, &arrival->session_id);
  (void)ignored; /* not admitted in time, it is told to come back */
  free(arrival);
}

/* False: it need not wait, or cannot. */
static bool waits_for_bans(const struct chatroom *chatroom, struct stoa_session *session) {
  struct arrival *arrival = rules_are_loaded(chatroom->server_rules) ? NULL : malloc(sizeof *arrival);
  if (arrival == NULL) {
    return false;
  }
  *arrival = (struct arrival){.server = stoa_session_server(session), .session_id = *stoa_session_id(session)};
  if (rules_load(chatroom->rooms, chatroom->server_rules, 0, on_bans, arrival) != STOA_OK) {
    free(arrival);
    return false;
  }
  return true;
}

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  const struct chatroom *chatroom = user;
  (void)request;
  struct person *person = person_create(chatroom->people, session);
  if (person == NULL) {
    *out_refusal = (struct stoa_refusal){STOA_CLOSE_INTERNAL, "out of memory", 1000};
    return STOA_REFUSE;
  }
  stoa_session_set_user(session, person);
  if (stoa_session_negotiated(session)) {
    return waits_for_bans(chatroom, session) ? STOA_ADMIT_LATER : STOA_ADMIT;
  }
  if (chatroom_join_plain(chatroom, session) != STOA_OK) {
    *out_refusal = (struct stoa_refusal){STOA_CLOSE_INTERNAL, "the room is not available now", 1000};
    stoa_session_set_user(session, NULL);
    person_destroy(person);
    return STOA_REFUSE;
  }
  away_touch(chatroom, session);
  return STOA_ADMIT;
}

static void on_closing(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user, (void)code, (void)reason;
  away_forget(session);
  chatroom_forget_changes(session);
  chatroom_forget_joinings(session);
  member_remove_all(session);
  chatroom_forget_reader(session);
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)code;
  (void)reason;
  person_destroy(stoa_session_user(session));
}

/* When it fails, the first Join does it. */
static void on_rules(void *context, enum stoa_room_status status, uint32_t retry_ms) {
  (void)context, (void)status, (void)retry_ms;
}

static void load_rules(void *context, int status) {
  const struct chatroom *chatroom = context;
  if (status == STOA_OK) {
    status = rules_load(chatroom->rooms, chatroom->server_rules, 0, on_rules, NULL);
  }
}

/* The rooms begin with the worker too, so after this callback. */
static int on_worker_start(void *user, struct stoa_server *server, uint32_t worker) {
  return worker == 0 ? stoa_worker_defer(server, load_rules, user) : STOA_OK;
}

static int configure(struct chatroom *chatroom, const struct chatroom_v1_config *config) {
  uint32_t window_s = config->chat == NULL ? 0 : config->chat->edit_window_s;
  uint32_t away_ms = config->chat == NULL ? 0 : config->chat->away_ms;
  chatroom->away_ms = away_ms == 0 ? AWAY_MS_DEFAULT : away_ms;
  chatroom->edit_window_ms = INT64_C(1000) * (window_s == 0 ? EDIT_WINDOW_S_DEFAULT : window_s);
  chatroom->default_room = config->default_room.len == 0 ? stoa_string_of(DEFAULT_ROOM) : config->default_room;
  if (chatroom_is_room_name(chatroom->default_room)) {
    return STOA_OK;
  }
  stoa_log(STOA_LOG_ERROR, "default_room is 1 to 63 bytes without control characters",
           STOA_F_TEXT("value", chatroom->default_room));
  return STOA_E_ARGUMENT;
}

struct making {
  struct people_options options;
  struct chatroom *chatroom;
};

static int make_people(void *context) {
  const struct making *making = context;
  return people_create(&making->options, &making->chatroom->people);
}

/* The key of guests is a file of the user that the server runs as. */
static int set_up_people(struct stoa_server *server, struct chatroom *chatroom,
                         const struct chatroom_v1_config *config) {
  struct making making = {.options = people_options_of(config->server), .chatroom = chatroom};
  making.options.hello_timeout_ms = config->chat == NULL ? 0 : config->chat->hello_timeout_ms;
  making.options.data_folder = chatroom->data_dir;
  int status = stoa_server_call_as_user(server, make_people, &making);
  status = status == STOA_OK ? people_guard(chatroom->people, server) : status;
  return status == STOA_OK ? away_setup(server, chatroom) : status;
}

int chatroom_setup(struct stoa_server *server, struct chatroom *chatroom, const struct chatroom_v1_config *config) {
  static const struct chatroom_v1_chatroom_service_handlers handlers = {
      .chat = chatroom_on_chat,
      .delete_ = chatroom_on_delete,
      .edit = chatroom_on_edit,
      .hello = chatroom_on_hello,
      .history = chatroom_on_history,
      .join = chatroom_on_join,
      .leave = chatroom_on_leave,
      .moderate = chatroom_on_moderate,
      .ping = on_ping,
      .presence = chatroom_on_presence,
      .react = chatroom_on_react,
      .read = chatroom_on_read,
      .refresh = chatroom_on_refresh,
      .rooms = chatroom_on_rooms,
      .search = chatroom_on_search,
      .set_nick = chatroom_on_set_nick,
      .set_room = chatroom_on_set_room,
      .typing = chatroom_on_typing,
  };
  const struct stoa_callbacks callbacks = {.on_connect = on_connect,
                                           .on_draining = chatroom_on_draining,
                                           .on_closing = on_closing,
                                           .on_closed = on_closed,
                                           .on_worker_start = on_worker_start,
                                           .user = chatroom};
  int status = configure(chatroom, config);
  status = status == STOA_OK ? set_up_people(server, chatroom, config) : status;
  if (status == STOA_OK) {
    chatroom->rules = rules_create(server);
    chatroom->readers = readers_create(server);
    chatroom->activity = activity_create(chatroom, server);
    chatroom->server_rules = chatroom->rules == NULL ? NULL : rules_take_server(chatroom->rules);
    bool is_whole = chatroom->server_rules != NULL && chatroom->readers != NULL && chatroom->activity != NULL;
    status = is_whole ? STOA_OK : STOA_E_MEMORY;
  }
  if (status == STOA_OK) {
    readers_set_rooms(chatroom->readers, chatroom->rooms);
  }
  stoa_server_set_callbacks(server, &callbacks);
  if (status == STOA_OK) {
    status = stoa_server_set_ping_message(server, CHATROOM_V1_MESSAGE_TYPE_PING, &chatroom_v1_ping_message_type);
  }
  status = status == STOA_OK ? chatroom_v1_chatroom_service_register(server, &handlers, chatroom) : status;
  return status == STOA_OK ? api_setup(server, chatroom) : status;
}

void chatroom_fini(struct chatroom *chatroom) {
  people_destroy(chatroom->people);
  chatroom->people = NULL;
  rules_release(chatroom->server_rules);
  chatroom->server_rules = NULL;
  rules_destroy(chatroom->rules);
  chatroom->rules = NULL;
  activity_destroy(chatroom->activity);
  chatroom->activity = NULL;
  readers_destroy(chatroom->readers);
  chatroom->readers = NULL;
}
