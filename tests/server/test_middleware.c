/* Middlewares: their order, how they stop a message, what they see of its end, and messages that wait for them. */
#include <poll.h>
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
#include "waiting.h"

#define FAULTS_MAX 40u
#define WAIT_OPERATION "/later.v1.Later/Wait"
#define NOTE_OPERATION "/later.v1.Later/Note"

static struct fixture fixture;

/* What the middlewares did, such as "a> b> b< a<": written by the worker, read after an answer or an end. */
static struct {
  pthread_mutex_t mutex;
  char text[512];
} seen = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static struct counter afters;

__attribute__((format(printf, 1, 2))) static void see(const char *format, ...) {
  pthread_mutex_lock(&seen.mutex);
  size_t len = strlen(seen.text);
  va_list values;
  va_start(values, format);
  vsnprintf(seen.text + len, sizeof seen.text - len, format, values);
  va_end(values);
  pthread_mutex_unlock(&seen.mutex);
}

static void expect_seen(const char *text) {
  pthread_mutex_lock(&seen.mutex);
  char copy[sizeof seen.text];
  memcpy(copy, seen.text, sizeof copy);
  seen.text[0] = '\0';
  pthread_mutex_unlock(&seen.mutex);
  assert_string_equal(copy, text);
}

/* A middleware that tells what it does, and does what the message says in `how`. */
struct teller {
  const char *name;
  const struct stoa_error *stop; /* returned by `before` */
  const struct stoa_error *instead;
  bool closes;
  enum { NEVER, KEEP, AT_ONCE, TWICE } waits;
};

/* The handle that KEEP took. */
static struct counter kept;
static struct stoa_wait *kept_wait;

static const struct stoa_error *wait(const struct teller *teller, struct stoa_invocation *invocation) {
  struct stoa_wait *handle;
  struct stoa_wait *second;
  int status = stoa_invocation_wait(invocation, &handle);
  if (status != STOA_OK) {
    return stoa_session_error(stoa_invocation_session(invocation), 1500, "NO_WAIT", stoa_status_name(status));
  }
  assert_true(stoa_invocation_waits(handle));
  if (teller->waits == TWICE) {
    assert_int_equal(stoa_invocation_wait(invocation, &second), STOA_E_EXISTS);
  }
  if (teller->waits == KEEP) {
    kept_wait = handle;
    counter_up(&kept);
  } else {
    assert_int_equal(stoa_invocation_resume(handle, NULL), STOA_OK);
  }
  return STOA_LATER;
}

static const struct stoa_error *before(void *user, struct stoa_invocation *invocation) {
  const struct teller *teller = user;
  assert_non_null(stoa_invocation_message(invocation));
  assert_int_equal(stoa_invocation_end(invocation), STOA_INVOCATION_RUNS);
  assert_int_equal(*stoa_invocation_slot(invocation), 0);
  *stoa_invocation_slot(invocation) = (uint64_t)teller->name[0];
  see("%s> ", teller->name);
  if (teller->closes) {
    struct stoa_wait *handle;
    stoa_session_close(stoa_invocation_session(invocation), 4999, "by a middleware");
    assert_int_equal(stoa_invocation_wait(invocation, &handle), STOA_E_CLOSED);
  }
  return teller->waits != NEVER ? wait(teller, invocation) : teller->stop;
}

static const struct stoa_error *replace(void *user, struct stoa_invocation *invocation,
                                        const struct stoa_error *error) {
  const struct teller *teller = user;
  assert_int_equal(*stoa_invocation_slot(invocation), teller->name[0]);
  see("%s!%.*s ", teller->name, (int)error->reason.len, error->reason.data);
  return teller->instead == NULL ? error : teller->instead;
}

static void after(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  const struct teller *teller = user;
  struct stoa_wait *handle;
  struct stoa_string reason = error == NULL ? stoa_string_of("ok") : error->reason;
  assert_int_equal(*stoa_invocation_slot(invocation), teller->name[0]);
  assert_int_equal(stoa_invocation_wait(invocation, &handle), STOA_E_ARGUMENT);
  see("%s<%s:%.*s ", teller->name, stoa_invocation_end_text(stoa_invocation_end(invocation)), (int)reason.len,
      reason.data);
  counter_up(&afters);
}

static void use(struct teller *teller, const struct stoa_selector *selector) {
  const struct stoa_middleware middleware = {
      .name = teller->name, .before = before, .error = replace, .after = after, .user = teller};
  assert_int_equal(stoa_server_use(fixture.server, selector, &middleware), STOA_OK);
}

static struct stoa_server_config *with_timeout(uint32_t timeout_ms) {
  static struct stoa_limits_config limits;
  struct stoa_server_config *config = fixture_config(1);
  limits = (struct stoa_limits_config){.call_timeout_ms = timeout_ms};
  config->limits = &limits;
  return config;
}

/* A server with these around every handler. */
static void start(const struct stoa_server_config *config, struct teller *first, struct teller *second) {
  seen.text[0] = '\0';
  afters = (struct counter)COUNTER_INIT;
  kept = (struct counter)COUNTER_INIT;
  waiting_create(&fixture, config, NULL);
  use(first, NULL);
  if (second != NULL) {
    use(second, NULL);
  }
  waiting_begin(&fixture);
}

static void test_middlewares_run_in_order_and_back(void **state) {
  (void)state;
  struct client client;
  struct teller a = {.name = "a"};
  struct teller b = {.name = "b"};
  start(fixture_config(1), &a, &b);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "sync", 1);
  waiting_expect(&client, "stoa.json", 1, "sync");
  expect_seen("a> b> b<done:ok a<done:ok ");
  /* The handler of notes fails. */
  client_send_typed(&client, WAITING_NOTE, "{\"how\":\"-\"}");
  client_read_message(&client);
  expect_seen("a> b> b!REFUSED a!REFUSED b<failed:REFUSED a<failed:REFUSED ");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_an_error_of_a_middleware_stops_the_message(void **state) {
  (void)state;
  static const struct stoa_error no = {.code = 1403, .reason = STOA_STR("NO"), .message = STOA_STR("not you")};
  struct client client;
  struct teller a = {.name = "a"};
  struct teller b = {.name = "b", .stop = &no};
  struct teller c = {.name = "c"};
  seen.text[0] = '\0';
  waiting_create(&fixture, fixture_config(1), NULL);
  use(&a, NULL);
  use(&b, NULL);
  use(&c, NULL);
  waiting_begin(&fixture);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "sync", 1);
  waiting_expect_error(&client, 1, "{\"code\":1403,\"reason\":\"NO\",\"message\":\"not you\"");
  expect_seen("a> b> a!NO a<stopped:NO ");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_an_error_can_be_replaced_before_it_is_sent(void **state) {
  (void)state;
  static const struct stoa_error other = {.code = 1001, .reason = STOA_STR("OTHER")};
  static const struct stoa_error busy = {.code = 1002, .reason = STOA_STR("BUSY")};
  struct client client;
  struct teller a = {.name = "a"};
  struct teller b = {.name = "b", .instead = &other};
  start(fixture_config(1), &a, &b);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "closed before", 1);
  assert_int_equal(client_read_close(&client), 4999);
  expect_seen("a> b> b!REFUSED a!OTHER b<failed:OTHER a<failed:OTHER ");
  client_close(&client);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "keep", 2);
  struct waiting_call call = waiting_take();
  assert_int_equal(later_v1_later_wait_fail(call.call, &busy), STOA_OK);
  waiting_expect_error(&client, 2, "{\"code\":1001,\"reason\":\"OTHER\"");
  expect_seen("a> b> b!BUSY a!OTHER b<failed:OTHER a<failed:OTHER ");
  client_close(&client);
  fixture_stop(&fixture);
}

/* The session with which a test goes through the ends of a call. */
static struct client client;

static void ask_and_take(const char *protocol, uint32_t number, struct waiting_call *out_call) {
  waiting_ask(&client, protocol, "keep", number);
  *out_call = waiting_take();
}

static void test_after_runs_for_calls_that_are_answered_later(void **state) {
  (void)state;
  static const struct stoa_error busy = {.code = 1002, .reason = STOA_STR("BUSY"), .message = STOA_STR("wait")};
  struct waiting_call call;
  struct teller a = {.name = "a"};
  start(fixture_config(1), &a, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  ask_and_take("stoa.json", 1, &call);
  expect_seen("a> ");
  assert_int_equal(waiting_reply(&call, "later"), STOA_OK);
  waiting_expect(&client, "stoa.json", 1, "later");
  expect_seen("a<done:ok ");
  ask_and_take("stoa.json", 2, &call);
  assert_int_equal(later_v1_later_wait_fail(call.call, &busy), STOA_OK);
  waiting_expect_error(&client, 2, "{\"code\":1002,\"reason\":\"BUSY\",\"message\":\"wait\"");
  expect_seen("a> a!BUSY a<failed:BUSY ");
  ask_and_take("stoa.json", 3, &call);
  stoa_call_drop(call.call);
  waiting_expect_error(&client, 3, "\"reason\":\"INTERNAL\"");
  expect_seen("a> a!INTERNAL a<dropped:INTERNAL ");
  ask_and_take("stoa.json", 4, &call);
  assert_int_equal(waiting_reply(&call, "\xff"), STOA_E_UTF8);
  waiting_expect_error(&client, 4, "\"reason\":\"INTERNAL\"");
  expect_seen("a> a!INTERNAL a<failed:INTERNAL ");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_after_runs_for_calls_that_are_answered_inside_the_handler(void **state) {
  (void)state;
  struct teller a = {.name = "a"};
  start(fixture_config(1), &a, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "now", 1);
  waiting_expect(&client, "stoa.json", 1, "now");
  expect_seen("a> a<done:ok ");
  waiting_ask(&client, "stoa.json", "fail now", 2);
  waiting_expect_error(&client, 2, "\"reason\":\"BUSY\"");
  expect_seen("a> a!BUSY a<failed:BUSY ");
  waiting_ask(&client, "stoa.json", "broken now", 3);
  waiting_expect_error(&client, 3, "\"reason\":\"INTERNAL\"");
  expect_seen("a> a<failed:INTERNAL ");
  waiting_ask(&client, "stoa.json", "close", 4);
  assert_int_equal(client_read_close(&client), 4999);
  expect_seen("a> a<abandoned:SESSION_ENDED ");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_after_runs_for_calls_without_an_answer(void **state) {
  (void)state;
  struct waiting_call call;
  struct teller a = {.name = "a"};
  start(with_timeout(30), &a, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  ask_and_take("stoa.json", 1, &call);
  waiting_expect_error(&client, 1, "TIMEOUT");
  expect_seen("a> a!TIMEOUT a<timed out:TIMEOUT ");
  assert_int_equal(waiting_reply(&call, "-"), STOA_E_TIMEOUT);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_after_runs_for_calls_of_a_session_that_has_ended(void **state) {
  (void)state;
  struct waiting_call call;
  struct teller a = {.name = "a"};
  start(fixture_config(1), &a, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  ask_and_take("stoa.json", 1, &call);
  client_close(&client);
  counter_wait(&afters, 1);
  expect_seen("a> a<abandoned:SESSION_ENDED ");
  assert_int_equal(waiting_reply(&call, "-"), STOA_E_CLOSED);
  /* The end of the server is one of its sessions. */
  fixture_connect(&fixture, &client, "stoa.json");
  ask_and_take("stoa.json", 2, &call);
  stoa_server_destroy(fixture.server);
  expect_seen("a> a<abandoned:SESSION_ENDED ");
  assert_int_equal(waiting_reply(&call, "-"), STOA_E_CLOSED);
  client_close(&client);
}

static void test_a_client_without_a_subprotocol_hides_no_error_from_after(void **state) {
  (void)state;
  static const struct stoa_error busy = {.code = 1002, .reason = STOA_STR("BUSY")};
  struct waiting_call call;
  struct teller a = {.name = "a"};
  start(fixture_config(1), &a, NULL);
  fixture_connect(&fixture, &client, NULL);
  ask_and_take("stoa.json", 1, &call);
  assert_int_equal(later_v1_later_wait_fail(call.call, &busy), STOA_OK);
  counter_wait(&afters, 1);
  expect_seen("a> a!BUSY a<failed:BUSY ");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_middleware_that_closes_the_session_ends_the_message(void **state) {
  (void)state;
  struct teller a = {.name = "a"};
  struct teller b = {.name = "b", .closes = true};
  struct teller c = {.name = "c"};
  seen.text[0] = '\0';
  waiting_create(&fixture, fixture_config(1), NULL);
  use(&a, NULL);
  use(&b, NULL);
  use(&c, NULL);
  waiting_begin(&fixture);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "sync", 1);
  assert_int_equal(client_read_close(&client), 4999);
  expect_seen("a> b> b<abandoned:SESSION_ENDED a<abandoned:SESSION_ENDED ");
  client_close(&client);
  fixture_stop(&fixture);
}

/* Waiting. */

static void test_a_message_that_waits_keeps_the_order_of_its_session(void **state) {
  (void)state;
  static const char *const protocols[] = {"stoa.json", "stoa.proto", "stoa.text"};
  struct teller a = {.name = "a"};
  struct teller b = {.name = "b", .waits = KEEP};
  start(fixture_config(1), &a, &b);
  for (size_t i = 0; i < 3; i++) {
    struct client other;
    fixture_connect(&fixture, &client, protocols[i]);
    waiting_ask(&client, protocols[i], "sync", 1);
    waiting_ask(&client, protocols[i], "sync", 2);
    counter_wait(&kept, (unsigned)(2 * i + 1));
    /* The worker serves others, and has read nothing more from this one. */
    fixture_connect(&fixture, &other, NULL);
    client_close(&other);
    expect_seen("a> b> ");
    assert_int_equal(stoa_invocation_resume(kept_wait, NULL), STOA_OK);
    waiting_expect(&client, protocols[i], 1, "sync");
    counter_wait(&kept, (unsigned)(2 * i + 2));
    expect_seen("b<done:ok a<done:ok a> b> ");
    assert_int_equal(stoa_invocation_resume(kept_wait, NULL), STOA_OK);
    waiting_expect(&client, protocols[i], 2, "sync");
    expect_seen("b<done:ok a<done:ok ");
    client_close(&client);
  }
  fixture_stop(&fixture);
}

static void test_a_middleware_may_resume_before_it_returns(void **state) {
  (void)state;
  struct teller a = {.name = "a", .waits = AT_ONCE};
  struct teller b = {.name = "b", .waits = TWICE};
  start(fixture_config(1), &a, &b);
  fixture_connect(&fixture, &client, "stoa.json");
  for (uint32_t i = 1; i <= 3; i++) {
    waiting_ask(&client, "stoa.json", "sync", i);
  }
  for (uint32_t i = 1; i <= 3; i++) {
    waiting_expect(&client, "stoa.json", i, "sync");
  }
  expect_seen("a> b> b<done:ok a<done:ok a> b> b<done:ok a<done:ok a> b> b<done:ok a<done:ok ");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_message_that_waited_may_be_stopped(void **state) {
  (void)state;
  static const struct stoa_error no = {.code = 1403, .reason = STOA_STR("NO"), .message = STOA_STR("not you")};
  static const struct stoa_error broken = {.code = 1403, .reason = STOA_STR("\xff")};
  struct teller a = {.name = "a"};
  struct teller b = {.name = "b", .waits = KEEP};
  start(fixture_config(1), &a, &b);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "sync", 1);
  counter_wait(&kept, 1);
  assert_int_equal(stoa_invocation_resume(kept_wait, &no), STOA_OK);
  waiting_expect_error(&client, 1, "{\"code\":1403,\"reason\":\"NO\",\"message\":\"not you\"");
  expect_seen("a> b> a!NO a<stopped:NO ");
  waiting_ask(&client, "stoa.json", "sync", 2);
  counter_wait(&kept, 2);
  assert_int_equal(stoa_invocation_resume(kept_wait, &broken), STOA_E_UTF8);
  waiting_expect_error(&client, 2, "\"reason\":\"INTERNAL\"");
  expect_seen("a> b> a!INTERNAL a<stopped:INTERNAL ");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_message_that_waits_too_long_is_stopped(void **state) {
  (void)state;
  struct teller a = {.name = "a"};
  struct teller b = {.name = "b", .waits = KEEP};
  start(with_timeout(30), &a, &b);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "sync", 1);
  waiting_expect_error(&client, 1, "TIMEOUT");
  expect_seen("a> b> a!TIMEOUT a<timed out:TIMEOUT ");
  assert_false(stoa_invocation_waits(kept_wait));
  assert_int_equal(stoa_invocation_resume(kept_wait, NULL), STOA_E_TIMEOUT);
  /* The session is read again. */
  client_send_typed(&client, 99, "{}");
  client_read_message(&client);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_message_may_wait_for_longer_than_its_session_and_server(void **state) {
  (void)state;
  struct teller a = {.name = "a"};
  struct teller b = {.name = "b", .waits = KEEP};
  start(fixture_config(1), &a, &b);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "sync", 1);
  counter_wait(&kept, 1);
  stoa_server_destroy(fixture.server);
  expect_seen("a> b> a<abandoned:SESSION_ENDED ");
  assert_false(stoa_invocation_waits(kept_wait));
  assert_int_equal(stoa_invocation_resume(kept_wait, NULL), STOA_E_CLOSED);
  assert_int_equal(stoa_memory_live_blocks(), fixture.blocks_before);
  client_close(&client);
}

/* One message that waits, without memory at its n-th allocation: it ends in some way. */
static bool wait_with_fault(uint64_t n) {
  fixture_connect(&fixture, &client, "stoa.json");
  stoa_memory_fail_at(n, false);
  waiting_ask(&client, "stoa.json", "sync", 2);
  struct client_frame frame = client_read(&client);
  assert_true(frame.opcode == 2 || frame.opcode == 8 || frame.opcode == CLIENT_CLOSED);
  bool hit = stoa_memory_fault_hits() > 0;
  stoa_memory_fail_at(0, false);
  client_close(&client);
  return hit;
}

static void test_every_allocation_of_a_message_that_waits_may_fail(void **state) {
  (void)state;
  struct teller a = {.name = "a", .waits = AT_ONCE};
  start(fixture_config(1), &a, NULL);
  uint64_t n = 1;
  while (n < FAULTS_MAX && wait_with_fault(n)) {
    n++;
  }
  assert_true(n > 2);
  assert_true(n < FAULTS_MAX);
  fixture_stop(&fixture);
}

static void test_a_decision_without_memory_stops_the_message(void **state) {
  (void)state;
  static const struct stoa_error no = {.code = 1403, .reason = STOA_STR("NO")};
  struct teller a = {.name = "a", .waits = KEEP};
  start(fixture_config(1), &a, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "sync", 1);
  counter_wait(&kept, 1);
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_invocation_resume(kept_wait, &no), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  waiting_expect_error(&client, 1, "\"reason\":\"INTERNAL\"");
  client_close(&client);
  fixture_stop(&fixture);
}

/* Registering. */

static bool is_wait(void *context, uint32_t type, const char *operation) {
  assert_ptr_equal(context, &fixture);
  return type == WAITING_TYPE && strcmp(operation, WAIT_OPERATION) == 0;
}

/* Is it around the two handlers? */
static void expect_selected(const struct stoa_selector *selector, bool wait, bool note) {
  struct teller a = {.name = "a"};
  seen.text[0] = '\0';
  waiting_create(&fixture, fixture_config(1), NULL);
  use(&a, selector);
  waiting_begin(&fixture);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "sync", 1);
  waiting_expect(&client, "stoa.json", 1, "sync");
  expect_seen(wait ? "a> a<done:ok " : "");
  client_send_typed(&client, WAITING_NOTE, "{\"how\":\"-\"}");
  client_read_message(&client);
  expect_seen(note ? "a> a!REFUSED a<failed:REFUSED " : "");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_selector_selects_by_type_operation_prefix_service_and_function(void **state) {
  (void)state;
  static const uint32_t types[] = {WAITING_NOTE, 3};
  static const char *const operations[] = {"/none", WAIT_OPERATION};
  expect_selected(&(struct stoa_selector){.types = types, .type_count = 2}, false, true);
  expect_selected(&(struct stoa_selector){.operations = operations, .operation_count = 2}, true, false);
  expect_selected(&(struct stoa_selector){.prefix = "/later.v1.Later/N"}, false, true);
  expect_selected(&(struct stoa_selector){.service = "later.v1.Later"}, true, true);
  expect_selected(&(struct stoa_selector){.service = "later.v1.Late"}, false, false);
  expect_selected(&(struct stoa_selector){.match = is_wait, .context = &fixture}, true, false);
  expect_selected(&(struct stoa_selector){.match = is_wait, .context = &fixture, .except = true}, false, true);
  expect_selected(&(struct stoa_selector){.types = types, .type_count = 1, .prefix = WAIT_OPERATION}, true, true);
  expect_selected(&(struct stoa_selector){.except = true}, false, false);
}

static unsigned destroyed;

static void destroy(void *user) {
  assert_ptr_equal(user, &destroyed);
  destroyed++;
}

static const struct stoa_error *pass(void *user, struct stoa_invocation *invocation) {
  (void)user;
  (void)invocation;
  return NULL;
}

static void test_a_server_takes_a_limited_number_of_middlewares(void **state) {
  (void)state;
  const struct stoa_middleware middleware = {.name = "pass", .before = pass, .user = &destroyed, .destroy = destroy};
  const struct stoa_middleware empty = {.name = "empty", .user = &destroyed, .destroy = destroy};
  destroyed = 0;
  waiting_create(&fixture, fixture_config(1), NULL);
  assert_int_equal(stoa_server_use(fixture.server, NULL, &empty), STOA_E_ARGUMENT);
  for (unsigned i = 0; i < STOA_MIDDLEWARES_MAX; i++) {
    assert_int_equal(stoa_server_use(fixture.server, NULL, &middleware), STOA_OK);
  }
  assert_int_equal(stoa_server_use(fixture.server, NULL, &middleware), STOA_E_LIMIT);
  waiting_begin(&fixture);
  fixture_connect(&fixture, &client, "stoa.json");
  waiting_ask(&client, "stoa.json", "keep", 1);
  struct waiting_call call = waiting_take();
  assert_int_equal(waiting_reply(&call, "later"), STOA_OK);
  waiting_expect(&client, "stoa.json", 1, "later");
  client_close(&client);
  fixture_stop(&fixture);
  assert_int_equal(destroyed, STOA_MIDDLEWARES_MAX);
}

/* What is known about a message. */

static uint8_t trace_ids[2][16];

static const struct stoa_error *look(void *user, struct stoa_invocation *invocation) {
  (void)user;
  struct stoa_session *session = stoa_invocation_session(invocation);
  const struct later_v1_wait_request *request = stoa_invocation_message(invocation);
  assert_ptr_equal(stoa_session_server(session), fixture.server);
  assert_int_equal(stoa_invocation_type(invocation), WAITING_TYPE);
  assert_string_equal(stoa_invocation_operation(invocation), WAIT_OPERATION);
  assert_true(stoa_invocation_is_call(invocation));
  assert_ptr_equal(stoa_invocation_message_type(invocation), &later_v1_wait_request_type);
  assert_int_equal(request->number, 17);
  assert_int_equal(stoa_invocation_bytes(invocation), strlen("{\"how\":\"keep\",\"number\":17}"));
  assert_true(stoa_invocation_start_ns(invocation) > 0);
  assert_true(stoa_invocation_elapsed_ns(invocation) < UINT64_C(60000000000));
  assert_null(stoa_invocation_current(session));
  memcpy(trace_ids[0], stoa_invocation_trace_id(invocation), 16);
  return NULL;
}

static void look_after(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  (void)user;
  (void)error;
  assert_null(stoa_invocation_message(invocation));
  assert_int_equal(stoa_invocation_bytes(invocation), strlen("{\"how\":\"keep\",\"number\":17}"));
  memcpy(trace_ids[1], stoa_invocation_trace_id(invocation), 16);
}

static void test_a_middleware_sees_the_session_the_message_and_its_trace(void **state) {
  (void)state;
  static const uint8_t zeros[16];
  char text[STOA_TRACE_ID_TEXT_LEN + 1];
  const struct stoa_middleware middleware = {.name = "look", .before = look, .after = look_after};
  waiting_create(&fixture, fixture_config(1), NULL);
  assert_int_equal(stoa_server_use(fixture.server, NULL, &middleware), STOA_OK);
  waiting_begin(&fixture);
  fixture_connect(&fixture, &client, "stoa.json");
  struct waiting_call call;
  ask_and_take("stoa.json", 17, &call);
  assert_int_equal(waiting_reply(&call, "later"), STOA_OK);
  waiting_expect(&client, "stoa.json", 17, "later");
  assert_memory_equal(trace_ids[0], trace_ids[1], 16);
  assert_memory_not_equal(trace_ids[0], zeros, 16);
  stoa_trace_id_format((const uint8_t[16]){0x0a, 0xff, [15] = 0x10}, text);
  assert_string_equal(text, "0aff0000000000000000000000000010");
  assert_string_equal(stoa_invocation_end_text((enum stoa_invocation_end)99), "unknown");
  client_close(&client);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_middlewares_run_in_order_and_back),
      cmocka_unit_test(test_an_error_of_a_middleware_stops_the_message),
      cmocka_unit_test(test_an_error_can_be_replaced_before_it_is_sent),
      cmocka_unit_test(test_after_runs_for_calls_that_are_answered_later),
      cmocka_unit_test(test_after_runs_for_calls_that_are_answered_inside_the_handler),
      cmocka_unit_test(test_after_runs_for_calls_without_an_answer),
      cmocka_unit_test(test_after_runs_for_calls_of_a_session_that_has_ended),
      cmocka_unit_test(test_a_client_without_a_subprotocol_hides_no_error_from_after),
      cmocka_unit_test(test_a_middleware_that_closes_the_session_ends_the_message),
      cmocka_unit_test(test_a_message_that_waits_keeps_the_order_of_its_session),
      cmocka_unit_test(test_a_middleware_may_resume_before_it_returns),
      cmocka_unit_test(test_a_message_that_waited_may_be_stopped),
      cmocka_unit_test(test_a_message_that_waits_too_long_is_stopped),
      cmocka_unit_test(test_a_message_may_wait_for_longer_than_its_session_and_server),
      cmocka_unit_test(test_every_allocation_of_a_message_that_waits_may_fail),
      cmocka_unit_test(test_a_decision_without_memory_stops_the_message),
      cmocka_unit_test(test_a_selector_selects_by_type_operation_prefix_service_and_function),
      cmocka_unit_test(test_a_server_takes_a_limited_number_of_middlewares),
      cmocka_unit_test(test_a_middleware_sees_the_session_the_message_and_its_trace),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("middleware", tests, NULL, NULL);
}
