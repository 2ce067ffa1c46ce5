/* The calls that a person makes, and what they tell. */
#include <chatroom/v1/chatroom.client.stoa.h>
#include <stdlib.h>
#include <string.h>

#include "../now.h"
#include "chat/link_private.h"

#define TYPING_MS 3000

/* One function for every call whose reply says nothing but that it was done. */
#define ON_DONE(name, reply_type, what)                                                                  \
  static void name(void *user, struct stoa_client *client, const struct chatroom_v1_##reply_type *reply, \
                   const struct stoa_call_end *end) {                                                    \
    (void)client;                                                                                        \
    if (reply == NULL) {                                                                                 \
      chat_link_report(user, what, end);                                                                 \
    }                                                                                                    \
  }
ON_DONE(on_edited, edit_reply, "not changed")
ON_DONE(on_deleted, delete_reply, "not deleted")
ON_DONE(on_reacted, react_reply, "no reaction")
ON_DONE(on_topic, set_room_reply, "the topic is as before")

void chat_link_edit(struct chat_link *link, uint64_t offset, const char *text) {
  const struct chatroom_v1_edit_request request = {
      .room = stoa_string_of(link->room_name), .offset = offset, .text = stoa_string_of(text)};
  chat_link_report_status(
      link, "not changed",
      chatroom_v1_chatroom_service_client_call_edit(link->client, &request, CHAT_CALL_MS, on_edited, link, NULL));
}

void chat_link_delete(struct chat_link *link, uint64_t offset) {
  const struct chatroom_v1_delete_request request = {.room = stoa_string_of(link->room_name), .offset = offset};
  chat_link_report_status(
      link, "not deleted",
      chatroom_v1_chatroom_service_client_call_delete(link->client, &request, CHAT_CALL_MS, on_deleted, link, NULL));
}

void chat_link_react(struct chat_link *link, uint64_t offset, const char *emoji, bool off) {
  const struct chatroom_v1_react_request request = {
      .room = stoa_string_of(link->room_name), .offset = offset, .emoji = stoa_string_of(emoji), .off = off};
  chat_link_report_status(
      link, "no reaction",
      chatroom_v1_chatroom_service_client_call_react(link->client, &request, CHAT_CALL_MS, on_reacted, link, NULL));
}

void chat_link_set_topic(struct chat_link *link, const char *topic) {
  const struct stoa_string text = stoa_string_of(topic);
  const struct chatroom_v1_set_room_request request = {
      .room = stoa_string_of(link->room_name), .has_topic = true, .topic = text};
  chat_link_report_status(
      link, "the topic is as before",
      chatroom_v1_chatroom_service_client_call_set_room(link->client, &request, CHAT_CALL_MS, on_topic, link, NULL));
}

static void on_nick(void *user, struct stoa_client *client, const struct chatroom_v1_set_nick_reply *reply,
                    const struct stoa_call_end *end) {
  struct chat_link *link = user;
  (void)client;
  if (reply == NULL) {
    chat_link_report(link, "the name is as before", end);
    return;
  }
  chat_copy_text(link->nick, sizeof link->nick, reply->nick);
  chat_link_keep_token(link, reply->guest_token);
  chat_link_notice(link, "you are %s now", link->nick);
  chat_link_change(link);
}

void chat_link_set_nick(struct chat_link *link, const char *nick) {
  const struct chatroom_v1_set_nick_request request = {.nick = stoa_string_of(nick)};
  if (link->state == CHAT_LINK_UNNAMED) {
    chat_link_greet(link, nick);
    return;
  }
  chat_link_report_status(
      link, "the name is as before",
      chatroom_v1_chatroom_service_client_call_set_nick(link->client, &request, CHAT_CALL_MS, on_nick, link, NULL));
}

static void on_found(void *user, struct stoa_client *client, const struct chatroom_v1_search_reply *reply,
                     const struct stoa_call_end *end) {
  struct chat_link *link = user;
  (void)client;
  if (reply == NULL) {
    chat_link_report(link, "the search", end);
    return;
  }
  for (size_t i = reply->items.count; i > 0; i--) {
    const struct chatroom_v1_chat_message *found = &reply->items.items[i - 1];
    chat_link_notice(link, "%.10s %.*s: %.*s", found->timestamp.len >= 10 ? found->timestamp.data : "          ",
                     (int)found->sender.len, found->sender.data,
                     (int)(found->message.len < 400 ? found->message.len : 400), found->message.data);
  }
  chat_link_notice(link, reply->continue_before != 0 ? "%zu found, there may be older ones" : "%zu found",
                   reply->items.count);
}

void chat_link_search(struct chat_link *link, const char *text) {
  const struct chatroom_v1_search_request request = {.room = stoa_string_of(link->room_name),
                                                     .text = stoa_string_of(text)};
  chat_link_report_status(
      link, "the search",
      chatroom_v1_chatroom_service_client_call_search(link->client, &request, CHAT_CALL_MS, on_found, link, NULL));
}

static void on_rooms(void *user, struct stoa_client *client, const struct chatroom_v1_rooms_reply *reply,
                     const struct stoa_call_end *end) {
  struct chat_link *link = user;
  (void)client;
  if (reply == NULL) {
    chat_link_report(link, "the rooms", end);
    return;
  }
  for (size_t i = 0; i < reply->rooms.count; i++) {
    const struct chatroom_v1_room *room = &reply->rooms.items[i];
    chat_link_notice(link, "#%.*s  %u online, %u unread  %.*s", (int)room->name.len, room->name.data, room->online,
                     room->unread, (int)room->topic.len, room->topic.data);
  }
}

void chat_link_list_rooms(struct chat_link *link) {
  const struct chatroom_v1_rooms_request request = {0};
  chat_link_report_status(
      link, "the rooms",
      chatroom_v1_chatroom_service_client_call_rooms(link->client, &request, CHAT_CALL_MS, on_rooms, link, NULL));
}

static void on_other_left(void *user, struct stoa_client *client, const struct chatroom_v1_leave_reply *reply,
                          const struct stoa_call_end *end) {
  (void)user, (void)client, (void)reply, (void)end; /* whatever the answer is, this room is not shown any more */
}

void chat_link_join(struct chat_link *link, const char *name) {
  const struct chatroom_v1_leave_request leave = {.room = stoa_string_of(link->room_name)};
  if (link->outgoing_count > 0 || link->state == CHAT_LINK_UNNAMED) {
    chat_link_notice(
        link, link->outgoing_count > 0 ? "wait until your messages are sent" : "choose a name first: /nick NAME");
    return;
  }
  if (link->state == CHAT_LINK_ONLINE || link->state == CHAT_LINK_JOINING) {
    chat_link_report_status(
        link, "leaving",
        chatroom_v1_chatroom_service_client_call_leave(link->client, &leave, CHAT_CALL_MS, on_other_left, link, NULL));
  }
  char *user_id = link->room.user_id;
  link->room.user_id = NULL;
  chat_room_fini(&link->room);
  link->room.user_id = user_id;
  link->was_online = false;
  link->is_loading = false;
  link->topic[0] = '\0';
  chat_copy_text(link->room_name, sizeof link->room_name, stoa_string_of(name));
  if (stoa_client_state(link->client) == STOA_CLIENT_OPEN) {
    chat_link_enter_room(link);
  }
}

static void on_history(void *user, struct stoa_client *client, const struct chatroom_v1_history_reply *reply,
                       const struct stoa_call_end *end) {
  struct chat_link *link = user;
  (void)client;
  link->is_loading = false;
  if (reply == NULL) {
    chat_link_report(link, "older messages", end);
  } else if (!chat_room_add_page(&link->room, reply)) {
    chat_link_notice(link, "memory is out: older messages are missing");
  }
  chat_link_change(link);
}

void chat_link_load_older(struct chat_link *link) {
  const struct chat_room *room = &link->room;
  if (link->is_loading || link->state != CHAT_LINK_ONLINE || !room->has_more_before || room->message_count == 0) {
    return;
  }
  const struct chatroom_v1_history_request request = {.room = stoa_string_of(link->room_name),
                                                      .epoch = room->epoch,
                                                      .before = room->messages[0]->offset,
                                                      .limit = CHAT_HISTORY_PAGE};
  link->is_loading = chatroom_v1_chatroom_service_client_call_history(link->client, &request, CHAT_CALL_MS, on_history,
                                                                      link, NULL) == STOA_OK;
}

void chat_link_type(struct chat_link *link, bool is_typing) {
  const struct chatroom_v1_typing_message typing = {
      .room = stoa_string_of(link->room_name),
      .state = is_typing ? CHATROOM_V1_TYPING_STATE_TYPING_ACTIVE : CHATROOM_V1_TYPING_STATE_TYPING_DONE};
  int64_t now_ms = tool_now_ms();
  bool is_due = is_typing ? now_ms - link->typing_at_ms >= TYPING_MS : link->typing_at_ms != 0;
  if (link->state != CHAT_LINK_ONLINE || !is_due) {
    return;
  }
  link->typing_at_ms = is_typing ? now_ms : 0;
  /* At most once: a lost one is no harm. */
  int ignored = chatroom_v1_client_send_typing(link->client, &typing);
  (void)ignored;
}

void chat_link_mark_read(struct chat_link *link) {
  const struct chatroom_v1_read_message read = {.room = stoa_string_of(link->room_name), .offset = link->room.offset};
  if (link->state == CHAT_LINK_ONLINE && link->room.offset != 0) {
    int ignored = chatroom_v1_client_send_read(link->client, &read);
    (void)ignored; /* the next one tells more */
  }
}
