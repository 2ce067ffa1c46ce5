/* Names are looked up on other threads: a slow name server never blocks a client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "base/memory.h"
#include "base/sys.h"
#include "client/client_private.h"
#include "peer.h"

#define DEADLINE_S 30

static int64_t blocks_before;

/* A resolver, and what it answers. */
struct names {
  struct peer peer;
  struct stoa_resolver resolver;
  int status;
  int error;
  bool blocks; /* until `go` is posted */
  sem_t began, go;
  atomic_uint asked, wrong;
  char url[64];
};

static int resolve(void *context, const char *host, uint16_t port,
                   struct stoa_address out_addresses[STOA_DIAL_ADDRESSES_MAX], size_t *out_count) {
  struct names *names = context;
  atomic_fetch_add(&names->wrong, strcmp(host, "chat.example") != 0 || port != names->peer.port);
  atomic_fetch_add(&names->asked, 1);
  if (names->blocks) {
    sem_post(&names->began);
    while (sem_wait(&names->go) != 0) {
    }
  }
  if (names->status == STOA_OK) {
    stoa_dial_literal("127.0.0.1", port, &out_addresses[0]);
    *out_count = 1;
  }
  errno = names->error;
  return names->status;
}

static int set_up(void **state) {
  static struct names names;
  memset(&names, 0, sizeof names);
  blocks_before = stoa_memory_live_blocks();
  peer_init(&names.peer);
  names.resolver = (struct stoa_resolver){.mutex = PTHREAD_MUTEX_INITIALIZER, .resolve = resolve, .context = &names};
  sem_init(&names.began, 0, 0);
  sem_init(&names.go, 0, 0);
  snprintf(names.url, sizeof names.url, "ws://chat.example:%u/", names.peer.port);
  *state = &names;
  return 0;
}

/* Threads that still look a name up end, and free their requests; how many are left may take a moment to see. */
static bool await_blocks(void) {
  time_t until = time(NULL) + DEADLINE_S;
  while (stoa_memory_live_blocks() != blocks_before && time(NULL) <= until) {
    sched_yield();
  }
  return stoa_memory_live_blocks() == blocks_before;
}

static unsigned threads_of(struct stoa_resolver *resolver) {
  pthread_mutex_lock(&resolver->mutex);
  unsigned threads = resolver->threads;
  pthread_mutex_unlock(&resolver->mutex);
  return threads;
}

static bool await_threads(struct stoa_resolver *resolver) {
  time_t until = time(NULL) + DEADLINE_S;
  while (threads_of(resolver) > 0 && time(NULL) <= until) {
    sched_yield();
  }
  return threads_of(resolver) == 0;
}

static int tear_down(void **state) {
  struct names *names = *state;
  peer_fini(&names->peer);
  bool done = names->wrong == 0 && await_blocks() && await_threads(&names->resolver);
  sem_destroy(&names->began);
  sem_destroy(&names->go);
  return done ? 0 : -1;
}

static void create(struct names *names, const struct stoa_client_options *options) {
  struct peer *peer = &names->peer;
  const struct stoa_client_options plain = {.url = names->url};
  peer_create_client(peer, options != NULL ? options : &plain);
  stoa_client_set_resolver(peer->client, &names->resolver);
  assert_int_equal(stoa_client_open(peer->client), STOA_OK);
}

static void a_name_is_looked_up_by_the_thread_that_runs_the_resolver(void **state) {
  struct names *names = *state;
  struct peer *peer = &names->peer;
  create(names, NULL);
  for (unsigned i = 0; i < 3; i++) {
    peer_step(peer);
    assert_int_equal(names->asked, 0);
    assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_CONNECTING);
  }
  assert_true(stoa_resolver_run_one(&names->resolver));
  assert_false(stoa_resolver_run_one(&names->resolver));
  peer_open(peer);
}

static void a_name_is_looked_up_again_for_each_connection(void **state) {
  struct names *names = *state;
  struct peer *peer = &names->peer;
  create(names, NULL);
  for (unsigned i = 1; i <= 3; i++) {
    peer_step(peer);
    assert_true(stoa_resolver_run_one(&names->resolver));
    peer_open(peer);
    peer_disconnect(peer);
    peer_await(peer, STOA_CLIENT_WAITING);
    assert_int_equal(names->asked, i);
    peer_advance_ms(peer, 20000);
  }
}

static void an_address_is_not_looked_up(void **state) {
  static const char *const hosts[] = {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"};
  struct names *names = *state;
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    char url[64];
    snprintf(url, sizeof url, "ws://%s:1/", hosts[i]);
    create(names, &(struct stoa_client_options){.url = url});
    peer_step(&names->peer);
    assert_false(stoa_resolver_run_one(&names->resolver));
    assert_int_not_equal(names->peer.client->phase, STOA_PHASE_RESOLVING);
    stoa_client_destroy(names->peer.client);
    names->peer.client = NULL;
  }
  assert_int_equal(names->asked, 0);
}

static void expect_failure(struct names *names, int status, int error, const char *reason) {
  struct peer *peer = &names->peer;
  names->status = status;
  names->error = error;
  create(names, NULL);
  peer_step(peer);
  assert_true(stoa_resolver_run_one(&names->resolver));
  peer_step(peer);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, status);
  assert_string_equal(peer_change(peer)->reason, reason);
  stoa_client_destroy(peer->client);
  peer->client = NULL;
}

static void the_reason_why_a_name_has_no_address_is_reported(void **state) {
  expect_failure(*state, STOA_E_NOT_FOUND, 0, "the name does not resolve");
  expect_failure(*state, STOA_E_SYSTEM, EMFILE, "Too many open files");
  expect_failure(*state, STOA_E_MEMORY, 0, "out of memory");
}

static void a_slow_lookup_delays_the_client_and_does_not_stop_it(void **state) {
  struct names *names = *state;
  struct peer *peer = &names->peer;
  create(names, NULL);
  peer_step(peer);
  peer_advance_ms(peer, 9900);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_CONNECTING);
  peer_advance_ms(peer, 200);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, STOA_E_TIMEOUT);
  assert_string_equal(peer_change(peer)->reason, "no name server answered in time");
  /* The next try waits for the same request. */
  peer_advance_ms(peer, 20000);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_CONNECTING);
  peer_advance_ms(peer, 20000);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  /* It comes between two tries, and the one after it has it at once. */
  assert_true(stoa_resolver_run_one(&names->resolver));
  peer_step(peer);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  peer_advance_ms(peer, 20000);
  peer_open(peer);
  assert_int_equal(names->asked, 1);
}

static void a_failed_lookup_is_not_cached(void **state) {
  struct names *names = *state;
  struct peer *peer = &names->peer;
  names->status = STOA_E_NOT_FOUND;
  create(names, NULL);
  peer_step(peer);
  peer_advance_ms(peer, 10100);
  assert_true(stoa_resolver_run_one(&names->resolver));
  peer_step(peer);
  names->status = STOA_OK;
  peer_advance_ms(peer, 20000);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_CONNECTING);
  assert_true(stoa_resolver_run_one(&names->resolver));
  peer_open(peer);
}

static void a_lookup_that_has_not_started_is_cancelled_with_its_client(void **state) {
  struct names *names = *state;
  struct peer *peer = &names->peer;
  struct peer others[2];
  for (size_t i = 0; i < 2; i++) {
    peer_init(&others[i]);
    peer_create_client(&others[i], &(struct stoa_client_options){.url = names->url});
    stoa_client_set_resolver(others[i].client, &names->resolver);
  }
  stoa_client_open(others[0].client);
  peer_step(&others[0]);
  create(names, NULL);
  peer_step(peer);
  stoa_client_open(others[1].client);
  peer_step(&others[1]);
  /* The one in the middle, the last, and the only one. */
  stoa_client_destroy(peer->client);
  peer->client = NULL;
  peer_fini(&others[1]);
  peer_fini(&others[0]);
  assert_false(stoa_resolver_run_one(&names->resolver));
  assert_int_equal(names->asked, 0);
}

static void a_lookup_result_that_is_not_delivered_is_freed_with_its_client(void **state) {
  struct names *names = *state;
  create(names, NULL);
  peer_step(&names->peer);
  assert_true(stoa_resolver_run_one(&names->resolver));
  stoa_client_destroy(names->peer.client);
  names->peer.client = NULL;
}

static void a_client_that_is_closed_cancels_its_lookup(void **state) {
  struct names *names = *state;
  create(names, NULL);
  peer_step(&names->peer);
  stoa_client_close(names->peer.client, 1000, NULL);
  peer_step(&names->peer);
  assert_int_equal(stoa_client_state(names->peer.client), STOA_CLIENT_ENDED);
  assert_false(stoa_resolver_run_one(&names->resolver));
}

/* The resolver is stuck, as the system's is when name servers do not answer; nobody waits for it. */
static void destroying_does_not_wait_for_a_name_server(void **state) {
  struct names *names = *state;
  struct peer *peer = &names->peer;
  names->resolver.threads_max = 1;
  names->blocks = true;
  create(names, NULL);
  assert_int_equal(stoa_client_start_thread(peer->client), STOA_OK);
  sem_wait(&names->began);
  stoa_client_destroy(peer->client);
  peer->client = NULL;
  assert_int_not_equal(stoa_memory_live_blocks(), blocks_before);
  sem_post(&names->go);
}

static void threads_look_names_up_and_end_when_there_are_none(void **state) {
  struct names *names = *state;
  struct peer *peer = &names->peer;
  names->resolver.threads_max = 2;
  create(names, NULL);
  peer_open(peer);
  assert_true(await_threads(&names->resolver));
  peer_disconnect(peer);
  peer_await(peer, STOA_CLIENT_WAITING);
  peer_advance_ms(peer, 20000);
  peer_open(peer);
}

static void the_number_of_concurrent_lookups_is_limited(void **state) {
  struct names *names = *state;
  struct peer others[3];
  names->resolver.threads_max = 2;
  names->blocks = true;
  for (size_t i = 0; i < 3; i++) {
    peer_init(&others[i]);
    peer_create_client(&others[i], &(struct stoa_client_options){.url = names->url});
    stoa_client_set_resolver(others[i].client, &names->resolver);
    stoa_client_open(others[i].client);
    peer_step(&others[i]);
  }
  sem_wait(&names->began);
  sem_wait(&names->began);
  assert_int_equal(threads_of(&names->resolver), 2);
  assert_int_equal(names->asked, 2);
  sem_post(&names->go);
  sem_wait(&names->began);
  assert_int_equal(names->asked, 3);
  sem_post(&names->go);
  sem_post(&names->go);
  for (size_t i = 0; i < 3; i++) {
    peer_fini(&others[i]);
  }
}

static int fail_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                               void *argument) {
  (void)thread;
  (void)attributes;
  (void)run;
  (void)argument;
  return EAGAIN;
}

static void a_look_up_without_a_thread_is_tried_again(void **state) {
  struct names *names = *state;
  struct peer *peer = &names->peer;
  names->resolver.threads_max = 1;
  create(names, NULL);
  stoa_sys.pthread_create = fail_pthread_create;
  peer_step(peer);
  stoa_sys = stoa_sys_real;
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, STOA_E_SYSTEM);
  assert_string_equal(peer_change(peer)->reason, "Resource temporarily unavailable");
  peer_advance_ms(peer, 1100);
  peer_open(peer);
}

static void a_look_up_without_memory_is_tried_again(void **state) {
  struct names *names = *state;
  struct peer *peer = &names->peer;
  create(names, NULL);
  stoa_memory_fail_at(1, false);
  peer_step(peer);
  stoa_memory_fail_at(0, false);
  assert_int_equal(stoa_client_state(peer->client), STOA_CLIENT_WAITING);
  assert_int_equal(peer_change(peer)->status, STOA_E_MEMORY);
  peer_advance_ms(peer, 1100);
  assert_true(stoa_resolver_run_one(&names->resolver));
  peer_open(peer);
}

#define NAME_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      NAME_TEST(a_name_is_looked_up_by_the_thread_that_runs_the_resolver),
      NAME_TEST(a_name_is_looked_up_again_for_each_connection),
      NAME_TEST(an_address_is_not_looked_up),
      NAME_TEST(the_reason_why_a_name_has_no_address_is_reported),
      NAME_TEST(a_slow_lookup_delays_the_client_and_does_not_stop_it),
      NAME_TEST(a_failed_lookup_is_not_cached),
      NAME_TEST(a_lookup_that_has_not_started_is_cancelled_with_its_client),
      NAME_TEST(a_lookup_result_that_is_not_delivered_is_freed_with_its_client),
      NAME_TEST(a_client_that_is_closed_cancels_its_lookup),
      NAME_TEST(destroying_does_not_wait_for_a_name_server),
      NAME_TEST(threads_look_names_up_and_end_when_there_are_none),
      NAME_TEST(the_number_of_concurrent_lookups_is_limited),
      NAME_TEST(a_look_up_without_a_thread_is_tried_again),
      NAME_TEST(a_look_up_without_memory_is_tried_again),
  };
  return cmocka_run_group_tests_name("client names", tests, NULL, NULL);
}
