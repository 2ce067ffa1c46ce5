#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "lib/authority.h"
#include "net/tls.h"
#include "observer.h"

#define BIG_LEN 60000

static struct authority authority;

static int set_up(void **state) {
  (void)state;
  signal(SIGPIPE, SIG_IGN);
  stoa_tls_memory_setup();
  authority_make(&authority);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  authority_remove(&authority);
  return 0;
}

static void start(struct fixture *fixture, const char *certificate) {
  static const struct stoa_string addresses[] = {STOA_STR("wss://127.0.0.1:0")};
  struct stoa_server_config *config = fixture_config(1);
  const struct stoa_tls_config tls = {.certificate = stoa_string_of(certificate), .key = stoa_string_of(authority.key)};
  config->addresses.items = addresses;
  config->tls = &tls;
  fixture_start(fixture, config, NULL);
}

/* OpenSSL keeps what it has once looked up, so only the server is to be ended here. */
static void end(struct fixture *fixture) {
  stoa_server_destroy(fixture->server);
}

static struct stoa_client_options options_of(const struct fixture *fixture, const char *host) {
  static char url[64];
  snprintf(url, sizeof url, "wss://%s%s/", host, strrchr(fixture->address, ':'));
  return (struct stoa_client_options){.url = url, .ca_file = authority.ca, .once = true};
}

static void use(const struct stoa_client_options *options, bool own_thread) {
  static char big[BIG_LEN + 1];
  struct observer observer = {0};
  memset(big, 'x', BIG_LEN);
  observer_open(&observer, options, own_thread);
  assert_int_equal(observer_ask(&observer, "safe?"), STOA_OK);
  observer_await(&observer, &observer.answers, 1);
  assert_string_equal(observer.answer, "safe?");
  for (unsigned i = 0; i < 10; i++) {
    assert_int_equal(observer_send_line(&observer, "me", i, big), STOA_OK);
  }
  observer_await(&observer, &observer.lines, 10);
  stoa_client_close(observer.client, 1000, NULL);
  observer_await_state(&observer, STOA_CLIENT_ENDED);
  assert_int_equal(observer.status, STOA_OK);
  observer_close(&observer);
}

static void a_certificate_is_verified_by_name_and_by_address(void **state) {
  struct fixture fixture;
  (void)state;
  start(&fixture, authority.certificate);
  struct stoa_client_options options = options_of(&fixture, "127.0.0.1");
  use(&options, false);
  int64_t before = stoa_memory_live_blocks();
  use(&options, false);
  options = options_of(&fixture, "localhost");
  use(&options, true);
  stoa_server_drain(fixture.server);
  stoa_server_wait(fixture.server);
  assert_in_range(stoa_memory_live_blocks(), 0, before);
  end(&fixture);
}

static void expect_refused(const struct stoa_client_options *options) {
  struct observer observer = {0};
  assert_int_equal(observer_try_open(&observer, options), STOA_OK);
  observer_await_state(&observer, STOA_CLIENT_ENDED);
  assert_int_equal(observer.status, STOA_E_TLS);
  assert_int_equal(observer.close_code, 0);
  observer_close(&observer);
}

static void a_certificate_for_another_name_is_refused(void **state) {
  struct fixture fixture;
  (void)state;
  start(&fixture, authority.stranger);
  struct stoa_client_options options = options_of(&fixture, "127.0.0.1");
  expect_refused(&options);
  options = options_of(&fixture, "localhost");
  expect_refused(&options);
  end(&fixture);
}

static void a_certificate_of_an_unknown_authority_is_refused(void **state) {
  struct fixture fixture;
  (void)state;
  start(&fixture, authority.certificate);
  struct stoa_client_options options = options_of(&fixture, "127.0.0.1");
  options.ca_file = authority.other_ca;
  expect_refused(&options);
  options.ca_file = NULL;
  expect_refused(&options);
  options.insecure = true;
  use(&options, false);
  end(&fixture);
}

static void files_of_authorities_are_loaded_when_the_client_is_created(void **state) {
  struct stoa_client *client = NULL;
  struct stoa_client_options options = {.url = "wss://127.0.0.1:1/", .ca_file = "/no/such/file"};
  (void)state;
  assert_int_equal(stoa_client_create(&options, NULL, &client), STOA_E_NOT_FOUND);
  options.ca_file = authority.empty;
  assert_int_equal(stoa_client_create(&options, NULL, &client), STOA_E_TLS);
  assert_null(client);
}

static void a_client_shows_its_certificate_and_asks_for_the_name_that_it_is_given(void **state) {
  struct fixture fixture;
  (void)state;
  static const struct stoa_string addresses[] = {STOA_STR("wss://127.0.0.1:0")};
  struct stoa_server_config *config = fixture_config(1);
  const struct stoa_certificate_config more = {.certificate = stoa_string_of(authority.certificate),
                                               .key = stoa_string_of(authority.key)};
  struct stoa_tls_config tls = {.certificate = stoa_string_of(authority.stranger),
                                .key = stoa_string_of(authority.key),
                                .client_ca = stoa_string_of(authority.ca),
                                .client_verify = STOA_TLS_CONFIG_CLIENT_VERIFY_REQUIRED};
  tls.certificates.items = &more;
  tls.certificates.count = 1;
  config->addresses.items = addresses;
  config->tls = &tls;
  fixture_start(&fixture, config, NULL);
  struct stoa_client_options options = options_of(&fixture, "127.0.0.1");
  options.certificate_file = authority.certificate;
  options.key_file = authority.key;
  expect_refused(&options); /* an address is no name to ask for, so it gets the stranger's */
  options.server_name = "localhost";
  use(&options, false);
  options.server_name = "stranger.example";
  use(&options, true);
  options.certificate_file = NULL;
  options.key_file = NULL;
  struct observer observer = {0};
  assert_int_equal(observer_try_open(&observer, &options), STOA_OK);
  observer_await_state(&observer, STOA_CLIENT_ENDED);
  assert_int_equal(observer.status, STOA_E_TLS);
  observer_close(&observer);
  end(&fixture);
}

static void a_certificate_is_loaded_when_the_client_is_created(void **state) {
  struct stoa_client *client = NULL;
  struct stoa_client_options options = {.url = "wss://127.0.0.1:1/", .ca_file = authority.ca};
  (void)state;
  options.certificate_file = authority.certificate;
  assert_int_equal(stoa_client_create(&options, NULL, &client), STOA_E_ARGUMENT);
  options.key_file = "/no/such/file";
  assert_int_equal(stoa_client_create(&options, NULL, &client), STOA_E_NOT_FOUND);
  options.key_file = authority.key;
  options.certificate_file = authority.ca;
  assert_int_equal(stoa_client_create(&options, NULL, &client), STOA_E_TLS);
  options.certificate_file = authority.certificate;
  chmod(authority.key, 0644);
  assert_int_equal(stoa_client_create(&options, NULL, &client), STOA_E_DENIED);
  chmod(authority.key, 0600);
  options.server_name = "";
  assert_int_equal(stoa_client_create(&options, NULL, &client), STOA_E_ARGUMENT);
  options.certificate_file = NULL;
  options.server_name = NULL;
  assert_int_equal(stoa_client_create(&options, NULL, &client), STOA_E_ARGUMENT);
  assert_null(client);
}

static void a_server_without_tls_is_refused_by_a_tls_client(void **state) {
  struct fixture fixture;
  (void)state;
  fixture_start(&fixture, fixture_config(1), NULL);
  struct stoa_client_options options = options_of(&fixture, "127.0.0.1");
  struct observer observer = {0};
  assert_int_equal(observer_try_open(&observer, &options), STOA_OK);
  observer_await_state(&observer, STOA_CLIENT_ENDED);
  assert_int_not_equal(observer.status, STOA_OK);
  observer_close(&observer);
  end(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_certificate_is_verified_by_name_and_by_address),
      cmocka_unit_test(a_certificate_for_another_name_is_refused),
      cmocka_unit_test(a_certificate_of_an_unknown_authority_is_refused),
      cmocka_unit_test(files_of_authorities_are_loaded_when_the_client_is_created),
      cmocka_unit_test(a_client_shows_its_certificate_and_asks_for_the_name_that_it_is_given),
      cmocka_unit_test(a_certificate_is_loaded_when_the_client_is_created),
      cmocka_unit_test(a_server_without_tls_is_refused_by_a_tls_client),
  };
  return cmocka_run_group_tests_name("client TLS", tests, set_up, tear_down);
}
