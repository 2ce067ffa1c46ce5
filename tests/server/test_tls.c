/* TLS of a whole server: what its configuration says, and how it is replaced while sessions go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stoa/log.h>
#include <unistd.h>

#include "base/log_writer.h"
#include "base/memory.h"
#include "fixture.h"
#include "lib/authority.h"
#include "lib/self_signed.h"
#include "server/listener/tls.h"

static struct fixture fixture;
static struct self_signed first, second;
static struct authority authority;
static struct stoa_tls_config tls;
static char found[8192];
static pthread_mutex_t found_mutex = PTHREAD_MUTEX_INITIALIZER;

static void take_line(void *context, enum stoa_log_severity level, struct stoa_string line) {
  const char *rest = strstr(line.data, "level=");
  (void)context, (void)level;
  pthread_mutex_lock(&found_mutex);
  size_t len = strlen(found);
  snprintf(found + len, sizeof found - len, "%s\n", rest == NULL ? "" : rest);
  pthread_mutex_unlock(&found_mutex);
}

static void expect_logged(const char *text) {
  stoa_log_writer_flush();
  pthread_mutex_lock(&found_mutex);
  bool has = strstr(found, text) != NULL;
  pthread_mutex_unlock(&found_mutex);
  if (!has) {
    fail_msg("%s is not in %s", text, found);
  }
}

static int begin(void **state) {
  (void)state;
  found[0] = '\0';
  self_signed_write(&first, "first");
  self_signed_write(&second, "second");
  authority_make(&authority);
  tls = (struct stoa_tls_config){.certificate = stoa_string_of(first.certificate), .key = stoa_string_of(first.key)};
  stoa_log_setup(STDERR_FILENO, STOA_LOG_WARN, STOA_LOG_LOGFMT);
  stoa_log_set_sink(take_line, NULL);
  return 0;
}

static int end(void **state) {
  (void)state;
  stoa_log_set_sink(NULL, NULL);
  self_signed_remove(&first);
  self_signed_remove(&second);
  authority_remove(&authority);
  return 0;
}

static struct stoa_server_config *config_of(uint32_t workers) {
  static const struct stoa_string addresses[] = {STOA_STR("wss://127.0.0.1:0"), STOA_STR("127.0.0.1:0")};
  struct stoa_server_config *config = fixture_config(workers);
  config->addresses.items = addresses;
  config->addresses.count = 2;
  config->tls = &tls;
  return config;
}

/* OpenSSL keeps what it has looked up, so only the server is ended here. */
static void stop(void) {
  stoa_server_destroy(fixture.server);
  fixture.server = NULL;
}

static bool shows(const struct client *client, const char *path) {
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  X509 *expected = PEM_read_X509(file, NULL, NULL, NULL);
  fclose(file);
  X509 *shown = SSL_get1_peer_certificate(client->ssl);
  bool same = X509_cmp(expected, shown) == 0;
  X509_free(expected);
  X509_free(shown);
  return same;
}

static void join(struct client *client, const char *certificate) {
  client_connect_tls(client, fixture.address);
  assert_true(shows(client, certificate));
  assert_int_equal(client_upgrade(client, "/", "stoa.json", NULL), 101);
}

static void use_second(void) {
  tls.certificate = stoa_string_of(second.certificate);
  tls.key = stoa_string_of(second.key);
}

static void after_a_reload_old_sessions_go_on_and_new_ones_see_the_new_certificate(void **state) {
  (void)state;
  for (uint32_t workers = 1; workers <= 2; workers++) {
    struct client old;
    struct client fresh;
    end(NULL);
    begin(NULL);
    fixture_start(&fixture, config_of(workers), NULL);
    join(&old, first.certificate);
    use_second();
    assert_int_equal(stoa_server_reload(fixture.server, config_of(workers), NULL), STOA_OK);
    for (int i = 0; i < 4; i++) {
      join(&fresh, second.certificate);
      fixture_sync_past_lines(&fresh);
      fixture_send_line(&old, "old", (uint32_t)i);
      assert_int_equal(fixture_read_line(&old).number, i);
      client_close(&fresh);
    }
    client_close(&old);
    stop();
  }
}

static void the_same_files_are_read_again_without_a_new_configuration(void **state) {
  struct client client;
  (void)state;
  fixture_start(&fixture, config_of(1), NULL);
  assert_int_equal(rename(second.certificate, first.certificate), 0);
  assert_int_equal(rename(second.key, first.key), 0);
  assert_int_equal(stoa_server_reload(fixture.server, config_of(1), NULL), STOA_OK);
  join(&client, first.certificate);
  client_close(&client);
  stop();
}

static void a_reload_that_fails_changes_nothing_and_says_why_once(void **state) {
  struct client client;
  char line[256];
  (void)state;
  fixture_start(&fixture, config_of(2), NULL);
  tls.certificate = stoa_string_of("/nonexistent/a.pem");
  assert_int_equal(stoa_server_reload(fixture.server, config_of(2), NULL), STOA_E_NOT_FOUND);
  tls.certificate = stoa_string_of(second.certificate);
  assert_int_equal(stoa_server_reload(fixture.server, config_of(2), NULL), STOA_E_TLS);
  tls.key = stoa_string_of(second.key);
  tls.min_version = stoa_string_of("1.1");
  assert_int_equal(stoa_server_reload(fixture.server, config_of(2), NULL), STOA_E_ARGUMENT);
  for (int i = 0; i < 3; i++) {
    join(&client, first.certificate);
    client_close(&client);
  }
  stop();
  expect_logged("level=error event=\"cannot read the certificate\" file=/nonexistent/a.pem errno=2\n");
  snprintf(line, sizeof line, "level=error event=\"the private key does not belong to the certificate\" file=%s",
           first.key);
  expect_logged(line);
  unsigned errors = 0;
  for (const char *at = strstr(found, "level=error"); at != NULL; at = strstr(at + 1, "level=error")) {
    errors++;
  }
  assert_int_equal(errors, 3);
}

static void what_needs_a_restart_stays_and_is_reported(void **state) {
  struct client client;
  (void)state;
  fixture_start(&fixture, config_of(1), NULL);
  struct stoa_server_config config = *config_of(1);
  config.addresses.count = 1;
  struct stoa_reload_report report;
  use_second();
  assert_int_equal(stoa_server_reload(fixture.server, &config, &report), STOA_OK);
  assert_int_equal(report.needs_restart_count, 1);
  assert_string_equal(report.needs_restart[0], "server.addresses");
  join(&client, second.certificate);
  client_close(&client);
  config = *config_of(1);
  static const struct stoa_string plain[] = {STOA_STR("127.0.0.1:0")};
  config.addresses.items = plain;
  config.addresses.count = 1;
  config.tls = NULL;
  assert_int_equal(stoa_server_reload(fixture.server, &config, &report), STOA_OK);
  assert_int_equal(report.changed_count, 0);
  assert_string_equal(report.needs_restart[1], "server.tls.certificate");
  expect_logged(
      "event=\"an address would begin or cease to use a certificate of its own, which needs a restart; the "
      "certificates "
      "stay as they are\" option=server.listeners\n");
  join(&client, second.certificate);
  client_close(&client);
  stop();
}

static void a_reload_without_memory_changes_nothing(void **state) {
  struct client client;
  (void)state;
  fixture_start(&fixture, config_of(1), NULL);
  use_second();
  int status = STOA_E_MEMORY;
  for (unsigned n = 1; status != STOA_OK; n += n < 20 ? 1 : 9) {
    stoa_memory_fail_at(n, true);
    status = stoa_server_reload(fixture.server, config_of(1), NULL);
    stoa_memory_fail_at(0, false);
    assert_true(status == STOA_OK || status == STOA_E_MEMORY || status == STOA_E_TLS || status == STOA_E_ARGUMENT);
    join(&client, status == STOA_OK ? second.certificate : first.certificate);
    client_close(&client);
  }
  stop();
}

/* Reloads one after the other, while sessions of both certificates exchange messages. */
static void sessions_exchange_messages_during_many_reloads(void **state) {
  enum { ROUNDS = 12 };
  struct client sessions[ROUNDS];
  const struct self_signed *const files[] = {&first, &second};
  (void)state;
  fixture_start(&fixture, config_of(2), NULL);
  for (uint32_t i = 0; i < ROUNDS; i++) {
    const struct self_signed *now = files[i % 2];
    tls.certificate = stoa_string_of(now->certificate);
    tls.key = stoa_string_of(now->key);
    for (uint32_t j = 0; j < i; j++) {
      fixture_send_line(&sessions[j], "load", i * ROUNDS + j);
    }
    assert_int_equal(stoa_server_reload(fixture.server, config_of(2), NULL), STOA_OK);
    for (uint32_t j = 0; j < i; j++) {
      unsigned seen = 0;
      for (uint32_t k = 0; k < i; k++) {
        seen += fixture_read_line(&sessions[j]).number / ROUNDS == i ? 1 : 0;
      }
      assert_int_equal(seen, i);
    }
    join(&sessions[i], now->certificate);
    fixture_sync_past_lines(&sessions[i]);
  }
  for (uint32_t i = 0; i < ROUNDS; i++) {
    client_close(&sessions[i]);
  }
  stop();
}

static void a_client_resumes_after_a_reload(void **state) {
  (void)state;
  fixture_start(&fixture, config_of(2), NULL);
  struct client client;
  join(&client, first.certificate);
  fixture_sync(&client);
  SSL_SESSION *session = SSL_get1_session(client.ssl);
  SSL_shutdown(client.ssl);
  client_close(&client);
  use_second();
  assert_int_equal(stoa_server_reload(fixture.server, config_of(2), NULL), STOA_OK);
  client_connect(&client, fixture.address);
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  client.ssl = SSL_new(context);
  SSL_set_fd(client.ssl, client.fd);
  SSL_set_session(client.ssl, session);
  assert_int_equal(SSL_connect(client.ssl), 1);
  assert_true(SSL_session_reused(client.ssl));
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
  fixture_sync(&client);
  client_close(&client);
  SSL_CTX_free(context);
  SSL_SESSION_free(session);
  stop();
}

/* What on_connect sees. */
static struct counter connected = COUNTER_INIT;
static char seen_subject[64], seen_version[16];

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  const struct stoa_certificate *peer = stoa_session_peer_certificate(session);
  const char *version = stoa_session_tls_version(session);
  (void)user, (void)request, (void)out_refusal;
  snprintf(seen_subject, sizeof seen_subject, "%.*s", peer == NULL ? 4 : (int)peer->subject.len,
           peer == NULL ? "none" : peer->subject.data);
  snprintf(seen_version, sizeof seen_version, "%s", version == NULL ? "plain" : version);
  counter_up(&connected);
  return STOA_ADMIT;
}

static void connect_showing(const char *certificate, const char *key, int version) {
  struct client client;
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  client_connect(&client, fixture.address);
  SSL_CTX_set_max_proto_version(context, version);
  if (certificate != NULL) {
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM), 1);
  }
  client.ssl = SSL_new(context);
  SSL_set_fd(client.ssl, client.fd);
  assert_int_equal(SSL_connect(client.ssl), 1);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
  fixture_sync(&client);
  client_close(&client);
  SSL_CTX_free(context);
}

static void a_program_sees_the_clients_certificate_and_the_version(void **state) {
  static const struct stoa_callbacks callbacks = {.on_connect = on_connect};
  (void)state;
  tls.client_ca = stoa_string_of(authority.ca);
  tls.client_verify = STOA_TLS_CONFIG_CLIENT_VERIFY_OPTIONAL;
  fixture_start(&fixture, config_of(1), &callbacks);
  connect_showing(NULL, NULL, TLS1_3_VERSION);
  counter_wait(&connected, 1);
  assert_string_equal(seen_subject, "none");
  assert_string_equal(seen_version, "TLSv1.3");
  connect_showing(authority.certificate, authority.key, TLS1_3_VERSION);
  counter_wait(&connected, 2);
  assert_string_equal(seen_subject, "CN=localhost");
  connect_showing(authority.stranger, authority.key, TLS1_2_VERSION);
  counter_wait(&connected, 3);
  assert_string_equal(seen_subject, "CN=stranger");
  assert_string_equal(seen_version, "TLSv1.2");
  struct client plain;
  client_connect(&plain, stoa_server_address(fixture.server, 1));
  assert_int_equal(client_upgrade(&plain, "/", "stoa.json", NULL), 101);
  counter_wait(&connected, 4);
  assert_string_equal(seen_subject, "none");
  assert_string_equal(seen_version, "plain");
  client_close(&plain);
  stop();
}

static void the_log_says_whose_certificate_was_refused_and_why(void **state) {
  struct client client;
  (void)state;
  tls.client_ca = stoa_string_of(authority.ca);
  tls.client_verify = STOA_TLS_CONFIG_CLIENT_VERIFY_OPTIONAL;
  fixture_start(&fixture, config_of(1), NULL);
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  client_connect(&client, fixture.address);
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  assert_int_equal(SSL_CTX_use_certificate_chain_file(context, first.certificate), 1);
  assert_int_equal(SSL_CTX_use_PrivateKey_file(context, first.key, SSL_FILETYPE_PEM), 1);
  client.ssl = SSL_new(context);
  SSL_set_fd(client.ssl, client.fd);
  assert_int_not_equal(SSL_connect(client.ssl), 1);
  client_close(&client);
  SSL_CTX_free(context);
  stop();
  expect_logged(
      "level=warn event=\"a client's certificate was refused\" address=127.0.0.1 reason=\"self-signed certificate\"");
}

/* Values that are not allowed. */

static void expect_refused(const char *line) {
  struct stoa_server *server = NULL;
  found[0] = '\0';
  assert_int_equal(stoa_server_create(config_of(1), &server), STOA_E_ARGUMENT);
  assert_null(server);
  assert_string_equal(found, line);
}

static void values_that_are_not_allowed_are_named_with_their_option(void **state) {
  (void)state;
  const struct stoa_tls_config good = tls;
  tls.min_version = stoa_string_of("1.1");
  expect_refused(
      "level=error event=\"not a version of TLS that is supported; write 1.2 or 1.3\" "
      "option=server.tls.min_version value=1.1\n");
  tls = good;
  tls.groups = stoa_string_of("X25519:nonsense");
  expect_refused(
      "level=error event=\"a group that OpenSSL does not know; write names with colons between them\" "
      "option=server.tls.groups value=nonsense\n");
  tls = good;
  tls.ticket_rotation_s = 604801;
  expect_refused(
      "level=error event=\"an option is out of range\" option=server.tls.ticket_rotation_s value=604801 "
      "highest=604800\n");
  tls = good;
  tls.client_verify = STOA_TLS_CONFIG_CLIENT_VERIFY_REQUIRED;
  expect_refused(
      "level=error event=\"client_verify needs client_ca, a file with the clients' authorities\" "
      "option=server.tls.client_ca value=\"\"\n");
  tls = good;
  tls.client_ca = stoa_string_of("/a.pem");
  expect_refused(
      "level=error event=\"client_ca does nothing while client_verify is off; write optional or required\" "
      "option=server.tls.client_ca value=/a.pem\n");
  tls = good;
  const struct stoa_certificate_config half = {.certificate = STOA_STR("/half.pem")};
  tls.certificates.items = &half;
  tls.certificates.count = 1;
  expect_refused(
      "level=error event=\"each of the certificates needs both certificate and key\" "
      "option=server.tls.certificates[0] value=/half.pem\n");
  static struct stoa_certificate_config many[256];
  tls.certificates.items = many;
  tls.certificates.count = 256;
  expect_refused(
      "level=error event=\"an option is out of range\" option=server.tls.certificates value=256 "
      "highest=255\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(after_a_reload_old_sessions_go_on_and_new_ones_see_the_new_certificate),
      TEST(the_same_files_are_read_again_without_a_new_configuration),
      TEST(a_reload_that_fails_changes_nothing_and_says_why_once),
      TEST(what_needs_a_restart_stays_and_is_reported),
      TEST(a_reload_without_memory_changes_nothing),
      TEST(sessions_exchange_messages_during_many_reloads),
      TEST(a_client_resumes_after_a_reload),
      TEST(a_program_sees_the_clients_certificate_and_the_version),
      TEST(the_log_says_whose_certificate_was_refused_and_why),
      TEST(values_that_are_not_allowed_are_named_with_their_option),
  };
  return cmocka_run_group_tests_name("TLS of a server", tests, NULL, NULL);
}
