#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stoa/log.h>

#include "base/memory.h"
#include "server/listener/networks.h"
#include "server/listener/peers.h"

static struct stoa_peers peers;
static struct stoa_arena *arena;
static int64_t blocks_before;

static struct stoa_peer peer(const char *text) {
  struct sockaddr_storage address = {.ss_family = AF_UNIX};
  if (inet_pton(AF_INET, text, &((struct sockaddr_in *)(void *)&address)->sin_addr) == 1) {
    address.ss_family = AF_INET;
  } else if (inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)(void *)&address)->sin6_addr) == 1) {
    address.ss_family = AF_INET6;
  }
  return stoa_peer_of(&address);
}

static int connect_as(const char *text) {
  struct stoa_peer from = peer(text);
  return stoa_peers_connect(&peers, &from);
}

static void disconnect(const char *text) {
  struct stoa_peer from = peer(text);
  stoa_peers_disconnect(&peers, &from);
}

static int begin_session(const char *text) {
  struct stoa_peer from = peer(text);
  return stoa_peers_session_begin(&peers, &from);
}

static void end_session(const char *text) {
  struct stoa_peer from = peer(text);
  stoa_peers_session_end(&peers, &from);
}

static uint32_t retry_ms;
static int handshake(const char *text, uint64_t now_ms) {
  struct stoa_peer from = peer(text);
  return stoa_peers_admit_handshake(&peers, &from, now_ms, &retry_ms);
}

static uint32_t connections(const char *text) {
  struct stoa_peer from = peer(text);
  return stoa_peers_connections(&peers, &from);
}

static int begin(void **state) {
  (void)state;
  const struct stoa_peers_limits limits = {.connections_max = 3, .sessions_max = 2, .handshakes_per_s = 20};
  blocks_before = stoa_memory_live_blocks();
  arena = stoa_arena_create(1024 * 1024);
  assert_non_null(arena);
  assert_int_equal(stoa_peers_init(&peers), STOA_OK);
  stoa_peers_set_limits(&peers, &limits);
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_memory_fail_at(0, false);
  stoa_peers_fini(&peers);
  stoa_arena_destroy(arena);
  assert_int_equal(stoa_memory_live_blocks(), blocks_before);
  return 0;
}

static void test_connections_and_sessions_of_an_address_are_counted_separately(void **state) {
  (void)state;
  assert_int_equal(connect_as("192.0.2.1"), STOA_OK);
  assert_int_equal(connect_as("192.0.2.1"), STOA_OK);
  assert_int_equal(connect_as("192.0.2.1"), STOA_OK);
  assert_int_equal(connect_as("192.0.2.1"), STOA_E_LIMIT);
  assert_int_equal(connect_as("192.0.2.2"), STOA_OK);
  assert_int_equal(begin_session("192.0.2.1"), STOA_OK);
  assert_int_equal(begin_session("192.0.2.1"), STOA_OK);
  assert_int_equal(begin_session("192.0.2.1"), STOA_E_LIMIT);
  end_session("192.0.2.1");
  assert_int_equal(begin_session("192.0.2.1"), STOA_OK);
  disconnect("192.0.2.1");
  assert_int_equal(connect_as("192.0.2.1"), STOA_OK);
  struct stoa_peer one = peer("192.0.2.1");
  assert_int_equal(stoa_peers_connections(&peers, &one), 3);
  assert_int_equal(stoa_peers_sessions(&peers, &one), 2);
}

/* Behind a proxy a session's address is not that of its connection. */
static void test_a_session_needs_no_connection_of_its_address(void **state) {
  (void)state;
  assert_int_equal(begin_session("198.51.100.7"), STOA_OK);
  assert_int_equal(connections("198.51.100.7"), 0);
  end_session("198.51.100.7");
  assert_int_equal(peers.entries.count, 0);
}

static void test_an_ipv6_address_counts_with_its_64(void **state) {
  (void)state;
  assert_int_equal(connect_as("2001:db8:1:2::1"), STOA_OK);
  assert_int_equal(connect_as("2001:db8:1:2:ffff::2"), STOA_OK);
  assert_int_equal(connect_as("2001:db8:1:2:1:2:3:4"), STOA_OK);
  assert_int_equal(connect_as("2001:db8:1:2::9"), STOA_E_LIMIT);
  assert_int_equal(connect_as("2001:db8:1:3::1"), STOA_OK);
  disconnect("2001:db8:1:2:ffff::2"); /* the count is one; whose it was does not matter */
  assert_int_equal(connect_as("2001:db8:1:2::9"), STOA_OK);
}

static void test_ipv4_addresses_count_each_for_itself_also_when_they_are_written_as_ipv6(void **state) {
  (void)state;
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(connect_as("192.0.2.1"), STOA_OK);
    assert_int_equal(connect_as("64:ff9b::192.0.2.1"), STOA_OK);
  }
  assert_int_equal(connect_as("::ffff:192.0.2.1"), STOA_E_LIMIT);
  assert_int_equal(connect_as("192.0.2.2"), STOA_OK);
  assert_int_equal(connect_as("64:ff9b::192.0.2.1"), STOA_E_LIMIT);
  assert_int_equal(connect_as("64:ff9b::192.0.2.2"), STOA_OK);
}

static void test_a_peer_of_this_machine_has_loopback_or_a_unix_socket(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool is_loopback, is_local;
  } cases[] = {{"127.0.0.1", true, true}, {"::1", true, true}, {"unix", false, true}, {"192.0.2.1", false, false}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct stoa_peer client = peer(cases[i].text);
    assert_int_equal(stoa_peer_is_loopback(&client), cases[i].is_loopback);
    assert_int_equal(stoa_peer_is_local(&client), cases[i].is_local);
  }
}

static void test_loopback_is_limited_only_when_that_is_asked_for(void **state) {
  (void)state;
  static const char *const local[] = {"127.0.0.1", "::1", "unix"};
  struct stoa_peers_limits limits = peers.limits;
  for (size_t i = 0; i < 3; i++) {
    for (unsigned j = 0; j < 5; j++) {
      assert_int_equal(connect_as(local[i]), STOA_OK);
      assert_int_equal(begin_session(local[i]), STOA_OK);
    }
    for (unsigned j = 0; j < 100; j++) {
      assert_int_equal(handshake(local[i], 0), STOA_OK);
    }
    assert_int_equal(connections(local[i]), 5);
    for (unsigned j = 0; j < 5; j++) {
      disconnect(local[i]);
      end_session(local[i]);
    }
  }
  assert_int_equal(peers.entries.count, 0);
  limits.limit_loopback = true;
  stoa_peers_set_limits(&peers, &limits);
  for (size_t i = 0; i < 3; i++) {
    for (unsigned j = 0; j < 3; j++) {
      assert_int_equal(connect_as(local[i]), STOA_OK);
    }
    assert_int_equal(connect_as(local[i]), STOA_E_LIMIT);
  }
}

static void test_handshakes_of_an_address_are_bound_by_a_rate_with_a_burst(void **state) {
  (void)state;
  for (unsigned i = 0; i < 40; i++) {
    assert_int_equal(handshake("192.0.2.1", 5000), STOA_OK);
  }
  assert_int_equal(handshake("192.0.2.1", 5000), STOA_E_LIMIT);
  assert_int_equal(retry_ms, 50);
  assert_int_equal(handshake("192.0.2.2", 5000), STOA_OK);
  assert_int_equal(handshake("192.0.2.1", 5049), STOA_E_LIMIT);
  assert_int_equal(retry_ms, 1);
  assert_int_equal(handshake("192.0.2.1", 5050), STOA_OK);
  assert_int_equal(handshake("192.0.2.1", 5050), STOA_E_LIMIT);
  /* The clock of another worker is a turn behind. */
  assert_int_equal(handshake("192.0.2.1", 4990), STOA_E_LIMIT);
  for (unsigned i = 0; i < 20; i++) {
    assert_int_equal(handshake("192.0.2.1", 6050), STOA_OK);
  }
  assert_int_equal(handshake("192.0.2.1", 6050), STOA_E_LIMIT);
}

static void test_an_address_is_remembered_as_long_as_its_rate_counts(void **state) {
  (void)state;
  for (unsigned i = 0; i < 40; i++) {
    assert_int_equal(handshake("192.0.2.1", 1000), STOA_OK);
    assert_int_equal(connect_as("192.0.2.1"), STOA_OK);
    disconnect("192.0.2.1");
  }
  assert_int_equal(peers.entries.count, 1);
  assert_int_equal(handshake("192.0.2.1", 1000), STOA_E_LIMIT);
  /* Forgotten when it may do all again. */
  assert_int_equal(handshake("192.0.2.2", 3000), STOA_OK);
  assert_int_equal(peers.entries.count, 1);
  assert_int_equal(connect_as("192.0.2.2"), STOA_OK);
  assert_int_equal(handshake("192.0.2.3", 9000), STOA_OK);
  assert_int_equal(peers.entries.count, 2); /* who is connected stays */
  disconnect("192.0.2.2");
}

static void test_the_number_of_remembered_addresses_is_bounded(void **state) {
  (void)state;
  for (uint32_t i = 0; i < STOA_PEERS_RESTING_MAX + 100; i++) {
    struct stoa_peer from = peer("2001:db8::1");
    from.bytes[4] = (uint8_t)(i >> 16);
    from.bytes[5] = (uint8_t)(i >> 8);
    from.bytes[6] = (uint8_t)i;
    assert_int_equal(stoa_peers_admit_handshake(&peers, &from, 1000, &retry_ms), STOA_OK);
  }
  assert_int_equal(peers.entries.count, STOA_PEERS_RESTING_MAX);
  assert_int_equal(peers.rest_count, STOA_PEERS_RESTING_MAX);
}

static void test_nothing_is_counted_without_memory(void **state) {
  (void)state;
  for (unsigned n = 1; n <= 2; n++) {
    stoa_memory_fail_at(n, false);
    assert_int_equal(connect_as("192.0.2.1"), STOA_E_MEMORY);
    stoa_memory_fail_at(n, false);
    assert_int_equal(begin_session("192.0.2.1"), STOA_E_MEMORY);
    stoa_memory_fail_at(n, false);
    assert_int_equal(handshake("192.0.2.1", 0), STOA_E_MEMORY);
    stoa_memory_fail_at(0, false);
    assert_int_equal(peers.entries.count, 0);
  }
}

/* Networks. */

static int parse(struct stoa_networks *networks, const char *text) {
  const struct stoa_string item = stoa_string_of(text);
  return stoa_networks_parse("server.trusted_proxies", &item, 1, arena, networks);
}

static bool contains(const char *network, const char *address) {
  struct stoa_networks networks;
  struct stoa_peer from = peer(address);
  assert_int_equal(parse(&networks, network), STOA_OK);
  return stoa_networks_contain(&networks, &from);
}

static void test_a_network_contains_its_addresses_and_no_others(void **state) {
  (void)state;
  assert_true(contains("10.0.0.0/8", "10.255.255.255"));
  assert_false(contains("10.0.0.0/8", "11.0.0.0"));
  assert_true(contains("10.1.2.3/8", "10.9.9.9"));
  assert_true(contains("192.0.2.128/25", "192.0.2.129"));
  assert_false(contains("192.0.2.128/25", "192.0.2.127"));
  assert_true(contains("192.0.2.1", "192.0.2.1"));
  assert_false(contains("192.0.2.1", "192.0.2.2"));
  assert_true(contains("192.0.2.1", "::ffff:192.0.2.1"));
  assert_true(contains("::ffff:192.0.2.0/120", "192.0.2.9"));
  assert_true(contains("0.0.0.0/0", "203.0.113.9"));
  assert_false(contains("0.0.0.0/0", "2001:db8::1"));
  assert_true(contains("::/0", "2001:db8::1"));
  assert_false(contains("::/0", "203.0.113.9"));
  assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
  assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
  assert_true(contains("::1", "::1"));
  assert_false(contains("::1", "::2"));
  assert_true(contains("unix", "unix"));
  assert_false(contains("unix", "127.0.0.1"));
  assert_false(contains("::/0", "unix"));
  assert_false(contains("0.0.0.0/0", "unix"));
}

static void test_an_empty_list_of_networks_contains_no_address(void **state) {
  (void)state;
  struct stoa_networks networks;
  struct stoa_peer from = peer("127.0.0.1");
  assert_int_equal(stoa_networks_parse("x", NULL, 0, arena, &networks), STOA_OK);
  assert_false(stoa_networks_contain(&networks, &from));
}

static void test_an_invalid_network_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",        "/",     "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0/8", "10.0.0.0/8/",
      "::1/129", "[::1]", "localhost", "Unix",        "10.0.0.0 /8", "::1%lo",      "*",        "10.0.0.0/1x",
      "/8"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct stoa_networks networks = {.count = 77};
    if (parse(&networks, bad[i]) != STOA_E_ARGUMENT) {
      fail_msg("accepted: %s", bad[i]);
    }
    assert_int_equal(networks.count, 77);
  }
  static struct stoa_string many[STOA_NETWORKS_MAX + 1];
  struct stoa_networks networks;
  for (size_t i = 0; i <= STOA_NETWORKS_MAX; i++) {
    many[i] = stoa_string_of("::1");
  }
  assert_int_equal(stoa_networks_parse("x", many, STOA_NETWORKS_MAX, arena, &networks), STOA_OK);
  assert_int_equal(stoa_networks_parse("x", many, STOA_NETWORKS_MAX + 1, arena, &networks), STOA_E_ARGUMENT);
}

static void test_a_trusted_proxy_is_not_limited_itself(void **state) {
  (void)state;
  struct stoa_networks networks;
  struct stoa_peers_limits limits = peers.limits;
  assert_int_equal(parse(&networks, "10.0.0.0/8"), STOA_OK);
  limits.trusted = &networks;
  stoa_peers_set_limits(&peers, &limits);
  for (unsigned i = 0; i < 100; i++) {
    assert_int_equal(connect_as("10.0.0.1"), STOA_OK);
    assert_int_equal(handshake("10.0.0.1", 0), STOA_OK);
  }
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(connect_as("192.0.2.1"), STOA_OK);
  }
  assert_int_equal(connect_as("192.0.2.1"), STOA_E_LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_connections_and_sessions_of_an_address_are_counted_separately),
      TEST(test_a_session_needs_no_connection_of_its_address),
      TEST(test_an_ipv6_address_counts_with_its_64),
      TEST(test_ipv4_addresses_count_each_for_itself_also_when_they_are_written_as_ipv6),
      TEST(test_a_peer_of_this_machine_has_loopback_or_a_unix_socket),
      TEST(test_loopback_is_limited_only_when_that_is_asked_for),
      TEST(test_handshakes_of_an_address_are_bound_by_a_rate_with_a_burst),
      TEST(test_an_address_is_remembered_as_long_as_its_rate_counts),
      TEST(test_the_number_of_remembered_addresses_is_bounded),
      TEST(test_nothing_is_counted_without_memory),
      TEST(test_a_network_contains_its_addresses_and_no_others),
      TEST(test_an_empty_list_of_networks_contains_no_address),
      TEST(test_an_invalid_network_is_refused),
      TEST(test_a_trusted_proxy_is_not_limited_itself),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
