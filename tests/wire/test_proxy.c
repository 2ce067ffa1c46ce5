#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guard.h"
#include "random.h"
#include "wire/proxy.h"

#define R(bytes) bytes, sizeof(bytes) - 1
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FFFF8 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
#define TCP4_ADDRESSES "\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1\xbb" /* 192.0.2.1:56324 to 198.51.100.2:443 */
#define TCP6_ADDRESSES                     \
  "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1" \
  "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\xdc\4\1\xbb"
#define ZEROS_12 "\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_96 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12 ZEROS_12
#define PATH_108 ZEROS_96 ZEROS_12

static const struct sample {
  const char *name;
  int verdict;
  enum stoa_proxy_family family;
  const char *bytes;
  size_t len;
} samples[] = {
    {"v1 over IPv4", STOA_OK, STOA_PROXY_IP, R("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n")},
    {"v1, the longest over IPv4", STOA_OK, STOA_PROXY_IP,
     R("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n")},
    {"v1 over IPv6", STOA_OK, STOA_PROXY_IP, R("PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n")},
    {"v1, the longest over IPv6", STOA_OK, STOA_PROXY_IP, R("PROXY TCP6 " FFFF8 " " FFFF8 " 65535 65535\r\n")},
    {"v1 of somebody unknown", STOA_OK, STOA_PROXY_UNKNOWN, R("PROXY UNKNOWN\r\n")},
    {"v1 of somebody unknown, at length", STOA_OK, STOA_PROXY_UNKNOWN,
     R("PROXY UNKNOWN " FFFF8 " " FFFF8 " 65535 65535\r\n")},
    {"v1 of somebody unknown, with noise", STOA_OK, STOA_PROXY_UNKNOWN, R("PROXY UNKNOWN \x01 ?  \r\n")},
    {"v1 with port 0", STOA_OK, STOA_PROXY_IP, R("PROXY TCP4 1.2.3.4 5.6.7.8 0 0\r\n")},
    {"v1 without its end", STOA_E_AGAIN, 0, R("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r")},
    {"v1 in lower case", STOA_E_SYNTAX, 0, R("proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n")},
    {"v1 with a bare LF", STOA_E_SYNTAX, 0, R("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n")},
    {"v1 with a bare CR", STOA_E_SYNTAX, 0, R("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rX\r\n")},
    {"v1 with two blanks", STOA_E_SYNTAX, 0, R("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n")},
    {"v1 with two blanks in front", STOA_E_SYNTAX, 0, R("PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n")},
    {"v1 with a blank at the end", STOA_E_SYNTAX, 0, R("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n")},
    {"v1 with a word more", STOA_E_SYNTAX, 0, R("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n")},
    {"v1 with a word less", STOA_E_SYNTAX, 0, R("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n")},
    {"v1 with nothing", STOA_E_SYNTAX, 0, R("PROXY \r\n")},
    {"v1 of another protocol", STOA_E_SYNTAX, 0, R("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n")},
    {"v1 with IPv6 as IPv4", STOA_E_SYNTAX, 0, R("PROXY TCP4 ::1 ::1 1 2\r\n")},
    {"v1 with IPv4 as IPv6", STOA_E_SYNTAX, 0, R("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n")},
    {"v1 from the unspecified address", STOA_E_SYNTAX, 0, R("PROXY TCP6 :: ::1 1 2\r\n")},
    {"v1 to the unspecified address", STOA_OK, STOA_PROXY_IP, R("PROXY TCP6 ::1 :: 1 2\r\n")},
    {"v2 from the unspecified address", STOA_E_SYNTAX, 0,
     R(SIGNATURE "\x21\x21\0\x24" ZEROS_12 "\0\0\0\0" ZEROS_12 "\0\0\0\1\0\1\0\2")},
    {"v1 with a zone", STOA_E_SYNTAX, 0, R("PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n")},
    {"v1 with a name", STOA_E_SYNTAX, 0, R("PROXY TCP4 localhost 5.6.7.8 1 2\r\n")},
    {"v1 with leading zeros", STOA_E_SYNTAX, 0, R("PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n")},
    {"v1 with a port of leading zeros", STOA_E_SYNTAX, 0, R("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n")},
    {"v1 with a port above 65535", STOA_E_SYNTAX, 0, R("PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n")},
    {"v1 with a negative port", STOA_E_SYNTAX, 0, R("PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n")},
    {"v1 with a NUL", STOA_E_SYNTAX, 0, R("PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n")},
    {"v1 over its 107 bytes", STOA_E_SYNTAX, 0, R("PROXY UNKNOWN " FFFF8 " " FFFF8 " 65535 65535 \r\n")},
    {"v1 with CR in the last byte", STOA_E_SYNTAX, 0, R("PROXY UNKNOWN " FFFF8 " " FFFF8 " 65535 65535?\r\n")},
    {"a request", STOA_E_SYNTAX, 0, R("GET / HTTP/1.1\r\n\r\n")},
    {"a request that begins alike", STOA_E_SYNTAX, 0, R("PROPFIND / HTTP/1.1\r\n\r\n")},
    {"a TLS hello", STOA_E_SYNTAX, 0, R("\x16\x03\x01\x02\x00")},
    {"empty lines", STOA_E_SYNTAX, 0, R("\r\n\r\nGET / HTTP/1.1\r\n")},
    {"nothing", STOA_E_AGAIN, 0, R("")},

    {"v2 over IPv4", STOA_OK, STOA_PROXY_IP, R(SIGNATURE "\x21\x11\0\x0c" TCP4_ADDRESSES)},
    {"v2 over IPv6", STOA_OK, STOA_PROXY_IP, R(SIGNATURE "\x21\x21\0\x24" TCP6_ADDRESSES)},
    {"v2 of a unix socket", STOA_OK, STOA_PROXY_UNIX, R(SIGNATURE "\x21\x31\0\xd8" PATH_108 PATH_108)},
    {"v2 of a datagram", STOA_OK, STOA_PROXY_UNKNOWN, R(SIGNATURE "\x21\x12\0\x0c" TCP4_ADDRESSES)},
    {"v2 of somebody unknown", STOA_OK, STOA_PROXY_UNKNOWN, R(SIGNATURE "\x21\0\0\0")},
    {"v2 of somebody unknown, at length", STOA_OK, STOA_PROXY_UNKNOWN, R(SIGNATURE "\x21\0\0\5abcde")},
    {"v2 of the proxy itself", STOA_OK, STOA_PROXY_UNKNOWN, R(SIGNATURE "\x20\0\0\0")},
    {"v2 of the proxy itself, with a family", STOA_OK, STOA_PROXY_UNKNOWN,
     R(SIGNATURE "\x20\x11\0\x0c" TCP4_ADDRESSES)},
    {"v2 of the proxy itself, with no family", STOA_OK, STOA_PROXY_UNKNOWN, R(SIGNATURE "\x20\xff\0\3abc")},
    {"v2 with additions", STOA_OK, STOA_PROXY_IP,
     R(SIGNATURE "\x21\x11\0\x1e" TCP4_ADDRESSES "\2\0\4host\4\0\1\0\3\0\4\1\2\3\4")},
    {"v2 with an addition of nothing", STOA_OK, STOA_PROXY_IP, R(SIGNATURE "\x21\x11\0\x0f" TCP4_ADDRESSES "\4\0\0")},
    {"v2 without its end", STOA_E_AGAIN, 0,
     R(SIGNATURE "\x21\x11\0\x0c"
                 "\xc0\0\2\1\xc6\x33\x64\2\xdc\4\1")},
    {"v2 of version 1", STOA_E_SYNTAX, 0, R(SIGNATURE "\x11\x11\0\x0c" TCP4_ADDRESSES)},
    {"v2 of version 3", STOA_E_SYNTAX, 0, R(SIGNATURE "\x31\x11\0\x0c" TCP4_ADDRESSES)},
    {"v2 with another command", STOA_E_SYNTAX, 0, R(SIGNATURE "\x22\x11\0\x0c" TCP4_ADDRESSES)},
    {"v2 with another family", STOA_E_SYNTAX, 0, R(SIGNATURE "\x21\x41\0\x0c" TCP4_ADDRESSES)},
    {"v2 with another protocol", STOA_E_SYNTAX, 0, R(SIGNATURE "\x21\x13\0\x0c" TCP4_ADDRESSES)},
    {"v2 of a family without protocol", STOA_E_SYNTAX, 0, R(SIGNATURE "\x21\x10\0\x0c" TCP4_ADDRESSES)},
    {"v2 too short for IPv4", STOA_E_SYNTAX, 0, R(SIGNATURE "\x21\x11\0\x0b" TCP4_ADDRESSES)},
    {"v2 too short for IPv6", STOA_E_SYNTAX, 0, R(SIGNATURE "\x21\x21\0\x23" TCP6_ADDRESSES)},
    {"v2 too short for a unix socket", STOA_E_SYNTAX, 0, R(SIGNATURE "\x21\x31\0\xd7" PATH_108 PATH_108)},
    {"v2 that is too long", STOA_E_LIMIT, 0, R(SIGNATURE "\x21\x11\x07\xf1" TCP4_ADDRESSES)},
    {"v2 of the proxy itself that is too long", STOA_E_LIMIT, 0, R(SIGNATURE "\x20\0\xff\xff")},
    {"v2 with an addition cut short", STOA_E_SYNTAX, 0, R(SIGNATURE "\x21\x11\0\x0e" TCP4_ADDRESSES "\4\0")},
    {"v2 with an addition beyond the end", STOA_E_SYNTAX, 0, R(SIGNATURE "\x21\x11\0\x10" TCP4_ADDRESSES "\4\0\2x")},
    {"v2 with an addition far beyond the end", STOA_E_SYNTAX, 0,
     R(SIGNATURE "\x21\x11\0\x10" TCP4_ADDRESSES "\4\xff\xffx")},
    {"v2 whose signature breaks", STOA_E_SYNTAX, 0, R("\r\n\r\n\0\r\nQUIX\n\x21\x11\0\x0c" TCP4_ADDRESSES)},
};

static const size_t sample_count = sizeof samples / sizeof samples[0];

static int verdict_on(const void *data, size_t len, struct stoa_proxy_header *header, size_t *used) {
  memset(header, 0xee, sizeof *header);
  *used = 77777;
  return stoa_proxy_parse(data, len, header, used);
}

static void every_header_is_accepted_or_refused_as_listed(void **state) {
  (void)state;
  for (size_t i = 0; i < sample_count; i++) {
    struct stoa_proxy_header header;
    size_t used;
    int verdict = verdict_on(samples[i].bytes, samples[i].len, &header, &used);
    if (verdict != samples[i].verdict) {
      fail_msg("%s: got %s, expected %s", samples[i].name, stoa_status_text(verdict),
               stoa_status_text(samples[i].verdict));
    }
    if (verdict == STOA_OK) {
      assert_int_equal(header.family, samples[i].family);
      assert_int_equal(used, samples[i].len);
    } else {
      assert_int_equal(used, 77777);
    }
  }
}

/* Nothing, nothing, then the verdict, and no byte after the header changes it. */
static void the_result_comes_at_the_same_byte_for_every_split(void **state) {
  (void)state;
  struct guard guard = guard_make(4096);
  for (size_t i = 0; i < sample_count; i++) {
    char bytes[512];
    int last = STOA_E_AGAIN;
    size_t last_used = 0;
    assert_true(samples[i].len + 20 <= sizeof bytes);
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, samples[i].bytes, samples[i].len);
    size_t end = samples[i].verdict == STOA_E_AGAIN ? samples[i].len : samples[i].len + 20;
    for (size_t len = 0; len <= end; len++) {
      struct stoa_proxy_header header;
      size_t used;
      int verdict = verdict_on(guard_copy(&guard, bytes, len), len, &header, &used);
      if (last != STOA_E_AGAIN && (verdict != last || used != last_used)) {
        fail_msg("%s: after %zu bytes %s, not %s any more", samples[i].name, len, stoa_status_text(verdict),
                 stoa_status_text(last));
      }
      last = verdict;
      last_used = used;
    }
    assert_int_equal(last, samples[i].verdict);
  }
  guard_free(&guard);
}

static struct stoa_proxy_header header_of(const void *data, size_t len) {
  struct stoa_proxy_header header;
  size_t used;
  assert_int_equal(stoa_proxy_parse(data, len, &header, &used), STOA_OK);
  return header;
}

static void assert_addresses(const struct stoa_proxy_header *header, const char *source, const char *destination) {
  uint8_t address[STOA_IP_LEN];
  assert_int_equal(header->family, STOA_PROXY_IP);
  assert_true(stoa_ip_parse(stoa_string_of(source), address));
  assert_memory_equal(header->source, address, STOA_IP_LEN);
  assert_true(stoa_ip_parse(stoa_string_of(destination), address));
  assert_memory_equal(header->destination, address, STOA_IP_LEN);
  assert_int_equal(header->source_port, 56324);
  assert_int_equal(header->destination_port, 443);
}

static void both_versions_give_the_same_addresses(void **state) {
  (void)state;
  struct stoa_proxy_header header = header_of(R("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET /"));
  assert_addresses(&header, "192.0.2.1", "198.51.100.2");
  header = header_of(R(SIGNATURE "\x21\x11\0\x0c" TCP4_ADDRESSES "GET /"));
  assert_addresses(&header, "192.0.2.1", "198.51.100.2");
  header = header_of(R("PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n"));
  assert_addresses(&header, "2001:db8::1", "2001:db8::2");
  header = header_of(R(SIGNATURE "\x21\x21\0\x24" TCP6_ADDRESSES));
  assert_addresses(&header, "2001:db8::1", "2001:db8::2");
  header = header_of(R("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 56324 443\r\n"));
  assert_addresses(&header, "192.0.2.1", "198.51.100.2");
}

static void an_unknown_source_has_no_address(void **state) {
  (void)state;
  static const uint8_t none[STOA_IP_LEN];
  struct stoa_proxy_header header = header_of(R(SIGNATURE "\x20\x11\0\x0c" TCP4_ADDRESSES));
  assert_int_equal(header.family, STOA_PROXY_UNKNOWN);
  assert_memory_equal(header.source, none, STOA_IP_LEN);
  assert_int_equal(header.source_port, 0);
  header = header_of(R("PROXY UNKNOWN 1.2.3.4 5.6.7.8 1 2\r\n"));
  assert_memory_equal(header.source, none, STOA_IP_LEN);
}

static void paths_of_unix_sockets_end_at_a_nul_or_at_108_bytes(void **state) {
  (void)state;
  char bytes[16 + 216] = SIGNATURE "\x21\x31\0\xd8/run/a";
  memset(bytes + 16 + 108, 'p', 108);
  bytes[15] = (char)0xd8;
  struct stoa_proxy_header header = header_of(bytes, sizeof bytes);
  assert_true(stoa_string_equal(header.source_path, stoa_string_of("/run/a")));
  assert_int_equal(header.destination_path.len, 108);
}

/* A header of version 2 of exactly that many additions, each of `value_len` bytes. */
static int verdict_on_additions(size_t count, size_t value_len) {
  static uint8_t bytes[70000];
  struct stoa_proxy_header header;
  size_t used;
  size_t rest_len = 12 + count * (3 + value_len);
  memset(bytes, 0, sizeof bytes);
  memcpy(bytes, SIGNATURE "\x21\x11", 14);
  bytes[14] = (uint8_t)(rest_len >> 8);
  bytes[15] = (uint8_t)rest_len;
  for (size_t i = 0; i < count; i++) {
    uint8_t *addition = bytes + 28 + i * (3 + value_len);
    addition[0] = 0xe0;
    addition[1] = (uint8_t)(value_len >> 8);
    addition[2] = (uint8_t)value_len;
  }
  return stoa_proxy_parse(bytes, 16 + rest_len, &header, &used);
}

static void additions_have_a_limit_in_number_and_in_bytes(void **state) {
  (void)state;
  assert_int_equal(verdict_on_additions(STOA_PROXY_ADDITIONS_MAX, 0), STOA_OK);
  assert_int_equal(verdict_on_additions(STOA_PROXY_ADDITIONS_MAX + 1, 0), STOA_E_LIMIT);
  assert_int_equal(verdict_on_additions(1, STOA_PROXY_BYTES_MAX - 31), STOA_OK);
  assert_int_equal(verdict_on_additions(1, STOA_PROXY_BYTES_MAX - 30), STOA_E_LIMIT);
  assert_int_equal(verdict_on_additions(1, 65520), STOA_E_LIMIT);
}

static void mutated_headers_give_one_result_for_every_split(void **state) {
  (void)state;
  uint64_t seed = 5;
  for (size_t i = 0; i < sample_count; i++) {
    for (size_t round = 0; round < 50 && samples[i].len > 0; round++) {
      uint8_t bytes[512];
      int last = STOA_E_AGAIN;
      memcpy(bytes, samples[i].bytes, samples[i].len);
      bytes[random_below(&seed, samples[i].len)] = (uint8_t)random_below(&seed, 256);
      for (size_t len = 0; len <= samples[i].len; len++) {
        struct stoa_proxy_header header;
        size_t used;
        int verdict = verdict_on(bytes, len, &header, &used);
        assert_true(last == STOA_E_AGAIN || verdict == last);
        last = verdict;
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_header_is_accepted_or_refused_as_listed),
      cmocka_unit_test(the_result_comes_at_the_same_byte_for_every_split),
      cmocka_unit_test(both_versions_give_the_same_addresses),
      cmocka_unit_test(an_unknown_source_has_no_address),
      cmocka_unit_test(paths_of_unix_sockets_end_at_a_nul_or_at_108_bytes),
      cmocka_unit_test(additions_have_a_limit_in_number_and_in_bytes),
      cmocka_unit_test(mutated_headers_give_one_result_for_every_split),
  };
  return cmocka_run_group_tests_name("PROXY protocol", tests, NULL, NULL);
}
