#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "random.h"
#include "wire/ip.h"

static void valid_addresses_are_read(void **state) {
  (void)state;
  static const char *const good[] = {
      "0.0.0.0",
      "255.255.255.255",
      "192.0.2.1",
      "::",
      "::1",
      "1::",
      "2001:db8::1",
      "2001:DB8::a:b",
      "1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7::",
      "::2:3:4:5:6:7:8",
      "::ffff:192.0.2.1",
      "1:2:3:4:5:6:192.0.2.1",
      "::192.0.2.1",
      "fe80::1",
      "0001:0002::",
  };
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    uint8_t address[STOA_IP_LEN];
    if (!stoa_ip_parse(stoa_string_of(good[i]), address)) {
      fail_msg("[%s] was not read", good[i]);
    }
  }
}

static void what_is_not_an_address_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "1",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.4.",
      ".1.2.3.4",
      "1.2.3.256",
      "01.2.3.4",
      "1.2.3.04",
      "1.2.3.1000",
      "1.2.3.-4",
      "1.2.3.4 ",
      " 1.2.3.4",
      "0x7f.0.0.1",
      "1.2.3.4:80",
      ":",
      ":::",
      "1:",
      ":1",
      "1:2",
      "1::2::3",
      "12345::",
      "g::",
      "::1%eth0",
      "fe80::1%1",
      "[::1]",
      "::1]",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7:8::",
      "::1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7",
      "1.2.3.4::",
      "::1.2.3",
      "::1.2.3.4:5",
      "1:2:3:4:5:6:7:192.0.2.1",
      "::01.2.3.4",
      "::1 ",
      "localhost",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    uint8_t address[STOA_IP_LEN];
    if (stoa_ip_parse(stoa_string_of(bad[i]), address)) {
      fail_msg("[%s] was read", bad[i]);
    }
  }
}

/* The C library's reading of the same text; IPv4 mapped. */
static bool system_reads(const char *text, uint8_t out_address[STOA_IP_LEN]) {
  if (strchr(text, ':') != NULL) {
    return inet_pton(AF_INET6, text, out_address) == 1;
  }
  memset(out_address, 0, 10);
  memset(out_address + 10, 0xff, 2);
  return inet_pton(AF_INET, text, out_address + 12) == 1;
}

static void addresses_are_read_as_the_c_library_reads_them(void **state) {
  (void)state;
  static const char letters[] = "0123456789abcdfF::::....";
  uint64_t seed = 11;
  size_t read_count = 0;
  for (size_t round = 0; round < 300000; round++) {
    char text[40] = "";
    uint8_t ours[STOA_IP_LEN] = {0}, theirs[STOA_IP_LEN] = {0};
    size_t len = 1 + random_below(&seed, 14);
    for (size_t i = 0; i < len; i++) {
      text[i] = letters[random_below(&seed, sizeof letters - 1)];
    }
    bool is_read = stoa_ip_parse(stoa_string_of(text), ours);
    if (is_read != system_reads(text, theirs) || (is_read && memcmp(ours, theirs, STOA_IP_LEN) != 0)) {
      fail_msg("[%s] is %sread here", text, is_read ? "" : "not ");
    }
    read_count += is_read;
  }
  assert_true(read_count > 100);
}

static void private_networks_are_known(void **state) {
  (void)state;
  static const struct {
    bool is_private;
    const char *text;
  } cases[] = {
      {true, "127.0.0.1"},       {true, "127.255.255.255"}, {true, "10.1.2.3"},
      {true, "172.16.0.1"},      {true, "172.31.255.255"},  {true, "192.168.0.1"},
      {true, "169.254.1.1"},     {true, "100.64.0.1"},      {true, "::1"},
      {true, "fc00::1"},         {true, "fdff::1"},         {true, "fe80::1"},
      {true, "febf::1"},         {true, "::ffff:10.0.0.1"}, {false, "126.255.255.255"},
      {false, "128.0.0.1"},      {false, "11.0.0.1"},       {false, "172.15.0.1"},
      {false, "172.32.0.1"},     {false, "192.169.0.1"},    {false, "100.63.0.1"},
      {false, "100.128.0.1"},    {false, "203.0.113.1"},    {false, "::2"},
      {false, "2001:db8::1"},    {false, "fbff::1"},        {false, "fec0::1"},
      {false, "::ffff:8.8.8.8"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t address[STOA_IP_LEN];
    assert_true(stoa_ip_parse(stoa_string_of(cases[i].text), address));
    if (stoa_ip_is_private(address) != cases[i].is_private) {
      fail_msg("%s is%s private", cases[i].text, cases[i].is_private ? " not" : "");
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(valid_addresses_are_read),
      cmocka_unit_test(what_is_not_an_address_is_refused),
      cmocka_unit_test(addresses_are_read_as_the_c_library_reads_them),
      cmocka_unit_test(private_networks_are_known),
  };
  return cmocka_run_group_tests_name("IP addresses", tests, NULL, NULL);
}
