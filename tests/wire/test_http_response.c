#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guard.h"
#include "random.h"
#include "wire/http_response.h"

#define HEAD_BYTES_MAX 2048

static const struct stoa_http_limits limits = {.head_bytes_max = HEAD_BYTES_MAX, .fields_max = 5};

static const struct response {
  const char *name;
  int verdict;
  const char *text;
} responses[] = {
    {"an upgrade", STOA_OK, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nA:  b c \t\r\n\r\nrest"},
    {"no fields", STOA_OK, "HTTP/1.1 204 No Content\r\n\r\n"},
    {"no reason", STOA_OK, "HTTP/1.1 200 \r\n\r\n"},
    {"no blank after the code", STOA_OK, "HTTP/1.1 200\r\n\r\n"},
    {"a reason of any bytes", STOA_OK, "HTTP/1.1 200 \xc3\xa4 \t!\r\n\r\n"},
    {"an empty value", STOA_OK, "HTTP/1.1 200 OK\r\nA:\r\n\r\n"},
    {"five fields", STOA_OK, "HTTP/1.1 200 OK\r\nA:1\r\nB:2\r\nC:3\r\nD:4\r\nE:5\r\n\r\n"},
    {"six fields", STOA_E_LIMIT, "HTTP/1.1 200 OK\r\nA:1\r\nB:2\r\nC:3\r\nD:4\r\nE:5\r\nF:6\r\n\r\n"},
    {"cut in the code", STOA_E_AGAIN, "HTTP/1.1 20"},
    {"cut in a field", STOA_E_AGAIN, "HTTP/1.1 200 OK\r\nA: b\r\n"},
    {"cut before the last byte", STOA_E_AGAIN, "HTTP/1.1 200 OK\r\nA: b\r\n\r"},
    {"HTTP/1.0", STOA_E_UNSUPPORTED, "HTTP/1.0 200 OK\r\n\r\n"},
    {"HTTP/2.0", STOA_E_UNSUPPORTED, "HTTP/2.0 200 OK\r\n\r\n"},
    {"another protocol", STOA_E_SYNTAX, "SSH-2.0-OpenSSH_9.2\r\n"},
    {"lower case", STOA_E_SYNTAX, "http/1.1 200 OK\r\n\r\n"},
    {"an empty line in front", STOA_E_SYNTAX, "\r\nHTTP/1.1 200 OK\r\n\r\n"},
    {"two blanks", STOA_E_SYNTAX, "HTTP/1.1  200 OK\r\n\r\n"},
    {"two digits", STOA_E_SYNTAX, "HTTP/1.1 20 OK\r\n\r\n"},
    {"four digits", STOA_E_SYNTAX, "HTTP/1.1 2000 OK\r\n\r\n"},
    {"no digits", STOA_E_SYNTAX, "HTTP/1.1 2x0 OK\r\n\r\n"},
    {"a code below 100", STOA_E_SYNTAX, "HTTP/1.1 099 Low\r\n\r\n"},
    {"a code above 599", STOA_E_SYNTAX, "HTTP/1.1 600 High\r\n\r\n"},
    {"a bare LF after the reason", STOA_E_SYNTAX, "HTTP/1.1 200 OK\nA: b\r\n\r\n"},
    {"a bare CR in the reason", STOA_E_SYNTAX, "HTTP/1.1 200 O\rK\r\n\r\n"},
    {"a control byte in the reason", STOA_E_SYNTAX, "HTTP/1.1 200 O\x01\r\n\r\n"},
    {"a bare LF after a value", STOA_E_SYNTAX, "HTTP/1.1 200 OK\r\nA: b\n\r\n"},
    {"a bare CR in a value", STOA_E_SYNTAX, "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n"},
    {"a folded line", STOA_E_SYNTAX, "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"},
    {"a blank before the colon", STOA_E_SYNTAX, "HTTP/1.1 200 OK\r\nA : b\r\n\r\n"},
    {"no colon", STOA_E_SYNTAX, "HTTP/1.1 200 OK\r\nAb\r\n\r\n"},
    {"no name", STOA_E_SYNTAX, "HTTP/1.1 200 OK\r\n: b\r\n\r\n"},
    {"a control byte in a value", STOA_E_SYNTAX, "HTTP/1.1 200 OK\r\nA: b\x7f\r\n\r\n"},
    {"a CR before the end and no LF", STOA_E_SYNTAX, "HTTP/1.1 200 OK\r\n\rA"},
};

static int verdict_on(const void *data, size_t len) {
  struct stoa_http_response response;
  stoa_http_response_init(&response);
  return stoa_http_response_parse(&response, &limits, data, len);
}

static void every_response_is_accepted_or_refused_as_listed(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++) {
    int verdict = verdict_on(responses[i].text, strlen(responses[i].text));
    if (verdict != responses[i].verdict) {
      fail_msg("%s: got %s", responses[i].name, stoa_status_text(verdict));
    }
  }
}

/* Each prefix alone, and all prefixes one after the other: nothing, nothing, then the verdict for good. */
static void the_result_comes_at_the_same_byte_for_every_split(void **state) {
  (void)state;
  struct guard guard = guard_make(4096);
  for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++) {
    struct stoa_http_response grown;
    int last = STOA_E_AGAIN;
    stoa_http_response_init(&grown);
    for (size_t len = 0; len <= strlen(responses[i].text); len++) {
      const uint8_t *prefix = guard_copy(&guard, responses[i].text, len);
      int alone = verdict_on(prefix, len);
      int step = stoa_http_response_parse(&grown, &limits, prefix, len);
      if (alone != step || (last != STOA_E_AGAIN && step != last)) {
        fail_msg("%s: %zu bytes at once give %d, one by one %d", responses[i].name, len, alone, step);
      }
      last = step;
    }
    assert_int_equal(last, responses[i].verdict);
  }
  guard_free(&guard);
}

static void heads_in_pieces_are_the_heads_in_one(void **state) {
  (void)state;
  uint64_t seed = 5;
  for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++) {
    const uint8_t *data = (const uint8_t *)responses[i].text;
    size_t len = strlen(responses[i].text);
    struct stoa_http_response whole, pieces;
    stoa_http_response_init(&whole);
    stoa_http_response_parse(&whole, &limits, data, len);
    stoa_http_response_init(&pieces);
    for (size_t at = 0; at < len;) {
      at += 1 + random_below(&seed, len - at);
      stoa_http_response_parse(&pieces, &limits, data, at);
    }
    assert_memory_equal(&pieces, &whole, sizeof whole);
  }
}

static void a_complete_head_is_parsed(void **state) {
  (void)state;
  const char *text = responses[0].text;
  const uint8_t *data = (const uint8_t *)text;
  struct stoa_http_response response;
  stoa_http_response_init(&response);
  assert_int_equal(stoa_http_response_parse(&response, &limits, data, strlen(text)), STOA_OK);
  assert_int_equal(response.status, 101);
  assert_int_equal(response.fields.count, 2);
  assert_int_equal(response.head_len, strlen(text) - strlen("rest"));
  size_t index = 0;
  assert_true(stoa_string_equal(stoa_http_response_field(&response, data, "a", &index), stoa_string_of("b c")));
  assert_null(stoa_http_response_field(&response, data, "a", &index).data);
  assert_null(stoa_http_response_field(&response, data, "a", &index).data);
  assert_null(stoa_http_response_field(&response, data, "Missing", NULL).data);
}

static void a_head_ends_within_its_limit(void **state) {
  static char text[HEAD_BYTES_MAX + 1];
  (void)state;
  memset(text, 'a', sizeof text);
  memcpy(text, "HTTP/1.1 200 OK\r\nA:", 19);
  memcpy(text + HEAD_BYTES_MAX - 4, "\r\n\r\n", 4);
  assert_int_equal(verdict_on(text, HEAD_BYTES_MAX), STOA_OK);
  text[HEAD_BYTES_MAX - 4] = 'a';
  memcpy(text + HEAD_BYTES_MAX - 3, "\r\n\r\n", 4);
  assert_int_equal(verdict_on(text, HEAD_BYTES_MAX - 1), STOA_E_AGAIN);
  assert_int_equal(verdict_on(text, HEAD_BYTES_MAX), STOA_E_LIMIT);
  assert_int_equal(verdict_on(text, HEAD_BYTES_MAX + 1), STOA_E_LIMIT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_response_is_accepted_or_refused_as_listed),
      cmocka_unit_test(the_result_comes_at_the_same_byte_for_every_split),
      cmocka_unit_test(heads_in_pieces_are_the_heads_in_one),
      cmocka_unit_test(a_complete_head_is_parsed),
      cmocka_unit_test(a_head_ends_within_its_limit),
  };
  return cmocka_run_group_tests_name("HTTP responses", tests, NULL, NULL);
}
