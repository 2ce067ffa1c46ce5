#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nicks.h"

#define HOLD_MS 5000u
#define NOW 1000000

/* The linker puts these in the place of calloc(3) and tsearch(3) in the registry: the n-th call from now on finds no
 * memory; 0: none. */
static int fails_in;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_tsearch(const void *key, void **root, int (*compare)(const void *a, const void *b));
void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *a, const void *b));

static bool fails_now(void) {
  return fails_in > 0 && --fails_in == 0;
}

void *__wrap_calloc(size_t count, size_t size) {
  return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *a, const void *b)) {
  return fails_now() ? NULL : __real_tsearch(key, root, compare);
}

static struct nick_rules *rules;
static struct nicks *nicks;

static int set_up(void **state) {
  (void)state;
  rules = nick_rules_create();
  nicks = rules == NULL ? NULL : nicks_create(rules, HOLD_MS);
  return nicks == NULL ? -1 : 0;
}

static int tear_down(void **state) {
  (void)state;
  nicks_destroy(nicks);
  nick_rules_destroy(rules);
  return 0;
}

static struct nick named(const char *text) {
  struct nick nick;
  enum nick_fault fault;
  assert_int_equal(nick_make(rules, stoa_string_of(text), &nick, &fault), STOA_OK);
  return nick;
}

static int enter(const char *user_id, const char *text, int64_t now_ms, struct nicks_seat **out_seat) {
  struct nick nick = named(text);
  return nicks_enter(nicks, stoa_string_of(user_id), &nick, now_ms, out_seat);
}

static struct nicks_seat *seat_of(const char *user_id, const char *text, int64_t now_ms) {
  struct nicks_seat *seat = NULL;
  assert_int_equal(enter(user_id, text, now_ms, &seat), STOA_OK);
  return seat;
}

static int change(struct nicks_seat *seat, const char *text) {
  struct nick nick = named(text);
  return nicks_change(nicks, seat, &nick, NOW);
}

static void shows(struct nicks_seat *seat, const char *text) {
  struct stoa_string shown = nicks_text(nicks, seat);
  assert_true(stoa_string_equal(shown, stoa_string_of(text)));
}

static void a_nick_that_another_user_has_is_taken(void **state) {
  static const char *const taken[] = {"Ada", "ada", "ADA "};
  (void)state;
  struct nicks_seat *ada = seat_of("1", "Ada", NOW);
  struct nicks_seat *none = NULL;
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(enter("2", taken[i], NOW, &none), STOA_E_EXISTS);
  }
  assert_null(none);
  struct nicks_seat *paul = seat_of("2", "paul", NOW);
  assert_int_equal(enter("3", "PauI", NOW, &none), STOA_E_EXISTS);
  assert_int_equal(nicks_user_count(nicks), 2);
  nicks_leave(nicks, ada, NOW);
  nicks_leave(nicks, paul, NOW);
}

static size_t sessions_of(const char *user_id, uint8_t out_first_bytes[8]) {
  struct stoa_uuid *ids = NULL;
  size_t count = 77;
  assert_int_equal(nicks_sessions(nicks, stoa_string_of(user_id), &ids, &count), STOA_OK);
  assert_true(count <= 8);
  for (size_t i = 0; i < count; i++) {
    out_first_bytes[i] = ids[i].bytes[0];
  }
  free(ids);
  return count;
}

static void the_sessions_of_a_user_are_found_by_its_id(void **state) {
  (void)state;
  struct nicks_seat *seats[3];
  struct stoa_uuid *ids = NULL;
  size_t count;
  uint8_t found[8];
  for (uint8_t i = 0; i < 3; i++) {
    seats[i] = seat_of("1", "Ada", NOW);
  }
  struct nicks_seat *other = seat_of("2", "Byron", NOW);
  assert_int_equal(sessions_of("1", found), 0);
  for (uint8_t i = 0; i < 3; i++) {
    nicks_set_session(nicks, seats[i], &(struct stoa_uuid){.bytes = {(uint8_t)(i + 1)}});
  }
  nicks_set_session(nicks, other, &(struct stoa_uuid){.bytes = {9}});
  assert_int_equal(sessions_of("1", found), 3);
  assert_int_equal(found[0] + found[1] + found[2], 1 + 2 + 3);
  fails_in = 1;
  assert_int_equal(nicks_sessions(nicks, stoa_string_of("1"), &ids, &count), STOA_E_MEMORY);
  nicks_leave(nicks, seats[1], NOW);
  assert_int_equal(sessions_of("1", found), 2);
  assert_int_equal(found[0] + found[1], 1 + 3);
  nicks_leave(nicks, seats[0], NOW);
  nicks_leave(nicks, seats[2], NOW);
  assert_int_equal(sessions_of("1", found), 0);
  assert_int_equal(sessions_of("nobody", found), 0);
  assert_int_equal(sessions_of("2", found), 1);
  nicks_leave(nicks, other, NOW);
}

static void the_sessions_of_a_user_share_a_nick(void **state) {
  (void)state;
  struct nicks_seat *one = seat_of("1", "Ada", NOW);
  struct nicks_seat *two = seat_of("1", "Ada", NOW);
  shows(one, "Ada");
  assert_int_equal(nicks_user_count(nicks), 1);
  assert_int_equal(change(two, "Byron"), STOA_OK);
  shows(one, "Byron");
  shows(two, "Byron");
  struct nicks_seat *three = seat_of("1", "Lovelace", NOW);
  shows(one, "Lovelace");
  nicks_leave(nicks, one, NOW);
  nicks_leave(nicks, two, NOW);
  struct nicks_seat *none = NULL;
  assert_int_equal(enter("2", "Lovelace", NOW + 10 * HOLD_MS, &none), STOA_E_EXISTS);
  nicks_leave(nicks, three, NOW);
}

static void a_nick_is_free_again_when_the_hold_time_has_passed_and_not_before(void **state) {
  (void)state;
  struct nicks_seat *none = NULL;
  nicks_leave(nicks, seat_of("1", "Ada", NOW), NOW);
  assert_int_equal(nicks_held_count(nicks), 1);
  assert_int_equal(enter("2", "Ada", NOW + HOLD_MS - 1, &none), STOA_E_EXISTS);
  nicks_leave(nicks, seat_of("2", "Ada", NOW + HOLD_MS), NOW + HOLD_MS);
  assert_int_equal(nicks_held_count(nicks), 1);
}

static void a_clock_that_is_set_back_frees_what_is_held(void **state) {
  (void)state;
  nicks_leave(nicks, seat_of("1", "Ada", NOW), NOW);
  nicks_leave(nicks, seat_of("2", "Ada", NOW - 3600000), NOW - 3600000);
}

static void a_user_who_comes_back_in_the_hold_time_has_the_nick_still(void **state) {
  (void)state;
  nicks_leave(nicks, seat_of("1", "Ada", NOW), NOW);
  struct nicks_seat *again = NULL;
  assert_int_equal(nicks_enter_guest(nicks, stoa_string_of("1"), NOW + HOLD_MS - 1, &again), STOA_OK);
  shows(again, "Ada");
  assert_int_equal(nicks_held_count(nicks), 0);
  nicks_leave(nicks, again, NOW);
}

static void a_change_frees_the_old_nick_and_a_refused_one_keeps_it(void **state) {
  (void)state;
  struct nicks_seat *ada = seat_of("1", "Ada", NOW);
  struct nicks_seat *bob = seat_of("2", "Bob", NOW);
  assert_int_equal(change(ada, "BOB"), STOA_E_EXISTS);
  shows(ada, "Ada");
  assert_int_equal(change(ada, "ADA"), STOA_OK);
  shows(ada, "ADA");
  assert_int_equal(change(ada, "Eve"), STOA_OK);
  assert_int_equal(change(bob, "Ada"), STOA_OK);
  assert_int_equal(change(ada, "Bob"), STOA_OK);
  nicks_leave(nicks, ada, NOW);
  nicks_leave(nicks, bob, NOW);
}

static void guests_get_names_that_differ(void **state) {
  (void)state;
  struct nicks_seat *seats[200];
  for (size_t i = 0; i < 200; i++) {
    char id[16];
    snprintf(id, sizeof id, "%zu", i);
    assert_int_equal(nicks_enter_guest(nicks, stoa_string_of(id), NOW, &seats[i]), STOA_OK);
    struct stoa_string name = nicks_text(nicks, seats[i]);
    assert_true(name.len >= 10 && memcmp(name.data, "guest-", 6) == 0);
  }
  assert_int_equal(nicks_user_count(nicks), 200);
  for (size_t i = 0; i < 200; i++) {
    nicks_leave(nicks, seats[i], NOW);
  }
  assert_int_equal(nicks_held_count(nicks), 200);
}

static void held_nicks_are_bounded_and_the_oldest_goes_first(void **state) {
  (void)state;
  struct nicks_seat *none = NULL;
  for (size_t i = 0; i <= NICKS_HELD_MAX; i++) {
    char text[16];
    snprintf(text, sizeof text, "user%zu", i);
    nicks_leave(nicks, seat_of(text, text, NOW), NOW);
  }
  assert_int_equal(nicks_held_count(nicks), NICKS_HELD_MAX);
  assert_int_equal(enter("other", "user1", NOW, &none), STOA_E_EXISTS);
  nicks_leave(nicks, seat_of("other", "user0", NOW), NOW);
}

static void without_memory_nobody_enters_and_nothing_changes(void **state) {
  (void)state;
  struct nicks_seat *ada = seat_of("1", "Ada", NOW);
  struct nicks_seat *bob = NULL;
  int calls = 0;
  do {
    assert_null(bob);
    assert_int_equal(nicks_user_count(nicks), 1);
    fails_in = ++calls;
  } while (enter("2", "Bob", NOW, &bob) == STOA_E_MEMORY);
  fails_in = 0;
  /* A user, a seat, a name, and the places in four trees. */
  assert_int_equal(calls, 3 + 4 + 1);
  shows(bob, "Bob");
  shows(ada, "Ada");
  nicks_leave(nicks, ada, NOW);
  nicks_leave(nicks, bob, NOW);
}

static void without_memory_a_change_keeps_the_nick(void **state) {
  static const char *const others[] = {"Eve", "ADA"}; /* with other keys, and with the same */
  (void)state;
  struct nicks_seat *ada = seat_of("1", "Ada", NOW);
  for (size_t i = 0; i < 2; i++) {
    struct nicks_seat *none = NULL;
    struct nicks_seat *eve = NULL;
    int calls = 0;
    for (fails_in = ++calls; change(ada, others[i]) == STOA_E_MEMORY; fails_in = ++calls) {
      fails_in = 0;
      shows(ada, "Ada");
      assert_int_equal(enter("2", "ada", NOW, &none), STOA_E_EXISTS);
    }
    fails_in = 0;
    assert_int_equal(calls, 1 + 3 + 1);
    shows(ada, others[i]);
    assert_int_equal(enter("2", others[i], NOW, &none), STOA_E_EXISTS);
    if (i == 0) {
      eve = seat_of("2", "Ada", NOW); /* no key of the old name is left */
      nicks_leave(nicks, eve, NOW);
      nicks_leave(nicks, seat_of("3", "Bob", NOW + HOLD_MS), NOW + HOLD_MS);
      assert_int_equal(change(ada, "Ada"), STOA_OK);
    }
  }
  nicks_leave(nicks, ada, NOW);
}

static void *come_and_go(void *context) {
  const char *id = "Ada";
  (void)context;
  for (int i = 0; i < 2000; i++) {
    struct nicks_seat *seat = seat_of(id, i % 2 == 0 ? id : "same", NOW);
    nicks_text(nicks, seat);
    nicks_leave(nicks, seat, NOW);
  }
  return NULL;
}

static void sessions_of_a_user_on_several_threads_share_it(void **state) {
  (void)state;
  pthread_t threads[2];
  struct nicks_seat *seat = seat_of("Ada", "Ada", NOW);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
  }
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  assert_int_equal(nicks_user_count(nicks), 1);
  nicks_leave(nicks, seat, NOW);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_nick_that_another_user_has_is_taken, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_sessions_of_a_user_are_found_by_its_id, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_sessions_of_a_user_share_a_nick, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_nick_is_free_again_when_the_hold_time_has_passed_and_not_before, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_clock_that_is_set_back_frees_what_is_held, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_user_who_comes_back_in_the_hold_time_has_the_nick_still, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_change_frees_the_old_nick_and_a_refused_one_keeps_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(guests_get_names_that_differ, set_up, tear_down),
      cmocka_unit_test_setup_teardown(held_nicks_are_bounded_and_the_oldest_goes_first, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_memory_nobody_enters_and_nothing_changes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_memory_a_change_keeps_the_nick, set_up, tear_down),
      cmocka_unit_test_setup_teardown(sessions_of_a_user_on_several_threads_share_it, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("nicks", tests, NULL, NULL);
}
