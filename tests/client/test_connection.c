#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>

#include "base/sys.h"
#include "client/client_private.h"
#include "peer.h"

#define HEAD_BYTES_MAX (16 * 1024)

static void the_request_asks_for_what_the_options_say(void **state) {
  struct peer *peer = *state;
  const struct stoa_client_field fields[] = {{"Authorization", "Bearer x"}, {"Origin", "https://a.example"}};
  struct stoa_client_options options = peer_options(peer);
  options.fields = fields;
  options.field_count = 2;
  peer_open_client(peer, &options);
  peer_accept(peer);
  char host[64];
  snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%u\r\n", peer->port);
  assert_memory_equal(peer->head, "GET /chat?room=1 HTTP/1.1\r\n", 27);
  assert_non_null(strstr(peer->head, host));
  assert_non_null(strstr(peer->head, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"));
  assert_non_null(strstr(peer->head, "\r\nSec-WebSocket-Protocol: stoa.json\r\n"));
  assert_non_null(strstr(peer->head, "\r\nAuthorization: Bearer x\r\nOrigin: https://a.example\r\n"));
}

static void every_connection_has_a_key_of_its_own(void **state) {
  struct peer *peer = *state;
  char first[64];
  peer_open_client(peer, NULL);
  peer_accept(peer);
  snprintf(first, sizeof first, "%.60s", strstr(peer->head, "Sec-WebSocket-Key: "));
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  peer_advance_ms(peer, 1100);
  peer_accept(peer);
  assert_null(strstr(peer->head, first));
}

static void a_connection_opens_however_its_answer_is_cut(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_accept(peer);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_CONNECTING);
  assert_int_equal(stoa_client_send(peer->client, 1, NULL, &(struct stoa_bytes){NULL, 0}), STOA_E_CLOSED);
  peer->in_bytes = true;
  peer_answer(peer, "Sec-WebSocket-Protocol: stoa.json\r\n");
  peer_send_typed(peer, 3, 0, "early");
  peer_await(peer, STOA_CLIENT_OPEN);
  PEER_AWAIT(peer, peer->others != 0);
  assert_int_equal(peer->other.type, 3);
  assert_memory_equal(peer->other.payload, "early", 5);
  assert_int_equal(peer->change_count, 2);
  assert_int_equal(peer->changes[0].state, STOA_CLIENT_CONNECTING);
  assert_int_equal(peer->changes[1].state, STOA_CLIENT_OPEN);
}

/* What is answered, and how the client calls it. */
struct answer {
  const char *name;
  const char *text; /* NULL: the right answer with `more` */
  const char *more;
  int status;
  int http_status;
  enum stoa_client_state state;
};

static void expect_refused(struct peer *peer, const struct answer *answer) {
  peer_open_client(peer, NULL);
  peer_accept(peer);
  if (answer->text != NULL) {
    peer_write_text(peer, answer->text);
  } else {
    peer_answer(peer, answer->more);
  }
  peer_await(peer, answer->state);
  if (peer_change(peer)->status != answer->status || peer_change(peer)->http_status != answer->http_status) {
    fail_msg("%s: %s, %u", answer->name, stoa_status_text(peer_change(peer)->status), peer_change(peer)->http_status);
  }
  assert_int_equal(peer_change(peer)->close_code, 0);
  stoa_client_destroy(peer->client);
  peer->client = NULL;
  peer_disconnect(peer);
}

static void a_wrong_answer_to_the_upgrade_is_refused(void **state) {
  static const char wrong_key[] =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: stoa.json\r\n\r\n";
  static const struct answer answers[] = {
      {"wrong key", wrong_key, NULL, STOA_E_SYNTAX, 0, STOA_CLIENT_WAITING},
      {"no HTTP", "SSH-2.0-OpenSSH\r\n", NULL, STOA_E_SYNTAX, 0, STOA_CLIENT_WAITING},
      {"HTTP/1.0", "HTTP/1.0 101 Fine\r\n", NULL, STOA_E_SYNTAX, 0, STOA_CLIENT_WAITING},
      {"500", "HTTP/1.1 500 Oh\r\n\r\n", NULL, STOA_E_DENIED, 500, STOA_CLIENT_WAITING},
      {"503", "HTTP/1.1 503 Later\r\nRetry-After: 1\r\n\r\n", NULL, STOA_E_DENIED, 503, STOA_CLIENT_WAITING},
      {"429", "HTTP/1.1 429 Slower\r\n\r\n", NULL, STOA_E_DENIED, 429, STOA_CLIENT_WAITING},
      {"200", "HTTP/1.1 200 OK\r\n\r\n", NULL, STOA_E_DENIED, 200, STOA_CLIENT_WAITING},
      {"403", "HTTP/1.1 403 No\r\n\r\n", NULL, STOA_E_DENIED, 403, STOA_CLIENT_ENDED},
      {"404", "HTTP/1.1 404 No\r\n\r\n", NULL, STOA_E_DENIED, 404, STOA_CLIENT_ENDED},
      {"no subprotocol", NULL, "", STOA_E_UNSUPPORTED, 0, STOA_CLIENT_ENDED},
      {"another", NULL, "Sec-WebSocket-Protocol: stoa.proto\r\n", STOA_E_SYNTAX, 0, STOA_CLIENT_WAITING},
      {"an extension", NULL, "Sec-WebSocket-Protocol: stoa.json\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
       STOA_E_SYNTAX, 0, STOA_CLIENT_WAITING},
  };
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    expect_refused(*state, &answers[i]);
  }
}

static void an_answer_without_end_is_given_up(void **state) {
  struct peer *peer = *state;
  static char field[1024];
  peer_open_client(peer, NULL);
  peer_accept(peer);
  peer_write_text(peer, "HTTP/1.1 101 X\r\n");
  memset(field, 'a', sizeof field - 3);
  memcpy(field, "X:", 2);
  memcpy(field + sizeof field - 3, "\r\n", 3);
  for (size_t sent = 0; sent < HEAD_BYTES_MAX + 2048; sent += sizeof field - 1) {
    peer_write_text(peer, field);
  }
  peer_await(peer, STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, STOA_E_LIMIT);
}

static void a_server_that_does_not_answer_is_given_up_in_time(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_accept(peer);
  peer_advance_ms(peer, 9900);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_CONNECTING);
  peer_advance_ms(peer, 200);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, STOA_E_TIMEOUT);
}

static void a_port_where_nobody_listens_is_tried_again(void **state) {
  struct peer *peer = *state;
  struct stoa_client_options options = peer_options(peer);
  struct peer gone;
  peer_init(&gone);
  peer_fini(&gone);
  options.url = gone.url;
  peer_open_client(peer, &options);
  peer_await(peer, STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, STOA_E_SYSTEM);
  assert_string_equal(peer_change(peer)->reason, "Connection refused");
}

static void a_name_that_does_not_exist_is_not_found(void **state) {
  struct peer *peer = *state;
  struct stoa_client_options options = peer_options(peer);
  options.url = "ws://no-such-host.invalid/";
  options.once = true;
  peer_open_client(peer, &options);
  peer_await(peer, STOA_CLIENT_ENDED);
  assert_int_equal(peer_change(peer)->status, STOA_E_NOT_FOUND);
}

/* Bytes on the open connection, and what the client makes of them. */
static void expect_violation(struct peer *peer, const char *bytes, size_t len, int status, uint16_t code) {
  peer_open_client(peer, NULL);
  peer_open(peer);
  peer_write(peer, bytes, len);
  struct peer_frame frame = peer_read(peer);
  assert_int_equal(frame.opcode, STOA_WS_CLOSE);
  assert_int_equal(frame.data[0] << 8 | frame.data[1], code);
  peer_await(peer, STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, status);
  assert_int_equal(peer_change(peer)->close_code, code);
  stoa_client_destroy(peer->client);
  peer->client = NULL;
}

static void a_server_that_breaks_the_protocol_gets_a_close_code_and_is_closed(void **state) {
  expect_violation(*state, "\x82\x81\x01\x02\x03\x04\x05", 7, STOA_E_SYNTAX, 1002);             /* masked */
  expect_violation(*state, "\xc2\x01x", 3, STOA_E_SYNTAX, 1002);                                /* compressed */
  expect_violation(*state, "\x83\x01x", 3, STOA_E_SYNTAX, 1002);                                /* reserved opcode */
  expect_violation(*state, "\x82\x7f\0\0\0\0\0\x10\0\x01", 10, STOA_E_LIMIT, 1009);             /* 1 MiB and one */
  expect_violation(*state, "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10, STOA_E_LIMIT, 1009); /* all there is */
  expect_violation(*state, "\x81\x02\xc3\x28", 4, STOA_E_SYNTAX, 1007);                         /* not UTF-8 */
}

/* A message of that length, as a typed frame of type 7; the client's side of a server that relays. */
static void send_long(struct peer *peer, size_t len) {
  static uint8_t bytes[2 * 1024 * 1024] = {0, 0, 0, 7};
  assert_true(len <= sizeof bytes);
  peer_send(peer, STOA_WS_BINARY, bytes, len);
}

static void a_relayed_message_may_be_longer_than_the_server_accepts(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_open(peer);
  send_long(peer, 1024 * 1024);
  PEER_AWAIT(peer, peer->others != 0);
  assert_int_equal(peer->other.len, 1024 * 1024 - 4);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_OPEN);
}

/* The longest message that is taken, and what is told about a longer one. */
static void expect_longest(struct peer *peer, uint32_t sent_max, uint32_t received_max, size_t longest,
                           const char *reason) {
  struct stoa_client_options options = peer_options(peer);
  options.message_bytes_max = sent_max;
  options.received_message_bytes_max = received_max;
  peer->others = 0;
  peer_open_client(peer, &options);
  peer_open(peer);
  send_long(peer, longest);
  PEER_AWAIT(peer, peer->others != 0);
  send_long(peer, longest + 1);
  peer_await(peer, STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, STOA_E_LIMIT);
  assert_int_equal(peer_change(peer)->close_code, 1009);
  assert_string_equal(peer_change(peer)->reason, reason);
  stoa_client_destroy(peer->client);
  peer->client = NULL;
}

static void an_error_about_a_long_message_names_the_option(void **state) {
  expect_longest(*state, 0, 1000, 1000, "a message is longer than received_message_bytes_max (1000)");
  expect_longest(*state, 1000, 0, 1024 * 1024, "a message is longer than received_message_bytes_max (1048576)");
  expect_longest(*state, 1024 * 1024 + 9, 0, 1024 * 1024 + 9,
                 "a message is longer than received_message_bytes_max (1048585)");
}

static void messages_come_whole_however_they_are_cut(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_open(peer);
  static const char pieces[] =
      "\x02\x03\0\0\0\0\x02\x07o\x89\x01p\x80\x03"
      "ne!";
  peer->in_bytes = true;
  peer_write(peer, pieces, sizeof pieces - 1);
  PEER_AWAIT(peer, peer->others != 0);
  assert_int_equal(peer->other.type, 7);
  assert_int_equal(peer->other.len, 4);
  assert_memory_equal(peer->other.payload, "one!", 4);
  struct peer_frame frame = peer_read(peer);
  assert_int_equal(frame.opcode, STOA_WS_PONG);
  assert_memory_equal(frame.data, "p", 1);
}

static void a_ping_gets_its_pong(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_open(peer);
  peer_send(peer, STOA_WS_PING, "still there?", 12);
  struct peer_frame frame = peer_read(peer);
  assert_int_equal(frame.opcode, STOA_WS_PONG);
  assert_int_equal(frame.len, 12);
  assert_memory_equal(frame.data, "still there?", 12);
}

static void frames_are_masked_with_keys_that_differ(void **state) {
  struct peer *peer = *state;
  uint8_t masks[8][4];
  peer_open_client(peer, NULL);
  peer_open(peer);
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(stoa_client_send(peer->client, 9, NULL, &(struct stoa_bytes){(const uint8_t *)"same", 4}),
                     STOA_OK);
    struct peer_frame frame = peer_read(peer);
    assert_int_equal(frame.opcode, STOA_WS_BINARY);
    assert_memory_equal(frame.data, "\0\0\0\x09same", 8);
    memcpy(masks[i], frame.mask, 4);
    for (size_t j = 0; j < i; j++) {
      assert_memory_not_equal(masks[i], masks[j], 4);
    }
  }
}

static void invalid_options_are_refused(void **state) {
  struct peer *peer = *state;
  const struct stoa_client_field bad_name = {"Host", "x"};
  const struct stoa_client_field bad_value = {"X-A", "a\r\nX-B: b"};
  const struct stoa_codec bad_codec = {.name = "No Name"};
  char long_url[2100];
  char long_value[17 * 1024];
  const struct stoa_client_field long_field = {"X-A", long_value};
  snprintf(long_url, sizeof long_url, "ws://127.0.0.1/%02050d", 0);
  snprintf(long_value, sizeof long_value, "%017000d", 0);
  const struct stoa_client_options bad[] = {
      {.url = NULL},
      {.url = long_url},
      {.url = peer->url, .fields = &long_field, .field_count = 1},
      {.url = "http://example.com/"},
      {.url = "ws://user@example.com/"},
      {.url = "ws://example.com/#part"},
      {.url = "ws+unix:relative"},
      {.url = peer->url, .fields = &bad_name, .field_count = 1},
      {.url = peer->url, .fields = &bad_value, .field_count = 1},
      {.url = peer->url, .fields = &bad_value, .field_count = 33},
      {.url = peer->url, .codec = &bad_codec},
      {.url = peer->url, .codec = &stoa_codec_proto, .subprotocol = STOA_CLIENT_TEXT},
      {.url = peer->url, .retry_min_ms = 30000},
      {.url = peer->url, .message_bytes_max = UINT32_MAX},
      {.url = peer->url, .received_message_bytes_max = UINT32_MAX},
      {.url = peer->url, .outgoing_bytes_max = UINT32_MAX},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (peer_try_open_client(peer, &bad[i]) != STOA_E_ARGUMENT) {
      fail_msg("options %zu were taken", i);
    }
  }
}

static void a_handler_is_checked_and_there_is_one_for_a_type(void **state) {
  struct peer *peer = *state;
  const struct stoa_client_options options = peer_options(peer);
  assert_int_equal(stoa_client_create_with(&options, NULL, &peer->clock, &peer->client), STOA_OK);
  struct stoa_client_handler handler = {.name = "x"};
  assert_int_equal(stoa_client_handle(peer->client, &handler), STOA_E_ARGUMENT);
  handler.invoke = (void (*)(stoa_client_function, void *, struct stoa_client *, const void *))(void (*)(void))abort;
  handler.type = 0x40000000;
  assert_int_equal(stoa_client_handle(peer->client, &handler), STOA_E_ARGUMENT);
  for (handler.type = 1024; handler.type > 0; handler.type--) {
    assert_int_equal(stoa_client_handle(peer->client, &handler), STOA_OK);
  }
  assert_int_equal(stoa_client_handle(peer->client, &handler), STOA_E_LIMIT);
  handler.type = 512;
  assert_int_equal(stoa_client_handle(peer->client, &handler), STOA_E_EXISTS);
}

static void a_handler_with_a_table_of_another_abi_is_refused(void **state) {
  struct peer *peer = *state;
  const struct stoa_client_options options = peer_options(peer);
  static const struct stoa_message_type old = {.abi = STOA_DESCRIPTOR_ABI - 1};
  struct stoa_client_handler handler = {.name = "x", .message = &old};
  handler.invoke = (void (*)(stoa_client_function, void *, struct stoa_client *, const void *))(void (*)(void))abort;
  assert_int_equal(stoa_client_create_with(&options, NULL, &peer->clock, &peer->client), STOA_OK);
  assert_int_equal(stoa_client_handle(peer->client, &handler), STOA_E_ARGUMENT);
  handler.message = NULL;
  assert_int_equal(stoa_client_handle(peer->client, &handler), STOA_OK);
}

static void more_than_the_outgoing_cap_is_not_sent(void **state) {
  struct peer *peer = *state;
  static uint8_t bytes[4096];
  struct stoa_client_options options = peer_options(peer);
  options.message_bytes_max = 1000;
  options.outgoing_bytes_max = 2100;
  peer_open_client(peer, &options);
  peer_open(peer);
  struct stoa_bytes message = {bytes, 997};
  assert_int_equal(stoa_client_send(peer->client, 1, NULL, &message), STOA_E_LIMIT);
  assert_int_equal(stoa_client_send(peer->client, 0x40000000, NULL, &message), STOA_E_ARGUMENT);
  message.len = 996;
  assert_int_equal(stoa_client_send(peer->client, 1, NULL, &message), STOA_OK);
  assert_int_equal(stoa_client_send(peer->client, 1, NULL, &message), STOA_OK);
  assert_int_equal(stoa_client_send(peer->client, 1, NULL, &message), STOA_E_LIMIT);
  assert_int_equal(peer_read(peer).len, 1000);
  assert_int_equal(peer_read(peer).len, 1000);
  assert_int_equal(stoa_client_send(peer->client, 1, NULL, &message), STOA_OK);
}

static void a_plain_error_is_delivered_with_its_type(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_open(peer);
  peer_send_typed(peer, 0x40000000 | 9, 0, "{\"code\":7,\"reason\":\"TOO_LATE\"}");
  PEER_AWAIT(peer, peer->error.code != 0);
  assert_int_equal(peer->error.type, 9);
  assert_int_equal(peer->error.code, 7);
  assert_string_equal(peer->error.reason, "TOO_LATE");
}

static void a_message_that_cannot_be_decoded_is_dropped_and_the_connection_stays(void **state) {
  struct peer *peer = *state;
  peer_open_client(peer, NULL);
  peer_open(peer);
  peer_send(peer, STOA_WS_BINARY, "\0\0", 2);
  peer_send(peer, STOA_WS_TEXT, "{\"type\":1,\"payload\":{}}", 23);
  peer_send_typed(peer, 0x40000000 | 9, 0, "{\"code\":");
  peer_send_typed(peer, 0x80000000 | 9, 77, "{}");
  peer_send_typed(peer, 5, 0, "fine");
  PEER_AWAIT(peer, peer->others != 0);
  assert_int_equal(peer->other.type, 5);
  assert_int_equal(peer->error.code, 0);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_OPEN);
}

static int fail_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event) {
  errno = ENOSPC;
  return operation == EPOLL_CTL_DEL ? stoa_sys_real.epoll_ctl(epoll_fd, operation, fd, event) : -1;
}

static ssize_t fail_getrandom(void *data, size_t len, unsigned flags) {
  (void)data;
  (void)len;
  (void)flags;
  errno = ENOSYS;
  return -1;
}

static void a_connection_that_cannot_be_watched_is_closed(void **state) {
  struct peer *peer = *state;
  stoa_sys.epoll_ctl = fail_epoll_ctl;
  assert_int_equal(peer_try_open_client(peer, NULL), STOA_E_SYSTEM);
  stoa_sys = stoa_sys_real;
  peer_open_client(peer, NULL);
  stoa_sys.epoll_ctl = fail_epoll_ctl;
  peer_step(peer);
  stoa_sys = stoa_sys_real;
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, STOA_E_SYSTEM);
  assert_string_equal(peer_change(peer)->reason, "No space left on device");
  /* The kernel had connected it already. */
  assert_false(peer_try_accept(peer));
  peer_advance_ms(peer, 1100);
  peer_open(peer);
}

static void a_message_without_a_random_mask_is_not_sent(void **state) {
  struct peer *peer = *state;
  int status = STOA_OK;
  peer_open_client(peer, NULL);
  peer_open(peer);
  stoa_sys.getrandom = fail_getrandom;
  /* What was drawn before lasts for a while. */
  for (unsigned i = 0; i < 10000 && status == STOA_OK; i++) {
    status = stoa_client_send(peer->client, 1, NULL, &(struct stoa_bytes){NULL, 0});
  }
  stoa_sys = stoa_sys_real;
  assert_int_equal(status, STOA_E_SYSTEM);
  assert_int_equal(stoa_client_send(peer->client, 1, NULL, &(struct stoa_bytes){NULL, 0}), STOA_OK);
}

static int fail_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                               void *argument) {
  (void)thread;
  (void)attributes;
  (void)run;
  (void)argument;
  return EAGAIN;
}

static void a_client_without_a_thread_of_its_own_can_be_stepped(void **state) {
  struct peer *peer = *state;
  sigset_t before;
  sigset_t after;
  peer_open_client(peer, NULL);
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  stoa_sys.pthread_create = fail_pthread_create;
  errno = 0;
  assert_int_equal(stoa_client_start_thread(peer->client), STOA_E_SYSTEM);
  assert_int_equal(errno, EAGAIN);
  stoa_sys = stoa_sys_real;
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  for (int number = 1; number < SIGRTMIN; number++) {
    assert_int_equal(sigismember(&before, number), sigismember(&after, number));
  }
  peer_open(peer);
  assert_int_equal(stoa_client_start_thread(peer->client), STOA_OK);
}

#define CONNECTION_TEST(name) cmocka_unit_test_setup_teardown(name, peer_set_up, peer_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CONNECTION_TEST(the_request_asks_for_what_the_options_say),
      CONNECTION_TEST(every_connection_has_a_key_of_its_own),
      CONNECTION_TEST(a_connection_opens_however_its_answer_is_cut),
      CONNECTION_TEST(a_wrong_answer_to_the_upgrade_is_refused),
      CONNECTION_TEST(an_answer_without_end_is_given_up),
      CONNECTION_TEST(a_server_that_does_not_answer_is_given_up_in_time),
      CONNECTION_TEST(a_port_where_nobody_listens_is_tried_again),
      CONNECTION_TEST(a_name_that_does_not_exist_is_not_found),
      CONNECTION_TEST(a_server_that_breaks_the_protocol_gets_a_close_code_and_is_closed),
      CONNECTION_TEST(a_relayed_message_may_be_longer_than_the_server_accepts),
      CONNECTION_TEST(an_error_about_a_long_message_names_the_option),
      CONNECTION_TEST(messages_come_whole_however_they_are_cut),
      CONNECTION_TEST(a_ping_gets_its_pong),
      CONNECTION_TEST(frames_are_masked_with_keys_that_differ),
      CONNECTION_TEST(invalid_options_are_refused),
      CONNECTION_TEST(a_handler_is_checked_and_there_is_one_for_a_type),
      CONNECTION_TEST(a_handler_with_a_table_of_another_abi_is_refused),
      CONNECTION_TEST(more_than_the_outgoing_cap_is_not_sent),
      CONNECTION_TEST(a_plain_error_is_delivered_with_its_type),
      CONNECTION_TEST(a_message_that_cannot_be_decoded_is_dropped_and_the_connection_stays),
      CONNECTION_TEST(a_connection_that_cannot_be_watched_is_closed),
      CONNECTION_TEST(a_message_without_a_random_mask_is_not_sent),
      CONNECTION_TEST(a_client_without_a_thread_of_its_own_can_be_stepped),
  };
  return cmocka_run_group_tests_name("client connections", tests, NULL, NULL);
}
