#include "chat_world_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "simulation/net.h"

#define HISTORY 50u

const char *const room_names[ROOMS] = {"lobby", "den"};

static bool is_text(struct stoa_string text, const char *other) {
  return text.len == strlen(other) && (text.len == 0 || memcmp(text.data, other, text.len) == 0);
}

static struct stay *stay_of(struct guest *guest, struct stoa_string room) {
  for (uint32_t i = 0; i < ROOMS; i++) {
    if (is_text(room, room_names[i])) {
      return &guest->stays[i];
    }
  }
  trace_fail(guest->world->trace, "%s gets something of a room that does not exist", guest->name);
  return &guest->stays[0];
}

unsigned guest_user_of(const struct world *world, struct stoa_string user_id) {
  unsigned user = 0;
  while (user < USERS && (world->users[user].id[0] == '\0' || !is_text(user_id, world->users[user].id))) {
    user++;
  }
  return user;
}

void guest_give_up(struct guest *guest, const struct stoa_call_end *end) {
  if (end->result != STOA_CALL_LOST && guest->client->conn.io.fd >= 0 && !guest->has_given_up) {
    net_reset(guest->client->conn.io.fd);
    guest->has_given_up = true;
    guest->is_excused = true;
    trace_line(guest->world->trace, "%s gives up", guest->name);
  }
}

/* Joining. */

/* Whether a Join was refused for a ban as it must be. */
static void check_ban(const struct stay *stay, bool is_refused) {
  struct world *world = stay->guest->world;
  bool is_stranger = stay->guest->user == USER_NONE; /* at the address of a guest who may be banned */
  const struct oracle_sanction *ban =
      &world->bans[room_index(stay)][is_stranger ? world->guests[NEIGHBOUR].user : stay->guest->user];
  enum oracle_verdict verdict =
      stay->ban_changes != ban->changes ? ORACLE_UNKNOWN : oracle_sanction_between(ban, stay->asked_ms, wall_ms(world));
  if (is_stranger && !is_refused) { /* a guest who was not there is banned without its address */
    return;
  }
  if (verdict != ORACLE_UNKNOWN && (verdict == ORACLE_BOUND) != is_refused) {
    trace_fail(world->trace, "%s %s room %s, and is %s there", stay->guest->name, is_refused ? "cannot join" : "joins",
               room_names[room_index(stay)], is_refused ? "not banned" : "banned");
  }
}

static void check_mute(const struct stay *stay, int64_t until_ms) {
  struct world *world = stay->guest->world;
  if (stay->guest->user == USER_NONE || !stay->guest->is_fresh) { /* nothing is changed while there are fresh ones */
    return;
  }
  const struct oracle_sanction *mute = &world->mutes[room_index(stay)][stay->guest->user];
  enum oracle_verdict verdict = oracle_sanction_between(mute, stay->asked_ms, wall_ms(world));
  bool is_wrong = (verdict == ORACLE_BOUND && (until_ms < mute->from_ms || until_ms > mute->to_ms)) ||
                  (verdict == ORACLE_FREE && until_ms != 0);
  if (is_wrong) {
    trace_fail(world->trace, "%s is told that it is muted in room %s until %lld", stay->guest->name,
               room_names[room_index(stay)], (long long)until_ms);
  }
}

static void take_recovery(struct stay *stay, const struct chatroom_v1_join_reply *reply) {
  struct world *world = stay->guest->world;
  world->counts->recoveries++;
  if (!stay->is_recovering || reply->epoch != stay->view.epoch || reply->offset < stay->view.position) {
    trace_fail(world->trace, "%s recovers room %s, which it cannot", stay->guest->name, room_names[room_index(stay)]);
  }
}

static void take_page(struct stay *stay, const struct chatroom_v1_join_reply *reply) {
  struct world *world = stay->guest->world;
  struct oracle_log *log = &world->logs[room_index(stay)];
  world->counts->pages++;
  for (size_t i = 0; i < reply->items.count; i++) {
    oracle_note_chat(log, &reply->items.items[i], world->trace);
  }
  log->is_whole = log->is_whole || !reply->more_before;
  view_take_page(&stay->view, reply);
}

static void take_place(struct stay *stay, const struct chatroom_v1_join_reply *reply) {
  struct world *world = stay->guest->world;
  if (reply->was_recovering != stay->is_recovering) {
    trace_fail(world->trace, "%s is told that it came with another place", stay->guest->name);
  }
  if (reply->recovered) {
    take_recovery(stay, reply);
  } else {
    take_page(stay, reply);
  }
  view_copy(stay->view.topic, sizeof stay->view.topic, reply->topic);
  stay->view.read_offset = reply->read_offset;
  stay->unread = reply->unread;
  stay->slow_mode_s = reply->slow_mode_s;
  stay->more_before = reply->more_before;
  stay->muted_until_ms = reply->permissions == NULL ? 0 : reply->permissions->muted_until_ms;
  check_mute(stay, stay->muted_until_ms);
  if (reply->presence == NULL) {
    trace_fail(world->trace, "%s is not told who is in room %s", stay->guest->name, room_names[room_index(stay)]);
  } else {
    view_take_people(&stay->view, reply->presence);
  }
}

static void on_joined(void *user, struct stoa_client *client, const struct chatroom_v1_join_reply *reply,
                      const struct stoa_call_end *end) {
  struct stay *stay = user;
  struct guest *guest = stay->guest;
  struct world *world = guest->world;
  (void)client;
  guest->calls--;
  stay->is_joining = false;
  if (guest->has_given_up || (end->result != STOA_CALL_REPLY && end->result != STOA_CALL_ERROR)) {
    guest_give_up(guest, end);
    return;
  }
  uint32_t code = end->result == STOA_CALL_ERROR ? (uint32_t)end->error->code : 0;
  trace_line(world->trace, "%s join %s: %u %.*s at %llu, recovered %d", guest->name, room_names[room_index(stay)], code,
             code == 0 ? 0 : (int)end->error->reason.len, code == 0 ? "" : end->error->reason.data,
             reply == NULL ? 0ull : (unsigned long long)reply->offset, reply != NULL && reply->recovered);
  if (code == CHATROOM_ERROR_BANNED) {
    world->counts->refused_banned++;
    stay->is_refused = true;
    check_ban(stay, true);
  }
  if (reply == NULL) {
    return;
  }
  check_ban(stay, false);
  world->counts->joins++;
  stay->is_member = true;
  stay->joins++;
  take_place(stay, reply);
}

void guest_join(struct stay *stay) {
  struct guest *guest = stay->guest;
  struct world *world = guest->world;
  struct stoa_string room = stoa_string_of(room_names[room_index(stay)]);
  const struct chatroom_v1_place place = {.epoch = stay->view.epoch, .offset = stay->view.position};
  stay->is_recovering = stay->view.epoch != 0;
  const struct chatroom_v1_join_request request = {
      .room = room, .recover = stay->is_recovering ? &place : NULL, .history = HISTORY, .presence = true};
  view_leave(&stay->view);
  stay->is_refused = false;
  stay->asked_ms = wall_ms(world);
  stay->ban_changes =
      world->bans[room_index(stay)][guest->user == USER_NONE ? world->guests[NEIGHBOUR].user : guest->user].changes;
  if (chatroom_v1_chatroom_service_client_call_join(guest->client, &request, 0, on_joined, stay, NULL) == STOA_OK) {
    guest->calls++;
    stay->is_joining = true;
    trace_line(world->trace, "%s joins %s from %llu", guest->name, room_names[room_index(stay)],
               (unsigned long long)stay->view.position);
  }
}

/* What it gets. */

static bool is_deaf(const struct guest *guest) {
  return guest->has_given_up;
}

/* A client without a subprotocol has what came since it connected. */
static void begin_plain(struct stay *stay, const struct chatroom_v1_chat_message *chat) {
  if (!stay->is_member) {
    memset(&stay->view, 0, sizeof stay->view);
    stay->view.from = chat->offset - 1;
    stay->is_member = true;
  }
}

static void on_chat(void *user, struct stoa_client *client, const struct chatroom_v1_chat_message *chat) {
  struct guest *guest = user;
  struct world *world = guest->world;
  struct stay *stay = stay_of(guest, chat->room);
  (void)client;
  if (is_deaf(guest)) {
    return;
  }
  world->counts->chats++;
  trace_line(world->trace, "%s gets %.*s %llu: %.*s", guest->name, (int)chat->room.len, chat->room.data,
             (unsigned long long)chat->offset, (int)chat->message.len, chat->message.data);
  if (guest->is_plain) {
    begin_plain(stay, chat);
  }
  oracle_note_chat(&world->logs[room_index(stay)], chat, world->trace);
  if (!stay->is_member) {
    trace_fail(world->trace, "%s gets a message of room %s and is no member", guest->name,
               room_names[room_index(stay)]);
  } else if (!view_on_chat(&stay->view, chat)) {
    trace_fail(world->trace, "%s gets %llu of room %s after %llu", guest->name, (unsigned long long)chat->offset,
               room_names[room_index(stay)], (unsigned long long)stay->view.position);
  }
}

static bool may_get(struct guest *guest, const struct stay *stay, const char *what) {
  if (guest->is_plain) {
    trace_fail(guest->world->trace, "%s has no subprotocol and gets %s", guest->name, what);
  } else if (!stay->is_member) {
    trace_fail(guest->world->trace, "%s gets %s of room %s and is no member", guest->name, what,
               room_names[room_index(stay)]);
  }
  return !guest->is_plain && stay->is_member;
}

static void on_event(void *user, struct stoa_client *client, const struct chatroom_v1_event_message *event) {
  struct guest *guest = user;
  struct world *world = guest->world;
  struct stay *stay = stay_of(guest, event->room);
  (void)client;
  if (is_deaf(guest) || !may_get(guest, stay, "an event")) {
    return;
  }
  world->counts->events++;
  trace_line(world->trace, "%s gets event %.*s %llu: kind %d of %llu, %.*s%.*s %s", guest->name, (int)event->room.len,
             event->room.data, (unsigned long long)event->offset, event->kind, (unsigned long long)event->target,
             (int)event->text.len, event->text.data, (int)event->emoji.len, event->emoji.data, event->off ? "off" : "");
  oracle_note_event(&world->logs[room_index(stay)], event, world->trace);
  if (!view_on_event(&stay->view, event)) {
    trace_fail(world->trace, "%s gets %llu of room %s after %llu", guest->name, (unsigned long long)event->offset,
               room_names[room_index(stay)], (unsigned long long)stay->view.position);
  }
}

static void on_typing(void *user, struct stoa_client *client, const struct chatroom_v1_typing_message *typing) {
  struct guest *guest = user;
  struct world *world = guest->world;
  struct stay *stay = stay_of(guest, typing->room);
  (void)client;
  if (is_deaf(guest) || !may_get(guest, stay, "who types")) {
    return;
  }
  world->counts->typings++;
  trace_line(world->trace, "%s sees %.*s type in %s: %d", guest->name, (int)typing->user_id.len, typing->user_id.data,
             room_names[room_index(stay)], typing->state);
  view_on_typing(&stay->view, typing, world->time.monotonic_ns);
}

static void on_diff(void *user, struct stoa_client *client, const struct chatroom_v1_presence_diff_message *diff) {
  struct guest *guest = user;
  struct world *world = guest->world;
  struct stay *stay = stay_of(guest, diff->room);
  (void)client;
  if (is_deaf(guest) || !may_get(guest, stay, "who came and left")) {
    return;
  }
  world->counts->diffs++;
  if (diff->version <= stay->view.presence_version && diff->version == 0) {
    trace_fail(world->trace, "%s gets a diff without a version", guest->name);
  }
  trace_line(world->trace, "%s diff %s: %zu changed, %zu left, version %llu", guest->name, room_names[room_index(stay)],
             diff->joins.count, diff->leaves.count, (unsigned long long)diff->version);
  view_on_diff(&stay->view, diff);
}

static void on_read(void *user, struct stoa_client *client, const struct chatroom_v1_read_message *read) {
  struct guest *guest = user;
  struct stay *stay = stay_of(guest, read->room);
  (void)client;
  if (is_deaf(guest) || guest->is_plain) {
    return;
  }
  guest->world->counts->reads++;
  trace_line(guest->world->trace, "%s: its user has read %s up to %llu", guest->name, room_names[room_index(stay)],
             (unsigned long long)read->offset);
  if (read->offset > stay->view.read_offset) {
    stay->view.read_offset = read->offset;
  }
}

static void on_left(void *user, struct stoa_client *client, const struct chatroom_v1_left_message *left) {
  struct guest *guest = user;
  struct world *world = guest->world;
  struct stay *stay = stay_of(guest, left->room);
  (void)client;
  if (is_deaf(guest)) {
    return;
  }
  world->counts->lefts++;
  trace_line(world->trace, "%s is put out of %s: %u", guest->name, room_names[room_index(stay)], left->code);
  if (!stay->is_member && !stay->is_joining && !stay->is_leaving) {
    trace_fail(world->trace, "%s is put out of room %s, where it is not", guest->name, room_names[room_index(stay)]);
  }
  stay->is_member = false;
  view_leave(&stay->view);
}

static void on_activity(void *user, struct stoa_client *client,
                        const struct chatroom_v1_room_activity_message *activity) {
  struct guest *guest = user;
  (void)client;
  stay_of(guest, activity->room);
  guest->activities++;
  guest->world->counts->activities++;
  trace_line(guest->world->trace, "%s: activity in %.*s, %u unread up to %llu", guest->name, (int)activity->room.len,
             activity->room.data, activity->unread, (unsigned long long)activity->top);
}

/* Connecting. */

static void take_hello(struct guest *guest, const struct chatroom_v1_hello_reply *reply) {
  struct world *world = guest->world;
  view_copy(guest->user_id, sizeof guest->user_id, reply->user_id);
  view_copy(guest->nick, sizeof guest->nick, reply->nick);
  guest->is_known = true;
  for (uint32_t room = 0; room < ROOMS; room++) {
    memcpy(guest->stays[room].view.user_id, guest->user_id, VIEW_ID_SIZE);
  }
  if (guest->user == USER_NONE) {
    return;
  }
  struct user *user = &world->users[guest->user];
  if (user->id[0] != '\0' && strcmp(user->id, guest->user_id) != 0) {
    trace_fail(world->trace, "%s comes back as %s and was %s", guest->name, guest->user_id, user->id);
  }
  memcpy(user->id, guest->user_id, sizeof user->id);
  if (user->is_guest) {
    view_copy(user->token, sizeof user->token, reply->guest_token);
  }
}

static void on_hello(void *user, struct stoa_client *client, const struct chatroom_v1_hello_reply *reply,
                     const struct stoa_call_end *end) {
  struct guest *guest = user;
  (void)client;
  guest->calls--;
  if (guest->has_given_up || reply == NULL) {
    if (end->result == STOA_CALL_ERROR) {
      trace_line(guest->world->trace, "%s hello: %d %.*s", guest->name, end->error->code, (int)end->error->message.len,
                 end->error->message.data);
      guest->nick[0] = '\0'; /* another one has it */
    }
    guest_give_up(guest, end);
    return;
  }
  trace_line(guest->world->trace, "%s is %.*s", guest->name, (int)reply->nick.len, reply->nick.data);
  take_hello(guest, reply);
}

/* A fresh one comes without a name: it has that of its user. */
static void hello(struct guest *guest) {
  const struct user *user = guest->user == USER_NONE ? NULL : &guest->world->users[guest->user];
  const struct chatroom_v1_hello_request request = {.nick = stoa_string_of(guest->is_fresh ? "" : guest->nick),
                                                    .token = stoa_string_of(user == NULL ? "" : user->token),
                                                    .client = STOA_STR("simulation")};
  if (chatroom_v1_chatroom_service_client_call_hello(guest->client, &request, 0, on_hello, guest, NULL) == STOA_OK) {
    guest->calls++;
  }
}

static void begin_connection(struct guest *guest) {
  guest->connections++;
  guest->has_given_up = guest->is_known = false;
  for (uint32_t room = 0; room < ROOMS; room++) {
    struct stay *stay = &guest->stays[room];
    stay->is_member = stay->is_joining = stay->is_leaving = stay->is_refused = false;
    view_leave(&stay->view);
  }
  if (!guest->is_plain) {
    hello(guest);
  }
}

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct guest *guest = user;
  struct world *world = guest->world;
  bool was_open = guest->state == STOA_CLIENT_OPEN || guest->state == STOA_CLIENT_CLOSING;
  (void)client;
  guest->state = change->state;
  if (change->state == STOA_CLIENT_CONNECTING) {
    guest->is_stalled = guest->is_excused = false;
  }
  if (change->state == STOA_CLIENT_OPEN) {
    begin_connection(guest);
    return;
  }
  if (change->state != STOA_CLIENT_WAITING && change->state != STOA_CLIENT_ENDED) {
    return;
  }
  guest->is_known = false;
  for (uint32_t room = 0; room < ROOMS; room++) {
    guest->stays[room].is_member = false;
  }
  trace_line(world->trace, "%s ends: status %d, code %u, %s", guest->name, change->status, change->close_code,
             change->reason);
  /* Who was silent for so long that it is told not to come back does so when its page is loaded again. */
  bool is_unavailable = guest->is_plain && change->close_code == STOA_CLOSE_INTERNAL && world->has_disk_faults;
  bool has_no_reason = was_open && !guest->is_excused && !world->is_draining && !is_unavailable;
  if (has_no_reason || (change->state == STOA_CLIENT_ENDED && change->close_code != STOA_CLOSE_NO_HELLO)) {
    trace_fail(world->trace, "%s loses its connection for no reason: status %d, code %u, %s", guest->name,
               change->status, change->close_code, change->reason);
  }
}

static void on_error(void *user, struct stoa_client *client, uint32_t type, const struct stoa_error *error) {
  struct guest *guest = user;
  (void)client;
  trace_line(guest->world->trace, "%s: error %d of a message %u", guest->name, error->code, type);
}

static void on_ping(void *user, struct stoa_client *client, const struct chatroom_v1_ping_message *ping) {
  (void)user, (void)client, (void)ping;
}

static void on_going_away(void *user, struct stoa_client *client,
                          const struct chatroom_v1_going_away_message *going_away) {
  struct guest *guest = user;
  (void)client;
  trace_line(guest->world->trace, "%s is told to come back in %u ms", guest->name, going_away->delay_ms);
  guest->is_excused = true;
}

static void on_other(void *user, struct stoa_client *client, uint32_t type, struct stoa_bytes payload) {
  const struct guest *guest = user;
  (void)client, (void)payload;
  trace_fail(guest->world->trace, "%s gets a message of type %u", guest->name, type);
}

void guest_init(struct guest *guest, struct world *world, unsigned index) {
  /* Two of them are one user. */
  static const unsigned users[DAY_GUESTS] = {USER_MODERATOR, 1, 1, 2, 3, 4, USER_NONE};
  unsigned at = index < FRESH_FIRST ? index : index - FRESH_FIRST;
  memset(guest, 0, sizeof *guest);
  guest->world = world;
  guest->index = index;
  guest->is_fresh = index >= FRESH_FIRST;
  guest->is_plain = index == PLAIN;
  guest->user = users[at];
  snprintf(guest->name, sizeof guest->name, "%c%u", guest->is_fresh ? 'f' : 'c', at % 10);
  if (guest->user != USER_NONE && !guest->is_fresh) {
    view_copy(guest->nick, sizeof guest->nick, stoa_string_of(world->users[guest->user].nick));
  }
  for (uint32_t room = 0; room < ROOMS; room++) {
    guest->stays[room].guest = guest;
  }
}

void guest_enter(struct guest *guest) {
  stoa_client_destroy(guest->client);
  struct world *world = guest->world;
  unsigned kind = guest->is_fresh ? (guest->index + 1) % 3 : guest->index % 3; /* another codec than its user's */
  const struct stoa_client_options options = {
      .url = "ws://server.simulated:7700/",
      .codec = !guest->is_plain && kind == 1 ? &stoa_codec_proto : &stoa_codec_json,
      .subprotocol = guest->is_plain ? STOA_CLIENT_NONE
                     : kind == 2     ? STOA_CLIENT_TEXT
                                     : STOA_CLIENT_CODEC,
      .retry_min_ms = 20,
      .retry_max_ms = 500};
  const struct stoa_client_callbacks callbacks = {
      .on_state = on_state, .on_error = on_error, .on_other = on_other, .user = guest};
  const struct chatroom_v1_chatroom_service_client_handlers handlers = {.chat = on_chat,
                                                                        .ping = on_ping,
                                                                        .going_away = on_going_away,
                                                                        .event = on_event,
                                                                        .typing = on_typing,
                                                                        .presence_diff = on_diff,
                                                                        .read = on_read,
                                                                        .left = on_left,
                                                                        .room_activity = on_activity};
  guest->is_excused = true;
  guest->state = STOA_CLIENT_IDLE;
  int status = stoa_client_create_with(&options, &callbacks, &world->clock, &guest->client);
  assert(status == STOA_OK);
  stoa_client_set_resolver(guest->client, &world->resolver);
  const struct chatroom_v1_chatroom_service_client_handlers plain_handlers = {.chat = on_chat};
  status =
      chatroom_v1_chatroom_service_client_register(guest->client, guest->is_plain ? &plain_handlers : &handlers, guest);
  assert(status == STOA_OK);
  status = stoa_client_open(guest->client);
  assert(status == STOA_OK);
}

bool guest_is_ready(const struct guest *guest) {
  return guest->client != NULL && guest->state == STOA_CLIENT_OPEN && !guest->has_given_up &&
         (guest->is_plain || guest->is_known);
}
