/* Walking sessions, members and groups while they change, and counting members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/log.h>
#include <stoa/worker.h>

#include "base/memory.h"
#include "fixture.h"

enum { GUESTS = 12, VISITS_MAX = 64 };

static struct fixture fixture;
static struct client observers[GUESTS];

/* Runs on the worker, while the test waits. */
struct walk {
  bool (*visit)(void *context, struct stoa_session *session);
  const char *group; /* NULL: all sessions */
  struct stoa_uuid visited[VISITS_MAX];
  unsigned visits, stop_after;
  bool without_memory;
  int status;
  struct counter done;
};

static void run_walk(void *context, int status) {
  struct walk *walk = context;
  assert_int_equal(status, STOA_OK);
  walk->visits = 0;
  stoa_memory_fail_at(walk->without_memory ? 1 : 0, true);
  walk->status = walk->group == NULL
                     ? stoa_worker_each_session(fixture.server, walk->visit, walk)
                     : stoa_worker_each_member(fixture.server, stoa_string_of(walk->group), walk->visit, walk);
  stoa_memory_fail_at(0, false);
  counter_up(&walk->done);
}

static void take_walk(struct walk *walk) {
  walk->done = (struct counter)COUNTER_INIT;
  assert_int_equal(stoa_worker_run(fixture.server, 0, run_walk, walk), STOA_OK);
  counter_wait(&walk->done, 1);
}

static bool was_visited(const struct walk *walk, const struct stoa_uuid *id) {
  for (unsigned i = 0; i < walk->visits; i++) {
    if (stoa_uuid_equal(&walk->visited[i], id)) {
      return true;
    }
  }
  return false;
}

/* Nobody twice. */
static bool note(struct walk *walk, const struct stoa_session *session) {
  assert_false(was_visited(walk, stoa_session_id(session)));
  assert_true(walk->visits < VISITS_MAX);
  walk->visited[walk->visits++] = *stoa_session_id(session);
  return walk->stop_after == 0 || walk->visits < walk->stop_after;
}

static bool see(void *context, struct stoa_session *session) {
  return note(context, session);
}

static unsigned count_of(const char *group) {
  struct walk walk = {.visit = see, .group = group};
  take_walk(&walk);
  assert_int_equal(walk.status, STOA_OK);
  return walk.visits;
}

/* Guests of two variants: the members of a group are in two arrays. */
static int enter_all(void **state) {
  (void)state;
  fixture_start(&fixture, fixture_config(1), NULL);
  for (size_t i = 0; i < GUESTS; i++) {
    fixture_connect(&fixture, &observers[i], i % 3 == 0 ? "stoa.proto" : "stoa.json");
  }
  return 0;
}

static int leave_all(void **state) {
  (void)state;
  for (size_t i = 0; i < GUESTS; i++) {
    client_close(&observers[i]);
  }
  fixture_stop(&fixture);
  return 0;
}

static bool join(void *context, struct stoa_session *session) {
  assert_int_equal(stoa_session_join(session, stoa_string_of("g")), STOA_OK);
  return note(context, session);
}

static void join_all(void) {
  struct walk walk = {.visit = join};
  take_walk(&walk);
  assert_int_equal(walk.visits, GUESTS);
}

static void test_every_session_is_visited_once(void **state) {
  (void)state;
  assert_int_equal(count_of(NULL), GUESTS);
}

static void test_a_visit_that_returns_false_is_the_last_one(void **state) {
  (void)state;
  struct walk walk = {.visit = see, .stop_after = 5};
  take_walk(&walk);
  assert_int_equal(walk.status, STOA_OK);
  assert_int_equal(walk.visits, 5);
}

static bool close_it(void *context, struct stoa_session *session) {
  stoa_session_close(session, 4999, "as asked");
  return note(context, session);
}

static void test_a_visit_may_close_what_it_visits(void **state) {
  (void)state;
  struct walk walk = {.visit = close_it};
  take_walk(&walk);
  assert_int_equal(walk.visits, GUESTS);
  for (size_t i = 0; i < GUESTS; i++) {
    assert_int_equal(client_read_close(&observers[i]), 4999);
  }
  assert_int_equal(count_of(NULL), 0);
}

/* Another visit inside this one, which closes all others. */
static bool close_other(void *context, struct stoa_session *session) {
  struct walk *outer = context;
  if (!was_visited(outer, stoa_session_id(session))) {
    stoa_session_close(session, 4999, "as asked");
  }
  return true;
}

static bool close_others(void *context, struct stoa_session *session) {
  bool goes_on = note(context, session);
  assert_int_equal(stoa_worker_each_session(fixture.server, close_other, context), STOA_OK);
  return goes_on;
}

static void test_who_is_closed_before_its_turn_is_not_visited(void **state) {
  (void)state;
  struct walk walk = {.visit = close_others};
  take_walk(&walk);
  assert_int_equal(walk.visits, 1);
  assert_int_equal(count_of(NULL), 1);
}

static bool leave(void *context, struct stoa_session *session) {
  assert_int_equal(stoa_session_leave(session, stoa_string_of("g")), STOA_OK);
  return note(context, session);
}

/* The last member's leaving frees the group. */
static void test_a_visit_may_leave_the_group_that_is_walked(void **state) {
  (void)state;
  join_all();
  assert_int_equal(count_of("g"), GUESTS);
  struct walk walk = {.visit = leave, .group = "g"};
  take_walk(&walk);
  assert_int_equal(walk.status, STOA_OK);
  assert_int_equal(walk.visits, GUESTS);
  assert_int_equal(count_of("g"), 0);
}

static bool leave_if_not_seen(void *context, struct stoa_session *session) {
  struct walk *outer = context;
  return was_visited(outer, stoa_session_id(session)) || stoa_session_leave(session, stoa_string_of("g")) == STOA_OK;
}

static bool make_others_leave(void *context, struct stoa_session *session) {
  bool goes_on = note(context, session);
  assert_int_equal(stoa_worker_each_member(fixture.server, stoa_string_of("g"), leave_if_not_seen, context), STOA_OK);
  return goes_on;
}

static void test_who_leaves_before_its_turn_is_not_visited(void **state) {
  (void)state;
  join_all();
  struct walk walk = {.visit = make_others_leave, .group = "g"};
  take_walk(&walk);
  assert_int_equal(walk.visits, 1);
}

static bool join_if_absent(void *context, struct stoa_session *session) {
  (void)context;
  int status = stoa_session_join(session, stoa_string_of("g"));
  assert_true(status == STOA_OK || status == STOA_E_EXISTS);
  return true;
}

static bool make_all_join(void *context, struct stoa_session *session) {
  bool goes_on = note(context, session);
  assert_int_equal(stoa_worker_each_session(fixture.server, join_if_absent, NULL), STOA_OK);
  return goes_on;
}

static void test_who_joins_meanwhile_is_not_visited(void **state) {
  (void)state;
  struct walk few = {.visit = join, .stop_after = 3};
  take_walk(&few);
  struct walk walk = {.visit = make_all_join, .group = "g"};
  take_walk(&walk);
  assert_int_equal(walk.visits, 3);
  assert_int_equal(count_of("g"), GUESTS);
}

static bool greet(void *context, struct stoa_session *session) {
  struct sample_v1_line_message line = {.text = STOA_STR("hello")};
  assert_int_equal(sample_v1_line_push(session, &line), STOA_OK);
  assert_int_equal(sample_v1_line_publish(fixture.server, stoa_string_of("g"), &line), STOA_OK);
  return note(context, session);
}

static void test_a_visit_may_send_and_publish(void **state) {
  (void)state;
  fixture_send_group(&observers[1], "join", "g", "");
  fixture_sync(&observers[1]);
  struct walk walk = {.visit = greet, .group = "g"};
  take_walk(&walk);
  assert_int_equal(walk.visits, 1);
  fixture_expect_line(&observers[1], "hello");
  fixture_expect_line(&observers[1], "hello");
  fixture_sync(&observers[1]);
}

static void test_visiting_has_its_errors(void **state) {
  (void)state;
  char name[66];
  struct walk walk = {.visit = see};
  memset(name, 'x', 65);
  name[65] = '\0';
  assert_int_equal(stoa_worker_each_session(fixture.server, see, &walk), STOA_E_ARGUMENT);
  assert_int_equal(stoa_worker_each_member(fixture.server, stoa_string_of("g"), see, &walk), STOA_E_ARGUMENT);
  walk.group = "";
  take_walk(&walk);
  assert_int_equal(walk.status, STOA_E_ARGUMENT);
  walk.group = name;
  take_walk(&walk);
  assert_int_equal(walk.status, STOA_E_ARGUMENT);
  assert_int_equal(count_of("nobody is here"), 0);
}

static void test_without_memory_nobody_is_visited(void **state) {
  (void)state;
  struct walk walk = {.visit = see, .without_memory = true};
  join_all();
  take_walk(&walk);
  assert_int_equal(walk.status, STOA_E_MEMORY);
  assert_int_equal(walk.visits, 0);
  walk.group = "g";
  take_walk(&walk);
  assert_int_equal(walk.status, STOA_E_MEMORY);
  assert_int_equal(walk.visits, 0);
}

/* The groups of a session. */

struct names {
  struct stoa_session *session;
  char names[8][65];
  unsigned count, stop_after;
  bool leaves, joins;
};

static bool note_name(void *context, struct stoa_string group) {
  struct names *names = context;
  snprintf(names->names[names->count++], sizeof names->names[0], "%.*s", (int)group.len, group.data);
  if (names->leaves) {
    for (unsigned i = 0; i < 3; i++) {
      char name[8];
      snprintf(name, sizeof name, "g%u", i);
      int status = stoa_session_leave(names->session, stoa_string_of(name));
      assert_true(status == STOA_OK || status == STOA_E_NOT_FOUND);
    }
    assert_int_equal(strlen(names->names[names->count - 1]), group.len); /* the name stays although it was left */
  }
  if (names->joins) {
    char name[8];
    snprintf(name, sizeof name, "new%u", names->count);
    assert_int_equal(stoa_session_join(names->session, stoa_string_of(name)), STOA_OK);
  }
  return names->stop_after == 0 || names->count < names->stop_after;
}

static bool has_name(const struct names *names, const char *name) {
  for (unsigned i = 0; i < names->count; i++) {
    if (strcmp(names->names[i], name) == 0) {
      return true;
    }
  }
  return false;
}

static bool walk_groups(void *context, struct stoa_session *session) {
  struct names names = {.session = session};
  struct walk *walk = context;
  stoa_session_each_group(session, note_name, &names);
  assert_int_equal(names.count, 0);
  for (unsigned i = 0; i < 3; i++) {
    char name[8];
    snprintf(name, sizeof name, "g%u", i);
    assert_int_equal(stoa_session_join(session, stoa_string_of(name)), STOA_OK);
  }
  stoa_session_each_group(session, note_name, &names);
  assert_int_equal(names.count, 3);
  assert_true(has_name(&names, "g0") && has_name(&names, "g1") && has_name(&names, "g2"));
  names = (struct names){.session = session, .stop_after = 2};
  stoa_session_each_group(session, note_name, &names);
  assert_int_equal(names.count, 2);
  names = (struct names){.session = session, .joins = true};
  stoa_session_each_group(session, note_name, &names);
  assert_int_equal(names.count, 3);
  assert_false(has_name(&names, "new1"));
  names = (struct names){.session = session, .leaves = true};
  stoa_session_each_group(session, note_name, &names);
  /* new1 to new3, and g0, g1 or g2 when it came before the one at which all of them are left. */
  assert_true(names.count == 3 || names.count == 4);
  names = (struct names){.session = session};
  stoa_session_each_group(session, note_name, &names);
  assert_int_equal(names.count, 3);
  stoa_session_close(session, 4999, "as asked");
  names = (struct names){.session = session};
  stoa_session_each_group(session, note_name, &names);
  assert_int_equal(names.count, 0);
  return note(walk, session);
}

static void test_the_groups_of_a_session_are_visited_while_it_joins_and_leaves(void **state) {
  (void)state;
  struct walk walk = {.visit = walk_groups, .stop_after = 1};
  take_walk(&walk);
  assert_int_equal(walk.visits, 1);
}

/* Counts. */

static void test_members_are_counted_over_all_workers(void **state) {
  (void)state;
  char name[66];
  memset(name, 'x', 65);
  name[65] = '\0';
  fixture_start(&fixture, fixture_config(3), NULL);
  for (size_t i = 0; i < GUESTS; i++) {
    fixture_connect(&fixture, &observers[i], "stoa.json");
    assert_int_equal(stoa_server_member_count(fixture.server, stoa_string_of("g")), i);
    fixture_send_group(&observers[i], "join", "g", "");
    fixture_sync(&observers[i]);
  }
  assert_int_equal(stoa_server_member_count(fixture.server, stoa_string_of("g")), GUESTS);
  assert_int_equal(stoa_server_member_count(fixture.server, stoa_string_of("")), 0);
  assert_int_equal(stoa_server_member_count(fixture.server, stoa_string_of(name)), 0);
  assert_int_equal(stoa_server_member_count(fixture.server, stoa_string_of("h")), 0);
  fixture_send_group(&observers[0], "leave", "g", "");
  fixture_sync(&observers[0]);
  assert_int_equal(stoa_server_member_count(fixture.server, stoa_string_of("g")), GUESTS - 1);
  fixture_send_group(&observers[1], "publish and close", "g", "x");
  assert_int_equal(client_read_close(&observers[1]), 4999);
  assert_int_equal(stoa_server_member_count(fixture.server, stoa_string_of("g")), GUESTS - 2);
  for (size_t i = 0; i < GUESTS; i++) {
    client_close(&observers[i]);
  }
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_every_session_is_visited_once, enter_all, leave_all),
      cmocka_unit_test_setup_teardown(test_a_visit_that_returns_false_is_the_last_one, enter_all, leave_all),
      cmocka_unit_test_setup_teardown(test_a_visit_may_close_what_it_visits, enter_all, leave_all),
      cmocka_unit_test_setup_teardown(test_who_is_closed_before_its_turn_is_not_visited, enter_all, leave_all),
      cmocka_unit_test_setup_teardown(test_a_visit_may_leave_the_group_that_is_walked, enter_all, leave_all),
      cmocka_unit_test_setup_teardown(test_who_leaves_before_its_turn_is_not_visited, enter_all, leave_all),
      cmocka_unit_test_setup_teardown(test_who_joins_meanwhile_is_not_visited, enter_all, leave_all),
      cmocka_unit_test_setup_teardown(test_a_visit_may_send_and_publish, enter_all, leave_all),
      cmocka_unit_test_setup_teardown(test_visiting_has_its_errors, enter_all, leave_all),
      cmocka_unit_test_setup_teardown(test_without_memory_nobody_is_visited, enter_all, leave_all),
      cmocka_unit_test_setup_teardown(test_the_groups_of_a_session_are_visited_while_it_joins_and_leaves, enter_all,
                                      leave_all),
      cmocka_unit_test(test_members_are_counted_over_all_workers),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("visit", tests, NULL, NULL);
}
