/* Sessions come and go, clients and foreign threads publish to all and to groups and send by id, all at once, and in
 * the middle of it the server drains. The asserts are few: it ends, and no memory is left. */
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

#define VISITORS 4
#define VISITS 40
#define PUBLISHERS 2
#define PUBLICATIONS 2000
#define IDS 16

/* The newest sessions, for those who send by id. */
static struct {
  pthread_mutex_t mutex;
  struct stoa_uuid ids[IDS];
  unsigned count;
} register_of = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  (void)request;
  (void)out_refusal;
  pthread_mutex_lock(&register_of.mutex);
  register_of.ids[register_of.count++ % IDS] = *stoa_session_id(session);
  pthread_mutex_unlock(&register_of.mutex);
  counter_up(user);
  return stoa_session_join(session, stoa_string_of("everybody")) == STOA_OK ? STOA_ADMIT : STOA_REFUSE;
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  (void)user;
  (void)code;
  (void)reason;
  struct sample_v1_line_message line = {.text = STOA_STR("left")};
  int ignored = sample_v1_line_publish(stoa_session_server(session), stoa_string_of("everybody"), &line);
  (void)ignored;
}

struct visitor {
  pthread_t thread;
  const struct fixture *fixture;
  unsigned number;
};

static void group_word(struct client *client, const char *action, unsigned group) {
  char payload[128];
  snprintf(payload, sizeof payload, "{\"action\":\"%s\",\"group\":\"g%u\",\"text\":\"t\"}", action, group % 5);
  client_send_typed(client, FIXTURE_GROUP, payload);
}

/* Reads until its own question is answered, or the end. */
static void wait_for_answer(struct client *client) {
  struct client_frame frame;
  bool sent = client_send_call(client, FIXTURE_ASK, 1, "{\"question\":\"q\"}");
  do {
    frame = client_read(client);
  } while (sent && frame.opcode != CLIENT_CLOSED && frame.opcode != 8 &&
           (frame.len < 4 || (frame.data[0] & 0x80) == 0));
}

static void *visit(void *context) {
  struct visitor *visitor = context;
  static const char *const protocols[] = {"stoa.json", "stoa.json", NULL};
  for (unsigned i = 0; i < VISITS; i++) {
    struct client client;
    client_connect(&client, visitor->fixture->address);
    if (client_upgrade(&client, "/", protocols[i % 3], NULL) == 101) {
      group_word(&client, "join", visitor->number + i);
      group_word(&client, "mix", visitor->number + i);
      client_send_typed(&client, FIXTURE_LINE, "{\"from\":\"v\",\"number\":1,\"text\":\"-\"}");
      group_word(&client, i % 2 == 0 ? "leave between" : "publish", visitor->number + i);
      if (i % 4 != 3) { /* others leave in the middle of it */
        wait_for_answer(&client);
      }
      if (i % 2 == 0) {
        client_send(&client, 0x88, "\x03\xe8", 2);
        client_read_close(&client);
      }
    }
    client_close(&client);
  }
  return NULL;
}

struct publisher {
  pthread_t thread;
  const struct fixture *fixture;
};

static void *publish(void *context) {
  struct publisher *publisher = context;
  struct stoa_server *server = publisher->fixture->server;
  for (uint32_t i = 0; i < PUBLICATIONS; i++) {
    struct sample_v1_line_message line = {.from = STOA_STR("p"), .number = i, .text = STOA_STR("-")};
    char group[8];
    snprintf(group, sizeof group, "g%u", i % 5);
    int ignored = i % 3 == 0   ? sample_v1_line_broadcast(server, &line)
                  : i % 3 == 1 ? sample_v1_line_publish(server, stoa_string_of(group), &line)
                               : sample_v1_line_publish(server, stoa_string_of("everybody"), &line);
    pthread_mutex_lock(&register_of.mutex);
    struct stoa_uuid id = register_of.ids[i % IDS];
    pthread_mutex_unlock(&register_of.mutex);
    ignored = sample_v1_line_send(server, &id, &line);
    if (i % 100 == 99) {
      ignored = stoa_server_close_session(server, &id, 4503, "kicked");
    }
    (void)ignored;
  }
  return NULL;
}

static void hold(uint32_t workers, bool drain_in_the_middle) {
  static struct counter entered;
  struct fixture fixture;
  struct visitor visitors[VISITORS];
  struct publisher publishers[PUBLISHERS];
  const struct stoa_callbacks callbacks = {.on_connect = on_connect, .on_closed = on_closed, .user = &entered};
  entered = (struct counter)COUNTER_INIT;
  fixture_start(&fixture, fixture_config(workers), &callbacks);
  struct client witness;
  fixture_connect(&fixture, &witness, "stoa.json");
  for (unsigned i = 0; i < PUBLISHERS; i++) {
    publishers[i] = (struct publisher){.fixture = &fixture};
    assert_int_equal(pthread_create(&publishers[i].thread, NULL, publish, &publishers[i]), 0);
  }
  for (unsigned i = 0; i < VISITORS && !drain_in_the_middle; i++) {
    visitors[i] = (struct visitor){.fixture = &fixture, .number = i};
    assert_int_equal(pthread_create(&visitors[i].thread, NULL, visit, &visitors[i]), 0);
  }
  counter_wait(&entered, drain_in_the_middle ? 1 : VISITORS * VISITS / 2);
  if (drain_in_the_middle) {
    stoa_server_drain(fixture.server);
  }
  for (unsigned i = 0; i < VISITORS && !drain_in_the_middle; i++) {
    pthread_join(visitors[i].thread, NULL);
  }
  for (unsigned i = 0; i < PUBLISHERS; i++) {
    pthread_join(publishers[i].thread, NULL);
  }
  stoa_server_drain(fixture.server);
  client_read_close(&witness);
  client_close(&witness);
  stoa_server_wait(fixture.server);
  fixture_stop(&fixture);
}

static void test_two_workers_serve_many_sessions(void **state) {
  (void)state;
  hold(2, false);
}

static void test_four_workers_serve_many_sessions(void **state) {
  (void)state;
  hold(4, false);
}

static void test_publishers_go_on_while_the_server_drains(void **state) {
  (void)state;
  hold(2, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_two_workers_serve_many_sessions),
      cmocka_unit_test(test_four_workers_serve_many_sessions),
      cmocka_unit_test(test_publishers_go_on_while_the_server_drains),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
