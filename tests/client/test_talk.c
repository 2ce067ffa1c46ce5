#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "client/client_private.h"
#include "guest.h"

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
  struct guest guest = {0};
  guest_enter(&guest, &options, false);
  assert_int_equal(guest_say(&guest, "me", 7, "héllo \"there\""), STOA_OK);
  guest_await(&guest, &guest.lines, 1);
  assert_string_equal(guest.line_text, "héllo \"there\"");
  if (subprotocol != STOA_CLIENT_NONE) {
    assert_int_equal(guest_ask(&guest, "who?"), STOA_OK);
    guest_await(&guest, &guest.answers, 1);
    assert_string_equal(guest.answer, "who?");
  }
  stoa_client_close(guest.client, 1000, "home");
  guest_await_state(&guest, STOA_CLIENT_ENDED);
  assert_int_equal(guest.status, STOA_OK);
  assert_int_equal(guest.close_code, 1000);
  guest_leave(&guest);
}

static void every_subprotocol_is_spoken(void **state) {
  struct house house;
  (void)state;
  house_start(&house, house_config(1), NULL);
  const char *url = url_of(house.address);
  visit(url, STOA_CLIENT_CODEC, NULL);
  visit(url, STOA_CLIENT_CODEC, &stoa_codec_proto);
  visit(url, STOA_CLIENT_TEXT, NULL);
  visit(url, STOA_CLIENT_NONE, NULL);
  house_end(&house);
}

/* A line of 250 letters, said and heard; true when it came compressed. */
static bool hear_compressed(const char *url, enum stoa_client_subprotocol subprotocol, const struct stoa_codec *codec) {
  const struct stoa_client_options options = {
      .url = url, .subprotocol = subprotocol, .codec = codec, .compression = true};
  struct guest guest = {0};
  char text[64];
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  char from[200];
  memset(from, 'b', sizeof from - 1);
  from[sizeof from - 1] = '\0';
  guest_enter(&guest, &options, false);
  for (unsigned i = 1; i <= 3; i++) {
    assert_int_equal(guest_say(&guest, from, i, text), STOA_OK);
    guest_await(&guest, &guest.lines, i);
    assert_string_equal(guest.line_text, text);
  }
  bool compressed = guest.client->inflater != NULL;
  guest_leave(&guest);
  return compressed;
}

static void a_server_that_compresses_is_understood(void **state) {
  struct house house;
  (void)state;
  for (int on = 0; on <= 1; on++) {
    struct stoa_server_config *config = house_config(1);
    config->compression = on != 0;
    house_start(&house, config, NULL);
    const char *url = url_of(house.address);
    assert_int_equal(hear_compressed(url, STOA_CLIENT_CODEC, NULL), on);
    assert_int_equal(hear_compressed(url, STOA_CLIENT_CODEC, &stoa_codec_proto), on);
    assert_int_equal(hear_compressed(url, STOA_CLIENT_TEXT, NULL), on);
    assert_int_equal(hear_compressed(url, STOA_CLIENT_NONE, NULL), on);
    house_end(&house);
  }
}

static void visit_at(const char *address) {
  struct stoa_server_config *config = house_config(1);
  const struct stoa_string addresses[] = {stoa_string_of(address)};
  struct house house;
  config->addresses.items = addresses;
  house_start(&house, config, NULL);
  visit(url_of(house.address), STOA_CLIENT_CODEC, NULL);
  house_end(&house);
}

static void a_server_is_found_by_ipv6_and_by_a_socket(void **state) {
  char path[64];
  (void)state;
  snprintf(path, sizeof path, "unix:/tmp/stoa-client-%d.sock", (int)getpid());
  visit_at("[::1]:0");
  visit_at(path);
}

static void a_name_is_tried_at_all_its_addresses(void **state) {
  struct house house;
  char url[64];
  (void)state;
  house_start(&house, house_config(1), NULL);
  /* localhost is ::1 first, where nobody listens. */
  snprintf(url, sizeof url, "ws://localhost%s", strrchr(house.address, ':'));
  visit(url, STOA_CLIENT_CODEC, NULL);
  house_end(&house);
}

static void errors_of_messages_and_of_calls_arrive(void **state) {
  struct house house;
  struct guest guest = {0};
  (void)state;
  house_start(&house, house_config(1), NULL);
  const struct stoa_client_options options = {.url = url_of(house.address)};
  guest_enter(&guest, &options, false);
  const struct talk_v1_group_message nonsense = {.action = STOA_STR("fly")};
  assert_int_equal(talk_v1_client_send_group(guest.client, &nonsense), STOA_OK);
  guest_await(&guest, &guest.errors, 1);
  assert_int_equal(guest.error_code, 100);
  const struct talk_v1_line_message bad = {.text = STOA_STR("\xff")};
  assert_int_equal(talk_v1_client_send_line(guest.client, &bad), STOA_E_UTF8);
  const struct talk_v1_ask_request request = {.question = STOA_STR("?")};
  assert_int_equal(talk_v1_talk_client_call_ask(guest.client, &request, 0, NULL, NULL, NULL), STOA_E_ARGUMENT);
  guest_leave(&guest);
  house_end(&house);
}

static void a_guest_comes_back_to_a_server_that_comes_back(void **state) {
  struct house house;
  struct guest guest = {0};
  char address[64];
  (void)state;
  house_start(&house, house_config(1), NULL);
  snprintf(address, sizeof address, "%s", house.address);
  const struct stoa_client_options options = {.url = url_of(address), .retry_min_ms = 1, .retry_max_ms = 20};
  guest_enter(&guest, &options, true);
  stoa_server_destroy(house.server); /* not house_end(): the guest's memory is still there */
  guest_await_state(&guest, STOA_CLIENT_WAITING);
  const struct stoa_string addresses[] = {stoa_string_of(address)};
  struct stoa_server_config *config = house_config(1);
  config->addresses.items = addresses;
  int64_t blocks_before = house.blocks_before;
  house_start(&house, config, NULL);
  guest_await_state(&guest, STOA_CLIENT_OPEN);
  assert_int_equal(guest_ask(&guest, "again?"), STOA_OK);
  guest_await(&guest, &guest.answers, 1);
  guest_leave(&guest);
  house.blocks_before = blocks_before;
  house_end(&house);
}

static void a_draining_server_tells_its_guests_to_come_back(void **state) {
  struct house house;
  struct guest guest = {0};
  (void)state;
  house_start(&house, house_config(1), NULL);
  const struct stoa_client_options options = {
      .url = url_of(house.address), .retry_min_ms = 600000, .retry_max_ms = 600000};
  guest_enter(&guest, &options, true);
  stoa_server_drain(house.server);
  guest_await_state(&guest, STOA_CLIENT_WAITING);
  assert_int_equal(guest.status, STOA_OK);
  assert_int_equal(guest.close_code, 4001);
  guest_leave(&guest);
  house_end(&house);
}

static void a_full_server_tells_a_guest_when_to_come_back(void **state) {
  struct house house;
  struct guest first = {0};
  struct stoa_limits_config limits = {.sessions_max = 1};
  struct stoa_server_config *config = house_config(1);
  (void)state;
  config->limits = &limits;
  house_start(&house, config, NULL);
  const struct stoa_client_options options = {.url = url_of(house.address), .retry_min_ms = 1, .retry_max_ms = 20};
  guest_enter(&first, &options, false);
  for (int i = 0; i < 3; i++) {
    struct guest second = {0};
    assert_int_equal(guest_try(&second, &options), STOA_OK);
    guest_await_state(&second, STOA_CLIENT_WAITING);
    assert_int_equal(second.close_code, STOA_CLOSE_FULL);
    assert_true(second.retry_ms >= 5000); /* as the server's error frame says, not as its own options do */
    assert_int_equal(second.errors, 1);
    assert_int_equal(second.error_code, STOA_ERROR_LIMIT);
    guest_leave(&second);
  }
  /* Those who knocked are no reason to be full. */
  assert_int_equal(guest_ask(&first, "still there?"), STOA_OK);
  guest_await(&first, &first.answers, 1);
  assert_int_equal(stoa_server_session_count(house.server), 1);
  guest_leave(&first);
  house_end(&house);
}

static void a_guest_takes_over_the_server_s_ping_interval(void **state) {
  struct house house;
  struct guest guest = {0};
  struct stoa_server_config *config = house_config(1);
  (void)state;
  config->ping_interval_ms = 1234;
  house_start(&house, config, NULL);
  const struct stoa_client_options options = {.url = url_of(house.address)};
  guest_enter(&guest, &options, false);
  assert_int_equal(guest.client->silence_ms, 1234 + 10000);
  guest_leave(&guest);
  /* The one that is used, also when nobody has set it. */
  house_end(&house);
  house_start(&house, house_config(1), NULL);
  const struct stoa_client_options others = {.url = url_of(house.address)};
  struct guest another = {0};
  guest_enter(&another, &others, false);
  assert_int_equal(another.client->silence_ms, stoa_server_ping_interval_ms(house.server) + 10000);
  guest_leave(&another);
  house_end(&house);
}

/* One of several threads that speak through one client. cmocka's asserts belong to the test's own thread, so what goes
 * wrong elsewhere is counted. */
struct speaker {
  struct guest *guest;
  char name[8];
  unsigned heard;  /* lines of this speaker */
  unsigned astray; /* those that came out of order */
  unsigned failed; /* sends and calls that were refused for another reason than a cap */
  pthread_t thread;
};

static int try_both(struct speaker *speaker, uint32_t number) {
  int status = guest_say(speaker->guest, speaker->name, number, "-");
  while (status == STOA_E_LIMIT) {
    sched_yield();
    status = guest_say(speaker->guest, speaker->name, number, "-");
  }
  if (status != STOA_OK || number % 100 != 0) {
    return status;
  }
  while ((status = guest_ask(speaker->guest, speaker->name)) == STOA_E_LIMIT) {
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

static void on_line(struct guest *guest, const struct talk_v1_line_message *line) {
  struct speaker *speakers = guest->user;
  struct speaker *speaker = &speakers[line->from.data[0] - 'a'];
  speaker->astray += line->number != speaker->heard;
  speaker->heard++;
}

static void threads_share_a_client_and_each_keeps_its_order(void **state) {
  struct house house;
  struct guest guest = {.on_line = on_line};
  struct speaker speakers[SPEAKERS];
  (void)state;
  struct stoa_server_config *config = house_config(2);
  house_start(&house, config, NULL);
  const struct stoa_client_options options = {
      .url = url_of(house.address), .codec = &stoa_codec_proto, .outgoing_bytes_max = 4096};
  guest.user = speakers;
  memset(speakers, 0, sizeof speakers);
  guest_enter(&guest, &options, true);
  for (size_t i = 0; i < SPEAKERS; i++) {
    speakers[i].guest = &guest;
    speakers[i].name[0] = (char)('a' + i);
    assert_int_equal(pthread_create(&speakers[i].thread, NULL, speak, &speakers[i]), 0);
  }
  for (size_t i = 0; i < SPEAKERS; i++) {
    pthread_join(speakers[i].thread, NULL);
  }
  guest_await(&guest, &guest.lines, SPEAKERS * LINES_EACH);
  guest_await(&guest, &guest.answers, SPEAKERS * LINES_EACH / 100);
  guest_leave(&guest);
  for (size_t i = 0; i < SPEAKERS; i++) {
    assert_int_equal(speakers[i].failed, 0);
    assert_int_equal(speakers[i].astray, 0);
    assert_int_equal(speakers[i].heard, LINES_EACH);
  }
  house_end(&house);
}

/* Threads that ask, cancel and close while the client goes: nothing is to be seen but that it holds. */
static void *pester(void *argument) {
  struct guest *guest = argument;
  for (unsigned i = 0; i < 2000; i++) {
    guest_ask(guest, "?");
    stoa_client_cancel(guest->client, i);
    stoa_client_state(guest->client);
  }
  stoa_client_close(guest->client, 1000, "enough");
  return NULL;
}

static void a_client_can_be_pestered_from_all_sides_while_it_ends(void **state) {
  struct house house;
  struct guest guest = {0};
  pthread_t threads[SPEAKERS];
  (void)state;
  house_start(&house, house_config(1), NULL);
  const struct stoa_client_options options = {.url = url_of(house.address)};
  guest_enter(&guest, &options, true);
  for (size_t i = 0; i < SPEAKERS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, pester, &guest), 0);
  }
  for (size_t i = 0; i < SPEAKERS; i++) {
    pthread_join(threads[i], NULL);
  }
  guest_await_state(&guest, STOA_CLIENT_ENDED);
  guest_leave(&guest);
  house_end(&house);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_subprotocol_is_spoken),
      cmocka_unit_test(a_server_that_compresses_is_understood),
      cmocka_unit_test(a_server_is_found_by_ipv6_and_by_a_socket),
      cmocka_unit_test(a_name_is_tried_at_all_its_addresses),
      cmocka_unit_test(errors_of_messages_and_of_calls_arrive),
      cmocka_unit_test(a_guest_comes_back_to_a_server_that_comes_back),
      cmocka_unit_test(a_draining_server_tells_its_guests_to_come_back),
      cmocka_unit_test(a_full_server_tells_a_guest_when_to_come_back),
      cmocka_unit_test(a_guest_takes_over_the_server_s_ping_interval),
      cmocka_unit_test(threads_share_a_client_and_each_keeps_its_order),
      cmocka_unit_test(a_client_can_be_pestered_from_all_sides_while_it_ends),
  };
  return cmocka_run_group_tests_name("client talk", tests, NULL, NULL);
}
