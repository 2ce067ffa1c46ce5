#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/array.h"
#include "guard.h"
#include "requests.h"
#include "wire/http_body.h"

#define TEXT_LEN_MAX 4096

static const struct stoa_http_body_limits limits = {
    .content_bytes_max = 20, .extension_bytes_max = 10, .trailer_bytes_max = 12, .trailers_max = 3};

#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define SIZED(length) "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " length "\r\n\r\n"
#define CODED(codings) "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " codings "\r\n\r\n"

/* Heads, and what is decided from them. */
static const struct head {
  const char *name;
  int code;
  const char *text;
} heads[] = {
    {"no body", 200, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"POST without a length", 200, "POST / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"PATCH with a length", 200, "PATCH /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"},
    {"GET with a length", 200, "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"},
    {"HTTP/1.0 with a length", 200, "POST /a HTTP/1.0\r\nContent-Length: 5\r\n\r\n"},
    {"an absolute target", 200, "POST http://a/b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"},
    {"the longest body", 200, SIZED("20")},
    {"leading zeros", 200, SIZED("00000000000000000000020")},
    {"chunked", 200, CHUNKED},
    {"chunked in capitals", 200, CODED("\tCHUNKED ")},
    {"a byte too long", 413, SIZED("21")},
    {"far too long", 413, SIZED("9223372036854775807")},
    {"2^63", 400, SIZED("9223372036854775808")},
    {"2^64", 400, SIZED("18446744073709551616")},
    {"a list of lengths", 400, SIZED("0, 5")},
    {"a plus sign", 400, SIZED("+5")},
    {"a minus sign", 400, SIZED("-1")},
    {"a hexadecimal length", 400, SIZED("0x5")},
    {"an empty length", 400, SIZED("")},
    {"two lengths", 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"},
    {"length and chunked", 400,
     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"chunked and length", 400,
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"},
    {"chunked in HTTP/1.0", 400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"xchunked", 400, CODED("xchunked")},
    {"chunked not last", 400, CODED("chunked, gzip")},
    {"chunked twice", 400, CODED("chunked, chunked")},
    {"chunked twice in two fields", 400, CODED("chunked\r\nTransfer-Encoding: chunked")},
    {"chunked with a parameter", 400, CODED("chunked;a=b")},
    {"chunked in quotes", 400, CODED("\"chunked\"")},
    {"identity", 400, CODED("identity")},
    {"identity after chunked", 400, CODED("chunked\r\nTransfer-Encoding: identity")},
    {"no coding", 400, CODED("")},
    {"an empty coding before", 400, CODED(", chunked")},
    {"an empty coding after", 400, CODED("chunked,")},
    {"an empty coding after in a blank", 400, CODED("chunked, ")},
    {"an empty field before", 400, CODED("\r\nTransfer-Encoding: chunked")},
    {"a folded coding", 400, CODED("\r\n chunked")},
    {"a control byte in the coding", 400,
     CODED("\x0b"
           "chunked")},
    {"a coding before chunked", 501, CODED("gzip, chunked")},
    {"a coding in a field before", 501, CODED("gzip\r\nTransfer-Encoding: chunked")},
    {"an unknown method", 501, "FETCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"},
    {"CONNECT", 405, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"OPTIONS of the server", 405, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"no host", 400, "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"},
    {"another host", 400, "POST http://b/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"},
    {"another version", 505, "POST / HTTP/2.0\r\nHost: a\r\n\r\n"},
};

/* Chunked bodies and sized ones, what they hold, and how they end. */
static const struct body {
  const char *name;
  const char *head;
  const char *text;
  enum stoa_http_body_event event;
  int refusal;
  const char *content;
  size_t rest; /* bytes that belong to what follows */
} bodies[] = {
    {"no body, and a request after it", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET ", STOA_HTTP_BODY_END, 0, "", 4},
    {"a sized body", SIZED("5"), "hello", STOA_HTTP_BODY_END, 0, "hello", 0},
    {"a sized body, and a request after it", SIZED("5"), "helloGET ", STOA_HTTP_BODY_END, 0, "hello", 4},
    {"a sized body cut short", SIZED("5"), "hell", STOA_HTTP_BODY_MORE, 0, "hell", 0},
    {"a body that looks like chunks", SIZED("5"), "0\r\n\r\nX", STOA_HTTP_BODY_END, 0, "0\r\n\r\n", 1},
    {"one chunk", CHUNKED, "5\r\nhello\r\n0\r\n\r\n", STOA_HTTP_BODY_END, 0, "hello", 0},
    {"chunks, and a request after them", CHUNKED, "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET ", STOA_HTTP_BODY_END, 0,
     "hello world", 4},
    {"no chunk", CHUNKED, "0\r\n\r\n", STOA_HTTP_BODY_END, 0, "", 0},
    {"sizes in both cases, with zeros", CHUNKED, "00A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n",
     STOA_HTTP_BODY_END, 0, "01234567890123456789", 0},
    {"sixteen digits", CHUNKED, "0000000000000001\r\na\r\n0\r\n\r\n", STOA_HTTP_BODY_END, 0, "a", 0},
    {"line ends inside a chunk", CHUNKED, "4\r\n\r\n\r\n\r\n0\r\n\r\n", STOA_HTTP_BODY_END, 0, "\r\n\r\n", 0},
    {"extensions", CHUNKED, "1;a=\"b\xc3\"\r\nx\r\n0;d\t \r\n\r\n", STOA_HTTP_BODY_END, 0, "x", 0},
    {"trailers", CHUNKED, "1\r\nx\r\n0\r\nA: b\r\nC:\r\nD:d \t\r\n\r\nG", STOA_HTTP_BODY_END, 0, "x", 1},
    {"cut in a size", CHUNKED, "5", STOA_HTTP_BODY_MORE, 0, "", 0},
    {"cut before the last byte", CHUNKED, "0\r\n\r", STOA_HTTP_BODY_MORE, 0, "", 0},
    {"no size", CHUNKED, "\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 2},
    {"only an extension", CHUNKED, ";a\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 4},
    {"a negative size", CHUNKED, "-1\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 4},
    {"a size with a plus", CHUNKED, "+1\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 4},
    {"a size with 0x", CHUNKED, "0x1\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 4},
    {"a blank before the size", CHUNKED, " 1\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 4},
    {"a blank after the size", CHUNKED, "1 \r\n", STOA_HTTP_BODY_REFUSED, 400, "", 3},
    {"a size that wraps to 0", CHUNKED, "10000000000000000\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 3},
    {"the size 2^64 - 1", CHUNKED, "FFFFFFFFFFFFFFFF\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 3},
    {"the size 2^63", CHUNKED, "8000000000000000\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 3},
    {"seventeen digits", CHUNKED, "00000000000000001\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 3},
    {"the size 2^63 - 1", CHUNKED, "7FFFFFFFFFFFFFFF\r\n", STOA_HTTP_BODY_REFUSED, 413, "", 2},
    {"a chunk above the limit", CHUNKED, "15\r\n", STOA_HTTP_BODY_REFUSED, 413, "", 2},
    {"chunks above the limit", CHUNKED, "14\r\n01234567890123456789\r\n1\r\nx", STOA_HTTP_BODY_REFUSED, 413,
     "01234567890123456789", 3},
    {"a bare LF after the size", CHUNKED, "1\nx\r\n0\r\n\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 9},
    {"a bare CR after the size", CHUNKED, "1\rx\r\n0\r\n\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 8},
    {"a bare LF in an extension", CHUNKED, "1;a\nx\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 4},
    {"a bare CR in an extension", CHUNKED, "1;a\rb\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 3},
    {"a control byte in an extension", CHUNKED, "1;\x01\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 3},
    {"ten bytes of extensions", CHUNKED, "1;12345\r\nx\r\n0;67890\r\n\r\n", STOA_HTTP_BODY_END, 0, "x", 0},
    {"eleven bytes of extensions", CHUNKED, "1;12345\r\nx\r\n0;678901\r\n", STOA_HTTP_BODY_REFUSED, 413, "x", 3},
    {"content longer than its chunk", CHUNKED, "1\r\nxy\r\n", STOA_HTTP_BODY_REFUSED, 400, "x", 3},
    {"content and a bare LF", CHUNKED, "1\r\nx\n0\r\n\r\n", STOA_HTTP_BODY_REFUSED, 400, "x", 6},
    {"content and a bare CR", CHUNKED, "1\r\nx\r0\r\n\r\n", STOA_HTTP_BODY_REFUSED, 400, "x", 5},
    {"twelve bytes of trailers", CHUNKED, "0\r\na: 456\r\nb:8901 \r\n\r\n", STOA_HTTP_BODY_END, 0, "", 0},
    {"thirteen bytes of trailers", CHUNKED,
     "0\r\na: 456\r\nb:89012\xff"
     "3\r\n\r\n",
     STOA_HTTP_BODY_REFUSED, 431, "", 5},
    {"a trailer name above the limit", CHUNKED, "0\r\nabcdefghijklmn:", STOA_HTTP_BODY_REFUSED, 431, "", 3},
    {"four trailers", CHUNKED, "0\r\na:\r\nb:\r\nc:\r\nd:\r\n\r\n", STOA_HTTP_BODY_REFUSED, 431, "", 6},
    {"a folded trailer", CHUNKED, "0\r\na: b\r\n c\r\n\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 6},
    {"a blank before the colon", CHUNKED, "0\r\na : b\r\n\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 8},
    {"a trailer without a colon", CHUNKED, "0\r\nab\r\n\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 4},
    {"a trailer without a name", CHUNKED, "0\r\n: b\r\n\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 7},
    {"a bare LF after a trailer", CHUNKED, "0\r\na: b\n\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 3},
    {"a bare CR in a trailer", CHUNKED, "0\r\na: b\rc\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 3},
    {"a control byte in a trailer", CHUNKED, "0\r\na: \x7f\r\n", STOA_HTTP_BODY_REFUSED, 400, "", 3},
    {"a bare LF at the end", CHUNKED, "0\r\n\n", STOA_HTTP_BODY_REFUSED, 400, "", 1},
    {"a CR at the end and no LF", CHUNKED, "0\r\n\rG", STOA_HTTP_BODY_REFUSED, 400, "", 1},
};

static int code_on(const char *text, struct stoa_http_body *out_body) {
  struct stoa_http_head head;
  stoa_http_head_init(&head);
  if (stoa_http_head_parse(&head, &default_limits, (const uint8_t *)text, strlen(text)) == 0) {
    fail_msg("incomplete: %s", text);
  }
  return stoa_http_body_begin(&head, (const uint8_t *)text, &limits, out_body);
}

/* What was read of a body so far. */
struct result {
  char content[TEXT_LEN_MAX];
  size_t len;
  size_t taken;
  enum stoa_http_body_event event;
};

/* Give a piece, which lies at the edge of what is mapped, until there is nothing more to take from it. */
static void piece_read(struct stoa_http_body *body, struct guard *guard, const char *text, size_t len,
                       struct result *result) {
  const uint8_t *data = guard_copy(guard, text, len);
  size_t at = 0;
  do {
    struct stoa_bytes content;
    result->event = stoa_http_body_read(body, data, len, &at, &content);
    if (result->event == STOA_HTTP_BODY_CONTENT) {
      assert_true(content.len > 0 && content.data >= data && content.data + content.len == data + at);
      memcpy(result->content + result->len, content.data, content.len);
      result->len += content.len;
    }
  } while (result->event == STOA_HTTP_BODY_CONTENT);
  assert_true(result->event != STOA_HTTP_BODY_MORE || at == len);
  result->taken += at;
}

static void expect_result(const struct body *expected, const struct stoa_http_body *body, const struct result *result) {
  if (result->event != expected->event || body->refusal != expected->refusal) {
    fail_msg("%s: event %d, refusal %d", expected->name, (int)result->event, body->refusal);
  }
  if (result->len != strlen(expected->content) || memcmp(result->content, expected->content, result->len) != 0) {
    fail_msg("%s: content is %.*s", expected->name, (int)result->len, result->content);
  }
  if (result->taken != strlen(expected->text) - expected->rest) {
    fail_msg("%s: %zu bytes are taken", expected->name, result->taken);
  }
  assert_int_equal(body->received, result->len);
}

static void every_head_is_accepted_or_refused_as_listed(void **state) {
  (void)state;
  for (size_t i = 0; i < STOA_COUNT_OF(heads); i++) {
    struct stoa_http_body body;
    int code = code_on(heads[i].text, &body);
    if (code != heads[i].code) {
      fail_msg("%s: got %d", heads[i].name, code);
    }
  }
}

static void the_head_tells_how_the_body_is_framed(void **state) {
  (void)state;
  struct stoa_http_body body;
  assert_int_equal(code_on(SIZED("7"), &body), 200);
  assert_false(body.is_chunked);
  assert_int_equal(body.length, 7);
  assert_int_equal(code_on(CHUNKED, &body), 200);
  assert_true(body.is_chunked);
  assert_int_equal(body.length, 0);
}

static void every_body_is_read_or_refused_as_listed_for_every_split(void **state) {
  (void)state;
  struct guard guard = guard_make(TEXT_LEN_MAX);
  for (size_t i = 0; i < STOA_COUNT_OF(bodies); i++) {
    size_t len = strlen(bodies[i].text);
    for (size_t split = 0; split <= len; split++) {
      struct stoa_http_body body;
      struct result result = {.len = 0};
      assert_int_equal(code_on(bodies[i].head, &body), 200);
      piece_read(&body, &guard, bodies[i].text, split, &result);
      if (result.event == STOA_HTTP_BODY_MORE) {
        piece_read(&body, &guard, bodies[i].text + split, len - split, &result);
      }
      expect_result(&bodies[i], &body, &result);
    }
  }
  guard_free(&guard);
}

static void every_body_is_the_same_byte_by_byte(void **state) {
  (void)state;
  struct guard guard = guard_make(TEXT_LEN_MAX);
  for (size_t i = 0; i < STOA_COUNT_OF(bodies); i++) {
    struct stoa_http_body body;
    struct result result = {.len = 0};
    assert_int_equal(code_on(bodies[i].head, &body), 200);
    piece_read(&body, &guard, bodies[i].text, 0, &result);
    for (size_t at = 0; bodies[i].text[at] != 0 && result.event == STOA_HTTP_BODY_MORE; at++) {
      piece_read(&body, &guard, bodies[i].text + at, 1, &result);
    }
    expect_result(&bodies[i], &body, &result);
  }
  guard_free(&guard);
}

static void the_chunks_of_a_response_are_read_as_those_of_a_request(void **state) {
  (void)state;
  struct guard guard = guard_make(TEXT_LEN_MAX);
  size_t count = 0;
  for (size_t i = 0; i < STOA_COUNT_OF(bodies); i++) {
    if (strcmp(bodies[i].head, CHUNKED) == 0) {
      struct stoa_http_body body;
      struct result result = {.len = 0};
      stoa_http_body_begin_chunked(&limits, &body);
      assert_true(body.is_chunked && !body.expects_continue && body.length == 0);
      piece_read(&body, &guard, bodies[i].text, strlen(bodies[i].text), &result);
      expect_result(&bodies[i], &body, &result);
      count++;
    }
  }
  assert_true(count > 20);
  guard_free(&guard);
}

static void the_end_and_a_refusal_are_final(void **state) {
  (void)state;
  static const char *const texts[] = {"0\r\n\r\n", "x"};
  for (size_t i = 0; i < STOA_COUNT_OF(texts); i++) {
    struct stoa_http_body body;
    struct stoa_bytes content;
    size_t at = 0;
    assert_int_equal(code_on(CHUNKED, &body), 200);
    enum stoa_http_body_event event =
        stoa_http_body_read(&body, (const uint8_t *)texts[i], strlen(texts[i]), &at, &content);
    assert_int_equal(event, i == 0 ? STOA_HTTP_BODY_END : STOA_HTTP_BODY_REFUSED);
    for (int round = 0; round < 2; round++) {
      at = 0;
      assert_int_equal(stoa_http_body_read(&body, (const uint8_t *)"5\r\n", 3, &at, &content), event);
      assert_int_equal(at, 0);
    }
  }
}

static void an_expectation_is_reported_when_content_is_to_come(void **state) {
  (void)state;
  static const struct {
    bool is_expected;
    const char *text;
  } cases[] = {
      {true, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"},
      {true, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {false, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"},
      {false, "POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 5\r\n\r\n"},
      {false, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"},
      {false, "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"},
      {false, "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"},
  };
  for (size_t i = 0; i < STOA_COUNT_OF(cases); i++) {
    struct stoa_http_body body;
    assert_int_equal(code_on(cases[i].text, &body), 200);
    if (body.expects_continue != cases[i].is_expected) {
      fail_msg("%s", cases[i].text);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_head_is_accepted_or_refused_as_listed),
      cmocka_unit_test(the_head_tells_how_the_body_is_framed),
      cmocka_unit_test(every_body_is_read_or_refused_as_listed_for_every_split),
      cmocka_unit_test(every_body_is_the_same_byte_by_byte),
      cmocka_unit_test(the_chunks_of_a_response_are_read_as_those_of_a_request),
      cmocka_unit_test(the_end_and_a_refusal_are_final),
      cmocka_unit_test(an_expectation_is_reported_when_content_is_to_come),
  };
  return cmocka_run_group_tests_name("HTTP bodies", tests, NULL, NULL);
}
