/* What the log says about sessions, slow turns and protocol errors. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/log.h>

#include "base/clock.h"
#include "base/log_writer.h"
#include "base/memory.h"
#include "fixture.h"
#include "server/server_private.h"
#include "server/worker/stepping.h"

/* Lines. */

static struct {
  pthread_mutex_t mutex;
  char text[512 * 1024];
  size_t len;
} lines = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void keep_line(void *context, enum stoa_log_severity level, struct stoa_string line) {
  (void)context;
  (void)level;
  pthread_mutex_lock(&lines.mutex);
  if (lines.len + line.len + 2 < sizeof lines.text) {
    memcpy(lines.text + lines.len, line.data, line.len);
    lines.len += line.len;
    lines.text[lines.len++] = '\n';
    lines.text[lines.len] = '\0';
  }
  pthread_mutex_unlock(&lines.mutex);
}

static int begin_log(void **state) {
  (void)state;
  lines.len = 0;
  lines.text[0] = '\0';
  stoa_log_setup(2, STOA_LOG_DEBUG, STOA_LOG_LOGFMT);
  stoa_log_set_sink(keep_line, NULL);
  return 0;
}

static int end_log(void **state) {
  (void)state;
  stoa_log_set_sink(NULL, NULL);
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return 0;
}

static unsigned count(const char *what) {
  unsigned found = 0;
  for (const char *at = strstr(lines.text, what); at != NULL; at = strstr(at + 1, what)) {
    found++;
  }
  return found;
}

/* The line that has this text, in static memory; fails when there is none. */
static const char *line_with(const char *what) {
  static char line[8192];
  const char *at = strstr(lines.text, what);
  if (at == NULL) {
    fail_msg("no line has %s in:\n%s", what, lines.text);
    return "";
  }
  while (at > lines.text && at[-1] != '\n') {
    at--;
  }
  size_t len = strcspn(at, "\n");
  memcpy(line, at, len);
  line[len] = '\0';
  return line;
}

static void expect_in(const char *line, const char *what) {
  if (strstr(line, what) == NULL) {
    fail_msg("%s is not in: %s", what, line);
  }
}

/* Sessions. */

static void name_ada(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)code;
  (void)reason;
  char long_name[STOA_SESSION_NAME_LEN_MAX + 1];
  memset(long_name, 'x', sizeof long_name);
  assert_int_equal(stoa_session_set_name(session, stoa_string_of("someone")), STOA_OK);
  assert_int_equal(stoa_session_set_name(session, stoa_string_of("Ada\x1b[2J")), STOA_OK);
  assert_int_equal(stoa_session_set_name(session, stoa_string_make(long_name, sizeof long_name)), STOA_E_LIMIT);
  assert_int_equal(stoa_session_set_name(session, stoa_string_of("\xff")), STOA_E_UTF8);
  assert_int_equal(stoa_session_set_name(session, stoa_string_make("a\0b", 3)), STOA_E_UTF8);
  stoa_memory_fail_at(1, false);
  int status = stoa_session_set_name(session, stoa_string_of("nobody"));
  stoa_memory_fail_at(0, false);
  assert_int_equal(status, STOA_E_MEMORY);
}

static void a_session_has_a_line_when_it_opens_and_one_with_everything_when_it_has_ended(void **state) {
  (void)state;
  const struct stoa_callbacks callbacks = {.on_closing = name_ada};
  struct fixture fixture;
  struct client client;
  fixture_start(&fixture, fixture_config(1), &callbacks);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_sync(&client);
  assert_true(client_send(&client, 0x88,
                          "\x03\xe9"
                          "bye",
                          5));
  assert_int_equal(client_read_close(&client), 1001);
  client_close(&client);
  fixture_stop(&fixture);
  const char *line = line_with("event=\"session opened\"");
  expect_in(line, "level=info");
  expect_in(line, " address=127.0.0.1 codec=json tls=none");
  char session[64];
  sscanf(strstr(line, "session="), "%63s", session);
  line = line_with("event=\"session closed\"");
  expect_in(line, session);
  expect_in(line,
            " address=127.0.0.1 user=\"Ada\\x1b[2J\" codec=json tls=none code=1001 by=peer reason=bye duration_ms=");
  expect_in(line, " messages_in=1 messages_out=1 bytes_in=");
  assert_int_equal(count("event=\"session closed\""), 1);
}

static void who_ended_a_session_is_in_its_last_line(void **state) {
  (void)state;
  struct fixture fixture;
  struct client client;
  fixture_start(&fixture, fixture_config(1), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_send_group(&client, "publish and close", "g", "x");
  assert_int_equal(client_read_close(&client), 4999);
  client_close(&client);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_sync(&client);
  client_close(&client);
  while (stoa_server_session_count(fixture.server) > 0) {
    sched_yield(); /* or the server's end comes first */
  }
  fixture_stop(&fixture);
  expect_in(line_with("code=4999"), "by=server reason=\"as asked\"");
  expect_in(line_with("code=1006"), "by=peer reason=\"connection lost\"");
}

static void sessions_are_not_logged_when_the_configuration_says_so(void **state) {
  (void)state;
  const struct stoa_log_config off = {.connections = STOA_LOG_CONFIG_CONNECTIONS_OFF};
  struct stoa_server *server = NULL;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  assert_int_equal(server->settings->log.connections, STOA_LOG_CONFIG_CONNECTIONS_ON);
  assert_int_equal(server->settings->log.slow_turn_ms, 100);
  stoa_server_set_log(server, &off);
  assert_int_equal(server->settings->log.slow_turn_ms, 100);
  assert_int_equal(stoa_server_start(server), STOA_OK);
  struct fixture fixture = {.server = server, .address = stoa_server_address(server, 0)};
  struct client client;
  fixture_connect(&fixture, &client, NULL);
  client_close(&client);
  stoa_server_destroy(server);
  assert_int_equal(count("event=\"session "), 0);
}

static void a_burst_is_cut_and_counted_and_hides_nobody_who_was_thrown_out(void **state) {
  (void)state;
  enum { BURST = 1000 };
  struct fixture fixture;
  struct client client;
  fixture_start(&fixture, fixture_config(1), NULL);
  fixture_connect(&fixture, &client, NULL);
  fixture_sync_past_lines(&client);
  client_close(&client);
  stoa_server_abort(fixture.server);
  stoa_server_wait(fixture.server);
  /* The worker has no thread any more: its session stands still and may be logged as often as one likes. */
  struct stoa_worker *worker = stoa_server_worker(fixture.server, 0);
  struct stoa_server_session own = {.admitted = true};
  own.base.stream.protocol = &worker->sessions.protocol;
  stoa_log_writer_flush();
  lines.len = 0;
  lines.text[0] = '\0';
  worker->session_log = (struct stoa_session_log){.began_ms = stoa_loop_now_ms(worker->loop)};
  own.base.close_code = 1000;
  own.base.peer_closed = true;
  for (unsigned i = 0; i < BURST; i++) {
    stoa_session_log_opened(&own.base);
    stoa_session_log_closed(&own.base);
  }
  own.base.close_code = 4008;
  own.base.peer_closed = false;
  stoa_session_log_closed(&own.base);
  stoa_session_log_tick(worker); /* the second is not over */
  stoa_session_log_end(worker);
  stoa_log_writer_flush();
  assert_int_equal(count("event=\"session opened\""), STOA_SESSION_LINES_PER_S);
  assert_int_equal(count("code=1000"), STOA_SESSION_LINES_PER_S);
  assert_int_equal(count("code=4008"), 1);
  assert_int_equal(count("sessions not logged"), 1);
  expect_in(line_with("sessions not logged"), "opened=600 closed=600 closed_by_server=0");
  fixture_stop(&fixture);
}

/* Refusals and errors. */

static void a_refused_upgrade_is_logged_with_its_reason_and_the_key_to_change(void **state) {
  (void)state;
  struct fixture fixture;
  struct client client;
  fixture_start(&fixture, fixture_config(1), NULL);
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/elsewhere", NULL, NULL), 404);
  client_close(&client);
  fixture_stop(&fixture);
  const char *line = line_with("refused=path");
  expect_in(line, "server.path");
  expect_in(line, "path=/elsewhere");
}

static void a_protocol_error_is_logged_with_its_bytes_at_debug(void **state) {
  (void)state;
  struct fixture fixture;
  struct client client;
  fixture_start(&fixture, fixture_config(1), NULL);
  fixture_connect(&fixture, &client, NULL);
  assert_true(client_write(&client, "\xf1\x82\x01\x02\x03\x04zz", 8));
  assert_int_equal(client_read_close(&client), 1002);
  client_close(&client);
  fixture_stop(&fixture);
  const char *line = line_with("event=\"protocol error\"");
  expect_in(line, "level=debug");
  expect_in(line, "code=1002");
  expect_in(line, "bytes=f182 more=6"); /* the header without the mask; never what was sent */
}

/* Turns. */

static struct stoa_clock_fake fake_time;

static void take_250_ms(void *user, struct stoa_session *session, struct stoa_bytes message, bool is_text) {
  struct stoa_worker *worker = stoa_worker_of(session);
  (void)user;
  (void)message;
  (void)is_text;
  fake_time.monotonic_ns += UINT64_C(250000000);
  stoa_metrics_note_request(worker, STOA_TRANSPORT_WEBSOCKET, stoa_server_metrics_operation(worker->server, NULL),
                            STOA_OUTCOME_OK, STOA_UNTIMED);
}

static void step(struct stoa_server *server, unsigned turns) {
  for (unsigned i = 0; i < turns; i++) {
    stoa_worker_turn(stoa_server_worker(server, 0), 0);
  }
}

static void a_slow_turn_is_logged_with_its_steps_and_the_next_one_with_its_slowest_handler(void **state) {
  (void)state;
  const struct stoa_callbacks callbacks = {.on_raw = take_250_ms};
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_server *server = NULL;
  struct client client;
  struct stoa_clock clock = stoa_clock_fake_init(&fake_time);
  fake_time.monotonic_ns = UINT64_C(1000000000000);
  config->io_uring = STOA_IO_URING_OFF;
  assert_int_equal(stoa_server_create(config, &server), STOA_OK);
  stoa_server_use_clock(server, &clock);
  stoa_server_set_callbacks(server, &callbacks);
  assert_int_equal(stoa_server_bind(server), STOA_OK);
  assert_int_equal(stoa_server_begin_stepped(server), STOA_OK);
  client_connect(&client, stoa_server_address(server, 0));
  assert_true(client_ask_upgrade(&client, "/", NULL, NULL));
  while (stoa_server_session_count(server) == 0) {
    step(server, 1);
  }
  assert_int_equal(client_read_status(&client), 101);
  for (unsigned i = 1; i <= 2; i++) {
    assert_true(client_send(&client, 0x82, "x", 1));
    while (count("event=\"slow turn") < i) {
      step(server, 1);
    }
  }
  expect_in(line_with("event=\"slow turn"),
            "turn_ms=250 events_ms=250 posts_ms=0 timers_ms=0 end_ms=0 messages=1 last_handler=\"\" "
            "slowest_handler=\"\" slowest_ms=0");
  expect_in(line_with("slowest_ms=250"), "turn_ms=250");
  client_close(&client);
  stoa_server_abort(server);
  stoa_server_destroy(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_session_has_a_line_when_it_opens_and_one_with_everything_when_it_has_ended,
                                      begin_log, end_log),
      cmocka_unit_test_setup_teardown(who_ended_a_session_is_in_its_last_line, begin_log, end_log),
      cmocka_unit_test_setup_teardown(sessions_are_not_logged_when_the_configuration_says_so, begin_log, end_log),
      cmocka_unit_test_setup_teardown(a_burst_is_cut_and_counted_and_hides_nobody_who_was_thrown_out, begin_log,
                                      end_log),
      cmocka_unit_test_setup_teardown(a_refused_upgrade_is_logged_with_its_reason_and_the_key_to_change, begin_log,
                                      end_log),
      cmocka_unit_test_setup_teardown(a_protocol_error_is_logged_with_its_bytes_at_debug, begin_log, end_log),
      cmocka_unit_test_setup_teardown(a_slow_turn_is_logged_with_its_steps_and_the_next_one_with_its_slowest_handler,
                                      begin_log, end_log),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("session log", tests, NULL, NULL);
}
