#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/http.h"

static const int codes[] = {400, 401, 403, 404, 405, 408, 413, 414, 426, 429, 431, 500, 501, 503, 505};

static const char *refusal_of(const struct stoa_http_refusal *refusal) {
  static char text[1024];
  size_t len = stoa_http_refusal(refusal, text, sizeof text - 1);
  assert_in_range(len, 1, sizeof text - 1);
  text[len] = 0;
  return text;
}

static const char *refusal(int code, const char *fields, bool head_only) {
  return refusal_of(&(struct stoa_http_refusal){.code = code, .fields = fields, .head_only = head_only});
}

static void every_refusal_is_a_complete_answer_that_closes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    char line[128];
    const char *text = refusal(codes[i], "", false);
    snprintf(line, sizeof line, "HTTP/1.1 %d %s\r\n", codes[i], stoa_http_reason(codes[i]));
    assert_memory_equal(text, line, strlen(line));
    assert_non_null(strstr(text, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
    assert_non_null(strstr(text, "\r\nConnection: close"));
    assert_non_null(strstr(text, "\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
    const char *body = strstr(text, "\r\n\r\n") + 4;
    const char *length = strstr(text, "Content-Length: ") + strlen("Content-Length: ");
    assert_int_equal(strtoul(length, NULL, 10), strlen(body));
    assert_memory_equal(body, stoa_http_reason(codes[i]), strlen(stoa_http_reason(codes[i])));
  }
}

static void the_answer_to_head_has_no_body_but_its_length(void **state) {
  (void)state;
  const char *text = refusal(404, "", true);
  assert_non_null(strstr(text, "Content-Length: 10\r\n"));
  assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
}

static void a_refusal_has_its_retry_time_and_its_own_reason(void **state) {
  (void)state;
  const struct stoa_http_refusal refusal = {
      .code = 403, .wall_us = 784111777000000, .text = "set server.hosts: [\"a.example\"]"};
  const char *text = refusal_of(&refusal);
  assert_non_null(strstr(text, "HTTP/1.1 403 Forbidden\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
  assert_non_null(strstr(text, "\r\nContent-Length: 32\r\n"));
  assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\nset server.hosts: [\"a.example\"]\n");
}

static void codes_come_with_the_fields_they_must_have(void **state) {
  (void)state;
  assert_non_null(strstr(refusal(405, "", false), "\r\nAllow: GET, HEAD\r\n"));
  assert_non_null(strstr(refusal(426, "", false), "\r\nSec-WebSocket-Version: 13\r\n"));
  assert_non_null(strstr(refusal(426, "", false), "\r\nUpgrade: websocket\r\n"));
  assert_non_null(strstr(refusal(426, "", false), "\r\nConnection: close, Upgrade\r\n"));
  assert_non_null(strstr(refusal(429, "Retry-After: 1\r\n", false), "\r\nRetry-After: 1\r\n"));
}

static void a_space_too_small_gives_nothing(void **state) {
  (void)state;
  char text[512];
  const struct stoa_http_refusal refusal = {.code = 426};
  size_t len = stoa_http_refusal(&refusal, text, sizeof text);
  assert_in_range(len, 1, sizeof text);
  for (size_t size = 0; size <= len; size++) {
    assert_int_equal(stoa_http_refusal(&refusal, text, size), 0);
  }
  assert_int_equal(stoa_http_refusal(&refusal, text, len + 1), len);
}

static void codes_that_are_never_sent_have_no_reason(void **state) {
  (void)state;
  assert_string_equal(stoa_http_reason(400), "Bad Request");
  assert_string_equal(stoa_http_reason(101), "Switching Protocols");
  assert_string_equal(stoa_http_reason(418), "");
  assert_string_equal(stoa_http_reason(0), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_refusal_is_a_complete_answer_that_closes),
      cmocka_unit_test(the_answer_to_head_has_no_body_but_its_length),
      cmocka_unit_test(a_refusal_has_its_retry_time_and_its_own_reason),
      cmocka_unit_test(codes_come_with_the_fields_they_must_have),
      cmocka_unit_test(a_space_too_small_gives_nothing),
      cmocka_unit_test(codes_that_are_never_sent_have_no_reason),
  };
  return cmocka_run_group_tests_name("HTTP answers", tests, NULL, NULL);
}
