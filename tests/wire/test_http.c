#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stoa/buffer.h>

#include "guard.h"
#include "random.h"
#include "requests.h"

static int parse(struct stoa_http_head *head, const struct stoa_http_limits *limits, const void *data, size_t len) {
  return stoa_http_head_parse(head, limits, data, len);
}

static int verdict_on(const struct stoa_http_limits *limits, const void *data, size_t len) {
  struct stoa_http_head head;
  stoa_http_head_init(&head);
  return parse(&head, limits, data, len);
}

static struct stoa_string text_at(const char *bytes, struct stoa_http_span span) {
  return stoa_string_make(bytes + span.start, span.len);
}

static void assert_text(struct stoa_string got, const char *expected) {
  if (!stoa_string_equal(got, stoa_string_of(expected))) {
    fail_msg("got [%.*s], expected [%s]", (int)got.len, got.data, expected);
  }
}

static void every_request_is_accepted_or_refused_as_listed(void **state) {
  (void)state;
  for (size_t i = 0; i < request_count; i++) {
    int verdict = verdict_on(&default_limits, requests[i].bytes, requests[i].len);
    if (verdict != requests[i].verdict) {
      fail_msg("%s: got %d, expected %d", requests[i].name, verdict, requests[i].verdict);
    }
  }
}

/* Each prefix alone, and all prefixes one after the other: nothing, nothing, then the verdict for good. */
static void the_result_comes_at_the_same_byte_for_every_split(void **state) {
  (void)state;
  struct guard guard = guard_make(65536);
  for (size_t i = 0; i < request_count; i++) {
    struct stoa_http_head grown;
    int last = 0;
    stoa_http_head_init(&grown);
    for (size_t len = 0; len <= requests[i].len; len++) {
      const uint8_t *prefix = guard_copy(&guard, requests[i].bytes, len);
      int alone = verdict_on(&default_limits, prefix, len);
      int step = parse(&grown, &default_limits, prefix, len);
      if (alone != step || (last != 0 && step != last)) {
        fail_msg("%s: %zu bytes at once give %d, one by one %d", requests[i].name, len, alone, step);
      }
      last = step;
    }
    assert_int_equal(last, requests[i].verdict);
  }
  guard_free(&guard);
}

static void heads_in_pieces_are_the_heads_in_one(void **state) {
  (void)state;
  uint64_t seed = 3;
  for (size_t i = 0; i < request_count; i++) {
    struct stoa_http_head whole;
    stoa_http_head_init(&whole);
    parse(&whole, &default_limits, requests[i].bytes, requests[i].len);
    for (size_t round = 0; round < 20; round++) {
      struct stoa_http_head pieces;
      stoa_http_head_init(&pieces);
      for (size_t at = 0; at < requests[i].len;) {
        at += 1 + random_below(&seed, requests[i].len - at);
        parse(&pieces, &default_limits, requests[i].bytes, at);
      }
      assert_memory_equal(&pieces, &whole, sizeof whole);
    }
  }
}

static void a_complete_head_is_parsed(void **state) {
  (void)state;
  static const char text[] =
      "\r\nGET /chat/a%20b?room=1&x=? HTTP/1.1\r\nHost: example.com:7700\r\nX-Two:  \t two words \t\r\n"
      "Accept: a\r\naccept: b\r\nEmpty:\r\n\r\nrest";
  struct stoa_http_head head = head_of(text);
  assert_int_equal(head.verdict, 200);
  assert_int_equal(head.method, STOA_HTTP_GET);
  assert_text(text_at(text, head.target), "/chat/a%20b?room=1&x=?");
  assert_text(text_at(text, head.path), "/chat/a%20b");
  assert_text(text_at(text, head.query), "room=1&x=?");
  assert_int_equal(head.fields.count, 5);
  assert_text(text_at(text, head.fields.items[1].name), "X-Two");
  assert_text(text_at(text, head.fields.items[1].value), "two words");
  assert_int_equal(head.head_len, sizeof text - 1 - strlen("rest"));
  assert_true(head.keep_alive);
  assert_false(head.has_body);

  const uint8_t *data = (const uint8_t *)text;
  size_t index = 0;
  assert_text(stoa_http_field(&head, data, "ACCEPT", &index), "a");
  assert_text(stoa_http_field(&head, data, "Accept", &index), "b");
  assert_null(stoa_http_field(&head, data, "Accept", &index).data);
  assert_null(stoa_http_field(&head, data, "Accept", &index).data);
  assert_null(stoa_http_field(&head, data, "Missing", NULL).data);
  struct stoa_string empty = stoa_http_field(&head, data, "Empty", NULL);
  assert_non_null(empty.data);
  assert_int_equal(empty.len, 0);
}

static void an_absolute_target_is_read_as_its_path(void **state) {
  (void)state;
  static const struct {
    const char *target, *path, *query, *origin_form;
  } targets[] = {
      {"http://a/x/y?q=1", "/x/y", "q=1", "/x/y?q=1"},
      {"HTTPS://a/", "/", "", "/"},
      {"http://a", "/", "", "/"},
      {"http://a?q=/", "/", "q=/", "/"},
  };
  for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
    char text[128];
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i].target);
    struct stoa_http_head head = head_of(text);
    assert_int_equal(head.verdict, 200);
    assert_text(text_at(text, head.path), targets[i].path);
    assert_text(text_at(text, head.query), targets[i].query);
    assert_text(text_at(text, head.target), targets[i].origin_form);
  }
}

static void a_refused_request_reports_the_length_of_its_body(void **state) {
  (void)state;
  struct stoa_http_head head = head_of("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 123\r\n\r\n");
  assert_int_equal(head.verdict, 413);
  assert_true(head.has_body);
  assert_int_equal(head.body_len, 123);
}

static void connection_close_is_seen_among_other_tokens(void **state) {
  (void)state;
  assert_false(head_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: x,, CLOSE\r\n\r\n").keep_alive);
  assert_false(head_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n").keep_alive);
  assert_true(head_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: closed, clos e\r\n\r\n").keep_alive);
}

static void a_connection_of_http_1_0_is_kept_only_when_that_is_asked_for(void **state) {
  (void)state;
  struct stoa_http_head old = head_of("GET / HTTP/1.0\r\n\r\n");
  assert_int_equal(old.minor_version, 0);
  assert_false(old.keep_alive);
  assert_true(head_of("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n").keep_alive);
  assert_false(head_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n").keep_alive);
  assert_false(head_of("GET / HTTP/1.0\r\nConnection: keep\r\n\r\n").keep_alive);
  assert_int_equal(head_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n").minor_version, 1);
  assert_int_equal(head_of("GET / HTTP/1.2\r\nHost: a\r\n\r\n").minor_version, 1);
}

/* A head of exactly `len` bytes. */
static struct stoa_buffer head_of_len(size_t len) {
  static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  struct stoa_buffer head;
  stoa_buffer_init(&head, (size_t)1 << 20);
  assert_int_equal(stoa_buffer_append(&head, start, sizeof start - 1), STOA_OK);
  while (head.len < len - 4) {
    assert_int_equal(stoa_buffer_append(&head, "x", 1), STOA_OK);
  }
  assert_int_equal(stoa_buffer_append(&head, "\r\n\r\n", 4), STOA_OK);
  return head;
}

static void a_head_over_its_limit_is_431(void **state) {
  (void)state;
  struct stoa_buffer fits = head_of_len(default_limits.head_bytes_max);
  struct stoa_buffer over = head_of_len(default_limits.head_bytes_max + 1);
  assert_int_equal(verdict_on(&default_limits, fits.data, fits.len), 200);
  assert_int_equal(verdict_on(&default_limits, over.data, over.len), 431);
  assert_int_equal(verdict_on(&default_limits, over.data, over.len - 1), 431);
  assert_int_equal(verdict_on(&default_limits, over.data, over.len - 2), 0);
  stoa_buffer_fini(&fits);
  stoa_buffer_fini(&over);
}

static void a_method_without_end_is_431(void **state) {
  (void)state;
  uint8_t *bytes = malloc((size_t)1 << 20);
  assert_non_null(bytes);
  memset(bytes, 'A', (size_t)1 << 20);
  assert_int_equal(verdict_on(&default_limits, bytes, (size_t)1 << 20), 431);
  free(bytes);
}

/* "GET /aaa" and so on, the target `target_len` bytes long. */
static int verdict_on_target(const struct stoa_http_limits *limits, size_t target_len, const char *rest) {
  struct stoa_buffer bytes;
  stoa_buffer_init(&bytes, (size_t)1 << 20);
  assert_int_equal(stoa_buffer_append(&bytes, "GET /", 5), STOA_OK);
  for (size_t i = 1; i < target_len; i++) {
    assert_int_equal(stoa_buffer_append(&bytes, "a", 1), STOA_OK);
  }
  assert_int_equal(stoa_buffer_append(&bytes, rest, strlen(rest)), STOA_OK);
  int verdict = verdict_on(limits, bytes.data, bytes.len);
  stoa_buffer_fini(&bytes);
  return verdict;
}

static void a_target_over_its_limit_is_414(void **state) {
  (void)state;
  static const char rest[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
  const struct stoa_http_limits small_head = {1000, 8192, 100};
  size_t max = default_limits.target_bytes_max;
  assert_int_equal(verdict_on_target(&default_limits, max, rest), 200);
  assert_int_equal(verdict_on_target(&default_limits, max + 1, rest), 414);
  assert_int_equal(verdict_on_target(&default_limits, max, ""), 0);
  assert_int_equal(verdict_on_target(&default_limits, max + 1, ""), 414);
  assert_int_equal(verdict_on_target(&default_limits, 65536, rest), 414);
  assert_int_equal(verdict_on_target(&small_head, 2000, rest), 414);
}

static int verdict_on_fields(const struct stoa_http_limits *limits, size_t count) {
  struct stoa_buffer bytes;
  stoa_buffer_init(&bytes, (size_t)1 << 20);
  assert_int_equal(stoa_buffer_append(&bytes, "GET / HTTP/1.1\r\nHost: a\r\n", 25), STOA_OK);
  for (size_t i = 1; i < count; i++) {
    assert_int_equal(stoa_buffer_append(&bytes, "X: 1\r\n", 6), STOA_OK);
  }
  assert_int_equal(stoa_buffer_append(&bytes, "\r\n", 2), STOA_OK);
  int verdict = verdict_on(limits, bytes.data, bytes.len);
  stoa_buffer_fini(&bytes);
  return verdict;
}

static void a_field_too_many_is_431(void **state) {
  (void)state;
  const struct stoa_http_limits few = {16384, 8192, 3};
  assert_int_equal(verdict_on_fields(&default_limits, 100), 200);
  assert_int_equal(verdict_on_fields(&default_limits, 101), 431);
  assert_int_equal(verdict_on_fields(&default_limits, 10000), 431);
  assert_int_equal(verdict_on_fields(&few, 3), 200);
  assert_int_equal(verdict_on_fields(&few, 4), 431);
}

/* Blanks inside a value must not be walked again and again: one more field of them costs what the first did. The
 * steps cannot be counted from outside; what can be is that single bytes do no more than a fixed number each. */
static void blanks_without_end_are_judged_in_single_bytes_too(void **state) {
  (void)state;
  struct stoa_buffer bytes = head_of_len(16000);
  struct stoa_http_head head;
  memset(bytes.data + 30, ' ', bytes.len - 40);
  stoa_http_head_init(&head);
  for (size_t len = 0; len < bytes.len; len++) {
    assert_int_equal(parse(&head, &default_limits, bytes.data, len), 0);
    assert_true(head.scan == len);
  }
  assert_int_equal(parse(&head, &default_limits, bytes.data, bytes.len), 200);
  stoa_buffer_fini(&bytes);
}

static void mutated_heads_give_one_result_for_every_split(void **state) {
  (void)state;
  uint64_t seed = 5;
  for (size_t i = 0; i < request_count; i++) {
    for (size_t round = 0; round < 30; round++) {
      char bytes[512];
      struct stoa_http_head grown;
      int verdict = 0;
      assert_true(requests[i].len <= sizeof bytes);
      memcpy(bytes, requests[i].bytes, requests[i].len);
      bytes[random_below(&seed, requests[i].len)] = (char)random_below(&seed, 256);
      stoa_http_head_init(&grown);
      for (size_t len = 0; len <= requests[i].len; len++) {
        verdict = parse(&grown, &default_limits, bytes, len);
      }
      assert_int_equal(verdict, verdict_on(&default_limits, bytes, requests[i].len));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_request_is_accepted_or_refused_as_listed),
      cmocka_unit_test(the_result_comes_at_the_same_byte_for_every_split),
      cmocka_unit_test(heads_in_pieces_are_the_heads_in_one),
      cmocka_unit_test(a_complete_head_is_parsed),
      cmocka_unit_test(an_absolute_target_is_read_as_its_path),
      cmocka_unit_test(a_refused_request_reports_the_length_of_its_body),
      cmocka_unit_test(connection_close_is_seen_among_other_tokens),
      cmocka_unit_test(a_connection_of_http_1_0_is_kept_only_when_that_is_asked_for),
      cmocka_unit_test(a_head_over_its_limit_is_431),
      cmocka_unit_test(a_method_without_end_is_431),
      cmocka_unit_test(a_target_over_its_limit_is_414),
      cmocka_unit_test(a_field_too_many_is_431),
      cmocka_unit_test(blanks_without_end_are_judged_in_single_bytes_too),
      cmocka_unit_test(mutated_heads_give_one_result_for_every_split),
  };
  return cmocka_run_group_tests_name("HTTP heads", tests, NULL, NULL);
}
