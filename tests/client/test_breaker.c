/* The circuit breaker: its arithmetic with a fake clock, and calls of a client that has one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "client/client_private.h"
#include "peer.h"

#define TYPE 17u
#define CALL 0x80000000u
#define ERROR 0x40000000u
#define NS_PER_MS UINT64_C(1000000)
/* A draw of the refused half, and of the other one, when the probability is above or below a half. */
#define LOWEST 0u
#define HALF 0x80000000u

static struct stoa_clock_fake time_now = {.monotonic_ns = 1000000 * NS_PER_MS};

static void note_many(struct stoa_breaker *breaker, unsigned count, bool is_accepted) {
  for (unsigned i = 0; i < count; i++) {
    stoa_breaker_note(breaker, is_accepted);
  }
}

static struct stoa_breaker *make(const struct stoa_client_breaker_options *options) {
  static struct stoa_clock clock;
  struct stoa_breaker *breaker;
  clock = stoa_clock_fake_init(&time_now);
  assert_int_equal(stoa_breaker_create(options, &clock, &breaker), STOA_OK);
  return breaker;
}

static void a_breaker_refuses_nothing_while_half_of_the_calls_succeed(void **state) {
  (void)state;
  struct stoa_breaker *breaker = make(NULL);
  note_many(breaker, 500, true);
  note_many(breaker, 500, false);
  assert_true(stoa_breaker_allows(breaker, LOWEST));
  assert_int_equal(stoa_breaker_refused(breaker), 0);
  /* 1001 calls, 500 accepted: one in a thousand is refused. */
  stoa_breaker_note(breaker, false);
  assert_false(stoa_breaker_allows(breaker, LOWEST));
  assert_true(stoa_breaker_allows(breaker, HALF));
  assert_int_equal(stoa_breaker_refused(breaker), 1);
  stoa_breaker_destroy(breaker);
}

static void a_breaker_refuses_nearly_all_when_nothing_succeeds(void **state) {
  (void)state;
  struct stoa_breaker *breaker = make(NULL);
  note_many(breaker, 99, false);
  assert_true(stoa_breaker_allows(breaker, LOWEST)); /* too few to tell */
  note_many(breaker, 100, false);
  assert_false(stoa_breaker_allows(breaker, HALF));
  assert_false(stoa_breaker_allows(breaker, UINT32_MAX / 1000 * 990));
  assert_true(stoa_breaker_allows(breaker, UINT32_MAX)); /* a few get through, to see whether the server is back */
  stoa_breaker_destroy(breaker);
}

static void a_breaker_forgets_after_its_window(void **state) {
  (void)state;
  struct stoa_breaker *breaker = make(NULL);
  note_many(breaker, 200, false);
  assert_false(stoa_breaker_allows(breaker, HALF));
  time_now.monotonic_ns += 8999 * NS_PER_MS;
  assert_false(stoa_breaker_allows(breaker, HALF));
  time_now.monotonic_ns += 10001 * NS_PER_MS;
  assert_true(stoa_breaker_allows(breaker, LOWEST));
  stoa_breaker_destroy(breaker);
}

static void a_breaker_keeps_to_its_options(void **state) {
  (void)state;
  const struct stoa_client_breaker_options options = {.window_ms = 100, .k_percent = 100, .calls_min = 2};
  struct stoa_breaker *breaker = make(&options);
  note_many(breaker, 1, true);
  note_many(breaker, 1, false);
  /* (2 - 1) / 3 */
  assert_false(stoa_breaker_allows(breaker, UINT32_MAX / 100 * 32));
  time_now.monotonic_ns += 101 * NS_PER_MS;
  assert_true(stoa_breaker_allows(breaker, LOWEST));
  stoa_breaker_destroy(breaker);
}

/* With a client. */

static struct {
  unsigned ends;
  enum stoa_call_result result;
} last;

static void invoke(stoa_client_function function, void *user, struct stoa_client *client,
                   const struct stoa_call_end *end) {
  (void)function;
  (void)user;
  (void)client;
  last.ends++;
  last.result = end->result;
}

static int try_call(struct peer *peer, uint32_t *out_id) {
  const struct stoa_bytes request = {(const uint8_t *)"ask", 3};
  const struct stoa_call_start call = {.type = TYPE, .request = &request, .timeout_ms = 1000, .invoke = invoke};
  return stoa_client_call(peer->client, &call, out_id);
}

/* A client with a breaker that judges after two calls. */
static void open_with_breaker(struct peer *peer) {
  const struct stoa_client_breaker_options options = {.calls_min = 2};
  const struct stoa_client_options client_options = peer_options(peer);
  peer_create_client(peer, &client_options);
  assert_int_equal(stoa_client_refused_count(peer->client), 0);
  assert_int_equal(stoa_client_use_breaker(peer->client, &options), STOA_OK);
  assert_int_equal(stoa_client_use_breaker(peer->client, &options), STOA_E_EXISTS);
  assert_int_equal(stoa_client_open(peer->client), STOA_OK);
  peer_open(peer);
}

/* Call, and answer with this, unless it is NULL: then the call times out. */
static void call(struct peer *peer, uint32_t flags, const char *answer) {
  uint32_t id = 0;
  unsigned ends = last.ends;
  assert_int_equal(try_call(peer, &id), STOA_OK);
  struct peer_frame frame = peer_read(peer);
  assert_int_equal(frame.opcode, STOA_WS_BINARY);
  if (answer == NULL) {
    peer_advance_ms(peer, 1010);
  } else {
    peer_send_typed(peer, flags | TYPE, id, answer);
    PEER_AWAIT(peer, last.ends > ends);
  }
  assert_int_equal(last.ends, ends + 1);
}

/* Some of these calls are made, and most are refused. */
static unsigned refused_of(struct peer *peer, unsigned count) {
  unsigned refused = 0;
  for (unsigned i = 0; i < count; i++) {
    uint32_t id = 77;
    int status = try_call(peer, &id);
    assert_true(status == STOA_OK || status == STOA_E_AGAIN);
    if (status == STOA_E_AGAIN) {
      assert_int_equal(id, 77);
      refused++;
    } else {
      peer_read(peer);
    }
  }
  assert_int_equal(stoa_client_refused_count(peer->client), refused);
  return refused;
}

static void a_client_refuses_calls_while_the_server_fails_them(void **state) {
  static const char *const answers[] = {"{\"code\":108,\"reason\":\"OVERLOADED\"}", "{\"code\":100}", "{\"code\":503}",
                                        "not JSON"};
  struct peer *peer = *state;
  open_with_breaker(peer);
  /* As many as it takes: the second call is made surely, and each further one with a smaller probability. */
  uint32_t id;
  unsigned made = 0;
  while (stoa_client_refused_count(peer->client) == 0 && made < 1000) {
    unsigned ends = last.ends;
    if (try_call(peer, &id) == STOA_OK) {
      peer_read(peer);
      peer_send_typed(peer, CALL | ERROR | TYPE, id, answers[made++ % 4]);
      PEER_AWAIT(peer, last.ends > ends);
    }
  }
  assert_true(made >= 2);
  assert_int_equal(stoa_client_refused_count(peer->client), 1);
}

static void errors_of_the_program_are_no_failures_for_the_breaker(void **state) {
  struct peer *peer = *state;
  open_with_breaker(peer);
  for (unsigned i = 0; i < 20; i++) {
    call(peer, CALL | ERROR, "{\"code\":1001,\"reason\":\"NOT_YOURS\"}");
    call(peer, CALL, "reply");
  }
  assert_int_equal(refused_of(peer, 40), 0);
}

static void a_client_whose_calls_time_out_refuses_most_of_the_next_ones(void **state) {
  struct peer *peer = *state;
  uint32_t id;
  open_with_breaker(peer);
  /* Many at once, so that all of them are in the window. */
  for (unsigned i = 0; i < 50; i++) {
    assert_int_equal(try_call(peer, &id), STOA_OK);
    peer_read(peer);
  }
  peer_advance_ms(peer, 1010);
  assert_int_equal(last.result, STOA_CALL_TIMEOUT);
  assert_true(refused_of(peer, 40) > 20);
  /* They are forgotten after the window, those that were made now once they have timed out too. */
  peer_advance_ms(peer, 1010);
  peer_advance_ms(peer, 11000);
  assert_int_equal(try_call(peer, &id), STOA_OK);
}

static void a_breaker_needs_memory_and_a_window(void **state) {
  struct peer *peer = *state;
  const struct stoa_client_breaker_options options = {.window_ms = 9};
  const struct stoa_client_options client_options = peer_options(peer);
  peer_create_client(peer, &client_options);
  assert_int_equal(stoa_client_use_breaker(peer->client, &options), STOA_E_ARGUMENT);
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_client_use_breaker(peer->client, NULL), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  assert_int_equal(stoa_client_use_breaker(peer->client, NULL), STOA_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_breaker_refuses_nothing_while_half_of_the_calls_succeed),
      cmocka_unit_test(a_breaker_refuses_nearly_all_when_nothing_succeeds),
      cmocka_unit_test(a_breaker_forgets_after_its_window),
      cmocka_unit_test(a_breaker_keeps_to_its_options),
      cmocka_unit_test_setup_teardown(a_client_refuses_calls_while_the_server_fails_them, peer_set_up, peer_tear_down),
      cmocka_unit_test_setup_teardown(errors_of_the_program_are_no_failures_for_the_breaker, peer_set_up,
                                      peer_tear_down),
      cmocka_unit_test_setup_teardown(a_client_whose_calls_time_out_refuses_most_of_the_next_ones, peer_set_up,
                                      peer_tear_down),
      cmocka_unit_test_setup_teardown(a_breaker_needs_memory_and_a_window, peer_set_up, peer_tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
