/* What the rules of rooms are made of: bans and mutes, slow mode, the sessions of a user. */
#include "sanctions.h"
#include "slow_mode.h"
#include "user_sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1700000000000)

static struct stoa_string text(const char *value) {
  return stoa_string_of(value);
}

static int set(struct sanctions *all, enum sanction_kind kind, const char *subject, int64_t until_ms) {
  char key[SANCTION_KEY_BYTES_MAX], value[SANCTION_VALUE_BYTES_MAX];
  const struct sanction sanction = {.until_ms = until_ms,
                                    .by_role = CHATROOM_V1_ROLE_MODERATOR,
                                    .user_id = text(subject),
                                    .address = text("192.0.2.1"),
                                    .reason = text("a reason: 'quoted' %n")};
  return sanctions_set(all, sanction_key(kind, text(subject), key), sanction_write(&sanction, value));
}

static void one_that_was_set_is_found_until_it_expires(void **state) {
  struct sanctions *all = sanctions_create();
  struct sanction found;
  (void)state;
  assert_int_equal(set(all, SANCTION_BAN, "eve", NOW_MS + 10), STOA_OK);
  assert_true(sanctions_find(all, SANCTION_BAN, text("eve"), NOW_MS, &found));
  assert_int_equal(found.until_ms, NOW_MS + 10);
  assert_int_equal(found.by_role, CHATROOM_V1_ROLE_MODERATOR);
  assert_true(stoa_string_equal(found.user_id, text("eve")));
  assert_true(stoa_string_equal(found.address, text("192.0.2.1")));
  assert_true(stoa_string_equal(found.reason, text("a reason: 'quoted' %n")));
  assert_false(sanctions_find(all, SANCTION_MUTE, text("eve"), NOW_MS, &found));
  assert_false(sanctions_find(all, SANCTION_BAN, text("ev"), NOW_MS, &found));
  assert_false(sanctions_find(all, SANCTION_BAN, text("eve"), NOW_MS + 10, &found));
  sanctions_destroy(all);
}

static void it_is_replaced_and_removed_by_its_key(void **state) {
  struct sanctions *all = sanctions_create();
  struct sanction found;
  char key[SANCTION_KEY_BYTES_MAX];
  (void)state;
  for (int i = 9; i >= 0; i--) {
    char subject[16];
    snprintf(subject, sizeof subject, "u%d", i);
    assert_int_equal(set(all, SANCTION_MUTE, subject, NOW_MS + 1), STOA_OK);
  }
  assert_int_equal(set(all, SANCTION_MUTE, "u5", NOW_MS + 7), STOA_OK);
  assert_int_equal(sanctions_count(all), 10);
  assert_true(sanctions_find(all, SANCTION_MUTE, text("u5"), NOW_MS, &found));
  assert_int_equal(found.until_ms, NOW_MS + 7);
  struct stoa_string nothing = {NULL, 0};
  assert_int_equal(sanctions_set(all, sanction_key(SANCTION_MUTE, text("u5"), key), nothing), STOA_OK);
  assert_int_equal(sanctions_set(all, sanction_key(SANCTION_MUTE, text("u5"), key), nothing), STOA_OK);
  assert_false(sanctions_have(all, sanction_key(SANCTION_MUTE, text("u5"), key)));
  assert_true(sanctions_have(all, sanction_key(SANCTION_MUTE, text("u9"), key)));
  assert_int_equal(sanctions_count(all), 9);
  sanctions_destroy(all);
}

static void those_that_have_expired_are_taken_one_after_the_other(void **state) {
  struct sanctions *all = sanctions_create();
  char key[SANCTION_KEY_BYTES_MAX];
  size_t len;
  (void)state;
  assert_int_equal(set(all, SANCTION_BAN, "a", NOW_MS), STOA_OK);
  assert_int_equal(set(all, SANCTION_BAN, "b", NOW_MS + 1), STOA_OK);
  assert_int_equal(set(all, SANCTION_MUTE, "a", NOW_MS - 1), STOA_OK);
  assert_true(sanctions_take_expired(all, NOW_MS, key, &len));
  assert_true(stoa_string_equal(stoa_string_make(key, len), text("ban:a")));
  assert_true(sanctions_take_expired(all, NOW_MS, key, &len));
  assert_true(stoa_string_equal(stoa_string_make(key, len), text("mute:a")));
  assert_false(sanctions_take_expired(all, NOW_MS, key, &len));
  assert_int_equal(sanctions_count(all), 1);
  sanctions_destroy(all);
}

static void a_value_that_is_none_is_refused(void **state) {
  static const char *const wrong[] = {"x",
                                      "1",
                                      "1 1",
                                      "1 1\na\nb",
                                      "x 1\na\nb\nc",
                                      "1 9\na\nb\nc",
                                      "1 -1\na\nb\nc",
                                      "99999999999999999999999999999999999999999999999999999999 1\na\nb\nc"};
  struct sanctions *all = sanctions_create();
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(sanctions_set(all, text("ban:a"), text(wrong[i])), STOA_E_SYNTAX);
  }
  assert_int_equal(sanctions_count(all), 0);
  assert_false(sanction_is_key(text("ban:")));
  assert_false(sanction_is_key(text("topic")));
  assert_true(sanction_is_key(text("ban_address:192.0.2.1")));
  sanctions_destroy(all);
}

static void a_room_has_a_bounded_number_of_them(void **state) {
  struct sanctions *all = sanctions_create();
  (void)state;
  for (unsigned i = 0; i < SANCTIONS_MAX; i++) {
    char subject[16];
    snprintf(subject, sizeof subject, "u%u", i);
    assert_int_equal(set(all, SANCTION_BAN, subject, NOW_MS), STOA_OK);
  }
  assert_int_equal(set(all, SANCTION_BAN, "one more", NOW_MS), STOA_E_LIMIT);
  assert_int_equal(set(all, SANCTION_BAN, "u7", NOW_MS + 1), STOA_OK);
  assert_int_equal(sanctions_count(all), SANCTIONS_MAX);
  sanctions_destroy(all);
}

static void it_binds_those_below_and_of_administrators_everybody(void **state) {
  const struct sanction moderators = {.by_role = CHATROOM_V1_ROLE_MODERATOR};
  const struct sanction admins = {.by_role = CHATROOM_V1_ROLE_ADMIN};
  (void)state;
  assert_true(sanction_binds(&moderators, CHATROOM_V1_ROLE_USER));
  assert_false(sanction_binds(&moderators, CHATROOM_V1_ROLE_MODERATOR));
  assert_false(sanction_binds(&moderators, CHATROOM_V1_ROLE_ADMIN));
  assert_true(sanction_binds(&admins, CHATROOM_V1_ROLE_ADMIN));
}

static void slow_mode_tells_how_long_to_wait(void **state) {
  struct slow_mode *slow = slow_mode_create();
  (void)state;
  assert_int_equal(slow_mode_send(slow, text("ann"), 5000, NOW_MS), 0);
  assert_int_equal(slow_mode_send(slow, text("ann"), 5000, NOW_MS + 1), 4999);
  assert_int_equal(slow_mode_send(slow, text("ben"), 5000, NOW_MS + 1), 0);
  assert_int_equal(slow_mode_send(slow, text("ann"), 5000, NOW_MS + 4999), 1);
  assert_int_equal(slow_mode_send(slow, text("ann"), 5000, NOW_MS + 5000), 0);
  slow_mode_undo(slow, text("ann"));
  slow_mode_undo(slow, text("nobody"));
  assert_int_equal(slow_mode_send(slow, text("ann"), 5000, NOW_MS + 5001), 0);
  /* The clock was set back. */
  assert_int_equal(slow_mode_send(slow, text("ann"), 5000, NOW_MS), 0);
  slow_mode_destroy(slow);
}

static void slow_mode_forgets_the_oldest_when_it_is_full_and_nobody_waits_longer(void **state) {
  struct slow_mode *slow = slow_mode_create();
  unsigned kept = 0;
  (void)state;
  for (unsigned i = 0; i < 4 * SLOW_MODE_USERS; i++) {
    char user[16];
    snprintf(user, sizeof user, "u%u", i);
    assert_int_equal(slow_mode_send(slow, text(user), 100000, NOW_MS + i), 0);
    assert_int_equal(slow_mode_send(slow, text(user), 100000, NOW_MS + i), 100000);
  }
  for (unsigned i = 0; i < 4 * SLOW_MODE_USERS; i++) {
    char user[16];
    snprintf(user, sizeof user, "u%u", i);
    kept += slow_mode_send(slow, text(user), 1, NOW_MS + i) == 1;
  }
  assert_true(kept <= SLOW_MODE_USERS);
  slow_mode_destroy(slow);
}

static struct user_session session_of(uint8_t number) {
  struct user_session session = {.is_guest = true};
  memset(&session.id, number, sizeof session.id);
  return session;
}

static void the_sessions_of_a_user_are_listed_until_they_are_removed(void **state) {
  struct user_sessions *all = user_sessions_create();
  struct user_session one = session_of(1), two = session_of(2), three = session_of(3);
  struct user_session *list;
  size_t count;
  (void)state;
  assert_int_equal(user_sessions_add(all, text("ann"), &one), STOA_OK);
  assert_int_equal(user_sessions_add(all, text("ann"), &two), STOA_OK);
  assert_int_equal(user_sessions_add(all, text("ben"), &three), STOA_OK);
  user_sessions_set_role(all, text("ann"), &one.id, CHATROOM_V1_ROLE_ADMIN);
  user_sessions_set_role(all, text("ben"), &one.id, CHATROOM_V1_ROLE_ADMIN);
  assert_int_equal(user_sessions_list(all, text("ann"), &list, &count), STOA_OK);
  assert_int_equal(count, 2);
  for (size_t i = 0; i < count; i++) {
    bool is_first = memcmp(&list[i].id, &one.id, sizeof one.id) == 0;
    assert_int_equal(list[i].role, is_first ? CHATROOM_V1_ROLE_ADMIN : CHATROOM_V1_ROLE_USER);
  }
  free(list);
  user_sessions_remove(all, text("ann"), &one.id);
  user_sessions_remove(all, text("ann"), &one.id);
  user_sessions_remove(all, text("nobody"), &one.id);
  assert_int_equal(user_sessions_list(all, text("ann"), &list, &count), STOA_OK);
  assert_int_equal(count, 1);
  free(list);
  user_sessions_remove(all, text("ann"), &two.id);
  user_sessions_remove(all, text("ben"), &three.id);
  assert_int_equal(user_sessions_list(all, text("ann"), &list, &count), STOA_OK);
  assert_int_equal(count, 0);
  assert_null(list);
  user_sessions_destroy(all);
}

static void a_value_of_the_state_is_read_with_its_kind(void **state) {
  static const enum sanction_kind kinds[] = {SANCTION_BAN, SANCTION_BAN_ADDRESS, SANCTION_MUTE};
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    char key[SANCTION_KEY_BYTES_MAX], value[SANCTION_VALUE_BYTES_MAX];
    const struct sanction given = {
        .until_ms = NOW_MS, .by_role = CHATROOM_V1_ROLE_ADMIN, .user_id = text("eve"), .reason = text("spam")};
    struct sanction found;
    enum sanction_kind kind;
    struct stoa_string name = sanction_key(kinds[i], text("192.0.2.1"), key);
    assert_true(sanction_read(name, sanction_write(&given, value), &kind, &found));
    assert_int_equal(kind, kinds[i]);
    assert_int_equal(found.until_ms, NOW_MS);
    assert_int_equal(found.by_role, CHATROOM_V1_ROLE_ADMIN);
    assert_true(stoa_string_equal(found.user_id, text("eve")) && found.address.len == 0);
    assert_true(stoa_string_equal(found.reason, text("spam")));
    assert_false(sanction_read(name, text("no value"), &kind, &found));
    assert_false(sanction_read(text("topic"), sanction_write(&given, value), &kind, &found));
    assert_false(sanction_read(text("ban:"), sanction_write(&given, value), &kind, &found));
  }
}

static void an_address_is_that_of_one_person(void **state) {
  static const char *const good[][2] = {{"192.0.2.1", "192.0.2.1"},
                                        {"2001:db8::1", "2001:db8::"},
                                        {"2001:DB8:0:0:1:2:3:4", "2001:db8::"},
                                        {"2001:db8:0:1::", "2001:db8:0:1::"}};
  static const char *const bad[] = {
      "",     "127.0.0.1",    "127.9.9.9",
      "::1",  "192.0.2",      "192.0.2.1 ",
      "host", "fe80::1%eth0", "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222"};
  char address[USER_ADDRESS_LEN_MAX + 1];
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_true(user_address_parse(text(good[i][0]), address));
    assert_string_equal(address, good[i][1]);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_false(user_address_parse(text(bad[i]), address));
  }
  assert_false(user_address_parse(stoa_string_make("192.0.2.1\0", 10), address));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_that_was_set_is_found_until_it_expires),
      cmocka_unit_test(it_is_replaced_and_removed_by_its_key),
      cmocka_unit_test(those_that_have_expired_are_taken_one_after_the_other),
      cmocka_unit_test(a_value_that_is_none_is_refused),
      cmocka_unit_test(a_room_has_a_bounded_number_of_them),
      cmocka_unit_test(it_binds_those_below_and_of_administrators_everybody),
      cmocka_unit_test(a_value_of_the_state_is_read_with_its_kind),
      cmocka_unit_test(an_address_is_that_of_one_person),
      cmocka_unit_test(slow_mode_tells_how_long_to_wait),
      cmocka_unit_test(slow_mode_forgets_the_oldest_when_it_is_full_and_nobody_waits_longer),
      cmocka_unit_test(the_sessions_of_a_user_are_listed_until_they_are_removed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
