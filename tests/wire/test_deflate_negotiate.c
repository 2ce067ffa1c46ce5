#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stoa/buffer.h>

#include "requests.h"
#include "wire/ws_deflate.h"

#define TAKEOVER "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* The answer to field lines, or "" when nothing is agreed on. */
static const char *answer_to(const char *lines) {
  static char answer[161];
  static char text[2048];
  struct stoa_ws_deflate agreed;
  snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
  struct stoa_http_head head = head_of(text);
  assert_int_equal(head.verdict, 200);
  answer[0] = 0;
  if (stoa_ws_deflate_negotiate(&head, (const uint8_t *)text, &agreed)) {
    assert_true(agreed.server_no_context_takeover);
    assert_true(agreed.client_no_context_takeover);
    size_t len = stoa_ws_deflate_answer(&agreed, answer, sizeof answer);
    assert_in_range(len, 1, 160);
    assert_int_equal(len, strlen(answer));
  }
  return answer;
}

static const char *answer_to_offer(const char *offer) {
  char line[1024];
  snprintf(line, sizeof line, "Sec-WebSocket-Extensions: %s\r\n", offer);
  return answer_to(line);
}

static void good_offers_are_answered(void **state) {
  (void)state;
  static const char *const offers[][2] = {
      {"permessage-deflate", TAKEOVER},
      {"permessage-deflate; client_max_window_bits", TAKEOVER},
      {"permessage-deflate; client_max_window_bits=15", TAKEOVER},
      {"permessage-deflate; client_max_window_bits=10", TAKEOVER "; client_max_window_bits=10"},
      {"permessage-deflate; client_max_window_bits=8", TAKEOVER "; client_max_window_bits=8"},
      {"permessage-deflate; client_max_window_bits=\"9\"", TAKEOVER "; client_max_window_bits=9"},
      {"permessage-deflate; client_max_window_bits=\"1\\0\"", TAKEOVER "; client_max_window_bits=10"},
      {"permessage-deflate; server_max_window_bits=15", TAKEOVER "; server_max_window_bits=15"},
      {"permessage-deflate; server_max_window_bits=9", TAKEOVER "; server_max_window_bits=9"},
      {"permessage-deflate;server_max_window_bits=10;client_max_window_bits=11",
       TAKEOVER "; server_max_window_bits=10; client_max_window_bits=11"},
      {"permessage-deflate; server_no_context_takeover", TAKEOVER},
      {"permessage-deflate ; client_no_context_takeover ; server_no_context_takeover", TAKEOVER},
      {"x-webkit-deflate-frame, permessage-deflate", TAKEOVER},
      {"other; a=1; b=\"2\", permessage-deflate", TAKEOVER},
      {",, permessage-deflate ,", TAKEOVER},
  };
  for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
    assert_string_equal(answer_to_offer(offers[i][0]), offers[i][1]);
  }
}

static void bad_offers_are_skipped(void **state) {
  (void)state;
  static const char *const offers[] = {
      "",
      "permessage-bzip2",
      "permessage-deflate-frame",
      "permessage-deflate; server_max_window_bits",
      "permessage-deflate; server_max_window_bits=8",
      "permessage-deflate; server_max_window_bits=7",
      "permessage-deflate; server_max_window_bits=16",
      "permessage-deflate; server_max_window_bits=99",
      "permessage-deflate; server_max_window_bits=010",
      "permessage-deflate; server_max_window_bits=150",
      "permessage-deflate; server_max_window_bits=10000000000000000000010",
      "permessage-deflate; server_max_window_bits=1x",
      "permessage-deflate; client_max_window_bits=7",
      "permessage-deflate; client_max_window_bits=16",
      "permessage-deflate; client_max_window_bits=+9",
      "permessage-deflate; client_max_window_bits=-9",
      "permessage-deflate; server_no_context_takeover=1",
      "permessage-deflate; client_no_context_takeover=true",
      "permessage-deflate; unknown",
      "permessage-deflate; constructor",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
      "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
      "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
  };
  for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
    char with_fallback[512];
    assert_string_equal(answer_to_offer(offers[i]), "");
    snprintf(with_fallback, sizeof with_fallback, "%s, permessage-deflate; server_max_window_bits=12", offers[i]);
    assert_string_equal(answer_to_offer(with_fallback), TAKEOVER "; server_max_window_bits=12");
  }
}

static void the_first_good_offer_wins_over_all_fields(void **state) {
  (void)state;
  assert_string_equal(answer_to("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7\r\n"
                                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=11\r\n"
                                "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
                      TAKEOVER "; server_max_window_bits=11");
}

static void a_list_that_breaks_the_grammar_is_no_offer(void **state) {
  (void)state;
  static const char *const lists[] = {
      "permessage-deflate;",
      "permessage-deflate;;",
      "permessage-deflate; =",
      "permessage-deflate; client_max_window_bits=",
      "permessage-deflate; client_max_window_bits=\"\"",
      "permessage-deflate; client_max_window_bits=\"10",
      "permessage-deflate; client_max_window_bits=\"1 0\"",
      "permessage-deflate; client_max_window_bits=\"10\\",
      "permessage-deflate; client_max_window_bits=10 11",
      "permessage-deflate permessage-deflate",
      "permessage-deflate, ,;;=;\"",
      ",,;;=;\"",
      "permessage-deflate, =",
      "permessage-deflate, \"x\"",
      "permessage-deflate; a[b]",
      "permessage-deflate, \xc3\xa4",
  };
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
    assert_string_equal(answer_to_offer(lists[i]), "");
  }
  assert_string_equal(answer_to("Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: ;\r\n"), "");
}

/* As long as a head can be; done when the test returns at all before its deadline. */
static void long_lists_of_anything_are_read_to_the_end(void **state) {
  (void)state;
  static const char *const repeated[] = {",",    "a,", "a;b=\"c\",",
                                         ";",    " ",  "permessage-deflate; x,",
                                         "\\\"", "=",  "permessage-deflate; client_max_window_bits=\"8\"; "};
  for (size_t i = 0; i < sizeof repeated / sizeof repeated[0]; i++) {
    static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Extensions: b";
    struct stoa_buffer text;
    struct stoa_ws_deflate agreed;
    stoa_buffer_init(&text, STOA_HTTP_HEAD_BYTES_MAX_DEFAULT);
    assert_int_equal(stoa_buffer_append(&text, start, sizeof start - 1), STOA_OK);
    while (text.len + strlen(repeated[i]) + 5 < STOA_HTTP_HEAD_BYTES_MAX_DEFAULT) {
      assert_int_equal(stoa_buffer_append(&text, repeated[i], strlen(repeated[i])), STOA_OK);
    }
    assert_int_equal(stoa_buffer_append(&text, "\r\n\r\n", 5), STOA_OK);
    struct stoa_http_head head = head_of((const char *)text.data);
    assert_int_equal(head.verdict, 200);
    assert_false(stoa_ws_deflate_negotiate(&head, text.data, &agreed));
    stoa_buffer_fini(&text);
  }
}

static void an_answer_that_does_not_fit_is_not_written(void **state) {
  (void)state;
  const struct stoa_ws_deflate agreed = {true, true, 10, true, 10, true};
  char out[160];
  size_t len = stoa_ws_deflate_answer(&agreed, out, sizeof out);
  assert_in_range(len, 100, 160);
  assert_int_equal(stoa_ws_deflate_answer(&agreed, out, len), 0);
  assert_int_equal(stoa_ws_deflate_answer(&agreed, out, len + 1), len);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_offers_are_answered),
      cmocka_unit_test(bad_offers_are_skipped),
      cmocka_unit_test(the_first_good_offer_wins_over_all_fields),
      cmocka_unit_test(a_list_that_breaks_the_grammar_is_no_offer),
      cmocka_unit_test(long_lists_of_anything_are_read_to_the_end),
      cmocka_unit_test(an_answer_that_does_not_fit_is_not_written),
  };
  return cmocka_run_group_tests_name("permessage-deflate negotiation", tests, NULL, NULL);
}
