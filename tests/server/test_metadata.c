/* What middlewares and handlers see of the fields of a request: of an HTTP request all, of an upgrade what the server
 * keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <stoa/log.h>
#include <stoa/middleware.h>
#include <stoa/trace.h>

#include "base/memory.h"
#include "rpc_stage.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define FAULTS_MAX 40u
#define GET_TYPE 20u

static struct fixture fixture;
static struct client client;

/* What the last message with the field X-Note has shown. Its `after` may run when its answer was read already; the next
 * request is read after that. */
static struct {
  char before[128], after[128], session[128];
  char trace[STOA_TRACE_ID_TEXT_LEN + 1];
} seen;

static void note(char *out, size_t size, struct stoa_string value) {
  snprintf(out, size, "%.*s", value.data == NULL ? 4 : (int)value.len, value.data == NULL ? "none" : value.data);
}

static const struct stoa_error *before(void *user, struct stoa_invocation *invocation) {
  (void)user;
  note(seen.before, sizeof seen.before, stoa_invocation_field(invocation, "x-NOTE"));
  stoa_trace_id_format(stoa_invocation_trace_id(invocation), seen.trace);
  return NULL;
}

static void after(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  (void)user;
  (void)error;
  note(seen.after, sizeof seen.after, stoa_invocation_field(invocation, "X-Note"));
}

static const struct stoa_error *in_handler(void *user, struct stoa_session *session,
                                           const struct rpc_v1_put_request *request, struct rpc_v1_book *reply) {
  (void)user;
  (void)request;
  note(seen.session, sizeof seen.session, stoa_session_field(session, "X-Note"));
  reply->name = stoa_string_of("put");
  return NULL;
}

static void create(void) {
  static const struct stoa_middleware middleware = {.before = before, .after = after};
  memset(&seen, 0, sizeof seen);
  rpc_create(&fixture, fixture_config(1));
  assert_int_equal(stoa_server_use_tracing(fixture.server, NULL), STOA_OK);
  assert_int_equal(stoa_server_use(fixture.server, NULL, &middleware), STOA_OK);
}

/* A request of this worker after all that was answered before has ended. */
static void sync(void) {
  assert_int_equal(http_request(fixture.address, "GET", "/nothing", NULL, NULL)->status, 404);
}

static void expect_seen(const char *text) {
  sync();
  assert_string_equal(seen.before, text);
  assert_string_equal(seen.after, text);
}

static int get(const char *target, const char *fields) {
  memset(&seen, 0, sizeof seen);
  return http_request(fixture.address, "GET", target, fields, NULL)->status;
}

/* HTTP. */

static void test_a_middleware_sees_the_fields_of_an_http_request(void **state) {
  (void)state;
  create();
  rpc_begin(&fixture);
  assert_int_equal(get("/v1/books/a", "X-Note: first\r\nX-Note: second\r\n"), 200);
  expect_seen("first");
  assert_int_equal(get("/v1/books/a", NULL), 200);
  expect_seen("none");
  assert_int_equal(get("/v1/books/none", "X-Note: failed\r\n"), 404);
  expect_seen("failed");
  assert_int_equal(get("/v1/waits/now", "x-note: at once\r\n"), 200);
  expect_seen("at once");
  fixture_stop(&fixture);
}

static void test_they_are_there_after_an_answer_that_comes_later(void **state) {
  (void)state;
  create();
  rpc_begin(&fixture);
  client_connect(&client, fixture.address);
  for (unsigned i = 0; i < 2; i++) {
    http_send(&client, "GET /v1/waits/later HTTP/1.1\r\nHost: x\r\nX-Note: later\r\n\r\n");
    struct stoa_call *call = rpc_take();
    if (i == 0) {
      assert_int_equal(rpc_reply(call, "done"), STOA_OK);
    } else {
      stoa_call_drop(call);
    }
    assert_int_equal(http_read(&client)->status, i == 0 ? 200 : 500);
    expect_seen("later");
    memset(&seen, 0, sizeof seen);
  }
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_they_are_there_when_the_client_has_gone(void **state) {
  static const struct linger at_once = {1, 0};
  (void)state;
  create();
  rpc_begin(&fixture);
  client_connect(&client, fixture.address);
  http_send(&client, "GET /v1/waits/later HTTP/1.1\r\nHost: x\r\nX-Note: gone\r\n\r\n");
  struct stoa_call *call = rpc_take();
  assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  client_close(&client);
  while (stoa_call_waits(call)) {
    sync();
  }
  expect_seen("gone");
  assert_int_equal(rpc_reply(call, "late"), STOA_E_CLOSED);
  fixture_stop(&fixture);
}

static void test_a_handler_sees_them_too(void **state) {
  static const struct rpc_v1_shelf_handlers handlers = {.put = in_handler};
  (void)state;
  fixture.blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(fixture_config(1), &fixture.server), STOA_OK);
  assert_int_equal(rpc_v1_shelf_register(fixture.server, &handlers, NULL), STOA_OK);
  assert_int_equal(stoa_server_keep_field(fixture.server, "X-Note"), STOA_OK);
  rpc_begin(&fixture);
  http_request(fixture.address, "POST", "/v1/books", "Content-Type: application/json\r\nX-Note: by HTTP\r\n", "{}");
  assert_string_equal(seen.session, "by HTTP");
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", "X-Note: by WebSocket\r\n"), 101);
  client_send_call(&client, 21, 1, "{}");
  client_read_message(&client);
  assert_string_equal(seen.session, "by WebSocket");
  client_close(&client);
  fixture_stop(&fixture);
}

/* WebSocket. */

static void call_get(uint32_t id) {
  memset(&seen, 0, sizeof seen);
  client_send_call(&client, GET_TYPE, id, "{\"name\":\"a\"}");
  client_read_message(&client);
}

static void connect_with(const char *fields) {
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", fields), 101);
}

static void test_a_session_keeps_the_fields_that_the_server_names(void **state) {
  (void)state;
  create();
  assert_int_equal(stoa_server_keep_field(fixture.server, "Other"), STOA_OK);
  assert_int_equal(stoa_server_keep_field(fixture.server, "X-NOTE"), STOA_OK);
  rpc_begin(&fixture);
  connect_with("x-note: kept\r\nOther: more\r\n");
  for (uint32_t id = 1; id < 3; id++) {
    call_get(id);
    expect_seen("kept");
  }
  client_close(&client);
  connect_with("x-note: kept\r\n"); /* without the one before it */
  call_get(1);
  expect_seen("kept");
  client_close(&client);
  connect_with("x-note:\r\n");
  call_get(1);
  expect_seen("");
  client_close(&client);
  connect_with("Other: more\r\n");
  call_get(1);
  expect_seen("none");
  client_close(&client);
  connect_with(NULL);
  call_get(1);
  expect_seen("none");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_session_keeps_no_other_field(void **state) {
  (void)state;
  create();
  rpc_begin(&fixture);
  connect_with("X-Note: not kept\r\ntraceparent: 00-" TRACE "-" PARENT "-01\r\n");
  call_get(1);
  expect_seen("none");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_value_that_is_too_long_is_not_kept(void **state) {
  (void)state;
  char fields[STOA_KEPT_FIELD_LEN_MAX + 32];
  create();
  assert_int_equal(stoa_server_keep_field(fixture.server, "X-Note"), STOA_OK);
  rpc_begin(&fixture);
  for (unsigned over = 0; over < 2; over++) {
    char value[STOA_KEPT_FIELD_LEN_MAX + 2];
    memset(value, 'a', sizeof value);
    snprintf(fields, sizeof fields, "X-Note: %.*s\r\n", (int)(STOA_KEPT_FIELD_LEN_MAX + over), value);
    connect_with(fields);
    call_get(1);
    sync();
    assert_int_equal(strlen(seen.before), over == 0 ? sizeof seen.before - 1 : strlen("none"));
    client_close(&client);
  }
  fixture_stop(&fixture);
}

static void test_names_of_fields_are_checked_when_they_are_added(void **state) {
  static const char *const wrong[] = {"", "a b", "a:", "a\n", "\xc3\xa9"};
  char name[16];
  (void)state;
  rpc_create(&fixture, fixture_config(1));
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    assert_int_equal(stoa_server_keep_field(fixture.server, wrong[i]), STOA_E_ARGUMENT);
  }
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_server_keep_field(fixture.server, "X-0"), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  for (unsigned i = 0; i < STOA_KEPT_FIELDS_MAX; i++) {
    snprintf(name, sizeof name, "X-%u", i);
    assert_int_equal(stoa_server_keep_field(fixture.server, name), STOA_OK);
  }
  assert_int_equal(stoa_server_keep_field(fixture.server, "x-0"), STOA_OK); /* kept already */
  assert_int_equal(stoa_server_keep_field(fixture.server, "X-more"), STOA_E_LIMIT);
  rpc_begin(&fixture);
  fixture_stop(&fixture);
}

/* An upgrade while the n-th allocation fails: the session keeps its fields, or there is none. */
static uint64_t upgrade_with_fault(unsigned n) {
  client_connect(&client, fixture.address);
  sync(); /* the connection has all that it needs before its request */
  stoa_memory_fail_at(n, false);
  int status = client_upgrade(&client, "/", "stoa.json", "X-Note: kept\r\n");
  bool is_open =
      status == 101 && client_send_call(&client, GET_TYPE, 1, "{\"name\":\"a\"}") && client_read(&client).opcode == 2;
  uint64_t hits = stoa_memory_fault_hits();
  stoa_memory_fail_at(0, false);
  if (is_open) {
    sync();
    assert_string_equal(seen.before, "kept");
  }
  client_close(&client);
  return hits;
}

static void test_a_session_without_memory_for_its_fields_is_closed(void **state) {
  unsigned n = 1;
  (void)state;
  create();
  assert_int_equal(stoa_server_keep_field(fixture.server, "X-Note"), STOA_OK);
  rpc_begin(&fixture);
  while (n < FAULTS_MAX && upgrade_with_fault(n) > 0) {
    n++;
  }
  assert_true(n > 2);
  assert_true(n < FAULTS_MAX);
  fixture_stop(&fixture);
}

/* Traces. */

static void test_a_trace_is_continued(void **state) {
  static const char *const valid[] = {
      "00-" TRACE "-" PARENT "-01",
      "00-" TRACE "-" PARENT "-00",
      "cc-" TRACE "-" PARENT "-01",
      "cc-" TRACE "-" PARENT "-01-what-a-later-version-adds",
  };
  char fields[256];
  (void)state;
  create();
  rpc_begin(&fixture);
  for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
    snprintf(fields, sizeof fields, "Traceparent: %s\r\n", valid[i]);
    assert_int_equal(get("/v1/books/a", fields), 200);
    assert_string_equal(seen.trace, TRACE);
    connect_with(fields);
    call_get(1);
    assert_string_equal(seen.trace, TRACE);
    call_get(2);
    assert_string_equal(seen.trace, TRACE);
    client_close(&client);
  }
  fixture_stop(&fixture);
}

static void test_an_invalid_trace_is_not_continued(void **state) {
  static const char *const invalid[] = {
      "",
      "00",
      "00-" TRACE "-" PARENT,
      "00-" TRACE "-" PARENT "-0",
      "00-" TRACE "-" PARENT "-01-more",
      "cc-" TRACE "-" PARENT "-01.more",
      "ff-" TRACE "-" PARENT "-01",
      "0x-" TRACE "-" PARENT "-01",
      "00_" TRACE "-" PARENT "-01",
      "00-" TRACE "_" PARENT "-01",
      "00-" TRACE "-" PARENT "_01",
      "00-" TRACE "-" PARENT "-0g",
      "00-00000000000000000000000000000000-" PARENT "-01",
      "00-" TRACE "-0000000000000000-01",
      "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
      "00-" TRACE "-b7ad6b716920333g-01",
  };
  char fields[256];
  (void)state;
  create();
  rpc_begin(&fixture);
  for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
    snprintf(fields, sizeof fields, "traceparent: %s\r\n", invalid[i]);
    assert_int_equal(get("/v1/books/a", fields), 200);
    assert_int_equal(strlen(seen.trace), STOA_TRACE_ID_TEXT_LEN);
    assert_string_not_equal(seen.trace, TRACE);
  }
  fixture_stop(&fixture);
}

/* A program that handles a message: its place, its span, and a line of its own. */
static struct {
  struct stoa_trace_context place;
  char line[512];
  bool has_span;
} own;

static void take_line(void *context, enum stoa_log_severity level, struct stoa_string line) {
  (void)context;
  (void)level;
  if (memmem(line.data, line.len, "from the middleware", strlen("from the middleware")) != NULL) {
    snprintf(own.line, sizeof own.line, "%.*s", (int)line.len, line.data);
  }
}

static const struct stoa_error *look_at_trace(void *user, struct stoa_invocation *invocation) {
  struct stoa_session *session = stoa_invocation_session(invocation);
  (void)user;
  stoa_session_trace(session, &own.place);
  own.has_span = stoa_session_span(session) != NULL;
  const struct stoa_span_options options = {.parent = &own.place};
  stoa_span_end(stoa_span_start(fixture.server, "a part of it", &options));
  stoa_log(STOA_LOG_WARN, "from the middleware", STOA_F_INT("number", 7));
  return NULL;
}

static void test_a_program_sees_the_place_of_its_message_and_its_lines_have_the_trace(void **state) {
  static const struct stoa_middleware middleware = {.before = look_at_trace};
  /* Nobody listens there, so nothing is sent. */
  static const struct stoa_tracing_config tracing = {.endpoint = STOA_STR("http://127.0.0.1:1")};
  static const uint8_t parent[] = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31};
  (void)state;
  stoa_log_set_sink(take_line, NULL);
  stoa_log_set_level(STOA_LOG_WARN);
  for (unsigned is_recorded = 0; is_recorded < 2; is_recorded++) {
    char trace[STOA_TRACE_ID_TEXT_LEN + 1];
    struct stoa_server_config *config = fixture_config(1);
    memset(&own, 0, sizeof own);
    config->tracing = is_recorded == 1 ? &tracing : NULL;
    rpc_create(&fixture, config);
    assert_int_equal(stoa_server_use(fixture.server, NULL, &middleware), STOA_OK);
    rpc_begin(&fixture);
    assert_int_equal(get("/v1/books/a", "Traceparent: 00-" TRACE "-" PARENT "-01\r\n"), 200);
    stoa_trace_id_format(own.place.trace_id, trace);
    assert_string_equal(trace, TRACE);
    assert_int_equal(own.has_span, is_recorded);
    assert_int_equal(memcmp(own.place.span_id, parent, sizeof parent) != 0, is_recorded); /* the server's own span */
    fixture_stop(&fixture); /* the log's thread has written its line */
    assert_non_null(strstr(own.line, " number=7 trace=" TRACE));
  }
  stoa_log_set_level(STOA_LOG_OFF);
  stoa_log_set_sink(NULL, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_middleware_sees_the_fields_of_an_http_request),
      cmocka_unit_test(test_they_are_there_after_an_answer_that_comes_later),
      cmocka_unit_test(test_they_are_there_when_the_client_has_gone),
      cmocka_unit_test(test_a_handler_sees_them_too),
      cmocka_unit_test(test_a_session_keeps_the_fields_that_the_server_names),
      cmocka_unit_test(test_a_session_keeps_no_other_field),
      cmocka_unit_test(test_a_value_that_is_too_long_is_not_kept),
      cmocka_unit_test(test_names_of_fields_are_checked_when_they_are_added),
      cmocka_unit_test(test_a_session_without_memory_for_its_fields_is_closed),
      cmocka_unit_test(test_a_trace_is_continued),
      cmocka_unit_test(test_an_invalid_trace_is_not_continued),
      cmocka_unit_test(test_a_program_sees_the_place_of_its_message_and_its_lines_have_the_trace),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("metadata", tests, NULL, NULL);
}
