/* A reload: which keys there are, that each kind of them is in force afterwards, and that a failure changes nothing. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stoa/log.h>
#include <stoa/token.h>
#include <sys/socket.h>

#include "base/log_writer.h"
#include "base/memory.h"
#include "routing.h"
#include "server/server_private.h"
#include "server/settings/keys.h"

#define SECRET_A "the first secret of these tests, long enough"
#define SECRET_B "the second secret of these tests, long enough"

static struct fixture fixture;
static struct stoa_server_config config;
static struct stoa_limits_config limits;
static struct stoa_rate_config rate;
static struct stoa_reload_report report;
static const char *documentation;
static char logged[16384];

/* The log has a thread of its own while a server runs. */
static bool has_logged(const char *text) {
  stoa_log_writer_flush();
  return strstr(logged, text) != NULL;
}

static void take_line(void *context, enum stoa_log_severity level, struct stoa_string line) {
  size_t len = strlen(logged);
  (void)context, (void)level;
  const char *rest = strstr(line.data, "level=");
  snprintf(logged + len, sizeof logged - len, "%s\n", rest == NULL ? line.data : rest);
}

/* Two workers, so that each reload has to reach both. */
static int begin(void **state) {
  (void)state;
  logged[0] = '\0';
  stoa_log_set_sink(take_line, NULL);
  config = *fixture_config(2);
  limits = config.limits == NULL ? (struct stoa_limits_config){0} : *config.limits;
  rate = (struct stoa_rate_config){0};
  limits.rate = &rate;
  config.limits = &limits;
  return 0;
}

static int end(void **state) {
  (void)state;
  if (fixture.server != NULL && config.auth == NULL) {
    fixture_stop(&fixture);
  } else {
    stoa_server_destroy(fixture.server); /* OpenSSL keeps what it has looked up */
  }
  fixture.server = NULL;
  stoa_log_set_sink(NULL, NULL);
  return 0;
}

static void start(void) {
  routes_start(&fixture, &config);
}

static void reload(void) {
  assert_int_equal(stoa_server_reload(fixture.server, &config, &report), STOA_OK);
}

/* The only key that has changed. */
static void reload_one(const char *key) {
  reload();
  assert_int_equal(report.changed_count, 1);
  assert_string_equal(report.changed[0], key);
  assert_int_equal(report.needs_restart_count, 0);
}

/* Both workers have run all that was posted to them before: they answer requests, which come after it. */
static void join(struct client *client) {
  fixture_connect(&fixture, client, "stoa.json");
  fixture_sync(client);
}

static int upgrade(const char *fields) {
  struct client client;
  client_connect(&client, fixture.address);
  int status = client_upgrade(&client, "/", "stoa.json", fields);
  client_close(&client);
  return status;
}

/* The keys. */

static void expect_keys(const struct stoa_message_type *type, const char *prefix) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    const struct stoa_field *field = &type->fields[i];
    char path[256];
    snprintf(path, sizeof path, "%s.%s", prefix, field->name);
    const struct stoa_settings_key *key = stoa_settings_key_of(path);
    if (key == NULL && field->message == NULL) {
      fail_msg("%s is declared neither hot nor cold in server/settings/keys.c", path);
    } else if (field->message != NULL && (key == NULL || strcmp(path, "server.listeners") == 0)) {
      expect_keys(field->message, path);
    }
  }
}

static void every_key_is_declared_hot_or_cold(void **state) {
  (void)state;
  expect_keys(&stoa_server_config_type, "server");
  expect_keys(&stoa_log_config_type, "log");
}

/* A name of a table is that of a field: what comes after the last dot, in the type of what comes before. */
static bool exists(const struct stoa_message_type *type, const char *path) {
  size_t len = strcspn(path, ".");
  for (uint32_t i = 0; i < type->field_count; i++) {
    const struct stoa_field *field = &type->fields[i];
    if (strlen(field->name) == len && memcmp(field->name, path, len) == 0) {
      return path[len] == '\0' || (field->message != NULL && exists(field->message, path + len + 1));
    }
  }
  return false;
}

static void every_declared_key_exists(void **state) {
  (void)state;
  for (size_t i = 0; stoa_settings_key_at(i) != NULL; i++) {
    if (!exists(&stoa_app_config_type, stoa_settings_key_at(i)->path)) {
      fail_msg("%s is no key any more", stoa_settings_key_at(i)->path);
    }
  }
}

static char *read_file(const char *path) {
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  char *text = calloc(1, 256 * 1024);
  assert_non_null(text);
  assert_true(fread(text, 1, 256 * 1024 - 1, file) > 0);
  fclose(file);
  return text;
}

/* docs/configuration.md has a row `| \`key\` | now |` or `| \`key\` | restart |` for each key. */
static void the_documentation_says_what_the_table_says(void **state) {
  (void)state;
  char *text = read_file(documentation);
  for (size_t i = 0; stoa_settings_key_at(i) != NULL; i++) {
    const struct stoa_settings_key *key = stoa_settings_key_at(i);
    char row[256];
    snprintf(row, sizeof row, "\n| `%s` | %s |", key->path, key->is_hot ? "now" : "restart");
    if (strstr(text, row) == NULL) {
      fail_msg("docs/configuration.md has no row%s", row);
    }
  }
  free(text);
}

static void what_needs_a_restart_is_named_and_stays(void **state) {
  static const char *const expected[] = {"server.path", "server.ping_interval_ms", "server.linger_ms"};
  (void)state;
  start();
  config.path = stoa_string_of("/other");
  config.ping_interval_ms = 1234;
  config.linger_ms = 7;
  for (int i = 0; i < 2; i++) { /* as long as it waits for the restart */
    reload();
    assert_int_equal(report.changed_count, 0);
    assert_int_equal(report.needs_restart_count, 3);
    for (size_t j = 0; j < 3; j++) {
      assert_string_equal(report.needs_restart[j], expected[j]);
    }
  }
  assert_int_equal(upgrade(NULL), 101);
  assert_int_equal(stoa_server_ping_interval_ms(fixture.server), 25000);
  assert_true(
      has_logged("level=warn event=\"a changed key needs a restart; its old value stays until then\" "
                 "key=server.linger_ms\n"));
}

static void an_unchanged_configuration_changes_nothing(void **state) {
  (void)state;
  start();
  reload();
  assert_int_equal(report.changed_count + report.needs_restart_count, 0);
  assert_true(has_logged("level=info event=\"configuration reloaded\" changed=\"\"\n"));
}

/* In force. */

/* A line with a long text, as one frame. */
static bool send_long(struct client *client, size_t len) {
  static char message[300000];
  static const char head[] = "\0\0\0\0{\"text\":\"";
  memcpy(message, head, sizeof head - 1);
  memset(message + sizeof head - 1, 'x', len);
  memcpy(message + sizeof head - 1 + len, "\"}", 2);
  return client_send(client, 0x82, message, sizeof head - 1 + len + 2);
}

static void a_session_may_send_longer_messages_and_then_only_shorter_ones(void **state) {
  struct client client;
  (void)state;
  start();
  join(&client);
  limits.message_bytes_max = 256 * 1024;
  reload(); /* the default burst of bytes follows it */
  assert_int_equal(report.changed_count, 2);
  assert_string_equal(report.changed[0], "server.limits.message_bytes_max");
  assert_string_equal(report.changed[1], "server.limits.rate.bytes_burst");
  assert_int_equal(stoa_server_message_bytes_max(fixture.server), 256 * 1024);
  fixture_sync(&client);
  assert_true(send_long(&client, 200000));
  assert_true(client_read_message(&client).len > 200000);
  limits.message_bytes_max = 1000;
  reload();
  fixture_sync(&client);
  assert_true(send_long(&client, 2000));
  assert_int_equal(client_read_close(&client), 1009);
  client_close(&client);
}

static void a_rate_holds_for_sessions_that_exist(void **state) {
  struct client client;
  (void)state;
  start();
  join(&client);
  rate = (struct stoa_rate_config){.messages_per_s = 1, .messages_burst = 1, .excess_max = 3};
  reload();
  fixture_sync(&client); /* takes the whole burst */
  for (int i = 0; i < 8; i++) {
    client_send_call(&client, FIXTURE_ASK, (uint32_t)i + 20, "{\"question\":\"q\"}");
  }
  assert_int_equal(client_read_close(&client), 4013);
  client_close(&client);
}

static void origins_and_hosts_hold_for_new_sessions(void **state) {
  static const struct stoa_string page[] = {STOA_STR("https://page.example")};
  static const struct stoa_string host[] = {STOA_STR("chat.example.org")};
  struct client old;
  (void)state;
  start();
  assert_int_equal(upgrade("Origin: https://page.example\r\n"), 403);
  config.allowed_origins.items = page;
  config.allowed_origins.count = 1;
  reload_one("server.allowed_origins");
  join(&old);
  assert_int_equal(upgrade("Origin: https://page.example\r\n"), 101);
  config.allowed_origins.count = 0;
  config.hosts.items = host;
  config.hosts.count = 1;
  reload();
  assert_int_equal(upgrade("Origin: https://page.example\r\n"), 403);
  fixture_sync(&old);
  client_close(&old);
}

static void trusted_proxies_name_the_client_from_now_on(void **state) {
  static const struct stoa_string proxies[] = {STOA_STR("127.0.0.1")};
  (void)state;
  start();
  config.trusted_proxies.items = proxies;
  config.trusted_proxies.count = 1;
  limits.address_sessions_max = 1;
  reload();
  struct client first;
  struct client second;
  client_connect(&first, fixture.address);
  assert_int_equal(client_upgrade(&first, "/", "stoa.json", "X-Forwarded-For: 192.0.2.7\r\n"), 101);
  fixture_sync(&first);
  client_connect(&second, fixture.address);
  assert_int_equal(client_upgrade(&second, "/", "stoa.json", "X-Forwarded-For: 192.0.2.7\r\n"), 101);
  assert_int_equal(client_read_close(&second), 4014);
  client_close(&second);
  client_close(&first);
}

static void a_lowered_maximum_throws_nobody_out(void **state) {
  struct client clients[3];
  struct client late;
  (void)state;
  start();
  for (size_t i = 0; i < 3; i++) {
    join(&clients[i]);
  }
  limits.sessions_max = 1;
  reload_one("server.limits.sessions_max");
  fixture_connect(&fixture, &late, "stoa.json");
  assert_int_equal(client_read_close(&late), 4014);
  client_close(&late);
  for (size_t i = 0; i < 3; i++) {
    fixture_sync(&clients[i]);
    client_close(&clients[i]);
  }
}

static const char *token_of(const char *secret) {
  static char text[512];
  const struct stoa_token_key_source source = {.form = STOA_TOKEN_SECRET,
                                               .content = {(const uint8_t *)secret, strlen(secret)}};
  struct stoa_token_signer *signer;
  struct stoa_buffer token;
  stoa_buffer_init(&token, 400);
  assert_int_equal(stoa_token_signer_create(&source, &signer, NULL), STOA_OK);
  assert_int_equal(stoa_token_sign(signer, stoa_string_of("{\"sub\":\"a\",\"exp\":4000000000}"), &token), STOA_OK);
  snprintf(text, sizeof text, "Authorization: Bearer %.*s\r\n", (int)token.len, (const char *)token.data);
  stoa_buffer_fini(&token);
  stoa_token_signer_destroy(signer);
  return text;
}

static bool is_admitted(const char *secret, struct client *client) {
  client_connect(client, fixture.address);
  assert_int_equal(client_upgrade(client, "/", "stoa.json", token_of(secret)), 101);
  client_send_call(client, FIXTURE_ASK, 3, "{\"question\":\"q\"}");
  return client_read_message(client).opcode == 2 && client_send_call(client, FIXTURE_ASK, 4, "{\"question\":\"q\"}") &&
         client_read(client).opcode == 2;
}

static void new_tokens_are_verified_with_the_new_keys_and_old_sessions_stay(void **state) {
  struct stoa_auth_config auth = {.secret = STOA_STR(SECRET_A), .required = true};
  struct client old;
  struct client client;
  (void)state;
  config.auth = &auth;
  start();
  assert_true(is_admitted(SECRET_A, &old));
  auth.secret = stoa_string_of(SECRET_B);
  reload_one("server.auth.secret");
  assert_false(has_logged(SECRET_B));
  assert_true(is_admitted(SECRET_B, &client));
  client_close(&client);
  assert_false(is_admitted(SECRET_A, &client));
  client_close(&client);
  fixture_sync(&old);
  client_close(&old);
}

#define KEY_A "0123456789abcdef0123456789abcdeA"
#define KEY_B "0123456789abcdef0123456789abcdeB"

static int ask_admin(const char *key) {
  char field[128];
  snprintf(field, sizeof field, "Authorization: Bearer %s\r\n", key);
  return http_request(stoa_server_address(fixture.server, 1), "GET", "/operators", field, NULL)->status;
}

static void the_key_of_operators_changes_and_cannot_vanish_from_an_open_listener(void **state) {
  struct stoa_admin_config admin = {.address = STOA_STR("0.0.0.0:0"), .key = STOA_STR(KEY_A)};
  (void)state;
  config.admin = &admin;
  start();
  assert_int_equal(ask_admin(KEY_A), 200);
  admin.key = stoa_string_of(KEY_B);
  reload_one("server.admin.key");
  assert_int_equal(ask_admin(KEY_A), 401);
  assert_int_equal(ask_admin(KEY_B), 200);
  admin = (struct stoa_admin_config){.address = STOA_STR("127.0.0.1:0")};
  assert_int_equal(stoa_server_reload(fixture.server, &config, &report), STOA_E_ARGUMENT);
  assert_true(
      has_logged("level=error event=\"an admin listener that is open to other machines needs its key until the "
                 "next restart\" address=0.0.0.0:0 option=server.admin.key\n"));
  assert_int_equal(ask_admin(""), 401);
  assert_int_equal(ask_admin(KEY_B), 200);
}

static void pages_of_other_origins_may_use_routes_from_now_on(void **state) {
  static const struct stoa_string origins[] = {STOA_STR("https://app.example")};
  const struct stoa_cors_config cors = {.allowed_origins = {origins, 1}};
  (void)state;
  start();
  http_request(fixture.address, "GET", "/rooms/a", "Origin: https://app.example\r\n", NULL);
  assert_null(http_field("Access-Control-Allow-Origin"));
  config.cors = &cors;
  reload_one("server.cors.allowed_origins");
  http_request(fixture.address, "GET", "/rooms/a", "Origin: https://app.example\r\n", NULL);
  assert_string_equal(http_field("Access-Control-Allow-Origin"), "https://app.example");
}

static void bodies_may_be_longer_from_now_on(void **state) {
  static char body[5001];
  (void)state;
  memset(body, 'b', 5000);
  limits.body_bytes_max = 100;
  start();
  assert_int_equal(http_request(fixture.address, "POST", "/bytes", NULL, body)->status, 413);
  limits.body_bytes_max = 10000;
  reload_one("server.limits.body_bytes_max");
  assert_int_equal(http_request(fixture.address, "POST", "/bytes", NULL, body)->status, 200);
}

static void shedding_changes_but_must_be_on_from_the_start(void **state) {
  struct stoa_shedding_config shedding = {.lag_ms = 50};
  (void)state;
  start();
  config.shedding = &shedding;
  reload();
  assert_int_equal(report.changed_count, 0);
  assert_int_equal(report.needs_restart_count, 1);
  assert_string_equal(report.needs_restart[0], "server.shedding.lag_ms");
  end(NULL);
  begin(NULL);
  config.shedding = &shedding;
  start();
  shedding.lag_ms = 70;
  reload_one("server.shedding.lag_ms");
}

/* Failures. */

static void a_server_that_was_not_started_is_not_reloaded(void **state) {
  struct stoa_server *server;
  (void)state;
  assert_int_equal(stoa_server_create(&config, &server), STOA_OK);
  assert_int_equal(stoa_server_reload(server, &config, NULL), STOA_E_CLOSED);
  stoa_server_destroy(server);
}

static void all_mistakes_are_told_and_nothing_changes(void **state) {
  (void)state;
  start();
  limits.sessions_max = 1;
  limits.message_bytes_max = 1u << 30;
  config.path = stoa_string_of("chat");
  assert_int_equal(stoa_server_reload(fixture.server, &config, &report), STOA_E_ARGUMENT);
  assert_true(has_logged("event=\"an option is out of range\" option=server.limits.message_bytes_max"));
  assert_true(has_logged("event=\"server.path must start with a slash\" server.path=chat"));
  assert_int_equal(stoa_server_message_bytes_max(fixture.server), 64 * 1024);
  struct client one;
  struct client other;
  join(&one);
  join(&other);
  client_close(&one);
  client_close(&other);
}

static void reloads_are_counted_by_their_result(void **state) {
  (void)state;
  struct stoa_buffer text;
  start();
  reload();
  reload();
  config.path = stoa_string_of("chat");
  assert_int_equal(stoa_server_reload(fixture.server, &config, &report), STOA_E_ARGUMENT);
  stoa_buffer_init(&text, 1024 * 1024);
  assert_int_equal(stoa_server_write_metrics(fixture.server, STOA_METRIC_PROMETHEUS, &text), STOA_OK);
  assert_int_equal(stoa_buffer_append(&text, "", 1), STOA_OK);
  assert_non_null(strstr((char *)text.data, "stoa_reloads_total{result=\"ok\"} 2\n"));
  assert_non_null(strstr((char *)text.data, "stoa_reloads_total{result=\"refused\"} 1\n"));
  stoa_buffer_fini(&text);
}

static void a_new_address_that_another_program_uses_is_a_mistake(void **state) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof address;
  char text[64];
  char line[256];
  (void)state;
  start();
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(fd, 1), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(address.sin_port));
  const struct stoa_string addresses[] = {stoa_string_of(text)};
  config.addresses.items = addresses;
  config.addresses.count = 1;
  assert_int_equal(stoa_server_reload(fixture.server, &config, &report), STOA_E_SYSTEM);
  snprintf(line, sizeof line,
           "level=error event=\"another program listens on an address that is new; end it, or take another port\" "
           "address=%s option=server.addresses[0] reason=\"Address already in use\"\n",
           text);
  assert_true(has_logged(line));
  close(fd);
  reload();
  assert_string_equal(report.needs_restart[0], "server.addresses");
}

/* Whatever allocation fails, the old values stay, and nothing is left behind. */
static void without_memory_nothing_changes_and_nothing_leaks(void **state) {
  struct stoa_auth_config auth = {.secret = STOA_STR(SECRET_A)};
  static const struct stoa_string names[] = {STOA_STR("127.0.0.1"), STOA_STR("10.0.0.0/8")};
  (void)state;
  config.auth = &auth;
  start();
  struct client client;
  join(&client);
  config.trusted_proxies.items = names;
  config.trusted_proxies.count = 2;
  limits.message_bytes_max = 5000;
  int status = STOA_E_MEMORY;
  int64_t before = stoa_memory_live_blocks();
  for (unsigned n = 1; status != STOA_OK; n++) {
    assert_int_equal(stoa_server_message_bytes_max(fixture.server), 64 * 1024);
    stoa_memory_fail_at(n, false);
    status = stoa_server_reload(fixture.server, &config, NULL);
    stoa_memory_fail_at(0, false);
    assert_true(status == STOA_OK || status == STOA_E_MEMORY);
    assert_true(status == STOA_OK || stoa_memory_live_blocks() <= before);
  }
  assert_int_equal(stoa_server_message_bytes_max(fixture.server), 5000);
  fixture_sync(&client);
  client_close(&client);
}

static void old_snapshots_are_freed_when_the_last_worker_has_switched(void **state) {
  struct client client;
  (void)state;
  start();
  join(&client);
  for (uint32_t i = 0; i < 50; i++) {
    limits.sessions_max = 100 + i;
    reload();
  }
  /* The post of the last reload is behind these connections' accepts on both workers at the latest; fixture_stop()
   * counts what is left. */
  fixture_sync(&client);
  client_close(&client);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(int argc, char **argv) {
  assert(argc == 2);
  documentation = argv[1];
  const struct CMUnitTest tests[] = {
      TEST(every_key_is_declared_hot_or_cold),
      TEST(every_declared_key_exists),
      TEST(the_documentation_says_what_the_table_says),
      TEST(what_needs_a_restart_is_named_and_stays),
      TEST(an_unchanged_configuration_changes_nothing),
      TEST(a_session_may_send_longer_messages_and_then_only_shorter_ones),
      TEST(a_rate_holds_for_sessions_that_exist),
      TEST(origins_and_hosts_hold_for_new_sessions),
      TEST(trusted_proxies_name_the_client_from_now_on),
      TEST(a_lowered_maximum_throws_nobody_out),
      TEST(new_tokens_are_verified_with_the_new_keys_and_old_sessions_stay),
      TEST(the_key_of_operators_changes_and_cannot_vanish_from_an_open_listener),
      TEST(pages_of_other_origins_may_use_routes_from_now_on),
      TEST(bodies_may_be_longer_from_now_on),
      TEST(shedding_changes_but_must_be_on_from_the_start),
      TEST(a_server_that_was_not_started_is_not_reloaded),
      TEST(all_mistakes_are_told_and_nothing_changes),
      TEST(reloads_are_counted_by_their_result),
      TEST(a_new_address_that_another_program_uses_is_a_mistake),
      TEST(without_memory_nothing_changes_and_nothing_leaks),
      TEST(old_snapshots_are_freed_when_the_last_worker_has_switched),
  };
  (void)argc;
  return cmocka_run_group_tests_name("reload of a server", tests, NULL, NULL);
}
