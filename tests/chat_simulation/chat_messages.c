/* Messages that clients send until they are stored. */
#include "chat_world_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void guest_check_refusal(const struct stay *stay, const char *what, uint32_t code, int64_t begin_ms,
                         unsigned mute_changes, unsigned ban_changes) {
  struct world *world = stay->guest->world;
  const struct oracle_sanction *mute = stay_mute(stay), *ban = stay_ban(stay);
  int64_t now_ms = wall_ms(world);
  enum oracle_verdict muted =
      mute->changes != mute_changes ? ORACLE_UNKNOWN : oracle_sanction_between(mute, begin_ms, now_ms);
  enum oracle_verdict banned =
      ban->changes != ban_changes ? ORACLE_UNKNOWN : oracle_sanction_between(ban, begin_ms, now_ms);
  world->counts->refused_muted += code == CHATROOM_ERROR_MUTED;
  world->counts->refused_banned += code == CHATROOM_ERROR_BANNED;
  if (code == CHATROOM_ERROR_MUTED && muted == ORACLE_FREE) {
    trace_fail(world->trace, "%s: %s is refused in room %s, where it is not muted", stay->guest->name, what,
               room_names[room_index(stay)]);
  } else if (code == CHATROOM_ERROR_BANNED && banned == ORACLE_FREE) {
    trace_fail(world->trace, "%s: %s is refused in room %s, where it is not banned", stay->guest->name, what,
               room_names[room_index(stay)]);
  } else if (code == 0 && (muted == ORACLE_BOUND || banned == ORACLE_BOUND)) {
    trace_fail(world->trace, "%s: %s is taken in room %s, where it is %s", stay->guest->name, what,
               room_names[room_index(stay)], muted == ORACLE_BOUND ? "muted" : "banned");
  }
}

void guest_move_mark(struct world *world, const struct stay *stay, uint64_t low, uint64_t high) {
  if (stay->guest->user != USER_NONE) {
    struct mark *mark = &world->marks[room_index(stay)][stay->guest->user];
    mark->low = low > mark->low ? low : mark->low;
    mark->high = high > mark->high ? high : mark->high;
  }
}

/* A server that was started again does not know when somebody wrote last, nor one whose room nobody was in. */
static unsigned membership_of(const struct stay *stay) {
  return stay->guest->connections * 1000 + stay->joins;
}

/* Two messages of a user, on one connection, that were stored too close to each other. */
static void check_slow(const struct own *own) {
  struct world *world = own->guest->world;
  const struct stay *stay = &own->guest->stays[own->room];
  int64_t interval_ms = INT64_C(1000) * world->slow[own->room].seconds;
  bool is_bound = own->guest->user != USER_MODERATOR && world->slow[own->room].changing == 0 &&
                  !world->slow[own->room].is_unknown && !own->is_ambiguous && own->connection == membership_of(stay);
  for (uint32_t i = 0; i < stay->own_count && is_bound; i++) {
    const struct own *other = &stay->own[i];
    bool is_before = other != own && other->is_stored && !other->is_ambiguous && other->connection == own->connection &&
                     other->slow_changes == world->slow[own->room].changes &&
                     own->slow_changes == other->slow_changes && other->ts_ms <= own->ts_ms;
    if (is_before && own->ts_ms - other->first_sent_ms < interval_ms) {
      trace_fail(world->trace, "%s: %s and %s are stored within %lld ms in a room with slow mode of %lld ms",
                 own->guest->name, other->id, own->id, (long long)(own->ts_ms - other->first_sent_ms),
                 (long long)interval_ms);
    }
  }
}

static void take_ack(struct own *own, const struct chatroom_v1_chat_ack *ack) {
  struct guest *guest = own->guest;
  struct world *world = guest->world;
  struct stay *stay = &guest->stays[own->room];
  const struct chatroom_v1_chat_message chat = {.offset = ack->offset,
                                                .epoch = ack->epoch,
                                                .client_msg_id = stoa_string_of(own->id),
                                                .user_id = stoa_string_of(guest->user_id),
                                                .ts_ms = ack->ts_ms};
  world->counts->acknowledged++;
  world->counts->repeated += ack->duplicate;
  oracle_note_chat(&world->logs[own->room], &chat, world->trace);
  if (ack->duplicate && !own->is_ambiguous && !own->is_stored) {
    trace_fail(world->trace, "%s was stored already, and %s was told that it is not", own->id, guest->name);
  }
  if (stay->is_member && !stay->is_leaving && stay->view.position < ack->offset) {
    trace_fail(world->trace, "%s: the answer to %s came before the message", guest->name, own->id);
  }
  own->is_stored = true;
  own->offset = ack->offset;
  own->ts_ms = ack->ts_ms;
  if (!ack->duplicate) {
    stay->view.read_offset = ack->offset > stay->view.read_offset ? ack->offset : stay->view.read_offset;
    /* It may be the answer of a server that is no more. */
    guest_move_mark(world, stay, own->life == world->lives ? ack->offset : 0, ack->offset);
    check_slow(own);
  }
}

static void take_refusal(struct own *own, const struct stoa_error *error) {
  struct world *world = own->guest->world;
  uint32_t code = (uint32_t)error->code;
  world->counts->refused_slow += code == CHATROOM_ERROR_SLOW_MODE;
  if (error->temporary && !guest_is_refusal(code)) {
    own->is_ambiguous = true;
  } else if (!guest_is_refusal(code)) {
    trace_fail(world->trace, "%s: %s is refused with %u", own->guest->name, own->id, code);
  }
  bool is_slow_off = world->slow[own->room].changing == 0 && !world->slow[own->room].is_unknown &&
                     world->slow[own->room].changes == own->slow_changes && world->slow[own->room].seconds == 0;
  if (code == CHATROOM_ERROR_SLOW_MODE && (is_slow_off || own->guest->user == USER_MODERATOR)) {
    trace_fail(world->trace, "%s: %s is refused in a room without slow mode", own->guest->name, own->id);
  }
  /* Who may not write gives up when the day comes to a check. */
  bool is_bound = code == CHATROOM_ERROR_MUTED || code == CHATROOM_ERROR_BANNED;
  own->is_dropped = own->is_dropped || (is_bound && world->is_settling);
}

static void on_ack(void *user, struct stoa_client *client, const struct chatroom_v1_chat_ack *ack,
                   const struct stoa_call_end *end) {
  struct own *own = user;
  struct guest *guest = own->guest;
  (void)client;
  assert(own->in_flight > 0);
  own->in_flight--;
  guest->calls--;
  if (end->result != STOA_CALL_REPLY && end->result != STOA_CALL_ERROR) {
    own->is_ambiguous = true;
    guest_give_up(guest, end);
    return;
  }
  uint32_t code = ack == NULL ? (uint32_t)end->error->code : 0;
  trace_line(guest->world->trace, "%s %s of %s: %u at %llu%s", guest->name, own->id, room_names[own->room], code,
             ack == NULL ? 0ull : (unsigned long long)ack->offset, ack != NULL && ack->duplicate ? ", again" : "");
  if (guest->user != USER_NONE && (ack == NULL || !ack->duplicate)) {
    guest_check_refusal(&guest->stays[own->room], own->id, code, own->first_sent_ms, own->mute_changes,
                        own->ban_changes);
  }
  if (ack != NULL) {
    take_ack(own, ack);
  } else {
    take_refusal(own, end->error);
  }
}

void guest_send_own(struct own *own) {
  struct guest *guest = own->guest;
  struct world *world = guest->world;
  struct stay *stay = &guest->stays[own->room];
  const struct chatroom_v1_chat_message chat = {.room = stay_room(stay),
                                                .message = stoa_string_of(own->id),
                                                .client_msg_id = stoa_string_of(own->id),
                                                .reply_to = own->reply_to,
                                                .sender = STOA_STR("somebody"),
                                                .user_id = STOA_STR("somebody"),
                                                .ts_ms = 1};
  if (own->first_sent_ms == 0) {
    own->first_sent_ms = wall_ms(world);
    own->life = world->lives;
    own->connection = membership_of(stay);
    own->mute_changes = stay_mute(stay)->changes;
    own->ban_changes = stay_ban(stay)->changes;
    own->slow_changes = world->slow[own->room].changes;
  }
  if (chatroom_v1_chatroom_service_client_call_chat(guest->client, &chat, 0, on_ack, own, NULL) == STOA_OK) {
    own->is_ambiguous = own->is_ambiguous || own->in_flight > 0;
    own->in_flight++;
    guest->calls++;
    trace_line(world->trace, "%s sends %s to %s", guest->name, own->id, room_names[own->room]);
  }
}

struct own *guest_send_new(struct stay *stay) {
  struct guest *guest = stay->guest;
  if (stay->own_count == OWN_MAX) {
    return NULL;
  }
  struct own *own = &stay->own[stay->own_count++];
  *own = (struct own){.guest = guest, .room = room_index(stay)};
  snprintf(own->id, sizeof own->id, "%s-%u-%u", guest->name, own->room, stay->own_count);
  if (one_in(guest->world, 8)) {
    own->reply_to = below(guest->world, stay->view.position + 1);
  }
  guest_send_own(own);
  return own;
}

struct own *guest_next_own(struct stay *stay) {
  for (uint32_t i = 0; i < stay->own_count; i++) {
    struct own *own = &stay->own[i];
    if (!own->is_stored && !own->is_dropped) {
      return own;
    }
  }
  return NULL;
}

void guest_write_message(struct stay *stay) {
  struct world *world = stay->guest->world;
  struct own *own = guest_next_own(stay);
  if (own == NULL) {
    own = guest_send_new(stay);
  } else if (own->in_flight == 0) {
    guest_send_own(own);
  }
  if (own != NULL && own->in_flight > 0 && one_in(world, 12)) {
    guest_send_own(own);
  }
}

void guest_write_plain(struct guest *guest) {
  char text[VIEW_TEXT_SIZE];
  snprintf(text, sizeof text, "p-%u", ++guest->numbers);
  const struct chatroom_v1_chat_message chat = {.message = stoa_string_of(text), .sender = STOA_STR("me")};
  int ignored = chatroom_v1_client_send_chat(guest->client, &chat);
  (void)ignored;
}
