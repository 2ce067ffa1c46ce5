#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <google/protobuf/struct.stoa.h>

#include "base/memory.h"
#include "client/client_private.h"
#include "far.h"

#define TYPE 17u
#define CALL 0x80000000u
#define ERROR 0x40000000u

static int64_t blocks_before;

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

static int set_up(void **state) {
  static struct far far;
  blocks_before = stoa_memory_live_blocks();
  far_init(&far);
  *state = &far;
  return 0;
}

static int tear_down(void **state) {
  far_fini(*state);
  return stoa_memory_live_blocks() == blocks_before ? 0 : -1;
}

static int try_call(struct far *far, struct end *end, uint32_t timeout_ms, uint32_t *out_id) {
  const struct stoa_bytes request = {(const uint8_t *)"ask", 3};
  const struct stoa_call_start call = {
      .type = TYPE, .request = &request, .timeout_ms = timeout_ms, .invoke = invoke, .user = end};
  return stoa_client_call(far->client, &call, out_id);
}

/* Call, and see it arrive with its id. */
static uint32_t call(struct far *far, struct end *end, uint32_t timeout_ms) {
  uint32_t id = 0;
  memset(end, 0, sizeof *end);
  assert_int_equal(try_call(far, end, timeout_ms, &id), STOA_OK);
  assert_int_equal(end->ends, 0);
  struct far_frame frame = far_read(far);
  assert_int_equal(frame.opcode, STOA_WS_BINARY);
  const uint32_t words[2] = {htonl(CALL | TYPE), htonl(id)};
  assert_int_equal(frame.len, 11);
  assert_memory_equal(frame.data, words, 8);
  assert_memory_equal(frame.data + 8, "ask", 3);
  return id;
}

static void await_end(struct far *far, const struct end *end) {
  for (unsigned turns = 0; end->ends == 0 && turns < 100000; turns++) {
    stoa_client_step(far->client, 1);
  }
  assert_int_equal(end->ends, 1);
}

static void a_call_gets_its_reply_by_its_id(void **state) {
  struct far *far = *state;
  struct end first, second;
  far_client(far, NULL);
  far_open(far);
  uint32_t first_id = call(far, &first, 0);
  uint32_t second_id = call(far, &second, 0);
  assert_int_not_equal(first_id, second_id);
  far_send_typed(far, CALL | TYPE, second_id, "two");
  await_end(far, &second);
  assert_int_equal(first.ends, 0);
  far_send_typed(far, CALL | TYPE, first_id, "one");
  await_end(far, &first);
  assert_int_equal(first.result, STOA_CALL_REPLY);
  assert_string_equal(first.text, "one");
  assert_int_equal(first.call_id, first_id);
  assert_string_equal(second.text, "two");
}

static void a_call_gets_the_error_that_answers_it(void **state) {
  struct far *far = *state;
  struct end end;
  far_client(far, NULL);
  far_open(far);
  uint32_t id = call(far, &end, 0);
  far_send_typed(far, CALL | ERROR | TYPE, id, "{\"code\":42,\"reason\":\"NO\"}");
  await_end(far, &end);
  assert_int_equal(end.result, STOA_CALL_ERROR);
  assert_int_equal(end.code, 42);
  assert_string_equal(end.text, "NO");
}

static void a_call_that_is_not_answered_ends_in_time(void **state) {
  struct far *far = *state;
  struct end end, patient;
  far_client(far, NULL);
  far_open(far);
  uint32_t id = call(far, &end, 500);
  call(far, &patient, 0);
  far_pass(far, 490);
  assert_int_equal(end.ends, 0);
  far_pass(far, 20);
  assert_int_equal(end.ends, 1);
  assert_int_equal(end.result, STOA_CALL_TIMEOUT);
  far_send_typed(far, CALL | TYPE, id, "late");
  far_pass(far, 9400);
  assert_int_equal(patient.ends, 0);
  far_pass(far, 200);
  assert_int_equal(patient.result, STOA_CALL_TIMEOUT);
  assert_int_equal(end.ends, 1);
}

static void a_cancelled_call_ends_once(void **state) {
  struct far *far = *state;
  struct end end;
  far_client(far, NULL);
  far_open(far);
  uint32_t id = call(far, &end, 0);
  assert_int_equal(stoa_client_cancel(far->client, id), STOA_OK);
  assert_int_equal(stoa_client_cancel(far->client, id), STOA_OK);
  assert_int_equal(stoa_client_cancel(far->client, id + 1), STOA_OK);
  assert_int_equal(end.ends, 0);
  await_end(far, &end);
  assert_int_equal(end.result, STOA_CALL_CANCELLED);
  far_send_typed(far, CALL | TYPE, id, "too late");
  far_send_typed(far, 3, 0, "after it");
  FAR_AWAIT(far, far->others != 0);
  assert_int_equal(end.ends, 1);
}

static void a_cancellation_without_memory_changes_nothing(void **state) {
  struct far *far = *state;
  struct end end;
  far_client(far, NULL);
  far_open(far);
  uint32_t id = call(far, &end, 0);
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_client_cancel(far->client, id), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  far_send_typed(far, CALL | TYPE, id, "x");
  await_end(far, &end);
  assert_int_equal(end.result, STOA_CALL_REPLY);
}

static void calls_in_flight_are_lost_with_their_connection(void **state) {
  struct far *far = *state;
  struct end ends[300];
  uint32_t id = 77;
  far_client(far, NULL);
  far_open(far);
  for (size_t i = 0; i < 300; i++) {
    call(far, &ends[i], 0);
  }
  ends[7].calls_again = true;
  far_hang_up(far);
  far_await(far, STOA_CLIENT_WAITING);
  for (size_t i = 0; i < 300; i++) {
    assert_int_equal(ends[i].ends, 1);
    assert_int_equal(ends[i].result, STOA_CALL_LOST);
  }
  assert_int_equal(try_call(far, &ends[0], 0, &id), STOA_E_CLOSED);
  assert_int_equal(id, 77);
}

static void a_call_for_a_connection_that_is_gone_is_lost_and_not_sent_on_the_next(void **state) {
  struct far *far = *state;
  struct end end = {0};
  far_client(far, NULL);
  far_open(far);
  far_hang_up(far);
  /* The client has not seen it yet, so the call is taken. */
  assert_int_equal(try_call(far, &end, 0, NULL), STOA_OK);
  assert_int_equal(stoa_client_send(far->client, 1, NULL, &(struct stoa_bytes){NULL, 0}), STOA_OK);
  far_await(far, STOA_CLIENT_WAITING);
  await_end(far, &end);
  assert_int_equal(end.result, STOA_CALL_LOST);
  far_pass(far, 1100);
  far_open(far);
  call(far, &end, 0);
}

static void a_call_can_follow_from_the_end_of_another(void **state) {
  struct far *far = *state;
  struct end end;
  far_client(far, NULL);
  far_open(far);
  uint32_t id = call(far, &end, 0);
  end.calls_again = true;
  far_send_typed(far, CALL | TYPE, id, "x");
  await_end(far, &end);
  struct far_frame frame = far_read(far);
  assert_int_equal(frame.len, 13);
  assert_memory_equal(frame.data + 8, "again", 5);
}

static void no_more_calls_are_in_flight_than_allowed(void **state) {
  struct far *far = *state;
  struct end end, more = {0};
  struct stoa_client_options options = far_options(far);
  options.calls_max = 3;
  far_client(far, &options);
  far_open(far);
  uint32_t id = call(far, &end, 0);
  assert_int_equal(try_call(far, &more, 0, NULL), STOA_OK);
  assert_int_equal(try_call(far, &more, 0, NULL), STOA_OK);
  assert_int_equal(try_call(far, &more, 0, NULL), STOA_E_LIMIT);
  far_send_typed(far, CALL | TYPE, id, "x");
  await_end(far, &end);
  assert_int_equal(try_call(far, &more, 0, NULL), STOA_OK);
}

static void every_way_a_call_ends_makes_room_for_another(void **state) {
  struct far *far = *state;
  struct end end;
  struct stoa_client_options options = far_options(far);
  options.calls_max = 1;
  far_client(far, &options);
  far_open(far);
  call(far, &end, 100);
  far_pass(far, 200);
  assert_int_equal(end.result, STOA_CALL_TIMEOUT);
  uint32_t id = call(far, &end, 0);
  assert_int_equal(stoa_client_cancel(far->client, id), STOA_OK);
  await_end(far, &end);
  id = call(far, &end, 0);
  far_send_typed(far, CALL | ERROR | TYPE, id, "no error");
  await_end(far, &end);
  assert_int_equal(end.result, STOA_CALL_MALFORMED);
  id = call(far, &end, 0);
  far_send_typed(far, CALL | ERROR | TYPE, id, "{\"code\":1}");
  await_end(far, &end);
  call(far, &end, 0);
  far_hang_up(far);
  far_await(far, STOA_CLIENT_WAITING);
  assert_int_equal(end.result, STOA_CALL_LOST);
  far_pass(far, 1100);
  far_open(far);
  call(far, &end, 0);
  assert_int_equal(try_call(far, &end, 0, NULL), STOA_E_LIMIT);
}

static void what_has_no_form_is_not_sent_and_takes_no_room(void **state) {
  struct far *far = *state;
  struct end end = {0};
  struct stoa_client_options options = far_options(far);
  const struct stoa_error bad = {.reason = STOA_STR("\xff")};
  const struct google_protobuf_value nothing = {.kind_case = 0};
  options.calls_max = 1;
  far_client(far, &options);
  far_open(far);
  struct stoa_call_start asked = {
      .type = TYPE, .request_type = &stoa_error_type, .request = &bad, .invoke = invoke, .user = &end};
  assert_int_equal(stoa_client_send(far->client, TYPE, &stoa_error_type, &bad), STOA_E_UTF8);
  assert_int_equal(stoa_client_call(far->client, &asked, NULL), STOA_E_UTF8);
  asked.request_type = &google_protobuf_value_type;
  asked.request = &nothing;
  assert_int_equal(stoa_client_send(far->client, TYPE, asked.request_type, asked.request), STOA_E_TYPE);
  assert_int_equal(stoa_client_call(far->client, &asked, NULL), STOA_E_TYPE);
  call(far, &end, 0);
}

/* An answer that is no good: the caller learns that, and the connection stays. */
static void expect_malformed(struct far *far, const struct stoa_message_type *reply_type, uint32_t type,
                             const char *payload) {
  struct end end = {0};
  uint32_t id;
  const struct stoa_bytes request = {NULL, 0};
  const struct stoa_call_start asked = {
      .type = TYPE, .request = &request, .reply_type = reply_type, .invoke = invoke, .user = &end};
  assert_int_equal(stoa_client_call(far->client, &asked, &id), STOA_OK);
  far_read(far);
  far_send_typed(far, type, id, payload);
  await_end(far, &end);
  assert_int_equal(end.result, STOA_CALL_MALFORMED);
}

static void an_answer_that_cannot_be_read_ends_its_call(void **state) {
  struct far *far = *state;
  far_client(far, NULL);
  far_open(far);
  expect_malformed(far, &stoa_error_type, CALL | TYPE, "{\"code\":\"x\"}");
  expect_malformed(far, &stoa_error_type, CALL | ERROR | TYPE, "[]");
  expect_malformed(far, NULL, CALL | (TYPE + 1), "of another type");
  assert_int_equal(stoa_client_state(far->client), STOA_CLIENT_OPEN);
}

static void calls_that_make_no_sense_are_refused(void **state) {
  struct far *far = *state;
  struct end end = {0};
  static uint8_t bytes[70000];
  const struct stoa_bytes big = {bytes, sizeof bytes};
  struct stoa_call_start asked = {.type = TYPE, .request = &big, .invoke = invoke, .user = &end};
  far_client(far, NULL);
  far_open(far);
  assert_int_equal(stoa_client_call(far->client, &asked, NULL), STOA_E_LIMIT);
  asked.type = 0x40000000;
  assert_int_equal(stoa_client_call(far->client, &asked, NULL), STOA_E_ARGUMENT);
  asked.type = TYPE;
  asked.invoke = NULL;
  assert_int_equal(stoa_client_call(far->client, &asked, NULL), STOA_E_ARGUMENT);
}

static void without_a_subprotocol_there_are_no_calls(void **state) {
  struct far *far = *state;
  struct end end = {0};
  struct stoa_client_options options = far_options(far);
  options.subprotocol = STOA_CLIENT_NONE;
  far_client(far, &options);
  assert_int_equal(try_call(far, &end, 0, NULL), STOA_E_UNSUPPORTED);
}

static void little_endian_frames_are_little_endian(void **state) {
  struct far *far = *state;
  struct stoa_client_options options = far_options(far);
  options.little_endian = true;
  far_client(far, &options);
  far_open(far);
  assert_int_equal(stoa_client_send(far->client, 0x01020304, NULL, &(struct stoa_bytes){NULL, 0}), STOA_OK);
  assert_memory_equal(far_read(far).data, "\x04\x03\x02\x01", 4);
  far_send(far, STOA_WS_BINARY, "\x11\0\0\0", 4);
  FAR_AWAIT(far, far->others != 0);
  assert_int_equal(far->other.type, 0x11);
}

static void destroying_forgets_calls_in_silence(void **state) {
  struct far *far = *state;
  struct end end, posted = {0};
  far_client(far, NULL);
  far_open(far);
  call(far, &end, 0);
  assert_int_equal(try_call(far, &posted, 0, NULL), STOA_OK);
  stoa_client_destroy(far->client);
  far->client = NULL;
  assert_int_equal(end.ends, 0);
  assert_int_equal(posted.ends, 0);
}

/* A session with everything that takes memory. Faults may make any of it fail, but must not make it hang, leak or lie.
 */
static void run_session(struct far *far, struct end *end) {
  static const char more[] = "Sec-WebSocket-Protocol: stoa.json\r\n";
  const struct stoa_message_type *type = &stoa_error_type;
  const struct stoa_error message = {.code = 3, .reason = STOA_STR("fine")};
  struct stoa_client_options options = far_options(far);
  const struct stoa_client_field field = {"X-Any", "thing"};
  options.fields = &field;
  options.field_count = 1;
  options.once = true;
  if (far_try_client(far, &options) != STOA_OK || !far_try_accept(far)) {
    return;
  }
  far_answer(far, more);
  for (unsigned turns = 0; turns < 50 && stoa_client_state(far->client) == STOA_CLIENT_CONNECTING; turns++) {
    stoa_client_step(far->client, 10);
  }
  const struct stoa_call_start asked = {
      .type = TYPE, .request_type = type, .request = &message, .reply_type = NULL, .invoke = invoke, .user = end};
  uint32_t id;
  bool called = stoa_client_call(far->client, &asked, &id) == STOA_OK;
  stoa_client_send(far->client, TYPE, type, &message);
  if (called && far_read(far).opcode == STOA_WS_BINARY) {
    far_send(far, STOA_WS_BINARY, "\0\0\0\x05long", 8);
    far_write(far, "\x02\x04\0\0\0\x06\x80\x02ok", 10);
    far_send_typed(far, CALL | TYPE, id, "reply");
  }
  stoa_client_close(far->client, 1000, NULL);
  while (far->fd >= 0 && far_read(far).opcode != FAR_CLOSED) {
    far_hang_up(far);
  }
  far_hang_up(far);
  far_await(far, STOA_CLIENT_ENDED);
  assert_int_equal(end->ends, called ? 1 : 0);
}

static void memory_may_run_out_at_every_place_of_a_session(void **state) {
  (void)state;
  uint64_t hits = 1;
  for (uint64_t n = 1; hits > 0; n++) {
    static struct far far;
    struct end end = {0};
    int64_t before = stoa_memory_live_blocks();
    far_init(&far);
    stoa_memory_fail_at(n, false);
    run_session(&far, &end);
    hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    far_fini(&far);
    assert_int_equal(stoa_memory_live_blocks(), before);
    assert_true(n < 1000);
  }
}

#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
      CALL_TEST(every_way_a_call_ends_makes_room_for_another),
      CALL_TEST(what_has_no_form_is_not_sent_and_takes_no_room),
      CALL_TEST(an_answer_that_cannot_be_read_ends_its_call),
      CALL_TEST(calls_that_make_no_sense_are_refused),
      CALL_TEST(without_a_subprotocol_there_are_no_calls),
      CALL_TEST(little_endian_frames_are_little_endian),
      CALL_TEST(destroying_forgets_calls_in_silence),
      cmocka_unit_test(memory_may_run_out_at_every_place_of_a_session),
  };
  return cmocka_run_group_tests_name("client calls", tests, NULL, NULL);
}
