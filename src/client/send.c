#include "client/client_private.h"

#include "base/container.h"
#include "base/memory.h"
#include "base/sys.h"

#include <assert.h>
#include <stoa/log.h>

/* One message to write, and the header of its typed frame. */
struct sending {
  struct stoa_typed typed; /* without the payload */
  const struct stoa_message_type *message_type;
  const void *message;
};

static int append_payload(const struct stoa_client *client, const struct sending *sending, struct stoa_buffer *out) {
  if (sending->message_type != NULL) {
    return client->settings.codec->encode(sending->message_type, sending->message, out);
  }
  const struct stoa_bytes *payload = sending->message;
  return stoa_buffer_append(out, payload->data, payload->len);
}

static int append_text(const struct stoa_client *client, const struct sending *sending, struct stoa_buffer *out) {
  struct stoa_buffer payload;
  struct stoa_typed typed = sending->typed;
  stoa_buffer_init(&payload, client->settings.message_bytes_max);
  int status = append_payload(client, sending, &payload);
  if (status == STOA_OK) {
    typed.payload = stoa_bytes_make(payload.data, payload.len);
    status = stoa_typed_text_write(&typed, false, out);
  }
  stoa_buffer_fini(&payload);
  return status;
}

static int append_body(const struct stoa_client *client, const struct sending *sending, struct stoa_buffer *out) {
  uint8_t header[STOA_TYPED_HEADER_LEN_MAX];
  if (client->settings.subprotocol == STOA_CLIENT_TEXT) {
    return append_text(client, sending, out);
  }
  size_t header_len = stoa_typed_write(header, client->settings.order, &sending->typed);
  int status = stoa_buffer_append(out, header, header_len);
  return status == STOA_OK ? append_payload(client, sending, out) : status;
}

/* RFC 6455 5.3: each frame of a client has a new mask that cannot be predicted. */
static int wrap(const struct stoa_client *client, struct stoa_outgoing_frame *frame) {
  assert(frame->buffer.len >= STOA_CLIENT_FRAME_GAP);
  uint8_t header[STOA_WS_HEADER_LEN_MAX];
  uint32_t mask;
  int status = stoa_random_pooled(&mask, sizeof mask);
  if (status != STOA_OK) {
    return status;
  }
  uint8_t *body = frame->buffer.data + STOA_CLIENT_FRAME_GAP;
  size_t body_len = frame->buffer.len - STOA_CLIENT_FRAME_GAP;
  bool is_text = client->settings.subprotocol == STOA_CLIENT_TEXT;
  size_t header_len = stoa_ws_header_write(header, is_text ? STOA_WS_TEXT : STOA_WS_BINARY, false, body_len);
  header[1] |= 0x80;
  memcpy(header + header_len, &mask, sizeof mask);
  header_len += sizeof mask;
  assert(header_len <= STOA_CLIENT_FRAME_GAP);
  frame->start = STOA_CLIENT_FRAME_GAP - header_len;
  memcpy(frame->buffer.data + frame->start, header, header_len);
  stoa_ws_mask(mask, body, body_len);
  return STOA_OK;
}

static void destroy_frame(struct stoa_outgoing_frame *frame) {
  if (frame != NULL) {
    stoa_buffer_fini(&frame->buffer);
    stoa_free(frame);
  }
}

static int make_frame(struct stoa_client *client, const struct sending *sending,
                      struct stoa_outgoing_frame **out_frame) {
  struct stoa_outgoing_frame *frame = stoa_calloc(1, sizeof *frame);
  if (frame == NULL) {
    return STOA_E_MEMORY;
  }
  frame->client = client;
  stoa_buffer_init(&frame->buffer, STOA_CLIENT_FRAME_GAP + (size_t)client->settings.message_bytes_max);
  int status = stoa_buffer_reserve(&frame->buffer, STOA_CLIENT_FRAME_GAP);
  if (status == STOA_OK) {
    frame->buffer.len = STOA_CLIENT_FRAME_GAP;
    status = append_body(client, sending, &frame->buffer);
  }
  if (status == STOA_OK) {
    status = wrap(client, frame);
  }
  if (status != STOA_OK) {
    destroy_frame(frame);
    return status;
  }
  *out_frame = frame;
  return STOA_OK;
}

static size_t frame_len(const struct stoa_outgoing_frame *frame) {
  return frame->buffer.len - frame->start;
}

/* Count the frame against the client's caps; nothing is counted after an error. */
static int reserve(struct stoa_client *client, size_t len, bool is_call) {
  size_t before = atomic_fetch_add_explicit(&client->outgoing, len, memory_order_relaxed);
  if (before + len > client->settings.outgoing_bytes_max) {
    atomic_fetch_sub_explicit(&client->outgoing, len, memory_order_relaxed);
    return STOA_E_LIMIT;
  }
  if (is_call && atomic_fetch_add_explicit(&client->calls, 1, memory_order_relaxed) >= client->settings.calls_max) {
    atomic_fetch_sub_explicit(&client->calls, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&client->outgoing, len, memory_order_relaxed);
    return STOA_E_LIMIT;
  }
  return STOA_OK;
}

/* On the client's thread. */
static void run_frame(struct stoa_post *post) {
  struct stoa_outgoing_frame *frame = stoa_container_of(post, struct stoa_outgoing_frame, post);
  struct stoa_client *client = frame->client;
  struct stoa_client_call *call = frame->call;
  assert(frame->start < STOA_CLIENT_FRAME_GAP);
  atomic_fetch_sub_explicit(&client->outgoing, frame_len(frame), memory_order_relaxed);
  bool takes = client->phase == STOA_PHASE_OPEN && client->serial == frame->serial && !client->destroying;
  if (takes && call != NULL) {
    stoa_client_calls_add(client, call);
  } else if (call != NULL) {
    stoa_client_call_finish(call, &(struct stoa_call_end){.result = STOA_CALL_LOST, .call_id = call->id});
  }
  /* A message that is dropped without an error would be worse than a lost connection. */
  if (takes && stoa_client_queue(client, frame->buffer.data + frame->start, frame_len(frame)) != STOA_OK) {
    stoa_client_drop_for(client, STOA_E_MEMORY, "out of memory");
  }
  destroy_frame(frame);
}

/* On success the frame owns `call`. */
static int post_message(struct stoa_client *client, const struct sending *sending, struct stoa_client_call *call) {
  uint32_t serial = atomic_load_explicit(&client->open_serial, memory_order_acquire);
  struct stoa_outgoing_frame *frame;
  if (serial == 0) {
    return STOA_E_CLOSED;
  }
  int status = make_frame(client, sending, &frame);
  if (status != STOA_OK) {
    return status;
  }
  status = reserve(client, frame_len(frame), call != NULL);
  if (status != STOA_OK) {
    destroy_frame(frame);
    return status;
  }
  frame->serial = serial;
  frame->call = call;
  frame->post.run = run_frame;
  stoa_loop_post(client->loop, &frame->post);
  return STOA_OK;
}

int stoa_client_send(struct stoa_client *client, uint32_t type, const struct stoa_message_type *message_type,
                     const void *message) {
  if (type > STOA_TYPE_MAX) {
    return STOA_E_ARGUMENT;
  }
  struct sending sending = {{.type = type}, message_type, message};
  return post_message(client, &sending, NULL);
}

/* 0 is not an id, so that a program may use it for "none". */
static uint32_t next_id(struct stoa_client *client) {
  uint32_t id;
  do {
    id = atomic_fetch_add_explicit(&client->call_id, 1, memory_order_relaxed) + 1;
  } while (id == 0);
  return id;
}

static void free_call(struct stoa_client_call *call) {
  stoa_free(call);
}

static struct stoa_client_call *make_call(struct stoa_client *client, const struct stoa_call_start *asked) {
  struct stoa_client_call *call = stoa_calloc(1, sizeof *call);
  if (call != NULL) {
    call->client = client;
    call->id = next_id(client);
    call->timeout_ms = asked->timeout_ms != 0 ? asked->timeout_ms : client->settings.call_ms;
    call->type = asked->type;
    call->reply_type = asked->reply_type;
    call->invoke = asked->invoke;
    call->function = asked->function;
    call->user = asked->user;
    call->destroy = free_call;
  }
  return call;
}

/* Without random bytes every call is let through. */
static bool breaker_allows(struct stoa_client *client) {
  uint32_t random = UINT32_MAX;
  if (client->breaker == NULL) {
    return true;
  }
  int ignored = stoa_random_pooled(&random, sizeof random);
  (void)ignored;
  return stoa_breaker_allows(client->breaker, random);
}

/* May a call begin now? Errors: as stoa_client_call() */
static int check_call(struct stoa_client *client) {
  if (client->settings.subprotocol == STOA_CLIENT_NONE) {
    return STOA_E_UNSUPPORTED;
  }
  if (atomic_load_explicit(&client->open_serial, memory_order_acquire) == 0) {
    return STOA_E_CLOSED;
  }
  return breaker_allows(client) ? STOA_OK : STOA_E_AGAIN;
}

/* Send the request of a call, NULL when memory is out; it is freed after an error. */
static int post_call(struct stoa_client *client, struct stoa_client_call *call,
                     const struct stoa_message_type *request_type, const void *request, uint32_t *out_call_id) {
  if (call == NULL) {
    return STOA_E_MEMORY;
  }
  uint32_t before = out_call_id != NULL ? *out_call_id : 0;
  struct sending sending = {{.type = call->type, .is_call = true, .id = call->id}, request_type, request};
  if (out_call_id != NULL) {
    *out_call_id = call->id;
  }
  int status = post_message(client, &sending, call);
  if (status != STOA_OK) {
    call->destroy(call);
    if (out_call_id != NULL) {
      *out_call_id = before;
    }
  }
  return status;
}

int stoa_client_call(struct stoa_client *client, const struct stoa_call_start *asked, uint32_t *out_call_id) {
  if (asked->type > STOA_TYPE_MAX || asked->invoke == NULL) {
    return STOA_E_ARGUMENT;
  }
  int status = check_call(client);
  return status != STOA_OK
             ? status
             : post_call(client, make_call(client, asked), asked->request_type, asked->request, out_call_id);
}

int stoa_client_stream(struct stoa_client *client, const struct stoa_client_stream_start *start,
                       uint32_t *out_call_id) {
  if (start->type > STOA_TYPE_STREAM_MAX || start->on_end == NULL) {
    return STOA_E_ARGUMENT;
  }
  int status = check_call(client);
  return status != STOA_OK ? status
                           : post_call(client, stoa_client_stream_make(client, start, next_id(client)),
                                       start->request_type, start->request, out_call_id);
}

struct cancelling {
  struct stoa_post post;
  struct stoa_client *client;
  uint32_t call_id;
};

static void run_cancel(struct stoa_post *post) {
  struct cancelling *cancelling = stoa_container_of(post, struct cancelling, post);
  struct stoa_client_call *call = stoa_client_calls_find(cancelling->client, cancelling->call_id);
  if (call != NULL && call->is_stream) {
    stoa_client_stream_tell_cancel(call);
  }
  stoa_client_calls_cancel(cancelling->client, cancelling->call_id);
  stoa_free(cancelling);
}

int stoa_client_cancel(struct stoa_client *client, uint32_t call_id) {
  struct cancelling *cancelling = stoa_calloc(1, sizeof *cancelling);
  if (cancelling == NULL) {
    return STOA_E_MEMORY;
  }
  cancelling->client = client;
  cancelling->call_id = call_id;
  cancelling->post.run = run_cancel;
  stoa_loop_post(client->loop, &cancelling->post);
  return STOA_OK;
}
