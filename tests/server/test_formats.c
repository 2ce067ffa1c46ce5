/* Clients of all codecs and framings in one group: each receives every line in its own format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/log.h>
#include <zlib.h>

#include "base/memory.h"
#include "fixture.h"

/* A codec of the program's own: "from#number#text". */
static int encode_plain(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out) {
  char text[512];
  const struct sample_v1_line_message *line = message;
  if (type != &sample_v1_line_message_type) {
    return stoa_buffer_append(out, "?", 1);
  }
  int len = snprintf(text, sizeof text, "%.*s#%u#%.*s", (int)line->from.len, line->from.data, line->number,
                     (int)line->text.len, line->text.data);
  return stoa_buffer_append(out, text, (size_t)len);
}

static int decode_plain(const struct stoa_message_type *type, struct stoa_bytes input, struct stoa_arena *arena,
                        void *out_message, struct stoa_codec_error *out_error) {
  (void)type;
  (void)arena;
  struct sample_v1_line_message *line = out_message;
  const uint8_t *sign = memchr(input.data, '#', input.len);
  if (sign == NULL) {
    snprintf(out_error->text, sizeof out_error->text, "no sign");
    return STOA_E_SYNTAX;
  }
  size_t at = (size_t)(sign - input.data);
  line->from = stoa_string_make((const char *)input.data, at);
  line->text = stoa_string_make((const char *)sign + 1, input.len - at - 1);
  return STOA_OK;
}

static const struct stoa_codec plain_codec = {"plain", true, encode_plain, decode_plain};

static void start_with_plain(struct fixture *fixture, struct stoa_server_config *config, const char *codec) {
  config->codec = stoa_string_of(codec);
  fixture->blocks_before = stoa_memory_live_blocks();
  assert_int_equal(stoa_server_create(config, &fixture->server), STOA_OK);
  assert_int_equal(stoa_server_add_codec(fixture->server, &plain_codec), STOA_OK);
  assert_int_equal(stoa_server_add_codec(fixture->server, &plain_codec), STOA_E_EXISTS);
  assert_int_equal(sample_v1_sample_register(fixture->server, fixture_handlers(), NULL), STOA_OK);
  assert_int_equal(stoa_server_start(fixture->server), STOA_OK);
  fixture->address = stoa_server_address(fixture->server, 0);
}

enum { GUESTS = 7 };

/* What each kind of client asks for, and how a line of n, from "x" with text "y", comes to it. */
struct kind {
  const char *protocol;
  const char *extra;
  int opcode;
  bool compressed;
};

static const char deflate_offer[] = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

static const struct kind kinds[GUESTS] = {
    {NULL, NULL, 2, false},
    {"stoa.json", NULL, 2, false},
    {"stoa.proto", NULL, 2, false},
    {"stoa.text", NULL, 1, false},
    {"stoa.plain", NULL, 2, false},
    {"stoa.json", deflate_offer, 2, true},
    {"stoa.text", deflate_offer, 1, true},
};

static size_t inflate_raw(const struct client_frame *frame, uint8_t *out, size_t size) {
  static uint8_t input[4096];
  z_stream stream = {0};
  assert_int_equal(inflateInit2(&stream, -15), Z_OK);
  memcpy(input, frame->data, frame->len);
  memcpy(input + frame->len, "\0\0\xff\xff", 4);
  stream.next_in = input;
  stream.avail_in = (uInt)(frame->len + 4);
  stream.next_out = out;
  stream.avail_out = (uInt)size;
  assert_int_equal(inflate(&stream, Z_SYNC_FLUSH), Z_OK);
  size_t made = size - stream.avail_out;
  inflateEnd(&stream);
  return made;
}

static void make_text(char *text, size_t len) {
  memset(text, 'y', len);
  text[len] = '\0';
}

/* The payload that the codec named makes. */
static size_t payload_of(const char *protocol, uint32_t number, const char *text, uint8_t *out, size_t size) {
  if (protocol != NULL && strcmp(protocol, "stoa.proto") == 0) {
    struct stoa_buffer buffer;
    struct sample_v1_line_message line = {.from = STOA_STR("x"), .number = number, .text = stoa_string_of(text)};
    stoa_buffer_init(&buffer, size);
    assert_int_equal(stoa_codec_proto.encode(&sample_v1_line_message_type, &line, &buffer), STOA_OK);
    size_t len = buffer.len;
    memcpy(out, buffer.data, len);
    stoa_buffer_fini(&buffer);
    return len;
  }
  bool plain = protocol != NULL && strcmp(protocol, "stoa.plain") == 0;
  bool is_text = protocol != NULL && strcmp(protocol, "stoa.text") == 0;
  const char *head = plain     ? "x#"
                     : is_text ? "{\"type\":0,\"payload\":{\"from\":\"x\",\"number\":"
                               : "{\"from\":\"x\",\"number\":";
  const char *middle = plain ? "#" : ",\"text\":\"";
  const char *tail = plain ? "" : is_text ? "\"}}" : "\"}";
  return (size_t)snprintf((char *)out, size, "%s%u%s%s%s", head, number, middle, text, tail);
}

static void expect_line(struct client *client, const struct kind *kind, uint32_t number, const char *text) {
  uint8_t expected[2048];
  uint8_t inflated[2048];
  size_t head = kind->opcode == 2 ? 4 : 0;
  memset(expected, 0, 4);
  size_t len = head + payload_of(kind->protocol, number, text, expected + head, sizeof expected - head);
  struct client_frame frame = client_read_message(client);
  assert_int_equal(frame.opcode, kind->opcode);
  assert_int_equal(frame.compressed, kind->compressed && len >= 128);
  const uint8_t *got = frame.data;
  size_t got_len = frame.len;
  if (frame.compressed) {
    got_len = inflate_raw(&frame, inflated, sizeof inflated);
    got = inflated;
  }
  assert_int_equal(got_len, len);
  assert_memory_equal(got, expected, len);
}

static void meet(uint32_t workers) {
  struct fixture fixture;
  struct client observers[GUESTS];
  char text[600];
  struct stoa_server_config *config = fixture_config(workers);
  config->compression = true;
  start_with_plain(&fixture, config, "json");
  for (size_t i = 0; i < GUESTS; i++) {
    client_connect(&observers[i], fixture.address);
    assert_int_equal(client_upgrade(&observers[i], "/", kinds[i].protocol, kinds[i].extra), 101);
  }
  for (uint32_t number = 0; number < 3; number++) {
    make_text(text, number * 150);
    struct sample_v1_line_message line = {.from = STOA_STR("x"), .number = number, .text = stoa_string_of(text)};
    assert_int_equal(sample_v1_line_broadcast(fixture.server, &line), STOA_OK);
    for (size_t i = 0; i < GUESTS; i++) {
      expect_line(&observers[i], &kinds[i], number, text);
    }
  }
  /* What the client of the program's own codec says reaches all others in theirs. */
  assert_true(client_send(&observers[4], 0x82, "\0\0\0\0x#", 6));
  for (size_t i = 0; i < GUESTS; i++) {
    expect_line(&observers[i], &kinds[i], 0, "");
  }
  for (size_t i = 0; i < GUESTS; i++) {
    client_close(&observers[i]);
  }
  fixture_stop(&fixture);
}

static void test_every_kind_of_client_receives_each_line_in_its_own_format(void **state) {
  (void)state;
  meet(1);
  meet(3);
}

static void test_a_client_without_a_subprotocol_speaks_the_configured_codec(void **state) {
  (void)state;
  struct fixture fixture;
  struct client client;
  start_with_plain(&fixture, fixture_config(1), "plain");
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/", NULL, NULL), 101);
  assert_true(client_send(&client, 0x82, "\0\0\0\0me#hello", 12));
  struct client_frame frame = client_read_message(&client);
  assert_int_equal(frame.len, 4 + strlen("me#0#hello"));
  assert_memory_equal(frame.data, "\0\0\0\0me#0#hello", frame.len);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_text_packets_carry_quoted_payloads(void **state) {
  (void)state;
  struct fixture fixture;
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  config->payload_type = STOA_PAYLOAD_TYPE_TEXT;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &client, NULL);
  static const char said[] = "{\"type\":0,\"payload\":\"{\\\"from\\\":\\\"me\\\",\\\"text\\\":\\\"hi\\\"}\"}";
  static const char heard[] =
      "{\"type\":0,\"payload\":\"{\\\"from\\\":\\\"me\\\",\\\"number\\\":0,\\\"text\\\":\\\"hi\\\"}\"}";
  assert_true(client_send(&client, 0x81, said, sizeof said - 1));
  struct client_frame frame = client_read_message(&client);
  assert_int_equal(frame.opcode, 1);
  assert_int_equal(frame.len, sizeof heard - 1);
  assert_memory_equal(frame.data, heard, sizeof heard - 1);
  /* Errors are not for a client of this kind. */
  assert_true(client_send(&client, 0x81, "nonsense", 8));
  assert_true(client_send(&client, 0x81, said, sizeof said - 1));
  frame = client_read_message(&client);
  assert_memory_equal(frame.data, heard, sizeof heard - 1);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_the_byte_order_may_be_little(void **state) {
  (void)state;
  struct fixture fixture;
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  config->byte_order = STOA_BYTE_ORDER_LITTLE;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  static const char call[] = "\x05\0\0\x80\x09\0\0\0{\"question\":\"q\"}";
  static const char answer[] = "\x05\0\0\x80\x09\0\0\0{\"answer\":\"q\"}";
  assert_true(client_send(&client, 0x82, call, sizeof call - 1));
  struct client_frame frame = client_read_message(&client);
  assert_int_equal(frame.len, sizeof answer - 1);
  assert_memory_equal(frame.data, answer, sizeof answer - 1);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_smaller_window_is_kept_and_broadcasts_come_uncompressed(void **state) {
  (void)state;
  struct fixture fixture;
  struct client client;
  char text[600];
  char payload[1000];
  struct stoa_server_config *config = fixture_config(1);
  config->compression = true;
  fixture_start(&fixture, config, NULL);
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json",
                                  "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n"),
                   101);
  make_text(text, 500);
  struct sample_v1_line_message line = {.text = stoa_string_of(text)};
  assert_int_equal(sample_v1_line_broadcast(fixture.server, &line), STOA_OK);
  struct client_frame frame = client_read_message(&client);
  assert_false(frame.compressed);
  snprintf(payload, sizeof payload, "{\"action\":\"push\",\"text\":\"%s\"}", text);
  assert_true(client_send_typed(&client, FIXTURE_GROUP, payload));
  frame = client_read_message(&client);
  assert_true(frame.compressed);
  client_close(&client);
  fixture_stop(&fixture);
}

static void on_raw(void *user, struct stoa_session *session, struct stoa_bytes message, bool is_text) {
  (void)user;
  int ignored = stoa_session_send_raw(session, message, is_text);
  (void)ignored;
}

static void test_a_raw_handler_gets_messages_as_they_are(void **state) {
  (void)state;
  struct fixture fixture;
  struct client client;
  const struct stoa_callbacks callbacks = {.on_raw = on_raw};
  fixture_start(&fixture, fixture_config(1), &callbacks);
  fixture_connect(&fixture, &client, NULL);
  assert_true(client_send(&client, 0x81, "any text", 8));
  struct client_frame frame = client_read_message(&client);
  assert_int_equal(frame.opcode, 1);
  assert_memory_equal(frame.data, "any text", 8);
  assert_true(client_send(&client, 0x82, "", 0));
  frame = client_read_message(&client);
  assert_int_equal(frame.opcode, 2);
  assert_int_equal(frame.len, 0);
  client_close(&client);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_kind_of_client_receives_each_line_in_its_own_format),
      cmocka_unit_test(test_a_client_without_a_subprotocol_speaks_the_configured_codec),
      cmocka_unit_test(test_text_packets_carry_quoted_payloads),
      cmocka_unit_test(test_the_byte_order_may_be_little),
      cmocka_unit_test(test_a_smaller_window_is_kept_and_broadcasts_come_uncompressed),
      cmocka_unit_test(test_a_raw_handler_gets_messages_as_they_are),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
