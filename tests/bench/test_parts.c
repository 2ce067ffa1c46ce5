/* The small parts: histogram, message, URL, answer, options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench_histogram.h"
#include "bench_message.h"
#include "bench_options.h"
#include "bench_target.h"

static void percentiles_are_at_most_1_6_percent_too_high(void **state) {
  (void)state;
  static struct bench_histogram histogram;
  for (uint64_t ns = 1; ns < 2000000; ns += 7) {
    memset(&histogram, 0, sizeof histogram);
    bench_histogram_add(&histogram, ns, 99);
    bench_histogram_add(&histogram, UINT64_C(1) << 41, 1);
    uint64_t found = bench_histogram_percentile_ns(&histogram, 0.99);
    assert_true(found >= ns && (double)found <= (double)ns * 1.016 + 1);
    ns += ns / 3;
  }
}

static void percentiles_split_the_values_where_they_should(void **state) {
  (void)state;
  static struct bench_histogram histogram;
  for (uint64_t ns = 1; ns <= 50; ns++) {
    bench_histogram_add(&histogram, ns, 1);
  }
  assert_int_equal(bench_histogram_percentile_ns(&histogram, 0.5), 25);
  assert_int_equal(bench_histogram_percentile_ns(&histogram, 0.99), 50);
  assert_int_equal(bench_histogram_percentile_ns(&histogram, 0), 1);
}

static void an_empty_histogram_has_no_percentile(void **state) {
  (void)state;
  static const struct bench_histogram histogram;
  assert_int_equal(bench_histogram_percentile_ns(&histogram, 0.5), 0);
}

static void a_histogram_takes_any_value(void **state) {
  (void)state;
  static struct bench_histogram histogram;
  bench_histogram_add(&histogram, 0, 1);
  bench_histogram_add(&histogram, UINT64_MAX, 1);
  assert_int_equal(histogram.count, 2);
  assert_int_equal(bench_histogram_percentile_ns(&histogram, 0), 0);
}

/* Unmask a client's frame and compare it with what the server would send. */
static void assert_round_trip(const struct bench_options *options) {
  struct bench_message message;
  assert_true(bench_message_init(&message, options));
  static uint8_t frame[70 * 1024];
  bench_message_write(&message, 0x1234, 0xdeadbeef, frame);
  uint8_t lead[BENCH_LEAD_MAX];
  bench_message_write_lead(&message, 0x1234, 0xdeadbeef, lead);
  assert_int_equal(memcmp(lead, frame, message.masked_marker_at + BENCH_MARKER_LEN), 0);
  assert_int_equal(frame[1] & 0x80, 0x80);
  size_t payload_at = message.head_len + BENCH_KEY_LEN;
  assert_int_equal(message.masked_len, payload_at + options->size);
  for (size_t i = 0; i < options->size; i++) {
    frame[message.head_len + i] = frame[payload_at + i] ^ message.key[i % BENCH_KEY_LEN];
  }
  frame[1] &= 0x7f;
  uint32_t sender;
  uint32_t seq;
  assert_true(bench_message_marker(&message, frame, &sender, &seq));
  assert_int_equal(sender, 0x1234);
  assert_int_equal(seq, 0xdeadbeef);
  assert_true(bench_message_matches(&message, frame));
  bench_message_fini(&message);
}

static void what_is_masked_is_what_is_expected_back(void **state) {
  (void)state;
  static const size_t sizes[] = {64, 100, 125, 126, 127, 65535, 65536};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct bench_options options = {.size = sizes[i]};
    assert_round_trip(&options);
    options.prefix_len = 4;
    options.template = BENCH_TEMPLATE_JSON;
    assert_round_trip(&options);
  }
}

static void a_json_message_is_compact_and_complete(void **state) {
  (void)state;
  struct bench_options options = {.size = 96, .prefix_len = 4, .prefix = {0, 0, 0, 1}};
  options.template = BENCH_TEMPLATE_JSON;
  struct bench_message message;
  assert_true(bench_message_init(&message, &options));
  static const char expected[] =
      "\x82\x60\0\0\0\1{\"message\":\"000000000000abcdefghij\",\"sender\":\"bench\","
      "\"timestamp\":\"2026-01-01T00:00:00.000Z\"}";
  assert_int_equal(message.plain_len, sizeof expected - 1);
  assert_memory_equal(message.plain, expected, sizeof expected - 1);
  bench_message_fini(&message);
}

static void a_message_too_small_for_its_marker_is_refused(void **state) {
  (void)state;
  struct bench_message message;
  assert_false(bench_message_init(&message, &(struct bench_options){.size = 11}));
  struct bench_options json = {.size = 58, .prefix_len = 4, .template = BENCH_TEMPLATE_JSON};
  assert_false(bench_message_init(&message, &json));
  json.size = 59;
  assert_true(bench_message_init(&message, &json));
  bench_message_fini(&message);
}

static void a_marker_with_other_letters_is_not_recognised(void **state) {
  (void)state;
  struct bench_message message;
  assert_true(bench_message_init(&message, &(struct bench_options){.size = 20}));
  uint32_t sender;
  uint32_t seq;
  message.plain[message.marker_at + 11] = 'F';
  assert_false(bench_message_marker(&message, message.plain, &sender, &seq));
  bench_message_fini(&message);
}

static void a_control_frame_is_masked(void **state) {
  (void)state;
  struct bench_message message = {.key = {1, 2, 3, 4}};
  uint8_t out[16];
  assert_int_equal(bench_control_write(&message, 10, (const uint8_t *)"abcde", 5, out), 11);
  static const uint8_t expected[] = {0x8a, 0x85, 1, 2, 3, 4, 'a' ^ 1, 'b' ^ 2, 'c' ^ 3, 'd' ^ 4, 'e' ^ 1};
  assert_memory_equal(out, expected, sizeof expected);
}

static void urls_are_parsed(void **state) {
  (void)state;
  static const struct {
    const char *text, *path, *host, *port, *authority, *target;
  } cases[] = {
      {"ws://localhost", "", "localhost", "80", "localhost", "/"},
      {"ws://localhost:7700/", "", "localhost", "7700", "localhost:7700", "/"},
      {"ws://10.0.0.1:1/a/b?c=d", "", "10.0.0.1", "1", "10.0.0.1:1", "/a/b?c=d"},
      {"ws://h?x", "", "h", "80", "h", "/?x"},
      {"ws://[::1]:65535/x", "", "::1", "65535", "[::1]:65535", "/x"},
      {"ws://[::1]", "", "::1", "80", "[::1]", "/"},
      {"wss://h", "", "h", "443", "h", "/"},
      {"wss://[::1]:7701/x", "", "::1", "7701", "[::1]:7701", "/x"},
      {"ws+unix:/run/s", "/run/s", "", "", "localhost", "/"},
      {"ws+unix:/run/s:/chat", "/run/s", "", "", "localhost", "/chat"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct bench_url url;
    assert_true(bench_url_parse(cases[i].text, &url));
    assert_string_equal(url.socket_path, cases[i].path);
    assert_string_equal(url.host, cases[i].host);
    assert_string_equal(url.port, cases[i].port);
    assert_string_equal(url.authority, cases[i].authority);
    assert_string_equal(url.target, cases[i].target);
    assert_int_equal(url.tls, strncmp(cases[i].text, "wss:", 4) == 0);
  }
}

static void urls_of_other_forms_are_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"",
                                      "localhost:7700",
                                      "http://localhost",
                                      "wss:localhost",
                                      "wss:///x",
                                      "wss+unix:/run/s",
                                      "ws://",
                                      "ws:///x",
                                      "ws://:80",
                                      "ws://h:",
                                      "ws://h:0",
                                      "ws://h:65536",
                                      "ws://h:8o",
                                      "ws://[::1",
                                      "ws://[::1]x",
                                      "ws://[]:1",
                                      "ws://h/a b",
                                      "ws://h/a\r\nX: y",
                                      "ws://h/#part",
                                      "ws+unix:",
                                      "ws+unix:/run/s:chat"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct bench_url url;
    assert_false(bench_url_parse(texts[i], &url));
  }
}

#define ACCEPTED "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-ACCEPT:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n"

static const char *judge(const char *subprotocol, const char *head) {
  static struct bench_target target;
  target.subprotocol = subprotocol;
  return bench_answer_judge(&target, head, strlen(head));
}

static const char *judge_deflate(const char *head) {
  static struct bench_target target = {.deflate = true};
  return bench_answer_judge(&target, head, strlen(head));
}

#define EXTENSIONS ACCEPTED "Sec-WebSocket-Extensions: "

static void compression_without_context_is_accepted(void **state) {
  (void)state;
  assert_null(judge_deflate(EXTENSIONS "permessage-deflate; server_no_context_takeover\r\n\r\n"));
  assert_null(judge_deflate(EXTENSIONS "PERMESSAGE-deflate ;client_no_context_takeover;server_no_context_takeover ; "
                                       "server_max_window_bits=10\r\n\r\n"));
}

static void compression_of_another_kind_or_none_is_refused_with_its_reason(void **state) {
  (void)state;
  assert_string_equal(judge_deflate(ACCEPTED "\r\n"), "the server did not agree to compression");
  assert_string_equal(judge_deflate(EXTENSIONS "x-webkit-deflate-frame\r\n\r\n"),
                      "the server chose an extension that was not offered");
  assert_string_equal(judge_deflate(EXTENSIONS "permessage-deflate; client_no_context_takeover\r\n\r\n"),
                      "the server compresses with context takeover, which was not offered");
  assert_string_equal(judge_deflate(EXTENSIONS "permessage-deflate; server_no_context_takeover; "
                                               "client_max_window_bits=9\r\n\r\n"),
                      "the server chose compression in a way that was not offered");
}

static void the_right_upgrade_is_accepted(void **state) {
  (void)state;
  assert_null(judge(NULL, ACCEPTED "\r\n"));
  assert_null(judge("stoa.json", ACCEPTED "Sec-WebSocket-Protocol: stoa.json\r\n\r\n"));
}

static void a_wrong_upgrade_is_refused_with_its_reason(void **state) {
  (void)state;
  assert_string_equal(judge(NULL, "HTTP/1.1 403 Forbidden\r\n\r\n"), "the server did not upgrade");
  assert_string_equal(judge(NULL, "HTTP/1.1 101 X\r\n\r\n"), "the answer's Sec-WebSocket-Accept is wrong");
  assert_string_equal(judge(NULL, ACCEPTED "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
                      "the server chose an extension that was not offered");
  assert_string_equal(judge(NULL, ACCEPTED "Sec-WebSocket-Protocol: x\r\n\r\n"),
                      "the server chose another subprotocol");
  assert_string_equal(judge("x", ACCEPTED "Sec-WebSocket-Protocol: xy\r\n\r\n"),
                      "the server chose another subprotocol");
  assert_string_equal(judge("x", ACCEPTED "\r\n"), "the server did not accept the subprotocol");
}

enum { WORDS_MAX = 24 };

/* Parse a command line of words with single spaces between. */
static enum bench_parsed parse(const char *line, struct bench_options *out_options) {
  static char copy[256];
  char *words[WORDS_MAX] = {(char[]){"stoa bench"}};
  int count = 1;
  snprintf(copy, sizeof copy, "%s", line);
  for (char *word = strtok(copy, " "); word != NULL && count < WORDS_MAX - 1; word = strtok(NULL, " ")) {
    words[count++] = word;
  }
  return bench_options_parse(count, words, out_options);
}

static void options_have_defaults_that_follow_from_the_mode(void **state) {
  (void)state;
  struct bench_options options;
  assert_int_equal(parse("fanout ws://h -c 7", &options), BENCH_PARSED_RUN);
  assert_int_equal(options.senders, 7);
  assert_int_equal(options.window, 1);
  assert_int_equal(options.template, BENCH_TEMPLATE_RAW);
  assert_int_equal(options.warmup_ms, 1000);
  assert_int_equal(parse("echo ws://h --prefix 00fF", &options), BENCH_PARSED_RUN);
  assert_int_equal(options.template, BENCH_TEMPLATE_JSON);
  assert_int_equal(options.prefix[1], 0xff);
  assert_int_equal(parse("idle ws://h", &options), BENCH_PARSED_RUN);
  assert_int_equal(options.senders, 0);
  assert_true(options.allow_foreign);
}

static void options_are_read(void **state) {
  (void)state;
  struct bench_options options;
  assert_int_equal(
      parse("fanout ws://h -s 3 -r 12.5 --size 16k -d 1.5 --warmup 20ms --prefix 01 --template raw", &options),
      BENCH_PARSED_RUN);
  assert_int_equal(options.senders, 3);
  assert_true(options.rate_per_s > 12.4 && options.rate_per_s < 12.6);
  assert_int_equal(options.window, 0);
  assert_int_equal(options.size, 16384);
  assert_int_equal(options.duration_ms, 1500);
  assert_int_equal(options.warmup_ms, 20);
  assert_int_equal(options.template, BENCH_TEMPLATE_RAW);
  assert_int_equal(parse("echo ws://h --size 16m -p 1 -p 2", &options), BENCH_PARSED_RUN);
  assert_int_equal(options.size, 16 * 1024 * 1024);
  assert_int_equal(options.pid_count, 2);
  assert_int_equal(parse("echo wss://h --ca file --deflate", &options), BENCH_PARSED_RUN);
  assert_string_equal(options.ca_file, "file");
  assert_true(options.deflate);
}

static void wrong_options_are_refused(void **state) {
  (void)state;
  static const char *const lines[] = {
      "",
      "fanout",
      "fanout ws://h more",
      "shout ws://h",
      "fanout ws://h --nothing",
      "fanout ws://h -c 0",
      "fanout ws://h -c -1",
      "fanout ws://h -c 1x",
      "fanout ws://h -c 99999999999999999999",
      "fanout ws://h -c 3 -s 4",
      "fanout ws://h -w 0",
      "fanout ws://h -w 2 -r 3",
      "fanout ws://h -r 0",
      "fanout ws://h -r nan",
      "fanout ws://h --size 17m",
      "fanout ws://h --size k",
      "fanout ws://h --prefix 0",
      "fanout ws://h --prefix 0g",
      "fanout ws://h --prefix 000000000000000000000000000000000000",
      "fanout ws://h --template xml",
      "fanout ws://h -d 10m",
      "fanout ws://h -d -1",
      "fanout ws://h -p 0",
      "fanout ws://h --header nothing",
      "echo ws://h -s 1",
      "echo ws://h -c 65536",
      "idle ws://h -w 1",
      "idle ws://h -n 1",
      "idle ws://h --ca file",
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    struct bench_options options;
    assert_int_equal(parse(lines[i], &options), BENCH_PARSED_WRONG);
  }
}

static void a_field_of_two_lines_is_refused(void **state) {
  (void)state;
  struct bench_options options;
  char *words[] = {(char[]){"stoa bench"}, (char[]){"--header"}, (char[]){"A: b\r\nC: d"},
                   (char[]){"idle"},       (char[]){"ws://h"},   NULL};
  assert_int_equal(bench_options_parse(5, words, &options), BENCH_PARSED_WRONG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(percentiles_are_at_most_1_6_percent_too_high),
      cmocka_unit_test(percentiles_split_the_values_where_they_should),
      cmocka_unit_test(an_empty_histogram_has_no_percentile),
      cmocka_unit_test(a_histogram_takes_any_value),
      cmocka_unit_test(what_is_masked_is_what_is_expected_back),
      cmocka_unit_test(a_json_message_is_compact_and_complete),
      cmocka_unit_test(a_message_too_small_for_its_marker_is_refused),
      cmocka_unit_test(a_marker_with_other_letters_is_not_recognised),
      cmocka_unit_test(a_control_frame_is_masked),
      cmocka_unit_test(urls_are_parsed),
      cmocka_unit_test(urls_of_other_forms_are_refused),
      cmocka_unit_test(the_right_upgrade_is_accepted),
      cmocka_unit_test(a_wrong_upgrade_is_refused_with_its_reason),
      cmocka_unit_test(compression_without_context_is_accepted),
      cmocka_unit_test(compression_of_another_kind_or_none_is_refused_with_its_reason),
      cmocka_unit_test(options_have_defaults_that_follow_from_the_mode),
      cmocka_unit_test(options_are_read),
      cmocka_unit_test(wrong_options_are_refused),
      cmocka_unit_test(a_field_of_two_lines_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
