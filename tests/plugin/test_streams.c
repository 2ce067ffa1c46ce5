/* The generated code of an rpc that returns a stream; the server is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/call_stream.h>
#include <stoa/error.stoa.h>
#include <stoa/server.h>

#include "streams.stoa.h"

static char server_place, session_place, stream_place;
#define SERVER ((struct stoa_server *)&server_place)
#define SESSION ((struct stoa_session *)&session_place)
#define STREAM ((struct stoa_call_stream *)&stream_place)

const struct stoa_error stoa_later;

/* What the generated code has asked for. */
static struct {
  struct stoa_handler handler;
  unsigned handler_count;
  const char *function;
  const void *stream, *message;
  const struct stoa_message_type *type;
} asked;

static int note(const char *function, const void *stream, const struct stoa_message_type *type, const void *message) {
  asked.function = function;
  asked.stream = stream;
  asked.type = type;
  asked.message = message;
  return STOA_E_LIMIT;
}

int stoa_server_handle(struct stoa_server *server, const struct stoa_handler *handler) {
  assert_ptr_equal(server, SERVER);
  asked.handler = *handler;
  asked.handler_count++;
  return STOA_OK;
}

int stoa_call_reply(struct stoa_call *call, const struct stoa_message_type *type, const void *reply) {
  return note("reply", call, type, reply);
}

int stoa_call_fail(struct stoa_call *call, const struct stoa_error *error) {
  return note("fail", call, NULL, error);
}

int stoa_call_stream_send(struct stoa_call_stream *stream, const struct stoa_message_type *type, const void *item) {
  return note("send", stream, type, item);
}

int stoa_call_stream_end(struct stoa_call_stream *stream) {
  return note("end", stream, NULL, NULL);
}

int stoa_call_stream_fail(struct stoa_call_stream *stream, const struct stoa_error *error) {
  return note("stream fail", stream, NULL, error);
}

static const struct stoa_error *on_watch(void *user, struct stoa_session *session,
                                         const struct streams_watch_request *request, struct stoa_call_stream *stream) {
  assert_null(user);
  assert_ptr_equal(session, SESSION);
  assert_ptr_equal(request, asked.message);
  assert_ptr_equal(stream, STREAM);
  return STOA_LATER;
}

static void the_handler_of_a_stream_gets_the_request_and_the_handle(void **state) {
  (void)state;
  const struct streams_watch_request request = {.name = STOA_STR("a")};
  const struct streams_prices_handlers handlers = {.watch = on_watch};
  assert_int_equal(streams_prices_register(SERVER, &handlers, NULL), STOA_OK);
  assert_int_equal(asked.handler_count, 1);
  assert_true(asked.handler.is_stream);
  assert_ptr_equal(asked.handler.reply, &streams_price_type);
  asked.message = &request;
  assert_ptr_equal(asked.handler.invoke(asked.handler.function, NULL, SESSION, &request, STREAM), STOA_LATER);
}

static void functions_name_the_item_and_pass_the_status_on(void **state) {
  (void)state;
  static const struct stoa_error error = {.code = 7};
  const struct streams_price price = {.cents = 3};
  assert_int_equal(streams_prices_watch_send(STREAM, &price), STOA_E_LIMIT);
  assert_string_equal(asked.function, "send");
  assert_ptr_equal(asked.stream, STREAM);
  assert_ptr_equal(asked.type, &streams_price_type);
  assert_ptr_equal(asked.message, &price);
  assert_int_equal(streams_prices_watch_end(STREAM), STOA_E_LIMIT);
  assert_string_equal(asked.function, "end");
  assert_int_equal(streams_prices_watch_fail(STREAM, &error), STOA_E_LIMIT);
  assert_string_equal(asked.function, "stream fail");
  assert_ptr_equal(asked.message, &error);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_handler_of_a_stream_gets_the_request_and_the_handle),
      cmocka_unit_test(functions_name_the_item_and_pass_the_status_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
