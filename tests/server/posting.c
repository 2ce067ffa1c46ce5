#include "posting.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stoa/call.h>
#include <stoa/error.stoa.h>

#include "base/memory.h"

static atomic_uint handled;
static struct counter keeps = COUNTER_INIT;
static unsigned taken;
static _Atomic(struct stoa_call *) kept;

struct stoa_call *posting_take(void) {
  counter_wait(&keeps, ++taken);
  return atomic_exchange(&kept, NULL);
}

unsigned posting_handled(void) {
  return atomic_load(&handled);
}

static bool is(struct stoa_string text, const char *what) {
  return stoa_string_equal(text, stoa_string_of(what));
}

static const struct stoa_error *complete(struct stoa_call *call, struct stoa_string how) {
  static const struct stoa_error busy = {.code = 1001, .reason = STOA_STR("BUSY")};
  const struct plain_v1_chat_ack ack = {.text = how};
  const struct plain_v1_chat_ack broken = {.text = STOA_STR("\xff")};
  if (is(how, "now")) {
    assert_int_equal(plain_v1_plain_chat_reply(call, &ack), STOA_OK);
  } else if (is(how, "broken")) {
    assert_int_equal(plain_v1_plain_chat_reply(call, &broken), STOA_OK);
  } else if (is(how, "fail")) {
    assert_int_equal(plain_v1_plain_chat_fail(call, &busy), STOA_OK);
  } else if (is(how, "drop")) {
    stoa_call_drop(call);
  } else {
    assert_null(atomic_exchange(&kept, call));
    counter_up(&keeps);
  }
  return STOA_LATER;
}

static bool is_later(struct stoa_string how) {
  return is(how, "now") || is(how, "broken") || is(how, "fail") || is(how, "drop") || is(how, "keep");
}

static const struct stoa_error *on_chat(void *user, struct stoa_session *session,
                                        const struct plain_v1_chat_message *request, struct plain_v1_chat_ack *reply) {
  struct stoa_call *call;
  (void)user;
  assert_non_null(reply);
  atomic_fetch_add(&handled, 1);
  if (is_later(request->text)) {
    assert_int_equal(stoa_call_take(session, &call), STOA_OK);
    return complete(call, request->text);
  }
  if (is(request->text, "refuse")) {
    return stoa_session_error(session, 1001, "BUSY", "not now");
  }
  reply->text = request->text;
  if (!is(request->text, "quiet")) {
    assert_int_equal(plain_v1_chat_broadcast(stoa_session_server(session), request), STOA_OK);
  }
  return NULL;
}

static const struct stoa_error *on_strict(void *user, struct stoa_session *session,
                                          const struct plain_v1_strict_request *request,
                                          struct plain_v1_chat_ack *reply) {
  (void)user;
  (void)session;
  (void)request;
  reply->text = stoa_string_of("strict");
  return NULL;
}

void posting_create(struct fixture *fixture, const struct stoa_server_config *config) {
  static const struct plain_v1_plain_handlers handlers = {.chat = on_chat, .strict = on_strict};
  fixture->blocks_before = stoa_memory_live_blocks();
  atomic_store(&handled, 0);
  assert_int_equal(stoa_server_create(config, &fixture->server), STOA_OK);
  assert_int_equal(plain_v1_plain_register(fixture->server, &handlers, NULL), STOA_OK);
}

void posting_begin(struct fixture *fixture) {
  assert_int_equal(stoa_server_start(fixture->server), STOA_OK);
  fixture->address = stoa_server_address(fixture->server, 0);
}
