/* Clients that come back by their tickets, again and again: memory stays flat, and the keys of tickets change
 * meanwhile.
 *
 *   test_net_tls_resumption [HANDSHAKES]     for each version of TLS; 100000 takes a few minutes */
#include "lib/tls_ends.h"
#include "net/tls_server.h"
#include "tls_pair.h"

#define NS_PER_S UINT64_C(1000000000)
#define ROTATION_S 100u
#define PER_ROTATION 200u /* handshakes until the key changes */

static unsigned handshakes = 3 * PER_ROTATION;

static struct stoa_clock_fake fake = {.monotonic_ns = 1000 * NS_PER_S};
static struct stoa_clock clock_of_test;

static void create_context(struct stoa_tls_context **out_context) {
  struct stoa_tls_files files = {.certificate = pair.files.certificate, .key = pair.files.key};
  clock_of_test = stoa_clock_fake_init(&fake);
  fake.wall_us = stoa_clock_wall_us(&stoa_clock_system);
  const struct stoa_tls_server_settings settings = {.files = &files,
                                                    .file_count = 1,
                                                    .clock = &clock_of_test,
                                                    .option = "server.tls",
                                                    .ticket_rotation_s = ROTATION_S};
  assert_int_equal(stoa_tls_server_context_create(&settings, out_context), STOA_OK);
}

/* The name of the key that has sealed a ticket is its first 16 bytes (RFC 5077 4). */
static void name_of_key(const SSL_SESSION *session, uint8_t out_name[16]) {
  const unsigned char *ticket;
  size_t len;
  SSL_SESSION_get0_ticket(session, &ticket, &len);
  assert_true(len > 16);
  memcpy(out_name, ticket, 16);
}

/* A connection that uses the ticket of the one before, and takes the newest one. Has it resumed? */
static bool come_back(void **state, int version, SSL_SESSION **session) {
  connect_both(state);
  SSL_set_max_proto_version(pair.client, version);
  if (*session != NULL) {
    SSL_set_session(pair.client, *session);
  }
  shake_hands();
  both_ways();
  bool is_resumed = SSL_session_reused(pair.client) == 1;
  assert_true(*session != NULL || !is_resumed);
  SSL_SESSION_free(*session);
  *session = SSL_get1_session(pair.client);
  SSL_set_shutdown(pair.client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* else it would not be used again */
  close_both(state);
  return is_resumed;
}

static void resume_many(void **state, int version) {
  struct stoa_tls_context *context_before = pair.context;
  SSL_SESSION *session = NULL;
  int64_t blocks = 0;
  unsigned keys = 0;
  unsigned resumed = 0;
  uint8_t name[16] = {0};
  create_context(&pair.context);
  come_back(state, version, &session);
  for (unsigned i = 0; i < handshakes; i++) {
    uint8_t newest[16];
    fake.monotonic_ns += ROTATION_S * NS_PER_S / PER_ROTATION;
    resumed += come_back(state, version, &session);
    name_of_key(session, newest);
    keys += memcmp(newest, name, sizeof name) != 0;
    memcpy(name, newest, sizeof name);
    if (i == PER_ROTATION) {
      blocks = stoa_memory_live_blocks(); /* of OpenSSL too, both sides */
    }
  }
  assert_int_equal(stoa_memory_live_blocks(), blocks);
  /* A session of TLS 1.2 keeps its first time in each new ticket. When it is too old by OpenSSL's own clock, in a long
   * run, a whole handshake begins another one. */
  assert_true(version == TLS1_2_VERSION ? resumed >= handshakes - handshakes / PER_ROTATION : resumed == handshakes);
  assert_in_range(keys, handshakes / PER_ROTATION, handshakes / PER_ROTATION + 1);
  SSL_SESSION_free(session);
  stoa_tls_context_unref(pair.context);
  pair.context = context_before;
}

static void resumed_handshakes_of_tls_1_3_leave_nothing_behind(void **state) {
  resume_many(state, TLS1_3_VERSION);
}

static void resumed_handshakes_of_tls_1_2_leave_nothing_behind(void **state) {
  resume_many(state, TLS1_2_VERSION);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resumed_handshakes_of_tls_1_3_leave_nothing_behind),
      cmocka_unit_test(resumed_handshakes_of_tls_1_2_leave_nothing_behind),
  };
  if (argc > 1) {
    handshakes = (unsigned)strtoul(argv[1], NULL, 10);
  }
  return cmocka_run_group_tests_name("resumed handshakes", tests, make_contexts, free_contexts);
}
