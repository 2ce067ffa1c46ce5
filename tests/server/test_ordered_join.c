/* Joins at a known place: whoever joins gets each message after the place, and none before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stoa/worker.h>

#include "base/container.h"
#include "base/memory.h"
#include "fixture.h"
#include "server/group/group.h"
#include "server/group/ordered_join.h"

#define WORKERS 3
#define CLIENTS 24
#define ROUNDS 6
/* Lines that each client checks after its place. */
#define LINES 40
/* How far the publisher is before the newest line that a client has read, so that no queue fills. */
#define AHEAD_MAX 1000

enum mode { AT_ONCE, LATER, CANCEL };

static struct {
  struct fixture fixture;
  const char *group;
  uint32_t owner;
  uint32_t published; /* on the owner's thread */
  atomic_uint read;
  atomic_bool stop;
  struct counter stopped;
  enum mode mode;
  int began, joined;       /* the last status of each */
  struct counter finished; /* joins */
} world = {.stopped = COUNTER_INIT, .finished = COUNTER_INIT};

struct join {
  struct stoa_ordered_join base;
  uint32_t place;
};

static void publish_next(struct stoa_server *server) {
  struct sample_v1_line_message line = {.number = world.published + 1, .text = STOA_STR("n")};
  int status = sample_v1_line_publish(server, stoa_string_of(world.group), &line);
  /* At a limit the number is published later. */
  assert_true(status == STOA_OK || status == STOA_E_LIMIT);
  world.published += status == STOA_OK ? 1 : 0;
}

/* Publishes from turn to turn, on the owner. */
static void go_on(void *context, int status) {
  struct stoa_server *server = context;
  if (status != STOA_OK || world.stop) {
    counter_up(&world.stopped);
    return;
  }
  if (world.published < world.read + AHEAD_MAX) {
    publish_next(server);
    publish_next(server);
  }
  assert_int_equal(stoa_worker_run(server, world.owner, go_on, server), STOA_OK);
}

static struct join *join_of(struct stoa_ordered_join *base) {
  return stoa_container_of(base, struct join, base);
}

static void place(void *context, int status) {
  struct join *join = context;
  if (status == STOA_OK) {
    stoa_ordered_join_place(&join->base);
  } else {
    stoa_ordered_join_cancel(&join->base, status);
  }
}

static void on_owner(struct stoa_ordered_join *base) {
  assert_int_equal(stoa_worker_index(world.fixture.server), world.owner);
  switch (world.mode) {
    case AT_ONCE:
      stoa_ordered_join_place(base);
      break;
    case LATER:
      assert_int_equal(stoa_worker_run(world.fixture.server, world.owner, place, join_of(base)), STOA_OK);
      break;
    case CANCEL:
      stoa_ordered_join_cancel(base, STOA_E_DENIED);
      break;
  }
}

static void on_place(struct stoa_ordered_join *base) {
  assert_int_equal(stoa_worker_index(world.fixture.server), world.owner);
  join_of(base)->place = world.published;
}

static void on_joined(struct stoa_ordered_join *base, struct stoa_session *session, int status) {
  struct join *join = join_of(base);
  assert_true((session != NULL) == (status == STOA_OK));
  if (session != NULL) {
    struct sample_v1_line_message line = {.from = STOA_STR("place"), .number = join->place};
    assert_int_equal(sample_v1_line_push(session, &line), STOA_OK);
  }
  world.joined = status;
  free(join);
  counter_up(&world.finished);
}

static const struct stoa_error *on_group(void *user, struct stoa_session *session,
                                         const struct sample_v1_group_message *message) {
  (void)user;
  if (stoa_string_equal(message->action, stoa_string_of("leave"))) {
    assert_int_equal(stoa_session_leave(session, message->group), STOA_OK);
    return NULL;
  }
  struct join *join = calloc(1, sizeof *join);
  assert_non_null(join);
  join->base.on_owner = on_owner;
  join->base.on_place = on_place;
  join->base.on_joined = on_joined;
  world.began = stoa_ordered_join_begin(&join->base, session, message->group);
  if (world.began != STOA_OK) {
    free(join);
  }
  if (stoa_string_equal(message->action, stoa_string_of("join and close"))) {
    stoa_session_close(session, 4999, "as asked");
  }
  return NULL;
}

static void start(uint32_t workers) {
  static struct sample_v1_sample_handlers handlers;
  handlers = *fixture_handlers();
  handlers.group = on_group;
  world.fixture.blocks_before = stoa_memory_live_blocks();
  struct stoa_server_config *config = fixture_config(workers);
  assert_int_equal(stoa_server_create(config, &world.fixture.server), STOA_OK);
  assert_int_equal(sample_v1_sample_register(world.fixture.server, &handlers, NULL), STOA_OK);
  assert_int_equal(stoa_server_start(world.fixture.server), STOA_OK);
  world.fixture.address = stoa_server_address(world.fixture.server, 0);
  world.group = "g";
  world.owner = stoa_group_owner(stoa_string_of(world.group), workers);
  world.published = 0;
  world.read = 0;
  world.stop = false;
  world.mode = AT_ONCE;
  world.stopped.value = world.finished.value = 0;
}

static void begin_publishing(void) {
  assert_int_equal(stoa_worker_run(world.fixture.server, world.owner, go_on, world.fixture.server), STOA_OK);
}

static void end_publishing(void) {
  world.stop = true;
  counter_wait(&world.stopped, 1);
}

/* The place comes first, then each line after it. */
static void expect_lines_from_place(struct client *client) {
  struct fixture_line line = fixture_read_line(client);
  assert_string_equal(line.from, "place");
  uint32_t number = line.number;
  for (uint32_t i = 0; i < LINES; i++) {
    world.read = number > world.read ? number : world.read;
    line = fixture_read_line(client);
    assert_int_equal(line.number, ++number);
  }
}

static void leave(struct client *client) {
  fixture_send_group(client, "leave", world.group, "");
  fixture_sync_past_lines(client);
}

static void join_again_and_again(enum mode mode) {
  struct client clients[CLIENTS];
  start(WORKERS);
  world.mode = mode;
  for (size_t i = 0; i < CLIENTS; i++) {
    fixture_connect(&world.fixture, &clients[i], i % 3 == 0 ? "stoa.proto" : "stoa.json");
    /* Only JSON lines are read below; the others keep a second variant in use. */
  }
  begin_publishing();
  for (size_t round = 0; round < ROUNDS; round++) {
    for (size_t i = 0; i < CLIENTS; i++) {
      if (i % 3 != 0) {
        fixture_send_group(&clients[i], "join", world.group, "");
      }
    }
    for (size_t i = 0; i < CLIENTS; i++) {
      if (i % 3 != 0) {
        expect_lines_from_place(&clients[i]);
        leave(&clients[i]);
      }
    }
  }
  end_publishing();
  for (size_t i = 0; i < CLIENTS; i++) {
    client_close(&clients[i]);
  }
  fixture_stop(&world.fixture);
}

static void test_a_member_gets_each_message_after_its_place_and_none_before(void **state) {
  (void)state;
  join_again_and_again(AT_ONCE);
}

static void test_the_place_may_be_fixed_in_a_later_turn(void **state) {
  (void)state;
  join_again_and_again(LATER);
}

static void test_a_cancelled_join_makes_no_member(void **state) {
  (void)state;
  struct client client;
  start(WORKERS);
  world.mode = CANCEL;
  fixture_connect(&world.fixture, &client, "stoa.json");
  fixture_send_group(&client, "join", world.group, "");
  counter_wait(&world.finished, 1);
  assert_int_equal(world.joined, STOA_E_DENIED);
  assert_int_equal(stoa_server_member_count(world.fixture.server, stoa_string_of(world.group)), 0);
  begin_publishing();
  end_publishing();
  fixture_sync(&client); /* nothing came before */
  client_close(&client);
  fixture_stop(&world.fixture);
}

static void test_a_session_that_closes_meanwhile_does_not_join(void **state) {
  (void)state;
  struct client client;
  start(WORKERS);
  fixture_connect(&world.fixture, &client, "stoa.json");
  fixture_send_group(&client, "join and close", world.group, "");
  assert_int_equal(client_read_close(&client), 4999);
  counter_wait(&world.finished, 1);
  assert_int_equal(world.began, STOA_OK);
  assert_int_equal(world.joined, STOA_E_NOT_FOUND);
  assert_int_equal(stoa_server_member_count(world.fixture.server, stoa_string_of(world.group)), 0);
  client_close(&client);
  fixture_stop(&world.fixture);
}

static void test_names_and_members_are_checked(void **state) {
  (void)state;
  struct client client;
  char name[66];
  start(1);
  fixture_connect(&world.fixture, &client, "stoa.json");
  fixture_send_group(&client, "join", "", "");
  fixture_sync(&client);
  assert_int_equal(world.began, STOA_E_ARGUMENT);
  memset(name, 'x', 65);
  name[65] = '\0';
  fixture_send_group(&client, "join", name, "");
  fixture_sync(&client);
  assert_int_equal(world.began, STOA_E_ARGUMENT);
  fixture_send_group(&client, "join", "g", "");
  counter_wait(&world.finished, 1);
  assert_string_equal(fixture_read_line(&client).from, "place");
  fixture_send_group(&client, "join", "g", "");
  fixture_sync(&client);
  assert_int_equal(world.began, STOA_E_EXISTS);
  client_close(&client);
  fixture_stop(&world.fixture);
}

/* Two joins at once: the second one finds a member. */
static void test_of_two_joins_in_progress_the_second_one_finds_a_member(void **state) {
  (void)state;
  struct client client;
  start(WORKERS);
  world.mode = LATER;
  fixture_connect(&world.fixture, &client, "stoa.json");
  fixture_send_group(&client, "join", "g", "");
  fixture_send_group(&client, "join", "g", "");
  assert_string_equal(fixture_read_line(&client).from, "place");
  fixture_sync(&client);
  if (world.began == STOA_OK) {
    counter_wait(&world.finished, 2);
    assert_int_equal(world.joined, STOA_E_EXISTS);
  } else {
    assert_int_equal(world.began, STOA_E_EXISTS); /* the first one was already done */
  }
  client_close(&client);
  fixture_stop(&world.fixture);
}

static void test_a_join_in_progress_is_told_that_the_server_ends(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 20; i++) {
    struct client clients[6];
    start(WORKERS);
    world.mode = i % 2 == 0 ? AT_ONCE : LATER;
    for (size_t n = 0; n < 6; n++) {
      fixture_connect(&world.fixture, &clients[n], "stoa.json");
    }
    for (size_t n = 0; n < 6; n++) {
      fixture_send_group(&clients[n], "join", world.group, "");
    }
    fixture_stop(&world.fixture); /* and see that nothing leaks */
    for (size_t n = 0; n < 6; n++) {
      client_close(&clients[n]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_member_gets_each_message_after_its_place_and_none_before),
      cmocka_unit_test(test_the_place_may_be_fixed_in_a_later_turn),
      cmocka_unit_test(test_a_cancelled_join_makes_no_member),
      cmocka_unit_test(test_a_session_that_closes_meanwhile_does_not_join),
      cmocka_unit_test(test_names_and_members_are_checked),
      cmocka_unit_test(test_of_two_joins_in_progress_the_second_one_finds_a_member),
      cmocka_unit_test(test_a_join_in_progress_is_told_that_the_server_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
