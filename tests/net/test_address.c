#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/listener.h"

static int parse(const char *text, struct stoa_address *out) {
  memset(out, 0, sizeof *out);
  return stoa_address_parse(stoa_string_of(text), out);
}

static void check(const char *text, const char *formatted, bool tls) {
  struct stoa_address address;
  char out[STOA_ADDRESS_TEXT_LEN];
  assert_int_equal(parse(text, &address), STOA_OK);
  assert_int_equal(address.tls, tls);
  stoa_address_format(&address, out);
  assert_string_equal(out, formatted);
}

static void test_each_form_is_understood(void **state) {
  (void)state;
  check("127.0.0.1:7700", "127.0.0.1:7700", false);
  check("ws://127.0.0.1:7700", "127.0.0.1:7700", false);
  check("wss://127.0.0.1:443", "127.0.0.1:443", true);
  check(":7700", "[::]:7700", false);
  check("wss://:0", "[::]:0", true);
  check("[::1]:65535", "[::1]:65535", false);
  check("[2001:db8::1]:1", "[2001:db8::1]:1", false);
  check("unix:/run/stoa.sock", "unix:/run/stoa.sock", false);
  check("wss://unix:relative", "unix:relative", true);
  check("ws://unix:/a:b", "unix:/a:b", false);
}

static void test_a_name_is_resolved(void **state) {
  (void)state;
  struct stoa_address address;
  assert_int_equal(parse("localhost:80", &address), STOA_OK);
  assert_true(address.socket.any.sa_family == AF_INET || address.socket.any.sa_family == AF_INET6);
  assert_int_equal(parse("no-such-host.invalid:80", &address), STOA_E_NOT_FOUND);
}

static void test_anything_else_is_refused_and_nothing_is_written(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",           "ws://",        "wss://",      "localhost", "127.0.0.1", "127.0.0.1:",      "127.0.0.1:65536",
      "1.2.3.4:-1", "1.2.3.4:+1",   "1.2.3.4:1x",  "::1:80",    "[::1:80",   "[]:80",           "[:80",
      "unix:",      "[::1]:999999", "1.2.3.4: 80", ":",         "[::1]x:1",  "1.2.3.4:00000080"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct stoa_address address;
    struct stoa_address untouched = {.len = 77};
    memset(&address, 0, sizeof address);
    address.len = 77;
    if (stoa_address_parse(stoa_string_of(bad[i]), &address) != STOA_E_SYNTAX) {
      fail_msg("accepted: %s", bad[i]);
    }
    assert_int_equal(address.len, untouched.len);
  }
}

static void test_bytes_that_the_kernel_would_cut_are_refused(void **state) {
  (void)state;
  struct stoa_address address;
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
      cmocka_unit_test(test_a_name_is_resolved),
      cmocka_unit_test(test_anything_else_is_refused_and_nothing_is_written),
      cmocka_unit_test(test_bytes_that_the_kernel_would_cut_are_refused),
  };
  return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
