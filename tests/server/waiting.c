#include "waiting.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

#define KEPT_MAX 4096

static struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  struct waiting_call calls[KEPT_MAX];
  unsigned first, count;
} kept = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

void waiting_keep(struct stoa_call *call, uint32_t number) {
  pthread_mutex_lock(&kept.mutex);
  assert_true(kept.count < KEPT_MAX);
  kept.calls[(kept.first + kept.count++) % KEPT_MAX] = (struct waiting_call){call, number};
  pthread_cond_broadcast(&kept.changed);
  pthread_mutex_unlock(&kept.mutex);
}

/* With the mutex; fails at the deadline. */
static void wait_for(unsigned count) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 60;
  int result = 0;
  while (kept.count < count && result == 0) {
    result = pthread_cond_timedwait(&kept.changed, &kept.mutex, &deadline);
  }
  if (result != 0) {
    pthread_mutex_unlock(&kept.mutex);
  }
  assert_int_equal(result, 0);
}

void waiting_wait(unsigned count) {
  pthread_mutex_lock(&kept.mutex);
  wait_for(count);
  pthread_mutex_unlock(&kept.mutex);
}

struct waiting_call waiting_take(void) {
  pthread_mutex_lock(&kept.mutex);
  wait_for(1);
  struct waiting_call taken = kept.calls[kept.first];
  kept.first = (kept.first + 1) % KEPT_MAX;
  kept.count--;
  pthread_mutex_unlock(&kept.mutex);
  return taken;
}

unsigned waiting_kept(void) {
  pthread_mutex_lock(&kept.mutex);
  unsigned count = kept.count;
  pthread_mutex_unlock(&kept.mutex);
  return count;
}

static const struct stoa_error *refuse(struct stoa_session *session, const char *text) {
  return stoa_session_error(session, STOA_ERROR_INTERNAL, "REFUSED", text);
}

static bool is(struct stoa_string text, const char *what) {
  return stoa_string_equal(text, stoa_string_of(what));
}

static int reply_as(struct stoa_call *call, struct stoa_string how, uint32_t number) {
  struct later_v1_wait_reply reply = {.how = how, .number = number};
  return later_v1_later_wait_reply(call, &reply);
}

int waiting_reply(const struct waiting_call *taken, const char *how) {
  return reply_as(taken->call, stoa_string_of(how), taken->number);
}

/* Whatever can be done with a call before the handler returns. */
static const struct stoa_error *with_call(struct stoa_session *session, struct stoa_call *call,
                                          const struct later_v1_wait_request *request) {
  static const struct stoa_error busy = {.code = 1001, .reason = STOA_STR("BUSY"), .message = STOA_STR("not now")};
  struct stoa_call *second;
  if (is(request->how, "keep")) {
    waiting_keep(call, request->number);
  } else if (is(request->how, "now")) {
    assert_int_equal(reply_as(call, request->how, request->number), STOA_OK);
  } else if (is(request->how, "fail now")) {
    assert_int_equal(later_v1_later_wait_fail(call, &busy), STOA_OK);
  } else if (is(request->how, "drop now")) {
    stoa_call_drop(call);
  } else if (is(request->how, "broken now")) {
    assert_int_equal(reply_as(call, stoa_string_of("\xff"), request->number), STOA_E_UTF8);
  } else if (is(request->how, "twice")) {
    assert_int_equal(stoa_call_take(session, &second), STOA_E_EXISTS);
    assert_int_equal(reply_as(call, request->how, request->number), STOA_OK);
  } else if (is(request->how, "answer the others")) {
    while (waiting_kept() > 0) {
      struct waiting_call other = waiting_take();
      assert_int_equal(waiting_reply(&other, "keep"), STOA_OK);
    }
    assert_int_equal(reply_as(call, request->how, request->number), STOA_OK);
  } else {
    /* "close": the session goes while its own handler holds the call. */
    stoa_session_close(session, 4999, "as asked");
    assert_false(stoa_call_waits(call));
    assert_int_equal(reply_as(call, request->how, request->number), STOA_E_CLOSED);
  }
  return STOA_LATER;
}

static const struct stoa_error *on_wait(void *user, struct stoa_session *session,
                                        const struct later_v1_wait_request *request,
                                        struct later_v1_wait_reply *reply) {
  struct stoa_call *call;
  (void)user;
  if (is(request->how, "sync")) {
    reply->how = request->how;
    reply->number = request->number;
    return NULL;
  }
  if (is(request->how, "closed before")) {
    stoa_session_close(session, 4999, "as asked");
    assert_int_equal(stoa_call_take(session, &call), STOA_E_CLOSED);
    return refuse(session, "too late");
  }
  int status = stoa_call_take(session, &call);
  if (status != STOA_OK) {
    return refuse(session, stoa_status_text(status));
  }
  assert_memory_equal(stoa_call_session_id(call), stoa_session_id(session), sizeof(struct stoa_uuid));
  return with_call(session, call, request);
}

static const struct stoa_error *on_note(void *user, struct stoa_session *session,
                                        const struct later_v1_note_message *message) {
  struct stoa_call *call;
  (void)user;
  (void)message;
  int status = stoa_call_take(session, &call);
  return refuse(session, stoa_status_text(status));
}

void waiting_create(struct fixture *fixture, const struct stoa_server_config *config,
                    const struct stoa_callbacks *callbacks) {
  static const struct later_v1_later_handlers handlers = {.wait = on_wait, .note = on_note};
  fixture->blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(config, &fixture->server), STOA_OK);
  assert_int_equal(later_v1_later_register(fixture->server, &handlers, fixture), STOA_OK);
  if (callbacks != NULL) {
    stoa_server_set_callbacks(fixture->server, callbacks);
  }
}

void waiting_begin(struct fixture *fixture) {
  assert_int_equal(stoa_server_start(fixture->server), STOA_OK);
  fixture->address = stoa_server_address(fixture->server, 0);
}

void waiting_start(struct fixture *fixture, const struct stoa_server_config *config,
                   const struct stoa_callbacks *callbacks) {
  waiting_create(fixture, config, callbacks);
  waiting_begin(fixture);
}

static void ask_in_proto(struct client *client, const char *how, uint32_t number) {
  uint8_t message[64] = {0x80, 0, 0, WAITING_TYPE};
  size_t how_len = strlen(how);
  assert_true(how_len < 32);
  for (unsigned i = 0; i < 4; i++) {
    message[4 + i] = (uint8_t)(number >> (24 - 8 * i));
  }
  size_t len = 8;
  message[len++] = 0x0a;
  message[len++] = (uint8_t)how_len;
  memcpy(message + len, how, how_len);
  len += how_len;
  message[len++] = 0x10;
  for (; number >= 0x80; number >>= 7) {
    message[len++] = (uint8_t)(number | 0x80);
  }
  message[len++] = (uint8_t)number;
  assert_true(client_send(client, 0x82, message, len));
}

void waiting_ask(struct client *client, const char *protocol, const char *how, uint32_t number) {
  char payload[128];
  char packet[256];
  if (strcmp(protocol, "stoa.proto") == 0) {
    ask_in_proto(client, how, number);
    return;
  }
  snprintf(payload, sizeof payload, "{\"how\":\"%s\",\"number\":%u}", how, number);
  if (strcmp(protocol, "stoa.json") == 0) {
    assert_true(client_send_call(client, WAITING_TYPE, number, payload));
    return;
  }
  int len = snprintf(packet, sizeof packet, "{\"type\":7,\"id\":%u,\"payload\":%s}", number, payload);
  assert_true(client_send(client, 0x81, packet, (size_t)len));
}

static uint32_t read_u32(const uint8_t *data) {
  return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static bool says(const struct client_frame *frame, const char *text) {
  return memmem(frame->data, frame->len, text, strlen(text)) != NULL;
}

void waiting_expect(struct client *client, const char *protocol, uint32_t number, const char *how) {
  struct client_frame frame = client_read_message(client);
  char text[64];
  if (strcmp(protocol, "stoa.text") == 0) {
    assert_int_equal(frame.opcode, 1);
    snprintf(text, sizeof text, "\"id\":%u,", number);
    assert_true(says(&frame, text));
  } else {
    assert_int_equal(frame.opcode, 2);
    assert_true(frame.len >= 8);
    assert_int_equal(read_u32(frame.data), 0x80000000u | WAITING_TYPE);
    assert_int_equal(read_u32(frame.data + 4), number);
  }
  assert_true(says(&frame, how));
}

void waiting_expect_error(struct client *client, uint32_t number, const char *text) {
  struct client_frame frame = client_read_message(client);
  assert_true(frame.len >= 8);
  assert_int_equal(read_u32(frame.data), 0xc0000000u | WAITING_TYPE);
  assert_int_equal(read_u32(frame.data + 4), number);
  assert_true(says(&frame, text));
}
