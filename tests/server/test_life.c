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
#include "house.h"

/* Registering and starting. */

static void test_a_configuration_that_cannot_be_is_refused(void **state) {
  (void)state;
  static const struct stoa_string bad_address[] = {STOA_STR("nowhere")};
  static const struct stoa_string secure[] = {STOA_STR("wss://127.0.0.1:0")};
  struct house house;
  struct stoa_server_config *config = house_config(1);
  config->codec = stoa_string_of("morse");
  assert_int_equal(house_try(&house, config, NULL), STOA_E_NOT_FOUND);
  config = house_config(1);
  config->codec = stoa_string_of("proto");
  config->payload_type = STOA_PAYLOAD_TYPE_TEXT;
  assert_int_equal(house_try(&house, config, NULL), STOA_E_ARGUMENT);
  config = house_config(1);
  config->addresses.items = bad_address;
  assert_int_equal(house_try(&house, config, NULL), STOA_E_ARGUMENT);
  config->addresses.items = secure;
  assert_int_equal(house_try(&house, config, NULL), STOA_E_ARGUMENT);
  config = house_config(65);
  assert_int_equal(house_try(&house, config, NULL), STOA_E_ARGUMENT);
  config = house_config(1);
  config->path = stoa_string_of("chat");
  assert_int_equal(house_try(&house, config, NULL), STOA_E_ARGUMENT);
  config = house_config(1);
  config->web_root = stoa_string_of("/nonexistent");
  assert_int_equal(house_try(&house, config, NULL), STOA_E_SYSTEM);
}

static void test_a_time_beyond_what_deadlines_hold_is_refused(void **state) {
  (void)state;
  struct house house;
  for (int i = 0; i < 5; i++) {
    struct stoa_server_config *config = house_config(1);
    struct stoa_limits_config limits = {0};
    uint32_t *const times[] = {&limits.handshake_timeout_ms, &limits.message_timeout_ms, &config->ping_interval_ms,
                               &config->pong_timeout_ms, &config->drain_ms};
    config->limits = &limits;
    *times[i] = (uint32_t)INT32_MAX + 1;
    assert_int_equal(house_try(&house, config, NULL), STOA_E_ARGUMENT);
    *times[i] = INT32_MAX;
    house_start(&house, config, NULL);
    house_end(&house);
  }
}

static void test_a_port_that_is_taken_is_refused_and_nothing_runs(void **state) {
  (void)state;
  struct house first;
  struct house second;
  for (uint32_t workers = 1; workers <= 2; workers++) {
    house_start(&first, house_config(workers), NULL);
    struct stoa_string taken[] = {stoa_string_of(first.address)};
    struct stoa_server_config *config = house_config(workers);
    config->addresses.items = taken;
    assert_int_equal(house_try(&second, config, NULL), STOA_E_SYSTEM);
    house_end(&first);
  }
}

static void test_a_port_is_shared_by_servers_that_all_agree_to_it(void **state) {
  (void)state;
  struct house houses[3];
  for (uint32_t workers = 1; workers <= 2; workers++) {
    struct stoa_server_config *config = house_config(workers);
    config->reuse_port = true;
    house_start(&houses[0], config, NULL);
    struct stoa_string shared[] = {stoa_string_of(houses[0].address)};
    config->addresses.items = shared;
    house_start(&houses[1], config, NULL);
    assert_string_equal(houses[1].address, houses[0].address);
    config->reuse_port = false;
    assert_int_equal(house_try(&houses[2], config, NULL), STOA_E_SYSTEM);
    house_end(&houses[1]);
    house_end(&houses[0]);
  }
}

static void test_a_type_has_one_handler(void **state) {
  (void)state;
  struct stoa_server *server = NULL;
  assert_int_equal(stoa_server_create(house_config(1), &server), STOA_OK);
  assert_int_equal(talk_v1_talk_register(server, house_handlers(), NULL), STOA_OK);
  assert_int_equal(talk_v1_talk_register(server, house_handlers(), NULL), STOA_E_EXISTS);
  struct stoa_handler handler = {.name = "none", .type = 9};
  assert_int_equal(stoa_server_handle(server, &handler), STOA_E_ARGUMENT);
  assert_int_equal(stoa_server_set_ping_message(server, 0x40000000u, &talk_v1_alive_message_type), STOA_E_ARGUMENT);
  struct talk_v1_line_message line = {.number = 1};
  struct stoa_uuid id = {{0}};
  assert_int_equal(talk_v1_line_broadcast(server, &line), STOA_E_CLOSED);
  assert_int_equal(talk_v1_line_publish(server, stoa_string_of("g"), &line), STOA_E_CLOSED);
  assert_int_equal(talk_v1_line_send(server, &id, &line), STOA_E_CLOSED);
  assert_int_equal(stoa_server_close_session(server, &id, 1000, ""), STOA_E_CLOSED);
  assert_null(stoa_server_address(server, 0));
  stoa_server_destroy(server);
}

/* Connecting. */

struct door {
  struct house_count entered, left;
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
    stoa_session_close(session, 4321, "and goodbye");
  }
  house_count_up(&door->entered);
  return door->refuse ? STOA_REFUSE : STOA_ADMIT;
}

static void on_closed(void *user, struct stoa_session *session, uint16_t code, const char *reason) {
  struct door *door = user;
  door->code = code;
  snprintf(door->reason, sizeof door->reason, "%s", reason);
  if (door->farewell) {
    struct talk_v1_line_message line = {.text = STOA_STR("somebody left")};
    int ignored = talk_v1_line_broadcast(stoa_session_server(session), &line);
    (void)ignored;
  }
  house_count_up(&door->left);
}

static struct door door;
static struct house house;

static const struct stoa_callbacks *door_callbacks(void) {
  static const struct stoa_callbacks callbacks = {.on_connect = on_connect, .on_closed = on_closed, .user = &door};
  door = (struct door){.entered = HOUSE_COUNT_INIT, .left = HOUSE_COUNT_INIT};
  return &callbacks;
}

static void test_the_program_sees_the_request_and_may_refuse_it(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = house_config(1);
  static const struct stoa_string origins[] = {STOA_STR("https://chat.example")};
  config->path = stoa_string_of("/chat room");
  config->allowed_origins.items = origins;
  config->allowed_origins.count = 1;
  house_start(&house, config, door_callbacks());
  door.refuse = true;
  client_connect(&client, house.address);
  assert_int_equal(client_upgrade(&client, "/chat%20room?token=a%20b&x", "stoa.json",
                                  "Origin: https://chat.example\r\nUser-Agent: test/1\r\n"),
                   101);
  struct client_frame frame = client_message(&client);
  assert_memory_equal(frame.data, "\x40\0\0\0", 4);
  assert_non_null(memmem(frame.data, frame.len, "not today", 9));
  frame = client_read(&client);
  assert_int_equal(frame.opcode, 8);
  assert_int_equal(frame.code, 4507);
  assert_int_equal(frame.len, 2 + strlen("not today"));
  assert_int_equal(client_goodbye(&client), 1006);
  client_close(&client);
  assert_string_equal(door.seen, "/chat room|token=a%20b&x|https://chat.example|127.0.0.1|test/1|1|json");
  /* Other refusals come before the upgrade. */
  client_connect(&client, house.address);
  assert_int_equal(client_upgrade(&client, "/chat%20room", NULL, "Origin: https://evil.example\r\n"), 403);
  client_close(&client);
  client_connect(&client, house.address);
  assert_int_equal(client_upgrade(&client, "/elsewhere", NULL, NULL), 404);
  client_close(&client);
  client_connect(&client, house.address);
  assert_int_equal(client_get(&client, "/chat%20room"), 426);
  client_close(&client);
  house_end(&house);
  assert_int_equal(door.entered.value, 1);
  assert_int_equal(door.left.value, 0); /* who was not let in does not leave */
}

/* Ask for a session that is refused, and end. */
static void knock(const char *path, const char *fields) {
  struct client client;
  client_connect(&client, house.address);
  assert_int_equal(client_upgrade(&client, path, "stoa.json", fields), 101);
  (void)client_message(&client);
  assert_int_equal(client_read(&client).code, 4507);
  assert_int_equal(client_goodbye(&client), 1006);
  client_close(&client);
}

static void test_the_program_gets_the_token_of_a_request(void **state) {
  (void)state;
  house_start(&house, house_config(1), door_callbacks());
  door.refuse = true;
  knock("/?access_token=q.q.q", "Authorization: Bearer a.b.c\r\n");
  assert_string_equal(door.token, "a.b.c");
  knock("/?access_token=q.q.q", NULL);
  house_end(&house);
  assert_string_equal(door.token, "q.q.q");
}

static void test_the_first_client_is_refused_without_a_word_it_does_not_know(void **state) {
  (void)state;
  struct client client;
  house_start(&house, house_config(1), door_callbacks());
  door.refuse = true;
  house_enter(&house, &client, NULL);
  struct client_frame frame = client_read(&client);
  assert_int_equal(frame.opcode, 8);
  assert_int_equal(frame.code, 4507);
  client_close(&client);
  house_end(&house);
}

static void test_the_end_of_a_session_is_told_with_its_code_and_reason(void **state) {
  (void)state;
  struct client client;
  house_start(&house, house_config(1), door_callbacks());
  house_enter(&house, &client, "stoa.json");
  assert_true(client_send(&client, 0x88, "\x0b\xb8going home", 12));
  assert_int_equal(client_goodbye(&client), 3000);
  client_close(&client);
  house_count_wait(&door.left, 1);
  assert_int_equal(door.code, 3000);
  assert_string_equal(door.reason, "going home");
  house_enter(&house, &client, "stoa.json");
  house_sync(&client);
  client_close(&client); /* without a word */
  house_count_wait(&door.left, 2);
  assert_int_equal(door.code, 1006);
  house_enter(&house, &client, "stoa.json");
  house_sync(&client);
  assert_int_equal(stoa_server_close_session(house.server, &door.id, 4503, "kicked"), STOA_OK);
  assert_int_equal(client_goodbye(&client), 4503);
  client_close(&client);
  house_count_wait(&door.left, 3);
  assert_int_equal(door.code, 4503);
  assert_string_equal(door.reason, "kicked");
  door.close_at_once = true;
  house_enter(&house, &client, "stoa.json");
  assert_int_equal(client_goodbye(&client), 4321);
  client_close(&client);
  house_count_wait(&door.left, 4);
  house_end(&house);
}

static void test_a_session_is_taken_for_over_limit_even_while_others_are_spoken_to(void **state) {
  (void)state;
  struct client talker;
  struct client extra[8];
  struct stoa_server_config *config = house_config(1);
  struct stoa_limits_config limits = {.address_sessions_max = 1, .limit_loopback = true};
  config->limits = &limits;
  house_start(&house, config, NULL);
  house_enter(&house, &talker, "stoa.json");
  house_sync(&talker);
  /* Broadcasts gather in the very turns in which the others are refused. */
  for (uint32_t i = 0; i < 200; i++) {
    house_say(&talker, "t", i);
  }
  for (size_t i = 0; i < 8; i++) {
    client_connect(&extra[i], house.address);
    static const char *const protocols[] = {"stoa.json", "stoa.proto", "stoa.text"};
    assert_int_equal(client_upgrade(&extra[i], "/", protocols[i % 3], NULL), 101);
    for (uint32_t k = 0; k < 50; k++) {
      house_say(&talker, "t", 200 + (uint32_t)i * 50 + k);
    }
    assert_int_equal(client_goodbye(&extra[i]), 4014);
    client_close(&extra[i]);
  }
  for (uint32_t i = 0; i < 600; i++) {
    assert_int_equal(house_hear(&talker).number, i);
  }
  client_close(&talker);
  house_end(&house);
}

static void test_an_address_gives_back_what_it_took(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = house_config(2);
  struct stoa_limits_config limits = {.address_sessions_max = 2, .limit_loopback = true};
  config->limits = &limits;
  house_start(&house, config, door_callbacks());
  for (unsigned i = 0; i < 20; i++) {
    house_enter(&house, &client, "stoa.json");
    house_sync(&client);
    client_close(&client);
    house_count_wait(&door.left, i + 1);
  }
  house_end(&house);
}

static void test_a_full_server_says_so(void **state) {
  (void)state;
  struct client one;
  struct client two;
  struct stoa_server_config *config = house_config(1);
  struct stoa_limits_config limits = {.sessions_max = 1};
  config->limits = &limits;
  house_start(&house, config, NULL);
  house_enter(&house, &one, "stoa.json");
  house_enter(&house, &two, "stoa.json");
  assert_int_equal(client_goodbye(&two), 4014);
  house_sync(&one);
  assert_true(stoa_server_session_count(house.server) >= 1);
  client_close(&one);
  client_close(&two);
  house_end(&house);
}

static void test_a_farewell_from_on_disconnect_arrives_at_once(void **state) {
  (void)state;
  struct client stays;
  struct client leaves;
  for (uint32_t workers = 1; workers <= 2; workers++) {
    house_start(&house, house_config(workers), door_callbacks());
    door.farewell = true;
    house_enter(&house, &stays, "stoa.json");
    house_sync(&stays);
    for (unsigned i = 0; i < 10; i++) {
      house_enter(&house, &leaves, "stoa.json");
      house_sync_past_lines(&leaves);
      client_close(&leaves);
      house_expect(&stays, "somebody left");
    }
    client_close(&stays);
    house_end(&house);
  }
}

/* Sending by id. */

static void test_a_message_by_id_finds_its_session_from_any_thread(void **state) {
  (void)state;
  enum { GUESTS = 12 };
  struct client guests[GUESTS];
  struct stoa_uuid ids[GUESTS];
  house_start(&house, house_config(4), door_callbacks());
  for (unsigned i = 0; i < GUESTS; i++) {
    house_enter(&house, &guests[i], i % 2 == 0 ? "stoa.json" : NULL);
    house_count_wait(&door.entered, i + 1);
    ids[i] = door.id;
  }
  for (uint32_t i = 0; i < GUESTS; i++) {
    for (uint32_t k = 0; k < 100; k++) {
      struct talk_v1_line_message line = {.number = i * 1000 + k, .from = STOA_STR("x"), .text = STOA_STR("y")};
      assert_int_equal(talk_v1_line_send(house.server, &ids[i], &line), STOA_OK);
    }
  }
  for (uint32_t i = 0; i < GUESTS; i++) {
    for (uint32_t k = 0; k < 100; k++) {
      assert_int_equal(house_hear(&guests[i]).number, i * 1000 + k);
    }
  }
  struct talk_v1_line_message bad = {.text = STOA_STR("\xff\xfe")};
  assert_int_equal(talk_v1_line_send(house.server, &ids[0], &bad), STOA_E_UTF8);
  assert_int_equal(talk_v1_line_broadcast(house.server, &bad), STOA_E_UTF8);
  assert_int_equal(stoa_server_send(house.server, &ids[0], 0x40000000u, &talk_v1_line_message_type, &bad),
                   STOA_E_ARGUMENT);
  for (unsigned i = 0; i < GUESTS; i++) {
    client_close(&guests[i]);
  }
  house_count_wait(&door.left, GUESTS);
  struct talk_v1_line_message line = {.number = 1};
  assert_int_equal(talk_v1_line_send(house.server, &ids[0], &line), STOA_E_NOT_FOUND); /* nobody is there */
  assert_int_equal(talk_v1_line_broadcast(house.server, &line), STOA_OK);
  house_end(&house);
}

/* Addresses. */

static void test_a_unix_socket_stands_beside_a_port_on_several_workers(void **state) {
  (void)state;
  char path[64];
  char unix_address[80];
  snprintf(path, sizeof path, "/tmp/stoa-test-%d.sock", (int)getpid());
  snprintf(unix_address, sizeof unix_address, "unix:%s", path);
  struct stoa_string addresses[] = {stoa_string_of(unix_address), STOA_STR("127.0.0.1:0"), STOA_STR("[::1]:0")};
  struct stoa_server_config *config = house_config(3);
  config->addresses.items = addresses;
  config->addresses.count = 3;
  house_start(&house, config, door_callbacks());
  for (unsigned i = 0; i < 12; i++) {
    struct client client;
    client_connect(&client, stoa_server_address(house.server, i % 3));
    assert_int_equal(client_upgrade(&client, "/", "stoa.json", NULL), 101);
    house_sync(&client);
    static const char *const origins[] = {"|unix|", "|127.0.0.1|", "|::1|"};
    assert_non_null(strstr(door.seen, origins[i % 3]));
    client_close(&client);
    house_count_wait(&door.left, i + 1);
  }
  assert_null(stoa_server_address(house.server, 3));
  house_end(&house);
  unlink(path);
}

/* The end. */

static void test_a_drain_says_4001_to_everybody_and_ends(void **state) {
  (void)state;
  enum { GUESTS = 30 };
  struct client guests[GUESTS];
  struct client silent;
  house_start(&house, house_config(2), door_callbacks());
  for (unsigned i = 0; i < GUESTS; i++) {
    house_enter(&house, &guests[i], "stoa.json");
    house_sync(&guests[i]);
  }
  client_connect(&silent, house.address); /* has not asked for anything */
  stoa_server_drain(house.server);
  stoa_server_drain(house.server);
  for (unsigned i = 0; i < GUESTS; i++) {
    assert_int_equal(client_goodbye(&guests[i]), 4001);
    client_close(&guests[i]);
  }
  client_close(&silent);
  stoa_server_wait(house.server);
  assert_int_equal(stoa_server_session_count(house.server), 0);
  assert_int_equal(door.left.value, GUESTS);
  assert_int_equal(door.code, 4001);
  house_end(&house);
}

static void test_an_abort_ends_at_once_and_every_session_is_told(void **state) {
  (void)state;
  struct client guests[5];
  house_start(&house, house_config(2), door_callbacks());
  door.farewell = true;
  for (unsigned i = 0; i < 5; i++) {
    house_enter(&house, &guests[i], "stoa.json");
    house_sync(&guests[i]);
  }
  stoa_server_abort(house.server);
  stoa_server_wait(house.server);
  house_end(&house);
  assert_int_equal(door.left.value, 5);
  assert_int_equal(door.code, 1001);
  for (unsigned i = 0; i < 5; i++) {
    client_goodbye(&guests[i]);
    client_close(&guests[i]);
  }
}

/* A ping that goes out while nobody talks leaves the worker at rest. */
static void test_a_worker_at_rest_says_its_goodbyes_in_time(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = house_config(1);
  config->drain_ms = 300;
  config->ping_interval_ms = 1200;
  for (unsigned i = 0; i < 3; i++) {
    house_start(&house, config, NULL);
    house_enter(&house, &client, NULL);
    struct client_frame frame = client_read(&client);
    assert_int_equal(frame.opcode, 9);
    stoa_server_drain(house.server);
    stoa_server_wait(house.server);
    frame = client_read(&client);
    assert_int_equal(frame.opcode, 8);
    assert_int_equal(frame.code, 4001);
    client_close(&client);
    house_end(&house);
  }
}

static void test_a_drain_does_not_wait_for_who_does_not_answer(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = house_config(1);
  config->drain_ms = 100;
  house_start(&house, config, NULL);
  house_enter(&house, &client, "stoa.json");
  house_sync(&client);
  stoa_server_drain(house.server);
  stoa_server_wait(house.server); /* though the client neither reads nor goes */
  client_close(&client);
  house_end(&house);
}

static void test_too_many_errors_end_a_session(void **state) {
  (void)state;
  struct client client;
  struct stoa_server_config *config = house_config(1);
  struct stoa_limits_config limits = {.session_errors_max = 3};
  config->limits = &limits;
  house_start(&house, config, NULL);
  house_enter(&house, &client, "stoa.json");
  assert_true(client_send_typed(&client, 99, "{}"));
  assert_true(client_send_typed(&client, HOUSE_LINE, "{\"number\":\"many\"}"));
  assert_true(client_send(&client, 0x82, "\0\0", 2));
  static const uint32_t types[] = {0x40000063u, 0x40000000u, 0x40000000u};
  for (size_t i = 0; i < 3; i++) {
    struct client_frame frame = client_message(&client);
    uint32_t type =
        (uint32_t)frame.data[0] << 24 | (uint32_t)frame.data[1] << 16 | (uint32_t)frame.data[2] << 8 | frame.data[3];
    assert_int_equal(type, types[i]);
  }
  assert_int_equal(client_goodbye(&client), 4509);
  client_close(&client);
  house_end(&house);
}

static void test_a_message_that_breaks_a_rule_reaches_no_handler(void **state) {
  (void)state;
  static const char head[] = "\xc0\x00\x00\x05\x00\x00\x00\x09{\"code\":107,\"reason\":\"BAD_REQUEST\",";
  static const char why[] = "\"message\":\"question: at most 20 characters, got 21\"";
  struct client client;
  house_start(&house, house_config(1), NULL);
  house_enter(&house, &client, "stoa.json");
  assert_true(client_send_call(&client, HOUSE_ASK, 8, "{\"question\":\"twenty characters...\"}"));
  struct client_frame frame = client_message(&client);
  assert_memory_equal(frame.data, "\x80\x00\x00\x05\x00\x00\x00\x08{\"answer\"", 17);
  assert_true(client_send_call(&client, HOUSE_ASK, 9, "{\"question\":\"twenty-one characters\"}"));
  frame = client_message(&client);
  assert_memory_equal(frame.data, head, sizeof head - 1);
  assert_non_null(memmem(frame.data, frame.len, why, sizeof why - 1));
  client_close(&client);
  house_end(&house);
}

static int fail_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                               void *context) {
  static unsigned workers;
  workers += attributes == NULL ? 1 : 0; /* the thread that writes the log has attributes */
  return workers <= 1 ? stoa_sys_real.pthread_create(thread, attributes, run, context) : EAGAIN;
}

static void test_a_thread_that_may_not_be_had_ends_the_start(void **state) {
  (void)state;
  stoa_sys.pthread_create = fail_pthread_create;
  int status = house_try(&house, house_config(2), NULL);
  stoa_sys = stoa_sys_real;
  assert_int_equal(status, STOA_E_SYSTEM);
  assert_int_equal(stoa_memory_live_blocks(), house.blocks_before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_configuration_that_cannot_be_is_refused),
      cmocka_unit_test(test_a_time_beyond_what_deadlines_hold_is_refused),
      cmocka_unit_test(test_a_port_that_is_taken_is_refused_and_nothing_runs),
      cmocka_unit_test(test_a_port_is_shared_by_servers_that_all_agree_to_it),
      cmocka_unit_test(test_a_type_has_one_handler),
      cmocka_unit_test(test_the_program_sees_the_request_and_may_refuse_it),
      cmocka_unit_test(test_the_program_gets_the_token_of_a_request),
      cmocka_unit_test(test_the_first_client_is_refused_without_a_word_it_does_not_know),
      cmocka_unit_test(test_the_end_of_a_session_is_told_with_its_code_and_reason),
      cmocka_unit_test(test_a_session_is_taken_for_over_limit_even_while_others_are_spoken_to),
      cmocka_unit_test(test_an_address_gives_back_what_it_took),
      cmocka_unit_test(test_a_full_server_says_so),
      cmocka_unit_test(test_a_farewell_from_on_disconnect_arrives_at_once),
      cmocka_unit_test(test_a_thread_that_may_not_be_had_ends_the_start),
      cmocka_unit_test(test_a_message_by_id_finds_its_session_from_any_thread),
      cmocka_unit_test(test_a_unix_socket_stands_beside_a_port_on_several_workers),
      cmocka_unit_test(test_a_drain_says_4001_to_everybody_and_ends),
      cmocka_unit_test(test_an_abort_ends_at_once_and_every_session_is_told),
      cmocka_unit_test(test_a_worker_at_rest_says_its_goodbyes_in_time),
      cmocka_unit_test(test_a_drain_does_not_wait_for_who_does_not_answer),
      cmocka_unit_test(test_too_many_errors_end_a_session),
      cmocka_unit_test(test_a_message_that_breaks_a_rule_reaches_no_handler),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
