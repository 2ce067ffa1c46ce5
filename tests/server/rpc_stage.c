#include "rpc_stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stoa/auth.h>
#include <stoa/error.stoa.h>
#include <stoa/errors.h>

#include "base/memory.h"

#define KEPT_MAX 16

static struct {
  struct counter count;
  struct stoa_call *calls[KEPT_MAX];
  unsigned taken;
} kept = {.count = COUNTER_INIT};

struct counter rpc_users_destroyed = COUNTER_INIT;

static bool is(struct stoa_string text, const char *what) {
  return stoa_string_equal(text, stoa_string_of(what));
}

static const struct stoa_error *error_of(struct stoa_string name, struct stoa_session *session) {
  static const struct stoa_error_metadata_entry status[] = {{STOA_STR("http_status"), STOA_STR("418")},
                                                            {STOA_STR("pot"), STOA_STR("tea")}};
  static const struct stoa_error busy = {
      .code = 1001, .reason = STOA_STR("BUSY"), .message = STOA_STR("not now"), .temporary = true, .retry_ms = 1500};
  static const struct stoa_error teapot = {.code = 1002, .reason = STOA_STR("TEAPOT"), .metadata = {status, 2}};
  static const struct stoa_error bad = {.code = 1003, .reason = STOA_STR("\xff")};
  if (is(name, "none")) {
    return stoa_error_not_found(session, "NO_BOOK", "there is no book \"none\"");
  }
  if (is(name, "lent")) {
    return rpc_v1_errorf_lent(session, "%.*s until %s", (int)name.len, name.data, "May");
  }
  return is(name, "busy") ? &busy : is(name, "teapot") ? &teapot : is(name, "bad") ? &bad : NULL;
}

/* The session's own data, as a text in its arena; then it gets some. */
static struct stoa_string describe(struct stoa_session *session) {
  char address[STOA_ADDRESS_TEXT_LEN + 1];
  char text[256];
  struct stoa_string subject = stoa_session_subject(session);
  stoa_session_address(session, address);
  int len = snprintf(text, sizeof text, "%.*s|%s|%s", (int)subject.len, subject.len == 0 ? "" : subject.data, address,
                     stoa_session_user(session) == NULL ? "" : "user");
  stoa_session_set_user(session, malloc(1));
  assert_int_equal(stoa_session_set_name(session, stoa_string_of("someone")), STOA_OK);
  return stoa_arena_copy(stoa_session_arena(session), stoa_string_make(text, (size_t)len));
}

static void check_request(struct stoa_session *session) {
  static const struct rpc_v1_book book = {.pages = 1};
  assert_true(stoa_session_is_http(session));
  assert_false(stoa_session_negotiated(session));
  assert_string_equal(stoa_session_codec(session), "json");
  assert_int_equal(stoa_session_send(session, 1, &rpc_v1_book_type, &book), STOA_E_CLOSED);
  assert_int_equal(stoa_session_send_raw(session, stoa_bytes_make("x", 1), false), STOA_E_CLOSED);
  assert_int_equal(stoa_session_join(session, stoa_string_of("group")), STOA_E_CLOSED);
  assert_int_equal(stoa_session_leave(session, stoa_string_of("group")), STOA_E_NOT_FOUND);
  assert_int_equal(stoa_session_authenticate(session, stoa_string_of("x"))->code, STOA_ERROR_UNAUTHORIZED);
  stoa_session_pause(session);
  stoa_session_resume(session);
  stoa_session_notify_drained(session);
  stoa_session_close(session, 4503, "without effect");
}

static const struct stoa_error *on_get(void *user, struct stoa_session *session,
                                       const struct rpc_v1_get_request *request, struct rpc_v1_book *reply) {
  (void)user;
  const struct stoa_error *error = error_of(request->name, session);
  if (is(request->name, "session")) {
    check_request(session);
  }
  reply->name = is(request->name, "who")      ? describe(session)
                : is(request->name, "broken") ? stoa_string_of("\xff")
                                              : request->name;
  reply->pages = request->pages;
  return error;
}

static const struct stoa_error *on_put(void *user, struct stoa_session *session,
                                       const struct rpc_v1_put_request *request, struct rpc_v1_book *reply) {
  (void)user;
  (void)session;
  if (request->book != NULL) {
    *reply = *request->book;
  }
  reply->pages += request->is_draft ? 1000 : 0;
  return NULL;
}

static const struct stoa_error *on_wait(void *user, struct stoa_session *session,
                                        const struct rpc_v1_wait_request *request, struct rpc_v1_book *reply) {
  struct stoa_call *call;
  (void)user;
  (void)reply;
  assert_int_equal(stoa_call_take(session, &call), STOA_OK);
  if (is(request->name, "now")) {
    assert_int_equal(rpc_reply(call, "now"), STOA_OK);
  } else {
    assert_true(kept.count.value < KEPT_MAX);
    kept.calls[kept.count.value] = call;
    counter_up(&kept.count);
  }
  return STOA_LATER;
}

struct stoa_call *rpc_take(void) {
  counter_wait(&kept.count, kept.taken + 1);
  return kept.calls[kept.taken++];
}

int rpc_reply(struct stoa_call *call, const char *name) {
  const struct rpc_v1_book book = {.name = stoa_string_of(name), .pages = 7};
  return rpc_v1_shelf_wait_reply(call, &book);
}

static void destroy_user(void *user) {
  free(user);
  counter_up(&rpc_users_destroyed);
}

static const struct stoa_error *on_count(void *user, struct stoa_session *session,
                                         const struct rpc_v1_get_request *request, struct rpc_v1_book *reply) {
  (void)user;
  (void)session;
  reply->name = request->name;
  reply->pages = 999;
  return NULL;
}

int rpc_register(struct stoa_server *server) {
  static const struct rpc_v1_shelf_handlers handlers = {.get = on_get, .put = on_put, .wait = on_wait};
  static const struct rpc_v1_desk_handlers desk = {.count = on_count};
  int status = rpc_v1_shelf_register(server, &handlers, NULL);
  return status == STOA_OK ? rpc_v1_desk_register(server, &desk, NULL) : status;
}

void rpc_create(struct fixture *fixture, const struct stoa_server_config *config) {
  static const struct stoa_callbacks callbacks = {.destroy_session_user = destroy_user};
  kept.count.value = 0;
  kept.taken = 0;
  rpc_users_destroyed.value = 0;
  fixture->blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(config, &fixture->server), STOA_OK);
  stoa_server_set_callbacks(fixture->server, &callbacks);
  assert_int_equal(rpc_register(fixture->server), STOA_OK);
}

void rpc_begin(struct fixture *fixture) {
  assert_int_equal(stoa_server_start(fixture->server), STOA_OK);
  fixture->address = stoa_server_address(fixture->server, 0);
}

void rpc_start(struct fixture *fixture, const struct stoa_server_config *config) {
  rpc_create(fixture, config);
  rpc_begin(fixture);
}
