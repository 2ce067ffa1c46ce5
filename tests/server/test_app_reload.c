/* SIGHUP in a program with a section of its own: its hook, and what needs a restart. The configuration changes by
 * variables of the environment. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <stoa/descriptor.h>
#include <stoa/log.h>

#include "app_stage.h"
#include "asking.h"
#include "server/app/context.h"

struct own_config {
  const struct stoa_server_config *server;
  const struct stoa_log_config *log;
  uint32_t rooms;
};

#define FIELD(NAME, NUMBER, KIND, MESSAGE)                                                                        \
  {                                                                                                               \
    .name = #NAME, .json_name = #NAME, .number = (NUMBER), .kind = (KIND), .label = STOA_LABEL_SINGULAR,          \
    .name_len = sizeof #NAME - 1, .json_name_len = sizeof #NAME - 1, .offset = offsetof(struct own_config, NAME), \
    .message = (MESSAGE)                                                                                          \
  }

static const struct stoa_field fields[] = {FIELD(server, 1, STOA_KIND_MESSAGE, &stoa_server_config_type),
                                           FIELD(log, 2, STOA_KIND_MESSAGE, &stoa_log_config_type),
                                           FIELD(rooms, 3, STOA_KIND_UINT32, NULL)};
static const struct stoa_message_type own_type = {.full_name = "test.Own",
                                                  .abi = STOA_DESCRIPTOR_ABI,
                                                  .size = sizeof(struct own_config),
                                                  .fields = fields,
                                                  .field_count = 3,
                                                  .unknown_offset = UINT32_MAX};

static pthread_t driver;
static _Atomic int hook_status;

static int start_driver(struct stoa_app_context *context, void *user) {
  void *(*run)(void *) = *(void *(**)(void *))user;
  return pthread_create(&driver, NULL, run, context) == 0 ? STOA_OK : STOA_E_SYSTEM;
}

static int join_driver(struct stoa_app_context *context, void *user) {
  (void)context, (void)user;
  return pthread_join(driver, NULL) == 0 ? STOA_OK : STOA_E_SYSTEM;
}

static int on_reload(struct stoa_app_context *context, const void *config, void *user) {
  const struct own_config *own = config;
  char word[32];
  (void)context, (void)user;
  snprintf(word, sizeof word, "%u", own->rooms);
  stage_note(word);
  return hook_status;
}

static void run_with(void *(*run)(void *), bool has_hook) {
  static const char *const settings[] = {STAGE_SERVER, "server.admin.address=off", NULL};
  const struct stoa_app app = {.name = "own",
                               .config_type = &own_type,
                               .user = &run,
                               .after_start = {start_driver},
                               .before_stop = {join_driver},
                               .on_reload = has_hook ? on_reload : NULL};
  assert_int_equal(stage_run(&app, settings), 0);
}

/* Reload, until the line was written so many times. */
static void reload(const char *line, size_t count) {
  kill(getpid(), SIGHUP);
  stage_await_log(line);
  while (stage_log_count(line) < count) {
    sched_yield();
  }
}

static int begin(void **state) {
  hook_status = STOA_OK;
  return stage_begin(state);
}

static int end(void **state) {
  unsetenv("OWN_ROOMS");
  unsetenv("STOA_SERVER_LIMITS_MESSAGE_BYTES_MAX");
  unsetenv("STOA_LOG_LEVEL");
  unsetenv("STOA_LOG_CONNECTIONS");
  return stage_end(state);
}

static void *change_own_section(void *context) {
  setenv("OWN_ROOMS", "7", 1);
  reload("event=\"configuration reloaded\" changed=rooms", 1);
  stoa_app_stop(context, STOA_OK, NULL);
  return NULL;
}

static void the_hook_gets_the_programs_own_section(void **state) {
  (void)state;
  run_with(change_own_section, true);
  assert_string_equal(stage_trace(), "7");
}

static void *change_and_refuse(void *context) {
  struct stoa_server *server = stoa_app_server(context, 0);
  setenv("OWN_ROOMS", "7", 1);
  setenv("STOA_SERVER_LIMITS_MESSAGE_BYTES_MAX", "5000", 1);
  hook_status = STOA_E_DENIED;
  reload("event=\"the configuration was not reloaded; the one before stays in force\"", 1);
  assert_int_equal(stoa_server_message_bytes_max(server), 64 * 1024);
  hook_status = STOA_OK;
  reload("event=\"configuration reloaded\"", 1);
  assert_int_equal(stoa_server_message_bytes_max(server), 5000);
  stoa_app_stop(context, STOA_OK, NULL);
  return NULL;
}

static void a_hook_that_refuses_leaves_everything_as_it_was(void **state) {
  (void)state;
  run_with(change_and_refuse, true);
  assert_string_equal(stage_trace(), "7 7");
  assert_true(stage_log_has("level=error event=\"the program does not take its new configuration\""));
}

static void *change_without_hook(void *context) {
  setenv("OWN_ROOMS", "7", 1);
  reload("event=\"a changed key needs a restart; its old value stays until then\" key=rooms", 1);
  stoa_app_stop(context, STOA_OK, NULL);
  return NULL;
}

static void without_a_hook_the_programs_keys_need_a_restart(void **state) {
  (void)state;
  run_with(change_without_hook, false);
}

static void *make_mistakes(void *context) {
  setenv("OWN_ROOMS", "many", 1);
  setenv("STOA_SERVER_LIMITS_MESSAGE_BYTES_MAX", "few", 1);
  reload("event=\"the configuration was not reloaded", 1);
  assert_int_equal(stage_log_count("level=error event=\"the configuration has a mistake\" mistake="), 2);
  setenv("OWN_ROOMS", "1", 1);
  setenv("STOA_SERVER_LIMITS_MESSAGE_BYTES_MAX", "1000000000", 1);
  reload("event=\"the configuration was not reloaded", 2);
  assert_true(stage_log_has("option=server.limits.message_bytes_max value=1000000000"));
  stoa_app_stop(context, STOA_OK, NULL);
  return NULL;
}

static void each_mistake_is_a_line_and_the_program_goes_on(void **state) {
  (void)state;
  run_with(make_mistakes, true);
  assert_string_equal(stage_trace(), "");
}

static void *lower_the_log(void *context) {
  assert_true(stoa_log_enabled(STOA_LOG_INFO));
  setenv("STOA_LOG_LEVEL", "debug", 1);
  reload("changed=log.level", 1);
  assert_true(stoa_log_enabled(STOA_LOG_DEBUG));
  stoa_app_stop(context, STOA_OK, NULL);
  return NULL;
}

static void the_level_of_the_log_changes(void **state) {
  (void)state;
  run_with(lower_the_log, true);
  stoa_log_set_level(STOA_LOG_INFO);
}

/* The page of the admin listener, which shows what is in force. */

#define ADMIN_KEY "0123456789abcdef0123456789abcdef"

static char admin[64];

static const char *read_config(void) {
  const struct http_answer *answer =
      http_request(admin, "GET", "/debug/config", "Authorization: Bearer " ADMIN_KEY "\r\n", NULL);
  assert_int_equal(answer->status, 200);
  return answer->body;
}

static void expect_shown(const char *text) {
  const char *page = read_config();
  if (strstr(page, text) == NULL) {
    fail_msg("%s is not in %s", text, page);
  }
}

#define BYTES(number, source) "message_bytes_max: " number "  # " source

static void *change_what_is_shown(void *user) {
  struct stoa_app_context *context = user;
  const struct own_config *config = stoa_app_configuration(context);
  /* Defaults are shown, and are not in the program's own configuration. */
  expect_shown(BYTES("65536", "default"));
  expect_shown("key: \"***\"");
  assert_null(config->server->limits);
  assert_null(config->log);
  assert_true(stoa_string_equal(config->server->admin->key, stoa_string_of(ADMIN_KEY)));
  /* What was changed and not read yet is not in force. */
  setenv("STOA_SERVER_LIMITS_MESSAGE_BYTES_MAX", "5000", 1);
  expect_shown(BYTES("65536", "default"));
  reload("event=\"configuration reloaded\"", 1);
  expect_shown(BYTES("5000", "STOA_SERVER_LIMITS_MESSAGE_BYTES_MAX"));
  /* What is refused is not in force either. */
  setenv("STOA_SERVER_LIMITS_MESSAGE_BYTES_MAX", "few", 1);
  reload("event=\"the configuration was not reloaded", 1);
  expect_shown(BYTES("5000", "STOA_SERVER_LIMITS_MESSAGE_BYTES_MAX"));
  stoa_app_stop(context, STOA_OK, NULL);
  return NULL;
}

static void the_page_about_the_configuration_shows_what_is_in_force(void **state) {
  void *(*run)(void *) = change_what_is_shown;
  char setting[160];
  const char *const settings[] = {STAGE_SERVER, setting, NULL};
  const struct stoa_app app = {.name = "own",
                               .config_type = &own_type,
                               .user = &run,
                               .after_start = {start_driver},
                               .before_stop = {join_driver}};
  (void)state;
  snprintf(admin, sizeof admin, "unix:/tmp/stoa-app-reload-%d.sock", (int)getpid());
  snprintf(setting, sizeof setting, "server.admin={address: '%s', key: '" ADMIN_KEY "'}", admin);
  assert_int_equal(stage_run(&app, settings), 0);
}

/* The section `log`. */

static void *connect_twice(void *context) {
  struct client client;
  for (unsigned i = 0; i < 2; i++) {
    client_connect(&client, stoa_server_address(stoa_app_server(context, 0), 0));
    assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
    client_close(&client);
    if (i == 0) {
      stage_await_log("event=\"session closed\"");
      setenv("STOA_LOG_CONNECTIONS", "off", 1);
      reload("event=\"configuration reloaded\" changed=log.connections", 1);
    }
  }
  stoa_app_stop(context, STOA_OK, NULL);
  return NULL;
}

static void the_section_log_says_whether_sessions_are_logged(void **state) {
  (void)state;
  run_with(connect_twice, true);
  assert_int_equal(stage_log_count("event=\"session opened\""), 1);
  assert_int_equal(stage_log_count("event=\"session closed\""), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_hook_gets_the_programs_own_section),
      TEST(a_hook_that_refuses_leaves_everything_as_it_was),
      TEST(without_a_hook_the_programs_keys_need_a_restart),
      TEST(each_mistake_is_a_line_and_the_program_goes_on),
      TEST(the_level_of_the_log_changes),
      TEST(the_page_about_the_configuration_shows_what_is_in_force),
      TEST(the_section_log_says_whether_sessions_are_logged),
  };
  return cmocka_run_group_tests_name("reload of a program", tests, NULL, NULL);
}
