/* HTTP requests that call an rpc: the same handlers, middlewares, errors and counters as messages of sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <stoa/auth.h>
#include <stoa/http.h>
#include <stoa/log.h>
#include <stoa/middleware.h>

#include "base/memory.h"
#include "rpc_stage.h"
#include "server/metrics/metrics.h"

#define SECRET "the secret of these tests, long enough"
#define JSON "Content-Type: application/json\r\n"

static struct fixture fixture;

static struct stoa_limits_config *limits_of(struct stoa_server_config *config) {
  return (struct stoa_limits_config *)(uintptr_t)config->limits; /* of fixture_config() */
}

static const struct http_answer *ask(const char *method, const char *target, const char *fields, const char *body) {
  return http_request(fixture.address, method, target, fields, body);
}

static void expect(const struct http_answer *got, int status, const char *body) {
  assert_string_equal(got->body, body);
  assert_int_equal(got->status, status);
  assert_string_equal(http_field("Content-Type"), "application/json");
}

/* The number of requests with this operation, code and reason. Both ways end their counting before the next request is
 * answered. */
static unsigned counted(const char *kind, const char *rpc, const char *code, const char *reason) {
  char series[256];
  struct stoa_buffer out;
  stoa_buffer_init(&out, 1024u * 1024);
  assert_int_equal(stoa_server_write_metrics(fixture.server, STOA_METRIC_PROMETHEUS, &out), STOA_OK);
  assert_int_equal(stoa_buffer_append(&out, "", 1), STOA_OK);
  snprintf(series, sizeof series,
           "server_requests_code_total{kind=\"%s\",operation=\"/rpc.v1.Shelf/%s\",code=\"%s\",reason=\"%s\"} ", kind,
           rpc, code, reason);
  const char *found = strstr((const char *)out.data, series);
  unsigned count = found == NULL ? 0 : (unsigned)strtoul(found + strlen(series), NULL, 10);
  stoa_buffer_fini(&out);
  return count;
}

static int begin(void **state) {
  (void)state;
  rpc_start(&fixture, fixture_config(1));
  return 0;
}

static int end(void **state) {
  (void)state;
  fixture_stop(&fixture);
  return 0;
}

/* Requests and replies. */

static void test_a_request_becomes_the_message_and_its_reply_the_answer(void **state) {
  (void)state;
  expect(ask("GET", "/v1/books/a%20b?pages=3", NULL, NULL), 200, "{\"name\":\"a b\",\"pages\":3}");
  expect(ask("PUT", "/v1/books/x?isDraft=true", JSON, "{\"pages\":5}"), 200, "{\"name\":\"x\",\"pages\":1005}");
  expect(ask("PUT", "/v1/books/x?is_draft=true", NULL, NULL), 200, "{\"name\":\"x\",\"pages\":1000}");
  expect(ask("POST", "/v1/books", JSON, "{\"book\":{\"name\":\"y\"},\"isDraft\":true}"), 200, "\"y\"");
  assert_int_equal(counted("http", "Put", "0", ""), 3);
  assert_int_equal(counted("http", "Get", "0", ""), 1);
  assert_int_equal(counted("websocket", "Get", "0", ""), 0);
}

static void test_head_options_and_other_methods_are_those_of_any_route(void **state) {
  (void)state;
  struct client client;
  client_connect(&client, fixture.address);
  http_send(&client, "HEAD /v1/books/a HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_int_equal(http_read_head(&client)->status, 200);
  assert_string_equal(http_field("Content-Length"), "22");
  http_send(&client, "OPTIONS /v1/books/a HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_int_equal(http_read(&client)->status, 204);
  assert_string_equal(http_field("Allow"), "HEAD, GET, PUT, OPTIONS");
  http_send(&client, "DELETE /v1/books/a HTTP/1.1\r\nHost: x\r\n\r\n");
  const struct http_answer *got = http_read(&client);
  assert_int_equal(got->status, 405);
  assert_non_null(strstr(got->body, "{\"code\":405,\"reason\":\"METHOD_NOT_ALLOWED\""));
  client_close(&client);
  assert_int_equal(counted("http", "Get", "0", ""), 1);
}

static void test_errors_have_their_status_and_one_form(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int status;
    const char *body, *code, *reason;
  } cases[] = {
      {"none", 404,
       "{\"code\":404,\"reason\":\"NO_BOOK\",\"message\":\"there is no book \\\"none\\\"\",\"metadata\":{}}", "404",
       "NO_BOOK"},
      {"busy", 503, "{\"code\":1001,\"reason\":\"BUSY\",\"message\":\"not now\",\"metadata\":{}}", "1001", "BUSY"},
      {"teapot", 418, "{\"code\":1002,\"reason\":\"TEAPOT\",\"message\":\"\",\"metadata\":{\"pot\":\"tea\"}}", "1002",
       "TEAPOT"},
      {"lent", 409, "{\"code\":1004,\"reason\":\"PROBLEM_LENT\",\"message\":\"lent until May\",\"metadata\":{}}",
       "1004", "PROBLEM_LENT"},
      {"broken", 500, "{\"code\":100,\"reason\":\"INTERNAL\",\"message\":\"\",\"metadata\":{}}", "100", "INTERNAL"},
      {"longer-than-twenty-bytes", 400,
       "{\"code\":107,\"reason\":\"BAD_REQUEST\",\"message\":\"name: at most 20 characters, got 24\",\"metadata\":{}}",
       "107", "BAD_REQUEST"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char target[64];
    snprintf(target, sizeof target, "/v1/books/%s", cases[i].name);
    const struct http_answer *got = ask("GET", target, NULL, NULL);
    expect(got, cases[i].status, cases[i].body);
    const char *retry = http_field("Retry-After");
    assert_true((retry != NULL) == (strcmp(cases[i].name, "busy") == 0));
    assert_true(retry == NULL || strcmp(retry, "2") == 0);
    assert_int_equal(counted("http", "Get", cases[i].code, cases[i].reason), 1);
  }
  expect(ask("GET", "/v1/books/bad", NULL, NULL), 500,
         "{\"code\":100,\"reason\":\"INTERNAL\",\"message\":\"\",\"metadata\":{}}");
}

static void test_what_is_no_such_message_gets_400_and_the_place(void **state) {
  (void)state;
  static const struct {
    const char *method, *target, *fields, *body, *message;
  } cases[] = {
      {"GET", "/v1/books/a?pages=x", NULL, NULL, "query parameter \\\"pages\\\": expected uint32, got \\\"x\\\""},
      {"GET", "/v1/books/a?page=1", NULL, NULL, "query parameter \\\"page\\\""},
      {"GET", "/v1/books/a?name=b", NULL, NULL, "it is in the path"},
      {"GET", "/v1/books/a?q=%zz", NULL, NULL, "the query: "},
      {"GET", "/v1/books/a", JSON, "{}", "this request has no body"},
      {"PUT", "/v1/books/a", JSON, "{\"pages\":", ""},
      {"PUT", "/v1/books/a", JSON, "{\"pages\":-1}", "pages"},
  };
  size_t count = sizeof cases / sizeof cases[0];
  for (size_t i = 0; i < count; i++) {
    const struct http_answer *got = ask(cases[i].method, cases[i].target, cases[i].fields, cases[i].body);
    assert_int_equal(got->status, 400);
    assert_non_null(strstr(got->body, "{\"code\":107,\"reason\":\"BAD_REQUEST\",\"message\":\""));
    assert_non_null(strstr(got->body, cases[i].message));
  }
  assert_int_equal(counted("http", "Get", "107", "BAD_REQUEST") + counted("http", "Put", "107", "BAD_REQUEST"), count);
}

static void test_requests_that_are_refused_before_their_message_are_counted_once_too(void **state) {
  (void)state;
  assert_int_equal(ask("PUT", "/v1/books/a", "Content-Type: text/plain\r\n", "{}")->status, 415);
  assert_int_equal(counted("http", "Put", "415", "UNSUPPORTED_MEDIA_TYPE"), 1);
  struct client client;
  client_connect(&client, fixture.address);
  http_send(&client, "PUT /v1/books/a HTTP/1.1\r\nHost: x\r\n" JSON "Content-Length: 99999999\r\n\r\n");
  assert_int_equal(http_read(&client)->status, 413);
  client_close(&client);
  assert_int_equal(counted("http", "Put", "413", "CONTENT_TOO_LARGE"), 1);
}

static void test_requests_on_one_connection_go_on_after_errors_and_an_upgrade_may_follow(void **state) {
  (void)state;
  struct client client;
  client_connect(&client, fixture.address);
  http_send(&client,
            "GET /v1/books/none HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/waits/now HTTP/1.1\r\nHost: x\r\n\r\n"
            "GET /v1/books/b HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_int_equal(http_read(&client)->status, 404);
  expect(http_read(&client), 200, "{\"name\":\"now\",\"pages\":7}");
  expect(http_read(&client), 200, "{\"name\":\"b\",\"pages\":0}");
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
  assert_true(client_send_call(&client, 20, 1, "{\"name\":\"c\"}"));
  struct client_frame frame = client_read_message(&client);
  assert_non_null(memmem(frame.data, frame.len, "\"c\"", 3));
  client_close(&client);
  assert_int_equal(counted("websocket", "Get", "0", ""), 1);
  assert_int_equal(counted("http", "Get", "0", ""), 1);
}

/* What handlers see in place of a session. */

static void test_a_connection_of_http_is_a_session_that_is_not_open(void **state) {
  (void)state;
  expect(ask("GET", "/v1/books/session", NULL, NULL), 200, "{\"name\":\"session\",\"pages\":0}");
}

static void test_user_and_name_of_a_request_are_gone_with_it(void **state) {
  (void)state;
  struct client client;
  client_connect(&client, fixture.address);
  for (unsigned i = 1; i <= 3; i++) {
    http_send(&client, "GET /v1/books/who HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(http_read(&client), 200, "{\"name\":\"|127.0.0.1|\",\"pages\":0}");
    counter_wait(&rpc_users_destroyed, i);
  }
  client_close(&client);
}

static void test_each_request_has_the_address_that_the_proxy_gives(void **state) {
  static const struct stoa_string proxies[] = {STOA_STR("127.0.0.1")};
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  (void)state;
  config->trusted_proxies.items = proxies;
  config->trusted_proxies.count = 1;
  rpc_start(&fixture, config);
  client_connect(&client, fixture.address);
  static const char *const addresses[] = {"192.0.2.1", "2001:db8::7", "192.0.2.2", "192.0.2.1"};
  for (size_t i = 0; i < 4; i++) {
    char text[256];
    snprintf(text, sizeof text, "GET /v1/books/who HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\n\r\n", addresses[i]);
    http_send(&client, text);
    snprintf(text, sizeof text, "{\"name\":\"|%s|\",\"pages\":0}", addresses[i]);
    expect(http_read(&client), 200, text);
  }
  http_send(&client, "GET /v1/books/who HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(http_read(&client), 200, "{\"name\":\"|127.0.0.1|\",\"pages\":0}");
  http_send(&client,
            "GET /v1/books/who HTTP/1.1\r\nHost: x\r\nForwarded: for=192.0.2.1\r\nX-Forwarded-For: "
            "192.0.2.9\r\n\r\n");
  assert_int_equal(http_read(&client)->status, 400);
  assert_int_equal(counted("http", "Get", "107", "BAD_REQUEST"), 1);
  client_close(&client);
  fixture_stop(&fixture);
}

/* Later. */

static void *reply_on_thread(void *call) {
  assert_int_equal(rpc_reply(call, "thread"), STOA_OK);
  return NULL;
}

static void test_a_call_can_be_answered_later_from_another_thread(void **state) {
  struct client client;
  pthread_t thread;
  (void)state;
  client_connect(&client, fixture.address);
  for (int i = 0; i < 3; i++) {
    http_send(&client, "GET /v1/waits/a HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/books/b HTTP/1.1\r\nHost: x\r\n\r\n");
    struct stoa_call *call = rpc_take();
    assert_true(stoa_call_waits(call));
    assert_int_equal(pthread_create(&thread, NULL, reply_on_thread, call), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    expect(http_read(&client), 200, "{\"name\":\"thread\",\"pages\":7}");
    expect(http_read(&client), 200, "{\"name\":\"b\",\"pages\":0}");
  }
  client_close(&client);
  assert_int_equal(counted("http", "Wait", "0", ""), 3);
}

static void test_errors_that_come_later_have_their_status_too(void **state) {
  static const struct stoa_error busy = {.code = 1001, .reason = STOA_STR("BUSY"), .temporary = true, .retry_ms = 1};
  static const struct stoa_error bad = {.code = 1001, .reason = STOA_STR("\xff")};
  struct client client;
  (void)state;
  client_connect(&client, fixture.address);
  http_send(&client, "GET /v1/waits/a HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_int_equal(stoa_call_fail(rpc_take(), &busy), STOA_OK);
  expect(http_read(&client), 503, "{\"code\":1001,\"reason\":\"BUSY\",\"message\":\"\",\"metadata\":{}}");
  assert_string_equal(http_field("Retry-After"), "1");
  http_send(&client, "GET /v1/waits/a HTTP/1.1\r\nHost: x\r\n\r\n");
  stoa_call_drop(rpc_take());
  expect(http_read(&client), 500,
         "{\"code\":100,\"reason\":\"INTERNAL\",\"message\":\"the call was dropped\",\"metadata\":{}}");
  http_send(&client, "GET /v1/waits/a HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_int_equal(stoa_call_fail(rpc_take(), &bad), STOA_E_UTF8);
  assert_int_equal(http_read(&client)->status, 500);
  http_send(&client, "GET /v1/waits/a HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_int_equal(rpc_reply(rpc_take(), "\xff"), STOA_E_UTF8);
  assert_int_equal(http_read(&client)->status, 500);
  client_close(&client);
  assert_int_equal(counted("http", "Wait", "1001", "BUSY"), 1);
  assert_int_equal(counted("http", "Wait", "100", "INTERNAL"), 3);
}

static void test_a_call_that_is_not_answered_in_time_gets_504(void **state) {
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  (void)state;
  limits_of(config)->call_timeout_ms = 20;
  rpc_start(&fixture, config);
  client_connect(&client, fixture.address);
  http_send(&client, "GET /v1/waits/a HTTP/1.1\r\nHost: x\r\n\r\n");
  struct stoa_call *call = rpc_take();
  expect(http_read(&client), 504,
         "{\"code\":108,\"reason\":\"TIMEOUT\",\"message\":\"no answer in time\",\"metadata\":{}}");
  assert_int_equal(rpc_reply(call, "late"), STOA_E_TIMEOUT);
  http_send(&client, "GET /v1/books/b HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(http_read(&client), 200, "{\"name\":\"b\",\"pages\":0}");
  client_close(&client);
  assert_int_equal(counted("http", "Wait", "108", "TIMEOUT"), 1);
  fixture_stop(&fixture);
}

static void test_a_client_that_is_gone_is_counted_as_499(void **state) {
  struct client client;
  (void)state;
  client_connect(&client, fixture.address);
  http_send(&client, "GET /v1/waits/a HTTP/1.1\r\nHost: x\r\n\r\n");
  struct stoa_call *call = rpc_take();
  assert_int_equal(counted("http", "Wait", "499", "CLIENT_CLOSED"), 0);
  /* A reset: an end of the client's side alone would leave it the answer. */
  static const struct linger at_once = {1, 0};
  assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  client_close(&client);
  while (stoa_call_waits(call)) {
    assert_int_equal(ask("GET", "/v1/books/b", NULL, NULL)->status, 200);
  }
  assert_int_equal(rpc_reply(call, "late"), STOA_E_CLOSED);
  assert_int_equal(ask("GET", "/v1/books/b", NULL, NULL)->status, 200);
  assert_int_equal(counted("http", "Wait", "499", "CLIENT_CLOSED"), 1);
}

static void test_the_end_of_the_server_ends_calls_that_wait(void **state) {
  struct client client;
  (void)state;
  rpc_start(&fixture, fixture_config(1));
  client_connect(&client, fixture.address);
  http_send(&client, "GET /v1/waits/a HTTP/1.1\r\nHost: x\r\n\r\n");
  struct stoa_call *call = rpc_take();
  stoa_server_destroy(fixture.server);
  fixture.server = NULL;
  assert_false(stoa_call_waits(call));
  assert_int_equal(rpc_reply(call, "late"), STOA_E_CLOSED);
  assert_int_equal(http_read(&client)->status, 0);
  client_close(&client);
  fixture_stop(&fixture);
}

/* Middlewares. */

static struct {
  struct stoa_wait *wait;
  struct counter waits;
  char last[256];
} chain = {.waits = COUNTER_INIT};

static const struct stoa_error *before(void *user, struct stoa_invocation *invocation) {
  const struct rpc_v1_get_request *request = stoa_invocation_message(invocation);
  (void)user;
  assert_true(stoa_invocation_is_call(invocation));
  if (stoa_string_equal(request->name, stoa_string_of("stop"))) {
    return stoa_session_error(stoa_invocation_session(invocation), 403, "NO", "not you");
  }
  if (stoa_string_equal(request->name, stoa_string_of("hold"))) {
    assert_int_equal(stoa_invocation_wait(invocation, &chain.wait), STOA_OK);
    counter_up(&chain.waits);
    return STOA_LATER;
  }
  return NULL;
}

static const struct stoa_error *change(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  (void)user;
  return error->code != 404 ? error : stoa_session_error(stoa_invocation_session(invocation), 410, "GONE", "for ever");
}

static void after(void *user, struct stoa_invocation *invocation, const struct stoa_error *error) {
  char address[STOA_ADDRESS_TEXT_LEN + 1];
  (void)user;
  stoa_session_address(stoa_invocation_session(invocation), address);
  snprintf(chain.last, sizeof chain.last, "%s %s %u %s", stoa_invocation_operation(invocation),
           stoa_invocation_end_text(stoa_invocation_end(invocation)), error == NULL ? 0 : error->code, address);
}

static void start_chained(struct stoa_server_config *config) {
  static const struct stoa_middleware middleware = {.before = before, .error = change, .after = after};
  rpc_create(&fixture, config);
  assert_int_equal(stoa_server_use(fixture.server, NULL, &middleware), STOA_OK);
  rpc_begin(&fixture);
  chain.waits.value = 0;
}

static void test_the_chain_of_a_handler_is_the_same(void **state) {
  static const struct {
    const char *target;
    int status;
    const char *last;
  } cases[] = {
      {"/v1/books/a", 200, "/rpc.v1.Shelf/Get done 0 127.0.0.1"},
      {"/v1/books/none", 410, "/rpc.v1.Shelf/Get failed 410 127.0.0.1"},
      {"/v1/books/broken", 500, "/rpc.v1.Shelf/Get failed 100 127.0.0.1"},
      {"/v1/waits/now", 200, "/rpc.v1.Shelf/Wait done 0 127.0.0.1"},
  };
  (void)state;
  start_chained(fixture_config(1));
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(ask("GET", cases[i].target, NULL, NULL)->status, cases[i].status);
    assert_int_equal(ask("GET", "/v1/books/stop", NULL, NULL)->status, 403);
    assert_string_equal(chain.last, cases[i].last); /* a middleware that stops is not told of the end */
  }
  assert_int_equal(counted("http", "Get", "410", "GONE"), 1);
  assert_int_equal(counted("http", "Get", "403", "NO"), 4);
  fixture_stop(&fixture);
}

static void test_a_middleware_that_waits_gets_the_request_again(void **state) {
  struct client client;
  (void)state;
  start_chained(fixture_config(1));
  client_connect(&client, fixture.address);
  for (uint32_t i = 0; i < 3; i++) {
    http_send(&client, "GET /v1/books/hold?pages=9 HTTP/1.1\r\nHost: x\r\n\r\n");
    counter_wait(&chain.waits, i + 1);
    assert_true(stoa_invocation_waits(chain.wait));
    static const struct stoa_error stopped = {.code = 409, .reason = STOA_STR("LATER")};
    assert_int_equal(stoa_invocation_resume(chain.wait, i == 1 ? &stopped : NULL), STOA_OK);
    const struct http_answer *got = http_read(&client);
    assert_int_equal(got->status, i == 1 ? 409 : 200);
    assert_true(i == 1 || strcmp(got->body, "{\"name\":\"hold\",\"pages\":9}") == 0);
  }
  /* A client that goes while it waits. */
  http_send(&client, "GET /v1/books/hold HTTP/1.1\r\nHost: x\r\n\r\n");
  counter_wait(&chain.waits, 4);
  static const struct linger at_once = {1, 0};
  assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  client_close(&client);
  while (stoa_invocation_waits(chain.wait)) {
    assert_int_equal(ask("GET", "/v1/books/b", NULL, NULL)->status, 200);
  }
  assert_int_equal(stoa_invocation_resume(chain.wait, NULL), STOA_E_CLOSED);
  fixture_stop(&fixture);
}

static void test_a_middleware_that_does_not_decide_in_time_gives_504(void **state) {
  struct stoa_server_config *config = fixture_config(1);
  (void)state;
  limits_of(config)->call_timeout_ms = 20;
  start_chained(config);
  expect(ask("GET", "/v1/books/hold", NULL, NULL), 504,
         "{\"code\":108,\"reason\":\"TIMEOUT\",\"message\":\"no answer in time\",\"metadata\":{}}");
  assert_int_equal(stoa_invocation_resume(chain.wait, NULL), STOA_E_TIMEOUT);
  fixture_stop(&fixture);
}

/* Tokens. */

static const char *field_of(const char *secret, const char *claims) {
  static char text[1200];
  const struct stoa_token_key_source source = {.form = STOA_TOKEN_SECRET,
                                               .content = {(const uint8_t *)secret, strlen(secret)}};
  struct stoa_token_signer *signer;
  struct stoa_buffer token;
  stoa_buffer_init(&token, 1024);
  assert_int_equal(stoa_token_signer_create(&source, &signer, NULL), STOA_OK);
  assert_int_equal(stoa_token_sign(signer, stoa_string_of(claims), &token), STOA_OK);
  snprintf(text, sizeof text, "Authorization: Bearer %.*s\r\n", (int)token.len, (const char *)token.data);
  stoa_buffer_fini(&token);
  stoa_token_signer_destroy(signer);
  return text;
}

static void start_with_tokens(bool is_required) {
  static struct stoa_auth_config auth;
  struct stoa_server_config *config = fixture_config(1);
  auth = (struct stoa_auth_config){.secret = stoa_string_of(SECRET), .required = is_required};
  config->auth = &auth;
  rpc_create(&fixture, config);
  assert_int_equal(stoa_server_allow_anonymous(fixture.server, 21), STOA_OK);
  rpc_begin(&fixture);
}

/* OpenSSL keeps what it allocates when it is first used. */
static int use_openssl_once(void **state) {
  (void)state;
  start_with_tokens(true);
  assert_int_equal(ask("GET", "/v1/books/a", field_of(SECRET, "{\"sub\":\"a\",\"exp\":9000000000}"), NULL)->status,
                   200);
  stoa_server_destroy(fixture.server);
  return 0;
}

static void test_each_request_is_authenticated_by_its_own_token(void **state) {
  struct client client;
  char request[1400];
  (void)state;
  start_with_tokens(false);
  client_connect(&client, fixture.address);
  static const char *const subjects[] = {"ann", "bob", "ann"};
  for (size_t i = 0; i < 3; i++) {
    char claims[64];
    snprintf(claims, sizeof claims, "{\"sub\":\"%s\",\"exp\":9000000000}", subjects[i]);
    snprintf(request, sizeof request, "GET /v1/books/who HTTP/1.1\r\nHost: x\r\n%s\r\n", field_of(SECRET, claims));
    http_send(&client, request);
    char body[64];
    snprintf(body, sizeof body, "{\"name\":\"%s|127.0.0.1|\",\"pages\":0}", subjects[i]);
    expect(http_read(&client), 200, body);
  }
  http_send(&client, "GET /v1/books/who HTTP/1.1\r\nHost: x\r\n\r\n");
  expect(http_read(&client), 200, "{\"name\":\"|127.0.0.1|\",\"pages\":0}");
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_missing_or_bad_token_gets_401_and_why(void **state) {
  static const char *const good = "{\"sub\":\"a\",\"exp\":9000000000}";
  (void)state;
  stoa_log_setup(2, STOA_LOG_ERROR, STOA_LOG_LOGFMT);
  start_with_tokens(true);
  expect(ask("GET", "/v1/books/a", NULL, NULL), 401,
         "{\"code\":101,\"reason\":\"UNAUTHORIZED\",\"message\":\"a token is needed: Authorization: Bearer "
         "TOKEN\",\"metadata\":{}}");
  assert_string_equal(http_field("WWW-Authenticate"), "Bearer");
  expect(ask("GET", "/v1/books/a", field_of("another secret, which is as long", good), NULL), 401,
         "{\"code\":101,\"reason\":\"UNAUTHORIZED\",\"message\":\"bad token\",\"metadata\":{}}");
  assert_string_equal(http_field("WWW-Authenticate"), "Bearer error=\"invalid_token\"");
  expect(ask("GET", "/v1/books/a", field_of(SECRET, "{\"sub\":\"a\",\"exp\":1000}"), NULL), 401,
         "{\"code\":109,\"reason\":\"TOKEN_EXPIRED\",\"message\":\"the token has expired\",\"metadata\":{}}");
  assert_int_equal(ask("GET", "/v1/books/a", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", NULL)->status,
                   401);
  assert_int_equal(ask("GET", "/v1/books/a", field_of(SECRET, good), NULL)->status, 200);
  assert_int_equal(ask("PUT", "/v1/books/a", NULL, NULL)->status, 200); /* allowed without a token */
  assert_int_equal(counted("http", "Get", "101", "UNAUTHORIZED"), 3);
  assert_int_equal(counted("http", "Get", "109", "TOKEN_EXPIRED"), 1);
  fixture_stop(&fixture);
}

/* Rates. */

static void test_the_rate_of_an_address_counts_over_all_its_connections(void **state) {
  static const struct stoa_rate_config rate = {.messages_per_s = 1, .messages_burst = 3};
  struct stoa_server_config *config = fixture_config(1);
  (void)state;
  limits_of(config)->rate = &rate;
  limits_of(config)->limit_loopback = true;
  rpc_start(&fixture, config);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(ask("GET", "/v1/books/a", NULL, NULL)->status, 200);
  }
  unsigned refused = 0;
  for (int i = 0; i < 5; i++) {
    refused += ask("GET", "/v1/books/a", NULL, NULL)->status == 429;
  }
  assert_in_range(refused, 3, 5); /* the clock goes on */
  while (ask("GET", "/v1/books/a", NULL, NULL)->status != 429) {
  }
  assert_string_equal(http_field("Retry-After"), "1");
  assert_true(counted("http", "Get", "111", "TOO_MANY_REQUESTS") >= refused);
  fixture_stop(&fixture);
}

static void test_a_rate_limit_of_sessions_is_one_of_addresses_for_requests(void **state) {
  static const struct stoa_rate_limit_options options = {.session_per_s = 1, .session_burst = 2, .excess_max = 1};
  struct stoa_server_config *config = fixture_config(1);
  struct client client;
  (void)state;
  limits_of(config)->limit_loopback = true;
  rpc_create(&fixture, config);
  assert_int_equal(stoa_server_use_rate_limit(fixture.server, NULL, &options), STOA_OK);
  rpc_begin(&fixture);
  unsigned refused = 0;
  client_connect(&client, fixture.address);
  for (int i = 0; i < 8; i++) {
    refused += ask("GET", "/v1/books/a", NULL, NULL)->status == 429;
    http_send(&client, "GET /v1/books/a HTTP/1.1\r\nHost: x\r\n\r\n");
    refused += http_read(&client)->status == 429; /* the connection stays, however many */
  }
  assert_in_range(refused, 8, 14);
  client_close(&client);
  fixture_stop(&fixture);
}

/* Routes. */

static char logged[4096];

static void take_line(void *context, enum stoa_log_severity level, struct stoa_string line) {
  size_t len = strlen(logged);
  (void)context;
  (void)level;
  snprintf(logged + len, sizeof logged - len, "%.*s\n", (int)line.len, line.data);
}

static void ignore(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  (void)user;
  (void)exchange;
  (void)request;
}

static void test_routes_of_an_rpc_and_of_the_program_conflict_with_both_names(void **state) {
  static const struct stoa_route route = {.method = "GET", .path = "/v1/books/{id}", .handler = ignore};
  (void)state;
  stoa_log_set_sink(take_line, NULL);
  rpc_create(&fixture, fixture_config(1));
  logged[0] = '\0';
  assert_int_equal(stoa_server_add_route(fixture.server, &route), STOA_E_EXISTS);
  assert_non_null(strstr(logged, "existing_handler=Get "));
  assert_non_null(strstr(logged, "existing_path=/v1/books/{name}"));
  rpc_begin(&fixture);
  assert_int_equal(ask("GET", "/v1/books/a", NULL, NULL)->status, 200);
  fixture_stop(&fixture);
  /* The other way round: nothing of the handler is left. */
  fixture.blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(fixture_config(1), &fixture.server), STOA_OK);
  assert_int_equal(stoa_server_add_route(fixture.server, &route), STOA_OK);
  logged[0] = '\0';
  assert_int_equal(rpc_register(fixture.server), STOA_E_EXISTS);
  assert_non_null(strstr(logged, "handler=Get"));
  assert_non_null(strstr(logged, "existing_handler=\"a route of the program\""));
  fixture_stop(&fixture);
  stoa_log_set_sink(NULL, NULL);
}

static void test_an_rpc_of_operators_is_a_route_of_the_admin_listener_and_nothing_else(void **state) {
  static const struct stoa_auth_config auth = {.secret = STOA_STR(SECRET)};
  static const struct stoa_admin_config admin = {.address = STOA_STR("127.0.0.1:0"),
                                                 .key = STOA_STR("0123456789abcdef0123456789abcdef")};
  struct stoa_server_config *config = fixture_config(1);
  struct client client;
  (void)state;
  config->auth = &auth;
  config->admin = &admin;
  rpc_start(&fixture, config);
  const char *operators = stoa_server_address(fixture.server, 1);
  const char *key = "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n";
  /* The same path leads to another rpc at each listener; a token of users is neither asked for nor looked at. */
  expect(http_request(operators, "GET", "/v1/books/x", key, NULL), 200, "{\"name\":\"x\",\"pages\":999}");
  assert_int_equal(http_request(operators, "GET", "/v1/books/x", NULL, NULL)->status, 401);
  assert_int_equal(ask("GET", "/v1/books/x", key, NULL)->status, 401);
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
  assert_true(client_send_call(&client, 30, 1, "{\"name\":\"x\"}"));
  const struct client_frame frame = client_read_message(&client);
  char text[512];
  snprintf(text, sizeof text, "%.*s", (int)frame.len - 8, (const char *)frame.data + 8);
  assert_non_null(strstr(text, "UNKNOWN_TYPE"));
  client_close(&client);
  fixture_stop(&fixture);
}

static const struct stoa_error *never_invoked(stoa_handler_function function, void *user, struct stoa_session *session,
                                              const void *message, void *reply) {
  (void)function, (void)user, (void)session, (void)message, (void)reply;
  fail();
  return NULL;
}

static void test_an_rpc_of_operators_needs_a_route(void **state) {
  struct stoa_server *server;
  struct stoa_handler handler = {0};
  (void)state;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  handler.name = "Count";
  handler.type = 40;
  handler.message = &rpc_v1_get_request_type;
  handler.reply = &rpc_v1_book_type;
  handler.invoke = never_invoked;
  handler.function = (stoa_handler_function)never_invoked;
  handler.is_admin = true;
  assert_int_equal(stoa_server_handle(server, &handler), STOA_E_ARGUMENT);
  stoa_server_destroy(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_request_becomes_the_message_and_its_reply_the_answer, begin, end),
      cmocka_unit_test_setup_teardown(test_head_options_and_other_methods_are_those_of_any_route, begin, end),
      cmocka_unit_test_setup_teardown(test_errors_have_their_status_and_one_form, begin, end),
      cmocka_unit_test_setup_teardown(test_what_is_no_such_message_gets_400_and_the_place, begin, end),
      cmocka_unit_test_setup_teardown(test_requests_that_are_refused_before_their_message_are_counted_once_too, begin,
                                      end),
      cmocka_unit_test_setup_teardown(test_requests_on_one_connection_go_on_after_errors_and_an_upgrade_may_follow,
                                      begin, end),
      cmocka_unit_test_setup_teardown(test_a_connection_of_http_is_a_session_that_is_not_open, begin, end),
      cmocka_unit_test_setup_teardown(test_user_and_name_of_a_request_are_gone_with_it, begin, end),
      cmocka_unit_test(test_each_request_has_the_address_that_the_proxy_gives),
      cmocka_unit_test_setup_teardown(test_a_call_can_be_answered_later_from_another_thread, begin, end),
      cmocka_unit_test_setup_teardown(test_errors_that_come_later_have_their_status_too, begin, end),
      cmocka_unit_test(test_a_call_that_is_not_answered_in_time_gets_504),
      cmocka_unit_test_setup_teardown(test_a_client_that_is_gone_is_counted_as_499, begin, end),
      cmocka_unit_test(test_the_end_of_the_server_ends_calls_that_wait),
      cmocka_unit_test(test_the_chain_of_a_handler_is_the_same),
      cmocka_unit_test(test_a_middleware_that_waits_gets_the_request_again),
      cmocka_unit_test(test_a_middleware_that_does_not_decide_in_time_gives_504),
      cmocka_unit_test(test_each_request_is_authenticated_by_its_own_token),
      cmocka_unit_test(test_a_missing_or_bad_token_gets_401_and_why),
      cmocka_unit_test(test_the_rate_of_an_address_counts_over_all_its_connections),
      cmocka_unit_test(test_a_rate_limit_of_sessions_is_one_of_addresses_for_requests),
      cmocka_unit_test(test_routes_of_an_rpc_and_of_the_program_conflict_with_both_names),
      cmocka_unit_test(test_an_rpc_of_operators_is_a_route_of_the_admin_listener_and_nothing_else),
      cmocka_unit_test(test_an_rpc_of_operators_needs_a_route),
  };
  return cmocka_run_group_tests(tests, use_openssl_once, NULL);
}
