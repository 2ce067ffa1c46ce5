/* Streams over WebSocket: every way to end, credit and slow readers, a million items, other threads, failing memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stoa/log.h>

#include "base/memory.h"
#include "streaming.h"
#include "wire/typed.h"

#define WINDOW ((size_t)STOA_CALL_STREAM_WINDOW_BYTES)
#define MILLION 1000000u
#define FAULTS_MAX 60u

static struct fixture fixture;

static void start(void) {
  streaming_start(&fixture, fixture_config(1), NULL);
}

static struct stoa_server_config *with_limits(const struct stoa_limits_config *limits) {
  static struct stoa_limits_config copy;
  struct stoa_server_config *config = fixture_config(1);
  copy = *limits;
  config->limits = &copy;
  return config;
}

/* Ends. */

static void test_items_come_in_order_before_the_end(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 5, "now", 3);
  for (uint64_t i = 0; i < 3; i++) {
    streaming_expect(&client, 5, i);
  }
  streaming_expect_end(&client, 5);
  streaming_call(&client, 6, "end here", 0);
  streaming_expect(&client, 6, 0);
  streaming_expect_end(&client, 6);
  struct stoa_call_stream_counts counts = streaming_counts(&fixture);
  assert_int_equal(counts.begun, 2);
  assert_int_equal(counts.ended, 2);
  assert_int_equal(counts.items, 4);
  assert_int_equal(counts.outstanding, 0);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_stream_ends_with_the_error_of_the_program(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "fail", 1);
  streaming_expect(&client, 1, 0);
  streaming_expect_error(&client, 1, "BUSY");
  streaming_call(&client, 2, "refuse", 0);
  streaming_expect_error(&client, 2, "BUSY");
  streaming_call(&client, 3, "fail here", 0);
  streaming_expect_error(&client, 3, "BUSY");
  streaming_call(&client, 4, "drop here", 0);
  streaming_expect_error(&client, 4, "INTERNAL");
  struct stoa_call_stream_counts counts = streaming_counts(&fixture);
  assert_int_equal(counts.failed, 3);
  assert_int_equal(counts.dropped, 1);
  stoa_call_stream_drop(NULL);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_an_item_that_cannot_be_encoded_leaves_the_stream_as_it_is(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "broken", 0);
  streaming_expect(&client, 1, 1);
  streaming_expect_end(&client, 1);
  streaming_call(&client, 2, "take", 0);
  streaming_expect_end(&client, 2);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_another_thread_sends_and_ends(void **state) {
  static const struct stoa_error error = {.code = 1002, .reason = STOA_STR("LATE")};
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  struct streaming_kept *kept = streaming_take();
  assert_true(stoa_call_stream_waits(kept->stream));
  assert_int_equal(streaming_send(kept->stream, 7), STOA_OK);
  assert_int_equal(streaming_send(kept->stream, 8), STOA_OK);
  streaming_expect(&client, 1, 7);
  streaming_expect(&client, 1, 8);
  assert_int_equal(stream_v1_streams_count_end(kept->stream), STOA_OK);
  streaming_expect_end(&client, 1);
  counter_wait(&kept->closed, 1);
  assert_true(kept->was_consumed);
  streaming_call(&client, 2, "keep", 0);
  kept = streaming_take();
  assert_int_equal(stoa_call_stream_listen(kept->stream, NULL, NULL), STOA_E_ARGUMENT);
  assert_int_equal(streaming_send(kept->stream, 9), STOA_OK);
  assert_int_equal(stream_v1_streams_count_fail(kept->stream, &error), STOA_OK);
  streaming_expect(&client, 2, 9);
  streaming_expect_error(&client, 2, "LATE");
  streaming_call(&client, 3, "keep", 0);
  kept = streaming_take();
  stoa_call_stream_drop(kept->stream);
  streaming_expect_error(&client, 3, "INTERNAL");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_what_another_thread_cannot_encode_is_told_to_it(void **state) {
  static const struct stream_v1_number broken = {.text = STOA_STR("\xff")};
  static const struct stoa_error bad = {.code = 1, .reason = STOA_STR("\xff")};
  char text[3000];
  struct client client;
  struct stoa_limits_config limits = {.message_bytes_max = 2000};
  (void)state;
  streaming_start(&fixture, with_limits(&limits), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  struct streaming_kept *kept = streaming_take();
  assert_int_equal(stream_v1_streams_count_send(kept->stream, &broken), STOA_E_UTF8);
  memset(text, 'x', sizeof text);
  const struct stream_v1_number large = {.text = stoa_string_make(text, sizeof text)};
  assert_int_equal(stream_v1_streams_count_send(kept->stream, &large), STOA_E_LIMIT);
  assert_int_equal(streaming_send(kept->stream, 1), STOA_OK);
  assert_int_equal(stream_v1_streams_count_fail(kept->stream, &bad), STOA_E_UTF8);
  streaming_expect(&client, 1, 1);
  streaming_expect_error(&client, 1, "INTERNAL");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_the_end_of_the_session_ends_its_streams(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  struct streaming_kept *kept = streaming_take();
  client_close(&client);
  counter_wait(&kept->closed, 1);
  assert_false(kept->was_consumed);
  assert_false(stoa_call_stream_waits(kept->stream));
  assert_int_equal(streaming_send(kept->stream, 1), STOA_E_CLOSED);
  assert_int_equal(stream_v1_streams_count_end(kept->stream), STOA_E_CLOSED);
  struct stoa_call_stream_counts counts = streaming_counts(&fixture);
  assert_int_equal(counts.abandoned, 1);
  assert_int_equal(counts.late, 1);
  fixture_stop(&fixture);
}

static void test_a_session_that_its_handler_closes_takes_the_stream_along(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "close", 0);
  assert_int_equal(client_read_close(&client), 4999);
  assert_int_equal(streaming_counts(&fixture).abandoned, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_handle_may_outlive_the_server(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  struct streaming_kept *kept = streaming_take();
  stoa_server_abort(fixture.server);
  stoa_server_destroy(fixture.server);
  counter_wait(&kept->closed, 1);
  assert_int_equal(streaming_send(kept->stream, 1), STOA_E_CLOSED);
  assert_int_equal(stream_v1_streams_count_end(kept->stream), STOA_E_CLOSED);
  client_close(&client);
  assert_int_equal(stoa_memory_live_blocks(), fixture.blocks_before);
}

static void test_a_server_that_drains_ends_streams_with_an_error(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  streaming_call(&client, 2, "keep", 0);
  struct streaming_kept *first = streaming_take();
  struct streaming_kept *second = streaming_take();
  stoa_server_drain(fixture.server);
  streaming_expect_error(&client, 2, "DRAINING");
  streaming_expect_error(&client, 1, "DRAINING");
  assert_int_equal(client_read_close(&client), STOA_CLOSE_DRAINING);
  client_close(&client);
  stoa_server_wait(fixture.server);
  counter_wait(&first->closed, 1);
  assert_int_equal(stream_v1_streams_count_end(first->stream), STOA_E_CLOSED);
  stoa_call_stream_drop(second->stream);
  assert_int_equal(streaming_counts(&fixture).abandoned, 2);
  fixture_stop(&fixture);
}

/* Cancels. */

static void test_the_client_cancels(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  struct streaming_kept *kept = streaming_take();
  streaming_cancel(&client, 1);
  counter_wait(&kept->closed, 1);
  assert_false(kept->was_consumed);
  assert_int_equal(streaming_send(kept->stream, 1), STOA_E_CLOSED);
  stoa_call_stream_drop(kept->stream);
  /* Neither an end nor an error follows, and the id is free. */
  streaming_call(&client, 1, "now", 1);
  streaming_expect(&client, 1, 0);
  streaming_expect_end(&client, 1);
  assert_int_equal(streaming_counts(&fixture).cancelled, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_what_crosses_the_end_is_ignored(void **state) {
  struct client client;
  struct stoa_limits_config limits = {.session_errors_max = 1};
  (void)state;
  streaming_start(&fixture, with_limits(&limits), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "now", 0);
  streaming_expect_end(&client, 1);
  streaming_cancel(&client, 1);
  streaming_grant(&client, 1, 1000);
  streaming_cancel(&client, 77);
  streaming_grant(&client, 77, 0x3fffffff);
  streaming_sync(&client);
  client_close(&client);
  fixture_stop(&fixture);
}

/* Credit. */

static void test_a_client_that_grants_nothing_gets_what_it_has_granted(void **state) {
  struct client client;
  size_t bytes = 0;
  size_t last = 0;
  uint64_t next = 0;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "worker", MILLION);
  for (; bytes < WINDOW; bytes += last) {
    last = streaming_expect(&client, 1, next++);
  }
  assert_true(bytes < WINDOW + last);
  /* A session without credit is served all the same. */
  streaming_sync(&client);
  assert_int_equal(streaming_counts(&fixture).items, next);
  /* As much as the last one was too long gives nothing; one byte more gives one item. */
  uint32_t debt = (uint32_t)(bytes - WINDOW);
  if (debt > 0) {
    streaming_grant(&client, 1, debt);
  }
  streaming_sync(&client);
  streaming_grant(&client, 1, 1);
  streaming_expect(&client, 1, next++);
  streaming_sync(&client);
  assert_int_equal(streaming_counts(&fixture).items, next);
  client_close(&client);
  fixture_stop(&fixture);
}

/* It reads and grants half a window at a time. */
struct reader {
  struct client *client;
  uint32_t id;
  uint64_t next;
  size_t unread; /* bytes that were taken and not granted */
};

static void take(struct reader *reader) {
  reader->unread += streaming_expect(reader->client, reader->id, reader->next++);
  if (reader->unread >= WINDOW / 2) {
    streaming_grant(reader->client, reader->id, (uint32_t)reader->unread);
    reader->unread = 0;
  }
}

static void test_a_million_items_go_to_a_slow_reader_in_bounded_memory(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "worker", MILLION);
  struct reader reader = {&client, 1, 0, 0};
  counter_wait(&streaming_full, 1);
  while (reader.next < MILLION) {
    take(&reader);
  }
  streaming_expect_end(&client, 1);
  counter_wait(&streaming_closed, 1);
  /* What the queue had at the fullest: the part of a turn, and one item. */
  assert_true(atomic_load(&streaming_queued_max) <= 64 * 1024 + 128);
  assert_int_equal(streaming_counts(&fixture).items, MILLION);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_the_client_cancels_a_million_items_in_the_middle(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "worker", MILLION);
  struct reader reader = {&client, 1, 0, 0};
  while (reader.next < MILLION / 2) {
    take(&reader);
  }
  streaming_cancel(&client, 1);
  counter_wait(&streaming_closed, 1);
  struct stoa_call_stream_counts counts = streaming_counts(&fixture);
  assert_int_equal(counts.cancelled, 1);
  /* No more than the window was on its way. */
  size_t item_cost = 31 + STOA_TYPED_ITEM_COST;
  assert_true(counts.items <= reader.next + WINDOW / item_cost + 1);
  while (reader.next < counts.items) {
    streaming_expect(&client, 1, reader.next++);
  }
  streaming_sync(&client);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_the_server_fails_a_million_items_in_the_middle(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "half", MILLION);
  struct reader reader = {&client, 1, 0, 0};
  while (reader.next < MILLION / 2) {
    take(&reader);
  }
  streaming_expect_error(&client, 1, "BUSY");
  counter_wait(&streaming_closed, 1);
  assert_int_equal(streaming_counts(&fixture).failed, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

/* A thread that sends until there is no more room, and waits for the event then. */
struct sender {
  struct streaming_kept *kept;
  uint64_t count;
  unsigned waits;
  int64_t blocks_max;
};

static void *send_many(void *context) {
  struct sender *sender = context;
  for (uint64_t i = 0; i < sender->count;) {
    int status = streaming_send(sender->kept->stream, i);
    if (status == STOA_OK) {
      i++;
      continue;
    }
    assert_int_equal(status, STOA_E_AGAIN);
    counter_up(&streaming_full);
    int64_t blocks = stoa_memory_live_blocks();
    sender->blocks_max = blocks > sender->blocks_max ? blocks : sender->blocks_max;
    counter_wait(&sender->kept->ready, ++sender->waits);
  }
  assert_int_equal(stream_v1_streams_count_end(sender->kept->stream), STOA_OK);
  return NULL;
}

static void test_another_thread_sends_to_a_slow_reader_in_bounded_memory(void **state) {
  struct client client;
  pthread_t thread;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  struct sender sender = {.kept = streaming_take(), .count = MILLION / 5};
  int64_t blocks_before = stoa_memory_live_blocks();
  assert_int_equal(pthread_create(&thread, NULL, send_many, &sender), 0);
  counter_wait(&streaming_full, 1); /* nothing is read until the sender has had to wait */
  struct reader reader = {&client, 1, 0, 0};
  while (reader.next < sender.count) {
    take(&reader);
  }
  streaming_expect_end(&client, 1);
  pthread_join(thread, NULL);
  assert_true(sender.waits > 0);
  /* Two blocks an item, and a window of items at most. */
  assert_true(sender.blocks_max - blocks_before <= (int64_t)(2 * (WINDOW / (31 + STOA_TYPED_ITEM_COST) + 1) + 100));
  counter_wait(&sender.kept->closed, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_empty_items_are_bounded_too(void **state) {
  static const struct stream_v1_number empty;
  struct client client;
  size_t count = 0;
  int status;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.proto");
  assert_true(client_send_call(&client, STREAMING_TYPE, 1, "\n\4keep"));
  struct streaming_kept *kept = streaming_take();
  while ((status = stream_v1_streams_count_send(kept->stream, &empty)) == STOA_OK) {
    count++;
    assert_true(count <= WINDOW / STOA_TYPED_ITEM_COST);
  }
  assert_int_equal(status, STOA_E_AGAIN);
  assert_int_equal(stream_v1_streams_count_end(kept->stream), STOA_OK);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_streams_of_one_session_share_its_queue(void **state) {
  struct client client;
  uint64_t next[3] = {0};
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  for (uint32_t id = 0; id < 3; id++) {
    streaming_call(&client, id, "worker", MILLION);
  }
  /* Each uses up its credit: none waits for the others for ever. */
  size_t bytes[3] = {0};
  while (bytes[0] < WINDOW || bytes[1] < WINDOW || bytes[2] < WINDOW) {
    struct streaming_frame frame = streaming_read(&client);
    assert_int_equal(frame.word, STREAMING_ITEM);
    assert_true(frame.id < 3);
    next[frame.id]++;
    bytes[frame.id] += frame.len + STOA_TYPED_ITEM_COST;
  }
  streaming_sync(&client);
  assert_int_equal(streaming_counts(&fixture).items, next[0] + next[1] + next[2]);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_client_that_takes_nothing_for_too_long_is_told_so(void **state) {
  struct client client;
  struct stoa_limits_config limits = {.call_timeout_ms = 30};
  size_t bytes = 0;
  uint64_t next = 0;
  (void)state;
  streaming_start(&fixture, with_limits(&limits), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "worker", MILLION);
  while (bytes < WINDOW) {
    bytes += streaming_expect(&client, 1, next++);
  }
  streaming_expect_error(&client, 1, "TIMEOUT");
  counter_wait(&streaming_closed, 1);
  assert_int_equal(streaming_counts(&fixture).timed_out, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_stream_whose_program_sends_nothing_goes_on(void **state) {
  struct client client;
  struct stoa_limits_config limits = {.call_timeout_ms = 20};
  (void)state;
  streaming_start(&fixture, with_limits(&limits), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  struct streaming_kept *kept = streaming_take();
  /* The time-out of another stream, which is longer away, shows that the time is over. */
  size_t bytes = 0;
  uint64_t next = 0;
  streaming_call(&client, 2, "worker", MILLION);
  while (bytes < WINDOW) {
    bytes += streaming_expect(&client, 2, next++);
  }
  streaming_expect_error(&client, 2, "TIMEOUT");
  assert_true(stoa_call_stream_waits(kept->stream));
  assert_int_equal(streaming_send(kept->stream, 1), STOA_OK);
  streaming_expect(&client, 1, 1);
  assert_int_equal(stream_v1_streams_count_end(kept->stream), STOA_OK);
  streaming_expect_end(&client, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

/* Limits. */

static void test_streams_count_among_the_calls_of_a_session(void **state) {
  struct client client;
  struct stoa_limits_config limits = {.session_calls_max = 2};
  (void)state;
  streaming_start(&fixture, with_limits(&limits), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  streaming_call(&client, 2, "keep", 0);
  streaming_call(&client, 3, "keep", 0);
  streaming_expect_error(&client, 3, "TOO_MANY_STREAMS");
  /* Its input is read all the same: a cancel makes room. */
  streaming_sync(&client);
  streaming_cancel(&client, 1);
  streaming_call(&client, 4, "now", 0);
  streaming_expect_end(&client, 4);
  stoa_call_stream_drop(streaming_take()->stream);
  assert_int_equal(stream_v1_streams_count_end(streaming_take()->stream), STOA_OK);
  streaming_expect_end(&client, 2);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_an_id_that_is_in_use_is_refused(void **state) {
  struct client client;
  (void)state;
  start();
  fixture_connect(&fixture, &client, "stoa.json");
  streaming_call(&client, 1, "keep", 0);
  streaming_call(&client, 1, "now", 0);
  streaming_expect_error(&client, 1, "a stream with this id goes on");
  assert_int_equal(stream_v1_streams_count_end(streaming_take()->stream), STOA_OK);
  streaming_expect_end(&client, 1);
  client_close(&client);
  fixture_stop(&fixture);
}

/* Failing memory: a stream ends with an error or goes on, and nothing is lost. */

/* The session, and the connection, may end at any time. */
static void use_all(void) {
  static const char *const payloads[] = {"{\"how\":\"now\",\"count\":\"2\"}", "{\"how\":\"keep\"}",
                                         "{\"how\":\"fail here\"}"};
  struct client client;
  client_connect(&client, fixture.address);
  bool is_open = client_upgrade(&client, "/", "stoa.json", NULL) == 101;
  for (uint32_t i = 0; i < 3 && is_open; i++) {
    is_open = client_send_call(&client, STREAMING_TYPE, i, payloads[i]);
  }
  if (is_open && client_send(&client, 0x82, "\xc0\0\0\x07\0\0\0\x01", 8)) {
    client_send(&client, 0x82, "\xe0\0\0\x07\0\0\0\x01\0\0\0\x01", 12);
  }
  client_close(&client);
}

static void test_every_allocation_of_a_stream_may_fail(void **state) {
  (void)state;
  for (uint64_t n = 1; n <= FAULTS_MAX; n++) {
    struct client client;
    start();
    fixture_connect(&fixture, &client, "stoa.json");
    streaming_call(&client, 1, "keep", 0);
    struct streaming_kept *kept = streaming_take();
    stoa_memory_fail_at(n, false);
    int sent = streaming_send(kept->stream, 1);
    assert_true(sent == STOA_OK || sent == STOA_E_MEMORY || sent == STOA_E_CLOSED);
    int ended = stream_v1_streams_count_fail(
        kept->stream, &(struct stoa_error){.code = 1001, .reason = STOA_STR("BUSY"), .message = STOA_STR("now")});
    assert_true(ended == STOA_OK || ended == STOA_E_MEMORY || ended == STOA_E_CLOSED);
    counter_wait(&kept->closed, 1);
    use_all();
    stoa_memory_fail_at(0, false);
    client_close(&client);
    stoa_server_abort(fixture.server);
    stoa_server_wait(fixture.server);
    streaming_drop_kept();
    fixture_stop(&fixture);
  }
}

int main(void) {
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_items_come_in_order_before_the_end),
      cmocka_unit_test(test_a_stream_ends_with_the_error_of_the_program),
      cmocka_unit_test(test_an_item_that_cannot_be_encoded_leaves_the_stream_as_it_is),
      cmocka_unit_test(test_another_thread_sends_and_ends),
      cmocka_unit_test(test_what_another_thread_cannot_encode_is_told_to_it),
      cmocka_unit_test(test_the_end_of_the_session_ends_its_streams),
      cmocka_unit_test(test_a_session_that_its_handler_closes_takes_the_stream_along),
      cmocka_unit_test(test_a_handle_may_outlive_the_server),
      cmocka_unit_test(test_a_server_that_drains_ends_streams_with_an_error),
      cmocka_unit_test(test_the_client_cancels),
      cmocka_unit_test(test_what_crosses_the_end_is_ignored),
      cmocka_unit_test(test_a_client_that_grants_nothing_gets_what_it_has_granted),
      cmocka_unit_test(test_a_million_items_go_to_a_slow_reader_in_bounded_memory),
      cmocka_unit_test(test_the_client_cancels_a_million_items_in_the_middle),
      cmocka_unit_test(test_the_server_fails_a_million_items_in_the_middle),
      cmocka_unit_test(test_another_thread_sends_to_a_slow_reader_in_bounded_memory),
      cmocka_unit_test(test_empty_items_are_bounded_too),
      cmocka_unit_test(test_streams_of_one_session_share_its_queue),
      cmocka_unit_test(test_a_client_that_takes_nothing_for_too_long_is_told_so),
      cmocka_unit_test(test_a_stream_whose_program_sends_nothing_goes_on),
      cmocka_unit_test(test_streams_count_among_the_calls_of_a_session),
      cmocka_unit_test(test_an_id_that_is_in_use_is_refused),
      cmocka_unit_test(test_every_allocation_of_a_stream_may_fail),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}
