/* A server's and a client's life on an allocator of the program's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/log.h>

#include "hooks.h"
#include "lib/authority.h"
#include "net/tls.h"
#include "observer.h"

#define FAULTS_MAX 400u

static struct authority authority;

/* All that a session uses: text of JSON and binary, calls, groups by a broadcast, compression both ways. */
static void visit(const struct stoa_client_options *options) {
  static char big[40001];
  struct observer observer = {0};
  memset(big, 'x', sizeof big - 1);
  observer_open(&observer, options, false);
  assert_int_equal(observer_ask(&observer, "there?"), STOA_OK);
  observer_await(&observer, &observer.answers, 1);
  for (unsigned i = 1; i <= 4; i++) {
    assert_int_equal(observer_send_line(&observer, "me", i, big), STOA_OK);
  }
  observer_await(&observer, &observer.lines, 4);
  stoa_client_close(observer.client, 1000, NULL);
  observer_await_state(&observer, STOA_CLIENT_ENDED);
  observer_close(&observer);
}

static struct stoa_client_options options_of(const struct fixture *fixture, const char *ca_file) {
  static char url[64];
  snprintf(url, sizeof url, "%s://127.0.0.1%s/", ca_file == NULL ? "ws" : "wss", strrchr(fixture->address, ':'));
  return (struct stoa_client_options){.url = url, .ca_file = ca_file, .compression = true, .once = true};
}

static void live(bool tls) {
  static const struct stoa_string addresses[] = {STOA_STR("wss://127.0.0.1:0")};
  struct stoa_server_config *config = fixture_config(2);
  const struct stoa_tls_config files = {.certificate = stoa_string_of(authority.certificate),
                                        .key = stoa_string_of(authority.key)};
  struct fixture fixture;
  config->compression = true;
  if (tls) {
    config->addresses.items = addresses;
    config->tls = &files;
  }
  fixture_start(&fixture, config, NULL);
  struct stoa_client_options options = options_of(&fixture, tls ? authority.ca : NULL);
  visit(&options);
  if (!tls) {
    options.subprotocol = STOA_CLIENT_TEXT;
    visit(&options);
  }
  stoa_server_destroy(fixture.server);
}

static void a_life_of_a_server_and_its_clients_gives_back_every_block(void **state) {
  (void)state;
  int64_t before = hooks_live_blocks();
  uint64_t calls = hooks_calls();
  live(false);
  assert_int_equal(hooks_live_blocks(), before);
  assert_true(hooks_calls() - calls > 50);
}

/* OpenSSL keeps what it has once looked up. */
static void a_second_life_with_tls_keeps_nothing_that_the_first_did_not(void **state) {
  (void)state;
  uint64_t calls = hooks_calls();
  live(true);
  assert_true(hooks_calls() - calls > 1000); /* most of them are OpenSSL's */
  int64_t before = hooks_live_blocks();
  live(true);
  assert_in_range(hooks_live_blocks(), 0, before);
}

static void each_allocation_of_the_beginning_of_a_client_may_fail(void **state) {
  struct fixture fixture;
  unsigned n = 0;
  uint64_t hits = 1;
  (void)state;
  fixture_start(&fixture, fixture_config(1), NULL);
  struct stoa_client_options options = options_of(&fixture, NULL);
  while (hits > 0 && n < FAULTS_MAX) {
    struct stoa_client *client = NULL;
    int64_t before = hooks_live_blocks();
    hooks_fail_at(++n, false);
    int status = stoa_client_create(&options, NULL, &client);
    hits = hooks_fault_hits();
    hooks_fail_at(0, false);
    assert_int_equal(status, hits > 0 ? STOA_E_MEMORY : STOA_OK);
    stoa_client_destroy(client);
    assert_int_equal(hooks_live_blocks(), before);
  }
  assert_true(n > 3 && n < FAULTS_MAX);
  fixture_stop(&fixture);
}

static int set_up(void **state) {
  (void)state;
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  stoa_tls_memory_setup(); /* before the authority uses OpenSSL */
  authority_make(&authority);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  authority_remove(&authority);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_life_of_a_server_and_its_clients_gives_back_every_block),
      cmocka_unit_test(a_second_life_with_tls_keeps_nothing_that_the_first_did_not),
      cmocka_unit_test(each_allocation_of_the_beginning_of_a_client_may_fail),
  };
  return cmocka_run_group_tests_name("hooks", tests, set_up, tear_down);
}
