#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

struct stoa_server_config *fixture_config(uint32_t workers) {
  static const struct stoa_string addresses[] = {STOA_STR("127.0.0.1:0")};
  static struct stoa_limits_config limits;
  static struct stoa_server_config config;
  memset(&limits, 0, sizeof limits);
  memset(&config, 0, sizeof config);
  config.addresses.items = addresses;
  config.addresses.count = 1;
  config.workers = workers;
  config.drain_ms = 2000;
  config.limits = &limits;
  /* The same tests stand for other ways to send. */
  const char *io_uring = getenv("STOA_TEST_IO_URING");
  const char *linger_ms = getenv("STOA_TEST_LINGER_MS");
  config.io_uring = io_uring != NULL && strcmp(io_uring, "off") == 0 ? STOA_IO_URING_OFF : STOA_IO_URING_AUTO;
  config.linger_ms = linger_ms == NULL ? 0 : (uint32_t)strtoul(linger_ms, NULL, 10);
  config.linger_adaptive = getenv("STOA_TEST_LINGER_ADAPTIVE") != NULL;
  return &config;
}

static const struct stoa_error *failed(struct stoa_session *session, int status) {
  return status == STOA_OK ? NULL
                           : stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", stoa_status_text(status));
}

static const struct stoa_error *on_line(void *user, struct stoa_session *session,
                                        const struct sample_v1_line_message *message) {
  (void)user;
  return failed(session, sample_v1_line_broadcast(stoa_session_server(session), message));
}

static const struct stoa_error *on_ask(void *user, struct stoa_session *session,
                                       const struct sample_v1_ask_request *request, struct sample_v1_ask_reply *reply) {
  (void)user;
  (void)session;
  reply->answer = request->question;
  return NULL;
}

static int publish(struct stoa_session *session, struct stoa_string group, struct stoa_string text) {
  struct sample_v1_line_message line = {.text = text};
  return sample_v1_line_publish(stoa_session_server(session), group, &line);
}

static int push(struct stoa_session *session, struct stoa_string text) {
  struct sample_v1_line_message line = {.text = text};
  return sample_v1_line_push(session, &line);
}

static int push_literal(struct stoa_session *session, const char *text) {
  return push(session, stoa_string_of(text));
}

/* Private and group messages in one handler. */
static int mix(struct stoa_session *session, struct stoa_string group) {
  int status = push_literal(session, "A");
  status = status == STOA_OK ? publish(session, group, stoa_string_of("B")) : status;
  status = status == STOA_OK ? push_literal(session, "C") : status;
  status = status == STOA_OK ? publish(session, group, stoa_string_of("D")) : status;
  return status == STOA_OK ? publish(session, group, stoa_string_of("E")) : status;
}

/* Publish, change the membership, publish again. */
static int turn_around(struct stoa_session *session, struct stoa_string group, bool join) {
  int status = publish(session, group, stoa_string_of("before"));
  if (status == STOA_OK) {
    status = join ? stoa_session_join(session, group) : stoa_session_leave(session, group);
  }
  return status == STOA_OK ? publish(session, group, stoa_string_of("after")) : status;
}

static bool is(struct stoa_string text, const char *what) {
  return stoa_string_equal(text, stoa_string_of(what));
}

static const struct stoa_error *on_group(void *user, struct stoa_session *session,
                                         const struct sample_v1_group_message *message) {
  int status = STOA_E_ARGUMENT;
  (void)user;
  if (is(message->action, "join")) {
    status = stoa_session_join(session, message->group);
  } else if (is(message->action, "leave")) {
    status = stoa_session_leave(session, message->group);
  } else if (is(message->action, "publish")) {
    status = publish(session, message->group, message->text);
  } else if (is(message->action, "push")) {
    status = push(session, message->text);
  } else if (is(message->action, "mix")) {
    status = mix(session, message->group);
  } else if (is(message->action, "join between")) {
    status = turn_around(session, message->group, true);
  } else if (is(message->action, "leave between")) {
    status = turn_around(session, message->group, false);
  } else if (is(message->action, "publish and close")) {
    status = publish(session, message->group, message->text);
    stoa_session_close(session, 4999, "as asked");
  }
  return failed(session, status);
}

const struct sample_v1_sample_handlers *fixture_handlers(void) {
  static const struct sample_v1_sample_handlers handlers = {.line = on_line, .ask = on_ask, .group = on_group};
  return &handlers;
}

int fixture_try_start(struct fixture *fixture, const struct stoa_server_config *config,
                      const struct stoa_callbacks *callbacks) {
  fixture->blocks_before = stoa_memory_live_blocks();
  fixture->server = NULL;
  int status = stoa_server_create(config, &fixture->server);
  if (status == STOA_OK) {
    status = sample_v1_sample_register(fixture->server, fixture_handlers(), NULL);
  }
  if (status == STOA_OK) {
    status = stoa_server_set_ping_message(fixture->server, FIXTURE_ALIVE, &sample_v1_alive_message_type);
  }
  if (status == STOA_OK && callbacks != NULL) {
    stoa_server_set_callbacks(fixture->server, callbacks);
  }
  if (status == STOA_OK) {
    status = stoa_server_start(fixture->server);
  }
  if (status != STOA_OK) {
    stoa_server_destroy(fixture->server);
    fixture->server = NULL;
    return status;
  }
  fixture->address = stoa_server_address(fixture->server, 0);
  return STOA_OK;
}

void fixture_start(struct fixture *fixture, const struct stoa_server_config *config,
                   const struct stoa_callbacks *callbacks) {
  assert_int_equal(fixture_try_start(fixture, config, callbacks), STOA_OK);
}

void fixture_stop(struct fixture *fixture) {
  stoa_server_destroy(fixture->server);
  fixture->server = NULL;
  assert_int_equal(stoa_memory_live_blocks(), fixture->blocks_before);
}

void fixture_connect(const struct fixture *fixture, struct client *client, const char *protocol) {
  client_connect(client, fixture->address);
  assert_int_equal(client_upgrade(client, "/", protocol, NULL), 101);
}

void fixture_send_line(struct client *client, const char *from, uint32_t number) {
  char payload[128];
  snprintf(payload, sizeof payload, "{\"from\":\"%s\",\"number\":%u,\"text\":\"-\"}", from, number);
  assert_true(client_send_typed(client, FIXTURE_LINE, payload));
}

static const char there[] = "\x80\x00\x00\x05\x00\x00\x00\x4d{\"answer\":\"there?\"}";

static bool is_there(const struct client_frame *frame) {
  return frame->len == sizeof there - 1 && memcmp(frame->data, there, frame->len) == 0;
}

void fixture_sync(struct client *client) {
  assert_true(client_send_call(client, FIXTURE_ASK, 77, "{\"question\":\"there?\"}"));
  struct client_frame frame = client_read_message(client);
  assert_true(is_there(&frame));
}

void fixture_sync_past_lines(struct client *client) {
  assert_true(client_send_call(client, FIXTURE_ASK, 77, "{\"question\":\"there?\"}"));
  struct client_frame frame = client_read_message(client);
  while (!is_there(&frame)) {
    frame = client_read_message(client);
  }
}

void fixture_send_group(struct client *client, const char *action, const char *group, const char *text) {
  char payload[256];
  snprintf(payload, sizeof payload, "{\"action\":\"%s\",\"group\":\"%s\",\"text\":\"%s\"}", action, group, text);
  assert_true(client_send_typed(client, FIXTURE_GROUP, payload));
}

struct fixture_line fixture_read_line(struct client *client) {
  struct fixture_line line = {.number = UINT32_MAX};
  char text[1024] = {0};
  struct client_frame frame = client_read_message(client);
  assert_true(frame.len > 4 && frame.len < sizeof text);
  assert_memory_equal(frame.data, "\0\0\0\0", 4);
  memcpy(text, frame.data + 4, frame.len - 4);
  const char *from = strstr(text, "\"from\":\"") + 8;
  const char *number = strstr(text, "\"number\":") + 9;
  const char *words = strstr(text, "\"text\":\"") + 8;
  sscanf(from, "%31[^\"]", line.from);
  sscanf(words, "%31[^\"]", line.text);
  line.number = (uint32_t)strtoul(number, NULL, 10);
  return line;
}

void fixture_expect_line(struct client *client, const char *text) {
  assert_string_equal(fixture_read_line(client).text, text);
}

void counter_up(struct counter *count) {
  pthread_mutex_lock(&count->mutex);
  count->value++;
  pthread_cond_broadcast(&count->changed);
  pthread_mutex_unlock(&count->mutex);
}

void counter_wait(struct counter *count, unsigned value) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 60;
  int result = 0;
  pthread_mutex_lock(&count->mutex);
  while (count->value < value && result == 0) {
    result = pthread_cond_timedwait(&count->changed, &count->mutex, &deadline);
  }
  pthread_mutex_unlock(&count->mutex);
  assert_int_equal(result, 0);
}
