/* Messages to all but one: the one does not get them, the others get the same bytes in the same order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/log.h>
#include <stoa/worker.h>

#include "fixture.h"
#include "wire/ws_deflate.h"

enum { MEMBERS = 10, THREADS = 2, WORKERS_MAX = 3, PUBLISHERS_MAX = THREADS + WORKERS_MAX, LINES = 400, CHUNK = 60 };

static const char offer[] = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
static const char small_offer[] = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n";

struct kind {
  const char *protocol;
  const char *extra;
};

/* Two of most, so that a variant has members on several workers. */
static const struct kind kinds[MEMBERS] = {{"stoa.json", NULL},   {"stoa.json", offer},       {"stoa.proto", NULL},
                                           {"stoa.proto", offer}, {"stoa.text", NULL},        {"stoa.text", offer},
                                           {"stoa.json", NULL},   {"stoa.json", small_offer}, {"stoa.json", offer},
                                           {"stoa.proto", NULL}};

static struct fixture fixture;
static struct stoa_uuid ids[MEMBERS + 1]; /* the last is nobody's */
static unsigned connected;
static pthread_mutex_t ids_mutex = PTHREAD_MUTEX_INITIALIZER;

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user;
  (void)request;
  (void)out_refusal;
  pthread_mutex_lock(&ids_mutex);
  ids[connected++ % MEMBERS] = *stoa_session_id(session);
  pthread_mutex_unlock(&ids_mutex);
  return stoa_session_join(session, stoa_string_of("g")) == STOA_OK ? STOA_ADMIT : STOA_REFUSE;
}

static const struct stoa_callbacks callbacks = {.on_connect = on_connect};

static void start(uint32_t workers) {
  struct stoa_server_config *config = fixture_config(workers);
  const struct stoa_limits_config limits = {.send_queue_bytes_max = 64 * 1024 * 1024};
  config->compression = true;
  config->limits = &limits;
  connected = 0;
  fixture_start(&fixture, config, &callbacks);
}

/* To all with group NULL. */
static int send_except(const char *group, const struct stoa_uuid *except, const struct sample_v1_line_message *line) {
  return group == NULL
             ? stoa_server_broadcast_except(fixture.server, except, FIXTURE_LINE, &sample_v1_line_message_type, line)
             : stoa_server_publish_except(fixture.server, stoa_string_of(group), except, FIXTURE_LINE,
                                          &sample_v1_line_message_type, line);
}

/* The meeting of many. */

struct publisher {
  pthread_t thread;
  uint32_t number, next;
  const char *group;
  bool failed;
  struct counter *done;
};

/* Runs of messages without the same one, and changes from one to the next. */
static uint32_t member_without(uint32_t publisher, uint32_t line) {
  return publisher % 2 == 0 ? (publisher + line) % (MEMBERS + 1) : (publisher + line / 7) % (MEMBERS + 1);
}

/* Short ones that are sent as they are, and long ones that are compressed. */
static struct sample_v1_line_message make_line(uint32_t publisher, uint32_t line) {
  static const char text[] =
      "0123456789 Members of a group see its messages in one order. Who is excluded sees the others in that order too. "
      "Lengths differ, so that a range that begins or ends at a wrong place breaks a frame. 0123456789 0123456789";
  static const char names[PUBLISHERS_MAX][3] = {"p0", "p1", "p2", "p3", "p4"};
  size_t len = (publisher * 31 + line * 17) % (sizeof text - 1);
  return (struct sample_v1_line_message){
      .from = stoa_string_of(names[publisher]), .number = line, .text = stoa_string_make(text, len)};
}

static void publish_some(struct publisher *publisher, uint32_t count) {
  for (uint32_t i = 0; i < count && publisher->next < LINES && !publisher->failed; i++) {
    struct sample_v1_line_message line = make_line(publisher->number, publisher->next);
    const struct stoa_uuid *except = &ids[member_without(publisher->number, publisher->next)];
    publisher->failed = send_except(publisher->group, except, &line) != STOA_OK;
    publisher->next++;
  }
}

static void *publish_on_thread(void *context) {
  struct publisher *publisher = context;
  publish_some(publisher, LINES);
  counter_up(publisher->done);
  return NULL;
}

/* Many in one turn, over several turns. */
static void publish_on_worker(void *context, int status) {
  struct publisher *publisher = context;
  publish_some(publisher, CHUNK);
  publisher->failed = publisher->failed || status != STOA_OK;
  if (publisher->next == LINES || publisher->failed ||
      stoa_worker_defer(fixture.server, publish_on_worker, publisher) != STOA_OK) {
    counter_up(publisher->done);
  }
}

static void publish_all(uint32_t workers, const char *group) {
  struct counter done = COUNTER_INIT;
  struct publisher publishers[PUBLISHERS_MAX];
  for (uint32_t i = 0; i < THREADS + workers; i++) {
    publishers[i] = (struct publisher){.number = i, .group = group, .done = &done};
    if (i < THREADS) {
      assert_int_equal(pthread_create(&publishers[i].thread, NULL, publish_on_thread, &publishers[i]), 0);
    } else {
      assert_int_equal(stoa_worker_run(fixture.server, i - THREADS, publish_on_worker, &publishers[i]), STOA_OK);
    }
  }
  counter_wait(&done, THREADS + workers);
  for (uint32_t i = 0; i < THREADS + workers; i++) {
    if (i < THREADS) {
      pthread_join(publishers[i].thread, NULL);
    }
    assert_false(publishers[i].failed);
    assert_int_equal(publishers[i].next, LINES);
  }
}

/* Which lines a member got, in their order: the publisher and the line's number. */
struct record {
  uint32_t count;
  uint32_t lines[PUBLISHERS_MAX * LINES][2];
};

static struct stoa_bytes plain_of(const struct client_frame *frame, struct stoa_inflater *inflater,
                                  struct stoa_buffer *scratch) {
  if (!frame->compressed) {
    return stoa_bytes_make(frame->data, frame->len);
  }
  scratch->len = 0;
  assert_int_equal(stoa_inflater_step(inflater, stoa_bytes_make(frame->data, frame->len), true, scratch), STOA_OK);
  stoa_inflater_reset(inflater);
  return stoa_bytes_make(scratch->data, scratch->len);
}

/* The whole message of a line, in a format. */
static void encode_line(const char *protocol, const struct sample_v1_line_message *line, struct stoa_buffer *out) {
  bool is_text = strcmp(protocol, "stoa.text") == 0;
  const struct stoa_codec *codec = strcmp(protocol, "stoa.proto") == 0 ? &stoa_codec_proto : &stoa_codec_json;
  out->len = 0;
  assert_int_equal(
      is_text ? stoa_buffer_append(out, "{\"type\":0,\"payload\":", 20) : stoa_buffer_append(out, "\0\0\0\0", 4),
      STOA_OK);
  assert_int_equal(codec->encode(&sample_v1_line_message_type, line, out), STOA_OK);
  if (is_text) {
    assert_int_equal(stoa_buffer_append(out, "}", 1), STOA_OK);
  }
}

/* Of each publisher the next line that this member is to get must come; find whose it is. False at the last line. */
static bool take_line(struct record *record, uint32_t next[PUBLISHERS_MAX], uint32_t member, uint32_t publishers,
                      struct stoa_bytes got) {
  struct stoa_buffer expected;
  struct sample_v1_line_message last = {.from = STOA_STR("last")};
  stoa_buffer_init(&expected, 4096);
  encode_line(kinds[member].protocol, &last, &expected);
  bool is_last = got.len == expected.len && memcmp(got.data, expected.data, got.len) == 0;
  bool found = is_last;
  for (uint32_t i = 0; i < publishers && !found; i++) {
    while (next[i] < LINES && member_without(i, next[i]) == member) {
      next[i]++;
    }
    struct sample_v1_line_message line = make_line(i, next[i]);
    encode_line(kinds[member].protocol, &line, &expected);
    if (next[i] < LINES && got.len == expected.len && memcmp(got.data, expected.data, got.len) == 0) {
      assert_true(record->count < PUBLISHERS_MAX * LINES);
      record->lines[record->count][0] = i;
      record->lines[record->count++][1] = next[i]++;
      found = true;
    }
  }
  stoa_buffer_fini(&expected);
  assert_true(found);
  return !is_last;
}

static void read_all(struct client *client, uint32_t member, uint32_t publishers, struct record *record) {
  uint32_t next[PUBLISHERS_MAX] = {0};
  struct stoa_inflater *inflater = stoa_inflater_create();
  struct stoa_buffer scratch;
  assert_non_null(inflater);
  stoa_buffer_init(&scratch, 4096);
  struct client_frame frame = client_read_message(client);
  while (take_line(record, next, member, publishers, plain_of(&frame, inflater, &scratch))) {
    frame = client_read_message(client);
  }
  for (uint32_t i = 0; i < publishers; i++) {
    for (; next[i] < LINES; next[i]++) {
      assert_int_equal(member_without(i, next[i]), member); /* nothing is missing */
    }
  }
  stoa_buffer_fini(&scratch);
  stoa_inflater_destroy(inflater);
}

/* The next line that both were to get. */
static bool next_common(const struct record *record, uint32_t *at, uint32_t other) {
  while (*at < record->count && member_without(record->lines[*at][0], record->lines[*at][1]) == other) {
    (*at)++;
  }
  return *at < record->count;
}

static void check_one_order(const struct record records[MEMBERS], uint32_t a, uint32_t b) {
  uint32_t at_a = 0;
  uint32_t at_b = 0;
  while (next_common(&records[a], &at_a, b)) {
    assert_true(next_common(&records[b], &at_b, a));
    assert_memory_equal(records[a].lines[at_a++], records[b].lines[at_b++], sizeof records[a].lines[0]);
  }
  assert_false(next_common(&records[b], &at_b, a));
}

static void hold_meeting(uint32_t workers, const char *group) {
  struct client members[MEMBERS];
  struct record *records = calloc(MEMBERS, sizeof *records);
  assert_non_null(records);
  start(workers);
  for (uint32_t i = 0; i < MEMBERS; i++) {
    client_connect(&members[i], fixture.address);
    assert_int_equal(client_upgrade(&members[i], "/", kinds[i].protocol, kinds[i].extra), 101);
  }
  assert_int_equal(stoa_uuid_make(&ids[MEMBERS]), STOA_OK);
  publish_all(workers, group);
  struct sample_v1_line_message last = {.from = STOA_STR("last")};
  assert_int_equal(send_except(group, NULL, &last), STOA_OK);
  for (uint32_t i = 0; i < MEMBERS; i++) {
    read_all(&members[i], i, THREADS + workers, &records[i]);
  }
  for (uint32_t i = 1; i < MEMBERS; i++) {
    check_one_order(records, 0, i);
    check_one_order(records, i, (i + 1) % MEMBERS);
  }
  for (uint32_t i = 0; i < MEMBERS; i++) {
    client_close(&members[i]);
  }
  free(records);
  fixture_stop(&fixture);
}

static void test_all_but_one_get_a_broadcast_in_one_order_on_one_worker(void **state) {
  (void)state;
  hold_meeting(1, NULL);
}

static void test_all_but_one_get_a_broadcast_in_one_order_on_three_workers(void **state) {
  (void)state;
  hold_meeting(3, NULL);
}

static void test_all_members_but_one_get_what_is_published_on_one_worker(void **state) {
  (void)state;
  hold_meeting(1, "g");
}

static void test_all_members_but_one_get_what_is_published_on_three_workers(void **state) {
  (void)state;
  hold_meeting(3, "g");
}

/* One turn of one worker. */

static struct client ann, bob;

static int two_guests(void **state) {
  (void)state;
  start(1);
  fixture_connect(&fixture, &ann, "stoa.json");
  fixture_connect(&fixture, &bob, "stoa.json");
  return 0;
}

static int guests_leave(void **state) {
  (void)state;
  client_close(&ann);
  client_close(&bob);
  fixture_stop(&fixture);
  return 0;
}

static void publish_text(const struct stoa_uuid *except, const char *text) {
  struct sample_v1_line_message line = {.text = stoa_string_of(text)};
  assert_int_equal(send_except("g", except, &line), STOA_OK);
}

static void push_text(struct stoa_session *session, const char *text) {
  struct sample_v1_line_message line = {.text = stoa_string_of(text)};
  assert_int_equal(sample_v1_line_push(session, &line), STOA_OK);
}

static void mix(void *context, struct stoa_session *session, int status) {
  (void)context;
  assert_int_equal(status, STOA_OK);
  publish_text(NULL, "A");
  publish_text(&ids[0], "B");
  push_text(session, "C");
  publish_text(&ids[0], "D");
  publish_text(&ids[1], "E");
  publish_text(&ids[0], "F");
}

static void test_messages_to_one_and_to_all_but_one_keep_the_order_of_the_calls(void **state) {
  (void)state;
  assert_int_equal(stoa_worker_run_for(fixture.server, &ids[0], mix, NULL), STOA_OK);
  fixture_expect_line(&ann, "A");
  fixture_expect_line(&ann, "C");
  fixture_expect_line(&ann, "E");
  fixture_sync(&ann);
  fixture_expect_line(&bob, "A");
  fixture_expect_line(&bob, "B");
  fixture_expect_line(&bob, "D");
  fixture_expect_line(&bob, "F");
  fixture_sync(&bob);
}

static void leave_and_come_back(void *context, struct stoa_session *session, int status) {
  (void)context;
  assert_int_equal(status, STOA_OK);
  publish_text(&ids[0], "not for ann");
  assert_int_equal(stoa_session_leave(session, stoa_string_of("g")), STOA_OK);
  publish_text(&ids[0], "ann is no member");
  assert_int_equal(stoa_session_join(session, stoa_string_of("g")), STOA_OK);
  publish_text(&ids[1], "not for bob");
}

static void test_an_excluded_member_may_leave_and_join_in_the_same_turn(void **state) {
  (void)state;
  assert_int_equal(stoa_worker_run_for(fixture.server, &ids[0], leave_and_come_back, NULL), STOA_OK);
  fixture_expect_line(&ann, "not for bob");
  fixture_sync(&ann);
  fixture_expect_line(&bob, "not for ann");
  fixture_expect_line(&bob, "ann is no member");
  fixture_sync(&bob);
}

static void test_a_close_frame_follows_what_the_excluded_member_was_to_get(void **state) {
  (void)state;
  publish_text(NULL, "for both");
  publish_text(&ids[0], "not for ann");
  assert_int_equal(stoa_server_close_session(fixture.server, &ids[0], 4999, "as asked"), STOA_OK);
  fixture_expect_line(&ann, "for both");
  assert_int_equal(client_read_close(&ann), 4999);
  fixture_expect_line(&bob, "for both");
  fixture_expect_line(&bob, "not for ann");
}

static void test_an_id_of_nobody_excludes_nobody(void **state) {
  (void)state;
  static const struct stoa_uuid nobody = {{0}};
  struct sample_v1_line_message line = {.text = STOA_STR("for all")};
  publish_text(&nobody, "for the group");
  assert_int_equal(send_except(NULL, &nobody, &line), STOA_OK);
  fixture_expect_line(&ann, "for the group");
  fixture_expect_line(&ann, "for all");
  fixture_expect_line(&bob, "for the group");
  fixture_expect_line(&bob, "for all");
}

static void test_excluding_has_the_errors_of_publishing(void **state) {
  (void)state;
  char name[65];
  struct sample_v1_line_message line = {.text = STOA_STR("x")};
  struct sample_v1_line_message bad = {.text = STOA_STR("\xff")};
  const struct stoa_message_type *type = &sample_v1_line_message_type;
  memset(name, 'x', sizeof name);
  assert_int_equal(
      stoa_server_publish_except(fixture.server, stoa_string_make(name, 65), &ids[0], FIXTURE_LINE, type, &line),
      STOA_E_ARGUMENT);
  assert_int_equal(
      stoa_server_publish_except(fixture.server, stoa_string_make(name, 0), &ids[0], FIXTURE_LINE, type, &line),
      STOA_E_ARGUMENT);
  assert_int_equal(stoa_server_publish_except(fixture.server, stoa_string_of("g"), &ids[0], 0x40000000, type, &line),
                   STOA_E_ARGUMENT);
  assert_int_equal(stoa_server_broadcast_except(fixture.server, &ids[0], 0x40000000, type, &line), STOA_E_ARGUMENT);
  assert_int_equal(send_except("g", &ids[0], &bad), STOA_E_UTF8);
  assert_int_equal(send_except(NULL, &ids[0], &bad), STOA_E_UTF8);
  struct stoa_server *server = NULL;
  assert_int_equal(stoa_server_create(NULL, &server), STOA_OK);
  assert_int_equal(stoa_server_publish_except(server, stoa_string_of("g"), &ids[0], FIXTURE_LINE, type, &line),
                   STOA_E_CLOSED);
  assert_int_equal(stoa_server_broadcast_except(server, &ids[0], FIXTURE_LINE, type, &line), STOA_E_CLOSED);
  stoa_server_destroy(server);
}

/* Two batches in one turn of another worker. */

struct gate {
  struct counter *entered;
  struct counter *opened;
  unsigned number;
};

static void stand_at_gate(void *context, int status) {
  const struct gate *gate = context;
  assert_int_equal(status, STOA_OK);
  counter_up(gate->entered);
  counter_wait(gate->opened, gate->number);
}

static void count_later_turn(void *context, int status) {
  assert_int_equal(status, STOA_OK);
  counter_up(context);
}

static void wait_for_a_turn(void *context, int status) {
  assert_int_equal(status, STOA_OK);
  assert_int_equal(stoa_worker_defer(fixture.server, count_later_turn, context), STOA_OK);
}

/* After it, what was published before has been flushed by its owner, worker 0. */
static void pass_turns_of_owner(void) {
  struct counter turns = COUNTER_INIT;
  for (unsigned i = 1; i <= 3; i++) {
    assert_int_equal(stoa_worker_run(fixture.server, 0, wait_for_a_turn, &turns), STOA_OK);
    counter_wait(&turns, i);
  }
}

static void broadcast_text(const struct stoa_uuid *except, const char *text) {
  struct sample_v1_line_message line = {.text = stoa_string_of(text)};
  assert_int_equal(send_except(NULL, except, &line), STOA_OK);
}

/* A client of worker 1, and its id: the last byte of an id tells its worker. */
static void enter_worker_1(struct client *client, struct stoa_uuid *out_id) {
  for (;;) {
    fixture_connect(&fixture, client, "stoa.json");
    fixture_sync(client);
    *out_id = ids[(connected - 1) % MEMBERS];
    if (out_id->bytes[15] % 2 == 1) {
      return;
    }
    client_close(client);
  }
}

static void test_two_batches_in_one_turn_keep_their_exclusions(void **state) {
  (void)state;
  struct counter entered = COUNTER_INIT;
  struct counter opened = COUNTER_INIT;
  struct gate gate = {&entered, &opened, 1};
  struct stoa_uuid ann_id;
  struct stoa_uuid bob_id;
  struct stoa_server_config *config = fixture_config(2);
  config->linger_ms = 0;
  connected = 0;
  fixture_start(&fixture, config, &callbacks);
  enter_worker_1(&ann, &ann_id);
  enter_worker_1(&bob, &bob_id);
  assert_int_equal(stoa_worker_run(fixture.server, 1, stand_at_gate, &gate), STOA_OK);
  counter_wait(&entered, 1);
  broadcast_text(NULL, "one");
  broadcast_text(&ann_id, "two");
  pass_turns_of_owner();
  broadcast_text(&bob_id, "three");
  broadcast_text(&ann_id, "four");
  broadcast_text(NULL, "five");
  pass_turns_of_owner();
  counter_up(&opened);
  fixture_expect_line(&ann, "one");
  fixture_expect_line(&ann, "three");
  fixture_expect_line(&ann, "five");
  fixture_sync(&ann);
  fixture_expect_line(&bob, "one");
  fixture_expect_line(&bob, "two");
  fixture_expect_line(&bob, "four");
  fixture_expect_line(&bob, "five");
  fixture_sync(&bob);
  client_close(&ann);
  client_close(&bob);
  fixture_stop(&fixture);
}

/* The bound. */

struct filling {
  struct stoa_uuid except[2];
  bool excludes;
  uint32_t accepted;
  int status;
  struct counter done;
};

static void fill_turn(void *context, int status) {
  struct filling *filling = context;
  struct sample_v1_line_message line = {.text = STOA_STR("x")};
  filling->accepted = 0;
  filling->status = status;
  while (filling->status == STOA_OK && filling->accepted < 100000) {
    const struct stoa_uuid *except = filling->excludes ? &filling->except[filling->accepted % 2] : NULL;
    filling->status = send_except(NULL, except, &line);
    filling->accepted += filling->status == STOA_OK ? 1 : 0;
  }
  counter_up(&filling->done);
}

/* The group of all is owned by worker 0; both ids are of other workers, so the list grows with each message. */
static void test_exclusions_count_as_bytes_that_wait_in_the_turn(void **state) {
  (void)state;
  struct stoa_server_config *config = fixture_config(3);
  struct client observer;
  const struct stoa_limits_config limits = {.mailbox_bytes_max = 64 * 1024};
  config->limits = &limits;
  config->linger_ms = 0; /* or the batch is there still in the next turn */
  fixture_start(&fixture, config, &callbacks);
  fixture_connect(&fixture, &observer, "stoa.json");
  struct filling filling = {.done = COUNTER_INIT};
  filling.except[0].bytes[15] = 1;
  filling.except[1].bytes[15] = 2;
  assert_int_equal(stoa_worker_run(fixture.server, 0, fill_turn, &filling), STOA_OK);
  counter_wait(&filling.done, 1);
  fixture_sync_past_lines(&observer); /* or a second batch on its way would not fit, and close it with 4010 */
  uint32_t without = filling.accepted;
  assert_int_equal(filling.status, STOA_E_LIMIT);
  filling.excludes = true;
  assert_int_equal(stoa_worker_run(fixture.server, 0, fill_turn, &filling), STOA_OK);
  counter_wait(&filling.done, 2);
  fixture_sync_past_lines(&observer);
  assert_int_equal(filling.status, STOA_E_LIMIT);
  assert_in_range(filling.accepted, 1, without - 1);
  /* What was counted has been given back with the batch. */
  filling.excludes = false;
  assert_int_equal(stoa_worker_run(fixture.server, 0, fill_turn, &filling), STOA_OK);
  counter_wait(&filling.done, 3);
  assert_int_equal(filling.accepted, without);
  client_close(&observer);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_but_one_get_a_broadcast_in_one_order_on_one_worker),
      cmocka_unit_test(test_all_but_one_get_a_broadcast_in_one_order_on_three_workers),
      cmocka_unit_test(test_all_members_but_one_get_what_is_published_on_one_worker),
      cmocka_unit_test(test_all_members_but_one_get_what_is_published_on_three_workers),
      cmocka_unit_test_setup_teardown(test_messages_to_one_and_to_all_but_one_keep_the_order_of_the_calls, two_guests,
                                      guests_leave),
      cmocka_unit_test_setup_teardown(test_an_excluded_member_may_leave_and_join_in_the_same_turn, two_guests,
                                      guests_leave),
      cmocka_unit_test_setup_teardown(test_a_close_frame_follows_what_the_excluded_member_was_to_get, two_guests,
                                      guests_leave),
      cmocka_unit_test_setup_teardown(test_an_id_of_nobody_excludes_nobody, two_guests, guests_leave),
      cmocka_unit_test_setup_teardown(test_excluding_has_the_errors_of_publishing, two_guests, guests_leave),
      cmocka_unit_test(test_two_batches_in_one_turn_keep_their_exclusions),
      cmocka_unit_test(test_exclusions_count_as_bytes_that_wait_in_the_turn),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("except", tests, NULL, NULL);
}
