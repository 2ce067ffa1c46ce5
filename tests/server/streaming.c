#include "streaming.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "wire/typed.h"

#define KEPT_MAX 64u

struct counter streaming_closed = COUNTER_INIT, streaming_full = COUNTER_INIT;
atomic_size_t streaming_queued_max;

static const struct stoa_error busy = {.code = 1001, .reason = STOA_STR("BUSY"), .message = STOA_STR("not now")};

/* What is kept for the test's thread. */
static struct {
  struct streaming_kept all[KEPT_MAX];
  unsigned count, taken;
  struct counter arrived;
} kept;

/* A stream of "worker" or "half". */
struct producer {
  struct stoa_call_stream *stream;
  struct stoa_session *session; /* used while the stream goes on */
  uint64_t next, count, fails_at;
};

static bool is(struct stoa_string text, const char *what) {
  return stoa_string_equal(text, stoa_string_of(what));
}

int streaming_send(struct stoa_call_stream *stream, uint64_t number) {
  const struct stream_v1_number item = {.number = number, .text = STOA_STR("a number")};
  return stream_v1_streams_count_send(stream, &item);
}

/* Returns whether the stream goes on. */
static bool produce(struct producer *producer) {
  while (producer->next < producer->count && producer->next != producer->fails_at) {
    int status = streaming_send(producer->stream, producer->next);
    if (status == STOA_E_AGAIN) {
      size_t queued = stoa_session_queued_bytes(producer->session);
      if (queued > atomic_load(&streaming_queued_max)) {
        atomic_store(&streaming_queued_max, queued);
      }
      counter_up(&streaming_full);
      return true;
    }
    if (status != STOA_OK) {
      assert_int_equal(status, STOA_E_CLOSED);
      stoa_call_stream_drop(producer->stream);
      return false;
    }
    producer->next++;
  }
  int ended = producer->next == producer->count ? stream_v1_streams_count_end(producer->stream)
                                                : stream_v1_streams_count_fail(producer->stream, &busy);
  assert_int_equal(ended, STOA_OK);
  return false;
}

static void on_producer_event(void *context, struct stoa_call_stream *stream, int status) {
  struct producer *producer = context;
  if (status == STOA_OK) {
    assert_ptr_equal(stream, producer->stream);
    produce(producer);
    return;
  }
  assert_int_equal(status, STOA_E_CLOSED);
  if (stream != NULL) {
    assert_false(stoa_call_stream_waits(stream));
    stoa_call_stream_drop(stream);
  }
  free(producer);
  counter_up(&streaming_closed);
}

static void begin_producing(struct stoa_session *session, struct stoa_call_stream *stream,
                            const struct stream_v1_count_request *request) {
  struct producer *producer = calloc(1, sizeof *producer);
  assert_non_null(producer);
  *producer = (struct producer){stream, session, 0, request->count, UINT64_MAX};
  if (is(request->how, "half")) {
    producer->fails_at = request->count / 2;
  }
  assert_int_equal(stoa_call_stream_listen(stream, on_producer_event, producer), STOA_OK);
  assert_int_equal(stoa_call_stream_listen(stream, on_producer_event, producer), STOA_E_EXISTS);
  produce(producer);
}

static void on_kept_event(void *context, struct stoa_call_stream *stream, int status) {
  struct streaming_kept *own = context;
  if (status == STOA_OK) {
    counter_up(&own->ready);
  } else {
    own->was_consumed = stream == NULL;
    counter_up(&own->closed);
  }
}

static void keep(struct stoa_call_stream *stream) {
  assert_true(kept.count < KEPT_MAX);
  struct streaming_kept *own = &kept.all[kept.count++];
  *own = (struct streaming_kept){.stream = stream, .ready = COUNTER_INIT, .closed = COUNTER_INIT};
  assert_int_equal(stoa_call_stream_listen(stream, on_kept_event, own), STOA_OK);
  counter_up(&kept.arrived);
}

struct streaming_kept *streaming_take(void) {
  counter_wait(&kept.arrived, kept.taken + 1);
  return &kept.all[kept.taken++];
}

void streaming_drop_kept(void) {
  for (; kept.taken < kept.count; kept.taken++) {
    stoa_call_stream_drop(kept.all[kept.taken].stream);
  }
}

static const struct stoa_error *send_all(struct stoa_call_stream *stream,
                                         const struct stream_v1_count_request *request) {
  for (uint64_t i = 0; i < request->count; i++) {
    if (streaming_send(stream, i) != STOA_OK) { /* memory is out */
      return &busy;
    }
  }
  return is(request->how, "fail") ? &busy : NULL;
}

static const struct stoa_error *send_broken(struct stoa_call_stream *stream) {
  const struct stream_v1_number broken = {.text = STOA_STR("\xff")};
  assert_int_equal(stream_v1_streams_count_send(stream, &broken), STOA_E_UTF8);
  assert_int_equal(streaming_send(stream, 1), STOA_OK);
  return NULL;
}

static void act_here(struct stoa_session *session, struct stoa_call_stream *stream, struct stoa_string how) {
  if (is(how, "end here")) {
    assert_int_equal(streaming_send(stream, 0), STOA_OK);
    assert_int_equal(stream_v1_streams_count_end(stream), STOA_OK);
  } else if (is(how, "fail here")) {
    assert_int_equal(stream_v1_streams_count_fail(stream, &busy), STOA_OK);
  } else if (is(how, "drop here")) {
    stoa_call_stream_drop(stream);
  } else {
    assert_true(is(how, "close"));
    stoa_session_close(session, 4999, "as asked");
    assert_false(stoa_call_stream_waits(stream));
    assert_int_equal(streaming_send(stream, 0), STOA_E_CLOSED);
    assert_int_equal(stream_v1_streams_count_end(stream), STOA_E_CLOSED);
  }
}

static const struct stoa_error *try_to_take(struct stoa_session *session) {
  struct stoa_call *call;
  assert_int_equal(stoa_call_take(session, &call), STOA_E_ARGUMENT);
  return NULL;
}

static const struct stoa_error *on_count(void *user, struct stoa_session *session,
                                         const struct stream_v1_count_request *request,
                                         struct stoa_call_stream *stream) {
  (void)user;
  assert_memory_equal(stoa_call_stream_session_id(stream), stoa_session_id(session), sizeof(struct stoa_uuid));
  if (is(request->how, "now") || is(request->how, "fail")) {
    return send_all(stream, request);
  }
  if (is(request->how, "refuse")) {
    return &busy;
  }
  if (is(request->how, "broken")) {
    return send_broken(stream);
  }
  if (is(request->how, "take")) {
    return try_to_take(session);
  }
  if (is(request->how, "keep")) {
    keep(stream);
  } else if (is(request->how, "worker") || is(request->how, "half")) {
    begin_producing(session, stream, request);
  } else {
    act_here(session, stream, request->how);
  }
  return STOA_LATER;
}

static const struct stoa_error *on_sync(void *user, struct stoa_session *session,
                                        const struct stream_v1_count_request *request, struct stream_v1_number *reply) {
  (void)user;
  (void)session;
  reply->number = request->count;
  return NULL;
}

void streaming_create(struct fixture *fixture, const struct stoa_server_config *config,
                      const struct stoa_callbacks *callbacks) {
  static const struct stream_v1_streams_handlers handlers = {.count = on_count, .sync = on_sync};
  kept.count = 0;
  kept.taken = 0;
  kept.arrived = (struct counter)COUNTER_INIT;
  streaming_closed = (struct counter)COUNTER_INIT;
  streaming_full = (struct counter)COUNTER_INIT;
  atomic_store(&streaming_queued_max, 0);
  fixture->blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(config, &fixture->server), STOA_OK);
  assert_int_equal(stream_v1_streams_register(fixture->server, &handlers, NULL), STOA_OK);
  if (callbacks != NULL) {
    stoa_server_set_callbacks(fixture->server, callbacks);
  }
}

void streaming_begin(struct fixture *fixture) {
  assert_int_equal(stoa_server_start(fixture->server), STOA_OK);
  fixture->address = stoa_server_address(fixture->server, 0);
}

void streaming_start(struct fixture *fixture, const struct stoa_server_config *config,
                     const struct stoa_callbacks *callbacks) {
  streaming_create(fixture, config, callbacks);
  streaming_begin(fixture);
}

/* The client's side. */

static void put_u32(uint8_t *out, uint32_t value) {
  for (int i = 0; i < 4; i++) {
    out[i] = (uint8_t)(value >> (24 - 8 * i));
  }
}

static uint32_t get_u32(const uint8_t *data) {
  return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

void streaming_call(struct client *client, uint32_t id, const char *how, uint64_t count) {
  char payload[128];
  snprintf(payload, sizeof payload, "{\"how\":\"%s\",\"count\":\"%" PRIu64 "\"}", how, count);
  assert_true(client_send_call(client, STREAMING_TYPE, id, payload));
}

void streaming_control(struct client *client, uint32_t word, uint32_t id, const void *payload, size_t len) {
  uint8_t frame[64];
  assert_true(len + 8 <= sizeof frame);
  put_u32(frame, word);
  put_u32(frame + 4, id);
  if (len > 0) {
    memcpy(frame + 8, payload, len);
  }
  assert_true(client_send(client, 0x82, frame, len + 8));
}

void streaming_cancel(struct client *client, uint32_t id) {
  streaming_control(client, 0xc0000000u | STREAMING_TYPE, id, NULL, 0);
}

void streaming_grant(struct client *client, uint32_t id, uint32_t bytes) {
  uint8_t payload[4];
  put_u32(payload, bytes);
  streaming_control(client, 0xe0000000u | STREAMING_TYPE, id, payload, 4);
}

struct streaming_frame streaming_read(struct client *client) {
  struct client_frame frame = client_read_message(client);
  assert_int_equal(frame.opcode, 2);
  assert_true(frame.len >= 8);
  return (struct streaming_frame){get_u32(frame.data), get_u32(frame.data + 4), (const char *)frame.data + 8,
                                  frame.len - 8};
}

void streaming_sync(struct client *client) {
  assert_true(client_send_call(client, STREAMING_SYNC, 9999, "{\"count\":\"1\"}"));
  struct streaming_frame frame = streaming_read(client);
  assert_int_equal(frame.word, 0x80000000u | STREAMING_SYNC);
  assert_int_equal(frame.id, 9999);
}

static bool says(const struct streaming_frame *frame, const char *text) {
  return memmem(frame->payload, frame->len, text, strlen(text)) != NULL;
}

size_t streaming_expect(struct client *client, uint32_t id, uint64_t number) {
  char text[32];
  struct streaming_frame frame = streaming_read(client);
  assert_int_equal(frame.word, STREAMING_ITEM);
  assert_int_equal(frame.id, id);
  snprintf(text, sizeof text, "\"number\":\"%" PRIu64 "\"", number);
  assert_true(says(&frame, text));
  return frame.len + STOA_TYPED_ITEM_COST;
}

void streaming_expect_end(struct client *client, uint32_t id) {
  struct streaming_frame frame = streaming_read(client);
  assert_int_equal(frame.word, STREAMING_END);
  assert_int_equal(frame.id, id);
  assert_int_equal(frame.len, 0);
}

void streaming_expect_error(struct client *client, uint32_t id, const char *reason) {
  struct streaming_frame frame = streaming_read(client);
  assert_int_equal(frame.word, STREAMING_ERROR);
  assert_int_equal(frame.id, id);
  assert_true(says(&frame, reason));
}

struct stoa_call_stream_counts streaming_counts(const struct fixture *fixture) {
  struct stoa_call_stream_counts counts;
  stoa_server_call_stream_counts(fixture->server, &counts);
  return counts;
}
