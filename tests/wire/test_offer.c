#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "wire/ws_offer.h"

/* RFC 6455 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define HEAD "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define PROTOCOL "Sec-WebSocket-Protocol: stoa.json\r\n"

static const struct stoa_buffer no_fields;

static struct stoa_ws_offer offer_of(const char *protocol, const char *target) {
  struct stoa_ws_offer offer = {.authority = STOA_STR("example.com:7700"),
                                .target = stoa_string_of(target),
                                .protocol = protocol,
                                .more_fields = &no_fields};
  memcpy(offer.key, KEY, sizeof offer.key);
  return offer;
}

static void expect_request(const struct stoa_ws_offer *offer, const char *text) {
  struct stoa_buffer out;
  stoa_buffer_init(&out, 4096);
  assert_int_equal(stoa_ws_offer_write(offer, &out), STOA_OK);
  assert_int_equal(out.len, strlen(text));
  assert_memory_equal(out.data, text, out.len);
  stoa_buffer_fini(&out);
}

static void a_request_is_written_as_the_rfc_requires(void **state) {
  (void)state;
  struct stoa_ws_offer offer = offer_of("stoa.json", "/a?b");
  expect_request(&offer,
                 "GET /a?b HTTP/1.1\r\nHost: example.com:7700\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n" PROTOCOL "\r\n");
  offer = offer_of(NULL, "?b");
  struct stoa_buffer fields;
  stoa_buffer_init(&fields, 256);
  assert_int_equal(stoa_ws_offer_field(&fields, "X-Empty", ""), STOA_OK);
  assert_int_equal(stoa_ws_offer_field(&fields, "Cookie", "a=b; c=d"), STOA_OK);
  offer.more_fields = &fields;
  expect_request(&offer,
                 "GET /?b HTTP/1.1\r\nHost: example.com:7700\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\nX-Empty: \r\nCookie: a=b; c=d\r\n\r\n");
  stoa_buffer_fini(&fields);
  offer = offer_of(NULL, "/");
  offer.deflate = true;
  expect_request(&offer,
                 "GET / HTTP/1.1\r\nHost: example.com:7700\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY
                 "\r\nSec-WebSocket-Extensions: "
                 "permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\r\n");
}

static void a_request_without_room_or_memory_leaves_nothing(void **state) {
  (void)state;
  struct stoa_ws_offer offer = offer_of("stoa.json", "/");
  struct stoa_buffer out;
  stoa_buffer_init(&out, 100);
  assert_int_equal(stoa_ws_offer_write(&offer, &out), STOA_E_LIMIT);
  assert_int_equal(out.len, 0);
  stoa_buffer_fini(&out);
  stoa_memory_fail_at(1, false);
  assert_int_equal(stoa_ws_offer_write(&offer, &out), STOA_E_MEMORY);
  stoa_memory_fail_at(0, false);
  assert_int_equal(out.len, 0);
}

static void fields_that_would_change_the_request_are_refused(void **state) {
  static const char *const bad[][2] = {
      {"", "x"},
      {"A B", "x"},
      {"A:", "x"},
      {"host", "x"},
      {"UPGRADE", "x"},
      {"Connection", "close"},
      {"Content-Length", "1"},
      {"Transfer-Encoding", "chunked"},
      {"Sec-WebSocket-Key", KEY},
      {"Sec-WebSocket-Version", "13"},
      {"Sec-WebSocket-Protocol", "stoa.proto"},
      {"Sec-WebSocket-Extensions", "permessage-deflate"},
      {"A", "b\r\nC: d"},
      {"A", "b\n"},
      {"A", "\x01"},
      {"A", " b"},
      {"A", "b\t"},
  };
  struct stoa_buffer fields;
  (void)state;
  stoa_buffer_init(&fields, 256);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (stoa_ws_offer_field(&fields, bad[i][0], bad[i][1]) != STOA_E_ARGUMENT || fields.len != 0) {
      fail_msg("field %zu was taken", i);
    }
  }
  stoa_buffer_init(&fields, 4);
  assert_int_equal(stoa_ws_offer_field(&fields, "Abc", "d"), STOA_E_LIMIT);
  assert_int_equal(fields.len, 0);
  stoa_buffer_fini(&fields);
}

static int judge(const struct stoa_ws_offer *offer, const char *text, bool *out_deflate) {
  const struct stoa_http_limits limits = {.head_bytes_max = 4096, .fields_max = 20};
  const uint8_t *data = (const uint8_t *)text;
  const char *reason = NULL;
  struct stoa_http_response response;
  stoa_http_response_init(&response);
  assert_int_equal(stoa_http_response_parse(&response, &limits, data, strlen(text)), STOA_OK);
  int status = stoa_ws_offer_check(offer, &response, data, out_deflate, &reason);
  assert_int_equal(reason == NULL, status == STOA_OK);
  return status;
}

static int check(const char *protocol, const char *text) {
  const struct stoa_ws_offer offer = offer_of(protocol, "/");
  bool deflate = true;
  int status = judge(&offer, text, &deflate);
  assert_int_equal(deflate, status != STOA_OK);
  return status;
}

static void only_the_answer_to_the_offer_is_taken(void **state) {
  static const struct {
    int status;
    const char *protocol, *text;
  } answers[] = {
      {STOA_OK, "stoa.json", HEAD UPGRADE ACCEPT PROTOCOL "\r\n"},
      {STOA_OK, NULL, HEAD UPGRADE ACCEPT "\r\n"},
      {STOA_OK, NULL, HEAD "upgrade: WebSocket\r\nconnection: keep-alive, UPGRADE\r\n" ACCEPT "\r\n"},
      {STOA_E_DENIED, NULL, "HTTP/1.1 200 OK\r\n" UPGRADE ACCEPT "\r\n"},
      {STOA_E_DENIED, NULL, "HTTP/1.1 403 Forbidden\r\n\r\n"},
      {STOA_E_SYNTAX, NULL, HEAD ACCEPT "\r\n"},
      {STOA_E_SYNTAX, NULL, HEAD "Upgrade: websocket\r\n" ACCEPT "\r\n"},
      {STOA_E_SYNTAX, NULL, HEAD "Connection: Upgrade\r\n" ACCEPT "\r\n"},
      {STOA_E_SYNTAX, NULL, HEAD "Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n" ACCEPT "\r\n"},
      {STOA_E_SYNTAX, NULL, HEAD UPGRADE "Upgrade: websocket\r\n" ACCEPT "\r\n"},
      {STOA_E_SYNTAX, NULL, HEAD UPGRADE "\r\n"},
      {STOA_E_SYNTAX, NULL, HEAD UPGRADE ACCEPT ACCEPT "\r\n"},
      {STOA_E_SYNTAX, NULL, HEAD UPGRADE "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"},
      {STOA_E_SYNTAX, NULL, HEAD UPGRADE "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n\r\n"},
      {STOA_E_SYNTAX, NULL, HEAD UPGRADE ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"},
      {STOA_E_SYNTAX, NULL, HEAD UPGRADE ACCEPT PROTOCOL "\r\n"},
      {STOA_E_SYNTAX, "stoa.proto", HEAD UPGRADE ACCEPT PROTOCOL "\r\n"},
      {STOA_E_SYNTAX, "stoa.json", HEAD UPGRADE ACCEPT PROTOCOL PROTOCOL "\r\n"},
      {STOA_E_UNSUPPORTED, "stoa.json", HEAD UPGRADE ACCEPT "\r\n"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    int status = check(answers[i].protocol, answers[i].text);
    if (status != answers[i].status) {
      fail_msg("answer %zu: %s", i, stoa_status_text(status));
    }
  }
}

/* RFC 7692 5 and 7.1: the server may leave the offer, or take it as it stands; it may say more only of what is its own.
 */
static void only_the_compression_that_was_offered_is_taken(void **state) {
  static const struct {
    const char *value;
    int status;
  } answers[] = {
      {"permessage-deflate; server_no_context_takeover", STOA_OK},
      {"permessage-deflate; client_no_context_takeover; server_no_context_takeover", STOA_OK},
      {" Permessage-Deflate;server_no_context_takeover ; server_max_window_bits=\"10\" ", STOA_OK},
      {"permessage-deflate", STOA_E_SYNTAX},
      {"permessage-deflate; client_no_context_takeover", STOA_E_SYNTAX},
      {"permessage-deflate; server_no_context_takeover; client_max_window_bits=10", STOA_E_SYNTAX},
      {"permessage-deflate; server_no_context_takeover; server_max_window_bits", STOA_E_SYNTAX},
      {"permessage-deflate; server_no_context_takeover; server_max_window_bits=16", STOA_E_SYNTAX},
      {"permessage-deflate; server_no_context_takeover=1", STOA_E_SYNTAX},
      {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", STOA_E_SYNTAX},
      {"permessage-deflate; server_no_context_takeover; more", STOA_E_SYNTAX},
      {"permessage-deflate; server_no_context_takeover, permessage-deflate; server_no_context_takeover", STOA_E_SYNTAX},
      {"permessage-deflate; server_no_context_takeover;", STOA_E_SYNTAX},
      {"x-other; server_no_context_takeover", STOA_E_SYNTAX},
      {"", STOA_E_SYNTAX},
  };
  struct stoa_ws_offer offer = offer_of(NULL, "/");
  bool deflate = true;
  (void)state;
  offer.deflate = true;
  assert_int_equal(judge(&offer, HEAD UPGRADE ACCEPT "\r\n", &deflate), STOA_OK);
  assert_false(deflate);
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    char text[1024];
    snprintf(text, sizeof text, "%sSec-WebSocket-Extensions: %s\r\n\r\n", HEAD UPGRADE ACCEPT, answers[i].value);
    deflate = false;
    int status = judge(&offer, text, &deflate);
    if (status != answers[i].status || deflate != (status == STOA_OK)) {
      fail_msg("answer %zu: %s", i, stoa_status_text(status));
    }
  }
  deflate = false;
  assert_int_equal(
      judge(&offer,
            HEAD UPGRADE ACCEPT "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"
                                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n",
            &deflate),
      STOA_E_SYNTAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_is_written_as_the_rfc_requires),
      cmocka_unit_test(a_request_without_room_or_memory_leaves_nothing),
      cmocka_unit_test(fields_that_would_change_the_request_are_refused),
      cmocka_unit_test(only_the_answer_to_the_offer_is_taken),
      cmocka_unit_test(only_the_compression_that_was_offered_is_taken),
  };
  return cmocka_run_group_tests_name("offers", tests, NULL, NULL);
}
