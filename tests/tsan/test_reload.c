/* Reloads, one after the other and from two threads, while sessions come, call, broadcast and go. The asserts are few:
 * nothing is lost, all snapshots are freed, and the thread sanitizer finds nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stoa/log.h>

#include "fixture.h"

#define TALKERS 4
#define ROUNDS 60
#define RELOADERS 2
#define RELOADS 60

struct worker_thread {
  pthread_t thread;
  const struct fixture *fixture;
  struct stoa_server_config config;
  unsigned number;
};

static void *talk(void *context) {
  const struct worker_thread *own = context;
  struct client stays;
  client_connect(&stays, own->fixture->address);
  assert_int_equal(client_upgrade(&stays, "/", "stoa.json", NULL), 101);
  for (unsigned i = 0; i < ROUNDS; i++) {
    struct client visitor;
    client_connect(&visitor, own->fixture->address);
    assert_int_equal(client_upgrade(&visitor, "/", i % 2 == 0 ? "stoa.json" : NULL, NULL), 101);
    fixture_send_line(&visitor, "v", i);
    client_close(&visitor);
    fixture_sync_past_lines(&stays);
  }
  client_close(&stays);
  return NULL;
}

static void *reload(void *context) {
  const struct worker_thread *own = context;
  static const struct stoa_string origins[] = {STOA_STR("https://a.example"), STOA_STR("https://b.example")};
  static const struct stoa_string networks[] = {STOA_STR("10.0.0.0/8"), STOA_STR("192.0.2.0/24")};
  struct stoa_server_config config = own->config;
  for (unsigned i = 0; i < RELOADS; i++) {
    struct stoa_rate_config rate = {.messages_per_s = 100000 + i};
    struct stoa_limits_config limits = {.rate = &rate,
                                        .message_bytes_max = 10000 + 1000 * (i % 100),
                                        .send_queue_bytes_max = 4u * 1024 * 1024 + i,
                                        .bodies_bytes_max = 1000000 + i,
                                        .mailbox_bytes_max = 16u * 1024 * 1024 + i,
                                        .sessions_max = 1000 + own->number};
    config.limits = &limits;
    config.allowed_origins.items = &origins[i % 2];
    config.allowed_origins.count = 1;
    config.trusted_proxies.items = networks;
    config.trusted_proxies.count = 1 + i % 2;
    config.drain_ms = 1000 + i;
    assert_int_equal(stoa_server_reload(own->fixture->server, &config, NULL), STOA_OK);
  }
  return NULL;
}

static void reloads_and_traffic_on_several_workers(void **state) {
  struct worker_thread talkers[TALKERS];
  struct worker_thread reloaders[RELOADERS];
  struct fixture fixture;
  (void)state;
  fixture_start(&fixture, fixture_config(2), NULL);
  for (unsigned i = 0; i < RELOADERS; i++) {
    reloaders[i] = (struct worker_thread){.fixture = &fixture, .config = *fixture_config(2), .number = i};
  }
  for (unsigned i = 0; i < TALKERS; i++) {
    talkers[i] = (struct worker_thread){.fixture = &fixture, .number = i};
    assert_int_equal(pthread_create(&talkers[i].thread, NULL, talk, &talkers[i]), 0);
  }
  for (unsigned i = 0; i < RELOADERS; i++) {
    assert_int_equal(pthread_create(&reloaders[i].thread, NULL, reload, &reloaders[i]), 0);
  }
  for (unsigned i = 0; i < RELOADERS; i++) {
    assert_int_equal(pthread_join(reloaders[i].thread, NULL), 0);
  }
  for (unsigned i = 0; i < TALKERS; i++) {
    assert_int_equal(pthread_join(talkers[i].thread, NULL), 0);
  }
  fixture_stop(&fixture);
}

int main(void) {
  stoa_log_setup(2, STOA_LOG_ERROR, STOA_LOG_LOGFMT);
  const struct CMUnitTest tests[] = {cmocka_unit_test(reloads_and_traffic_on_several_workers)};
  return cmocka_run_group_tests_name("reloads and traffic", tests, NULL, NULL);
}
