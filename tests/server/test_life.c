/* From the start to the end: registering, connecting, sending by id, limits, draining. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stoa/log.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "fixture.h"

/* Registering and starting. */

static void test_an_invalid_configuration_is_refused(void **state) {
  (void)state;
  static const struct stoa_string bad_address[] = {STOA_STR("nowhere")};
  static const struct stoa_string secure[] = {STOA_STR("wss://127.0.0.1:0")};
  struct fixture fixture;
  struct stoa_server_config *config = fixture_config(1);
  config->codec = stoa_string_of("morse");
  assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_NOT_FOUND);
  config = fixture_config(1);
  config->codec = stoa_string_of("proto");
  config->payload_type = STOA_PAYLOAD_TYPE_TEXT;
  assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_ARGUMENT);
  config = fixture_config(1);
  config->addresses.items = bad_address;
  assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_ARGUMENT);
  config->addresses.items = secure;
  assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_ARGUMENT);
  config = fixture_config(65);
  assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_ARGUMENT);
  config = fixture_config(1);
  config->path = stoa_string_of("chat");
  assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_ARGUMENT);
  config = fixture_config(1);
  config->web_root = stoa_string_of("/nonexistent");
  assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_SYSTEM);
}

static void test_a_time_beyond_what_deadlines_hold_is_refused(void **state) {
  (void)state;
  struct fixture fixture;
  for (int i = 0; i < 5; i++) {
    struct stoa_server_config *config = fixture_config(1);
    struct stoa_limits_config limits = {0};
    uint32_t *const times[] = {&limits.handshake_timeout_ms, &limits.message_timeout_ms, &config->ping_interval_ms,
                               &config->pong_timeout_ms, &config->drain_ms};
    config->limits = &limits;
    *times[i] = (uint32_t)INT32_MAX + 1;
    assert_int_equal(fixture_try_start(&fixture, config, NULL), STOA_E_ARGUMENT);
    *times[i] = INT32_MAX;
    fixture_start(&fixture, config, NULL);
    fixture_stop(&fixture);
  }
}

static void test_a_port_that_is_taken_is_refused_and_nothing_runs(void **state) {
  (void)state;
  struct fixture first;
  struct fixture second;
  for (uint32_t workers = 1; workers <= 2; workers++) {
    fixture_start(&first, fixture_config(workers), NULL);
    struct stoa_string taken[] = {stoa_string_of(first.address)};
    struct stoa_server_config *config = fixture_config(workers);
    config->addresses.items = taken;
    assert_int_equal(fixture_try_start(&second, config, NULL), STOA_E_SYSTEM);
    fixture_stop(&first);
  }
}

static void test_a_port_is_shared_by_servers_that_all_set_reuse_port(void **state) {
  (void)state;
  struct fixture servers[3];
  for (uint32_t workers = 1; workers <= 2; workers++) {
    struct stoa_server_config *config = fixture_config(workers);
    config->reuse_port = true;
    fixture_start(&servers[0], config, NULL);
    struct stoa_string shared[] = {stoa_string_of(servers[0].address)};
    config->addresses.items = shared;
    fixture_start(&servers[1], config, NULL);
    assert_string_equal(servers[1].address, servers[0].address);
    config->reuse_port = false;
    assert_int_equal(fixture_try_start(&servers[2], config, NULL), STOA_E_SYSTEM);
    fixture_stop(&servers[1]);
    fixture_stop(&servers[0]);
  }
}

static void test_a_type_has_one_handler(void **state) {
  (void)state;
  struct stoa_server *server = NULL;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  assert_int_equal(sample_v1_sample_register(server, fixture_handlers(), NULL), STOA_OK);
  assert_int_equal(sample_v1_sample_register(server, fixture_handlers(), NULL), STOA_E_EXISTS);
  struct stoa_handler handler = {.name = "none", .type = 9};
  assert_int_equal(stoa_server_handle(server, &handler), STOA_E_ARGUMENT);
  assert_int_equal(stoa_server_set_ping_message(server, 0x40000000u, &sample_v1_alive_message_type), STOA_E_ARGUMENT);
  struct sample_v1_line_message line = {.number = 1};
  struct stoa_uuid id = {{0}};
  assert_int_equal(sample_v1_line_broadcast(server, &line), STOA_E_CLOSED);
  assert_int_equal(sample_v1_line_publish(server, stoa_string_of("g"), &line), STOA_E_CLOSED);
  assert_int_equal(sample_v1_line_send(server, &id, &line), STOA_E_CLOSED);
  assert_int_equal(stoa_server_close_session(server, &id, 1000, ""), STOA_E_CLOSED);
  assert_null(stoa_server_address(server, 0));
  stoa_server_destroy(server);
}

static const struct stoa_error *invoke_none(stoa_handler_function function, void *user, struct stoa_session *session,
                                            const void *message, void *reply) {
  (void)function;
  (void)user;
  (void)session;
  (void)message;
  (void)reply;
  return NULL;
}

static void do_nothing(void) {}

static void test_a_handler_that_is_not_complete_is_refused(void **state) {
  (void)state;
  struct stoa_server *server = NULL;
  const struct stoa_message_type old = {.abi = STOA_DESCRIPTOR_ABI - 1};
  const struct stoa_handler whole = {.message = &sample_v1_line_message_type,
                                     .reply = &sample_v1_line_message_type,
                                     .type = 0x3fffffffu,
                                     .invoke = invoke_none,
                                     .function = do_nothing};
  struct stoa_handler parts[6];
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    parts[i] = whole;
  }
  parts[0].message = NULL;
  parts[1].message = &old;
  parts[2].reply = &old;
  parts[3].type++;
  parts[4].invoke = NULL;
  parts[5].function = NULL;
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    assert_int_equal(stoa_server_handle(server, &parts[i]), STOA_E_ARGUMENT);
  }
  assert_int_equal(stoa_server_handle(server, &whole), STOA_OK);
  stoa_server_destroy(server);
}

static void test_a_server_takes_4096_handlers(void **state) {
  (void)state;
  struct stoa_server *server = NULL;
  struct stoa_handler handler = {
      .message = &sample_v1_line_message_type, .invoke = invoke_none, .function = do_nothing};
  assert_int_equal(stoa_server_create(fixture_config(1), &server), STOA_OK);
  for (; handler.type < 4096; handler.type++) {
    assert_int_equal(stoa_server_handle(server, &handler), STOA_OK);
  }
  assert_int_equal(stoa_server_handle(server, &handler), STOA_E_LIMIT);
  stoa_server_destroy(server);
}

/* Connecting. */

struct door {
  struct counter entered, left;
  char seen[512];
  char token[64];
  struct stoa_uuid id;
  uint16_t code;
  char reason[128];
  bool refuse, farewell, close_at_once;
};

static enum stoa_admission on_connect(void *user, struct stoa_session *session, const struct stoa_request *request,
                                      struct stoa_refusal *out_refusal) {
  struct door *door = user;
  struct stoa_string agent = stoa_request_field(request, "user-agent");
  struct stoa_string none = stoa_request_field(request, "X-Absent");
  snprintf(door->seen, sizeof door->seen, "%.*s|%.*s|%.*s|%s|%.*s|%d|%s", (int)request->path.len, request->path.data,
           (int)request->query.len, request->query.data, (int)request->origin.len,
           request->origin.data == NULL ? "" : request->origin.data, request->address, (int)agent.len, agent.data,
           none.data == NULL, stoa_session_codec(session));
  struct stoa_string token = stoa_request_token(request);
  snprintf(door->token, sizeof door->token, "%.*s", (int)token.len, token.data == NULL ? "" : token.data);
  door->id = *stoa_session_id(session);
  if (door->refuse) {
    out_refusal->close_code = 4507;
    out_refusal->reason = "not today";
  }
  if (door->close_at_once) {
    stoa_session_close(session, 4321, "and close");
  }
  counter_up(&door->entered);
  return door->refuse ? STOA_REFUSE : STOA_ADMIT;
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  struct door *door = user;
  door->code = code;
  snprintf(door->reason, sizeof door->reason, "%s", reason);
  if (door->farewell) {
    struct sample_v1_line_message line = {.text = STOA_STR("somebody left")};
    int ignored = sample_v1_line_broadcast(stoa_session_server(session), &line);
    (void)ignored;
  }
  counter_up(&door->left);
}

static struct door door;
static struct fixture fixture;

static const struct stoa_callbacks *door_callbacks(void) {
  static const struct stoa_callbacks callbacks = {.on_connect = on_connect, .on_closed = on_closed, .user = &door};
  door = (struct door){.entered = COUNTER_INIT, .left = COUNTER_INIT};
  return &callbacks;
}

static void test_the_program_sees_the_request_and_may_refuse_it(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  static const struct stoa_string origins[] = {STOA_STR("https://chat.example")};
  config->path = stoa_string_of("/chat room");
  config->allowed_origins.items = origins;
  config->allowed_origins.count = 1;
  fixture_start(&fixture, config, door_callbacks());
  door.refuse = true;
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/chat%20room?token=a%20b&x", "stoa.json",
                                  "Origin: https://chat.example\r\nUser-Agent: test/1\r\n"),
                   101);
  struct client_frame frame = client_read_message(&client);
  assert_memory_equal(frame.data, "\x40\0\0\0", 4);
  assert_non_null(memmem(frame.data, frame.len, "not today", 9));
  frame = client_read(&client);
  assert_int_equal(frame.opcode, 8);
  assert_int_equal(frame.code, 4507);
  assert_int_equal(frame.len, 2 + strlen("not today"));
  assert_int_equal(client_read_close(&client), 1006);
  client_close(&client);
  assert_string_equal(door.seen, "/chat room|token=a%20b&x|https://chat.example|127.0.0.1|test/1|1|json");
  /* Other refusals come before the upgrade. */
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/chat%20room", NULL, "Origin: https://evil.example\r\n"), 403);
  client_close(&client);
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, "/elsewhere", NULL, NULL), 404);
  client_close(&client);
  client_connect(&client, fixture.address);
  assert_int_equal(client_get(&client, "/chat%20room"), 426);
  client_close(&client);
  fixture_stop(&fixture);
  assert_int_equal(door.entered.value, 1);
  assert_int_equal(door.left.value, 0); /* who was not let in does not leave */
}

/* Ask for a session that is refused, and end. */
static void knock(const char *path, const char *fields) {
  struct client client;
  client_connect(&client, fixture.address);
  assert_int_equal(client_upgrade(&client, path, "stoa.json", fields), 101);
  (void)client_read_message(&client);
  assert_int_equal(client_read(&client).code, 4507);
  assert_int_equal(client_read_close(&client), 1006);
  client_close(&client);
}

static void test_the_program_gets_the_token_of_a_request(void **state) {
  (void)state;
  fixture_start(&fixture, fixture_config(1), door_callbacks());
  door.refuse = true;
  knock("/?access_token=q.q.q", "Authorization: Bearer a.b.c\r\n");
  assert_string_equal(door.token, "a.b.c");
  knock("/?access_token=q.q.q", NULL);
  fixture_stop(&fixture);
  assert_string_equal(door.token, "q.q.q");
}

static void test_a_client_without_a_subprotocol_is_refused_by_a_close_frame_only(void **state) {
  (void)state;
  struct client client;
  fixture_start(&fixture, fixture_config(1), door_callbacks());
  door.refuse = true;
  fixture_connect(&fixture, &client, NULL);
  struct client_frame frame = client_read(&client);
  assert_int_equal(frame.opcode, 8);
  assert_int_equal(frame.code, 4507);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_the_end_of_a_session_is_told_with_its_code_and_reason(void **state) {
  (void)state;
  struct client client;
  fixture_start(&fixture, fixture_config(1), door_callbacks());
  fixture_connect(&fixture, &client, "stoa.json");
  assert_true(client_send(&client, 0x88, "\x0b\xb8going home", 12));
  assert_int_equal(client_read_close(&client), 3000);
  client_close(&client);
  counter_wait(&door.left, 1);
  assert_int_equal(door.code, 3000);
  assert_string_equal(door.reason, "going home");
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_sync(&client);
  client_close(&client); /* without a word */
  counter_wait(&door.left, 2);
  assert_int_equal(door.code, 1006);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_sync(&client);
  assert_int_equal(stoa_server_close_session(fixture.server, &door.id, 4503, "kicked"), STOA_OK);
  assert_int_equal(client_read_close(&client), 4503);
  client_close(&client);
  counter_wait(&door.left, 3);
  assert_int_equal(door.code, 4503);
  assert_string_equal(door.reason, "kicked");
  door.close_at_once = true;
  fixture_connect(&fixture, &client, "stoa.json");
  assert_int_equal(client_read_close(&client), 4321);
  client_close(&client);
  counter_wait(&door.left, 4);
  fixture_stop(&fixture);
}

static void test_a_session_over_the_limit_is_refused_even_while_others_are_sent_messages(void **state) {
  (void)state;
  struct client sender;
  struct client extra[8];
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_limits_config limits = {.address_sessions_max = 1, .limit_loopback = true};
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &sender, "stoa.json");
  fixture_sync(&sender);
  /* Broadcasts gather in the very turns in which the others are refused. */
  for (uint32_t i = 0; i < 200; i++) {
    fixture_send_line(&sender, "t", i);
  }
  for (size_t i = 0; i < 8; i++) {
    client_connect(&extra[i], fixture.address);
    static const char *const protocols[] = {"stoa.json", "stoa.proto", "stoa.text"};
    assert_int_equal(client_upgrade(&extra[i], "/", protocols[i % 3], NULL), 101);
    for (uint32_t k = 0; k < 50; k++) {
      fixture_send_line(&sender, "t", 200 + (uint32_t)i * 50 + k);
    }
    assert_int_equal(client_read_close(&extra[i]), 4014);
    client_close(&extra[i]);
  }
  for (uint32_t i = 0; i < 600; i++) {
    assert_int_equal(fixture_read_line(&sender).number, i);
  }
  client_close(&sender);
  fixture_stop(&fixture);
}

static void test_a_session_that_ends_frees_its_place_in_the_limit_of_its_address(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = fixture_config(2);
  struct stoa_limits_config limits = {.address_sessions_max = 2, .limit_loopback = true};
  config->limits = &limits;
  fixture_start(&fixture, config, door_callbacks());
  for (unsigned i = 0; i < 20; i++) {
    fixture_connect(&fixture, &client, "stoa.json");
    fixture_sync(&client);
    client_close(&client);
    counter_wait(&door.left, i + 1);
  }
  fixture_stop(&fixture);
}

static void test_a_full_server_closes_with_its_code(void **state) {
  (void)state;
  struct client one;
  struct client two;
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_limits_config limits = {.sessions_max = 1};
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &one, "stoa.json");
  fixture_connect(&fixture, &two, "stoa.json");
  assert_int_equal(client_read_close(&two), 4014);
  fixture_sync(&one);
  assert_true(stoa_server_session_count(fixture.server) >= 1);
  client_close(&one);
  client_close(&two);
  fixture_stop(&fixture);
}

static void test_a_message_from_on_closed_arrives_at_once(void **state) {
  (void)state;
  struct client stays;
  struct client leaves;
  for (uint32_t workers = 1; workers <= 2; workers++) {
    fixture_start(&fixture, fixture_config(workers), door_callbacks());
    door.farewell = true;
    fixture_connect(&fixture, &stays, "stoa.json");
    fixture_sync(&stays);
    for (unsigned i = 0; i < 10; i++) {
      fixture_connect(&fixture, &leaves, "stoa.json");
      fixture_sync_past_lines(&leaves);
      client_close(&leaves);
      fixture_expect_line(&stays, "somebody left");
    }
    client_close(&stays);
    fixture_stop(&fixture);
  }
}

/* Sending by id. */

static void test_a_message_by_id_finds_its_session_from_any_thread(void **state) {
  (void)state;
  enum { GUESTS = 12 };
  struct client observers[GUESTS];
  struct stoa_uuid ids[GUESTS];
  fixture_start(&fixture, fixture_config(4), door_callbacks());
  for (unsigned i = 0; i < GUESTS; i++) {
    fixture_connect(&fixture, &observers[i], i % 2 == 0 ? "stoa.json" : NULL);
    counter_wait(&door.entered, i + 1);
    ids[i] = door.id;
  }
  for (uint32_t i = 0; i < GUESTS; i++) {
    for (uint32_t k = 0; k < 100; k++) {
      struct sample_v1_line_message line = {.number = i * 1000 + k, .from = STOA_STR("x"), .text = STOA_STR("y")};
      assert_int_equal(sample_v1_line_send(fixture.server, &ids[i], &line), STOA_OK);
    }
  }
  for (uint32_t i = 0; i < GUESTS; i++) {
    for (uint32_t k = 0; k < 100; k++) {
      assert_int_equal(fixture_read_line(&observers[i]).number, i * 1000 + k);
    }
  }
  struct sample_v1_line_message bad = {.text = STOA_STR("\xff\xfe")};
  assert_int_equal(sample_v1_line_send(fixture.server, &ids[0], &bad), STOA_E_UTF8);
  assert_int_equal(sample_v1_line_broadcast(fixture.server, &bad), STOA_E_UTF8);
  assert_int_equal(stoa_server_send(fixture.server, &ids[0], 0x40000000u, &sample_v1_line_message_type, &bad),
                   STOA_E_ARGUMENT);
  for (unsigned i = 0; i < GUESTS; i++) {
    client_close(&observers[i]);
  }
  counter_wait(&door.left, GUESTS);
  struct sample_v1_line_message line = {.number = 1};
  assert_int_equal(sample_v1_line_send(fixture.server, &ids[0], &line), STOA_E_NOT_FOUND); /* nobody is there */
  assert_int_equal(sample_v1_line_broadcast(fixture.server, &line), STOA_OK);
  fixture_stop(&fixture);
}

/* Addresses. */

static void test_a_unix_socket_stands_beside_a_port_on_several_workers(void **state) {
  (void)state;
  char path[64];
  char unix_address[80];
  snprintf(path, sizeof path, "/tmp/stoa-test-%d.sock", (int)getpid());
  snprintf(unix_address, sizeof unix_address, "unix:%s", path);
  struct stoa_string addresses[] = {stoa_string_of(unix_address), STOA_STR("127.0.0.1:0"), STOA_STR("[::1]:0")};
  struct stoa_server_config *config = fixture_config(3);
  config->addresses.items = addresses;
  config->addresses.count = 3;
  fixture_start(&fixture, config, door_callbacks());
  for (unsigned i = 0; i < 12; i++) {
    struct client client;
    client_connect(&client, stoa_server_address(fixture.server, i % 3));
    assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
    fixture_sync(&client);
    static const char *const origins[] = {"|unix|", "|127.0.0.1|", "|::1|"};
    assert_non_null(strstr(door.seen, origins[i % 3]));
    client_close(&client);
    counter_wait(&door.left, i + 1);
  }
  assert_null(stoa_server_address(fixture.server, 3));
  fixture_stop(&fixture);
  unlink(path);
}

/* The end. */

static void test_a_drain_closes_every_session_with_4001_and_ends(void **state) {
  (void)state;
  enum { GUESTS = 30 };
  struct client observers[GUESTS];
  struct client silent;
  fixture_start(&fixture, fixture_config(2), door_callbacks());
  for (unsigned i = 0; i < GUESTS; i++) {
    fixture_connect(&fixture, &observers[i], "stoa.json");
    fixture_sync(&observers[i]);
  }
  client_connect(&silent, fixture.address); /* has not asked for anything */
  stoa_server_drain(fixture.server);
  stoa_server_drain(fixture.server);
  for (unsigned i = 0; i < GUESTS; i++) {
    assert_int_equal(client_read_close(&observers[i]), 4001);
    client_close(&observers[i]);
  }
  client_close(&silent);
  stoa_server_wait(fixture.server);
  assert_int_equal(stoa_server_session_count(fixture.server), 0);
  assert_int_equal(door.left.value, GUESTS);
  assert_int_equal(door.code, 4001);
  fixture_stop(&fixture);
}

static void test_an_abort_ends_at_once_and_every_session_is_reported(void **state) {
  (void)state;
  struct client observers[5];
  fixture_start(&fixture, fixture_config(2), door_callbacks());
  door.farewell = true;
  for (unsigned i = 0; i < 5; i++) {
    fixture_connect(&fixture, &observers[i], "stoa.json");
    fixture_sync(&observers[i]);
  }
  stoa_server_abort(fixture.server);
  stoa_server_wait(fixture.server);
  fixture_stop(&fixture);
  assert_int_equal(door.left.value, 5);
  assert_int_equal(door.code, 1001);
  for (unsigned i = 0; i < 5; i++) {
    client_read_close(&observers[i]);
    client_close(&observers[i]);
  }
}

/* A ping that goes out while no message is sent leaves the worker at rest. */
static void test_an_idle_worker_closes_its_sessions_in_time(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  config->drain_ms = 300;
  config->ping_interval_ms = 1200;
  for (unsigned i = 0; i < 3; i++) {
    fixture_start(&fixture, config, NULL);
    fixture_connect(&fixture, &client, NULL);
    struct client_frame frame = client_read(&client);
    assert_int_equal(frame.opcode, 9);
    stoa_server_drain(fixture.server);
    stoa_server_wait(fixture.server);
    frame = client_read(&client);
    assert_int_equal(frame.opcode, 8);
    assert_int_equal(frame.code, 4001);
    client_close(&client);
    fixture_stop(&fixture);
  }
}

static void test_a_drain_does_not_wait_for_clients_that_do_not_answer(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  config->drain_ms = 100;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  fixture_sync(&client);
  stoa_server_drain(fixture.server);
  stoa_server_wait(fixture.server); /* though the client neither reads nor goes */
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_too_many_errors_end_a_session(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = fixture_config(1);
  struct stoa_limits_config limits = {.session_errors_max = 3};
  config->limits = &limits;
  fixture_start(&fixture, config, NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  assert_true(client_send_typed(&client, 99, "{}"));
  assert_true(client_send_typed(&client, FIXTURE_LINE, "{\"number\":\"many\"}"));
  assert_true(client_send(&client, 0x82, "\0\0", 2));
  static const uint32_t types[] = {0x40000063u, 0x40000000u, 0x40000000u};
  for (size_t i = 0; i < 3; i++) {
    struct client_frame frame = client_read_message(&client);
    uint32_t type =
        (uint32_t)frame.data[0] << 24 | (uint32_t)frame.data[1] << 16 | (uint32_t)frame.data[2] << 8 | frame.data[3];
    assert_int_equal(type, types[i]);
  }
  assert_int_equal(client_read_close(&client), 4509);
  client_close(&client);
  fixture_stop(&fixture);
}

static void test_a_message_that_breaks_a_rule_reaches_no_handler(void **state) {
  (void)state;
  static const char head[] = "\xc0\x00\x00\x05\x00\x00\x00\x09{\"code\":107,\"reason\":\"BAD_REQUEST\",";
  static const char why[] = "\"message\":\"question: at most 20 characters, got 21\"";
  struct client client;
  fixture_start(&fixture, fixture_config(1), NULL);
  fixture_connect(&fixture, &client, "stoa.json");
  assert_true(client_send_call(&client, FIXTURE_ASK, 8, "{\"question\":\"twenty characters...\"}"));
  struct client_frame frame = client_read_message(&client);
  assert_memory_equal(frame.data, "\x80\x00\x00\x05\x00\x00\x00\x08{\"answer\"", 17);
  assert_true(client_send_call(&client, FIXTURE_ASK, 9, "{\"question\":\"twenty-one characters\"}"));
  frame = client_read_message(&client);
  assert_memory_equal(frame.data, head, sizeof head - 1);
  assert_non_null(memmem(frame.data, frame.len, why, sizeof why - 1));
  client_close(&client);
  fixture_stop(&fixture);
}

static int fail_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                               void *context) {
  static unsigned workers;
  workers += attributes == NULL ? 1 : 0; /* the thread that writes the log has attributes */
  return workers <= 1 ? stoa_sys_real.pthread_create(thread, attributes, run, context) : EAGAIN;
}

static void test_a_thread_that_cannot_be_created_fails_the_start(void **state) {
  (void)state;
  stoa_sys.pthread_create = fail_pthread_create;
  int status = fixture_try_start(&fixture, fixture_config(2), NULL);
  stoa_sys = stoa_sys_real;
  assert_int_equal(status, STOA_E_SYSTEM);
  assert_int_equal(stoa_memory_live_blocks(), fixture.blocks_before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_an_invalid_configuration_is_refused),
      cmocka_unit_test(test_a_time_beyond_what_deadlines_hold_is_refused),
      cmocka_unit_test(test_a_port_that_is_taken_is_refused_and_nothing_runs),
      cmocka_unit_test(test_a_port_is_shared_by_servers_that_all_set_reuse_port),
      cmocka_unit_test(test_a_type_has_one_handler),
      cmocka_unit_test(test_a_handler_that_is_not_complete_is_refused),
      cmocka_unit_test(test_a_server_takes_4096_handlers),
      cmocka_unit_test(test_the_program_sees_the_request_and_may_refuse_it),
      cmocka_unit_test(test_the_program_gets_the_token_of_a_request),
      cmocka_unit_test(test_a_client_without_a_subprotocol_is_refused_by_a_close_frame_only),
      cmocka_unit_test(test_the_end_of_a_session_is_told_with_its_code_and_reason),
      cmocka_unit_test(test_a_session_over_the_limit_is_refused_even_while_others_are_sent_messages),
      cmocka_unit_test(test_a_session_that_ends_frees_its_place_in_the_limit_of_its_address),
      cmocka_unit_test(test_a_full_server_closes_with_its_code),
      cmocka_unit_test(test_a_message_from_on_closed_arrives_at_once),
      cmocka_unit_test(test_a_thread_that_cannot_be_created_fails_the_start),
      cmocka_unit_test(test_a_message_by_id_finds_its_session_from_any_thread),
      cmocka_unit_test(test_a_unix_socket_stands_beside_a_port_on_several_workers),
      cmocka_unit_test(test_a_drain_closes_every_session_with_4001_and_ends),
      cmocka_unit_test(test_an_abort_ends_at_once_and_every_session_is_reported),
      cmocka_unit_test(test_an_idle_worker_closes_its_sessions_in_time),
      cmocka_unit_test(test_a_drain_does_not_wait_for_clients_that_do_not_answer),
      cmocka_unit_test(test_too_many_errors_end_a_session),
      cmocka_unit_test(test_a_message_that_breaks_a_rule_reaches_no_handler),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
