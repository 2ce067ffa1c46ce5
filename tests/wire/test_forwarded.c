#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "requests.h"
#include "wire/forwarded.h"

/* A good request with these field lines. */
static const char *with(const char *lines) {
  static char text[8192];
  snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
  return text;
}

/* The hops, nearest first, joined with '|'; unknown ones are "?". */
static const char *path_text(const struct stoa_forwarded_path *path) {
  static char joined[1024];
  size_t len = 0;
  joined[0] = 0;
  for (size_t i = 0; i < path->count; i++) {
    char text[INET6_ADDRSTRLEN] = "?";
    if (path->hops[i].is_known) {
      assert_non_null(inet_ntop(AF_INET6, path->hops[i].address, text, sizeof text));
    }
    len += (size_t)snprintf(joined + len, sizeof joined - len, "%s|", strncmp(text, "::ffff:", 7) ? text : text + 7);
  }
  return joined;
}

static void assert_list(const char *lines, const char *expected) {
  struct stoa_forwarded_path path;
  const char *text = with(lines);
  struct stoa_http_head head = head_of(text);
  assert_int_equal(head.verdict, 200);
  stoa_forwarded_read_list(&head, (const uint8_t *)text, &path);
  assert_string_equal(path_text(&path), expected);
}

static void a_list_of_addresses_is_read_from_right_to_left(void **state) {
  (void)state;
  assert_list("", "");
  assert_list("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1|");
  assert_list("X-Forwarded-For: 192.0.2.1, 198.51.100.2,203.0.113.3\r\n", "203.0.113.3|198.51.100.2|192.0.2.1|");
  assert_list("X-Forwarded-For: 192.0.2.1\r\nX: y\r\nx-forwarded-for: 198.51.100.2, 203.0.113.3\r\n",
              "203.0.113.3|198.51.100.2|192.0.2.1|");
  assert_list("X-Forwarded-For: 2001:db8::1, [2001:db8::2], [2001:db8::3]:4711, 192.0.2.1:80\r\n",
              "192.0.2.1|2001:db8::3|2001:db8::2|2001:db8::1|");
  assert_list("X-Forwarded-For: ,, 192.0.2.1 ,\r\nX-Forwarded-For:\r\n", "192.0.2.1|");
}

static void an_element_that_is_not_an_address_is_unknown(void **state) {
  (void)state;
  assert_list("X-Forwarded-For: unknown, 192.0.2.1\r\n", "192.0.2.1|?|");
  assert_list("X-Forwarded-For: fe80::1%eth0, [fe80::1%1], 192.0.2.1:, 192.0.2.1:x, 192.0.2.1:123456\r\n",
              "?|?|?|?|?|");
  assert_list("X-Forwarded-For: 192.0.2.256, 1.2.3, 01.2.3.4, \"192.0.2.1\", [192.0.2.1], [], [::1, ::1]\r\n",
              "?|?|?|?|?|?|?|?|");
  assert_list("X-Forwarded-For: 192.0.2.1, ::, [::], [::]:80, ::0, 0.0.0.0\r\n", "0.0.0.0|?|?|?|?|192.0.2.1|");
  assert_list("X-Forwarded-For: a b, 192.0.2.1 x, evil.example, ' or 1=1, %00\r\n", "?|?|?|?|?|");
}

static void assert_elements(const char *lines, const char *expected) {
  struct stoa_forwarded_path path = {.count = 1, .hops = {{.is_known = true, .address = {0xbb}}}};
  const char *text = with(lines);
  struct stoa_http_head head = head_of(text);
  assert_int_equal(head.verdict, 200);
  int status = stoa_forwarded_read(&head, (const uint8_t *)text, &path);
  assert_string_equal(status == STOA_OK ? path_text(&path) : stoa_status_text(status), expected);
  assert_true(status == STOA_OK || (path.count == 1 && path.hops[0].address[0] == 0xbb));
}

static void elements_are_read_by_the_grammar_of_rfc_7239(void **state) {
  (void)state;
  assert_elements("", "");
  assert_elements("Forwarded: for=192.0.2.43\r\n", "192.0.2.43|");
  assert_elements("Forwarded: For=\"[2001:db8:cafe::17]:4711\"\r\n", "2001:db8:cafe::17|");
  assert_elements("Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43\r\n", "192.0.2.60|");
  assert_elements("Forwarded: for=192.0.2.43, for=198.51.100.17\r\n", "198.51.100.17|192.0.2.43|");
  assert_elements("Forwarded: for=192.0.2.43\r\nForwarded: for=\"198.51.100.17:80\"\r\n", "198.51.100.17|192.0.2.43|");
  assert_elements("Forwarded: proto=http; FOR = \"192.0.2.1:_port\" ;host=\"a,b;c\" , for=unknown\r\n", "?|192.0.2.1|");
  assert_elements("Forwarded: for=\"_gazonk\", for=_SEVKISEK, for=\"[2001:db8::1]\"\r\n", "2001:db8::1|?|?|");
  assert_elements("Forwarded: for=192.0.2.1,, ,for=192.0.2.2,\r\n", "192.0.2.2|192.0.2.1|");
  assert_elements("Forwarded: by=192.0.2.1, ;, for=192.0.2.2;for=192.0.2.3\r\n", "?|?|");
  assert_elements("Forwarded: for=, for=\"\", for=\"[fe80::1%eth0]\", =192.0.2.1, for\r\n", "?|?|?|?|?|");
  assert_elements("Forwarded: for=\"192.0.2\\.1\"\r\n", "?|");
}

static void an_unclosed_quote_makes_the_field_invalid(void **state) {
  (void)state;
  const char *broken = stoa_status_text(STOA_E_SYNTAX);
  assert_elements("Forwarded: for=\"192.0.2.1, for=198.51.100.2\r\n", broken);
  assert_elements("Forwarded: for=192.0.2.1\"\r\n", broken);
  assert_elements("Forwarded: for=\"192.0.2.1\"x, for=198.51.100.2\r\n", broken);
  assert_elements("Forwarded: x=\"\\\", for=198.51.100.2\r\n", broken);
  assert_elements("Forwarded: x=\"\\\r\n", broken);
  assert_elements("Forwarded: \", for=198.51.100.2\r\n", broken);
  assert_elements("Forwarded: for=192.0.2.1\r\nForwarded: for=\"\r\n", broken);
}

static void only_a_limited_number_of_the_nearest_hops_is_read(void **state) {
  (void)state;
  char lines[4096] = "X-Forwarded-For: ";
  for (unsigned i = 0; i < 100; i++) {
    size_t len = strlen(lines);
    snprintf(lines + len, sizeof lines - len, "10.0.0.%u,", i);
  }
  strncat(lines, "\r\n", 3);
  const char *text = with(lines);
  struct stoa_http_head head = head_of(text);
  struct stoa_forwarded_path path;
  stoa_forwarded_read_list(&head, (const uint8_t *)text, &path);
  assert_int_equal(path.count, STOA_FORWARDED_HOPS_MAX);
  assert_int_equal(path.hops[0].address[15], 99);
  assert_int_equal(path.hops[STOA_FORWARDED_HOPS_MAX - 1].address[15], 100 - STOA_FORWARDED_HOPS_MAX);
}

static bool is_in_10(const uint8_t address[STOA_IP_LEN], void *context) {
  size_t *calls = context;
  *calls += 1;
  return address[10] == 0xff && address[12] == 10;
}

/* Proxies are in 10.0.0.0/8. The client, or the name of the status. */
static void assert_client(const char *lines, const char *expected) {
  const char *text = with(lines);
  struct stoa_http_head head = head_of(text);
  struct stoa_forwarded_path path = {.count = 1, .hops = {{.is_known = true}}};
  size_t calls = 0;
  assert_int_equal(head.verdict, 200);
  int status = stoa_forwarded_client(&head, (const uint8_t *)text, is_in_10, &calls, path.hops[0].address);
  char wanted[64];
  snprintf(wanted, sizeof wanted, "%s|", expected);
  assert_string_equal(status == STOA_OK ? path_text(&path) : stoa_status_text(status),
                      status == STOA_OK ? wanted : expected);
}

static void the_client_is_the_address_that_the_last_trusted_proxy_saw(void **state) {
  (void)state;
  const char *none = stoa_status_text(STOA_E_NOT_FOUND);
  assert_client("", none);
  assert_client("X-Forwarded-For:\r\n", none);
  assert_client("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1");
  assert_client("X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\n", "192.0.2.1");
  assert_client("X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.1\r\n", "192.0.2.1");
  assert_client("X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n", "10.0.0.3");
  assert_client("X-Forwarded-For: 192.0.2.1, unknown, 10.0.0.2\r\n", "10.0.0.2");
  assert_client("X-Forwarded-For: 192.0.2.1, unknown\r\n", none);
  assert_client("Forwarded: for=6.6.6.6, for=\"[2001:db8::1]:80\", for=10.0.0.1\r\n", "2001:db8::1");
  assert_client("Forwarded: for=_hidden\r\n", none);
}

static void two_fields_that_disagree_are_refused(void **state) {
  (void)state;
  const char *broken = stoa_status_text(STOA_E_SYNTAX);
  assert_client("X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n", "192.0.2.1");
  assert_client("X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\nForwarded: for=192.0.2.1\r\n", "192.0.2.1");
  assert_client("X-Forwarded-For: 192.0.2.1\r\nForwarded: for=6.6.6.6\r\n", broken);
  assert_client("X-Forwarded-For: 6.6.6.6\r\nForwarded: for=192.0.2.1\r\n", broken);
  assert_client("X-Forwarded-For: 192.0.2.1\r\nForwarded: for=unknown\r\n", broken);
  assert_client("X-Forwarded-For: 192.0.2.1\r\nForwarded: for=\"\r\n", broken);
  assert_client("X-Forwarded-For: unknown\r\nForwarded: for=_x\r\n", stoa_status_text(STOA_E_NOT_FOUND));
}

static void the_fields_of_proxies_are_known(void **state) {
  (void)state;
  static const char *const lines[] = {"X-Forwarded-For: 1.2.3.4\r\n", "forwarded:\r\n", "X-Forwarded-Host: a\r\n",
                                      "X-Forwarded-Proto: https\r\n", "Via: 1.1 a\r\n", "X-Real-IP: 1.2.3.4\r\n"};
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    const char *text = with(lines[i]);
    struct stoa_http_head head = head_of(text);
    assert_true(stoa_forwarded_present(&head, (const uint8_t *)text));
  }
  const char *text = with("X-Forwarded: a\r\nOrigin: http://a\r\n");
  struct stoa_http_head head = head_of(text);
  assert_false(stoa_forwarded_present(&head, (const uint8_t *)text));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_list_of_addresses_is_read_from_right_to_left),
      cmocka_unit_test(an_element_that_is_not_an_address_is_unknown),
      cmocka_unit_test(elements_are_read_by_the_grammar_of_rfc_7239),
      cmocka_unit_test(an_unclosed_quote_makes_the_field_invalid),
      cmocka_unit_test(only_a_limited_number_of_the_nearest_hops_is_read),
      cmocka_unit_test(the_client_is_the_address_that_the_last_trusted_proxy_saw),
      cmocka_unit_test(two_fields_that_disagree_are_refused),
      cmocka_unit_test(the_fields_of_proxies_are_known),
  };
  return cmocka_run_group_tests_name("whose request it is", tests, NULL, NULL);
}
