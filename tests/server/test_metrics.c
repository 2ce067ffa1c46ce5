/* What a server counts: every metric moves by exactly what happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stoa/log.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/sys.h"
#include "events.h"
#include "fixture.h"
#include "lib/self_signed.h"
#include "server/metrics/process.h"
#include "server/server_private.h"
#include "server/worker/stepping.h"

#define TEXT_BYTES_MAX (1024u * 1024)
#define WAIT_NS UINT64_C(60000000000)

/* Scraping. */

static char *scrape_as(struct stoa_server *server, enum stoa_metric_format format) {
  struct stoa_buffer out;
  stoa_buffer_init(&out, TEXT_BYTES_MAX);
  assert_int_equal(stoa_server_write_metrics(server, format, &out), STOA_OK);
  char *text = calloc(1, out.len + 1);
  memcpy(text, out.data, out.len);
  stoa_buffer_fini(&out);
  return text;
}

/* The value of one series, named as it is written; 0 when it is not there. */
static double value_in(const char *text, const char *series) {
  size_t len = strlen(series);
  for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (strncmp(line, series, len) == 0 && line[len] == ' ') {
      return strtod(line + len, NULL);
    }
  }
  return 0;
}

static double value_of(struct stoa_server *server, const char *series) {
  char *text = scrape_as(server, STOA_METRIC_PROMETHEUS);
  double value = value_in(text, series);
  free(text);
  return value;
}

static void expect(struct stoa_server *server, const char *series, double wanted) {
  double found = value_of(server, series);
  if (found != wanted) {
    fail_msg("%s is %g, not %g", series, found, wanted);
  }
}

/* A counter that a worker bumps after the client has seen the effect. */
static void await(struct stoa_server *server, const char *series, double wanted) {
  uint64_t start_ns = stoa_clock_monotonic_ns(&stoa_clock_system);
  while (value_of(server, series) != wanted && stoa_clock_monotonic_ns(&stoa_clock_system) - start_ns < WAIT_NS) {
    sched_yield();
  }
  expect(server, series, wanted);
}

/* Sessions. */

static void a_session_is_counted_from_its_connection_to_its_end(void **state) {
  (void)state;
  struct fixture fixture;
  struct client client;
  fixture_start(&fixture, fixture_config(2), NULL);
  expect(fixture.server, "stoa_workers", 2);
  client_connect(&client, fixture.address);
  await(fixture.server, "stoa_connections", 1);
  expect(fixture.server, "stoa_connections_accepted_total", 1);
  expect(fixture.server, "stoa_sessions", 0);
  assert_int_equal(client_upgrade(&client, "/", "stoa.proto", NULL), 101);
  await(fixture.server, "stoa_handshakes_total{result=\"admitted\"}", 1);
  expect(fixture.server, "stoa_sessions", 1);
  expect(fixture.server, "stoa_codec_sessions{codec=\"proto\"}", 1);
  expect(fixture.server, "stoa_codec_sessions{codec=\"json\"}", 0);
  assert_true(client_send(&client, 0x88, "\x03\xe8", 2));
  assert_int_equal(client_read_close(&client), 1000);
  client_close(&client);
  await(fixture.server, "stoa_connections", 0);
  expect(fixture.server, "stoa_sessions", 0);
  expect(fixture.server, "stoa_session_closes_total{code=\"1000\",by=\"peer\"}", 1);
  expect(fixture.server, "stoa_session_duration_seconds_count", 1);
  expect(fixture.server, "stoa_codec_sessions{codec=\"proto\"}", 0);
  fixture_stop(&fixture);
}

static void messages_and_bytes_are_counted_each_way(void **state) {
  (void)state;
  struct fixture fixture;
  struct client client;
  fixture_start(&fixture, fixture_config(1), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  /* Scrapes see the turns that have ended, and a client has its reply before. */
  fixture_sync(&client);
  await(fixture.server, "stoa_messages_total{direction=\"out\"}", 1);
  double in_before = value_of(fixture.server, "stoa_connection_bytes_total{direction=\"in\"}");
  fixture_sync(&client);
  /* Request and reply have a header of 2, the request's mask 4; type and id 8. */
  const size_t request_len = 2 + 4 + 8 + strlen("{\"question\":\"there?\"}");
  const size_t reply_len = 2 + 8 + strlen("{\"answer\":\"there?\"}");
  await(fixture.server, "stoa_messages_total{direction=\"out\"}", 2);
  expect(fixture.server, "stoa_messages_total{direction=\"in\"}", 2);
  expect(fixture.server, "stoa_connection_bytes_total{direction=\"in\"}", in_before + (double)request_len);
  double out_before = value_of(fixture.server, "stoa_connection_bytes_total{direction=\"out\"}");
  fixture_sync(&client);
  await(fixture.server, "stoa_connection_bytes_total{direction=\"out\"}", out_before + (double)reply_len);
  client_close(&client);
  fixture_stop(&fixture);
}

static void a_message_to_a_group_is_counted_for_each_member_and_once_as_published(void **state) {
  (void)state;
  struct fixture fixture;
  struct client clients[3];
  fixture_start(&fixture, fixture_config(2), NULL);
  for (size_t i = 0; i < 3; i++) {
    fixture_connect(&fixture, &clients[i], NULL);
  }
  await(fixture.server, "stoa_handshakes_total{result=\"admitted\"}", 3);
  fixture_send_line(&clients[0], "a", 1);
  fixture_send_line(&clients[0], "a", 2);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(fixture_read_line(&clients[i]).number, 1);
    assert_int_equal(fixture_read_line(&clients[i]).number, 2);
  }
  await(fixture.server, "stoa_messages_total{direction=\"out\"}", 6);
  expect(fixture.server, "stoa_messages_total{direction=\"in\"}", 2);
  expect(fixture.server, "stoa_publications_total", 2);
  for (size_t i = 0; i < 3; i++) {
    client_close(&clients[i]);
  }
  await(fixture.server, "stoa_session_closes_total{code=\"1006\",by=\"peer\"}", 3);
  fixture_stop(&fixture);
}

static void a_slow_consumer_has_a_backlog_and_ends_with_4008(void **state) {
  (void)state;
  struct fixture fixture;
  struct client slow;
  struct client busy;
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_limits_config limits = {.send_queue_bytes_max = 64 * 1024};
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &slow, NULL);
  fixture_connect(&fixture, &busy, NULL);
  static const char series[] = "stoa_session_closes_total{code=\"4008\",by=\"server\"}";
  char text[3000];
  char payload[sizeof text + 64];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  snprintf(payload, sizeof payload, "{\"text\":\"%s\"}", text);
  double highest = 0;
  while (value_of(fixture.server, series) == 0 && stoa_server_session_count(fixture.server) == 2) {
    assert_true(client_send_typed(&busy, FIXTURE_LINE, payload));
    client_read_message(&busy);
    double now = value_of(fixture.server, "stoa_backlog_bytes");
    highest = now > highest ? now : highest;
  }
  assert_true(highest > 0);
  client_close(&slow);
  await(fixture.server, series, 1);
  await(fixture.server, "stoa_backlog_bytes", 0);
  client_close(&busy);
  fixture_stop(&fixture);
}

/* Refusals. */

static enum stoa_admission refuse_all(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user;
  (void)session;
  (void)request;
  (void)out_refusal;
  return STOA_REFUSE;
}

static void each_refusal_is_counted_by_its_reason(void **state) {
  (void)state;
  const struct stoa_callbacks callbacks = {.on_connect = refuse_all};
  struct fixture fixture;
  struct client client;
  fixture_start(&fixture, fixture_config(1), &callbacks);
  fixture_connect(&fixture, &client, NULL);
  assert_int_equal(client_read_close(&client), 4507);
  client_close(&client);
  await(fixture.server, "stoa_refused_total{reason=\"program\"}", 1);
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/elsewhere", NULL, NULL), 404);
  client_close(&client);
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/", NULL, "Origin: https://evil.example\r\n"), 403);
  client_close(&client);
  expect(fixture.server, "stoa_refused_total{reason=\"path\"}", 1);
  expect(fixture.server, "stoa_refused_total{reason=\"origin\"}", 1);
  expect(fixture.server, "stoa_handshakes_total{result=\"refused\"}", 3);
  expect(fixture.server, "stoa_handshakes_total{result=\"admitted\"}", 0);
  await(fixture.server, "stoa_session_closes_total{code=\"4507\",by=\"server\"}", 1);
  fixture_stop(&fixture);
}

static void limits_that_refuse_are_counted_by_their_names(void **state) {
  (void)state;
  struct fixture fixture;
  struct client first;
  struct client second;
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_limits_config limits = {.sessions_max = 1};
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &first, NULL);
  fixture_connect(&fixture, &second, NULL);
  assert_int_equal(client_read_close(&second), 4014);
  client_close(&second);
  await(fixture.server, "stoa_refused_total{reason=\"sessions_max\"}", 1);
  client_close(&first);
  fixture_stop(&fixture);
  limits = (struct stoa_limits_config){.connections_max = 1};
  config = fixture_config(1);
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &first, NULL);
  client_connect(&second, fixture.address);
  assert_int_equal(client_read(&second).opcode, CLIENT_CLOSED);
  client_close(&second);
  expect(fixture.server, "stoa_refused_total{reason=\"connections_max\"}", 1);
  expect(fixture.server, "stoa_connections_accepted_total", 1);
  client_close(&first);
  fixture_stop(&fixture);
}

static int (*real_accept4)(int fd, struct sockaddr *address, socklen_t *address_len, int flags);
static atomic_int accept_failures;

static int failing_accept4(int fd, struct sockaddr *address, socklen_t *address_len, int flags) {
  if (atomic_fetch_sub(&accept_failures, 1) > 0) {
    errno = ECONNABORTED;
    return -1;
  }
  return real_accept4(fd, address, address_len, flags);
}

static void a_failed_accept_is_counted(void **state) {
  (void)state;
  struct fixture fixture;
  struct client client;
  real_accept4 = stoa_sys.accept4;
  atomic_store(&accept_failures, 3);
  stoa_sys.accept4 = failing_accept4;
  fixture_start(&fixture, fixture_config(1), NULL);
  fixture_connect(&fixture, &client, NULL);
  expect(fixture.server, "stoa_accept_errors_total{reason=\"other\"}", 3);
  expect(fixture.server, "stoa_accept_errors_total{reason=\"descriptors\"}", 0);
  client_close(&client);
  fixture_stop(&fixture);
  stoa_sys.accept4 = real_accept4;
}

static void tls_handshakes_are_counted_by_version_and_result(void **state) {
  (void)state;
  struct self_signed own;
  struct fixture fixture;
  struct client client;
  static const struct stoa_string addresses[] = {STOA_STR("wss://127.0.0.1:0")};
  self_signed_write(&own, "own");
  struct stoa_server_config *config = fixture_config(1);
  const struct stoa_tls_config tls = {.certificate = stoa_string_of(own.certificate), .key = stoa_string_of(own.key)};
  config->addresses.items = addresses;
  config->tls = &tls;
  fixture_start(&fixture, config, NULL);
  client_connect_tls(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/", NULL, NULL), 101);
  expect(fixture.server, "stoa_tls_handshakes_total{version=\"1.3\",result=\"full\"}", 1);
  client_close(&client);
  client_connect(&client, fixture.address);
  assert_true(client_write(&client, "GET / HTTP/1.1\r\n\r\n", 18));
  await(fixture.server, "stoa_tls_handshakes_total{version=\"\",result=\"failed\"}", 1);
  client_close(&client);
  stoa_server_destroy(fixture.server); /* OpenSSL keeps blocks of its own */
  self_signed_remove(&own);
}

/* Requests. */

static void requests_are_counted_by_operation_and_outcome(void **state) {
  (void)state;
  struct fixture fixture;
  fixture_start(&fixture, fixture_config(1), NULL);
  struct stoa_server *server = fixture.server;
  struct stoa_worker *worker = stoa_server_worker(server, 0);
  uint32_t ask = stoa_server_metrics_operation(server, stoa_handler_table_find(&server->handlers, FIXTURE_ASK));
  const struct stoa_error full = {.code = 106, .reason = STOA_STR("FULL")};
  uint32_t outcome = stoa_server_metrics_outcome(server, &full);
  assert_int_equal(stoa_server_metrics_outcome(server, &full), outcome);
  assert_int_equal(stoa_server_metrics_outcome(server, NULL), STOA_OUTCOME_OK);
  stoa_metrics_note_request(worker, STOA_TRANSPORT_WEBSOCKET, ask, STOA_OUTCOME_OK, 1000000);
  stoa_metrics_note_request(worker, STOA_TRANSPORT_WEBSOCKET, ask, STOA_OUTCOME_OK, STOA_UNTIMED);
  stoa_metrics_note_request(worker, STOA_TRANSPORT_HTTP, ask, outcome, STOA_UNTIMED);
  stoa_metrics_note_request(worker, STOA_TRANSPORT_WEBSOCKET, stoa_server_metrics_operation(server, NULL), outcome,
                            STOA_UNTIMED);
  expect(server,
         "server_requests_code_total{kind=\"websocket\",operation=\"/sample.v1.Sample/Ask\",code=\"0\",reason=\"\"}",
         2);
  expect(server,
         "server_requests_code_total{kind=\"http\",operation=\"/sample.v1.Sample/Ask\",code=\"106\",reason=\"FULL\"}",
         1);
  expect(server, "server_requests_code_total{kind=\"websocket\",operation=\"\",code=\"106\",reason=\"FULL\"}", 1);
  expect(server, "server_requests_seconds_count{kind=\"websocket\",operation=\"/sample.v1.Sample/Ask\"}", 1);
  expect(server, "server_requests_seconds_sum{kind=\"websocket\",operation=\"/sample.v1.Sample/Ask\"}", 0.001);
  expect(server, "server_requests_seconds_bucket{kind=\"websocket\",operation=\"/sample.v1.Sample/Ask\",le=\"0.0001\"}",
         0);
  fixture_stop(&fixture);
}

static void requests_of_a_session_without_websocket_are_counted_apart(void **state) {
  (void)state;
  struct fixture fixture;
  struct events events;
  struct stoa_server_config *config = fixture_config(1);
  config->http_fallback = true;
  fixture_start(&fixture, config, NULL);
  assert_int_equal(events_open(&events, fixture.address, "stoa.json", NULL), 200);
  events_sync(&events);
  expect(fixture.server,
         "server_requests_code_total{kind=\"fallback\",operation=\"/sample.v1.Sample/Ask\",code=\"0\",reason=\"\"}", 1);
  events_close(&events);
  fixture_stop(&fixture);
}

static void outcomes_beyond_the_bound_share_a_row(void **state) {
  (void)state;
  struct fixture fixture;
  fixture_start(&fixture, fixture_config(1), NULL);
  uint32_t last = 0;
  for (uint32_t code = 1000; code < 1000 + 2 * STOA_OUTCOMES_MAX; code++) {
    const struct stoa_error error = {.code = code, .reason = STOA_STR("MANY")};
    last = stoa_server_metrics_outcome(fixture.server, &error);
    assert_true(last < STOA_OUTCOMES_MAX);
  }
  const struct stoa_error bad = {.code = 1, .reason = STOA_STR("\xff")};
  assert_int_equal(stoa_server_metrics_outcome(fixture.server, &bad), last);
  uint32_t operation;
  assert_int_equal(stoa_server_metrics_add_operation(fixture.server, stoa_string_of("/x"), &operation), STOA_E_LIMIT);
  fixture_stop(&fixture);
}

static void every_31st_request_is_timed(void **state) {
  (void)state;
  struct fixture fixture;
  unsigned timed = 0;
  fixture_start(&fixture, fixture_config(1), NULL);
  struct stoa_worker *worker = stoa_server_worker(fixture.server, 0);
  for (unsigned i = 0; i < 31 * 4; i++) {
    uint64_t began_ns = stoa_metrics_begin_request(worker);
    timed += began_ns != STOA_UNTIMED;
    assert_true((began_ns == STOA_UNTIMED) == (stoa_metrics_duration(worker, began_ns) == STOA_UNTIMED));
  }
  assert_int_equal(timed, 4);
  fixture_stop(&fixture);
}

/* The process. */

static void the_process_is_described(void **state) {
  (void)state;
  struct fixture fixture;
  fixture_start(&fixture, fixture_config(1), NULL);
  assert_true(value_of(fixture.server, "process_resident_memory_bytes") > 1e6);
  assert_true(value_of(fixture.server, "process_virtual_memory_bytes") > 1e6);
  assert_true(value_of(fixture.server, "process_start_time_seconds") > 1.6e9);
  assert_true(value_of(fixture.server, "process_open_fds") > 3);
  assert_true(value_of(fixture.server, "process_max_fds") > 3);
  char *text = scrape_as(fixture.server, STOA_METRIC_PROMETHEUS);
  assert_non_null(strstr(text, "process_cpu_seconds_total "));
  assert_non_null(strstr(text, "stoa_build_info{version=\""));
  free(text);
  fixture_stop(&fixture);
}

static int no_open(const char *path, int flags, mode_t mode) {
  (void)path;
  (void)flags;
  (void)mode;
  errno = ENOENT;
  return -1;
}

static int no_stat(const char *path, struct stat *out_info) {
  (void)path;
  (void)out_info;
  errno = ENOENT;
  return -1;
}

static int size_less_stat(const char *path, struct stat *out_info) {
  int status = stoa_sys_real.stat(path, out_info);
  out_info->st_size = 0; /* as before Linux 6.2 */
  return status;
}

static DIR *no_folder(const char *path) {
  (void)path;
  errno = ENOENT;
  return NULL;
}

static int no_limit(int resource, struct rlimit *out_limit) {
  (void)resource;
  out_limit->rlim_cur = RLIM_INFINITY;
  return 0;
}

static void what_the_kernel_does_not_tell_is_left_out(void **state) {
  (void)state;
  struct stoa_process process;
  stoa_process_read(&process);
  uint64_t open_fds = process.open_fds;
  assert_true(process.has_stat && process.has_fds && process.has_max_fds);
  stoa_sys.stat = size_less_stat;
  stoa_process_read(&process);
  assert_true(process.has_fds);
  assert_int_equal(process.open_fds, open_fds);
  stoa_sys.stat = no_stat;
  stoa_sys.open = no_open;
  stoa_sys.opendir = no_folder;
  stoa_sys.getrlimit = no_limit;
  stoa_process_read(&process);
  stoa_sys = stoa_sys_real;
  assert_false(process.has_stat || process.has_fds || process.has_max_fds);
}

/* Writing. */

static void a_scrape_without_memory_or_room_fails(void **state) {
  (void)state;
  struct fixture fixture;
  struct stoa_buffer out;
  fixture_start(&fixture, fixture_config(1), NULL);
  stoa_buffer_init(&out, 100);
  assert_int_equal(stoa_server_write_metrics(fixture.server, STOA_METRIC_PROMETHEUS, &out), STOA_E_LIMIT);
  stoa_buffer_fini(&out);
  stoa_buffer_init(&out, TEXT_BYTES_MAX);
  stoa_memory_fail_at(1, true);
  int status = stoa_server_write_metrics(fixture.server, STOA_METRIC_OPENMETRICS, &out);
  stoa_memory_fail_at(0, false);
  assert_int_equal(status, STOA_E_MEMORY);
  stoa_buffer_fini(&out);
  fixture_stop(&fixture);
}

static void a_server_that_was_not_bound_has_the_metrics_of_its_process(void **state) {
  (void)state;
  struct stoa_server *server = NULL;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  char *text = scrape_as(server, STOA_METRIC_OPENMETRICS);
  assert_null(strstr(text, "stoa_messages_total"));
  assert_non_null(strstr(text, "process_open_fds"));
  assert_string_equal(text + strlen(text) - 6, "# EOF\n");
  free(text);
  stoa_server_destroy(server);
}

/* For other programs that read the text: with a path the test writes a scrape of a server in use and exits. */
static int write_sample(const char *path, const char *format) {
  struct fixture fixture;
  struct client client;
  fixture_start(&fixture, fixture_config(2), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_sync(&client);
  struct stoa_worker *worker = stoa_server_worker(fixture.server, 1);
  stoa_metrics_note_request(worker, STOA_TRANSPORT_WEBSOCKET, 0, STOA_OUTCOME_OK, 1500);
  stoa_metric_add(worker->metrics, STOA_M_CLOSES, 0, 1);
  char *text =
      scrape_as(fixture.server, strcmp(format, "openmetrics") == 0 ? STOA_METRIC_OPENMETRICS : STOA_METRIC_PROMETHEUS);
  FILE *file = fopen(path, "w");
  fputs(text, file);
  fclose(file);
  free(text);
  client_close(&client);
  fixture_stop(&fixture);
  return 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_session_is_counted_from_its_connection_to_its_end),
      cmocka_unit_test(messages_and_bytes_are_counted_each_way),
      cmocka_unit_test(a_message_to_a_group_is_counted_for_each_member_and_once_as_published),
      cmocka_unit_test(a_slow_consumer_has_a_backlog_and_ends_with_4008),
      cmocka_unit_test(each_refusal_is_counted_by_its_reason),
      cmocka_unit_test(limits_that_refuse_are_counted_by_their_names),
      cmocka_unit_test(a_failed_accept_is_counted),
      cmocka_unit_test(tls_handshakes_are_counted_by_version_and_result),
      cmocka_unit_test(requests_are_counted_by_operation_and_outcome),
      cmocka_unit_test(requests_of_a_session_without_websocket_are_counted_apart),
      cmocka_unit_test(outcomes_beyond_the_bound_share_a_row),
      cmocka_unit_test(every_31st_request_is_timed),
      cmocka_unit_test(the_process_is_described),
      cmocka_unit_test(what_the_kernel_does_not_tell_is_left_out),
      cmocka_unit_test(a_scrape_without_memory_or_room_fails),
      cmocka_unit_test(a_server_that_was_not_bound_has_the_metrics_of_its_process),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return argc == 3 ? write_sample(argv[1], argv[2]) : cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
