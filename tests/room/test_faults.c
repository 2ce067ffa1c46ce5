/* Every allocation of a scripted use of rooms fails once, and once with all that come after it. What may happen: a
 * status that says so, a close. What may not: a crash, a leak, a completion that never comes, an acknowledged message
 * that is not there, a server whose rooms no longer work.
 *
 * The clients here write JSON themselves, so that only the server's memory fails. */
#include "board.h"

#include <stoa/log.h>
#include <unistd.h>

#include "base/memory.h"

#define FAULTS_MAX 3000u

static struct board board;

static bool is_reply(const struct client_frame *frame, uint32_t type, uint32_t id) {
  return frame->len >= 8 && (frame->data[0] & 0x80) != 0 && frame->data[3] == type && frame->data[7] == id;
}

/* Call, and read up to the answer, be it an error. False when the connection has ended. */
static bool call(struct client *client, uint32_t type, uint32_t id, const char *payload, char out_reply[1024]) {
  out_reply[0] = '\0';
  if (!client_send_call(client, type, id, payload)) {
    return false;
  }
  for (;;) {
    struct client_frame frame = client_read(client);
    if (frame.opcode == CLIENT_CLOSED || frame.opcode == 8) {
      return false;
    }
    if (is_reply(&frame, type, id)) {
      size_t len = frame.len - 8 < 1023 ? frame.len - 8 : 1023;
      memcpy(out_reply, frame.data + 8, len);
      out_reply[len] = '\0';
      return true;
    }
  }
}

static bool enter(struct client *client) {
  client_connect(client, board.address);
  return client_upgrade(client, "/", "stoa.json", NULL) == 101;
}

static uint64_t offset_of(const char *reply) {
  const char *at = strstr(reply, "\"status\":\"OK\"") == NULL ? NULL : strstr(reply, "\"offset\":\"");
  return at == NULL ? 0 : strtoull(at + strlen("\"offset\":\""), NULL, 10);
}

/* Returns the offset that was acknowledged last; 0: none. */
static uint64_t act(struct client *ann, struct client *ben, uint64_t epoch) {
  char reply[1024];
  char join[128];
  uint64_t acknowledged = 0;
  snprintf(join, sizeof join,
           "{\"room\":\"hall\",\"epoch\":\"%llu\",\"offset\":\"1\",\"history\":5,"
           "\"user\":\"ann\",\"info\":\"Ann\",\"presence\":true}",
           (unsigned long long)epoch);
  bool is_alive = call(ann, BOARD_V1_MESSAGE_TYPE_JOIN, 1, join, reply);
  for (uint32_t i = 0; i < 3 && is_alive; i++) {
    is_alive =
        call(ann, BOARD_V1_MESSAGE_TYPE_SEND, 2 + i, "{\"room\":\"hall\",\"text\":\"x\",\"sender\":\"ann\"}", reply);
    uint64_t offset = offset_of(reply);
    acknowledged = offset > acknowledged ? offset : acknowledged;
  }
  bool is_ben_alive =
      call(ben, BOARD_V1_MESSAGE_TYPE_JOIN, 1, join, reply) &&
      call(ben, BOARD_V1_MESSAGE_TYPE_JOIN, 2, "{\"room\":\"other\",\"history\":5,\"user\":\"ben\"}", reply) &&
      call(ben, BOARD_V1_MESSAGE_TYPE_SET, 6, "{\"info\":\"Ben\",\"away\":true}", reply) &&
      call(ben, BOARD_V1_MESSAGE_TYPE_LIST, 7, "{\"room\":\"hall\"}", reply) &&
      call(ben, BOARD_V1_MESSAGE_TYPE_READ, 3, "{\"room\":\"hall\"}", reply) &&
      call(ben, BOARD_V1_MESSAGE_TYPE_SEND, 4, "{\"room\":\"new\",\"text\":\"y\"}", reply) &&
      call(ben, BOARD_V1_MESSAGE_TYPE_LEAVE, 5, "{\"room\":\"hall\"}", reply);
  (void)is_ben_alive;
  return acknowledged;
}

static uint64_t store_first(struct client *ann) {
  char reply[1024];
  assert_true(call(ann, BOARD_V1_MESSAGE_TYPE_SEND, 9, "{\"room\":\"hall\",\"text\":\"0\"}", reply));
  assert_int_equal(offset_of(reply), 1);
  return strtoull(strstr(reply, "\"epoch\":\"") + strlen("\"epoch\":\""), NULL, 10);
}

/* What was acknowledged is there, and rooms work. */
static void check_after(uint64_t acknowledged) {
  struct client carl;
  char reply[1024];
  char number[64];
  assert_true(enter(&carl));
  assert_true(
      call(&carl, BOARD_V1_MESSAGE_TYPE_JOIN, 1, "{\"room\":\"hall\",\"user\":\"carl\",\"presence\":true}", reply));
  assert_non_null(strstr(reply, "\"status\":\"OK\""));
  assert_non_null(strstr(reply, "\"id\":\"carl\""));
  snprintf(number, sizeof number, "\"offset\":\"%llu\"", (unsigned long long)acknowledged);
  assert_true(call(&carl, BOARD_V1_MESSAGE_TYPE_READ, 2, "{\"room\":\"hall\",\"limit\":4}", reply));
  assert_true(acknowledged == 0 || strstr(reply, number) != NULL);
  assert_true(call(&carl, BOARD_V1_MESSAGE_TYPE_SEND, 3, "{\"room\":\"hall\",\"text\":\"z\"}", reply));
  assert_true(offset_of(reply) > acknowledged);
  client_close(&carl);
}

/* False: the script needs fewer allocations than n. */
static bool fail_once(uint64_t n, bool all_after) {
  const struct board_options options = {
      .workers = 2, .rooms = {.ring_messages = 1, .presence_leave_ms = 1, .presence_interval_ms = 1}};
  struct client ann, ben;
  board_start(&board, &options);
  assert_true(enter(&ann));
  assert_true(enter(&ben));
  uint64_t epoch = store_first(&ann);
  stoa_memory_fail_at(n, all_after);
  uint64_t acknowledged = act(&ann, &ben, epoch);
  stoa_memory_fail_at(0, false);
  bool was_hit = stoa_memory_fault_hits() > 0;
  check_after(acknowledged);
  client_close(&ann);
  client_close(&ben);
  board_stop(&board);
  return was_hit;
}

static void fail_each(bool all_after) {
  uint64_t n = 1;
  /* Threads may allocate one less in another run: two runs without a hit are the end. */
  for (int without = 0; without < 2; n++) {
    without = fail_once(n, all_after) ? 0 : without + 1;
    assert_true(n < FAULTS_MAX);
  }
  assert_true(n > 20);
}

static void test_each_allocation_may_fail_once(void **state) {
  (void)state;
  fail_each(false);
}

static void test_all_allocations_after_one_may_fail(void **state) {
  (void)state;
  fail_each(true);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_allocation_may_fail_once),
      cmocka_unit_test(test_all_allocations_after_one_may_fail),
  };
  board_choose(argc, argv);
  stoa_log_setup(STDERR_FILENO, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
