#include "client/client_private.h"

#include "base/container.h"
#include "base/memory.h"

#include <assert.h>
#include <stoa/log.h>

/* Codes of errors that say that the server is in trouble: from enum stoa_error_code (stoa/session.h), which is for
 * servers, and Kratos's numbers, which are HTTP's. */
#define CODE_INTERNAL 100u
#define CODE_UNAVAILABLE 108u
#define SERVER_CODES_MIN 500u
#define SERVER_CODES_MAX 599u

static struct stoa_client_call **bucket_of(struct stoa_client *client, uint32_t id) {
  return &client->calls_in_flight[id % STOA_CLIENT_CALL_BUCKETS];
}

struct stoa_client_call *stoa_client_calls_find(struct stoa_client *client, uint32_t id) {
  struct stoa_client_call *call = *bucket_of(client, id);
  while (call != NULL && call->id != id) {
    call = call->next;
  }
  return call;
}

struct stoa_client_call *stoa_client_calls_take(struct stoa_client *client, uint32_t id) {
  for (struct stoa_client_call **link = bucket_of(client, id); *link != NULL; link = &(*link)->next) {
    struct stoa_client_call *call = *link;
    if (call->id == id) {
      *link = call->next;
      stoa_loop_timer_stop(client->loop, &call->timer);
      return call;
    }
  }
  return NULL;
}

/* Did the server accept it? Errors of the program do not say that it is in trouble. */
static bool is_accepted(const struct stoa_call_end *end) {
  const struct stoa_error *error = end->error;
  return end->result == STOA_CALL_REPLY || end->result == STOA_CALL_DONE ||
         (end->result == STOA_CALL_ERROR && error->code != CODE_INTERNAL && error->code != CODE_UNAVAILABLE &&
          (error->code < SERVER_CODES_MIN || error->code > SERVER_CODES_MAX));
}

void stoa_client_call_finish(struct stoa_client_call *call, const struct stoa_call_end *end) {
  struct stoa_client *client = call->client;
  unsigned before = atomic_fetch_sub_explicit(&client->calls, 1, memory_order_relaxed);
  assert(before > 0);
  if (client->breaker != NULL && end->result != STOA_CALL_CANCELLED) {
    stoa_breaker_note(client->breaker, is_accepted(end));
  }
  if (!client->destroying) {
    call->invoke(call->function, call->user, client, end);
  }
  call->destroy(call);
}

static void finish_as(struct stoa_client_call *call, enum stoa_call_result result) {
  struct stoa_call_end end = {.result = result, .call_id = call->id};
  stoa_client_call_finish(call, &end);
}

static void on_due(struct stoa_timer *timer) {
  struct stoa_client_call *call = stoa_container_of(timer, struct stoa_client_call, timer);
  struct stoa_client_call *taken = stoa_client_calls_take(call->client, call->id);
  assert(taken == call);
  finish_as(taken, STOA_CALL_TIMEOUT);
}

void stoa_client_calls_add(struct stoa_client *client, struct stoa_client_call *call) {
  assert(call->id != 0);
  assert(call->client == client);
  struct stoa_client_call **bucket = bucket_of(client, call->id);
  call->next = *bucket;
  *bucket = call;
  if (call->timeout_ms > 0) {
    call->timer.on_due = on_due;
    stoa_loop_timer_start(client->loop, &call->timer, call->timeout_ms);
  }
}

void stoa_client_calls_cancel(struct stoa_client *client, uint32_t id) {
  struct stoa_client_call *call = stoa_client_calls_take(client, id);
  if (call != NULL) {
    finish_as(call, STOA_CALL_CANCELLED);
  }
}

void stoa_client_calls_lose(struct stoa_client *client) {
  for (size_t i = 0; i < STOA_CLIENT_CALL_BUCKETS; i++) {
    while (client->calls_in_flight[i] != NULL) {
      struct stoa_client_call *call = stoa_client_calls_take(client, client->calls_in_flight[i]->id);
      finish_as(call, STOA_CALL_LOST);
    }
  }
}

/* An answer to a unary call. One without its call is ignored, for example when the call has timed out. */
void stoa_client_calls_answer(struct stoa_client *client, const struct stoa_typed *typed) {
  struct stoa_client_call *call = stoa_client_calls_take(client, typed->id);
  if (call == NULL) {
    stoa_log(STOA_LOG_DEBUG, "an answer matches no call in flight", STOA_F_INT("type", typed->type),
             STOA_F_INT("id", typed->id));
    return;
  }
  struct stoa_call_end end = {.result = STOA_CALL_MALFORMED, .call_id = call->id};
  if (typed->type != call->type) {
    stoa_log(STOA_LOG_WARN, "an answer has the wrong type", STOA_F_INT("type", typed->type),
             STOA_F_INT("expected", call->type));
  } else if (typed->is_error) {
    end.error = stoa_client_decode(client, &stoa_error_type, &typed->payload, "the error of a call");
    end.result = end.error != NULL ? STOA_CALL_ERROR : STOA_CALL_MALFORMED;
  } else {
    end.message = stoa_client_decode(client, call->reply_type, &typed->payload, "the reply of a call");
    end.result = end.message != NULL ? STOA_CALL_REPLY : STOA_CALL_MALFORMED;
  }
  stoa_client_call_finish(call, &end);
}
