/* Streams of the C client, with a real server: every way to end, slow programs, pauses, a million items, and servers
 * that break the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/client.h>
#include <stoa/log.h>

#include "base/memory.h"
#include "stream.client.stoa.h"
#include "streaming.h"
#include "wire/typed.h"

#define MILLION 1000000u
#define STEPS_MAX 200000u
#define WINDOW ((uint64_t)STOA_CALL_STREAM_WINDOW_BYTES)
#define ITEM_COST_MIN (31u + STOA_TYPED_ITEM_COST)
#define ITEM_COST_MAX (38u + STOA_TYPED_ITEM_COST)

static struct fixture fixture;

/* One stream of a client that the test steps. */
struct watch {
  struct stoa_client *client;
  uint32_t id;
  uint64_t items;
  uint64_t pause_at, cancel_at, close_at; /* after so many items; 0: never */
  unsigned ends;
  enum stoa_call_result result;
  uint32_t code;
};

static void on_item(void *user, struct stoa_client *client, const struct stream_v1_number *item) {
  struct watch *watch = user;
  assert_int_equal(item->number, watch->items);
  watch->items++;
  if (watch->items == watch->pause_at) {
    assert_int_equal(stoa_client_stream_pause(client, watch->id), STOA_OK);
  }
  if (watch->items == watch->cancel_at) {
    assert_int_equal(stoa_client_cancel(client, watch->id), STOA_OK);
  }
  if (watch->items == watch->close_at) {
    stoa_client_close(client, 1000, NULL);
  }
}

static void on_end(void *user, struct stoa_client *client, const struct stoa_call_end *end) {
  struct watch *watch = user;
  assert_ptr_equal(client, watch->client);
  assert_int_equal(end->call_id, watch->id);
  assert_null(end->message);
  watch->ends++;
  watch->result = end->result;
  watch->code = end->error == NULL ? 0 : end->error->code;
}

static void step_until(struct watch *watch, bool (*is_done)(const struct watch *watch)) {
  for (unsigned i = 0; !is_done(watch); i++) {
    assert_true(i < STEPS_MAX);
    stoa_client_step(watch->client, 1000);
  }
}

static bool is_open(const struct watch *watch) {
  return stoa_client_state(watch->client) == STOA_CLIENT_OPEN;
}

static bool has_ended(const struct watch *watch) {
  return watch->ends > 0;
}

static void connect_as(struct watch *watch, enum stoa_client_subprotocol subprotocol, const struct stoa_codec *codec) {
  static char url[100];
  snprintf(url, sizeof url, "ws://%s", fixture.address);
  const struct stoa_client_options options = {.url = url, .subprotocol = subprotocol, .codec = codec, .once = true};
  *watch = (struct watch){0};
  assert_int_equal(stoa_client_create(&options, NULL, &watch->client), STOA_OK);
  assert_int_equal(stoa_client_open(watch->client), STOA_OK);
  step_until(watch, is_open);
}

static void connect_to(struct watch *watch) {
  streaming_start(&fixture, fixture_config(1), NULL);
  connect_as(watch, STOA_CLIENT_CODEC, NULL);
}

static void begin(struct watch *watch, const char *how, uint64_t count) {
  const struct stream_v1_count_request request = {.how = stoa_string_of(how), .count = count};
  assert_int_equal(stream_v1_streams_client_call_count(watch->client, &request, on_item, on_end, watch, &watch->id),
                   STOA_OK);
}

static void expect(struct watch *watch, enum stoa_call_result result, uint64_t items) {
  step_until(watch, has_ended);
  assert_int_equal(watch->ends, 1);
  assert_int_equal(watch->result, result);
  assert_int_equal(watch->items, items);
}

static void stop(struct watch *watch) {
  stoa_client_destroy(watch->client);
  fixture_stop(&fixture);
}

static void test_items_come_before_the_end_in_every_format(void **state) {
  struct watch watch;
  (void)state;
  streaming_start(&fixture, fixture_config(1), NULL);
  static const enum stoa_client_subprotocol subprotocols[] = {STOA_CLIENT_CODEC, STOA_CLIENT_CODEC, STOA_CLIENT_TEXT};
  for (size_t i = 0; i < 3; i++) {
    connect_as(&watch, subprotocols[i], i == 1 ? &stoa_codec_proto : NULL);
    begin(&watch, "now", 3);
    expect(&watch, STOA_CALL_DONE, 3);
    watch.ends = 0;
    watch.items = 0;
    begin(&watch, "fail", 2);
    expect(&watch, STOA_CALL_ERROR, 2);
    assert_int_equal(watch.code, 1001);
    /* More than a window: credit is granted in this format. */
    watch.ends = 0;
    watch.items = 0;
    begin(&watch, "worker", 100000);
    expect(&watch, STOA_CALL_DONE, 100000);
    stoa_client_destroy(watch.client);
  }
  fixture_stop(&fixture);
}

static void test_a_million_items_come_to_a_slow_program(void **state) {
  struct watch watch;
  (void)state;
  connect_to(&watch);
  begin(&watch, "worker", MILLION);
  counter_wait(&streaming_full, 0);
  expect(&watch, STOA_CALL_DONE, MILLION);
  assert_true(atomic_load(&streaming_queued_max) <= 64 * 1024 + 128);
  stop(&watch);
}

static bool has_paused(const struct watch *watch) {
  return watch->items == watch->pause_at;
}

static void test_a_program_that_pauses_bounds_the_server_and_itself(void **state) {
  struct watch watch;
  (void)state;
  connect_to(&watch);
  watch.pause_at = 1000;
  int64_t blocks = stoa_memory_live_blocks();
  begin(&watch, "worker", MILLION);
  step_until(&watch, has_paused);
  /* The server stops when its credit is used up; what came meanwhile is kept. */
  uint64_t before = 0;
  while (before != streaming_counts(&fixture).items || before * ITEM_COST_MAX < WINDOW) {
    before = streaming_counts(&fixture).items;
    stoa_client_step(watch.client, 20);
  }
  assert_int_equal(watch.items, 1000);
  assert_true(before <= WINDOW / ITEM_COST_MIN + 1);
  assert_true(stoa_memory_live_blocks() - blocks < 50);
  watch.pause_at = 0;
  assert_int_equal(stoa_client_stream_resume(watch.client, watch.id), STOA_OK);
  expect(&watch, STOA_CALL_DONE, MILLION);
  stop(&watch);
}

static void test_a_paused_stream_hears_its_end_when_it_goes_on(void **state) {
  struct watch watch;
  (void)state;
  connect_to(&watch);
  watch.pause_at = 1;
  begin(&watch, "fail", 5);
  step_until(&watch, has_paused);
  while (streaming_counts(&fixture).failed == 0) {
    stoa_client_step(watch.client, 1);
  }
  for (unsigned i = 0; i < 20; i++) {
    stoa_client_step(watch.client, 1);
  }
  assert_int_equal(watch.items, 1);
  assert_int_equal(watch.ends, 0);
  watch.pause_at = 0;
  assert_int_equal(stoa_client_stream_resume(watch.client, watch.id), STOA_OK);
  expect(&watch, STOA_CALL_ERROR, 5);
  assert_int_equal(watch.code, 1001);
  assert_int_equal(stoa_client_stream_resume(watch.client, watch.id), STOA_OK); /* it is gone */
  assert_int_equal(stoa_client_stream_pause(watch.client, watch.id), STOA_OK);
  stoa_client_step(watch.client, 0);
  stop(&watch);
}

static void test_the_program_cancels_a_million_items_in_the_middle(void **state) {
  struct watch watch;
  (void)state;
  connect_to(&watch);
  watch.cancel_at = MILLION / 2;
  begin(&watch, "worker", MILLION);
  step_until(&watch, has_ended);
  assert_int_equal(watch.result, STOA_CALL_CANCELLED);
  assert_true(watch.items < MILLION);
  while (streaming_counts(&fixture).cancelled == 0) {
    stoa_client_step(watch.client, 1);
  }
  /* What was on its way is ignored, and others are served. */
  watch.ends = 0;
  watch.items = 0;
  watch.cancel_at = 0;
  begin(&watch, "now", 2);
  expect(&watch, STOA_CALL_DONE, 2);
  stop(&watch);
}

static void test_the_server_fails_a_million_items_in_the_middle(void **state) {
  struct watch watch;
  (void)state;
  connect_to(&watch);
  begin(&watch, "half", MILLION);
  expect(&watch, STOA_CALL_ERROR, MILLION / 2);
  assert_int_equal(watch.code, 1001);
  stop(&watch);
}

static void test_the_end_of_the_connection_ends_streams_as_lost(void **state) {
  struct watch watch;
  (void)state;
  connect_to(&watch);
  begin(&watch, "keep", 0);
  while (streaming_counts(&fixture).begun == 0) {
    stoa_client_step(watch.client, 1);
  }
  stoa_server_abort(fixture.server);
  step_until(&watch, has_ended);
  assert_int_equal(watch.result, STOA_CALL_LOST);
  stoa_server_wait(fixture.server);
  stoa_call_stream_drop(streaming_take()->stream);
  stop(&watch);
}

static void test_a_close_inside_of_an_item_is_allowed(void **state) {
  struct watch watch;
  (void)state;
  connect_to(&watch);
  watch.close_at = 10;
  begin(&watch, "worker", MILLION);
  step_until(&watch, has_ended);
  assert_int_equal(watch.result, STOA_CALL_LOST);
  stop(&watch);
}

static void test_what_cannot_be_a_stream_is_refused(void **state) {
  struct watch watch;
  struct stoa_client_stream_start start = {.type = 0x20000000u, .on_end = on_end};
  const struct stoa_client_options options = {.url = "ws://localhost:1", .subprotocol = STOA_CLIENT_NONE};
  (void)state;
  assert_int_equal(stoa_client_create(&options, NULL, &watch.client), STOA_OK);
  assert_int_equal(stoa_client_stream(watch.client, &start, NULL), STOA_E_ARGUMENT);
  start.type = 1;
  start.on_end = NULL;
  assert_int_equal(stoa_client_stream(watch.client, &start, NULL), STOA_E_ARGUMENT);
  start.on_end = on_end;
  assert_int_equal(stoa_client_stream(watch.client, &start, NULL), STOA_E_UNSUPPORTED);
  stoa_client_destroy(watch.client);
  connect_to(&watch);
  const struct stream_v1_count_request bad = {.how = STOA_STR("\xff")};
  assert_int_equal(stream_v1_streams_client_call_count(watch.client, &bad, on_item, on_end, &watch, NULL), STOA_E_UTF8);
  stoa_memory_fail_at(1, false);
  const struct stream_v1_count_request good = {.how = STOA_STR("now")};
  assert_int_equal(stream_v1_streams_client_call_count(watch.client, &good, on_item, on_end, &watch, NULL),
                   STOA_E_MEMORY);
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_client_stream_resume(watch.client, 1), STOA_E_MEMORY);
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_client_stream_pause(watch.client, 1), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  assert_int_equal(watch.ends, 0);
  stop(&watch);
}

/* Each allocation of a stream's life in the client and in the server fails once: it ends once, whatever happens. */
static void test_every_allocation_may_fail(void **state) {
  (void)state;
  for (uint64_t n = 1; n <= 60; n++) {
    struct watch watch;
    connect_to(&watch);
    watch.pause_at = 2;
    const struct stream_v1_count_request request = {.how = STOA_STR("fail"), .count = 4};
    stoa_memory_fail_at(n, false);
    int status = stream_v1_streams_client_call_count(watch.client, &request, on_item, on_end, &watch, &watch.id);
    for (unsigned i = 0; i < 200 && status == STOA_OK && watch.ends == 0; i++) {
      stoa_client_step(watch.client, 1);
      if (watch.items >= 2) {
        watch.pause_at = 0;
        int ignored = stoa_client_stream_resume(watch.client, watch.id);
        (void)ignored;
      }
    }
    stoa_memory_fail_at(0, false);
    assert_true(watch.ends <= 1);
    stop(&watch);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_items_come_before_the_end_in_every_format),
      cmocka_unit_test(test_a_million_items_come_to_a_slow_program),
      cmocka_unit_test(test_a_program_that_pauses_bounds_the_server_and_itself),
      cmocka_unit_test(test_a_paused_stream_hears_its_end_when_it_goes_on),
      cmocka_unit_test(test_the_program_cancels_a_million_items_in_the_middle),
      cmocka_unit_test(test_the_server_fails_a_million_items_in_the_middle),
      cmocka_unit_test(test_the_end_of_the_connection_ends_streams_as_lost),
      cmocka_unit_test(test_a_close_inside_of_an_item_is_allowed),
      cmocka_unit_test(test_what_cannot_be_a_stream_is_refused),
      cmocka_unit_test(test_every_allocation_may_fail),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("streams of the client", tests, NULL, NULL);
}
