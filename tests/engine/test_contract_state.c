/* The contract of engine/engine.h, for the engine that is named as argument: state, redaction, search, retention. */
#include "engines.h"

#include <stdio.h>

static struct kit kit;
static struct kit_answer answer;

#define LOBBY stoa_string_of("lobby")

static struct stoa_engine_port *port(void) {
  return kit.ports[0].port;
}

static void begin(void) {
  kit_forget(&answer);
}

static enum stoa_engine_status end(int status) {
  assert_int_equal(status, STOA_OK);
  assert_int_equal(answer.calls, 0);
  kit_await(&kit, &answer);
  return answer.told.status;
}

#define CALL(function, ...) (begin(), end(function(port(), __VA_ARGS__, kit_done, &answer)))

static enum stoa_engine_status search(struct stoa_string room, struct stoa_string text, uint64_t before,
                                      uint32_t limit) {
  const struct stoa_engine_wanted wanted = {text, before, limit};
  return CALL(stoa_engine_search, room, &wanted);
}

static struct stoa_bytes bytes(const char *text) {
  return stoa_bytes_make(text, strlen(text));
}

static void read_all(const char *room) {
  const struct stoa_engine_query query = {.room = stoa_string_of(room), .is_forward = true};
  kit_forget(&answer);
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_OK);
}

static void finish(void) {
  kit_forget(&answer);
  engines_close(&kit);
}

static void values_are_put_read_listed_and_removed(void **state) {
  (void)state;
  engines_open(&kit, NULL);
  struct stoa_string scope = stoa_string_of("room:lobby");
  assert_int_equal(CALL(stoa_engine_state_read, scope, stoa_string_of("topic")), STOA_ENGINE_NOT_FOUND);
  assert_int_equal(CALL(stoa_engine_state_put, scope, stoa_string_of("topic"), bytes("tea")), STOA_ENGINE_OK);
  assert_int_equal(CALL(stoa_engine_state_put, scope, stoa_string_of("topic"), bytes("coffee")), STOA_ENGINE_OK);
  assert_int_equal(CALL(stoa_engine_state_put, scope, stoa_string_of("ban:bob"), bytes("1")), STOA_ENGINE_OK);
  assert_int_equal(CALL(stoa_engine_state_put, scope, stoa_string_of("ban:cy"), bytes("2")), STOA_ENGINE_OK);
  assert_int_equal(CALL(stoa_engine_state_put, stoa_string_of("room:x"), stoa_string_of("topic"), bytes("no")),
                   STOA_ENGINE_OK);
  assert_int_equal(CALL(stoa_engine_state_read, scope, stoa_string_of("topic")), STOA_ENGINE_OK);
  assert_int_equal(answer.told.item_count, 1);
  assert_string_equal(answer.values[0], "coffee");
  assert_int_equal(CALL(stoa_engine_state_list, scope, stoa_string_of(""), 2), STOA_ENGINE_OK);
  assert_int_equal(answer.told.item_count, 2);
  assert_false(answer.told.is_complete);
  assert_string_equal(answer.names[0], "ban:bob");
  assert_string_equal(answer.names[1], "ban:cy");
  assert_string_equal(answer.values[1], "2");
  assert_int_equal(CALL(stoa_engine_state_list, scope, stoa_string_of("ban:cy"), 2), STOA_ENGINE_OK);
  assert_int_equal(answer.told.item_count, 1);
  assert_true(answer.told.is_complete);
  assert_int_equal(CALL(stoa_engine_state_put, scope, stoa_string_of("topic"), bytes("")), STOA_ENGINE_OK);
  assert_int_equal(CALL(stoa_engine_state_read, scope, stoa_string_of("topic")), STOA_ENGINE_NOT_FOUND);
  finish();
}

static void values_have_bounds(void **state) {
  (void)state;
  static uint8_t big[STOA_ENGINE_VALUE_LEN_MAX + 1];
  engines_open(&kit, NULL);
  struct stoa_string key = stoa_string_of("k");
  assert_int_equal(CALL(stoa_engine_state_put, key, key, stoa_bytes_make(big, sizeof big)), STOA_ENGINE_TOO_BIG);
  assert_int_equal(CALL(stoa_engine_state_put, stoa_string_of(""), key, bytes("v")), STOA_ENGINE_INVALID);
  assert_int_equal(CALL(stoa_engine_state_put, key, stoa_string_of("\xff"), bytes("v")), STOA_ENGINE_INVALID);
  assert_int_equal(CALL(stoa_engine_state_read, key, stoa_string_of("")), STOA_ENGINE_INVALID);
  assert_int_equal(CALL(stoa_engine_state_list, stoa_string_of(""), key, 1), STOA_ENGINE_INVALID);
  finish();
}

static void rooms_are_listed_by_name(void **state) {
  (void)state;
  engines_open(&kit, NULL);
  kit_fill(&kit, "b", 1, 2);
  kit_fill(&kit, "a", 1, 3);
  kit_advance_ms(&kit, 7);
  kit_fill(&kit, "c", 1, 1);
  assert_int_equal(CALL(stoa_engine_subscribe, stoa_string_of("no messages yet")), STOA_ENGINE_OK);
  assert_int_equal(CALL(stoa_engine_rooms, stoa_string_of(""), 2), STOA_ENGINE_OK);
  assert_int_equal(answer.told.item_count, 2);
  assert_false(answer.told.is_complete);
  assert_string_equal(answer.names[0], "a");
  assert_string_equal(answer.names[1], "b");
  assert_int_equal(CALL(stoa_engine_rooms, stoa_string_of("b"), 2), STOA_ENGINE_OK);
  assert_int_equal(answer.told.item_count, 1);
  assert_true(answer.told.is_complete);
  assert_string_equal(answer.names[0], "c");
  finish();
}

static void a_redacted_message_keeps_its_offset_and_its_id(void **state) {
  (void)state;
  engines_open(&kit, NULL);
  kit_fill(&kit, "lobby", 1, 100);
  const struct stoa_engine_draft edit = {
      .kind = STOA_ENGINE_EVENT, .type = 33, .target = 2, .sender = STOA_STR("ann"), .body = bytes("m2 better")};
  kit_publish_draft(&kit, "lobby", &edit);
  const struct stoa_engine_draft other = {.kind = STOA_ENGINE_EVENT, .type = 33, .target = 3, .body = bytes("m3 new")};
  kit_publish_draft(&kit, "lobby", &other);
  assert_int_equal(CALL(stoa_engine_redact, LOBBY, 2), STOA_ENGINE_OK);
  assert_int_equal(answer.told.count, 2);
  assert_int_equal(CALL(stoa_engine_redact, LOBBY, 100), STOA_ENGINE_OK);
  read_all("lobby");
  assert_int_equal(answer.told.message_count, 102);
  kit_assert_body(answer.messages[1], "");
  assert_true(answer.messages[1]->place.is_redacted);
  assert_int_equal(answer.messages[1]->place.offset, 2);
  kit_assert_body(answer.messages[99], "");
  kit_assert_body(answer.messages[100], "");
  kit_assert_body(answer.messages[101], "m3 new");
  kit_assert_body(answer.messages[2], "m3");
  struct stoa_engine_answer again = kit_publish(&kit, "lobby", "ann", "id-2", "m2");
  assert_int_equal(again.status, STOA_ENGINE_DUPLICATE);
  assert_int_equal(again.offset, 2);
  assert_int_equal(CALL(stoa_engine_redact, LOBBY, 1000), STOA_ENGINE_NOT_FOUND);
  assert_int_equal(CALL(stoa_engine_redact, stoa_string_of("nowhere"), 1), STOA_ENGINE_NOT_FOUND);
  assert_int_equal(CALL(stoa_engine_redact, LOBBY, 0), STOA_ENGINE_INVALID);
  finish();
}

static void what_was_handed_out_does_not_change(void **state) {
  (void)state;
  struct kit_answer before;
  engines_open(&kit, NULL);
  kit_fill(&kit, "lobby", 1, 1);
  const struct stoa_engine_query query = {.room = LOBBY};
  kit_history(&kit, &query, &before);
  assert_int_equal(CALL(stoa_engine_redact, LOBBY, 1), STOA_ENGINE_OK);
  kit_assert_body(before.messages[0], "m1");
  kit_forget(&before);
  finish();
}

static void a_user_is_erased_in_all_rooms(void **state) {
  (void)state;
  engines_open(&kit, NULL);
  kit_fill(&kit, "lobby", 1, 80);
  kit_publish(&kit, "lobby", "bob", "b1", "bob's own");
  const struct stoa_engine_draft reaction = {
      .kind = STOA_ENGINE_EVENT, .type = 33, .target = 1, .sender = STOA_STR("bob"), .body = bytes("+1 m1")};
  kit_publish_draft(&kit, "lobby", &reaction);
  kit_fill(&kit, "other", 1, 2);
  assert_int_equal(CALL(stoa_engine_erase_user, stoa_string_of("ann")), STOA_ENGINE_OK);
  assert_int_equal(answer.told.count, 83);
  read_all("lobby");
  assert_int_equal(answer.told.message_count, 82);
  for (uint32_t i = 0; i < 80; i++) {
    kit_assert_body(answer.messages[i], "");
    assert_int_equal(answer.messages[i]->draft.sender.len, 0);
    assert_int_equal(answer.messages[i]->draft.client_msg_id.len, 0);
    assert_true(answer.messages[i]->place.is_redacted);
  }
  kit_assert_body(answer.messages[80], "bob's own");
  kit_assert_body(answer.messages[81], "");
  assert_true(stoa_string_equal(answer.messages[81]->draft.sender, stoa_string_of("bob")));
  read_all("other");
  kit_assert_body(answer.messages[1], "");
  assert_int_equal(CALL(stoa_engine_erase_user, stoa_string_of("nobody")), STOA_ENGINE_OK);
  assert_int_equal(answer.told.count, 0);
  assert_int_equal(CALL(stoa_engine_erase_user, stoa_string_of("")), STOA_ENGINE_INVALID);
  finish();
}

static void an_own_change_of_an_erased_message_counts_once(void **state) {
  (void)state;
  engines_open(&kit, NULL);
  kit_publish(&kit, "lobby", "ann", "a1", "hello");
  const struct stoa_engine_draft edit = {
      .kind = STOA_ENGINE_EVENT, .type = 33, .target = 1, .sender = STOA_STR("ann"), .body = bytes("hello 2")};
  const struct stoa_engine_draft reaction = {
      .kind = STOA_ENGINE_EVENT, .type = 33, .target = 1, .sender = STOA_STR("bob"), .body = bytes("+1")};
  kit_publish_draft(&kit, "lobby", &edit);
  kit_publish_draft(&kit, "lobby", &reaction);
  assert_int_equal(CALL(stoa_engine_erase_user, stoa_string_of("ann")), STOA_ENGINE_OK);
  assert_int_equal(answer.told.count, 3);
  finish();
}

static void an_erased_room_begins_a_new_epoch(void **state) {
  (void)state;
  engines_open(&kit, NULL);
  kit_fill(&kit, "lobby", 1, 80);
  assert_int_equal(CALL(stoa_engine_subscribe, LOBBY), STOA_ENGINE_OK);
  uint64_t epoch = answer.told.epoch;
  assert_int_equal(CALL(stoa_engine_erase_room, LOBBY), STOA_ENGINE_OK);
  assert_int_equal(answer.told.count, 80);
  assert_int_equal(kit.ports[0].gaps, 1);
  read_all("lobby");
  assert_int_equal(answer.told.message_count, 0);
  assert_int_equal(answer.told.top, 0);
  assert_int_equal(CALL(stoa_engine_rooms, stoa_string_of(""), 10), STOA_ENGINE_OK);
  assert_int_equal(answer.told.item_count, 0);
  struct stoa_engine_answer next = kit_publish(&kit, "lobby", "ann", "id-1", "again");
  assert_int_equal(next.status, STOA_ENGINE_OK);
  assert_int_not_equal(next.epoch, epoch);
  assert_int_equal(kit.ports[0].seen_count, 1);
  const struct stoa_engine_query old = {.room = LOBBY, .is_forward = true, .epoch = epoch, .since = 1};
  kit_forget(&answer);
  kit_history(&kit, &old, &answer);
  assert_int_equal(answer.told.status, STOA_ENGINE_GONE);
  assert_int_equal(CALL(stoa_engine_erase_room, stoa_string_of("nowhere")), STOA_ENGINE_NOT_FOUND);
  finish();
}

static void assert_found(const char *text, uint64_t before, uint32_t count, uint64_t newest_offset) {
  assert_int_equal(search(LOBBY, stoa_string_of(text), before, 100), STOA_ENGINE_OK);
  assert_int_equal(answer.told.message_count, count);
  assert_true(count == 0 || answer.messages[0]->place.offset == newest_offset);
}

static void text_is_found_by_any_part_of_it(void **state) {
  (void)state;
  engines_open(&kit, NULL);
  const char *const texts[] = {"The quick brown fox", "jumps over the LAZY dog",
                               "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xb8\x96\xe7\x95\x8c", "a \"quoted\" -word* OR",
                               "100% of_it"};
  for (uint32_t i = 0; i < 5; i++) {
    char id[8];
    snprintf(id, sizeof id, "%u", i);
    assert_int_equal(kit_publish(&kit, "lobby", "ann", id, texts[i]).status, STOA_ENGINE_OK);
  }
  kit_publish(&kit, "other", "ann", "x", "the quick one");
  const struct stoa_engine_draft untexted = {.kind = STOA_ENGINE_CHAT, .type = 2, .body = bytes("quick")};
  kit_publish_draft(&kit, "lobby", &untexted);
  assert_found("quick", 0, 1, 1);
  assert_found("QUICK b", 0, 1, 1);
  assert_found("the", 0, 2, 2);
  assert_found("the", 2, 1, 1);
  assert_found("o", 0, 4, 5);
  assert_found("\xe5\xa5\xbd", 0, 1, 3);
  assert_found("\xe5\xa5\xbd\xe4\xb8\x96\xe7\x95\x8c", 0, 1, 3);
  assert_found("\"quoted\"", 0, 1, 4);
  assert_found("-word*", 0, 1, 4);
  assert_found("% of_", 0, 1, 5);
  assert_found("NOT quick", 0, 0, 0);
  assert_int_equal(search(LOBBY, stoa_string_of("the"), 0, 1), STOA_ENGINE_OK);
  assert_int_equal(answer.told.message_count, 1);
  assert_false(answer.told.is_complete);
  uint64_t next = answer.told.continue_before;
  assert_int_equal(search(LOBBY, stoa_string_of("the"), next, 10), STOA_ENGINE_OK);
  assert_int_equal(answer.told.message_count, 1);
  assert_int_equal(answer.messages[0]->place.offset, 1);
  assert_true(answer.told.is_complete);
  assert_int_equal(search(LOBBY, stoa_string_of(""), 0, 1), STOA_ENGINE_INVALID);
  assert_int_equal(search(stoa_string_of("nowhere"), stoa_string_of("the"), 0, 1), STOA_ENGINE_OK);
  assert_int_equal(answer.told.message_count, 0);
  finish();
}

static void redacted_text_is_not_found(void **state) {
  (void)state;
  engines_open(&kit, NULL);
  kit_publish(&kit, "lobby", "ann", "1", "a secret word");
  kit_publish(&kit, "lobby", "bob", "2", "another secret");
  assert_found("secret", 0, 2, 2);
  assert_int_equal(CALL(stoa_engine_redact, LOBBY, 1), STOA_ENGINE_OK);
  assert_found("secret", 0, 1, 2);
  assert_int_equal(CALL(stoa_engine_erase_user, stoa_string_of("bob")), STOA_ENGINE_OK);
  assert_found("secret", 0, 0, 0);
  finish();
}

/* Retention. */

/* Whatever the engine does by itself, it does within this time. */
static void wait_for_retention(void) {
  for (int i = 0; i < 3; i++) {
    kit_advance_ms(&kit, 61 * 1000);
    kit_settle(&kit);
  }
}

static void retention_keeps_the_newest_and_moves_the_floor(void **state) {
  (void)state;
  const struct stoa_engine_retention retention = {.messages = 40};
  engines_open(&kit, &retention);
  if (kit.has_threads) {
    print_message("# SKIP retention needs a clock that can be set\n");
    finish();
    return;
  }
  kit_fill(&kit, "lobby", 1, 100);
  kit_advance_ms(&kit, 60 * 1000);
  kit_settle(&kit);
  read_all("lobby");
  assert_int_equal(answer.told.message_count, 100); /* all are younger than two minutes */
  wait_for_retention();
  const struct stoa_engine_query query = {.room = LOBBY};
  kit_forget(&answer);
  kit_history(&kit, &query, &answer);
  assert_int_equal(answer.told.message_count, 40);
  assert_int_equal(answer.told.floor, 60);
  assert_int_equal(answer.told.top, 100);
  assert_true(answer.told.is_complete);
  for (uint64_t from = 0; from <= 100; from++) {
    const struct stoa_engine_query position = {.room = LOBBY, .is_forward = true, .since = from};
    kit_forget(&answer);
    kit_history(&kit, &position, &answer);
    assert_int_equal(answer.told.status, from < 60 ? STOA_ENGINE_GONE : STOA_ENGINE_OK);
    assert_int_equal(answer.told.message_count, from < 60 ? 0 : 100 - from);
  }
  /* Offsets go on, and the ids of what was removed are forgotten. */
  struct stoa_engine_answer next = kit_publish(&kit, "lobby", "ann", "id-1", "new");
  assert_int_equal(next.status, STOA_ENGINE_OK);
  assert_int_equal(next.offset, 101);
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "id-80", "old").status, STOA_ENGINE_DUPLICATE);
  finish();
}

static void retention_by_age_and_bytes_and_for_one_room(void **state) {
  (void)state;
  const struct stoa_engine_retention retention = {.age_ms = 1000 * 1000};
  const struct stoa_engine_retention by_bytes = {.bytes = 10};
  const struct stoa_engine_retention none = {.bytes = 0};
  engines_open(&kit, &retention);
  if (kit.has_threads) {
    print_message("# SKIP not for this engine\n");
    finish();
    return;
  }
  kit_fill(&kit, "lobby", 1, 8);
  kit_fill(&kit, "small", 1, 8);
  kit_fill(&kit, "kept", 1, 8);
  assert_int_equal(CALL(stoa_engine_retain, stoa_string_of("small"), &by_bytes), STOA_ENGINE_OK);
  assert_int_equal(CALL(stoa_engine_retain, stoa_string_of("kept"), &none), STOA_ENGINE_OK);
  assert_int_equal(CALL(stoa_engine_retain, stoa_string_of("nowhere"), &none), STOA_ENGINE_NOT_FOUND);
  wait_for_retention();
  read_all("lobby");
  assert_int_equal(answer.told.message_count, 8);
  kit_forget(&answer);
  const struct stoa_engine_query small = {.room = stoa_string_of("small")};
  kit_history(&kit, &small, &answer);
  assert_int_equal(answer.told.message_count, 5); /* of two bytes each */
  kit_advance_ms(&kit, 1000 * 1000);
  wait_for_retention();
  const struct stoa_engine_query lobby = {.room = LOBBY};
  kit_forget(&answer);
  kit_history(&kit, &lobby, &answer);
  assert_int_equal(answer.told.message_count, 0);
  assert_int_equal(answer.told.floor, 8);
  assert_int_equal(answer.told.top, 8);
  read_all("kept");
  assert_int_equal(answer.told.message_count, 8);
  finish();
}

static void a_backup_without_files_is_invalid(void **state) {
  (void)state;
  engines_open(&kit, NULL);
  if (!engines_keeps()) {
    assert_int_equal(CALL(stoa_engine_backup, stoa_string_of("/nowhere/copy.db")), STOA_ENGINE_INVALID);
  }
  assert_int_equal(CALL(stoa_engine_backup, stoa_string_of("")), STOA_ENGINE_INVALID);
  finish();
}

static void everything_is_there_after_a_close_and_an_open(void **state) {
  (void)state;
  engines_open(&kit, NULL);
  if (!engines_keeps()) {
    print_message("# SKIP not for this engine\n");
    finish();
    return;
  }
  kit_fill(&kit, "lobby", 1, 100);
  assert_int_equal(CALL(stoa_engine_state_put, LOBBY, LOBBY, bytes("v")), STOA_ENGINE_OK);
  assert_int_equal(CALL(stoa_engine_redact, LOBBY, 7), STOA_ENGINE_OK);
  read_all("lobby");
  uint64_t epoch = answer.told.epoch;
  engines_reopen(&kit);
  read_all("lobby");
  assert_int_equal(answer.told.epoch, epoch);
  assert_int_equal(answer.told.message_count, 100);
  kit_assert_body(answer.messages[99], "m100");
  kit_assert_body(answer.messages[6], "");
  assert_int_equal(kit_publish(&kit, "lobby", "ann", "id-42", "x").status, STOA_ENGINE_DUPLICATE);
  struct stoa_engine_answer next = kit_publish(&kit, "lobby", "ann", "new", "x");
  assert_int_equal(next.offset, 101);
  assert_int_equal(next.ordinal, 101);
  assert_int_equal(next.epoch, epoch);
  assert_int_equal(CALL(stoa_engine_state_read, LOBBY, LOBBY), STOA_ENGINE_OK);
  assert_string_equal(answer.values[0], "v");
  finish();
}

int main(int argc, char **argv) {
  engines_choose(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_put_read_listed_and_removed),
      cmocka_unit_test(values_have_bounds),
      cmocka_unit_test(rooms_are_listed_by_name),
      cmocka_unit_test(a_redacted_message_keeps_its_offset_and_its_id),
      cmocka_unit_test(what_was_handed_out_does_not_change),
      cmocka_unit_test(a_user_is_erased_in_all_rooms),
      cmocka_unit_test(an_own_change_of_an_erased_message_counts_once),
      cmocka_unit_test(an_erased_room_begins_a_new_epoch),
      cmocka_unit_test(text_is_found_by_any_part_of_it),
      cmocka_unit_test(redacted_text_is_not_found),
      cmocka_unit_test(retention_keeps_the_newest_and_moves_the_floor),
      cmocka_unit_test(retention_by_age_and_bytes_and_for_one_room),
      cmocka_unit_test(a_backup_without_files_is_invalid),
      cmocka_unit_test(everything_is_there_after_a_close_and_an_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
