/* The middlewares that are shipped, and that requests are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/log.h>
#include <stoa/middleware.h>

#include "base/memory.h"
#include "server/middleware/shedder.h"
#include "server/server_private.h"
#include "server/worker/stepping.h"
#include "waiting.h"

#define WAIT_OPERATION "/later.v1.Later/Wait"
#define MS UINT64_C(1000000)

static struct fixture fixture;
static struct client client;

/* Lines of the log that contain "request" or "failed". */
static struct {
  pthread_mutex_t mutex;
  unsigned count;
  char last[1024];
} lines = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void on_line(void *context, enum stoa_log_severity level, struct stoa_string line) {
  (void)context;
  (void)level;
  if (memmem(line.data, line.len, "event=\"request\"", 15) == NULL &&
      memmem(line.data, line.len, "event=\"a handler failed\"", 24) == NULL) {
    return;
  }
  pthread_mutex_lock(&lines.mutex);
  lines.count++;
  snprintf(lines.last, sizeof lines.last, "%.*s", (int)line.len, line.data);
  pthread_mutex_unlock(&lines.mutex);
}

/* Lines are written by a thread; the end of the server waits for it. */
static void stop_and_expect_lines(unsigned count) {
  fixture_stop(&fixture);
  stoa_log_set_sink(NULL, NULL);
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  assert_int_equal(lines.count, count);
}

static void expect_in_line(const char *text) {
  if (strstr(lines.last, text) == NULL) {
    fail_msg("%s is not in %s", text, lines.last);
  }
}

static void create_with_log(struct stoa_server_config *config) {
  lines.count = 0;
  lines.last[0] = '\0';
  waiting_create(&fixture, config, NULL);
  stoa_log_setup(2, STOA_LOG_INFO, STOA_LOG_LOGFMT);
  stoa_log_set_sink(on_line, NULL);
}

static void begin(void) {
  waiting_begin(&fixture);
  fixture_connect(&fixture, &client, "stoa.json");
}

static void sync(uint32_t number) {
  waiting_ask(&client, "stoa.json", "sync", number);
  waiting_expect(&client, "stoa.json", number, "sync");
}

static void fail_with(uint32_t number, const struct stoa_error *error) {
  waiting_ask(&client, "stoa.json", "keep", number);
  struct waiting_call kept = waiting_take();
  assert_int_equal(later_v1_later_wait_fail(kept.call, error), STOA_OK);
}

/* Recovery. */

static void test_recovery_hides_the_details_of_unexpected_errors(void **state) {
  (void)state;
  static const struct stoa_error secret = {
      .code = STOA_ERROR_INTERNAL, .reason = STOA_STR("DATABASE"), .message = STOA_STR("password of root")};
  static const struct stoa_error strange = {.code = 7, .reason = STOA_STR("SEVEN")};
  static const struct stoa_error further = {.code = 404, .reason = STOA_STR("NOT_FOUND")};
  static const struct stoa_error own = {.code = 1001, .reason = STOA_STR("BUSY"), .message = STOA_STR("later")};
  const struct stoa_recovery_options options = {.codes_min = 400, .codes_max = 599};
  create_with_log(fixture_config(1));
  assert_int_equal(stoa_server_use_recovery(fixture.server, NULL, &options), STOA_OK);
  begin();
  fail_with(1, &own);
  waiting_expect_error(&client, 1, "{\"code\":1001,\"reason\":\"BUSY\",\"message\":\"later\"");
  fail_with(2, &further);
  waiting_expect_error(&client, 2, "\"code\":404,\"reason\":\"NOT_FOUND\"");
  fail_with(3, &strange);
  waiting_expect_error(&client, 3, "\"code\":100,\"reason\":\"INTERNAL\",\"message\":\"\"");
  fail_with(4, &secret);
  waiting_expect_error(&client, 4, "\"code\":100,\"reason\":\"INTERNAL\",\"message\":\"\"");
  client_close(&client);
  stop_and_expect_lines(2);
  expect_in_line("operation=" WAIT_OPERATION);
  expect_in_line("reason=DATABASE message=\"password of root\" trace=");
}

static void test_recovery_may_expose_details(void **state) {
  (void)state;
  static const struct stoa_error strange = {.code = 404, .reason = STOA_STR("NOT_FOUND")};
  const struct stoa_recovery_options options = {.expose = true};
  create_with_log(fixture_config(1));
  assert_int_equal(stoa_server_use_recovery(fixture.server, NULL, &options), STOA_OK);
  begin();
  fail_with(1, &strange);
  waiting_expect_error(&client, 1, "\"code\":404,\"reason\":\"NOT_FOUND\"");
  client_close(&client);
  stop_and_expect_lines(1);
}

/* Request log. */

static const char *user_of(void *context, struct stoa_session *session) {
  (void)session;
  return context;
}

static void test_the_request_log_writes_a_line_for_each_message(void **state) {
  (void)state;
  char user[] = "ann";
  const struct stoa_request_log_options options = {.mode = STOA_REQUEST_LOG_ALL, .user_of = user_of, .context = user};
  create_with_log(fixture_config(1));
  assert_int_equal(stoa_server_use_request_log(fixture.server, NULL, &options), STOA_OK);
  begin();
  for (uint32_t i = 1; i <= 20; i++) {
    sync(i);
  }
  client_close(&client);
  stop_and_expect_lines(20);
  expect_in_line("level=info event=\"request\" operation=" WAIT_OPERATION " session=");
  expect_in_line(" address=127.0.0.1 end=done code=0 reason=");
  expect_in_line(" duration_us=");
  expect_in_line(" bytes=26 trace=");
  expect_in_line(" user=ann");
}

static void test_the_request_log_writes_errors_by_default(void **state) {
  (void)state;
  static const struct stoa_error secret = {.code = STOA_ERROR_INTERNAL, .reason = STOA_STR("DATABASE")};
  create_with_log(fixture_config(1));
  assert_int_equal(stoa_server_use_request_log(fixture.server, NULL, NULL), STOA_OK);
  begin();
  sync(1);
  fail_with(2, &secret);
  waiting_expect_error(&client, 2, "DATABASE");
  sync(3);
  client_close(&client);
  stop_and_expect_lines(1);
  expect_in_line("level=warn event=\"request\"");
  expect_in_line(" end=failed code=100 reason=DATABASE");
}

static void test_the_request_log_writes_one_of_a_number(void **state) {
  (void)state;
  const struct stoa_request_log_options options = {.mode = STOA_REQUEST_LOG_SAMPLED, .sample = 3};
  create_with_log(fixture_config(1));
  assert_int_equal(stoa_server_use_request_log(fixture.server, NULL, &options), STOA_OK);
  begin();
  for (uint32_t i = 1; i <= 7; i++) {
    sync(i);
  }
  client_close(&client);
  stop_and_expect_lines(3);
}

/* Chains without work for a message that succeeds. */

static unsigned errors_seen;

static const struct stoa_error *look_at_error(void *user, struct stoa_invocation *invocation,
                                              const struct stoa_error *error) {
  (void)user;
  (void)invocation;
  errors_seen++;
  return error;
}

static void look_after(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  (void)user;
  (void)invocation;
  (void)error;
}

static bool is_quiet(void) {
  const struct stoa_chain *chain = stoa_chain_of(&fixture.server->middlewares, 0);
  assert_non_null(chain);
  return chain->is_quiet;
}

static void test_a_chain_that_looks_at_errors_only_is_left_out_for_what_succeeds(void **state) {
  (void)state;
  static const struct stoa_error busy = {.code = 1001, .reason = STOA_STR("BUSY")};
  const struct stoa_middleware middleware = {.error = look_at_error};
  errors_seen = 0;
  create_with_log(fixture_config(1));
  assert_int_equal(stoa_server_use_request_log(fixture.server, NULL, NULL), STOA_OK);
  assert_int_equal(stoa_server_use(fixture.server, NULL, &middleware), STOA_OK);
  begin();
  assert_true(is_quiet());
  sync(1);
  assert_int_equal(errors_seen, 0);
  fail_with(2, &busy);
  waiting_expect_error(&client, 2, "BUSY");
  assert_int_equal(errors_seen, 1);
  sync(3);
  client_close(&client);
  stop_and_expect_lines(1);
  expect_in_line(" end=failed code=1001 reason=BUSY");
}

static void test_a_chain_that_looks_at_successes_is_not_left_out(void **state) {
  (void)state;
  static const struct stoa_middleware middleware = {.after = look_after};
  static const struct stoa_request_log_options all = {.mode = STOA_REQUEST_LOG_ALL};
  for (unsigned i = 0; i < 3; i++) {
    waiting_create(&fixture, fixture_config(1), NULL);
    int status = i == 0   ? stoa_server_use(fixture.server, NULL, &middleware)
                 : i == 1 ? stoa_server_use_request_log(fixture.server, NULL, &all)
                          : stoa_server_use_shedding(fixture.server, NULL, NULL);
    assert_int_equal(status, STOA_OK);
    waiting_begin(&fixture);
    assert_false(is_quiet());
    fixture_stop(&fixture);
  }
}

/* Rate limit. */

static void test_a_selector_has_a_rate_of_its_own(void **state) {
  (void)state;
  static const uint32_t types[] = {WAITING_TYPE};
  const struct stoa_selector waits = {.types = types, .type_count = 1};
  const struct stoa_rate_limit_options options = {.session_per_s = 1, .session_burst = 2, .excess_max = 3};
  waiting_create(&fixture, fixture_config(1), NULL);
  assert_int_equal(stoa_server_use_rate_limit(fixture.server, &waits, &options), STOA_OK);
  begin();
  sync(1);
  sync(2);
  for (uint32_t i = 3; i <= 5; i++) {
    waiting_ask(&client, "stoa.json", "sync", i);
    waiting_expect_error(&client, i, "{\"code\":111,\"reason\":\"TOO_MANY_REQUESTS\"");
  }
  client_send_typed(&client, WAITING_NOTE, "{\"how\":\"-\"}");
  struct client_frame frame = client_read_message(&client);
  assert_non_null(memmem(frame.data, frame.len, "REFUSED", 7)); /* by its handler */
  waiting_ask(&client, "stoa.json", "sync", 6);
  waiting_expect_error(&client, 6, "\"temporary\":true,\"retryMs\":");
  assert_int_equal(client_read_close(&client), 4013);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_sessions_of_one_address_share_its_rate(void **state) {
  (void)state;
  struct client other;
  struct stoa_limits_config limits = {.limit_loopback = true};
  struct stoa_server_config *config = fixture_config(1);
  const struct stoa_rate_limit_options options = {.address_per_s = 1, .address_burst = 2};
  config->limits = &limits;
  waiting_create(&fixture, config, NULL);
  assert_int_equal(stoa_server_use_rate_limit(fixture.server, NULL, &options), STOA_OK);
  begin();
  fixture_connect(&fixture, &other, "stoa.json");
  sync(1);
  waiting_ask(&other, "stoa.json", "sync", 1);
  waiting_expect(&other, "stoa.json", 1, "sync");
  waiting_ask(&other, "stoa.json", "sync", 2);
  waiting_expect_error(&other, 2, "TOO_MANY_REQUESTS");
  waiting_ask(&client, "stoa.json", "sync", 2);
  waiting_expect_error(&client, 2, "TOO_MANY_REQUESTS");
  client_close(&other);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_loopback_has_no_rate_of_its_address_by_default(void **state) {
  (void)state;
  const struct stoa_rate_limit_options options = {.address_per_s = 1, .address_burst = 1};
  waiting_create(&fixture, fixture_config(1), NULL);
  assert_int_equal(stoa_server_use_rate_limit(fixture.server, NULL, &options), STOA_OK);
  begin();
  for (uint32_t i = 1; i <= 5; i++) {
    sync(i);
  }
  client_close(&client);
  fixture_stop(&fixture);
}

/* Shedding. */

/* So many messages in one turn, each of them waiting for lag_ns more than the one before. Returns how many began. */
static unsigned turn(struct stoa_shedder *shedder, uint64_t turn_ns, unsigned count, uint64_t each_ns) {
  unsigned begun = 0;
  for (unsigned i = 0; i < count; i++) {
    if (stoa_shedder_begin(shedder, turn_ns, turn_ns + i * each_ns)) {
      stoa_shedder_end(shedder, turn_ns, turn_ns, turn_ns + (i + 1) * each_ns);
      begun++;
    }
  }
  return begun;
}

static void test_a_worker_that_is_not_overloaded_sheds_nothing(void **state) {
  (void)state;
  static struct stoa_shedder shedder;
  shedder = (struct stoa_shedder){.lag_max_ns = 100 * MS};
  for (uint64_t i = 1; i <= 1000; i++) {
    assert_int_equal(turn(&shedder, i * 10 * MS, 100, MS / 10), 100);
  }
}

static void test_an_overloaded_worker_begins_no_more_than_it_finishes(void **state) {
  (void)state;
  static struct stoa_shedder shedder;
  shedder = (struct stoa_shedder){.lag_max_ns = 20 * MS};
  assert_true(stoa_shedder_in_flight_max(&shedder, MS) == UINT64_MAX);
  /* 10 messages in each turn of 10 ms: 100 in a bucket, some 5.5 ms each. */
  uint64_t now = 1000 * MS;
  for (unsigned i = 0; i < 100; i++, now += 10 * MS) {
    assert_int_equal(turn(&shedder, now, 10, MS), 10);
  }
  assert_int_equal(stoa_shedder_in_flight_max(&shedder, now), 5);
  /* A turn with 1000 messages: from the moment when the mean lag is above 20 ms, none may begin. */
  unsigned begun = turn(&shedder, now, 1000, MS);
  assert_true(begun > 20);
  assert_true(begun < 60);
  /* The next turn begins with the lag of the last one, and so with the most that may be in flight. */
  now += 1000 * MS;
  begun = turn(&shedder, now, 100, MS);
  assert_true(begun <= 7);
  /* Without lag all are let in again, a second after the last one was shed. */
  for (unsigned i = 0; i < 300; i++, now += 10 * MS) {
    turn(&shedder, now, 1, MS);
  }
  assert_int_equal(turn(&shedder, now, 15, MS), 15);
}

/* A clock that moves by 20 ms each time that it is read, so that every message takes long. */
static struct {
  _Atomic(uint64_t) now_ns;
  atomic_bool moves;
} slow = {.now_ns = 1000000000};

static uint64_t slow_ns(void *context) {
  (void)context;
  return atomic_load(&slow.moves) ? atomic_fetch_add(&slow.now_ns, 20 * MS) : atomic_load(&slow.now_ns);
}

static int64_t slow_wall_us(void *context) {
  (void)context;
  return 1800000000000000;
}

static const struct stoa_clock slow_clock = {slow_ns, slow_wall_us, NULL};

static void test_a_server_under_load_answers_overloaded(void **state) {
  (void)state;
  const struct stoa_shedding_config shedding = {.lag_ms = 10};
  struct stoa_server_config *config = fixture_config(1);
  unsigned refused = 0;
  config->shedding = &shedding;
  waiting_create(&fixture, config, NULL);
  stoa_server_use_clock(fixture.server, &slow_clock);
  begin();
  atomic_store(&slow.moves, true);
  for (uint32_t i = 1; i <= 10; i++) {
    sync(i);
  }
  /* In one write, so that few turns read them all. */
  uint8_t bytes[50 * 64];
  size_t len = 0;
  for (uint8_t i = 0; i < 50; i++) {
    static const uint8_t head[] = {0x82, 0x80 | 34, 0, 0, 0, 0, 0x80, 0, 0, WAITING_TYPE, 0, 0, 0};
    memcpy(bytes + len, head, sizeof head);
    bytes[len + sizeof head] = i;
    memcpy(bytes + len + sizeof head + 1, "{\"how\":\"sync\",\"number\": 1}", 26);
    len += sizeof head + 1 + 26;
  }
  assert_true(client_write(&client, bytes, len));
  for (unsigned i = 0; i < 50; i++) {
    struct client_frame frame = client_read_message(&client);
    refused += memmem(frame.data, frame.len, "\"code\":108,\"reason\":\"OVERLOADED\"", 32) != NULL;
  }
  atomic_store(&slow.moves, false);
  assert_true(refused > 0);
  assert_true(refused < 50);
  assert_int_equal(stoa_server_shed_count(fixture.server), refused);
  client_close(&client);
  fixture_stop(&fixture);
}

/* Authentication and validation. */

static const struct stoa_error *check(void *context, struct stoa_invocation *invocation) {
  (void)context;
  return stoa_session_error(stoa_invocation_session(invocation), 1401, "UNAUTHORIZED", "log in first");
}

static void test_authentication_asks_for_all_but_open_operations(void **state) {
  (void)state;
  static const char *const open[] = {"/other", WAIT_OPERATION};
  const struct stoa_authentication_options options = {.check = check, .open = open, .open_count = 2};
  waiting_create(&fixture, fixture_config(1), NULL);
  assert_int_equal(stoa_server_use_authentication(fixture.server, NULL, &options), STOA_OK);
  begin();
  sync(1);
  client_send_typed(&client, WAITING_NOTE, "{\"how\":\"-\"}");
  struct client_frame frame = client_read_message(&client);
  assert_non_null(memmem(frame.data, frame.len, "UNAUTHORIZED", 12));
  client_close(&client);
  fixture_stop(&fixture);
}

static bool is_even(void *context, const void *message, char *out_text, size_t size) {
  const struct later_v1_wait_request *request = message;
  (void)context;
  snprintf(out_text, size, "number: %u is odd", request->number);
  return request->number % 2 == 0;
}

static void test_validation_refuses_messages_of_its_type(void **state) {
  (void)state;
  const struct stoa_validation_options options = {.type = &later_v1_wait_request_type, .validate = is_even};
  waiting_create(&fixture, fixture_config(1), NULL);
  assert_int_equal(stoa_server_use_validation(fixture.server, NULL, &options), STOA_OK);
  begin();
  sync(2);
  waiting_ask(&client, "stoa.json", "sync", 3);
  waiting_expect_error(&client, 3, "{\"code\":107,\"reason\":\"INVALID\",\"message\":\"number: 3 is odd\"");
  client_send_typed(&client, WAITING_NOTE, "{\"how\":\"-\"}");
  struct client_frame frame = client_read_message(&client);
  assert_non_null(memmem(frame.data, frame.len, "REFUSED", 7)); /* by its handler */
  client_close(&client);
  fixture_stop(&fixture);
}

/* Making. */

static int use_any(size_t which) {
  static const char *const open[] = {"/a", "/b"};
  struct stoa_server *server = fixture.server;
  switch (which) {
    case 0:
      return stoa_server_use_recovery(server, NULL, NULL);
    case 1:
      return stoa_server_use_request_log(server, NULL, NULL);
    case 2:
      return stoa_server_use_rate_limit(server, NULL, &(struct stoa_rate_limit_options){.session_per_s = 1});
    case 3:
      return stoa_server_use_shedding(server, NULL, NULL);
    case 4:
      return stoa_server_use_authentication(
          server, NULL, &(struct stoa_authentication_options){.check = check, .open = open, .open_count = 2});
    default:
      return stoa_server_use_validation(
          server, NULL, &(struct stoa_validation_options){.type = &later_v1_wait_request_type, .validate = is_even});
  }
}

#define KINDS 6u

static void test_making_a_middleware_may_lack_memory_or_room(void **state) {
  (void)state;
  waiting_create(&fixture, fixture_config(1), NULL);
  for (size_t which = 0; which < KINDS; which++) {
    int64_t blocks = stoa_memory_live_blocks();
    for (uint64_t n = 1; n <= (which == 4 ? 3 : 1); n++) {
      stoa_memory_fail_at(n, false);
      assert_int_equal(use_any(which), STOA_E_MEMORY);
      stoa_memory_fail_at(0, false);
      assert_int_equal(stoa_memory_live_blocks(), blocks);
    }
  }
  for (size_t i = 0; i < STOA_MIDDLEWARES_MAX; i++) {
    assert_int_equal(use_any(i % KINDS), STOA_OK);
  }
  for (size_t which = 0; which < KINDS; which++) {
    int64_t blocks = stoa_memory_live_blocks();
    assert_int_equal(use_any(which), STOA_E_LIMIT);
    assert_int_equal(stoa_memory_live_blocks(), blocks);
  }
  fixture_stop(&fixture);
}

static void test_options_that_make_no_sense_are_refused(void **state) {
  (void)state;
  static const char *open[65];
  struct stoa_server *server;
  const struct stoa_authentication_options many = {.check = check, .open = open, .open_count = 65};
  waiting_create(&fixture, fixture_config(1), NULL);
  server = fixture.server;
  assert_int_equal(stoa_server_use_rate_limit(server, NULL, NULL), STOA_E_ARGUMENT);
  assert_int_equal(stoa_server_use_rate_limit(server, NULL, &(struct stoa_rate_limit_options){.excess_max = 1}),
                   STOA_E_ARGUMENT);
  assert_int_equal(stoa_server_use_authentication(server, NULL, &(struct stoa_authentication_options){.check = NULL}),
                   STOA_E_ARGUMENT);
  assert_int_equal(stoa_server_use_authentication(server, NULL, &many), STOA_E_LIMIT);
  assert_int_equal(stoa_server_use_validation(server, NULL, &(struct stoa_validation_options){.validate = is_even}),
                   STOA_E_ARGUMENT);
  assert_int_equal(
      stoa_server_use_validation(server, NULL, &(struct stoa_validation_options){.type = &later_v1_wait_request_type}),
      STOA_E_ARGUMENT);
  fixture_stop(&fixture);
}

/* Metrics. */

static uint64_t requests(const char *name, uint32_t code, const char *reason) {
  struct stoa_server *server = fixture.server;
  const struct stoa_error error = {.code = code, .reason = stoa_string_of(reason)};
  uint32_t type = name == NULL ? UINT32_MAX : strcmp(name, "Wait") == 0 ? WAITING_TYPE : WAITING_NOTE;
  const struct stoa_handler *handler = stoa_handler_table_find(&server->handlers, type);
  uint32_t operation = stoa_server_metrics_operation(server, handler);
  uint32_t outcome = stoa_server_metrics_outcome(server, code == 0 ? NULL : &error);
  uint32_t row = server->metrics.operation_rows[operation * STOA_TRANSPORT_COUNT + STOA_TRANSPORT_WEBSOCKET];
  return stoa_metrics_value(server->metrics.set, STOA_M_REQUESTS, row * STOA_OUTCOMES_MAX + outcome);
}

static void test_requests_are_counted_by_operation_code_and_reason(void **state) {
  (void)state;
  static const struct stoa_error busy = {.code = 1001, .reason = STOA_STR("BUSY")};
  waiting_create(&fixture, fixture_config(1), NULL);
  begin();
  sync(1);
  sync(2);
  fail_with(3, &busy);
  waiting_expect_error(&client, 3, "BUSY");
  waiting_ask(&client, "stoa.json", "fail now", 4);
  waiting_expect_error(&client, 4, "BUSY");
  client_send_typed(&client, WAITING_NOTE, "{\"how\":\"-\"}");
  client_read_message(&client);
  client_send_typed(&client, 99, "{}");
  client_read_message(&client);
  assert_int_equal(requests("Wait", 0, ""), 2);
  assert_int_equal(requests("Wait", 1001, "BUSY"), 2);
  assert_int_equal(requests("Note", STOA_ERROR_INTERNAL, "REFUSED"), 1);
  assert_int_equal(requests(NULL, STOA_ERROR_UNKNOWN_TYPE, "UNKNOWN_TYPE"), 1);
  client_close(&client);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_recovery_hides_the_details_of_unexpected_errors),
      cmocka_unit_test(test_recovery_may_expose_details),
      cmocka_unit_test(test_the_request_log_writes_a_line_for_each_message),
      cmocka_unit_test(test_the_request_log_writes_errors_by_default),
      cmocka_unit_test(test_the_request_log_writes_one_of_a_number),
      cmocka_unit_test(test_a_chain_that_looks_at_errors_only_is_left_out_for_what_succeeds),
      cmocka_unit_test(test_a_chain_that_looks_at_successes_is_not_left_out),
      cmocka_unit_test(test_a_selector_has_a_rate_of_its_own),
      cmocka_unit_test(test_sessions_of_one_address_share_its_rate),
      cmocka_unit_test(test_loopback_has_no_rate_of_its_address_by_default),
      cmocka_unit_test(test_a_worker_that_is_not_overloaded_sheds_nothing),
      cmocka_unit_test(test_an_overloaded_worker_begins_no_more_than_it_finishes),
      cmocka_unit_test(test_a_server_under_load_answers_overloaded),
      cmocka_unit_test(test_authentication_asks_for_all_but_open_operations),
      cmocka_unit_test(test_validation_refuses_messages_of_its_type),
      cmocka_unit_test(test_making_a_middleware_may_lack_memory_or_room),
      cmocka_unit_test(test_options_that_make_no_sense_are_refused),
      cmocka_unit_test(test_requests_are_counted_by_operation_code_and_reason),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("middlewares", tests, NULL, NULL);
}
