/* A client that offers permessage-deflate, and servers that accept it, correctly or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "peer.h"
#include "wire/ws_deflate.h"

#define TAKEN "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"
#define MESSAGE_BYTES_MAX 1000
#define PACKED_BYTES_MAX 4096

static int try_open(struct peer *peer, enum stoa_client_subprotocol subprotocol, const char *extensions) {
  struct stoa_client_options options = peer_options(peer);
  char more[256];
  options.subprotocol = subprotocol;
  options.compression = true;
  options.once = true;
  options.received_message_bytes_max = MESSAGE_BYTES_MAX;
  int status = peer_try_open_client(peer, &options);
  if (status == STOA_OK && peer_try_accept(peer)) {
    snprintf(more, sizeof more, "Sec-WebSocket-Protocol: %s\r\n%s",
             subprotocol == STOA_CLIENT_TEXT ? "stoa.text" : "stoa.json", extensions);
    peer_answer(peer, more);
  }
  return status;
}

static void open_connection(struct peer *peer, enum stoa_client_subprotocol subprotocol, const char *extensions) {
  assert_int_equal(try_open(peer, subprotocol, extensions), STOA_OK);
  assert_non_null(strstr(peer->head,
                         "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                         "client_no_context_takeover\r\n"));
  peer_await(peer, STOA_CLIENT_OPEN);
}

static size_t pack(const void *message, size_t len, uint8_t out_packed[PACKED_BYTES_MAX]) {
  struct stoa_deflater *deflater = stoa_deflater_create(15);
  struct stoa_buffer out;
  stoa_buffer_init(&out, PACKED_BYTES_MAX);
  assert_non_null(deflater);
  assert_int_equal(stoa_deflater_message(deflater, stoa_bytes_make(message, len), &out), STOA_OK);
  memcpy(out_packed, out.data, out.len);
  len = out.len;
  stoa_buffer_fini(&out);
  stoa_deflater_destroy(deflater);
  return len;
}

/* A frame of less than 126 bytes; the first byte has FIN, RSV1 and the opcode. */
static void send_short(struct peer *peer, uint8_t first, const uint8_t *data, size_t len) {
  uint8_t header[2] = {first, (uint8_t)len};
  assert_true(len < 126);
  peer_write(peer, header, sizeof header);
  peer_write(peer, data, len);
}

static void await_other(struct peer *peer, unsigned count) {
  while (peer->others < count) {
    peer_step(peer);
  }
}

static void compressed_messages_are_read_beside_others(void **state) {
  struct peer *peer = *state;
  uint8_t packed[PACKED_BYTES_MAX];
  uint8_t message[204] = {0, 0, 0, 7};
  memset(message + 4, 'x', 200);
  open_connection(peer, STOA_CLIENT_CODEC, TAKEN);
  size_t len = pack(message, sizeof message, packed);
  assert_true(len < 100);
  for (unsigned i = 1; i <= 6; i += 3) {
    send_short(peer, 0xc2, packed, len);
    await_other(peer, i);
    assert_int_equal(peer->other.type, 7);
    assert_int_equal(peer->other.len, 200);
    assert_memory_equal(peer->other.payload, message + 4, 200);
    peer_send_typed(peer, 8, 0, "plain");
    await_other(peer, i + 1);
    assert_int_equal(peer->other.type, 8);
    assert_memory_equal(peer->other.payload, "plain", 5);
    peer->in_bytes = true;
    send_short(peer, 0x42, packed, 3);
    send_short(peer, 0x00, packed + 3, 0);
    send_short(peer, 0x80, packed + 3, len - 3);
    peer->in_bytes = false;
    await_other(peer, i + 2);
    assert_int_equal(peer->other.type, 7);
    assert_int_equal(peer->other.len, 200);
  }
}

static void what_the_client_sends_is_not_compressed(void **state) {
  struct peer *peer = *state;
  static const char payload[] =
      "{\"text\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}";
  open_connection(peer, STOA_CLIENT_CODEC, TAKEN);
  const struct stoa_bytes bytes = stoa_bytes_make(payload, sizeof payload - 1);
  assert_int_equal(stoa_client_send(peer->client, 3, NULL, &bytes), STOA_OK);
  struct peer_frame frame = peer_read(peer); /* which sees that no reserved bit is set */
  assert_int_equal(frame.opcode, STOA_WS_BINARY);
  assert_memory_equal(frame.data + 4, payload, sizeof payload - 1);
}

/* A frame on the open connection, and how the client leaves. */
static void expect_refused(struct peer *peer, enum stoa_client_subprotocol subprotocol, const char *extensions,
                           const struct stoa_bytes *frame, uint16_t code) {
  open_connection(peer, subprotocol, extensions);
  peer_write(peer, frame->data, frame->len);
  struct peer_frame answer = peer_read(peer);
  assert_int_equal(answer.opcode, STOA_WS_CLOSE);
  assert_int_equal(answer.data[0] << 8 | answer.data[1], code);
  peer_await(peer, STOA_CLIENT_ENDED);
  assert_int_equal(peer_change(peer)->status, code == STOA_WS_CLOSE_TOO_BIG ? STOA_E_LIMIT : STOA_E_SYNTAX);
  assert_int_equal(peer->others, 0);
  stoa_client_destroy(peer->client);
  peer->client = NULL;
}

static void a_server_that_did_not_agree_may_not_compress(void **state) {
  const struct stoa_bytes frame = stoa_bytes_make("\xc2\x01\x00", 3);
  expect_refused(*state, STOA_CLIENT_CODEC, "", &frame, 1002);
}

static void a_message_that_inflates_past_the_limit_is_refused(void **state) {
  uint8_t frame[PACKED_BYTES_MAX + 2];
  static uint8_t message[MESSAGE_BYTES_MAX + 1];
  size_t len = pack(message, sizeof message, frame + 2);
  frame[0] = 0xc2;
  frame[1] = (uint8_t)len;
  const struct stoa_bytes bytes = stoa_bytes_make(frame, len + 2);
  expect_refused(*state, STOA_CLIENT_CODEC, TAKEN, &bytes, 1009);
}

static void invalid_deflate_data_is_refused(void **state) {
  const struct stoa_bytes frame = stoa_bytes_make("\xc2\x02\xff\xff", 4);
  const struct stoa_bytes cut = stoa_bytes_make("\xc2\x01\x02", 3);
  expect_refused(*state, STOA_CLIENT_CODEC, TAKEN, &frame, 1007);
  expect_refused(*state, STOA_CLIENT_CODEC, TAKEN, &cut, 1007);
}

static void compressed_text_that_is_not_utf8_is_refused(void **state) {
  uint8_t frame[PACKED_BYTES_MAX + 2];
  static const char text[] = "{\"type\":1,\"payload\":\"\xc3\x28\"}";
  size_t len = pack(text, sizeof text - 1, frame + 2);
  frame[0] = 0xc1;
  frame[1] = (uint8_t)len;
  const struct stoa_bytes bytes = stoa_bytes_make(frame, len + 2);
  expect_refused(*state, STOA_CLIENT_TEXT, TAKEN, &bytes, 1007);
}

static void memory_may_run_out_while_a_message_is_inflated(void **state) {
  struct peer *peer = *state;
  uint8_t packed[PACKED_BYTES_MAX];
  uint8_t message[MESSAGE_BYTES_MAX] = {0, 0, 0, 7};
  uint64_t hits = 1;
  unsigned lost = 0;
  size_t len = pack(message, sizeof message, packed);
  for (uint64_t n = 1; hits > 0; n++) {
    open_connection(peer, STOA_CLIENT_CODEC, TAKEN);
    peer->others = 0;
    stoa_memory_fail_at(n, false);
    send_short(peer, 0xc2, packed, len);
    while (peer->others == 0 && stoa_client_state(peer->client) == STOA_CLIENT_OPEN) {
      peer_step(peer);
    }
    hits = stoa_memory_fault_hits();
    stoa_memory_fail_at(0, false);
    if (peer->others == 0) {
      assert_int_equal(peer_change(peer)->status, STOA_E_MEMORY);
      lost++;
    }
    stoa_client_destroy(peer->client);
    peer->client = NULL;
    assert_true(n < 100);
  }
  assert_true(lost > 2);
}

#define COMPRESSION_TEST(name) cmocka_unit_test_setup_teardown(name, peer_set_up, peer_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      COMPRESSION_TEST(compressed_messages_are_read_beside_others),
      COMPRESSION_TEST(what_the_client_sends_is_not_compressed),
      COMPRESSION_TEST(a_server_that_did_not_agree_may_not_compress),
      COMPRESSION_TEST(a_message_that_inflates_past_the_limit_is_refused),
      COMPRESSION_TEST(invalid_deflate_data_is_refused),
      COMPRESSION_TEST(compressed_text_that_is_not_utf8_is_refused),
      COMPRESSION_TEST(memory_may_run_out_while_a_message_is_inflated),
  };
  return cmocka_run_group_tests_name("client compression", tests, NULL, NULL);
}
