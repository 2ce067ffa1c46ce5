#include "admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sched.h>
#include <time.h>

#define DEADLINE_S 60

struct admission admission;

static void take_from_arena(struct stoa_session *session, struct life *life) {
  void *note = admission.arena_bytes == 0 ? life : stoa_arena_alloc(stoa_session_arena(session), admission.arena_bytes);
  life->wrong += note == NULL;
  if (note != NULL && note != life) {
    memset(note, 'x', admission.arena_bytes);
  }
}

static void act_in_connect(struct stoa_session *session) {
  switch (admission.in_connect) {
    case NOTHING:
      break;
    case CLOSE_IT:
      stoa_session_close(session, 4503, "closed in on_connect");
      break;
    case DECIDE_AT_ONCE:
      stoa_server_admit(stoa_session_server(session), stoa_session_id(session));
      break;
    case JOIN:
      stoa_session_join(session, stoa_string_of("g"));
      break;
    case WAIT_FOR_TEST:
      counter_wait(&admission.release, 1);
      break;
  }
}

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)user;
  (void)request;
  struct life *life = &admission.lives[atomic_load(&admission.count)];
  life->id = *stoa_session_id(session);
  stoa_session_set_user(session, life);
  take_from_arena(session, life);
  act_in_connect(session);
  *out_refusal = admission.refusal;
  atomic_fetch_add(&life->connects, 1);
  atomic_fetch_add(&admission.count, 1);
  return admission.decision;
}

static void on_closing(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)reason;
  struct life *life = stoa_session_user(session);
  take_from_arena(session, life);
  life->wrong += life->connects != 1 || life->disconnects != 0;
  life->wrong += stoa_session_join(session, stoa_string_of("too late")) != STOA_E_CLOSED;
  atomic_store(&life->closing_code, code);
  atomic_fetch_add(&life->closings, 1);
}

static void on_drained(void *user, struct stoa_session *session) {
  (void)user;
  struct life *life = stoa_session_user(session);
  take_from_arena(session, life);
  life->wrong += life->closings != 0;
  atomic_fetch_add(&life->drains, 1);
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)reason;
  struct life *life = stoa_session_user(session);
  take_from_arena(session, life);
  life->wrong += life->closings != 1;
  atomic_store(&life->disconnect_code, code);
  atomic_fetch_add(&life->disconnects, 1);
}

const struct stoa_callbacks admission_callbacks = {
    .on_connect = on_connect, .on_closing = on_closing, .on_drained = on_drained, .on_closed = on_closed};

struct stoa_server_config *admission_begin(enum stoa_admission decision) {
  memset(admission.lives, 0, sizeof admission.lives);
  atomic_store(&admission.count, 0);
  admission.decision = decision;
  admission.refusal = (struct stoa_refusal){.close_code = 4507, .reason = "not you"};
  admission.in_connect = NOTHING;
  admission.arena_bytes = 0;
  admission.release = (struct counter)COUNTER_INIT;
  return fixture_config(1);
}

void admission_await(const atomic_uint *count, unsigned value) {
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  while (atomic_load(count) < value) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    assert_true(now.tv_sec - start.tv_sec < DEADLINE_S);
    sched_yield();
  }
}

/* A session by its number, once the program has been asked about it. */
static struct life *life_of(unsigned number) {
  admission_await(&admission.count, number + 1);
  return &admission.lives[number];
}

struct life *admission_enter(struct client *client, const char *protocol) {
  unsigned number = atomic_load(&admission.count);
  fixture_connect(&admission.fixture, client, protocol);
  return life_of(number);
}

void admission_expect_end(struct life *life, uint16_t code) {
  admission_await(&life->disconnects, 1);
  assert_int_equal(life->connects, 1);
  assert_int_equal(life->closings, 1);
  assert_int_equal(life->wrong, 0);
  assert_int_equal(life->closing_code, code);
  assert_int_equal(life->disconnect_code, code);
}

/* After the server has ended: nobody is told twice, nor of a session that was refused. */
static void expect_all_told_once(void) {
  for (unsigned i = 0; i < ADMISSION_LIVES_MAX; i++) {
    const struct life *life = &admission.lives[i];
    unsigned expected = i < atomic_load(&admission.count) && admission.decision != STOA_REFUSE;
    assert_int_equal(life->closings, expected);
    assert_int_equal(life->disconnects, expected);
    assert_int_equal(life->wrong, 0);
  }
}

void admission_stop(void) {
  fixture_stop(&admission.fixture);
  expect_all_told_once();
}
