/* What a program attaches to a server and to a session, who frees it, and where a session comes from. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <stoa/log.h>
#include <stoa/worker.h>

#include "fixture.h"
#include "server/server_session.h"

static struct fixture fixture;

/* Each pointer is one of these; how often it was destroyed, and after how many calls of on_closed. */
struct thing {
  unsigned destroyed;
  unsigned closed_before;
};

static struct thing things[4];
static struct stoa_uuid connected_id;
static unsigned closed;
static struct counter destructions;
static char address[STOA_ADDRESS_TEXT_LEN + 1];
static char request_address[64];
static size_t listener;

static void destroy_thing(void *user) {
  struct thing *thing = user;
  thing->destroyed++;
  thing->closed_before = closed;
  counter_up(&destructions);
}

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user;
  (void)out_refusal;
  connected_id = *stoa_session_id(session);
  snprintf(request_address, sizeof request_address, "%s", request->address);
  stoa_session_set_user(session, &things[0]);
  return stoa_string_equal(request->query, stoa_string_of("refuse")) ? STOA_REFUSE : STOA_ADMIT;
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)code;
  (void)reason;
  assert_int_equal(((struct thing *)stoa_session_user(session))->destroyed, 0);
  closed++;
  stoa_session_address(session, address);
  listener = stoa_session_listener(session);
}

static const struct stoa_callbacks callbacks = {
    .on_connect = on_connect, .on_closed = on_closed, .destroy_session_user = destroy_thing};

static void begin(const struct stoa_server_config *config, const struct stoa_callbacks *chosen) {
  memset(things, 0, sizeof things);
  closed = 0;
  destructions = (struct counter)COUNTER_INIT;
  fixture_start(&fixture, config, chosen);
}

static void visit(const char *at, const char *target, int close_code) {
  struct client client;
  client_connect(&client, at);
  assert_int_equal(client_upgrade(&client, target, "stoa.json", NULL), 101);
  if (close_code == 1000) {
    assert_true(client_send(&client, 0x88, "\x03\xe8", 2));
  }
  assert_int_equal(client_read_close(&client), close_code);
  client_close(&client);
}

static void test_the_user_of_a_session_is_destroyed_once_after_on_closed(void **state) {
  (void)state;
  begin(fixture_config(1), &callbacks);
  visit(fixture.address, "/", 1000);
  counter_wait(&destructions, 1);
  fixture_stop(&fixture);
  assert_int_equal(things[0].destroyed, 1);
  assert_int_equal(things[0].closed_before, 1);
}

static void test_the_user_of_a_refused_session_is_destroyed_too(void **state) {
  (void)state;
  begin(fixture_config(1), &callbacks);
  visit(fixture.address, "/?refuse", STOA_CLOSE_FORBIDDEN);
  counter_wait(&destructions, 1);
  fixture_stop(&fixture);
  assert_int_equal(things[0].destroyed, 1);
  assert_int_equal(closed, 0);
}

static void test_the_user_of_a_session_is_destroyed_when_the_server_is(void **state) {
  (void)state;
  struct client client;
  begin(fixture_config(1), &callbacks);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_stop(&fixture);
  client_close(&client);
  assert_int_equal(things[0].destroyed, 1);
  assert_int_equal(things[0].closed_before, 1);
}

static void replace(void *context, struct stoa_session *session, int status) {
  assert_int_equal(status, STOA_OK);
  stoa_session_set_user(session, &things[0]); /* the same: nothing happens */
  assert_int_equal(things[0].destroyed, 0);
  stoa_session_set_user(session, &things[1]);
  assert_int_equal(things[0].destroyed, 1);
  assert_ptr_equal(stoa_session_user(session), &things[1]);
  stoa_session_set_user(session, NULL);
  assert_int_equal(things[1].destroyed, 1);
  stoa_session_set_user(session, &things[2]);
  counter_up(context);
}

static void test_a_user_that_is_replaced_is_destroyed_at_once(void **state) {
  (void)state;
  struct counter replaced = COUNTER_INIT;
  struct client client;
  begin(fixture_config(1), &callbacks);
  fixture_connect(&fixture, &client, "stoa.json");
  assert_int_equal(stoa_worker_run_for(fixture.server, &connected_id, replace, &replaced), STOA_OK);
  counter_wait(&replaced, 1);
  client_close(&client);
  fixture_stop(&fixture);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(things[i].destroyed, 1);
  }
  assert_int_equal(things[2].closed_before, 1);
}

static void test_without_the_callback_the_program_frees_the_user(void **state) {
  (void)state;
  static const struct stoa_callbacks without = {.on_connect = on_connect, .on_closed = on_closed};
  begin(fixture_config(1), &without);
  visit(fixture.address, "/", 1000);
  fixture_stop(&fixture);
  assert_int_equal(closed, 1);
  assert_int_equal(things[0].destroyed, 0);
}

/* The server's. */

static bool stopped;

static void on_worker_stop(void *user, struct stoa_server *server, uint32_t worker) {
  (void)user;
  (void)worker;
  assert_ptr_equal(stoa_server_user(server), &things[3]);
  assert_int_equal(things[3].destroyed, 0);
  stopped = true;
}

static void test_the_user_of_a_server_is_destroyed_last(void **state) {
  (void)state;
  static const struct stoa_callbacks with_stop = {.on_worker_stop = on_worker_stop};
  struct stoa_server *server = NULL;
  memset(things, 0, sizeof things);
  stopped = false;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  assert_null(stoa_server_user(server));
  stoa_server_set_user(server, &things[2], destroy_thing);
  assert_ptr_equal(stoa_server_user(server), &things[2]);
  stoa_server_set_user(server, &things[2], destroy_thing);
  assert_int_equal(things[2].destroyed, 0);
  stoa_server_set_user(server, &things[3], destroy_thing);
  assert_int_equal(things[2].destroyed, 1);
  stoa_server_set_callbacks(server, &with_stop);
  assert_int_equal(stoa_server_start(server), STOA_OK);
  stoa_server_destroy(server);
  assert_true(stopped);
  assert_int_equal(things[2].destroyed, 1);
  assert_int_equal(things[3].destroyed, 1);
}

static void test_a_server_without_a_destroy_function_leaves_its_user_alone(void **state) {
  (void)state;
  struct stoa_server *server = NULL;
  memset(things, 0, sizeof things);
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  stoa_server_set_user(server, &things[0], NULL);
  stoa_server_destroy(server);
  assert_int_equal(things[0].destroyed, 0);
}

/* Where it comes from. */

static void test_a_session_tells_its_address_and_its_listener(void **state) {
  (void)state;
  char path[64];
  char unix_address[80];
  struct stoa_server_config *config = fixture_config(1);
  snprintf(path, sizeof path, "unix:/tmp/stoa-properties-%d.sock", (int)getpid());
  const struct stoa_string addresses[] = {STOA_STR("127.0.0.1:0"), stoa_string_of(path), STOA_STR("127.0.0.1:0")};
  config->addresses.items = addresses;
  config->addresses.count = 3;
  begin(config, &callbacks);
  visit(stoa_server_address(fixture.server, 0), "/", 1000);
  counter_wait(&destructions, 1);
  assert_string_equal(address, "127.0.0.1");
  assert_string_equal(address, request_address);
  assert_int_equal(listener, 0);
  memset(things, 0, sizeof things);
  visit(stoa_server_address(fixture.server, 2), "/", 1000);
  counter_wait(&destructions, 2);
  assert_string_equal(address, "127.0.0.1");
  assert_int_equal(listener, 2);
  memset(things, 0, sizeof things);
  snprintf(unix_address, sizeof unix_address, "%s", stoa_server_address(fixture.server, 1));
  visit(unix_address, "/", 1000);
  counter_wait(&destructions, 3);
  assert_string_equal(address, "unix");
  assert_int_equal(listener, 1);
  fixture_stop(&fixture);
}

static void test_a_session_behind_a_trusted_proxy_tells_its_clients_address(void **state) {
  (void)state;
  static const struct stoa_string trusted[] = {STOA_STR("127.0.0.0/8")};
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  config->trusted_proxies.items = trusted;
  config->trusted_proxies.count = 1;
  begin(config, &callbacks);
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/", "stoa.json", "X-Forwarded-For: 2001:db8::7\r\n"), 101);
  client_close(&client);
  counter_wait(&destructions, 1);
  assert_string_equal(address, "2001:db8::7");
  assert_string_equal(address, request_address);
  fixture_stop(&fixture);
}

static bool ignores_sigpipe(void) {
  struct sigaction action;
  assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
  return action.sa_handler == SIG_IGN;
}

static void test_sigpipe_is_ignored_from_the_start_on(void **state) {
  (void)state;
  struct stoa_server *server = NULL;
  signal(SIGPIPE, SIG_DFL);
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  assert_false(ignores_sigpipe());
  assert_int_equal(stoa_server_start(server), STOA_OK);
  assert_true(ignores_sigpipe());
  stoa_server_destroy(server);
  assert_true(ignores_sigpipe());
}

/* A million idle sessions are a matter of this struct. */
static void test_an_idle_session_takes_216_bytes(void **state) {
  (void)state;
  assert_int_equal(sizeof(struct stoa_server_session), 216);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_user_of_a_session_is_destroyed_once_after_on_closed),
      cmocka_unit_test(test_the_user_of_a_refused_session_is_destroyed_too),
      cmocka_unit_test(test_the_user_of_a_session_is_destroyed_when_the_server_is),
      cmocka_unit_test(test_a_user_that_is_replaced_is_destroyed_at_once),
      cmocka_unit_test(test_without_the_callback_the_program_frees_the_user),
      cmocka_unit_test(test_the_user_of_a_server_is_destroyed_last),
      cmocka_unit_test(test_a_server_without_a_destroy_function_leaves_its_user_alone),
      cmocka_unit_test(test_a_session_tells_its_address_and_its_listener),
      cmocka_unit_test(test_a_session_behind_a_trusted_proxy_tells_its_clients_address),
      cmocka_unit_test(test_sigpipe_is_ignored_from_the_start_on),
      cmocka_unit_test(test_an_idle_session_takes_216_bytes),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("properties", tests, NULL, NULL);
}
