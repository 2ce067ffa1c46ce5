#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <google/protobuf/struct.stoa.h>

#include "base/memory.h"
#include "client/client_private.h"
#include "peer.h"

#define TYPE 17u
#define CALL 0x80000000u
#define ERROR 0x40000000u

/* How a call ended; `ends` counts, for once is enough. */
struct end {
  unsigned ends;
  enum stoa_call_result result;
  uint32_t call_id, code;
  char text[64];
  bool calls_again;
};

static void invoke(stoa_client_function function, void *user, struct stoa_client *client,
                   const struct stoa_call_end *call_end) {
  struct end *end = user;
  (void)function;
  end->ends++;
  end->result = call_end->result;
  end->call_id = call_end->call_id;
  assert_int_equal(call_end->message != NULL, call_end->result == STOA_CALL_REPLY);
  assert_int_equal(call_end->error != NULL, call_end->result == STOA_CALL_ERROR);
  if (call_end->message != NULL) {
    const struct stoa_bytes *reply = call_end->message;
    snprintf(end->text, sizeof end->text, "%.*s", (int)reply->len, (const char *)reply->data);
  }
  if (call_end->error != NULL) {
    end->code = call_end->error->code;
    snprintf(end->text, sizeof end->text, "%.*s", (int)call_end->error->reason.len, call_end->error->reason.data);
  }
  if (end->calls_again) {
    end->calls_again = false;
    const struct stoa_bytes request = {(const uint8_t *)"again", 5};
    const struct stoa_call_start call = {.type = TYPE, .request = &request, .invoke = invoke, .user = user};
    unsigned ends = end->ends;
    int status = stoa_client_call(client, &call, &end->call_id);
    assert_int_equal(status, stoa_client_state(client) == STOA_CLIENT_OPEN ? STOA_OK : STOA_E_CLOSED);
    assert_int_equal(end->ends, ends);
  }
}

static int try_call(struct peer *peer, struct end *end, uint32_t timeout_ms, uint32_t *out_id) {
  const struct stoa_bytes request = {(const uint8_t *)"ask", 3};
  const struct stoa_call_start call = {
      .type = TYPE, .request = &request, .timeout_ms = timeout_ms, .invoke = invoke, .user = end};
  return stoa_client_call(peer->client, &call, out_id);
}

/* Call, and see it arrive with its id. */
static uint32_t call(struct peer *peer, struct end *end, uint32_t timeout_ms) {
  uint32_t id = 0;
  memset(end, 0, sizeof *end);
  assert_int_equal(try_call(peer, end, timeout_ms, &id), STOA_OK);
  assert_int_equal(end->ends, 0);
  struct peer_frame frame = peer_read(peer);
  assert_int_equal(frame.opcode, STOA_WS_BINARY);
  const uint32_t words[2] = {htonl(CALL | TYPE), htonl(id)};
  assert_int_equal(frame.len, 11);
  assert_memory_equal(frame.data, words, 8);
  assert_memory_equal(frame.data + 8, "ask", 3);
  return id;
}

static void await_end(struct peer *peer, const struct end *end) {
  for (unsigned turns = 0; end->ends == 0 && turns < 100000; turns++) {
    stoa_client_step(peer->client, 1);
  }
  assert_int_equal(end->ends, 1);
}

static void a_call_gets_its_reply_by_its_id(void **state) {
  struct peer *peer = *state;
  struct end first, second;
  peer_open_client(peer, NULL);
  peer_open(peer);
  uint32_t first_id = call(peer, &first, 0);
  uint32_t second_id = call(peer, &second, 0);
  assert_int_not_equal(first_id, second_id);
  peer_send_typed(peer, CALL | TYPE, second_id, "two");
  await_end(peer, &second);
  assert_int_equal(first.ends, 0);
  peer_send_typed(peer, CALL | TYPE, first_id, "one");
  await_end(peer, &first);
  assert_int_equal(first.result, STOA_CALL_REPLY);
  assert_string_equal(first.text, "one");
  assert_int_equal(first.call_id, first_id);
  assert_string_equal(second.text, "two");
}

static void a_call_gets_the_error_that_answers_it(void **state) {
  struct peer *peer = *state;
  struct end end;
  peer_open_client(peer, NULL);
  peer_open(peer);
  uint32_t id = call(peer, &end, 0);
  peer_send_typed(peer, CALL | ERROR | TYPE, id, "{\"code\":42,\"reason\":\"NO\"}");
  await_end(peer, &end);
  assert_int_equal(end.result, STOA_CALL_ERROR);
  assert_int_equal(end.code, 42);
  assert_string_equal(end.text, "NO");
}

static void a_call_that_is_not_answered_ends_in_time(void **state) {
  struct peer *peer = *state;
  struct end end, patient;
  peer_open_client(peer, NULL);
  peer_open(peer);
  uint32_t id = call(peer, &end, 500);
  call(peer, &patient, 0);
  peer_advance_ms(peer, 490);
  assert_int_equal(end.ends, 0);
  peer_advance_ms(peer, 20);
  assert_int_equal(end.ends, 1);
  assert_int_equal(end.result, STOA_CALL_TIMEOUT);
  peer_send_typed(peer, CALL | TYPE, id, "late");
  peer_advance_ms(peer, 9400);
  assert_int_equal(patient.ends, 0);
  peer_advance_ms(peer, 200);
  assert_int_equal(patient.result, STOA_CALL_TIMEOUT);
  assert_int_equal(end.ends, 1);
}

static void a_cancelled_call_ends_once(void **state) {
  struct peer *peer = *state;
  struct end end;
  peer_open_client(peer, NULL);
  peer_open(peer);
  uint32_t id = call(peer, &end, 0);
  assert_int_equal(stoa_client_cancel(peer->client, id), STOA_OK);
  assert_int_equal(stoa_client_cancel(peer->client, id), STOA_OK);
  assert_int_equal(stoa_client_cancel(peer->client, id + 1), STOA_OK);
  assert_int_equal(end.ends, 0);
  await_end(peer, &end);
  assert_int_equal(end.result, STOA_CALL_CANCELLED);
  peer_send_typed(peer, CALL | TYPE, id, "too late");
  peer_send_typed(peer, 3, 0, "after it");
  PEER_AWAIT(peer, peer->others != 0);
  assert_int_equal(end.ends, 1);
}

static void a_cancellation_without_memory_changes_nothing(void **state) {
  struct peer *peer = *state;
  struct end end;
  peer_open_client(peer, NULL);
  peer_open(peer);
  uint32_t id = call(peer, &end, 0);
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_client_cancel(peer->client, id), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  peer_send_typed(peer, CALL | TYPE, id, "x");
  await_end(peer, &end);
  assert_int_equal(end.result, STOA_CALL_REPLY);
}

static void calls_in_flight_are_lost_with_their_connection(void **state) {
  struct peer *peer = *state;
  struct end ends[300];
  uint32_t id = 77;
  peer_open_client(peer, NULL);
  peer_open(peer);
  for (size_t i = 0; i < 300; i++) {
    call(peer, &ends[i], 0);
  }
  ends[7].calls_again = true;
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  for (size_t i = 0; i < 300; i++) {
    assert_int_equal(ends[i].ends, 1);
    assert_int_equal(ends[i].result, STOA_CALL_LOST);
  }
  assert_int_equal(try_call(peer, &ends[0], 0, &id), STOA_E_CLOSED);
  assert_int_equal(id, 77);
}

static void a_call_for_a_connection_that_is_gone_is_lost_and_not_sent_on_the_next(void **state) {
  struct peer *peer = *state;
  struct end end = {0};
  peer_open_client(peer, NULL);
  peer_open(peer);
  peer_disconnect(peer);
  /* The client has not seen it yet, so the call is taken. */
  assert_int_equal(try_call(peer, &end, 0, NULL), STOA_OK);
  assert_int_equal(stoa_client_send(peer->client, 1, NULL, &(struct stoa_bytes){NULL, 0}), STOA_OK);
  peer_await(peer, STOA_CLIENT_WAITING);
  await_end(peer, &end);
  assert_int_equal(end.result, STOA_CALL_LOST);
  peer_advance_ms(peer, 1100);
  peer_open(peer);
  call(peer, &end, 0);
}

static void a_call_can_follow_from_the_end_of_another(void **state) {
  struct peer *peer = *state;
  struct end end;
  peer_open_client(peer, NULL);
  peer_open(peer);
  uint32_t id = call(peer, &end, 0);
  end.calls_again = true;
  peer_send_typed(peer, CALL | TYPE, id, "x");
  await_end(peer, &end);
  struct peer_frame frame = peer_read(peer);
  assert_int_equal(frame.len, 13);
  assert_memory_equal(frame.data + 8, "again", 5);
}

static void no_more_calls_are_in_flight_than_allowed(void **state) {
  struct peer *peer = *state;
  struct end end, more = {0};
  struct stoa_client_options options = peer_options(peer);
  options.calls_max = 3;
  peer_open_client(peer, &options);
  peer_open(peer);
  uint32_t id = call(peer, &end, 0);
  assert_int_equal(try_call(peer, &more, 0, NULL), STOA_OK);
  assert_int_equal(try_call(peer, &more, 0, NULL), STOA_OK);
  assert_int_equal(try_call(peer, &more, 0, NULL), STOA_E_LIMIT);
  peer_send_typed(peer, CALL | TYPE, id, "x");
  await_end(peer, &end);
  assert_int_equal(try_call(peer, &more, 0, NULL), STOA_OK);
}

static void every_way_that_a_call_ends_allows_another(void **state) {
  struct peer *peer = *state;
  struct end end;
  struct stoa_client_options options = peer_options(peer);
  options.calls_max = 1;
  peer_open_client(peer, &options);
  peer_open(peer);
  call(peer, &end, 100);
  peer_advance_ms(peer, 200);
  assert_int_equal(end.result, STOA_CALL_TIMEOUT);
  uint32_t id = call(peer, &end, 0);
  assert_int_equal(stoa_client_cancel(peer->client, id), STOA_OK);
  await_end(peer, &end);
  id = call(peer, &end, 0);
  peer_send_typed(peer, CALL | ERROR | TYPE, id, "no error");
  await_end(peer, &end);
  assert_int_equal(end.result, STOA_CALL_MALFORMED);
  id = call(peer, &end, 0);
  peer_send_typed(peer, CALL | ERROR | TYPE, id, "{\"code\":1}");
  await_end(peer, &end);
  call(peer, &end, 0);
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  assert_int_equal(end.result, STOA_CALL_LOST);
  peer_advance_ms(peer, 1100);
  peer_open(peer);
  call(peer, &end, 0);
  assert_int_equal(try_call(peer, &end, 0, NULL), STOA_E_LIMIT);
}

static void a_message_that_cannot_be_encoded_is_not_sent_and_is_not_counted(void **state) {
  struct peer *peer = *state;
  struct end end = {0};
  struct stoa_client_options options = peer_options(peer);
  const struct stoa_error bad = {.reason = STOA_STR("\xff")};
  const struct google_protobuf_value nothing = {.kind_case = 0};
  options.calls_max = 1;
  peer_open_client(peer, &options);
  peer_open(peer);
  struct stoa_call_start asked = {
      .type = TYPE, .request_type = &stoa_error_type, .request = &bad, .invoke = invoke, .user = &end};
  assert_int_equal(stoa_client_send(peer->client, TYPE, &stoa_error_type, &bad), STOA_E_UTF8);
  assert_int_equal(stoa_client_call(peer->client, &asked, NULL), STOA_E_UTF8);
  asked.request_type = &google_protobuf_value_type;
  asked.request = &nothing;
  assert_int_equal(stoa_client_send(peer->client, TYPE, asked.request_type, asked.request), STOA_E_TYPE);
  assert_int_equal(stoa_client_call(peer->client, &asked, NULL), STOA_E_TYPE);
  call(peer, &end, 0);
}

/* An answer that is no good: the caller learns that, and the connection stays. */
static void expect_malformed(struct peer *peer, const struct stoa_message_type *reply_type, uint32_t type,
                             const char *payload) {
  struct end end = {0};
  uint32_t id;
  const struct stoa_bytes request = {NULL, 0};
  const struct stoa_call_start asked = {
      .type = TYPE, .request = &request, .reply_type = reply_type, .invoke = invoke, .user = &end};
  assert_int_equal(stoa_client_call(peer->client, &asked, &id), STOA_OK);
  peer_read(peer);
  peer_send_typed(peer, type, id, payload);
  await_end(peer, &end);
  assert_int_equal(end.result, STOA_CALL_MALFORMED);
}

static void an_answer_that_cannot_be_read_ends_its_call(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_open(peer);
  expect_malformed(peer, &stoa_error_type, CALL | TYPE, "{\"code\":\"x\"}");
  expect_malformed(peer, &stoa_error_type, CALL | ERROR | TYPE, "[]");
  expect_malformed(peer, NULL, CALL | (TYPE + 1), "of another type");
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_OPEN);
}

static void invalid_calls_are_refused(void **state) {
  struct peer *peer = *state;
  struct end end = {0};
  static uint8_t bytes[70000];
  const struct stoa_bytes big = {bytes, sizeof bytes};
  struct stoa_call_start asked = {.type = TYPE, .request = &big, .invoke = invoke, .user = &end};
  peer_open_client(peer, NULL);
  peer_open(peer);
  assert_int_equal(stoa_client_call(peer->client, &asked, NULL), STOA_E_LIMIT);
  asked.type = 0x40000000;
  assert_int_equal(stoa_client_call(peer->client, &asked, NULL), STOA_E_ARGUMENT);
  asked.type = TYPE;
  asked.invoke = NULL;
  assert_int_equal(stoa_client_call(peer->client, &asked, NULL), STOA_E_ARGUMENT);
}

static void without_a_subprotocol_there_are_no_calls(void **state) {
  struct peer *peer = *state;
  struct end end = {0};
  struct stoa_client_options options = peer_options(peer);
  options.subprotocol = STOA_CLIENT_NONE;
  peer_open_client(peer, &options);
  assert_int_equal(try_call(peer, &end, 0, NULL), STOA_E_UNSUPPORTED);
}

static void little_endian_frames_are_little_endian(void **state) {
  struct peer *peer = *state;
  struct stoa_client_options options = peer_options(peer);
  options.little_endian = true;
  peer_open_client(peer, &options);
  peer_open(peer);
  assert_int_equal(stoa_client_send(peer->client, 0x01020304, NULL, &(struct stoa_bytes){NULL, 0}), STOA_OK);
  assert_memory_equal(peer_read(peer).data, "\x04\x03\x02\x01", 4);
  peer_send(peer, STOA_WS_BINARY, "\x11\0\0\0", 4);
  PEER_AWAIT(peer, peer->others != 0);
  assert_int_equal(peer->other.type, 0x11);
}

static void destroying_a_client_drops_its_calls_without_callbacks(void **state) {
  struct peer *peer = *state;
  struct end end, posted = {0};
  peer_open_client(peer, NULL);
  peer_open(peer);
  call(peer, &end, 0);
  assert_int_equal(try_call(peer, &posted, 0, NULL), STOA_OK);
  stoa_client_destroy(peer->client);
  peer->client = NULL;
  assert_int_equal(end.ends, 0);
  assert_int_equal(posted.ends, 0);
}

/* A session with everything that takes memory. Faults may make any of it fail, but must not make it hang, leak or lie.
 */
static void run_session(struct peer *peer, struct end *end) {
  static const char more[] = "Sec-WebSocket-Protocol: stoa.json\r\n";
  const struct stoa_message_type *type = &stoa_error_type;
  const struct stoa_error message = {.code = 3, .reason = STOA_STR("fine")};
  struct stoa_client_options options = peer_options(peer);
  const struct stoa_client_field field = {"X-Any", "thing"};
  options.fields = &field;
  options.field_count = 1;
  options.once = true;
  if (peer_try_open_client(peer, &options) != STOA_OK || !peer_try_accept(peer)) {
    return;
  }
  peer_answer(peer, more);
  for (unsigned turns = 0; turns < 50 && stoa_client_state(peer->client) == STOA_CLIENT_CONNECTING; turns++) {
    stoa_client_step(peer->client, 10);
  }
  const struct stoa_call_start asked = {
      .type = TYPE, .request_type = type, .request = &message, .reply_type = NULL, .invoke = invoke, .user = end};
  uint32_t id;
  bool called = stoa_client_call(peer->client, &asked, &id) == STOA_OK;
  stoa_client_send(peer->client, TYPE, type, &message);
  if (called && peer_read(peer).opcode == STOA_WS_BINARY) {
    peer_send(peer, STOA_WS_BINARY, "\0\0\0\x05long", 8);
    peer_write(peer, "\x02\x04\0\0\0\x06\x80\x02ok", 10);
    peer_send_typed(peer, CALL | TYPE, id, "reply");
  }
  stoa_client_close(peer->client, 1000, NULL);
  while (peer->fd >= 0 && peer_read(peer).opcode != PEER_CLOSED) {
    peer_disconnect(peer);
  }
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_ENDED);
  assert_int_equal(end->ends, called ? 1 : 0);
}

static void memory_may_run_out_at_every_place_of_a_session(void **state) {
  (void)state;
  uint64_t hits = 1;
  for (uint64_t n = 1; hits > 0; n++) {
    static struct peer peer;
    struct end end = {0};
    int64_t before = stoa_memory_live_blocks();
    peer_init(&peer);
    stoa_memory_fail_at(n, false);
    run_session(&peer, &end);
    hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    peer_fini(&peer);
    assert_int_equal(stoa_memory_live_blocks(), before);
    assert_true(n < 1000);
  }
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, peer_set_up, peer_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CALL_TEST(a_call_gets_its_reply_by_its_id),
      CALL_TEST(a_call_gets_the_error_that_answers_it),
      CALL_TEST(a_call_that_is_not_answered_ends_in_time),
      CALL_TEST(a_cancelled_call_ends_once),
      CALL_TEST(a_cancellation_without_memory_changes_nothing),
      CALL_TEST(calls_in_flight_are_lost_with_their_connection),
      CALL_TEST(a_call_for_a_connection_that_is_gone_is_lost_and_not_sent_on_the_next),
      CALL_TEST(a_call_can_follow_from_the_end_of_another),
      CALL_TEST(no_more_calls_are_in_flight_than_allowed),
      CALL_TEST(every_way_that_a_call_ends_allows_another),
      CALL_TEST(a_message_that_cannot_be_encoded_is_not_sent_and_is_not_counted),
      CALL_TEST(an_answer_that_cannot_be_read_ends_its_call),
      CALL_TEST(invalid_calls_are_refused),
      CALL_TEST(without_a_subprotocol_there_are_no_calls),
      CALL_TEST(little_endian_frames_are_little_endian),
      CALL_TEST(destroying_a_client_drops_its_calls_without_callbacks),
      cmocka_unit_test(memory_may_run_out_at_every_place_of_a_session),
  };
  return cmocka_run_group_tests_name("client calls", tests, NULL, NULL);
}
