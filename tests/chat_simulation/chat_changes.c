/* Changes of messages, and what moderators do. */
#include "chat_world_private.h"

#include <stdio.h>
#include <string.h>

static struct act *begin_act(struct stay *stay, enum act_kind kind) {
  struct guest *guest = stay->guest;
  for (size_t i = 0; i < ACTS_MAX; i++) {
    struct act *act = &guest->acts[i];
    if (!act->is_used) {
      *act = (struct act){.is_used = true,
                          .kind = kind,
                          .stay = stay,
                          .sent_ms = wall_ms(guest->world),
                          .mute_changes = stay_mute(stay)->changes,
                          .ban_changes = stay_ban(stay)->changes};
      return act;
    }
  }
  return NULL;
}

static struct oracle_sanction *sanction_of(const struct act *act) {
  struct world *world = act->stay->guest->world;
  bool is_mute = act->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_MUTE ||
                 act->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_UNMUTE;
  return is_mute ? &world->mutes[room_index(act->stay)][act->user] : &world->bans[room_index(act->stay)][act->user];
}

static void take_moderation(const struct act *act) {
  struct world *world = act->stay->guest->world;
  struct oracle_sanction *sanction = sanction_of(act);
  int64_t length_ms = INT64_C(1000) * act->seconds;
  if (act->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK) {
    world->counts->kicks++;
    return;
  }
  sanction->is_unknown = false;
  sanction->is_set = act->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_MUTE ||
                     act->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_BAN;
  sanction->from_ms = act->sent_ms + length_ms;
  sanction->to_ms = wall_ms(world) + length_ms;
  world->counts->lifts += !sanction->is_set;
  world->counts->mutes += act->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_MUTE;
  world->counts->bans += act->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_BAN;
}

static void end_moderation(const struct act *act, bool is_done, bool is_refused) {
  struct guest *guest = act->stay->guest;
  bool is_kick = act->action == CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK;
  struct oracle_sanction *sanction = sanction_of(act);
  guest->is_moderating = false;
  if (!is_kick) {
    sanction->changing--;
    sanction->changes++;
    sanction->is_unknown = sanction->is_unknown || (!is_done && !is_refused);
  }
  if (is_done) {
    take_moderation(act);
  }
}

static void end_setting(const struct act *act, bool is_done) {
  struct guest *guest = act->stay->guest;
  struct world *world = guest->world;
  uint32_t room = room_index(act->stay);
  guest->is_moderating = false;
  if (act->kind == ACT_TOPIC) {
    world->slow[room].is_topic_unknown = !is_done;
    world->counts->topics += is_done;
    return;
  }
  world->slow[room].changing--;
  world->slow[room].changes++;
  world->slow[room].is_unknown = !is_done;
  world->slow[room].seconds = act->seconds;
}

static void note_change(const struct act *act, uint64_t epoch, uint64_t offset) {
  static const int32_t kinds[] = {
      [ACT_EDIT] = CHATROOM_V1_EVENT_KIND_EVENT_EDIT, [ACT_REACT] = CHATROOM_V1_EVENT_KIND_EVENT_REACT};
  struct guest *guest = act->stay->guest;
  struct world *world = guest->world;
  const struct chatroom_v1_event_message event = {
      .kind = kinds[act->kind],
      .offset = offset,
      .epoch = epoch,
      .target = act->target,
      .text = stoa_string_of(act->text),
      .emoji = stoa_string_of(act->kind == ACT_REACT ? view_emojis[act->emoji] : ""),
      .off = act->off,
      .user_id = stoa_string_of(guest->user_id)};
  world->counts->edits += act->kind == ACT_EDIT;
  world->counts->reactions += act->kind == ACT_REACT;
  oracle_note_event(&world->logs[room_index(act->stay)], &event, world->trace);
}

/* Only authors change a message, for a while, and moderators. */
static void check_author(const struct act *act, uint32_t code) {
  struct guest *guest = act->stay->guest;
  struct world *world = guest->world;
  const struct oracle_entry *entry = &world->logs[room_index(act->stay)].entries[act->target];
  int64_t window_ms = INT64_C(1000) * world->edit_window_s;
  bool is_moderator = guest->user == USER_MODERATOR;
  bool is_own = strcmp(entry->user_id, guest->user_id) == 0;
  bool is_old = act->sent_ms - entry->ts_ms > window_ms;
  bool is_new = wall_ms(world) - entry->ts_ms <= window_ms;
  world->counts->refused_window += code == CHATROOM_ERROR_EDIT_WINDOW;
  if (entry->what != ORACLE_CHAT) {
    return;
  }
  if (code == 0 && !is_moderator && (!is_own || is_old)) {
    trace_fail(world->trace, "%s changes %llu of room %s, which is %s", guest->name, (unsigned long long)act->target,
               room_names[room_index(act->stay)], is_own ? "too old" : "another user's");
  } else if (code == CHATROOM_ERROR_EDIT_WINDOW && (is_moderator || is_new)) {
    trace_fail(world->trace, "%s cannot change %llu of room %s, which is new", guest->name,
               (unsigned long long)act->target, room_names[room_index(act->stay)]);
  }
}

static void end_change(const struct act *act, uint32_t code, bool is_known, uint64_t epoch, uint64_t offset) {
  struct world *world = act->stay->guest->world;
  uint32_t room = room_index(act->stay);
  if (act->kind == ACT_DELETE) {
    world->half_deleted[room][act->target] =
        is_known && code == 0 ? false : world->half_deleted[room][act->target] || !is_known;
    world->counts->deletions += code == 0 && is_known;
  }
  if (!is_known) {
    return;
  }
  if (act->kind != ACT_DELETE) {
    guest_check_refusal(act->stay, act->kind == ACT_EDIT ? "an edit" : "a reaction", code, act->sent_ms,
                        act->mute_changes, act->ban_changes);
  }
  if (act->kind != ACT_REACT) {
    check_author(act, code);
  }
  if (code == 0 && act->kind != ACT_DELETE && offset != 0) {
    note_change(act, epoch, offset);
  }
}

static void end_act(struct act *act, const struct stoa_call_end *end, uint64_t epoch, uint64_t offset) {
  struct guest *guest = act->stay->guest;
  bool is_answer = end->result == STOA_CALL_REPLY || end->result == STOA_CALL_ERROR;
  uint32_t code = end->result == STOA_CALL_ERROR ? (uint32_t)end->error->code : 0;
  bool is_known = is_answer && (code == 0 || !end->error->temporary || guest_is_refusal(code));
  guest->calls--;
  trace_line(guest->world->trace, "%s: %s of %llu of %s: %u at %llu%s", guest->name,
             act->kind == ACT_EDIT       ? "edit"
             : act->kind == ACT_DELETE   ? "delete"
             : act->kind == ACT_REACT    ? "reaction"
             : act->kind == ACT_MODERATE ? "moderation"
                                         : "setting",
             (unsigned long long)act->target, room_names[room_index(act->stay)], code, (unsigned long long)offset,
             is_known ? "" : ", not known");
  if (act->kind == ACT_MODERATE) {
    end_moderation(act, is_known && code == 0, is_known && code != 0);
  } else if (act->kind == ACT_TOPIC || act->kind == ACT_SLOW) {
    end_setting(act, is_known && code == 0);
  } else {
    end_change(act, code, is_known, epoch, offset);
  }
  act->is_used = false;
  if (!is_answer) {
    guest_give_up(guest, end);
  }
}

static void on_edited(void *user, struct stoa_client *client, const struct chatroom_v1_edit_reply *reply,
                      const struct stoa_call_end *end) {
  (void)client;
  end_act(user, end, reply == NULL ? 0 : reply->epoch, reply == NULL ? 0 : reply->offset);
}

static void on_deleted(void *user, struct stoa_client *client, const struct chatroom_v1_delete_reply *reply,
                       const struct stoa_call_end *end) {
  (void)client;
  end_act(user, end, reply == NULL ? 0 : reply->epoch, reply == NULL ? 0 : reply->offset);
}

static void on_reacted(void *user, struct stoa_client *client, const struct chatroom_v1_react_reply *reply,
                       const struct stoa_call_end *end) {
  (void)client;
  end_act(user, end, reply == NULL ? 0 : reply->epoch, reply == NULL ? 0 : reply->offset);
}

static void on_moderated(void *user, struct stoa_client *client, const struct chatroom_v1_moderate_reply *reply,
                         const struct stoa_call_end *end) {
  (void)client, (void)reply;
  end_act(user, end, 0, 0);
}

static void on_set(void *user, struct stoa_client *client, const struct chatroom_v1_set_room_reply *reply,
                   const struct stoa_call_end *end) {
  (void)client, (void)reply;
  end_act(user, end, 0, 0);
}

/* An act whose call could not be made did not happen. */
static bool has_begun(struct act *act, int status) {
  act->is_used = status == STOA_OK;
  act->stay->guest->calls += status == STOA_OK;
  return status == STOA_OK;
}

uint64_t guest_choose_message(const struct stay *stay) {
  struct world *world = stay->guest->world;
  const struct chat_view *view = &stay->view;
  uint64_t back = one_in(world, 3) ? 60 : 12;
  uint64_t first = view->position > back ? view->position - back : 1;
  bool is_own = !one_in(world, 4);
  for (uint64_t offset = first + below(world, view->position - first + 1); offset <= view->position; offset++) {
    const struct view_message *message = &view->messages[offset];
    if (message->is_there && (!is_own || strcmp(message->user_id, stay->guest->user_id) == 0)) {
      return offset;
    }
  }
  return 0;
}

void guest_edit(struct stay *stay) {
  struct guest *guest = stay->guest;
  uint64_t target = guest_choose_message(stay);
  struct act *act = target == 0 ? NULL : begin_act(stay, ACT_EDIT);
  if (act == NULL) {
    return;
  }
  act->target = target;
  snprintf(act->text, sizeof act->text, "%s edit %u", guest->name, ++guest->numbers);
  const struct chatroom_v1_edit_request request = {
      .room = stay_room(stay), .offset = target, .text = stoa_string_of(act->text)};
  has_begun(act, chatroom_v1_chatroom_service_client_call_edit(guest->client, &request, 0, on_edited, act, NULL));
}

void guest_delete_at(struct stay *stay, uint64_t target) {
  struct act *act = target == 0 ? NULL : begin_act(stay, ACT_DELETE);
  if (act == NULL) {
    return;
  }
  act->target = target;
  const struct chatroom_v1_delete_request request = {.room = stay_room(stay), .offset = target};
  has_begun(act,
            chatroom_v1_chatroom_service_client_call_delete(stay->guest->client, &request, 0, on_deleted, act, NULL));
}

void guest_react(struct stay *stay) {
  uint64_t target = guest_choose_message(stay);
  struct act *act = target == 0 ? NULL : begin_act(stay, ACT_REACT);
  if (act == NULL) {
    return;
  }
  act->target = target;
  act->emoji = (uint32_t)below(stay->guest->world, VIEW_EMOJIS);
  act->off = one_in(stay->guest->world, 3);
  const struct chatroom_v1_react_request request = {
      .room = stay_room(stay), .offset = target, .emoji = stoa_string_of(view_emojis[act->emoji]), .off = act->off};
  has_begun(act,
            chatroom_v1_chatroom_service_client_call_react(stay->guest->client, &request, 0, on_reacted, act, NULL));
}

static void moderate_as(struct stay *stay, int32_t action, unsigned user, uint32_t seconds) {
  struct guest *guest = stay->guest;
  struct world *world = guest->world;
  struct act *act = guest->is_moderating || world->users[user].id[0] == '\0' ? NULL : begin_act(stay, ACT_MODERATE);
  if (act == NULL) {
    return;
  }
  act->action = action;
  act->user = user;
  act->seconds = seconds;
  const struct chatroom_v1_moderate_request request = {.room = stay_room(stay),
                                                       .user_id = stoa_string_of(world->users[user].id),
                                                       .action = action,
                                                       .seconds = seconds,
                                                       .reason = STOA_STR("simulated")};
  guest->is_moderating = has_begun(
      act, chatroom_v1_chatroom_service_client_call_moderate(guest->client, &request, 0, on_moderated, act, NULL));
  if (guest->is_moderating && action != CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK) {
    sanction_of(act)->changing++;
    sanction_of(act)->changes++;
  }
  trace_line(world->trace, "%s moderates %u in %s: %d for %u s", guest->name, user, room_names[room_index(stay)],
             action, seconds);
}

void guest_moderate(struct stay *stay) {
  struct world *world = stay->guest->world;
  static const uint32_t lengths_s[] = {5, 60, 900, 7200, 30000};
  int32_t action = CHATROOM_V1_MODERATE_ACTION_MODERATE_KICK + (int32_t)below(world, 5);
  moderate_as(stay, action, 1 + (unsigned)below(world, USERS - 1), lengths_s[below(world, 5)]);
}

void guest_set_topic(struct stay *stay) {
  struct guest *guest = stay->guest;
  struct act *act = guest->is_moderating ? NULL : begin_act(stay, ACT_TOPIC);
  if (act == NULL) {
    return;
  }
  snprintf(act->text, sizeof act->text, "topic %u", ++guest->numbers);
  const struct chatroom_v1_set_room_request request = {
      .room = stay_room(stay), .has_topic = true, .topic = stoa_string_of(act->text)};
  guest->is_moderating =
      has_begun(act, chatroom_v1_chatroom_service_client_call_set_room(guest->client, &request, 0, on_set, act, NULL));
  trace_line(guest->world->trace, "%s sets \"%s\" in %s", guest->name, act->text, room_names[room_index(stay)]);
}

void guest_set_slow_mode(struct stay *stay, uint32_t seconds) {
  struct guest *guest = stay->guest;
  struct world *world = guest->world;
  struct act *act = guest->is_moderating ? NULL : begin_act(stay, ACT_SLOW);
  if (act == NULL) {
    return;
  }
  act->seconds = seconds;
  const struct chatroom_v1_set_room_request request = {
      .room = stay_room(stay), .has_slow_mode_s = true, .slow_mode_s = seconds};
  guest->is_moderating =
      has_begun(act, chatroom_v1_chatroom_service_client_call_set_room(guest->client, &request, 0, on_set, act, NULL));
  world->slow[room_index(stay)].changing += guest->is_moderating;
  world->slow[room_index(stay)].changes += guest->is_moderating;
  trace_line(world->trace, "%s sets slow mode %u in %s", guest->name, seconds, room_names[room_index(stay)]);
}

void guest_make_known(struct stay *stay) {
  struct world *world = stay->guest->world;
  uint32_t room = room_index(stay);
  for (unsigned user = 1; user < USERS; user++) {
    if (world->mutes[room][user].is_unknown) {
      moderate_as(stay, CHATROOM_V1_MODERATE_ACTION_MODERATE_UNMUTE, user, 0);
    }
    if (world->bans[room][user].is_unknown) {
      moderate_as(stay, CHATROOM_V1_MODERATE_ACTION_MODERATE_UNBAN, user, 0);
    }
  }
  if (world->slow[room].is_unknown) {
    guest_set_slow_mode(stay, 0);
  }
  if (world->slow[room].is_topic_unknown) {
    guest_set_topic(stay);
  }
  for (uint64_t offset = 1; offset < VIEW_OFFSETS_MAX && stay->is_member; offset++) {
    if (world->half_deleted[room][offset]) {
      guest_delete_at(stay, offset);
      return;
    }
  }
}

bool world_is_known(const struct world *world) {
  bool is_known = true;
  for (uint32_t room = 0; room < ROOMS; room++) {
    for (unsigned user = 0; user < USERS; user++) {
      const struct oracle_sanction *mute = &world->mutes[room][user], *ban = &world->bans[room][user];
      is_known = is_known && !mute->is_unknown && mute->changing == 0 && !ban->is_unknown && ban->changing == 0;
    }
    is_known = is_known && world->slow[room].changing == 0 && !world->slow[room].is_unknown &&
               !world->slow[room].is_topic_unknown;
    for (uint64_t offset = 1; offset < VIEW_OFFSETS_MAX; offset++) {
      is_known = is_known && !world->half_deleted[room][offset];
    }
  }
  return is_known;
}
