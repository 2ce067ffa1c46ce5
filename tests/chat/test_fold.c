#include "fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stoa/status.h>

#define MESSAGES 6
#define EMOJI 3
#define USERS 4
#define EVENTS_MAX 120

static uint32_t next(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

/* What a client shows that applies the pushes as they arrive, in the simplest form. */
struct shown {
  char text[16];
  int64_t edited_ms;
  bool deleted;
  bool reactions[EMOJI][USERS];
};

struct client {
  struct shown messages[MESSAGES];
};

static uint64_t offset_of(int message) {
  return 10 * ((uint64_t)message + 1);
}

static struct chatroom_v1_chat_message chat_of(int message, char text[16]) {
  snprintf(text, 16, "m%d", message);
  return (struct chatroom_v1_chat_message){.message = stoa_string_of(text),
                                           .sender = STOA_STR("Ann"),
                                           .room = STOA_STR("hall"),
                                           .user_id = STOA_STR("u0"),
                                           .offset = offset_of(message)};
}

/* A random event, of a message or of none. */
struct pushed {
  struct chatroom_v1_event_message event;
  int message, emoji, user;
  char text[16], emoji_text[16], user_text[16];
};

static void make(struct pushed *pushed, uint32_t *seed, uint64_t offset) {
  static const int32_t kinds[] = {CHATROOM_V1_EVENT_KIND_EVENT_EDIT,  CHATROOM_V1_EVENT_KIND_EVENT_REACT,
                                  CHATROOM_V1_EVENT_KIND_EVENT_REACT, CHATROOM_V1_EVENT_KIND_EVENT_REACT,
                                  CHATROOM_V1_EVENT_KIND_EVENT_TOPIC, CHATROOM_V1_EVENT_KIND_EVENT_UNKNOWN};
  bool is_delete = next(seed) % 40 == 0;
  pushed->message = (int)(next(seed) % (MESSAGES + 1));
  pushed->emoji = (int)(next(seed) % EMOJI);
  pushed->user = (int)(next(seed) % USERS);
  snprintf(pushed->text, sizeof pushed->text, "e%u", next(seed) % 1000);
  snprintf(pushed->emoji_text, sizeof pushed->emoji_text, "x%d", pushed->emoji);
  snprintf(pushed->user_text, sizeof pushed->user_text, "u%d", pushed->user);
  pushed->event = (struct chatroom_v1_event_message){
      .kind = is_delete ? CHATROOM_V1_EVENT_KIND_EVENT_DELETE : kinds[next(seed) % 6],
      .offset = offset,
      .target = pushed->message == MESSAGES ? 5 : offset_of(pushed->message),
      .text = stoa_string_of(pushed->text),
      .emoji = stoa_string_of(pushed->emoji_text),
      .user_id = stoa_string_of(pushed->user_text),
      .off = next(seed) % 3 == 0,
      .ts_ms = (int64_t)offset,
  };
}

static void receive(struct client *client, const struct pushed *pushed) {
  struct shown *message = pushed->message == MESSAGES ? NULL : &client->messages[pushed->message];
  if (message == NULL || message->deleted) {
    return;
  }
  if (pushed->event.kind == CHATROOM_V1_EVENT_KIND_EVENT_DELETE) {
    *message = (struct shown){.deleted = true};
  } else if (pushed->event.kind == CHATROOM_V1_EVENT_KIND_EVENT_EDIT) {
    snprintf(message->text, sizeof message->text, "%s", pushed->text);
    message->edited_ms = pushed->event.ts_ms;
  } else if (pushed->event.kind == CHATROOM_V1_EVENT_KIND_EVENT_REACT) {
    message->reactions[pushed->emoji][pushed->user] = !pushed->event.off;
  }
}

static void check_reaction(const struct chatroom_v1_chat_message *message, const struct shown *shown, int emoji,
                           int viewer, size_t *out_count) {
  char text[16];
  uint32_t users = 0;
  snprintf(text, sizeof text, "x%d", emoji);
  for (int user = 0; user < USERS; user++) {
    users += shown->reactions[emoji][user] ? 1 : 0;
  }
  *out_count += users > 0 ? 1 : 0;
  for (size_t i = 0; i < message->reactions.count; i++) {
    if (stoa_string_equal(message->reactions.items[i].key, stoa_string_of(text))) {
      assert_int_equal(message->reactions.items[i].value->count, users);
      assert_int_equal(message->reactions.items[i].value->mine, shown->reactions[emoji][viewer]);
      return;
    }
  }
  assert_int_equal(users, 0);
}

static void check_same(struct fold *fold, const struct client *client, int viewer) {
  char viewer_text[16];
  snprintf(viewer_text, sizeof viewer_text, "u%d", viewer);
  for (int i = 0; i < MESSAGES; i++) {
    const struct shown *shown = &client->messages[i];
    struct chatroom_v1_chat_message message;
    size_t reactions = 0;
    assert_int_equal(fold_message(fold, (size_t)i, stoa_string_of(viewer_text), &message), STOA_OK);
    assert_true(stoa_string_equal(message.message, stoa_string_of(shown->text)));
    assert_int_equal(message.edited_ms, shown->edited_ms);
    assert_int_equal(message.deleted, shown->deleted);
    for (int emoji = 0; emoji < EMOJI; emoji++) {
      check_reaction(&message, shown, emoji, viewer, &reactions);
    }
    assert_int_equal(message.reactions.count, reactions);
  }
}

static void test_a_client_that_gets_the_pushes_shows_what_a_page_has(void **state) {
  (void)state;
  for (uint32_t run = 1; run <= 300; run++) {
    uint32_t seed = run;
    struct client client = {0};
    struct fold *fold = fold_create(MESSAGES);
    assert_non_null(fold);
    for (int i = 0; i < MESSAGES; i++) {
      char text[16];
      const struct chatroom_v1_chat_message message = chat_of(i, text);
      assert_int_equal(fold_add(fold, &message), STOA_OK);
      snprintf(client.messages[i].text, sizeof client.messages[i].text, "%s", text);
    }
    uint32_t count = next(&seed) % EVENTS_MAX;
    for (uint32_t i = 0; i < count; i++) {
      struct pushed pushed;
      make(&pushed, &seed, 1000 + i);
      receive(&client, &pushed);
      assert_int_equal(fold_apply(fold, &pushed.event), STOA_OK);
    }
    check_same(fold, &client, (int)(next(&seed) % USERS));
    fold_destroy(fold);
  }
}

static void test_events_are_counted_and_a_deletion_has_its_place(void **state) {
  char text[16];
  (void)state;
  struct fold *fold = fold_create(1);
  const struct chatroom_v1_chat_message message = chat_of(0, text);
  assert_int_equal(fold_add(fold, &message), STOA_OK);
  struct chatroom_v1_event_message event = {.kind = CHATROOM_V1_EVENT_KIND_EVENT_EDIT, .target = 10, .offset = 11};
  assert_int_equal(fold_apply(fold, &event), STOA_OK);
  event.kind = CHATROOM_V1_EVENT_KIND_EVENT_REACT;
  event.offset = 12;
  event.emoji = stoa_string_of("x");
  assert_int_equal(fold_apply(fold, &event), STOA_OK);
  event.off = true;
  assert_int_equal(fold_apply(fold, &event), STOA_OK);
  event.kind = CHATROOM_V1_EVENT_KIND_EVENT_DELETE;
  event.offset = 14;
  assert_int_equal(fold_apply(fold, &event), STOA_OK);
  const struct fold_history history = fold_history(fold, 0);
  assert_int_equal(history.edit_count, 1);
  assert_int_equal(history.react_count, 2);
  assert_int_equal(history.edit_offset, 11);
  assert_int_equal(history.delete_offset, 14);
  assert_int_equal(fold_count(fold), 1);
  assert_int_equal(fold_offset(fold, 0), 10);
  fold_destroy(fold);
}

static void test_a_message_without_content_stays_so(void **state) {
  char text[16];
  (void)state;
  struct fold *fold = fold_create(2);
  struct chatroom_v1_chat_message message = chat_of(0, text);
  message.deleted = true;
  assert_int_equal(fold_add(fold, &message), STOA_OK);
  const struct chatroom_v1_event_message event = {
      .kind = CHATROOM_V1_EVENT_KIND_EVENT_EDIT, .target = 10, .offset = 11, .text = STOA_STR("again")};
  assert_int_equal(fold_apply(fold, &event), STOA_OK);
  struct chatroom_v1_chat_message found;
  assert_int_equal(fold_message(fold, 0, stoa_string_of("u0"), &found), STOA_OK);
  assert_true(found.deleted);
  assert_int_equal(found.message.len, 0);
  fold_destroy(fold);
}

static void test_a_fold_has_bounds(void **state) {
  char text[16];
  (void)state;
  struct fold *fold = fold_create(1);
  struct chatroom_v1_chat_message message = chat_of(0, text);
  assert_int_equal(fold_add(fold, &message), STOA_OK);
  message.offset = 20;
  assert_int_equal(fold_add(fold, &message), STOA_E_LIMIT);
  char *huge = calloc(1, FOLD_BYTES_MAX + 1);
  assert_non_null(huge);
  struct chatroom_v1_event_message event = {
      .kind = CHATROOM_V1_EVENT_KIND_EVENT_EDIT, .target = 10, .text = stoa_string_make(huge, FOLD_BYTES_MAX + 1)};
  assert_int_equal(fold_apply(fold, &event), STOA_E_LIMIT);
  event.kind = CHATROOM_V1_EVENT_KIND_EVENT_REACT;
  event.emoji = event.text;
  assert_int_equal(fold_apply(fold, &event), STOA_E_LIMIT);
  free(huge);
  fold_destroy(fold);
  fold_destroy(NULL);
}

static void test_the_last_reaction_of_a_user_has_its_offset(void **state) {
  struct fold *fold = fold_create(1);
  char text[16];
  const struct chatroom_v1_chat_message message = chat_of(0, text);
  struct chatroom_v1_event_message event = {.kind = CHATROOM_V1_EVENT_KIND_EVENT_REACT,
                                            .offset = 20,
                                            .target = offset_of(0),
                                            .emoji = STOA_STR("x0"),
                                            .user_id = STOA_STR("u0")};
  (void)state;
  assert_non_null(fold);
  assert_int_equal(fold_add(fold, &message), STOA_OK);
  assert_int_equal(fold_reaction_offset(fold, 0, event.emoji, event.user_id), 0);
  assert_int_equal(fold_apply(fold, &event), STOA_OK);
  assert_int_equal(fold_reaction_offset(fold, 0, event.emoji, event.user_id), 20);
  event.offset = 21;
  event.off = true;
  assert_int_equal(fold_apply(fold, &event), STOA_OK);
  assert_int_equal(fold_reaction_offset(fold, 0, event.emoji, event.user_id), 21);
  assert_int_equal(fold_reaction_offset(fold, 0, event.emoji, stoa_string_of("u1")), 0);
  assert_int_equal(fold_reaction_offset(fold, 0, stoa_string_of("x1"), event.user_id), 0);
  fold_destroy(fold);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_last_reaction_of_a_user_has_its_offset),
      cmocka_unit_test(test_a_client_that_gets_the_pushes_shows_what_a_page_has),
      cmocka_unit_test(test_events_are_counted_and_a_deletion_has_its_place),
      cmocka_unit_test(test_a_message_without_content_stays_so),
      cmocka_unit_test(test_a_fold_has_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
