/* Joins while others publish: each member gets every message once and in order, from its position on, however it comes
 * and goes. Arguments: the engine's kind, how many workers, and how many messages are kept in memory. */
#include "board.h"

#include <stoa/worker.h>

#define CLIENTS 12
#define ROUNDS 8
/* Live messages that each client reads in a round. */
#define LIVE 20

static uint32_t workers;
static uint32_t ring_messages;

static struct {
  struct board board;
  atomic_bool stop;
  atomic_uint running;
} world;

/* A publisher on each worker: some messages in a turn, and the next ones when they are stored, so that a client that
 * comes back has not missed more than a recovery holds. */
#define AT_ONCE 5
static struct publisher { uint32_t waiting; } publishers[3];

static void publish_some(struct publisher *publisher);

static void on_stored(void *context, const struct stoa_room_answer *answer) {
  struct publisher *publisher = context;
  assert_true(answer->status == STOA_ROOM_OK || answer->status == STOA_ROOM_CLOSED);
  if (--publisher->waiting == 0) {
    if (world.stop || answer->status == STOA_ROOM_CLOSED) {
      atomic_fetch_sub(&world.running, 1);
    } else {
      publish_some(publisher);
    }
  }
}

/* It goes on in a later turn, so that sessions have theirs. */
static void go_on(struct stoa_worker_timer *timer, int status) {
  struct publisher *publisher = timer->context;
  const struct stoa_publish_options options = {.sender = STOA_STR("ann")};
  const struct board_v1_post_message post = {.text = STOA_STR("x")};
  free(timer);
  if (status != STOA_OK) {
    atomic_fetch_sub(&world.running, 1);
    return;
  }
  publisher->waiting = AT_ONCE;
  for (int i = 0; i < AT_ONCE; i++) {
    assert_int_equal(stoa_room_publish(world.board.rooms, stoa_string_of("hall"), BOARD_V1_MESSAGE_TYPE_POST, &post,
                                       &options, on_stored, publisher),
                     STOA_OK);
  }
}

static void publish_some(struct publisher *publisher) {
  struct stoa_worker_timer *timer = calloc(1, sizeof *timer);
  assert_non_null(timer);
  timer->on_due = go_on;
  timer->context = publisher;
  if (stoa_worker_timer_start(world.board.server, timer, 1) != STOA_OK) {
    free(timer);
    atomic_fetch_sub(&world.running, 1);
  }
}

static void begin(void *context, int status) {
  if (status == STOA_OK) {
    publish_some(context);
  } else {
    atomic_fetch_sub(&world.running, 1);
  }
}

static void start(void) {
  const struct board_options options = {.workers = workers, .rooms = {.ring_messages = ring_messages}};
  world.stop = false;
  board_start(&world.board, &options);
  atomic_store(&world.running, workers);
  for (uint32_t i = 0; i < workers; i++) {
    assert_int_equal(stoa_worker_run(world.board.server, i, begin, &publishers[i]), STOA_OK);
  }
}

static void stop(void) {
  world.stop = true;
  board_stop(&world.board);
  assert_int_equal(atomic_load(&world.running), 0);
}

/* Read posts that follow `offset` without a gap, up to `last`, and some more. */
static uint64_t read_on(struct board_client *client, uint64_t offset, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    struct board_frame frame = board_read(client);
    assert_false(frame.is_reply);
    uint64_t next = ((const struct board_v1_post_message *)frame.message)->offset;
    assert_int_equal(next, offset + 1);
    offset = next;
  }
  return offset;
}

/* Leave; posts up to the reply are from before it. */
static uint64_t leave(struct board_client *client, uint64_t offset) {
  const struct board_v1_leave_request request = {.room = STOA_STR("hall")};
  uint32_t id = board_call(client, BOARD_V1_MESSAGE_TYPE_LEAVE, &request);
  struct board_frame frame = board_read(client);
  while (!frame.is_reply) {
    uint64_t next = ((const struct board_v1_post_message *)frame.message)->offset;
    assert_int_equal(next, offset + 1);
    offset = next;
    frame = board_read(client);
  }
  assert_int_equal(frame.id, id);
  return offset;
}

struct reader {
  struct board_client client;
  uint64_t epoch, offset;
};

static uint64_t take_page(const struct board_v1_join_reply *joined) {
  for (size_t at = 0; at < joined->items.count; at++) {
    assert_int_equal(joined->items.items[at].offset, joined->top - (joined->items.count - 1 - at));
  }
  return joined->top;
}

static void test_members_that_come_and_go_miss_nothing_and_get_nothing_twice(void **state) {
  static struct reader readers[CLIENTS];
  uint32_t recovered = 0;
  (void)state;
  memset(readers, 0, sizeof readers);
  start();
  for (size_t i = 0; i < CLIENTS; i++) {
    board_connect(&world.board, &readers[i].client, i % 2 == 0 ? "stoa.json" : "stoa.proto");
  }
  for (uint32_t round = 0; round < ROUNDS * CLIENTS; round++) {
    struct reader *reader = &readers[(round / 2) % CLIENTS];
    const struct board_v1_join_reply *joined = board_join(&reader->client, "hall", reader->epoch, reader->offset, 10);
    while (board_text_is(joined->status, "BUSY")) {
      joined = board_join(&reader->client, "hall", reader->epoch, reader->offset, 10);
    }
    assert_true(board_text_is(joined->status, "OK"));
    if (joined->recovered) {
      recovered++;
      assert_int_equal(joined->epoch, reader->epoch);
      assert_int_equal(joined->count, joined->top - reader->offset);
    } else {
      reader->offset = take_page(joined);
    }
    reader->epoch = joined->epoch;
    uint64_t missed = joined->top - reader->offset;
    reader->offset = read_on(&reader->client, reader->offset, (uint32_t)missed + LIVE);
    reader->offset = leave(&reader->client, reader->offset);
    if (reader->epoch == 0) {
      const struct board_v1_join_reply *again = board_join(&reader->client, "hall", 0, 0, 10);
      reader->epoch = again->epoch;
      reader->offset = take_page(again);
      reader->offset = leave(&reader->client, reader->offset);
    }
  }
  assert_true(recovered > 0);
  for (size_t i = 0; i < CLIENTS; i++) {
    board_disconnect(&readers[i].client);
  }
  stop();
}

static void test_a_recovery_is_exact_at_every_offset(void **state) {
  enum { COUNT = 14 };
  struct board board;
  struct board_client ann, keeper, reader;
  uint64_t offsets[COUNT];
  uint64_t epoch = 0;
  const struct board_options options = {.workers = workers, .rooms = {.ring_messages = ring_messages}};
  (void)state;
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  board_connect(&board, &keeper, "stoa.json");
  board_connect(&board, &reader, "stoa.json");
  board_join(&keeper, "hall", 0, 0, 0); /* so that the newest messages are kept in memory */
  for (size_t i = 0; i < COUNT; i++) {
    bool is_note = i % 5 == 2;
    struct board_sent sent =
        board_sent(&ann, board_send_as(&ann, "hall", is_note ? "note" : "post", is_note ? "note" : ""));
    offsets[i] = sent.offset;
    epoch = sent.epoch;
  }
  for (size_t from = 0; from < COUNT; from++) {
    const struct board_v1_join_reply *joined = board_join(&reader, "hall", epoch, offsets[from], 10);
    assert_true(joined->recovered);
    assert_int_equal(joined->count, COUNT - 1 - from);
    assert_int_equal(joined->member_count, 2);
    for (size_t i = from + 1; i < COUNT; i++) {
      assert_int_equal(i % 5 == 2 ? board_expect_note(&reader, "note") : board_expect_post(&reader, "post"),
                       offsets[i]);
    }
    board_expect_nothing(&reader);
    assert_string_equal(board_leave(&reader, "hall"), "OK");
  }
  for (uint32_t history = 0; history <= COUNT; history++) {
    const struct board_v1_join_reply *joined = board_join(&reader, "hall", 0, 0, history);
    uint32_t posts = COUNT - 3 < history ? COUNT - 3 : history; /* 3 are notes */
    assert_int_equal(joined->items.count, posts);
    assert_int_equal(joined->top, offsets[COUNT - 1]);
    if (posts > 0) {
      assert_int_equal(joined->items.items[posts - 1].offset, offsets[COUNT - 1]);
    }
    assert_int_equal(joined->has_more_before, posts < COUNT - 3);
    assert_string_equal(board_leave(&reader, "hall"), "OK");
  }
  board_disconnect(&reader);
  board_disconnect(&keeper);
  board_disconnect(&ann);
  board_stop(&board);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_recovery_is_exact_at_every_offset),
      cmocka_unit_test(test_members_that_come_and_go_miss_nothing_and_get_nothing_twice),
  };
  board_choose(argc, argv);
  workers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
  ring_messages = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
