/* What clients do: names, typing, reading, coming and leaving; and all else by chance. */
#include "chat_world_private.h"

#include <stdio.h>

static void on_named(void *user, struct stoa_client *client, const struct chatroom_v1_set_nick_reply *reply,
                     const struct stoa_call_end *end) {
  struct guest *guest = user;
  (void)client;
  guest->calls--;
  guest->is_naming = false;
  if (reply == NULL) {
    if (end->result == STOA_CALL_ERROR && end->error->code != CHATROOM_ERROR_NICK_TAKEN) {
      trace_fail(guest->world->trace, "%s cannot change its name: %d", guest->name, end->error->code);
    }
    return;
  }
  guest->world->counts->renames++;
  view_copy(guest->nick, sizeof guest->nick, reply->nick);
  if (guest->world->users[guest->user].is_guest) {
    view_copy(guest->world->users[guest->user].token, sizeof guest->world->users[guest->user].token,
              reply->guest_token);
  }
  trace_line(guest->world->trace, "%s is now %s", guest->name, guest->nick);
}

static void change_nick(struct guest *guest) {
  char nick[VIEW_ID_SIZE];
  if (guest->is_naming) {
    return;
  }
  bool is_others = one_in(guest->world, 4);
  snprintf(nick, sizeof nick, "%s %u", guest->name, ++guest->numbers);
  const struct chatroom_v1_set_nick_request request = {
      .nick = stoa_string_of(is_others ? guest->world->guests[below(guest->world, DAY_GUESTS - 1)].nick : nick)};
  if (request.nick.len > 0 &&
      chatroom_v1_chatroom_service_client_call_set_nick(guest->client, &request, 0, on_named, guest, NULL) == STOA_OK) {
    guest->calls++;
    guest->is_naming = true;
  }
}

void guest_send_typing(struct stay *stay, int32_t state) {
  const struct chatroom_v1_typing_message typing = {.room = stay_room(stay), .state = state};
  int ignored = chatroom_v1_client_send_typing(stay->guest->client, &typing);
  (void)ignored;
  trace_line(stay->guest->world->trace, "%s types in %s: %d", stay->guest->name, room_names[room_index(stay)], state);
}

void guest_send_read(struct stay *stay, uint64_t offset) {
  const struct chatroom_v1_read_message read = {.room = stay_room(stay), .offset = offset};
  if (offset == 0 || chatroom_v1_client_send_read(stay->guest->client, &read) != STOA_OK) {
    return;
  }
  trace_line(stay->guest->world->trace, "%s has read %s up to %llu", stay->guest->name, room_names[room_index(stay)],
             (unsigned long long)offset);
  guest_move_mark(stay->guest->world, stay, 0, offset);
  stay->view.read_offset = offset > stay->view.read_offset ? offset : stay->view.read_offset;
}

static void on_left(void *user, struct stoa_client *client, const struct chatroom_v1_leave_reply *reply,
                    const struct stoa_call_end *end) {
  struct stay *stay = user;
  (void)client, (void)reply;
  stay->guest->calls--;
  if (end->result != STOA_CALL_REPLY && end->result != STOA_CALL_ERROR) {
    guest_give_up(stay->guest, end);
    return;
  }
  stay->is_leaving = false;
  stay->is_member = false;
  view_leave(&stay->view);
}

static void leave(struct stay *stay) {
  const struct chatroom_v1_leave_request request = {.room = stay_room(stay)};
  if (chatroom_v1_chatroom_service_client_call_leave(stay->guest->client, &request, 0, on_left, stay, NULL) ==
      STOA_OK) {
    stay->guest->calls++;
    stay->is_leaving = true;
    stay->has_left = stay->guest->user != USER_MODERATOR;
    trace_line(stay->guest->world->trace, "%s leaves %s", stay->guest->name, room_names[room_index(stay)]);
  }
}

/* What it does. */

static void act_as_moderator(struct stay *stay) {
  struct world *world = stay->guest->world;
  size_t choice = below(world, 10);
  if (choice < 6) {
    guest_moderate(stay);
  } else if (choice < 9) {
    guest_set_slow_mode(stay, one_in(world, 2) ? 0 : 1 + (uint32_t)below(world, 5));
  } else {
    guest_set_topic(stay);
  }
}

static void act_as_member(struct stay *stay) {
  struct guest *guest = stay->guest;
  struct world *world = guest->world;
  size_t choice = below(world, 100);
  if (guest->user == USER_MODERATOR && one_in(world, 5)) {
    act_as_moderator(stay);
  } else if (choice < 32) {
    guest_write_message(stay);
  } else if (choice < 45) {
    guest_edit(stay);
  } else if (choice < 50) {
    guest_delete_at(stay, guest_choose_message(stay));
  } else if (choice < 66) {
    guest_react(stay);
  } else if (choice < 76) {
    guest_send_typing(stay, (int32_t)below(world, 3));
  } else if (choice < 86) {
    guest_send_read(stay, below(world, stay->view.position + 1));
  } else if (choice < 90) {
    change_nick(guest);
  } else if (choice < 93) {
    leave(stay);
  }
}

static void settle(struct stay *stay) {
  struct guest *guest = stay->guest;
  if (stay->is_leaving || stay->is_joining) {
    return;
  }
  if (!stay->is_member && !stay->has_left &&
      (!stay->is_refused || (!guest->world->is_quiet && one_in(guest->world, 200)))) {
    guest_join(stay);
  }
  struct own *own = guest_next_own(stay);
  if (own != NULL && own->in_flight == 0) {
    if (stay->is_member) {
      guest_send_own(own);
    } else {
      own->is_dropped = stay->has_left || stay->is_refused;
    }
  }
  if (guest->user == USER_MODERATOR) {
    guest_make_known(stay);
  }
}

void guest_act(struct guest *guest) {
  struct world *world = guest->world;
  struct stay *stay = &guest->stays[below(world, ROOMS)];
  if (!guest_is_ready(guest)) {
    return;
  }
  if (guest->is_plain) {
    if (!world->is_settling && one_in(world, 6)) {
      guest_write_plain(guest);
    }
  } else if (world->is_settling) {
    settle(stay);
  } else if (stay->is_leaving || stay->is_joining) {
    return;
  } else if (!stay->is_member) {
    stay->has_left = stay->has_left && !one_in(world, 10);
    if (!stay->has_left) {
      guest_join(stay);
    }
  } else {
    act_as_member(stay);
  }
}

bool guest_is_settled(const struct guest *guest) {
  if (guest->is_plain) {
    return guest_is_ready(guest);
  }
  if (!guest_is_ready(guest) || guest->calls > 0 || (guest->user == USER_MODERATOR && !world_is_known(guest->world))) {
    return false;
  }
  for (uint32_t room = 0; room < ROOMS; room++) {
    const struct stay *stay = &guest->stays[room];
    if (stay->is_joining || stay->is_leaving || (!stay->is_member && !stay->has_left && !stay->is_refused)) {
      return false;
    }
    for (uint32_t i = 0; i < stay->own_count; i++) {
      if (!stay->own[i].is_stored && !stay->own[i].is_dropped) {
        return false;
      }
    }
  }
  return true;
}
