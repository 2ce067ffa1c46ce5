#include "client/client_private.h"

#include "base/container.h"
#include "base/memory.h"

#include <assert.h>
#include <stoa/log.h>

/* What the server may send at first, and as much again when all of it was taken. docs/streams.md */
#define WINDOW_BYTES (256 * 1024)

struct stream {
  struct stoa_client_call call; /* first */
  void (*invoke)(stoa_client_function function, void *user, struct stoa_client *client, const void *item);
  stoa_client_function function;
  int64_t credit; /* what the server may still send: bytes of payload, and STOA_TYPED_ITEM_COST for each item */
  uint32_t taken; /* bytes that the program has taken and that were not granted again */
  bool is_paused;
  struct stoa_buffer kept; /* items that wait for the program: each its length and its payload */
  size_t kept_at;          /* those before it were delivered */
  bool has_end;            /* the server's end waits behind them */
  bool ends_with_error;
  struct stoa_buffer error; /* its payload */
};

static struct stream *stream_of(struct stoa_client_call *call) {
  assert(call->is_stream);
  return stoa_container_of(call, struct stream, call);
}

/* Frames to the server. */

/* Without room for it the stream cannot go on, or the server learns nothing of its end: that is for the caller. */
static int queue_frame(struct stoa_client *client, const struct stoa_typed *typed) {
  uint8_t frame[STOA_TYPED_HEADER_LEN_MAX + STOA_TYPED_CREDIT_LEN_MAX];
  if (client->settings.subprotocol != STOA_CLIENT_TEXT) {
    size_t len = stoa_typed_write(frame, client->settings.order, typed);
    if (typed->payload.len > 0) {
      memcpy(frame + len, typed->payload.data, typed->payload.len);
    }
    return stoa_client_queue_control(client, STOA_WS_BINARY, stoa_bytes_make(frame, len + typed->payload.len));
  }
  struct stoa_buffer text;
  stoa_buffer_init(&text, STOA_WS_CONTROL_LEN_MAX);
  int status = stoa_typed_text_write(typed, false, &text);
  if (status == STOA_OK) {
    status = stoa_client_queue_control(client, STOA_WS_TEXT, stoa_bytes_make(text.data, text.len));
  }
  stoa_buffer_fini(&text);
  return status;
}

static int grant(struct stream *stream) {
  struct stoa_client *client = stream->call.client;
  uint8_t payload[STOA_TYPED_CREDIT_LEN_MAX];
  size_t len = stoa_typed_credit_write(stream->taken, client->settings.order,
                                       client->settings.subprotocol == STOA_CLIENT_TEXT, payload);
  const struct stoa_typed typed = {.type = stream->call.type | STOA_TYPE_MORE,
                                   .is_call = true,
                                   .is_error = true,
                                   .id = stream->call.id,
                                   .payload = stoa_bytes_make(payload, len)};
  int status = queue_frame(client, &typed);
  if (status == STOA_OK) {
    stream->credit += stream->taken;
    stream->taken = 0;
  }
  return status;
}

void stoa_client_stream_tell_cancel(struct stoa_client_call *call) {
  struct stoa_client *client = call->client;
  bool is_text = client->settings.subprotocol == STOA_CLIENT_TEXT;
  const struct stoa_typed typed = {.type = call->type,
                                   .is_call = true,
                                   .is_error = true,
                                   .id = call->id,
                                   .payload = stoa_bytes_make("null", is_text ? 4 : 0)};
  if (client->phase == STOA_PHASE_OPEN) {
    int ignored = queue_frame(client, &typed);
    (void)ignored; /* the server's items are ignored, and it gets no more credit */
  }
}

/* Ends. */

static void end(struct stream *stream, const struct stoa_call_end *result) {
  struct stoa_client_call *taken = stoa_client_calls_take(stream->call.client, stream->call.id);
  assert(taken == &stream->call);
  stoa_client_call_finish(taken, result);
}

/* The server has broken the rules, or memory is out. */
static void give_up(struct stream *stream, const char *why) {
  stoa_log(STOA_LOG_WARN, "a stream is given up", STOA_F_STR("why", why), STOA_F_INT("type", stream->call.type));
  stoa_client_stream_tell_cancel(&stream->call);
  end(stream, &(struct stoa_call_end){.result = STOA_CALL_MALFORMED, .call_id = stream->call.id});
}

static void end_as_told(struct stream *stream, bool is_error, struct stoa_bytes payload) {
  struct stoa_call_end result = {.result = STOA_CALL_DONE, .call_id = stream->call.id};
  if (!is_error && stream->call.reply_type == NULL) {
    result.message = &payload;
  } else if (is_error) {
    result.error = stoa_client_decode(stream->call.client, &stoa_error_type, &payload, "the error of a stream");
    result.result = result.error != NULL ? STOA_CALL_ERROR : STOA_CALL_MALFORMED;
  }
  end(stream, &result);
}

/* Items. */

/* False when the stream has ended because of it. */
static bool deliver(struct stream *stream, struct stoa_bytes payload) {
  struct stoa_client_call *call = &stream->call;
  const void *item = stoa_client_decode(call->client, call->reply_type, &payload, "an item of a stream");
  if (item == NULL) {
    give_up(stream, "an item cannot be decoded");
    return false;
  }
  if (stream->invoke != NULL) {
    stream->invoke(stream->function, call->user, call->client, item);
  }
  stream->taken += (uint32_t)payload.len + STOA_TYPED_ITEM_COST;
  return true;
}

static bool grant_when_due(struct stream *stream) {
  bool is_due = !stream->is_paused && stream->taken >= WINDOW_BYTES / 2;
  if (is_due && stream->call.client->phase == STOA_PHASE_OPEN && grant(stream) != STOA_OK) {
    give_up(stream, "out of memory");
    return false;
  }
  return true;
}

static bool is_behind(const struct stream *stream) {
  return stream->is_paused || stream->kept_at < stream->kept.len;
}

static int keep(struct stream *stream, struct stoa_bytes payload) {
  uint32_t len = (uint32_t)payload.len;
  int status = stoa_buffer_reserve(&stream->kept, sizeof len + payload.len);
  if (status == STOA_OK) {
    stoa_buffer_append(&stream->kept, &len, sizeof len);
    stoa_buffer_append(&stream->kept, payload.data, payload.len);
  }
  return status;
}

static void on_item(struct stream *stream, struct stoa_bytes payload) {
  if (stream->credit <= 0) {
    give_up(stream, "the server sends more than was granted");
    return;
  }
  stream->credit -= (int64_t)payload.len + STOA_TYPED_ITEM_COST;
  if (is_behind(stream)) {
    if (keep(stream, payload) != STOA_OK) {
      give_up(stream, "items cannot be kept");
    }
  } else if (deliver(stream, payload)) {
    bool ignored = grant_when_due(stream);
    (void)ignored;
  }
}

static void on_end(struct stream *stream, const struct stoa_typed *typed) {
  if (!is_behind(stream)) {
    end_as_told(stream, typed->is_error, typed->payload);
    return;
  }
  stream->has_end = true;
  stream->ends_with_error = typed->is_error;
  if (typed->is_error && stoa_buffer_append(&stream->error, typed->payload.data, typed->payload.len) != STOA_OK) {
    give_up(stream, "its error cannot be kept");
  }
}

void stoa_client_stream_answer(struct stoa_client_call *call, const struct stoa_typed *typed) {
  struct stream *stream = stream_of(call);
  bool is_item = (typed->type & STOA_TYPE_MORE) != 0;
  if ((typed->type & STOA_TYPE_STREAM_MAX) != call->type || (is_item && typed->is_error)) {
    give_up(stream, "a frame has the wrong type");
  } else if (stream->has_end) {
    give_up(stream, "a frame comes after the end");
  } else if (is_item) {
    on_item(stream, typed->payload);
  } else {
    on_end(stream, typed);
  }
}

/* Pausing. */

static struct stream *find(struct stoa_client *client, uint32_t id) {
  struct stoa_client_call *call = stoa_client_calls_find(client, id);
  return call == NULL || !call->is_stream ? NULL : stream_of(call);
}

static struct stoa_bytes take_kept(struct stream *stream) {
  uint32_t len;
  memcpy(&len, stream->kept.data + stream->kept_at, sizeof len);
  stream->kept_at += sizeof len + len;
  assert(stream->kept_at <= stream->kept.len);
  return stoa_bytes_make(stream->kept.data + stream->kept_at - len, len);
}

static void go_on(struct stream *stream) {
  struct stoa_arena *arena = stream->call.client->arena;
  stream->is_paused = false;
  while (!stream->is_paused && stream->kept_at < stream->kept.len) {
    bool goes_on = deliver(stream, take_kept(stream));
    stoa_arena_reset(arena);
    if (!goes_on) {
      return;
    }
  }
  if (stream->kept_at == stream->kept.len) {
    stoa_buffer_fini(&stream->kept);
    stream->kept_at = 0;
  }
  if (!grant_when_due(stream) || is_behind(stream) || !stream->has_end) {
    return;
  }
  end_as_told(stream, stream->ends_with_error, stoa_bytes_make(stream->error.data, stream->error.len));
  stoa_arena_reset(arena);
}

struct pausing {
  struct stoa_post post;
  struct stoa_client *client;
  uint32_t call_id;
  bool is_pause;
};

static void run_pausing(struct stoa_post *post) {
  struct pausing *pausing = stoa_container_of(post, struct pausing, post);
  struct stream *stream = find(pausing->client, pausing->call_id);
  if (stream != NULL && pausing->is_pause) {
    stream->is_paused = true;
  } else if (stream != NULL && !pausing->client->destroying) {
    go_on(stream);
  }
  stoa_free(pausing);
}

static int post_pausing(struct stoa_client *client, uint32_t call_id, bool is_pause) {
  struct pausing *pausing = stoa_calloc(1, sizeof *pausing);
  if (pausing == NULL) {
    return STOA_E_MEMORY;
  }
  *pausing = (struct pausing){.post.run = run_pausing, .client = client, .call_id = call_id, .is_pause = is_pause};
  stoa_loop_post(client->loop, &pausing->post);
  return STOA_OK;
}

int stoa_client_stream_pause(struct stoa_client *client, uint32_t call_id) {
  if (!stoa_loop_is_turning(client->loop)) {
    return post_pausing(client, call_id, true);
  }
  struct stream *stream = find(client, call_id);
  if (stream != NULL) {
    stream->is_paused = true;
  }
  return STOA_OK;
}

int stoa_client_stream_resume(struct stoa_client *client, uint32_t call_id) {
  return post_pausing(client, call_id, false);
}

/* Life. */

static void invoke_end(stoa_client_function function, void *user, struct stoa_client *client,
                       const struct stoa_call_end *result) {
  ((stoa_client_on_end *)function)(user, client, result);
}

static void destroy(struct stoa_client_call *call) {
  struct stream *stream = stream_of(call);
  stoa_buffer_fini(&stream->kept);
  stoa_buffer_fini(&stream->error);
  stoa_free(stream);
}

struct stoa_client_call *stoa_client_stream_make(struct stoa_client *client,
                                                 const struct stoa_client_stream_start *start, uint32_t id) {
  struct stream *stream = stoa_calloc(1, sizeof *stream);
  if (stream == NULL) {
    return NULL;
  }
  stream->call.client = client;
  stream->call.id = id;
  stream->call.is_stream = true;
  stream->call.type = start->type;
  stream->call.reply_type = start->item_type;
  stream->call.invoke = invoke_end;
  stream->call.function = (stoa_client_function)start->on_end;
  stream->call.user = start->user;
  stream->call.destroy = destroy;
  stream->invoke = start->invoke;
  stream->function = start->function;
  stream->credit = WINDOW_BYTES;
  /* Its length in front takes less than what an item costs beside its payload, so the credit bounds what is kept. */
  stoa_buffer_init(&stream->kept, WINDOW_BYTES + STOA_TYPED_ITEM_COST + client->settings.received_message_bytes_max);
  stoa_buffer_init(&stream->error, client->settings.received_message_bytes_max);
  return &stream->call;
}
