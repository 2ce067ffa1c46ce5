#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "client/client_private.h"
#include "observer.h"

#define SPEAKERS 3
#define LINES_EACH 1000

static const char *url_of(const char *address) {
  static char url[160];
  bool is_unix = strncmp(address, "unix:", 5) == 0;
  snprintf(url, sizeof url, "%s%s", is_unix ? "ws+unix:" : "ws://", is_unix ? address + 5 : address);
  return url;
}

/* Say a line, hear it, ask, hear the answer. */
static void visit(const char *url, enum stoa_client_subprotocol subprotocol, const struct stoa_codec *codec) {
  const struct stoa_client_options options = {.url = url, .subprotocol = subprotocol, .codec = codec, .once = true};
  struct observer observer = {0};
  observer_open(&observer, &options, false);
  assert_int_equal(observer_send_line(&observer, "me", 7, "héllo \"there\""), STOA_OK);
  observer_await(&observer, &observer.lines, 1);
  assert_string_equal(observer.line_text, "héllo \"there\"");
  if (subprotocol != STOA_CLIENT_NONE) {
    assert_int_equal(observer_ask(&observer, "who?"), STOA_OK);
    observer_await(&observer, &observer.answers, 1);
    assert_string_equal(observer.answer, "who?");
  }
  stoa_client_close(observer.client, 1000, "home");
  observer_await_state(&observer, STOA_CLIENT_ENDED);
  assert_int_equal(observer.status, STOA_OK);
  assert_int_equal(observer.close_code, 1000);
  observer_close(&observer);
}

static void every_subprotocol_works(void **state) {
  struct fixture fixture;
  (void)state;
  fixture_start(&fixture, fixture_config(1), NULL);
  const char *url = url_of(fixture.address);
  visit(url, STOA_CLIENT_CODEC, NULL);
  visit(url, STOA_CLIENT_CODEC, &stoa_codec_proto);
  visit(url, STOA_CLIENT_TEXT, NULL);
  visit(url, STOA_CLIENT_NONE, NULL);
  fixture_stop(&fixture);
}

/* A line of 250 letters, said and heard; true when it came compressed. */
static bool hear_compressed(const char *url, enum stoa_client_subprotocol subprotocol, const struct stoa_codec *codec) {
  const struct stoa_client_options options = {
      .url = url, .subprotocol = subprotocol, .codec = codec, .compression = true};
  struct observer observer = {0};
  char text[64];
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  char from[200];
  memset(from, 'b', sizeof from - 1);
  from[sizeof from - 1] = '\0';
  observer_open(&observer, &options, false);
  for (unsigned i = 1; i <= 3; i++) {
    assert_int_equal(observer_send_line(&observer, from, i, text), STOA_OK);
    observer_await(&observer, &observer.lines, i);
    assert_string_equal(observer.line_text, text);
  }
  bool compressed = observer.client->inflater != NULL;
  observer_close(&observer);
  return compressed;
}

static void messages_of_a_server_that_compresses_are_read(void **state) {
  struct fixture fixture;
  (void)state;
  for (int on = 0; on <= 1; on++) {
    struct stoa_server_config *config = fixture_config(1);
    config->compression = on != 0;
    fixture_start(&fixture, config, NULL);
    const char *url = url_of(fixture.address);
    assert_int_equal(hear_compressed(url, STOA_CLIENT_CODEC, NULL), on);
    assert_int_equal(hear_compressed(url, STOA_CLIENT_CODEC, &stoa_codec_proto), on);
    assert_int_equal(hear_compressed(url, STOA_CLIENT_TEXT, NULL), on);
    assert_int_equal(hear_compressed(url, STOA_CLIENT_NONE, NULL), on);
    fixture_stop(&fixture);
  }
}

static void visit_at(const char *address) {
  struct stoa_server_config *config = fixture_config(1);
  const struct stoa_string addresses[] = {stoa_string_of(address)};
  struct fixture fixture;
  config->addresses.items = addresses;
  fixture_start(&fixture, config, NULL);
  visit(url_of(fixture.address), STOA_CLIENT_CODEC, NULL);
  fixture_stop(&fixture);
}

static void a_server_is_reached_over_ipv6_and_a_unix_socket(void **state) {
  char path[64];
  (void)state;
  snprintf(path, sizeof path, "unix:/tmp/stoa-client-%d.sock", (int)getpid());
  visit_at("[::1]:0");
  visit_at(path);
}

static void a_name_is_tried_at_all_its_addresses(void **state) {
  struct fixture fixture;
  char url[64];
  (void)state;
  fixture_start(&fixture, fixture_config(1), NULL);
  /* localhost is ::1 first, where nobody listens. */
  snprintf(url, sizeof url, "ws://localhost%s", strrchr(fixture.address, ':'));
  visit(url, STOA_CLIENT_CODEC, NULL);
  fixture_stop(&fixture);
}

static void errors_of_messages_and_of_calls_arrive(void **state) {
  struct fixture fixture;
  struct observer observer = {0};
  (void)state;
  fixture_start(&fixture, fixture_config(1), NULL);
  const struct stoa_client_options options = {.url = url_of(fixture.address)};
  observer_open(&observer, &options, false);
  const struct sample_v1_group_message nonsense = {.action = STOA_STR("fly")};
  assert_int_equal(sample_v1_client_send_group(observer.client, &nonsense), STOA_OK);
  observer_await(&observer, &observer.errors, 1);
  assert_int_equal(observer.error_code, 100);
  const struct sample_v1_line_message bad = {.text = STOA_STR("\xff")};
  assert_int_equal(sample_v1_client_send_line(observer.client, &bad), STOA_E_UTF8);
  const struct sample_v1_ask_request request = {.question = STOA_STR("?")};
  assert_int_equal(sample_v1_sample_client_call_ask(observer.client, &request, 0, NULL, NULL, NULL), STOA_E_ARGUMENT);
  observer_close(&observer);
  fixture_stop(&fixture);
}

static void a_client_comes_back_to_a_server_that_comes_back(void **state) {
  struct fixture fixture;
  struct observer observer = {0};
  char address[64];
  (void)state;
  fixture_start(&fixture, fixture_config(1), NULL);
  snprintf(address, sizeof address, "%s", fixture.address);
  const struct stoa_client_options options = {.url = url_of(address), .retry_min_ms = 1, .retry_max_ms = 20};
  observer_open(&observer, &options, true);
  stoa_server_destroy(fixture.server); /* not fixture_stop(): the observer's memory is still there */
  observer_await_state(&observer, STOA_CLIENT_WAITING);
  const struct stoa_string addresses[] = {stoa_string_of(address)};
  struct stoa_server_config *config = fixture_config(1);
  config->addresses.items = addresses;
  int64_t blocks_before = fixture.blocks_before;
  fixture_start(&fixture, config, NULL);
  observer_await_state(&observer, STOA_CLIENT_OPEN);
  assert_int_equal(observer_ask(&observer, "again?"), STOA_OK);
  observer_await(&observer, &observer.answers, 1);
  observer_close(&observer);
  fixture.blocks_before = blocks_before;
  fixture_stop(&fixture);
}

static void a_draining_server_tells_its_clients_to_come_back(void **state) {
  struct fixture fixture;
  struct observer observer = {0};
  (void)state;
  fixture_start(&fixture, fixture_config(1), NULL);
  const struct stoa_client_options options = {
      .url = url_of(fixture.address), .retry_min_ms = 600000, .retry_max_ms = 600000};
  observer_open(&observer, &options, true);
  stoa_server_drain(fixture.server);
  observer_await_state(&observer, STOA_CLIENT_WAITING);
  assert_int_equal(observer.status, STOA_OK);
  assert_int_equal(observer.close_code, 4001);
  observer_close(&observer);
  fixture_stop(&fixture);
}

static void a_full_server_tells_a_client_when_to_come_back(void **state) {
  struct fixture fixture;
  struct observer first = {0};
  struct stoa_limits_config limits = {.sessions_max = 1};
  struct stoa_server_config *config = fixture_config(1);
  (void)state;
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  const struct stoa_client_options options = {.url = url_of(fixture.address), .retry_min_ms = 1, .retry_max_ms = 20};
  observer_open(&first, &options, false);
  for (int i = 0; i < 3; i++) {
    struct observer second = {0};
    assert_int_equal(observer_try_open(&second, &options), STOA_OK);
    observer_await_state(&second, STOA_CLIENT_WAITING);
    assert_int_equal(second.close_code, STOA_CLOSE_FULL);
    assert_true(second.retry_ms >= 5000); /* as the server's error frame says, not as its own options do */
    assert_int_equal(second.errors, 1);
    assert_int_equal(second.error_code, STOA_ERROR_LIMIT);
    observer_close(&second);
  }
  /* Those who knocked are no reason to be full. */
  assert_int_equal(observer_ask(&first, "still there?"), STOA_OK);
  observer_await(&first, &first.answers, 1);
  assert_int_equal(stoa_server_session_count(fixture.server), 1);
  observer_close(&first);
  fixture_stop(&fixture);
}

static void a_client_adopts_the_ping_interval_of_the_server(void **state) {
  struct fixture fixture;
  struct observer observer = {0};
  struct stoa_server_config *config = fixture_config(1);
  (void)state;
  config->ping_interval_ms = 1234;
  fixture_start(&fixture, config, NULL);
  const struct stoa_client_options options = {.url = url_of(fixture.address)};
  observer_open(&observer, &options, false);
  assert_int_equal(observer.client->silence_ms, 1234 + 10000);
  observer_close(&observer);
  /* The one that is used, also when nobody has set it. */
  fixture_stop(&fixture);
  fixture_start(&fixture, fixture_config(1), NULL);
  const struct stoa_client_options others = {.url = url_of(fixture.address)};
  struct observer another = {0};
  observer_open(&another, &others, false);
  assert_int_equal(another.client->silence_ms, stoa_server_ping_interval_ms(fixture.server) + 10000);
  observer_close(&another);
  fixture_stop(&fixture);
}

/* One of several threads that speak through one client. cmocka's asserts belong to the test's own thread, so what goes
 * wrong elsewhere is counted. */
struct speaker {
  struct observer *observer;
  char name[8];
  unsigned heard;  /* lines of this speaker */
  unsigned astray; /* those that came out of order */
  unsigned failed; /* sends and calls that were refused for another reason than a cap */
  pthread_t thread;
};

static int try_both(struct speaker *speaker, uint32_t number) {
  int status = observer_send_line(speaker->observer, speaker->name, number, "-");
  while (status == STOA_E_LIMIT) {
    sched_yield();
    status = observer_send_line(speaker->observer, speaker->name, number, "-");
  }
  if (status != STOA_OK || number % 100 != 0) {
    return status;
  }
  while ((status = observer_ask(speaker->observer, speaker->name)) == STOA_E_LIMIT) {
    sched_yield();
  }
  return status;
}

static void *speak(void *argument) {
  struct speaker *speaker = argument;
  for (uint32_t i = 0; i < LINES_EACH; i++) {
    speaker->failed += try_both(speaker, i) != STOA_OK;
  }
  return NULL;
}

static void on_line(struct observer *observer, const struct sample_v1_line_message *line) {
  struct speaker *speakers = observer->user;
  struct speaker *speaker = &speakers[line->from.data[0] - 'a'];
  speaker->astray += line->number != speaker->heard;
  speaker->heard++;
}

static void threads_share_a_client_and_each_keeps_its_order(void **state) {
  struct fixture fixture;
  struct observer observer = {.on_line = on_line};
  struct speaker speakers[SPEAKERS];
  (void)state;
  struct stoa_server_config *config = fixture_config(2);
  fixture_start(&fixture, config, NULL);
  const struct stoa_client_options options = {
      .url = url_of(fixture.address), .codec = &stoa_codec_proto, .outgoing_bytes_max = 4096};
  observer.user = speakers;
  memset(speakers, 0, sizeof speakers);
  observer_open(&observer, &options, true);
  for (size_t i = 0; i < SPEAKERS; i++) {
    speakers[i].observer = &observer;
    speakers[i].name[0] = (char)('a' + i);
    assert_int_equal(pthread_create(&speakers[i].thread, NULL, speak, &speakers[i]), 0);
  }
  for (size_t i = 0; i < SPEAKERS; i++) {
    pthread_join(speakers[i].thread, NULL);
  }
  observer_await(&observer, &observer.lines, SPEAKERS * LINES_EACH);
  observer_await(&observer, &observer.answers, SPEAKERS * LINES_EACH / 100);
  observer_close(&observer);
  for (size_t i = 0; i < SPEAKERS; i++) {
    assert_int_equal(speakers[i].failed, 0);
    assert_int_equal(speakers[i].astray, 0);
    assert_int_equal(speakers[i].heard, LINES_EACH);
  }
  fixture_stop(&fixture);
}

/* Threads that ask, cancel and close while the client goes: nothing is to be seen but that it holds. */
static void *pester(void *argument) {
  struct observer *observer = argument;
  for (unsigned i = 0; i < 2000; i++) {
    observer_ask(observer, "?");
    stoa_client_cancel(observer->client, i);
    stoa_client_state(observer->client);
  }
  stoa_client_close(observer->client, 1000, "enough");
  return NULL;
}

static void a_client_may_be_called_from_many_threads_while_it_ends(void **state) {
  struct fixture fixture;
  struct observer observer = {0};
  pthread_t threads[SPEAKERS];
  (void)state;
  fixture_start(&fixture, fixture_config(1), NULL);
  const struct stoa_client_options options = {.url = url_of(fixture.address)};
  observer_open(&observer, &options, true);
  for (size_t i = 0; i < SPEAKERS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, pester, &observer), 0);
  }
  for (size_t i = 0; i < SPEAKERS; i++) {
    pthread_join(threads[i], NULL);
  }
  observer_await_state(&observer, STOA_CLIENT_ENDED);
  observer_close(&observer);
  fixture_stop(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_subprotocol_works),
      cmocka_unit_test(messages_of_a_server_that_compresses_are_read),
      cmocka_unit_test(a_server_is_reached_over_ipv6_and_a_unix_socket),
      cmocka_unit_test(a_name_is_tried_at_all_its_addresses),
      cmocka_unit_test(errors_of_messages_and_of_calls_arrive),
      cmocka_unit_test(a_client_comes_back_to_a_server_that_comes_back),
      cmocka_unit_test(a_draining_server_tells_its_clients_to_come_back),
      cmocka_unit_test(a_full_server_tells_a_client_when_to_come_back),
      cmocka_unit_test(a_client_adopts_the_ping_interval_of_the_server),
      cmocka_unit_test(threads_share_a_client_and_each_keeps_its_order),
      cmocka_unit_test(a_client_may_be_called_from_many_threads_while_it_ends),
  };
  return cmocka_run_group_tests_name("client with a real server", tests, NULL, NULL);
}
