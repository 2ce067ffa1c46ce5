/* Order: all members of a group receive its messages in one order, on one, two and four workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "server/group/membership.h"
#include "server/server_private.h"
#include "server/worker/worker.h"

#include <stoa/log.h>
#include <time.h>

#define MEMBERS 8u
#define SENDERS 4u
#define THREADS 2u
#define LINES 1000u
#define TOTAL ((SENDERS + THREADS) * LINES)

/* A thread that publishes, and one that says as a client. */
struct speaker {
  pthread_t thread;
  struct fixture *fixture;
  struct client *client; /* NULL: through the server's own functions */
  const char *group;     /* NULL: to all */
  char name[8];
  bool failed;
};

static void *speak(void *context) {
  struct speaker *speaker = context;
  for (uint32_t i = 0; i < LINES && !speaker->failed; i++) {
    struct sample_v1_line_message line = {.from = stoa_string_of(speaker->name), .number = i, .text = STOA_STR("-")};
    if (speaker->client != NULL) {
      char payload[128];
      snprintf(payload, sizeof payload, "{\"from\":\"%s\",\"number\":%u,\"text\":\"-\"}", speaker->name, i);
      speaker->failed = !client_send_typed(speaker->client, FIXTURE_LINE, payload);
    } else if (speaker->group != NULL) {
      speaker->failed =
          sample_v1_line_publish(speaker->fixture->server, stoa_string_of(speaker->group), &line) != STOA_OK;
    } else {
      speaker->failed = sample_v1_line_broadcast(speaker->fixture->server, &line) != STOA_OK;
    }
  }
  return NULL;
}

struct heard {
  char from[8];
  uint32_t number;
};

struct listener {
  pthread_t thread;
  struct client *client;
  uint32_t expected;
  struct heard *lines;
  uint32_t count;
};

/* Without assertions, for they belong to the first thread. */
static void *listen_to(void *context) {
  struct listener *listener = context;
  while (listener->count < listener->expected) {
    struct client_frame frame = client_read(listener->client);
    char text[256] = {0};
    if (frame.opcode != 2 || frame.len < 5 || frame.len >= sizeof text) {
      return NULL;
    }
    memcpy(text, frame.data + 4, frame.len - 4);
    struct heard *line = &listener->lines[listener->count++];
    sscanf(strstr(text, "\"from\":\"") + 8, "%7[^\"]", line->from);
    line->number = (uint32_t)strtoul(strstr(text, "\"number\":") + 9, NULL, 10);
  }
  return NULL;
}

static void check_each_once_and_in_its_senders_order(const struct listener *listener) {
  struct heard next[SENDERS + THREADS];
  size_t senders = 0;
  assert_int_equal(listener->count, listener->expected);
  for (uint32_t i = 0; i < listener->count; i++) {
    const struct heard *line = &listener->lines[i];
    size_t s = 0;
    while (s < senders && strcmp(next[s].from, line->from) != 0) {
      s++;
    }
    if (s == senders) {
      assert_true(senders < SENDERS + THREADS);
      next[s] = (struct heard){.number = 0};
      memcpy(next[s].from, line->from, sizeof line->from);
      senders++;
    }
    assert_int_equal(line->number, next[s].number);
    next[s].number++;
  }
}

static void check_alike(const struct listener *one, const struct listener *other) {
  for (uint32_t i = 0; i < one->count; i++) {
    assert_string_equal(one->lines[i].from, other->lines[i].from);
    assert_int_equal(one->lines[i].number, other->lines[i].number);
  }
}

/* Everybody hears everybody; clients of all workers, threads of nobody. */
static void hold_meeting(uint32_t workers, const char *group) {
  struct fixture fixture;
  struct stoa_server_config *config = fixture_config(workers);
  struct stoa_limits_config limits = {.send_queue_bytes_max = 64 * 1024 * 1024};
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  struct client members[MEMBERS];
  struct listener listeners[MEMBERS];
  struct speaker speakers[SENDERS + THREADS];
  uint32_t senders = group == NULL ? SENDERS : 0;
  for (uint32_t i = 0; i < MEMBERS; i++) {
    fixture_connect(&fixture, &members[i], "stoa.json");
    if (group != NULL) {
      fixture_send_group(&members[i], "join", group, "");
    }
    fixture_sync(&members[i]);
  }
  if (group != NULL) {
    /* A worker tells the group's owner of its first member by a post. Its own publication comes after that: when it
     * has arrived everywhere, so has the word. */
    for (uint32_t i = 0; i < MEMBERS; i++) {
      fixture_send_group(&members[i], "publish", group, "ready");
      for (uint32_t k = 0; k < MEMBERS; k++) {
        fixture_expect_line(&members[k], "ready");
      }
    }
  }
  for (uint32_t i = 0; i < MEMBERS; i++) {
    listeners[i] = (struct listener){
        .client = &members[i], .expected = (senders + THREADS) * LINES, .lines = calloc(TOTAL, sizeof(struct heard))};
    assert_int_equal(pthread_create(&listeners[i].thread, NULL, listen_to, &listeners[i]), 0);
  }
  for (uint32_t i = 0; i < senders + THREADS; i++) {
    speakers[i] = (struct speaker){.fixture = &fixture, .client = i < senders ? &members[i] : NULL, .group = group};
    snprintf(speakers[i].name, sizeof speakers[i].name, "s%u", i);
    assert_int_equal(pthread_create(&speakers[i].thread, NULL, speak, &speakers[i]), 0);
  }
  for (uint32_t i = 0; i < senders + THREADS; i++) {
    pthread_join(speakers[i].thread, NULL);
    assert_false(speakers[i].failed);
  }
  for (uint32_t i = 0; i < MEMBERS; i++) {
    pthread_join(listeners[i].thread, NULL);
    check_each_once_and_in_its_senders_order(&listeners[i]);
    check_alike(&listeners[0], &listeners[i]);
  }
  for (uint32_t i = 0; i < MEMBERS; i++) {
    free(listeners[i].lines);
    client_close(&members[i]);
  }
  fixture_stop(&fixture);
}

static void test_all_members_hear_all_broadcasts_in_one_order_on_one_worker(void **state) {
  (void)state;
  hold_meeting(1, NULL);
}

static void test_all_members_hear_all_broadcasts_in_one_order_on_two_workers(void **state) {
  (void)state;
  hold_meeting(2, NULL);
}

static void test_all_members_hear_all_broadcasts_in_one_order_on_four_workers(void **state) {
  (void)state;
  hold_meeting(4, NULL);
}

static void test_a_named_group_keeps_one_order_wherever_its_owner_is(void **state) {
  (void)state;
  hold_meeting(2, "one");
  hold_meeting(2, "two");
  hold_meeting(4, "a group with a longer name");
}

static struct fixture fixture;
static struct client ann, bob;

static int connect_two(void **state) {
  (void)state;
  fixture_start(&fixture, fixture_config(1), NULL);
  fixture_connect(&fixture, &ann, "stoa.json");
  fixture_connect(&fixture, &bob, "stoa.json");
  fixture_sync(&ann);
  fixture_sync(&bob);
  return 0;
}

static int disconnect_two(void **state) {
  (void)state;
  client_close(&ann);
  client_close(&bob);
  fixture_stop(&fixture);
  return 0;
}

static void test_private_and_group_messages_of_one_handler_arrive_in_the_order_of_the_calls(void **state) {
  (void)state;
  fixture_send_group(&ann, "join", "g", "");
  fixture_send_group(&bob, "join", "g", "");
  fixture_sync(&bob);
  fixture_send_group(&ann, "mix", "g", "");
  fixture_expect_line(&ann, "A");
  fixture_expect_line(&ann, "B");
  fixture_expect_line(&ann, "C");
  fixture_expect_line(&ann, "D");
  fixture_expect_line(&ann, "E");
  fixture_expect_line(&bob, "B");
  fixture_expect_line(&bob, "D");
  fixture_expect_line(&bob, "E");
}

static void test_a_session_that_joins_within_a_turn_gets_what_comes_after(void **state) {
  (void)state;
  fixture_send_group(&bob, "join", "g", "");
  fixture_sync(&bob);
  fixture_send_group(&ann, "join between", "g", "");
  fixture_expect_line(&ann, "after");
  fixture_sync(&ann);
  fixture_expect_line(&bob, "before");
  fixture_expect_line(&bob, "after");
}

static void test_a_session_that_leaves_within_a_turn_gets_what_came_before(void **state) {
  (void)state;
  fixture_send_group(&ann, "join", "g", "");
  fixture_send_group(&bob, "join", "g", "");
  fixture_sync(&bob);
  fixture_send_group(&ann, "leave between", "g", "");
  fixture_expect_line(&ann, "before");
  fixture_sync(&ann);
  fixture_expect_line(&bob, "before");
  fixture_expect_line(&bob, "after");
}

static void test_what_was_published_before_a_close_goes_out_before_the_close_frame(void **state) {
  (void)state;
  fixture_send_group(&ann, "join", "g", "");
  fixture_send_group(&bob, "join", "g", "");
  fixture_sync(&bob);
  fixture_send_group(&ann, "publish and close", "g", "last words");
  fixture_expect_line(&ann, "last words");
  assert_int_equal(client_read_close(&ann), 4999);
  fixture_expect_line(&bob, "last words");
}

static void expect_refusal(struct client *client, const char *reason) {
  struct client_frame frame = client_read_message(client);
  assert_memory_equal(frame.data, "\x40\0\0\x06", 4);
  assert_non_null(memmem(frame.data, frame.len, reason, strlen(reason)));
}

static void test_a_membership_has_its_rules(void **state) {
  (void)state;
  char name[128];
  memset(name, 'x', sizeof name);
  name[65] = '\0';
  fixture_send_group(&ann, "join", "", "");
  expect_refusal(&ann, stoa_status_text(STOA_E_ARGUMENT));
  fixture_send_group(&ann, "join", name, "");
  expect_refusal(&ann, stoa_status_text(STOA_E_ARGUMENT));
  name[64] = '\0';
  fixture_send_group(&ann, "join", name, "");
  fixture_send_group(&ann, "join", name, "");
  expect_refusal(&ann, stoa_status_text(STOA_E_EXISTS));
  fixture_send_group(&ann, "publish", name, "to the long one");
  fixture_expect_line(&ann, "to the long one");
  fixture_send_group(&ann, "leave", "nowhere", "");
  expect_refusal(&ann, stoa_status_text(STOA_E_NOT_FOUND));
  fixture_send_group(&ann, "publish", "", "x");
  expect_refusal(&ann, stoa_status_text(STOA_E_ARGUMENT));
  fixture_send_group(&ann, "publish", "nobody is here", "x");
  fixture_sync(&ann);
}

static void test_a_session_is_in_at_most_128_groups(void **state) {
  (void)state;
  for (unsigned i = 0; i < 128; i++) {
    char name[16];
    snprintf(name, sizeof name, "g%u", i);
    fixture_send_group(&ann, "join", name, "");
  }
  fixture_send_group(&ann, "join", "one more", "");
  expect_refusal(&ann, stoa_status_text(STOA_E_LIMIT));
  fixture_send_group(&ann, "leave", "g64", "");
  fixture_send_group(&ann, "join", "one more", "");
  fixture_sync(&ann);
  fixture_send_group(&ann, "publish", "g127", "still there");
  fixture_expect_line(&ann, "still there");
}

static void test_a_member_that_leaves_makes_no_difference_to_the_others(void **state) {
  (void)state;
  struct client cid;
  fixture_connect(&fixture, &cid, "stoa.json");
  fixture_send_group(&ann, "join", "g", "");
  fixture_sync(&ann);
  fixture_send_group(&bob, "join", "g", "");
  fixture_sync(&bob);
  fixture_send_group(&cid, "join", "g", "");
  fixture_sync(&cid);
  fixture_send_group(&ann, "leave", "g", ""); /* the last one takes its place in the array */
  fixture_sync(&ann);
  fixture_send_group(&ann, "publish", "g", "one");
  fixture_expect_line(&bob, "one");
  fixture_expect_line(&cid, "one");
  client_close(&bob); /* and again by the end of a connection */
  fixture_connect(&fixture, &bob, "stoa.json");
  fixture_sync(&bob);
  fixture_send_group(&ann, "publish", "g", "two");
  fixture_expect_line(&cid, "two");
  fixture_send_group(&cid, "leave", "g", "");
  fixture_send_group(&cid, "leave", "g", "");
  expect_refusal(&cid, stoa_status_text(STOA_E_NOT_FOUND));
  client_close(&cid);
}

static void test_formats_that_write_alike_are_encoded_and_compressed_once(void **state) {
  (void)state;
  struct stoa_codec_registry codecs;
  struct stoa_formats formats;
  stoa_codec_registry_init(&codecs);
  assert_int_equal(stoa_formats_init(&formats, &codecs, stoa_string_of("json"), false, STOA_TYPED_BIG_ENDIAN), STOA_OK);
  const struct stoa_format *plain = &formats.items[0];
  const struct stoa_format *json = &formats.items[stoa_formats_find(&formats, stoa_string_of("stoa.json"), false)];
  const struct stoa_format *text = &formats.items[stoa_formats_find(&formats, stoa_string_of("stoa.text"), false)];
  const struct stoa_format *proto = &formats.items[stoa_formats_find(&formats, stoa_string_of("stoa.proto"), false)];
  assert_int_equal(stoa_format_variant(plain, 0), stoa_format_variant(json, 0));
  assert_int_equal(stoa_format_variant(plain, 15), stoa_format_variant(json, 15));
  assert_int_equal(stoa_format_variant(json, 9), stoa_format_variant(json, 0));
  assert_int_not_equal(stoa_format_variant(json, 15), stoa_format_variant(json, 0));
  assert_int_not_equal(stoa_format_variant(json, 0), stoa_format_variant(text, 0));
  assert_int_not_equal(stoa_format_variant(json, 0), stoa_format_variant(proto, 0));
  /* A group that keeps plain sessions apart. */
  size_t variants[4];
  for (size_t i = 0; i < formats.count; i++) {
    variants[i] = stoa_formats_variant_apart(&formats, i, 0);
    assert_int_equal(stoa_variant_is_plain(variants[i]), i == 0);
    assert_true(variants[i] < stoa_formats_variant_count(&formats));
  }
  assert_int_equal(variants[proto - formats.items], stoa_format_variant(proto, 0));
  assert_int_equal(stoa_formats_variant_apart(&formats, 0, 15), stoa_format_variant(plain, 15));
}

/* A busy group goes round 32 bits of batch numbers in days. */
static void test_the_count_of_batches_may_start_over(void **state) {
  (void)state;
  struct stoa_server *server = NULL;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  struct stoa_worker *worker = calloc(1, sizeof *worker);
  assert_int_equal(
      stoa_formats_init(&server->formats, &server->codecs, stoa_string_of("json"), false, STOA_TYPED_BIG_ENDIAN),
      STOA_OK);
  assert_int_equal(stoa_server_metrics_init(server, 0), STOA_OK);
  assert_int_equal(stoa_worker_init(worker, server, 0), STOA_OK);
  struct stoa_server_session own = {
      .base = {.stream.protocol = &worker->sessions.protocol, .state = STOA_SESSION_OPEN}};
  assert_int_equal(stoa_group_join_all(&own.base), STOA_OK);
  own.accepted = true;
  struct stoa_group *all = worker->groups.all;
  struct stoa_group_side *side = all->sides[0];
  side->members[0].batch_number = 1; /* it took something of a batch of this number */
  side->members[0].taken = 1000;
  side->batch_number = UINT32_MAX;
  side->batch = stoa_batch_create(100);
  assert_non_null(side->batch);
  all->dirty = true;
  worker->groups.dirty = all;
  stoa_loop_turn(worker->loop, 0);
  assert_null(side->batch);
  assert_int_equal(side->batch_number, 1);
  assert_int_not_equal(side->members[0].batch_number, side->batch_number);
  stoa_group_leave_all(&own.base);
  stoa_worker_fini(worker);
  free(worker);
  stoa_server_destroy(server);
}

static void on_drained(void *user, struct stoa_session *session) {
  (void)user;
  struct sample_v1_line_message line = {.text = STOA_STR("all has left")};
  assert_int_equal(sample_v1_line_broadcast(stoa_session_server(session), &line), STOA_OK);
}

static enum stoa_admission ask_when_drained(void *user, struct stoa_session *session,
                                            const struct stoa_request *request, struct stoa_refusal *out_refusal) {
  (void)user;
  (void)request;
  (void)out_refusal;
  stoa_session_notify_drained(session);
  return STOA_ADMIT;
}

/* It is called at the end of a turn, when groups have been looked at. Without more turns the next look would be the
 * sweep's, half a second later at worst. */
static void test_what_is_published_from_on_drained_arrives_at_once(void **state) {
  (void)state;
  enum { GUESTS = 30, MS_MAX = 3000 };
  static const struct stoa_callbacks callbacks = {.on_connect = ask_when_drained, .on_drained = on_drained};
  struct timespec start;
  struct timespec end;
  fixture_start(&fixture, fixture_config(1), &callbacks);
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (unsigned i = 0; i < GUESTS; i++) {
    struct client observer;
    fixture_connect(&fixture, &observer, "stoa.json");
    fixture_expect_line(&observer, "all has left");
    client_close(&observer);
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  assert_in_range((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000, 0, MS_MAX);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_members_hear_all_broadcasts_in_one_order_on_one_worker),
      cmocka_unit_test(test_all_members_hear_all_broadcasts_in_one_order_on_two_workers),
      cmocka_unit_test(test_all_members_hear_all_broadcasts_in_one_order_on_four_workers),
      cmocka_unit_test(test_a_named_group_keeps_one_order_wherever_its_owner_is),
      cmocka_unit_test_setup_teardown(test_private_and_group_messages_of_one_handler_arrive_in_the_order_of_the_calls,
                                      connect_two, disconnect_two),
      cmocka_unit_test_setup_teardown(test_a_session_that_joins_within_a_turn_gets_what_comes_after, connect_two,
                                      disconnect_two),
      cmocka_unit_test_setup_teardown(test_a_session_that_leaves_within_a_turn_gets_what_came_before, connect_two,
                                      disconnect_two),
      cmocka_unit_test_setup_teardown(test_what_was_published_before_a_close_goes_out_before_the_close_frame,
                                      connect_two, disconnect_two),
      cmocka_unit_test_setup_teardown(test_a_membership_has_its_rules, connect_two, disconnect_two),
      cmocka_unit_test_setup_teardown(test_a_session_is_in_at_most_128_groups, connect_two, disconnect_two),
      cmocka_unit_test_setup_teardown(test_a_member_that_leaves_makes_no_difference_to_the_others, connect_two,
                                      disconnect_two),
      cmocka_unit_test(test_formats_that_write_alike_are_encoded_and_compressed_once),
      cmocka_unit_test(test_the_count_of_batches_may_start_over),
      cmocka_unit_test(test_what_is_published_from_on_drained_arrives_at_once),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
