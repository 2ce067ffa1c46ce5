/* A stream of prices, over WebSocket and as Server-Sent Events:
 *
 *   stoa call ws://localhost:7700/ Ticker.Watch '{"name":"tea","count":"3"}' --proto ticker.proto
 *   curl -N 'http://localhost:7700/v1/prices/tea?count=3'
 *
 * It sends until there is no more room, and goes on when it is told. */
#include <stdlib.h>

#include <stoa/app.h>
#include <stoa/call_stream.h>

#include "ticker.stoa.h"

/* One caller's stream. */
struct watch {
  struct stoa_call_stream *stream;
  uint64_t next, count;
};

static void send_more(struct watch *watch) {
  int status = STOA_OK;
  while (status == STOA_OK && watch->next < watch->count) {
    const struct ticker_v1_price price = {.number = watch->next, .cents = (uint32_t)(watch->next * 37 % 1000)};
    status = ticker_v1_ticker_watch_send(watch->stream, &price);
    watch->next += status == STOA_OK;
  }
  if (status == STOA_OK) {
    int ignored = ticker_v1_ticker_watch_end(watch->stream);
    (void)ignored; /* the caller has gone */
  } else if (status != STOA_E_AGAIN) {
    stoa_call_stream_drop(watch->stream);
  }
}

static void on_event(void *context, struct stoa_call_stream *stream, int status) {
  struct watch *watch = context;
  if (status == STOA_OK) {
    send_more(watch);
    return;
  }
  stoa_call_stream_drop(stream); /* NULL when it was ended here */
  free(watch);
}

static const struct stoa_error *on_watch(void *user, struct stoa_session *session,
                                         const struct ticker_v1_watch_request *request,
                                         struct stoa_call_stream *stream) {
  (void)user;
  struct watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL || stoa_call_stream_listen(stream, on_event, watch) != STOA_OK) {
    free(watch);
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
  }
  *watch = (struct watch){stream, 0, request->count};
  send_more(watch);
  return STOA_LATER;
}

static int setup(struct stoa_server *server, const void *config, void *user) {
  static const struct ticker_v1_ticker_handlers handlers = {.watch = on_watch};
  (void)config;
  return ticker_v1_ticker_register(server, &handlers, user);
}

int main(int argc, char **argv) {
  const struct stoa_app app = {.name = "ticker", .about = "Sends prices as a stream.", .setup = setup};
  return stoa_app_run(&app, argc, argv);
}
