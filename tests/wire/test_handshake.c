#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "requests.h"
#include "wire/ws_handshake.h"

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define GET "GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"

static void every_upgrade_is_accepted_or_refused_as_listed(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int verdict;
    const char *text;
  } requests_of_upgrade[] = {
      {"the RFC's own example", 101, GET UPGRADE KEY VERSION "\r\n"},
      {"tokens in lists and any case", 101,
       GET "Upgrade: h2c, WebSocket\r\nConnection: keep-alive, uPGRADE\r\n" KEY VERSION "\r\n"},
      {"a key with bits to spare", 101, GET UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZZ==\r\n\r\n"},
      {"a plain request", 0, GET "\r\n"},
      {"an upgrade to something else", 0, GET "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n"},
      {"fields of a handshake without an upgrade", 0, GET KEY VERSION "\r\n"},
      {"HTTP/1.0", 426, "GET / HTTP/1.0\r\nHost: a\r\n" UPGRADE KEY VERSION "\r\n"},
      {"HTTP/1.0 without Host", 426, "GET / HTTP/1.0\r\n" UPGRADE KEY VERSION "\r\n"},
      {"HTTP/1.0 that would be something else", 0, "GET / HTTP/1.0\r\nUpgrade: h2c\r\n\r\n"},
      {"HEAD", 400, "HEAD / HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY VERSION "\r\n"},
      {"no Connection", 400, GET "Upgrade: websocket\r\n" KEY VERSION "\r\n"},
      {"another Connection", 400, GET "Upgrade: websocket\r\nConnection: keep-alive\r\n" KEY VERSION "\r\n"},
      {"no key", 400, GET UPGRADE VERSION "\r\n"},
      {"two keys", 400, GET UPGRADE KEY KEY VERSION "\r\n"},
      {"an empty key", 400, GET UPGRADE VERSION "Sec-WebSocket-Key:\r\n\r\n"},
      {"a key of 15 bytes", 400, GET UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n\r\n"},
      {"a key of 17 bytes", 400, GET UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=\r\n\r\n"},
      {"a key with one padding", 400, GET UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=\r\n\r\n"},
      {"a key of the other alphabet", 400, GET UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25-ZQ==\r\n\r\n"},
      {"no version", 426, GET UPGRADE KEY "\r\n"},
      {"an older version", 426, GET UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n"},
      {"a version with a zero", 426, GET UPGRADE KEY "Sec-WebSocket-Version: 013\r\n\r\n"},
      {"a list of versions", 426, GET UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n\r\n"},
      {"two versions", 400, GET UPGRADE KEY VERSION VERSION "\r\n"},
      {"two origins", 400, GET UPGRADE KEY VERSION "Origin: http://a\r\nOrigin: http://b\r\n\r\n"},
  };
  for (size_t i = 0; i < sizeof requests_of_upgrade / sizeof requests_of_upgrade[0]; i++) {
    const char *text = requests_of_upgrade[i].text;
    struct stoa_http_head head = head_of(text);
    struct stoa_ws_request request;
    assert_int_equal(head.verdict, 200);
    int verdict = stoa_ws_request_read(&head, (const uint8_t *)text, &request);
    if (verdict != requests_of_upgrade[i].verdict) {
      fail_msg("%s: got %d, expected %d", requests_of_upgrade[i].name, verdict, requests_of_upgrade[i].verdict);
    }
  }
}

static void the_parsed_request_has_what_the_client_asked_for(void **state) {
  (void)state;
  static const char text[] = GET UPGRADE KEY VERSION "Origin: http://example.com\r\n\r\n";
  static const char without_origin[] = GET UPGRADE KEY VERSION "\r\n";
  struct stoa_http_head head = head_of(text);
  struct stoa_ws_request request;
  assert_int_equal(stoa_ws_request_read(&head, (const uint8_t *)text, &request), 101);
  assert_true(stoa_string_equal(request.key, stoa_string_of("dGhlIHNhbXBsZSBub25jZQ==")));
  assert_true(stoa_string_equal(request.origin, stoa_string_of("http://example.com")));
  assert_true(stoa_string_equal(request.host, stoa_string_of("server.example.com")));
  head = head_of(without_origin);
  assert_int_equal(stoa_ws_request_read(&head, (const uint8_t *)without_origin, &request), 101);
  assert_null(request.origin.data);
}

/* The names that are offered, joined with '|'. */
static void assert_protocols(const char *lines, const char *expected) {
  char text[1024];
  char joined[256] = "";
  struct stoa_ws_protocol_cursor cursor = {0};
  struct stoa_string name;
  snprintf(text, sizeof text, "%s%s\r\n", GET, lines);
  struct stoa_http_head head = head_of(text);
  assert_int_equal(head.verdict, 200);
  while ((name = stoa_ws_protocol_next(&head, (const uint8_t *)text, &cursor)).data != NULL) {
    strncat(joined, name.data, name.len);
    strcat(joined, "|");
  }
  assert_string_equal(joined, expected);
  assert_null(stoa_ws_protocol_next(&head, (const uint8_t *)text, &cursor).data);
}

static void offered_protocols_are_iterated_in_order_over_all_fields(void **state) {
  (void)state;
  assert_protocols("", "");
  assert_protocols("Sec-WebSocket-Protocol: stoa.json\r\n", "stoa.json|");
  assert_protocols("Sec-WebSocket-Protocol: chat, superchat\r\n", "chat|superchat|");
  assert_protocols("Sec-WebSocket-Protocol: a,b\r\nX: y\r\nsec-websocket-protocol: c\r\n", "a|b|c|");
  assert_protocols("Sec-WebSocket-Protocol: ,, a ,\t,b,\r\n", "a|b|");
  assert_protocols("Sec-WebSocket-Protocol:\r\n", "");
}

static void offered_protocols_end_at_a_break_of_the_grammar(void **state) {
  (void)state;
  assert_protocols("Sec-WebSocket-Protocol: a, b c, d\r\nSec-WebSocket-Protocol: e\r\n", "a|");
  assert_protocols("Sec-WebSocket-Protocol: a b;\"\r\n", "");
  assert_protocols("Sec-WebSocket-Protocol: a, \"b\", c\r\n", "a|");
  assert_protocols("Sec-WebSocket-Protocol: a,b=1\r\n", "a|");
  assert_protocols("Sec-WebSocket-Protocol: a,\xc3\xa4\r\n", "a|");
}

static void the_accept_is_that_of_the_rfc(void **state) {
  (void)state;
  char accept[STOA_WS_ACCEPT_LEN + 1] = "";
  stoa_ws_accept(stoa_string_of("dGhlIHNhbXBsZSBub25jZQ=="), accept);
  assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void the_answer_has_what_was_agreed_on_and_no_more(void **state) {
  (void)state;
  static const char opening[] =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
  const struct stoa_ws_deflate deflate = {.server_no_context_takeover = true,
                                          .client_no_context_takeover = true,
                                          .server_max_window_bits = 15,
                                          .client_max_window_bits = 15};
  struct stoa_string key = stoa_string_of("dGhlIHNhbXBsZSBub25jZQ==");
  char out[513];
  char expected[513];

  out[stoa_ws_response(key, NULL, NULL, NULL, out, 512)] = 0;
  snprintf(expected, sizeof expected, "%s\r\n", opening);
  assert_string_equal(out, expected);

  out[stoa_ws_response(key, NULL, NULL, "A: b\r\n", out, 512)] = 0;
  snprintf(expected, sizeof expected, "%sA: b\r\n\r\n", opening);
  assert_string_equal(out, expected);

  out[stoa_ws_response(key, "stoa.json", &deflate, NULL, out, 512)] = 0;
  snprintf(expected, sizeof expected,
           "%sSec-WebSocket-Protocol: stoa.json\r\nSec-WebSocket-Extensions: permessage-deflate; "
           "server_no_context_takeover; client_no_context_takeover\r\n\r\n",
           opening);
  assert_string_equal(out, expected);
}

static void an_answer_that_does_not_fit_is_not_begun(void **state) {
  (void)state;
  const struct stoa_ws_deflate deflate = {true, true, 9, true, 9, true};
  struct stoa_string key = stoa_string_of("dGhlIHNhbXBsZSBub25jZQ==");
  char protocol[129];
  char out[512];
  memset(protocol, 'p', 128);
  protocol[128] = 0;
  size_t len = stoa_ws_response(key, protocol, &deflate, NULL, out, sizeof out);
  assert_in_range(len, 300, 512);
  for (size_t size = 0; size < len; size++) {
    assert_int_equal(stoa_ws_response(key, protocol, &deflate, NULL, out, size), 0);
  }
  assert_int_equal(stoa_ws_response(key, protocol, &deflate, NULL, out, len), len);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_upgrade_is_accepted_or_refused_as_listed),
      cmocka_unit_test(the_parsed_request_has_what_the_client_asked_for),
      cmocka_unit_test(offered_protocols_are_iterated_in_order_over_all_fields),
      cmocka_unit_test(offered_protocols_end_at_a_break_of_the_grammar),
      cmocka_unit_test(the_accept_is_that_of_the_rfc),
      cmocka_unit_test(the_answer_has_what_was_agreed_on_and_no_more),
      cmocka_unit_test(an_answer_that_does_not_fit_is_not_begun),
  };
  return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
