/* What a client knows of a room follows from pages and pushes alike. */
#include "terminal_test.h"

#include <stdlib.h>
#include <string.h>

#include "chat/room.h"

#define ME "me"

static struct chatroom_v1_chat_message said(uint64_t offset, const char *user, const char *text) {
  return (struct chatroom_v1_chat_message){.message = stoa_string_of(text),
                                           .sender = stoa_string_of(user),
                                           .user_id = stoa_string_of(user),
                                           .offset = offset,
                                           .epoch = 1,
                                           .ts_ms = (int64_t)offset * 1000};
}

static void push(struct chat_room *room, uint64_t offset, const char *user, const char *text) {
  const struct chatroom_v1_chat_message message = said(offset, user, text);
  assert_true(chat_room_add(room, &message));
}

static void push_event(struct chat_room *room, enum chatroom_v1_event_kind kind, uint64_t offset, const char *user,
                       const char *text, bool off) {
  const struct chatroom_v1_event_message event = {.kind = (int32_t)kind,
                                                  .offset = offset,
                                                  .epoch = 1,
                                                  .target = 1,
                                                  .text = stoa_string_of(text),
                                                  .emoji = stoa_string_of(text),
                                                  .user_id = stoa_string_of(user),
                                                  .off = off};
  assert_true(chat_room_apply(room, &event));
}

/* A room that was joined with nothing in it. */
static struct chat_room joined(void) {
  struct chat_room room = {0};
  const struct chatroom_v1_join_reply reply = {.epoch = 1};
  assert_true(chat_room_set_user(&room, (struct stoa_string)STOA_STR(ME)));
  assert_true(chat_room_joined(&room, &reply));
  return room;
}

static void messages_are_there_once_and_in_order(void **state) {
  struct chat_room room = joined();
  (void)state;
  push(&room, 1, "Ada", "one");
  push(&room, 3, ME, "three");
  push(&room, 3, ME, "three"); /* pushed again, by a recovery */
  push(&room, 1, "Ada", "one");
  assert_int_equal(room.message_count, 2);
  assert_string_equal(chat_room_find(&room, 3)->text, "three");
  assert_null(chat_room_find(&room, 2));
  assert_true(chat_room_find(&room, 3)->is_mine && !chat_room_find(&room, 1)->is_mine);
  assert_int_equal(room.offset, 3);
  chat_room_fini(&room);
}

static void events_change_their_message(void **state) {
  struct chat_room room = joined();
  (void)state;
  push(&room, 1, ME, "helo");
  push_event(&room, CHATROOM_V1_EVENT_KIND_EVENT_EDIT, 2, ME, "hello", false);
  assert_string_equal(chat_room_find(&room, 1)->text, "hello");
  assert_true(chat_room_find(&room, 1)->is_edited);
  push_event(&room, CHATROOM_V1_EVENT_KIND_EVENT_REACT, 3, "Ada", "+", false);
  push_event(&room, CHATROOM_V1_EVENT_KIND_EVENT_REACT, 4, ME, "+", false);
  push_event(&room, CHATROOM_V1_EVENT_KIND_EVENT_REACT, 5, "Ada", "+", true);
  assert_int_equal(chat_room_find(&room, 1)->reaction_count, 1);
  assert_int_equal(chat_room_find(&room, 1)->reactions[0].count, 1);
  assert_true(chat_room_find(&room, 1)->reactions[0].is_mine);
  push_event(&room, CHATROOM_V1_EVENT_KIND_EVENT_DELETE, 6, ME, "", false);
  assert_true(chat_room_find(&room, 1)->is_deleted);
  assert_string_equal(chat_room_find(&room, 1)->text, "");
  assert_int_equal(chat_room_find(&room, 1)->reaction_count, 0);
  assert_null(chat_room_last_own(&room));
  assert_int_equal(room.offset, 6);
  chat_room_fini(&room);
}

static void what_a_page_has_already_is_not_done_again(void **state) {
  struct chat_room room = joined();
  const struct chatroom_v1_reaction one = {.count = 2, .mine = false};
  const struct chatroom_v1_chat_message_reactions_entry entry = {STOA_STR("+"), &one};
  struct chatroom_v1_chat_message old = said(1, "Ada", "old");
  (void)state;
  push(&room, 5, "Ada", "new");
  old.reactions.items = &entry;
  old.reactions.count = 1;
  /* The page knows of events up to 8; their pushes are still on their way. */
  const struct chatroom_v1_history_reply page = {.items = {&old, 1}, .top = 8, .epoch = 1, .more = true};
  assert_true(chat_room_add_page(&room, &page));
  assert_true(room.has_more_before);
  push_event(&room, CHATROOM_V1_EVENT_KIND_EVENT_REACT, 7, "Bo", "+", false);
  assert_int_equal(chat_room_find(&room, 1)->reactions[0].count, 2);
  push_event(&room, CHATROOM_V1_EVENT_KIND_EVENT_REACT, 9, "Cy", "+", false);
  assert_int_equal(chat_room_find(&room, 1)->reactions[0].count, 3);
  chat_room_fini(&room);
}

static void a_recovery_keeps_what_is_there_and_a_new_page_replaces_it(void **state) {
  struct chat_room room = joined();
  const struct chatroom_v1_chat_message newest = said(90, "Ada", "newest");
  const struct chatroom_v1_join_reply back = {.epoch = 1, .was_recovering = true, .recovered = true, .offset = 1};
  const struct chatroom_v1_join_reply lost = {
      .epoch = 2, .was_recovering = true, .items = {&newest, 1}, .offset = 90, .more_before = true};
  (void)state;
  push(&room, 1, "Ada", "one");
  assert_true(chat_room_joined(&room, &back));
  assert_int_equal(room.message_count, 1);
  assert_true(chat_room_joined(&room, &lost));
  assert_int_equal(room.message_count, 1);
  assert_string_equal(room.messages[0]->text, "newest");
  assert_int_equal(room.epoch, 2);
  assert_int_equal(room.offset, 90);
  chat_room_fini(&room);
}

static void the_oldest_messages_are_dropped_at_the_cap(void **state) {
  struct chat_room room = joined();
  (void)state;
  for (uint64_t i = 1; i <= CHAT_ROOM_MESSAGES_MAX + 10; i++) {
    push(&room, i, "Ada", "x");
  }
  assert_int_equal(room.message_count, CHAT_ROOM_MESSAGES_MAX);
  assert_int_equal(room.messages[0]->offset, 11);
  assert_true(room.has_more_before);
  chat_room_fini(&room);
}

static void people_come_change_and_go(void **state) {
  struct chat_room room = joined();
  const struct chatroom_v1_member members[] = {{.user_id = STOA_STR("a"), .nick = STOA_STR("Ada")},
                                               {.user_id = STOA_STR("b"), .nick = STOA_STR("Bo")}};
  const struct chatroom_v1_presence_reply list = {.version = 4, .members = {members, 2}, .total = 2};
  const struct chatroom_v1_member changed = {.user_id = STOA_STR("a"), .nick = STOA_STR("Ada L."), .away = true};
  const struct stoa_string gone = STOA_STR("b");
  const struct chatroom_v1_presence_diff_message old = {.version = 4, .leaves = {&gone, 1}, .total = 1};
  const struct chatroom_v1_presence_diff_message diff = {
      .version = 5, .joins = {&changed, 1}, .leaves = {&gone, 1}, .total = 1};
  const struct chatroom_v1_presence_diff_message large = {.version = 6, .total = 5000, .truncated = true};
  (void)state;
  assert_true(chat_room_set_people(&room, &list));
  assert_true(chat_room_apply_people(&room, &old)); /* the list has it */
  assert_int_equal(room.people_count, 2);
  assert_true(chat_room_apply_people(&room, &diff));
  assert_int_equal(room.people_count, 1);
  assert_string_equal(room.people[0].nick, "Ada L.");
  assert_true(room.people[0].is_away);
  assert_true(chat_room_apply_people(&room, &large));
  assert_int_equal(room.people_count, 0);
  assert_int_equal(room.people_total, 5000);
  chat_room_fini(&room);
}

static void who_types_is_forgotten_by_time_message_and_leave(void **state) {
  struct chat_room room = joined();
  struct chatroom_v1_typing_message typing = {.user_id = STOA_STR("a"), .nick = STOA_STR("Ada")};
  const struct chatroom_v1_typing_message own = {.user_id = STOA_STR(ME), .nick = STOA_STR(ME)};
  (void)state;
  assert_true(chat_room_note_typing(&room, &own, 0));
  assert_int_equal(room.typing_count, 0);
  assert_true(chat_room_note_typing(&room, &typing, 1000));
  assert_int_equal(chat_room_forget_typing(&room, 6999), 7000);
  assert_int_equal(room.typing_count, 1);
  assert_int_equal(chat_room_forget_typing(&room, 7000), INT64_MAX);
  assert_int_equal(room.typing_count, 0);
  assert_true(chat_room_note_typing(&room, &typing, 1000));
  push(&room, 1, "a", "done");
  assert_int_equal(room.typing_count, 0);
  assert_true(chat_room_note_typing(&room, &typing, 1000));
  typing.state = CHATROOM_V1_TYPING_STATE_TYPING_DONE;
  assert_true(chat_room_note_typing(&room, &typing, 1000));
  assert_int_equal(room.typing_count, 0);
  chat_room_fini(&room);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_are_there_once_and_in_order),
      cmocka_unit_test(events_change_their_message),
      cmocka_unit_test(what_a_page_has_already_is_not_done_again),
      cmocka_unit_test(a_recovery_keeps_what_is_there_and_a_new_page_replaces_it),
      cmocka_unit_test(the_oldest_messages_are_dropped_at_the_cap),
      cmocka_unit_test(people_come_change_and_go),
      cmocka_unit_test(who_types_is_forgotten_by_time_message_and_leave),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
