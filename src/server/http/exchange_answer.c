/* server/http/exchange_answer.c: what programs answer to HTTP requests, on any thread. */
#include "base/memory.h"
#include "server/http/error_json.h"
#include "server/http/exchange_private.h"
#include "server/http/response.h"

#include <assert.h>
#include <stoa/errors.h>

/* On its way to the worker: a piece, or the beginning. */
struct delivery {
  struct stoa_post post;
  struct stoa_http_exchange *exchange; /* a reference */
  bool is_begin;
  struct stoa_exchange_answer answer; /* its content is the piece */
  stoa_http_stream_event *on_event;
  void *event_context;
};

static bool is_here(const struct stoa_http_exchange *exchange) {
  return stoa_worker_current() == exchange->account->worker;
}

/* Making answers. */

static void answer_init(struct stoa_exchange_answer *answer) {
  *answer = (struct stoa_exchange_answer){.status = 200};
  stoa_buffer_init(&answer->fields, STOA_EXCHANGE_FIELDS_BYTES_MAX);
  stoa_buffer_init(&answer->content, STOA_EXCHANGE_BODY_BYTES_MAX);
}

static int make_head(struct stoa_exchange_answer *answer, const struct stoa_http_answer *reply) {
  answer_init(answer);
  answer->status = reply->status;
  int status = stoa_response_add_fields(reply, &answer->fields);
  if (status == STOA_OK && reply->content_type != NULL) {
    status = stoa_response_add_field(&answer->fields, "Content-Type", stoa_string_of(reply->content_type));
  }
  return status == STOA_E_LIMIT ? STOA_E_ARGUMENT : status;
}

static int make_answer(struct stoa_exchange_answer *answer, const struct stoa_http_answer *reply) {
  int status = make_head(answer, reply);
  if (status == STOA_OK) {
    status = stoa_buffer_append(&answer->content, reply->body.data, reply->body.len);
  }
  return status == STOA_E_LIMIT ? STOA_E_ARGUMENT : status;
}

/* Ending. */

/* On the worker. */
static void finish(struct stoa_http_exchange *exchange) {
  switch (exchange->ending) {
    case STOA_EXCHANGE_REPLY:
      stoa_exchange_send(exchange);
      break;
    case STOA_EXCHANGE_ERROR:
      stoa_exchange_send_error(exchange, 500, NULL);
      break;
    case STOA_EXCHANGE_END:
      stoa_exchange_complete(exchange);
      break;
    case STOA_EXCHANGE_ABORT:
      stoa_exchange_abort(exchange);
      break;
  }
}

static void on_finish(struct stoa_post *post) {
  struct stoa_http_exchange *exchange = stoa_container_of(post, struct stoa_http_exchange, post);
  assert(atomic_load(&exchange->state) == STOA_EXCHANGE_ENDED || exchange->stream == NULL);
  finish(exchange);
  stoa_exchange_unref(exchange);
}

/* The state was claimed. The post is part of the exchange, so the end reaches the worker also without memory; it takes
 * over the program's reference. */
static void end_claimed(struct stoa_http_exchange *exchange, enum stoa_exchange_ending ending) {
  exchange->ending = ending;
  if (is_here(exchange)) {
    bool is_taken = exchange->is_taken;
    finish(exchange);
    if (is_taken) {
      stoa_exchange_unref(exchange);
    }
  } else {
    assert(exchange->is_taken);
    exchange->post.run = on_finish;
    stoa_loop_post(exchange->account->worker->loop, &exchange->post);
  }
}

static int status_of_state(int state) {
  switch ((enum stoa_exchange_state)state) {
    case STOA_EXCHANGE_TIMED_OUT:
      return STOA_E_TIMEOUT;
    case STOA_EXCHANGE_GONE:
      return STOA_E_CLOSED;
    case STOA_EXCHANGE_OPEN:
    case STOA_EXCHANGE_STREAMING:
    case STOA_EXCHANGE_ENDED:
      return STOA_E_EXISTS;
  }
  return STOA_E_EXISTS;
}

/* Claim and end in one step, so that the end of the server waits for it (stoa_exchanges_wait()). Returns whether it was
 * claimed; *out_state is the state before. */
static bool try_end(struct stoa_http_exchange *exchange, enum stoa_exchange_state from,
                    enum stoa_exchange_ending ending, struct stoa_exchange_answer *answer, int *out_state) {
  struct stoa_exchange_account *account = exchange->account;
  atomic_fetch_add(&account->answering, 1);
  bool claimed = stoa_exchange_claim(exchange, from, STOA_EXCHANGE_ENDED, out_state);
  if (claimed) {
    bool is_drop = ending == STOA_EXCHANGE_ERROR || ending == STOA_EXCHANGE_ABORT;
    stoa_exchange_count(account, is_drop ? STOA_EXCHANGE_DROPPED : STOA_EXCHANGE_ANSWERED);
    if (answer != NULL) {
      exchange->answer = *answer;
      answer_init(answer);
    }
    end_claimed(exchange, ending);
  }
  atomic_fetch_sub(&account->answering, 1);
  return claimed;
}

/* The exchange has ended otherwise before; consume it. */
static int come_late(struct stoa_http_exchange *exchange, int state) {
  int status = status_of_state(state);
  if (status != STOA_E_EXISTS) {
    stoa_exchange_count(exchange->account, STOA_EXCHANGE_LATE);
  }
  if (exchange->is_taken) {
    stoa_exchange_unref(exchange);
  }
  return status;
}

/* A whole answer. made  the status of making it; after a failure the client gets 500 */
static int give(struct stoa_http_exchange *exchange, struct stoa_exchange_answer *answer, int made) {
  int state;
  bool is_made = made == STOA_OK;
  int status = made;
  if (!try_end(exchange, STOA_EXCHANGE_OPEN, is_made ? STOA_EXCHANGE_REPLY : STOA_EXCHANGE_ERROR,
               is_made ? answer : NULL, &state)) {
    if (state == STOA_EXCHANGE_STREAMING &&
        try_end(exchange, STOA_EXCHANGE_STREAMING, STOA_EXCHANGE_ABORT, NULL, &state)) {
      status = STOA_E_EXISTS; /* pieces without an end would keep the client waiting */
    } else {
      status = come_late(exchange, state);
    }
  }
  stoa_exchange_answer_fini(answer);
  return status;
}

int stoa_http_reply(struct stoa_http_exchange *exchange, const struct stoa_http_answer *reply) {
  struct stoa_exchange_answer answer;
  int made = make_answer(&answer, reply);
  return give(exchange, &answer, made);
}

int stoa_http_reply_message(struct stoa_http_exchange *exchange, uint16_t status, const struct stoa_message_type *type,
                            const void *message) {
  const struct stoa_http_answer reply = {.status = status, .content_type = "application/json"};
  struct stoa_exchange_answer answer;
  int made = make_head(&answer, &reply);
  if (made == STOA_OK) {
    made = stoa_codec_json.encode(type, message, &answer.content);
  }
  return give(exchange, &answer, made);
}

int stoa_http_fail(struct stoa_http_exchange *exchange, uint16_t status, const struct stoa_error *error) {
  char seconds[STOA_RESPONSE_RETRY_SIZE];
  const struct stoa_http_field retry = stoa_response_retry_after(error, seconds);
  const struct stoa_http_answer reply = {.status = status == 0 ? (uint16_t)stoa_error_http_status(error) : status,
                                         .content_type = "application/json",
                                         .fields = &retry,
                                         .field_count = error->retry_ms > 0 ? 1 : 0};
  struct stoa_exchange_answer answer;
  int made = make_head(&answer, &reply);
  if (made == STOA_OK) {
    made = stoa_error_write_json(error, &answer.content);
  }
  return give(exchange, &answer, made);
}

void stoa_http_drop(struct stoa_http_exchange *exchange) {
  int state;
  if (exchange != NULL && !try_end(exchange, STOA_EXCHANGE_OPEN, STOA_EXCHANGE_ERROR, NULL, &state) &&
      !(state == STOA_EXCHANGE_STREAMING &&
        try_end(exchange, STOA_EXCHANGE_STREAMING, STOA_EXCHANGE_ABORT, NULL, &state))) {
    int ignored = come_late(exchange, state);
    (void)ignored;
  }
}

int stoa_exchange_reply_from(struct stoa_http_exchange *exchange, const struct stoa_http_answer *reply,
                             struct stoa_http_content *source) {
  struct stoa_exchange_answer answer;
  int state;
  assert(exchange->is_handling);
  int status = make_head(&answer, reply);
  if (status == STOA_OK) {
    answer.is_streamed = true;
    exchange->source = source;
    exchange->is_complete = true;
    bool claimed = try_end(exchange, STOA_EXCHANGE_OPEN, STOA_EXCHANGE_REPLY, &answer, &state);
    if (claimed) {
      return STOA_OK;
    }
    exchange->source = NULL;
    status = status_of_state(state);
  }
  stoa_exchange_answer_fini(&answer);
  source->close(source);
  return status;
}

/* Taking. */

int stoa_http_take(struct stoa_http_exchange *exchange) {
  if (!exchange->is_handling || !is_here(exchange)) {
    return STOA_E_ARGUMENT;
  }
  if (exchange->is_taken) {
    return STOA_E_EXISTS;
  }
  int state = atomic_load(&exchange->state);
  if (exchange->stream == NULL || (state != STOA_EXCHANGE_OPEN && state != STOA_EXCHANGE_STREAMING)) {
    return STOA_E_CLOSED;
  }
  exchange->is_taken = true;
  atomic_fetch_add(&exchange->refs, 1);
  return STOA_OK;
}

int stoa_exchange_keep(struct stoa_http_exchange *exchange) {
  assert(exchange->rpc != NULL);
  if (exchange->is_taken) {
    return stoa_http_waits(exchange) ? STOA_OK : STOA_E_CLOSED;
  }
  return stoa_http_take(exchange);
}

bool stoa_http_waits(const struct stoa_http_exchange *exchange) {
  int state = atomic_load_explicit(&exchange->state, memory_order_relaxed);
  return state == STOA_EXCHANGE_OPEN || state == STOA_EXCHANGE_STREAMING;
}

/* Pieces. */

/* On the worker. The first piece is in the answer. */
static void begin_here(struct stoa_http_exchange *exchange, struct stoa_exchange_answer *answer,
                       stoa_http_stream_event *on_event, void *context) {
  size_t first_len = answer->content.len;
  exchange->on_event = on_event;
  exchange->event_context = context;
  exchange->has_event = true;
  exchange->answer = *answer;
  answer_init(answer);
  if (exchange->stream == NULL) {
    stoa_exchange_tell(exchange);
    return;
  }
  bool ignored = stoa_budget_take(&exchange->pieces, first_len); /* fits: there are no other pieces */
  (void)ignored;
  stoa_exchange_send(exchange);
  if (exchange->is_bodyless && exchange->stream != NULL) {
    stoa_budget_give(&exchange->pieces, first_len);
    stoa_buffer_fini(&exchange->answer.content);
  }
}

static void on_delivery(struct stoa_post *post) {
  struct delivery *delivery = stoa_container_of(post, struct delivery, post);
  struct stoa_http_exchange *exchange = delivery->exchange;
  if (delivery->is_begin) {
    begin_here(exchange, &delivery->answer, delivery->on_event, delivery->event_context);
  } else {
    stoa_exchange_add_piece(exchange, (struct stoa_bytes){delivery->answer.content.data, delivery->answer.content.len});
  }
  stoa_exchange_answer_fini(&delivery->answer);
  stoa_free(delivery);
  stoa_exchange_unref(exchange);
}

static void deliver(struct stoa_http_exchange *exchange, struct delivery *delivery) {
  delivery->post.run = on_delivery;
  delivery->exchange = exchange;
  atomic_fetch_add(&exchange->refs, 1);
  stoa_loop_post(exchange->account->worker->loop, &delivery->post);
}

/* The state is STREAMING already: a server that ends meanwhile waits. */
static void begin_claimed(struct stoa_http_exchange *exchange, struct delivery *delivery) {
  if (is_here(exchange)) {
    begin_here(exchange, &delivery->answer, delivery->on_event, delivery->event_context);
    stoa_exchange_answer_fini(&delivery->answer);
    stoa_free(delivery);
  } else {
    deliver(exchange, delivery);
  }
}

int stoa_http_begin(struct stoa_http_exchange *exchange, const struct stoa_http_answer *reply,
                    stoa_http_stream_event *on_event, void *context) {
  struct stoa_exchange_account *account = exchange->account;
  struct delivery *delivery = stoa_calloc(1, sizeof *delivery);
  int state;
  if (delivery == NULL) {
    return STOA_E_MEMORY;
  }
  delivery->is_begin = true;
  delivery->on_event = on_event;
  delivery->event_context = context;
  int status = make_answer(&delivery->answer, reply);
  delivery->answer.is_streamed = true;
  atomic_fetch_add(&account->answering, 1);
  if (status == STOA_OK && !stoa_exchange_claim(exchange, STOA_EXCHANGE_OPEN, STOA_EXCHANGE_STREAMING, &state)) {
    status = status_of_state(state);
  }
  if (status == STOA_OK) {
    begin_claimed(exchange, delivery);
  }
  atomic_fetch_sub(&account->answering, 1);
  if (status != STOA_OK) {
    stoa_exchange_answer_fini(&delivery->answer);
    stoa_free(delivery);
  }
  return status;
}

static int send_piece(struct stoa_http_exchange *exchange, struct stoa_bytes piece) {
  struct delivery *delivery = stoa_calloc(1, sizeof *delivery);
  if (delivery == NULL) {
    return STOA_E_MEMORY;
  }
  answer_init(&delivery->answer);
  int status = stoa_buffer_append(&delivery->answer.content, piece.data, piece.len);
  if (status != STOA_OK) {
    stoa_free(delivery);
    return status;
  }
  deliver(exchange, delivery);
  return STOA_OK;
}

static int write_streaming(struct stoa_http_exchange *exchange, struct stoa_bytes piece) {
  if (piece.len > STOA_EXCHANGE_BODY_BYTES_MAX / 2 || !stoa_budget_take(&exchange->pieces, piece.len)) {
    return STOA_E_LIMIT;
  }
  int status = STOA_OK;
  if (is_here(exchange)) {
    stoa_exchange_add_piece(exchange, piece);
  } else {
    status = send_piece(exchange, piece);
  }
  if (status != STOA_OK) {
    stoa_budget_give(&exchange->pieces, piece.len);
  }
  return status;
}

int stoa_http_write(struct stoa_http_exchange *exchange, struct stoa_bytes piece) {
  struct stoa_exchange_account *account = exchange->account;
  int status = STOA_E_CLOSED;
  atomic_fetch_add(&account->answering, 1);
  int state = atomic_load(&exchange->state);
  if (state == STOA_EXCHANGE_STREAMING) {
    status = piece.len == 0 ? STOA_OK : write_streaming(exchange, piece);
  } else if (state == STOA_EXCHANGE_OPEN) {
    status = STOA_E_ARGUMENT;
  }
  atomic_fetch_sub(&account->answering, 1);
  return status;
}

int stoa_http_end(struct stoa_http_exchange *exchange) {
  int state;
  if (try_end(exchange, STOA_EXCHANGE_STREAMING, STOA_EXCHANGE_END, NULL, &state)) {
    return STOA_OK;
  }
  if (state == STOA_EXCHANGE_OPEN && try_end(exchange, STOA_EXCHANGE_OPEN, STOA_EXCHANGE_ERROR, NULL, &state)) {
    return STOA_E_ARGUMENT;
  }
  int ignored = come_late(exchange, state);
  (void)ignored;
  return STOA_E_CLOSED;
}
