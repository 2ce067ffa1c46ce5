/* Each status that the public functions name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <stoa/call.h>
#include <stoa/error.stoa.h>
#include <stoa/log.h>
#include <stoa/worker.h>

#include "base/memory.h"
#include "fixture.h"
#include "lib/self_signed.h"

#define LINE_TYPE (&sample_v1_line_message_type)
#define TYPE_TOO_BIG 0x40000000u
#define SENDS_MAX 1000000u

static struct fixture fixture;
static struct client client;
static struct stoa_uuid id;
static const struct stoa_uuid nobody = {{1, 2, 3}};

/* A codec that has no form for some texts. */
static int encode_odd(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out) {
  if (type == LINE_TYPE) {
    struct stoa_string text = ((const struct sample_v1_line_message *)message)->text;
    if (stoa_string_equal(text, stoa_string_of("no form"))) {
      return STOA_E_TYPE;
    }
    if (stoa_string_equal(text, stoa_string_of("too deep"))) {
      return STOA_E_LIMIT;
    }
    if (stoa_string_equal(text, stoa_string_of("not now"))) {
      return STOA_E_AGAIN;
    }
  }
  return stoa_codec_json.encode(type, message, out);
}

static int decode_odd(const struct stoa_message_type *type, struct stoa_bytes input, struct stoa_arena *arena,
                      void *out_message, struct stoa_codec_error *out_error) {
  return stoa_codec_json.decode(type, input, arena, out_message, out_error);
}

static const struct stoa_codec odd_codec = {"odd", true, encode_odd, decode_odd};

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user;
  (void)request;
  (void)out_refusal;
  id = *stoa_session_id(session);
  return stoa_session_join(session, stoa_string_of("g")) == STOA_OK ? STOA_ADMIT : STOA_REFUSE;
}

/* A server with one client, whose codec is the odd one. */
static int start_with_limits(const struct stoa_limits_config *limits) {
  static const struct stoa_callbacks callbacks = {.on_connect = on_connect};
  struct stoa_server_config *config = fixture_config(1);
  config->limits = limits;
  fixture.blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(config, &fixture.server), STOA_OK);
  assert_int_equal(stoa_server_add_codec(fixture.server, &odd_codec), STOA_OK);
  assert_int_equal(sample_v1_sample_register(fixture.server, fixture_handlers(), NULL), STOA_OK);
  stoa_server_set_callbacks(fixture.server, &callbacks);
  assert_int_equal(stoa_server_start(fixture.server), STOA_OK);
  fixture.address = stoa_server_address(fixture.server, 0);
  fixture_connect(&fixture, &client, "stoa.odd");
  return 0;
}

/* Its messages may be short only. */
static int start_odd(void **state) {
  static const struct stoa_limits_config limits = {.message_bytes_max = 1000, .send_queue_bytes_max = 4000};
  (void)state;
  return start_with_limits(&limits);
}

static int start_roomy(void **state) {
  static const struct stoa_limits_config limits = {.send_queue_bytes_max = 64 * 1024 * 1024};
  (void)state;
  return start_with_limits(&limits);
}

static int end_odd(void **state) {
  (void)state;
  client_close(&client);
  fixture_stop(&fixture);
  return 0;
}

/* Runs something on the session's worker, and waits for it. */
struct task {
  void (*run)(struct stoa_session *session);
  struct counter done;
};

static void run_task(void *context, struct stoa_session *session, int status) {
  struct task *task = context;
  assert_int_equal(status, STOA_OK);
  task->run(session);
  counter_up(&task->done);
}

static void on_worker(void (*run)(struct stoa_session *session)) {
  struct task task = {run, COUNTER_INIT};
  assert_int_equal(stoa_worker_run_for(fixture.server, &id, run_task, &task), STOA_OK);
  counter_wait(&task.done, 1);
}

/* The four that take a message, each with a text. */
typedef int send_text(struct stoa_session *session, uint32_t type, struct stoa_string text);

static int send_to_session(struct stoa_session *session, uint32_t type, struct stoa_string text) {
  const struct sample_v1_line_message line = {.text = text};
  return stoa_session_send(session, type, LINE_TYPE, &line);
}

static int send_by_id(struct stoa_session *session, uint32_t type, struct stoa_string text) {
  const struct sample_v1_line_message line = {.text = text};
  (void)session;
  return stoa_server_send(fixture.server, &id, type, LINE_TYPE, &line);
}

static int publish(struct stoa_session *session, uint32_t type, struct stoa_string text) {
  const struct sample_v1_line_message line = {.text = text};
  (void)session;
  return stoa_server_publish(fixture.server, stoa_string_of("g"), type, LINE_TYPE, &line);
}

static int broadcast(struct stoa_session *session, uint32_t type, struct stoa_string text) {
  const struct sample_v1_line_message line = {.text = text};
  (void)session;
  return stoa_server_broadcast(fixture.server, type, LINE_TYPE, &line);
}

/* What none of them may send, wherever it is called. */
static void check_refusals(send_text *send, struct stoa_session *session) {
  char long_text[1001];
  memset(long_text, 'x', sizeof long_text);
  assert_int_equal(send(session, TYPE_TOO_BIG, stoa_string_of("x")), STOA_E_ARGUMENT);
  assert_int_equal(send(session, FIXTURE_LINE, stoa_string_of("no form")), STOA_E_TYPE);
  assert_int_equal(send(session, FIXTURE_LINE, stoa_string_of("too deep")), STOA_E_LIMIT);
  assert_int_equal(send(session, FIXTURE_LINE, stoa_string_of("not now")), STOA_E_AGAIN);
  assert_int_equal(send(session, FIXTURE_LINE, stoa_string_of("\xff")), STOA_E_UTF8);
  assert_int_equal(send(session, FIXTURE_LINE, stoa_string_make(long_text, sizeof long_text)), STOA_E_LIMIT);
}

static void check_refusals_on_worker(struct stoa_session *session) {
  check_refusals(send_to_session, session);
  check_refusals(send_by_id, session);
  check_refusals(publish, session);
  check_refusals(broadcast, session);
  assert_int_equal(stoa_server_send(fixture.server, &nobody, FIXTURE_LINE, LINE_TYPE, NULL), STOA_E_NOT_FOUND);
  assert_int_equal(stoa_server_close_session(fixture.server, &nobody, 4999, NULL), STOA_E_NOT_FOUND);
  assert_int_equal(send_to_session(session, FIXTURE_LINE, stoa_string_of("only this")), STOA_OK);
}

static void test_what_cannot_be_sent_on_the_worker_is_told(void **state) {
  (void)state;
  on_worker(check_refusals_on_worker);
  fixture_expect_line(&client, "only this");
  fixture_sync(&client);
}

static void test_what_cannot_be_sent_from_elsewhere_is_told(void **state) {
  (void)state;
  check_refusals(send_by_id, NULL);
  check_refusals(publish, NULL);
  check_refusals(broadcast, NULL);
  assert_int_equal(send_by_id(NULL, FIXTURE_LINE, stoa_string_of("only this")), STOA_OK);
  fixture_expect_line(&client, "only this");
  fixture_sync(&client);
}

static void check_closing(struct stoa_session *session) {
  const struct stoa_bytes raw = stoa_bytes_make("raw", 3);
  stoa_session_close(session, 4999, "as asked");
  assert_int_equal(send_to_session(session, FIXTURE_LINE, stoa_string_of("x")), STOA_E_CLOSED);
  assert_int_equal(stoa_session_send_raw(session, raw, false), STOA_E_CLOSED);
  assert_int_equal(send_by_id(session, FIXTURE_LINE, stoa_string_of("x")), STOA_E_NOT_FOUND);
  assert_int_equal(stoa_server_close_session(fixture.server, &id, 4999, NULL), STOA_E_NOT_FOUND);
  assert_int_equal(stoa_session_join(session, stoa_string_of("h")), STOA_E_CLOSED);
  assert_int_equal(stoa_session_leave(session, stoa_string_of("g")), STOA_E_NOT_FOUND);
}

static void test_nothing_can_be_sent_to_a_session_that_closes(void **state) {
  (void)state;
  on_worker(check_closing);
  assert_int_equal(client_read_close(&client), 4999);
}

static void check_raw(struct stoa_session *session) {
  char raw[1001];
  memset(raw, 'x', sizeof raw);
  assert_int_equal(stoa_session_send_raw(session, stoa_bytes_make(raw, 1001), true), STOA_E_LIMIT);
  assert_int_equal(stoa_session_send_raw(session, stoa_bytes_make(raw, 1000), true), STOA_OK);
}

static void test_a_raw_message_keeps_to_the_limit(void **state) {
  (void)state;
  on_worker(check_raw);
  assert_int_equal(client_read_message(&client).len, 1000);
  fixture_sync(&client);
}

/* Nothing is written before the turn's end, so the queue fills whatever the client reads. */
static void fill_queue(struct stoa_session *session) {
  char raw[900];
  int status = STOA_OK;
  unsigned sent = 0;
  memset(raw, 'x', sizeof raw);
  while (status == STOA_OK && sent < 100) {
    status = stoa_session_send_raw(session, stoa_bytes_make(raw, sizeof raw), true);
    sent++;
  }
  assert_int_equal(status, STOA_E_LIMIT);
  assert_int_equal(send_to_session(session, FIXTURE_LINE, stoa_string_of("x")), STOA_E_LIMIT);
  assert_int_equal(send_by_id(session, FIXTURE_LINE, stoa_string_of("x")), STOA_E_LIMIT);
}

static void test_a_full_queue_is_told_and_ends_in_4008(void **state) {
  (void)state;
  on_worker(fill_queue);
  assert_int_equal(client_read_close(&client), STOA_CLOSE_SLOW);
}

static void without_memory_once(struct stoa_session *session) {
  stoa_memory_fail_at(1, true);
  int joined = stoa_session_join(session, stoa_string_of("h"));
  const struct stoa_error *error = stoa_session_error(session, 1000, "REASON", NULL);
  int published = publish(session, FIXTURE_LINE, stoa_string_of("x"));
  stoa_memory_fail_at(0, false);
  assert_int_equal(joined, STOA_E_MEMORY);
  assert_non_null(error);
  assert_int_equal(published, STOA_E_MEMORY);
}

/* Until the buffer that is there is full. */
static void send_without_memory(struct stoa_session *session) {
  int sent = STOA_OK;
  stoa_memory_fail_at(1, true);
  for (unsigned i = 0; i < SENDS_MAX && sent == STOA_OK; i++) {
    sent = send_to_session(session, FIXTURE_LINE, stoa_string_of("x"));
  }
  stoa_memory_fail_at(0, false);
  assert_int_equal(sent, STOA_E_MEMORY);
}

static void send_raw_without_memory(struct stoa_session *session) {
  int sent = STOA_OK;
  stoa_memory_fail_at(1, true);
  for (unsigned i = 0; i < SENDS_MAX && sent == STOA_OK; i++) {
    sent = stoa_session_send_raw(session, stoa_bytes_make("raw", 3), false);
  }
  stoa_memory_fail_at(0, false);
  assert_int_equal(sent, STOA_E_MEMORY);
}

static void test_joining_and_publishing_tell_that_memory_is_out(void **state) {
  (void)state;
  on_worker(without_memory_once);
  fixture_sync(&client); /* and the session stays */
}

static void test_sending_tells_that_memory_is_out(void **state) {
  (void)state;
  on_worker(send_without_memory);
}

static void test_sending_raw_tells_that_memory_is_out(void **state) {
  (void)state;
  on_worker(send_raw_without_memory);
}

static void test_requests_of_other_threads_tell_that_memory_is_out(void **state) {
  static const struct stoa_refusal refusal = {4999, "no", 0};
  (void)state;
  struct sample_v1_line_message line = {.text = STOA_STR("x")};
  fixture_sync(&client);
  stoa_memory_fail_at(1, true);
  int statuses[] = {stoa_server_send(fixture.server, &id, FIXTURE_LINE, LINE_TYPE, &line),
                    stoa_server_publish(fixture.server, stoa_string_of("g"), FIXTURE_LINE, LINE_TYPE, &line),
                    stoa_server_broadcast(fixture.server, FIXTURE_LINE, LINE_TYPE, &line),
                    stoa_server_admit(fixture.server, &id),
                    stoa_server_refuse(fixture.server, &id, &refusal),
                    stoa_server_close_session(fixture.server, &id, 4999, "no"),
                    stoa_worker_run_for(fixture.server, &id, run_task, NULL)};
  stoa_memory_fail_at(0, false);
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    assert_int_equal(statuses[i], STOA_E_MEMORY);
  }
  fixture_sync(&client);
}

static void test_a_message_that_nobody_gets_is_not_encoded(void **state) {
  (void)state;
  struct sample_v1_line_message bad = {.text = STOA_STR("\xff")};
  fixture_start(&fixture, fixture_config(1), NULL);
  assert_int_equal(sample_v1_line_publish(fixture.server, stoa_string_of("g"), &bad), STOA_OK);
  assert_int_equal(sample_v1_line_broadcast(fixture.server, &bad), STOA_OK);
  fixture_stop(&fixture);
}

static void test_a_server_that_was_not_started_takes_nothing(void **state) {
  static const struct stoa_refusal refusal = {4999, "no", 0};
  (void)state;
  struct stoa_server *server = NULL;
  struct sample_v1_line_message line = {.text = STOA_STR("x")};
  assert_int_equal(stoa_server_create(NULL, &server), STOA_OK);
  assert_int_equal(stoa_server_send(server, &nobody, FIXTURE_LINE, LINE_TYPE, &line), STOA_E_CLOSED);
  assert_int_equal(stoa_server_publish(server, stoa_string_of("g"), FIXTURE_LINE, LINE_TYPE, &line), STOA_E_CLOSED);
  assert_int_equal(stoa_server_broadcast(server, FIXTURE_LINE, LINE_TYPE, &line), STOA_E_CLOSED);
  assert_int_equal(stoa_server_admit(server, &nobody), STOA_E_CLOSED);
  assert_int_equal(stoa_server_refuse(server, &nobody, &refusal), STOA_E_CLOSED);
  assert_int_equal(stoa_server_close_session(server, &nobody, 4999, NULL), STOA_E_CLOSED);
  assert_int_equal(stoa_server_send(server, &nobody, TYPE_TOO_BIG, LINE_TYPE, &line), STOA_E_ARGUMENT);
  stoa_server_destroy(server);
}

/* Before the start. */

static void test_a_codec_that_cannot_be_taken_is_refused(void **state) {
  (void)state;
  static const char *const bad_names[] = {"", "Upper", "under_score", "a-name-of-more-than-32-characters"};
  static const char *const names[] = {"c3", "c4", "c5", "c6", "c7", "c8", "c9"};
  struct stoa_codec codecs[7];
  struct stoa_codec bad = odd_codec;
  struct stoa_server *server = NULL;
  assert_int_equal(stoa_server_create(NULL, &server), STOA_OK);
  for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
    bad.name = bad_names[i];
    assert_int_equal(stoa_server_add_codec(server, &bad), STOA_E_ARGUMENT);
  }
  bad = odd_codec;
  bad.encode = NULL;
  assert_int_equal(stoa_server_add_codec(server, &bad), STOA_E_ARGUMENT);
  bad = odd_codec;
  bad.decode = NULL;
  assert_int_equal(stoa_server_add_codec(server, &bad), STOA_E_ARGUMENT);
  bad = odd_codec;
  bad.name = "json";
  assert_int_equal(stoa_server_add_codec(server, &bad), STOA_E_EXISTS);
  for (size_t i = 0; i < 7; i++) {
    codecs[i] = odd_codec;
    codecs[i].name = names[i];
    assert_int_equal(stoa_server_add_codec(server, &codecs[i]), i < 6 ? STOA_OK : STOA_E_LIMIT);
  }
  stoa_server_destroy(server);
}

static const struct stoa_error *invoke(stoa_handler_function function, void *user, struct stoa_session *session,
                                       const void *message, void *reply) {
  (void)function;
  (void)user;
  (void)session;
  (void)message;
  (void)reply;
  return NULL;
}

static void do_nothing(void) {}

static void test_a_handler_that_cannot_be_taken_is_refused(void **state) {
  (void)state;
  static struct stoa_message_type old;
  old = *LINE_TYPE;
  old.abi++;
  const struct stoa_handler good = {
      .name = "H", .type = 1, .message = LINE_TYPE, .invoke = invoke, .function = do_nothing};
  struct stoa_handler bad[7] = {good, good, good, good, good, good, good};
  struct stoa_server *server = NULL;
  assert_int_equal(stoa_server_create(NULL, &server), STOA_OK);
  bad[0].type = TYPE_TOO_BIG;
  bad[1].invoke = NULL;
  bad[2].function = NULL;
  bad[3].message = NULL;
  bad[4].message = &old;
  bad[5].reply = &old;
  bad[6].takes_plain = true; /* it has no reply */
  for (size_t i = 0; i < 7; i++) {
    assert_int_equal(stoa_server_handle(server, &bad[i]), STOA_E_ARGUMENT);
  }
  stoa_memory_fail_at(1, true);
  int status = stoa_server_handle(server, &good);
  stoa_memory_fail_at(0, false);
  assert_int_equal(status, STOA_E_MEMORY);
  assert_int_equal(stoa_server_handle(server, &good), STOA_OK);
  assert_int_equal(stoa_server_handle(server, &good), STOA_E_EXISTS);
  stoa_server_destroy(server);
}

static int create_with(const char *certificate, const char *key) {
  static const struct stoa_string addresses[] = {STOA_STR("wss://127.0.0.1:0")};
  struct stoa_tls_config tls = {.certificate = stoa_string_of(certificate), .key = stoa_string_of(key)};
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_server *server = NULL;
  config->addresses.items = addresses;
  config->tls = &tls;
  int status = stoa_server_create(config, &server);
  stoa_server_destroy(status == STOA_OK ? server : NULL);
  return status;
}

static void test_a_certificate_that_cannot_be_used_is_told_apart(void **state) {
  (void)state;
  struct self_signed one;
  struct self_signed other;
  self_signed_write(&one, "one");
  self_signed_write(&other, "other");
  assert_int_equal(create_with(one.certificate, one.key), STOA_OK);
  assert_int_equal(create_with("/nonexistent.pem", one.key), STOA_E_NOT_FOUND);
  assert_int_equal(create_with(one.certificate, "/nonexistent.pem"), STOA_E_NOT_FOUND);
  assert_int_equal(create_with(one.certificate, other.key), STOA_E_TLS);
  assert_int_equal(create_with(one.key, one.key), STOA_E_TLS);
  assert_int_equal(chmod(one.key, 0644), 0);
  assert_int_equal(create_with(one.certificate, one.key), STOA_E_DENIED);
  self_signed_remove(&one);
  self_signed_remove(&other);
}

/* Calls. */

static const struct stoa_error bad_error = {.code = 1000, .reason = STOA_STR("\xff")};
static struct stoa_call *kept;
static struct counter kept_calls;

/* What the handler does with its call is its question. */
static const struct stoa_error *on_ask(void *user, struct stoa_session *session,
                                       const struct sample_v1_ask_request *request, struct sample_v1_ask_reply *reply) {
  struct stoa_call *call;
  (void)user;
  (void)reply;
  if (stoa_string_equal(request->question, stoa_string_of("return"))) {
    return &bad_error;
  }
  assert_int_equal(stoa_call_take(session, &call), STOA_OK);
  if (stoa_string_equal(request->question, stoa_string_of("keep"))) {
    kept = call;
    counter_up(&kept_calls);
  } else if (stoa_string_equal(request->question, stoa_string_of("long"))) {
    char text[2000];
    memset(text, 'x', sizeof text);
    const struct sample_v1_ask_reply answer = {.answer = stoa_string_make(text, sizeof text)};
    assert_int_equal(stoa_call_reply(call, &sample_v1_ask_reply_type, &answer), STOA_E_LIMIT);
  } else {
    assert_int_equal(stoa_call_fail(call, &bad_error), STOA_E_UTF8);
  }
  return STOA_LATER;
}

static void expect_internal(const char *question) {
  char payload[64];
  snprintf(payload, sizeof payload, "{\"question\":\"%s\"}", question);
  assert_true(client_send_call(&client, FIXTURE_ASK, 9, payload));
  if (strcmp(question, "keep") == 0) {
    counter_wait(&kept_calls, 1);
    assert_int_equal(stoa_call_fail(kept, &bad_error), STOA_E_UTF8);
  }
  struct client_frame frame = client_read_message(&client);
  assert_non_null(memmem(frame.data, frame.len, "INTERNAL", 8));
}

static void test_a_call_whose_answer_has_no_form_is_answered_internal(void **state) {
  (void)state;
  static const struct sample_v1_sample_handlers handlers = {.ask = on_ask};
  static const struct stoa_limits_config limits = {.message_bytes_max = 1000};
  struct stoa_server_config *config = fixture_config(1);
  config->limits = &limits;
  kept_calls = (struct counter)COUNTER_INIT;
  fixture.blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(config, &fixture.server), STOA_OK);
  assert_int_equal(sample_v1_sample_register(fixture.server, &handlers, NULL), STOA_OK);
  assert_int_equal(stoa_server_start(fixture.server), STOA_OK);
  fixture.address = stoa_server_address(fixture.server, 0);
  fixture_connect(&fixture, &client, "stoa.json");
  expect_internal("return");
  expect_internal("fail");
  expect_internal("long");
  expect_internal("keep");
  client_close(&client);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_what_cannot_be_sent_on_the_worker_is_told, start_odd, end_odd),
      cmocka_unit_test_setup_teardown(test_what_cannot_be_sent_from_elsewhere_is_told, start_odd, end_odd),
      cmocka_unit_test_setup_teardown(test_nothing_can_be_sent_to_a_session_that_closes, start_odd, end_odd),
      cmocka_unit_test_setup_teardown(test_a_raw_message_keeps_to_the_limit, start_odd, end_odd),
      cmocka_unit_test_setup_teardown(test_a_full_queue_is_told_and_ends_in_4008, start_odd, end_odd),
      cmocka_unit_test_setup_teardown(test_joining_and_publishing_tell_that_memory_is_out, start_odd, end_odd),
      cmocka_unit_test_setup_teardown(test_sending_tells_that_memory_is_out, start_roomy, end_odd),
      cmocka_unit_test_setup_teardown(test_sending_raw_tells_that_memory_is_out, start_roomy, end_odd),
      cmocka_unit_test_setup_teardown(test_requests_of_other_threads_tell_that_memory_is_out, start_odd, end_odd),
      cmocka_unit_test(test_a_message_that_nobody_gets_is_not_encoded),
      cmocka_unit_test(test_a_server_that_was_not_started_takes_nothing),
      cmocka_unit_test(test_a_codec_that_cannot_be_taken_is_refused),
      cmocka_unit_test(test_a_handler_that_cannot_be_taken_is_refused),
      cmocka_unit_test(test_a_certificate_that_cannot_be_used_is_told_apart),
      cmocka_unit_test(test_a_call_whose_answer_has_no_form_is_answered_internal),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
