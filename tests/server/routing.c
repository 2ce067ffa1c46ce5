#include "routing.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/memory.h"

#define KEPT_MAX 64u

struct counter routes_drained = COUNTER_INIT;
struct counter routes_closed = COUNTER_INIT;
static struct counter kept_count = COUNTER_INIT;
static struct stoa_http_exchange *kept[KEPT_MAX];
static unsigned taken;

static void keep(struct stoa_http_exchange *exchange) {
  assert_true(kept_count.value < KEPT_MAX);
  kept[kept_count.value] = exchange;
  counter_up(&kept_count);
}

struct stoa_http_exchange *routes_take(void) {
  counter_wait(&kept_count, taken + 1);
  return kept[taken++];
}

int routes_reply(struct stoa_http_exchange *exchange, const char *text) {
  const struct stoa_http_answer answer = {
      .status = 200, .content_type = "text/plain", .body = stoa_bytes_make(text, strlen(text))};
  return stoa_http_reply(exchange, &answer);
}

#define SHOW(view) (int)(view).len, (view).data == NULL ? "" : (view).data

static void on_room(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  char text[1024];
  size_t index = 0;
  struct stoa_string name = stoa_http_variable(request, "name");
  struct stoa_string first = stoa_http_parameter(request, "q", &index);
  struct stoa_string second = stoa_http_parameter(request, "q", &index);
  struct stoa_string field = stoa_http_request_field(request, "x-note");
  assert_null(stoa_http_variable(request, "other").data);
  (void)user;
  snprintf(text, sizeof text, "%.*s %.*s name=%.*s q=%.*s,%.*s note=%.*s from=%s tls=%d body=%.*s",
           SHOW(request->method), SHOW(request->path), SHOW(name), SHOW(first), SHOW(second), SHOW(field),
           request->address, request->is_tls, (int)request->body.len, (const char *)request->body.data);
  int status = routes_reply(exchange, text);
  assert_true(status == STOA_OK || status == STOA_E_MEMORY);
}

/* One test lets memory run out. */
static bool is_fine(int status) {
  return status == STOA_OK || status == STOA_E_MEMORY;
}

static void on_ask(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  const struct sample_v1_ask_request *ask = request->message;
  const struct sample_v1_ask_reply reply = {.answer = ask->question};
  (void)user;
  int status = stoa_http_reply_message(exchange, 200, &sample_v1_ask_reply_type, &reply);
  assert_true(is_fine(status));
}

static void on_bytes(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  const struct stoa_http_answer answer = {
      .status = 200, .content_type = "application/octet-stream", .body = request->body};
  (void)user;
  assert_int_equal(stoa_http_reply(exchange, &answer), STOA_OK);
}

static void on_later(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  (void)user;
  (void)request;
  assert_int_equal(stoa_http_take(exchange), STOA_OK);
  assert_int_equal(stoa_http_take(exchange), STOA_E_EXISTS);
  keep(exchange);
}

static void on_pieces(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  static const struct stoa_http_answer start = {.status = 200, .content_type = "text/plain", .body = {NULL, 0}};
  (void)user;
  (void)request;
  assert_int_equal(stoa_http_write(exchange, stoa_bytes_make("early", 5)), STOA_E_ARGUMENT);
  if (stoa_http_begin(exchange, &start, NULL, NULL) != STOA_OK) {
    stoa_http_drop(exchange);
    return;
  }
  assert_true(stoa_http_begin(exchange, &start, NULL, NULL) != STOA_OK);
  assert_true(is_fine(stoa_http_write(exchange, stoa_bytes_make("one", 3))));
  assert_true(is_fine(stoa_http_write(exchange, stoa_bytes_make("two", 3))));
  assert_int_equal(stoa_http_write(exchange, stoa_bytes_make("", 0)), STOA_OK);
  assert_true(is_fine(stoa_http_write(exchange, stoa_bytes_make("three", 5))));
  assert_int_equal(stoa_http_end(exchange), STOA_OK);
  assert_int_equal(stoa_http_write(exchange, stoa_bytes_make("late", 4)), STOA_E_CLOSED);
}

static void on_event(void *context, struct stoa_http_exchange *exchange, int status) {
  assert_non_null(exchange);
  assert_ptr_equal(context, &routes_drained);
  counter_up(status == STOA_OK ? &routes_drained : &routes_closed);
}

static void on_feed(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  const struct stoa_http_answer start = {
      .status = 200, .content_type = "text/event-stream", .body = stoa_bytes_make(": hello\n\n", 9)};
  (void)user;
  (void)request;
  assert_int_equal(stoa_http_take(exchange), STOA_OK);
  assert_int_equal(stoa_http_begin(exchange, &start, on_event, &routes_drained), STOA_OK);
  keep(exchange);
}

static void on_many(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  struct stoa_string text = stoa_http_parameter(request, "bytes", NULL);
  size_t len = strtoul(text.data, NULL, 10); /* ended by the arena's NUL or another byte */
  (void)user;
  char *bytes = malloc(len + 1);
  assert_non_null(bytes);
  memset(bytes, 'x', len);
  const struct stoa_http_answer answer = {
      .status = 200, .content_type = "text/plain", .body = stoa_bytes_make(bytes, len)};
  assert_int_equal(stoa_http_reply(exchange, &answer), STOA_OK);
  free(bytes);
}

static void on_nothing(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  (void)user;
  (void)exchange;
  (void)request;
}

static void on_begun(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  static const struct stoa_http_answer start = {.status = 200, .body = {NULL, 0}};
  (void)user;
  (void)request;
  assert_int_equal(stoa_http_begin(exchange, &start, NULL, NULL), STOA_OK);
}

static void on_conflict(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  static const struct stoa_error error = {
      .code = 1001, .reason = STOA_STR("BUSY"), .message = STOA_STR("try again"), .temporary = true, .retry_ms = 1500};
  (void)user;
  (void)request;
  assert_true(is_fine(stoa_http_fail(exchange, 409, &error)));
}

static void on_empty(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  static const struct stoa_http_field field = {"X-Left", STOA_STR("yes")};
  static const struct stoa_http_answer answer = {.status = 204, .fields = &field, .field_count = 1};
  (void)user;
  (void)request;
  assert_int_equal(stoa_http_reply(exchange, &answer), STOA_OK);
}

static void on_twice(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  (void)user;
  assert_int_equal(routes_reply(exchange, "once"), STOA_OK);
  assert_int_equal(routes_reply(exchange, "twice"), STOA_E_EXISTS);
  assert_int_equal(stoa_http_end(exchange), STOA_E_CLOSED);
  assert_int_equal(stoa_http_take(exchange), STOA_E_CLOSED);
  assert_false(stoa_http_waits(exchange));
  stoa_http_drop(exchange);
  /* It is valid until the handler returns. */
  assert_non_null(stoa_http_variable(request, "x").data == NULL ? request->path.data : NULL);
}

static void on_fixed(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  (void)request;
  assert_int_equal(routes_reply(exchange, user), STOA_OK);
}

static char text_open[] = "open";
static char text_both[] = "both";
static char text_admin[] = "admin";

void routes_add(struct stoa_server *server) {
  const struct stoa_route routes[] = {
      {.method = "GET", .path = "/rooms/{name}", .handler = on_room},
      {.method = "PUT", .path = "/rooms/{name}", .handler = on_room},
      {.method = "POST", .path = "/ask", .handler = on_ask, .message = &sample_v1_ask_request_type},
      {.method = "POST", .path = "/bytes", .handler = on_bytes},
      {.method = "POST", .path = "/short", .handler = on_bytes, .body_bytes_max = 10},
      {.method = "GET", .path = "/later", .handler = on_later},
      {.method = "GET", .path = "/pieces", .handler = on_pieces},
      {.method = "GET", .path = "/feed", .handler = on_feed},
      {.method = "GET", .path = "/many", .handler = on_many},
      {.method = "GET", .path = "/nothing", .handler = on_nothing},
      {.method = "GET", .path = "/begun", .handler = on_begun},
      {.method = "GET", .path = "/conflict", .handler = on_conflict},
      {.method = "GET", .path = "/empty", .handler = on_empty},
      {.method = "GET", .path = "/twice", .handler = on_twice},
      {.method = "GET", .path = "/closed", .handler = on_fixed, .user = text_open, .bearer_key = STOA_STR(ROUTES_KEY)},
      {.method = "GET",
       .path = "/both",
       .handler = on_fixed,
       .user = text_both,
       .roles = STOA_ROUTE_PUBLIC | STOA_ROUTE_ADMIN},
      {.method = "GET", .path = "/operators", .handler = on_fixed, .user = text_admin, .roles = STOA_ROUTE_ADMIN},
      {.method = "POST",
       .path = "/operators",
       .handler = on_ask,
       .message = &sample_v1_ask_request_type,
       .roles = STOA_ROUTE_ADMIN},
  };
  for (size_t i = 0; i < STOA_COUNT_OF(routes); i++) {
    assert_int_equal(stoa_server_add_route(server, &routes[i]), STOA_OK);
  }
}

void routes_start(struct fixture *fixture, const struct stoa_server_config *config) {
  kept_count.value = 0;
  routes_drained.value = 0;
  routes_closed.value = 0;
  taken = 0;
  fixture->blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(config, &fixture->server), STOA_OK);
  assert_int_equal(sample_v1_sample_register(fixture->server, fixture_handlers(), NULL), STOA_OK);
  routes_add(fixture->server);
  assert_int_equal(stoa_server_start(fixture->server), STOA_OK);
  fixture->address = stoa_server_address(fixture->server, 0);
}
