#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/address.h"

static int parse(const char *text, struct stoa_address_list *out) {
  memset(out, 0, sizeof *out);
  return stoa_address_parse(stoa_string_of(text), out);
}

static struct stoa_address one(const char *text) {
  struct stoa_address_list list;
  assert_int_equal(parse(text, &list), STOA_OK);
  assert_int_equal(list.count, 1);
  return list.items[0];
}

static void check(const char *text, const char *formatted, enum stoa_address_form form,
                  enum stoa_address_scheme scheme) {
  struct stoa_address_list list;
  char out[STOA_ADDRESS_TEXT_SIZE];
  assert_int_equal(parse(text, &list), STOA_OK);
  assert_int_equal(list.form, form);
  assert_int_equal(list.scheme, scheme);
  assert_int_equal(list.count, 1);
  stoa_address_format(&list.items[0], out);
  assert_string_equal(out, formatted);
}

static void test_each_form_is_understood(void **state) {
  (void)state;
  check("127.0.0.1:7700", "127.0.0.1:7700", STOA_ADDRESS_LITERAL, STOA_ADDRESS_NO_SCHEME);
  check("ws://127.0.0.1:7700", "127.0.0.1:7700", STOA_ADDRESS_LITERAL, STOA_ADDRESS_WS);
  check("wss://127.0.0.1:443", "127.0.0.1:443", STOA_ADDRESS_LITERAL, STOA_ADDRESS_WSS);
  check(":7700", "[::]:7700", STOA_ADDRESS_EVERY, STOA_ADDRESS_NO_SCHEME);
  check("wss://:0", "[::]:0", STOA_ADDRESS_EVERY, STOA_ADDRESS_WSS);
  check("[::]:7700", "[::]:7700", STOA_ADDRESS_LITERAL, STOA_ADDRESS_NO_SCHEME);
  check("[::1]:65535", "[::1]:65535", STOA_ADDRESS_LITERAL, STOA_ADDRESS_NO_SCHEME);
  check("[2001:db8::1]:1", "[2001:db8::1]:1", STOA_ADDRESS_LITERAL, STOA_ADDRESS_NO_SCHEME);
  check("unix:/run/stoa.sock", "unix:/run/stoa.sock", STOA_ADDRESS_PATH, STOA_ADDRESS_NO_SCHEME);
  check("wss://unix:relative", "unix:relative", STOA_ADDRESS_PATH, STOA_ADDRESS_WSS);
  check("ws://unix:/a:b", "unix:/a:b", STOA_ADDRESS_PATH, STOA_ADDRESS_WS);
}

static void test_an_ipv4_address_in_ipv6_notation_is_an_ipv4_address(void **state) {
  (void)state;
  check("[::ffff:192.0.2.1]:80", "192.0.2.1:80", STOA_ADDRESS_LITERAL, STOA_ADDRESS_NO_SCHEME);
}

/* What the hosts file says of localhost differs; its addresses are loopback ones and each is there once. */
static void test_a_name_is_all_of_its_addresses(void **state) {
  (void)state;
  struct stoa_address_list list;
  assert_int_equal(parse("localhost:80", &list), STOA_OK);
  assert_int_equal(list.form, STOA_ADDRESS_NAME);
  assert_in_range(list.count, 1, STOA_ADDRESS_LIST_MAX);
  for (size_t i = 0; i < list.count; i++) {
    int family = list.items[i].socket.any.sa_family;
    assert_true(family == AF_INET || family == AF_INET6);
    assert_int_equal(stoa_address_port(&list.items[i]), 80);
    for (size_t j = 0; j < i; j++) {
      assert_false(stoa_address_covers(&list.items[i], &list.items[j]));
    }
  }
  assert_int_equal(parse("no-such-host.invalid:80", &list), STOA_E_NOT_FOUND);
}

static bool covers(const char *wide, const char *narrow) {
  struct stoa_address wide_address = one(wide);
  struct stoa_address narrow_address = one(narrow);
  return stoa_address_covers(&wide_address, &narrow_address);
}

static void test_an_address_covers_all_that_its_socket_would_accept(void **state) {
  (void)state;
  assert_true(covers("127.0.0.1:80", "127.0.0.1:80"));
  assert_true(covers("0.0.0.0:80", "127.0.0.1:80"));
  assert_true(covers("[::]:80", "[::1]:80"));
  assert_true(covers("[::]:80", "127.0.0.1:80"));
  assert_true(covers(":80", "0.0.0.0:80"));
  assert_true(covers("unix:/a", "unix:/a"));
  assert_false(covers("127.0.0.1:80", "0.0.0.0:80"));
  assert_false(covers("0.0.0.0:80", "[::]:80"));
  assert_false(covers("0.0.0.0:80", "[::1]:80"));
  assert_false(covers("0.0.0.0:80", "127.0.0.1:81"));
  assert_false(covers("unix:/a", "unix:/b"));
  assert_false(covers(":80", "unix:/a"));
  assert_false(covers("127.0.0.1:0", "127.0.0.1:0")); /* each takes a port of its own */
  struct stoa_address six = one("[::]:80");
  struct stoa_address four = one("127.0.0.1:80");
  six.ipv6_only = true;
  assert_false(stoa_address_covers(&six, &four));
}

static void test_loopback_is_what_only_this_machine_can_reach(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool is_loopback;
  } cases[] = {{"127.0.0.1:80", true},  {"127.255.0.9:80", true}, {"[::1]:80", true},
               {"[::]:80", false},      {":80", false},           {"0.0.0.0:80", false},
               {"128.0.0.1:80", false}, {"[::2]:80", false},      {"unix:/a", false}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct stoa_address address = one(cases[i].text);
    assert_int_equal(stoa_address_is_loopback(&address), cases[i].is_loopback);
  }
}

static void test_every_ipv4_address_keeps_the_port(void **state) {
  (void)state;
  char out[STOA_ADDRESS_TEXT_SIZE];
  struct stoa_address address = one(":7700");
  assert_true(stoa_address_is_any(&address));
  stoa_address_to_ipv4(&address);
  assert_true(stoa_address_is_any(&address));
  stoa_address_format(&address, out);
  assert_string_equal(out, "0.0.0.0:7700");
}

static void test_any_other_text_is_refused_and_the_output_is_unchanged(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",           "ws://",        "wss://",      "localhost", "127.0.0.1", "127.0.0.1:",      "127.0.0.1:65536",
      "1.2.3.4:-1", "1.2.3.4:+1",   "1.2.3.4:1x",  "::1:80",    "[::1:80",   "[]:80",           "[:80",
      "unix:",      "[::1]:999999", "1.2.3.4: 80", ":",         "[::1]x:1",  "1.2.3.4:00000080"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct stoa_address_list list = {.count = 77};
    if (stoa_address_parse(stoa_string_of(bad[i]), &list) != STOA_E_SYNTAX) {
      fail_msg("accepted: %s", bad[i]);
    }
    assert_int_equal(list.count, 77);
  }
}

static void test_bytes_that_the_kernel_would_cut_are_refused(void **state) {
  (void)state;
  struct stoa_address_list address;
  static const char nul_in_path[] = "unix:/a\0b";
  static const char nul_in_host[] = "a\0b:80";
  assert_int_equal(stoa_address_parse(stoa_string_make(nul_in_path, sizeof nul_in_path - 1), &address), STOA_E_SYNTAX);
  assert_int_equal(stoa_address_parse(stoa_string_make(nul_in_host, sizeof nul_in_host - 1), &address), STOA_E_SYNTAX);
  char path[5 + 108 + 1] = "unix:";
  memset(path + 5, 'p', 107);
  assert_int_equal(parse(path, &address), STOA_OK);
  path[5 + 107] = 'p';
  assert_int_equal(parse(path, &address), STOA_E_SYNTAX);
  char host[300];
  memset(host, 'h', sizeof host);
  memcpy(host + 256, ":80", 4);
  assert_int_equal(parse(host, &address), STOA_E_SYNTAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_form_is_understood),
      cmocka_unit_test(test_an_ipv4_address_in_ipv6_notation_is_an_ipv4_address),
      cmocka_unit_test(test_a_name_is_all_of_its_addresses),
      cmocka_unit_test(test_an_address_covers_all_that_its_socket_would_accept),
      cmocka_unit_test(test_loopback_is_what_only_this_machine_can_reach),
      cmocka_unit_test(test_every_ipv4_address_keeps_the_port),
      cmocka_unit_test(test_any_other_text_is_refused_and_the_output_is_unchanged),
      cmocka_unit_test(test_bytes_that_the_kernel_would_cut_are_refused),
  };
  return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
