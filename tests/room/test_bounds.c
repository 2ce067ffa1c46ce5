/* What happens at each bound, and when the storage does not work. */
#include "board.h"

#include "base/memory.h"
#include "engine/local/local.h"
#include "engine/memory/memory.h"
#include "room/owner.h"

static struct stoa_engine *memory_engine(const struct stoa_clock *clock, size_t bytes_max, uint64_t messages) {
  const struct stoa_memory_engine_options options = {
      .clock = clock, .bytes_max = bytes_max, .retention = {.messages = messages}};
  struct stoa_engine *engine;
  assert_int_equal(stoa_memory_engine_open(&options, &engine), STOA_OK);
  return engine;
}

static void test_a_session_with_too_many_publishes_is_busy_and_all_behind_too(void **state) {
  const struct board_options options = {.rooms = {.session_publishes_max = 2}};
  struct board board;
  struct board_client ann;
  (void)state;
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  assert_string_equal(board_burst(&ann, "hall", 5, "x"), "OK*2 BUSY*3");
  assert_string_equal(board_burst(&ann, "hall", 2, "x"), "OK*2");
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_a_room_with_too_much_pending_is_busy_and_all_behind_too(void **state) {
  const struct board_options options = {.rooms = {.pending_bytes_max = 1}};
  struct board board;
  struct board_client ann;
  (void)state;
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  for (int i = 0; i < 4; i++) {
    assert_string_equal(board_burst(&ann, "hall", 4, "x"), "OK*1 BUSY*3");
    struct board_sent sent = board_sent(&ann, board_send(&ann, "hall", "x", NULL));
    assert_string_equal(sent.status, "OK");
  }
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_a_recovery_that_does_not_fit_into_the_queue_becomes_a_page(void **state) {
  enum { COUNT = 40 };
  const struct board_options options = {.limits = {.send_queue_bytes_max = 65536}};
  struct board board;
  struct board_client ann;
  char text[3001];
  uint64_t offsets[COUNT];
  uint64_t epoch = 0;
  (void)state;
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  for (int i = 0; i < COUNT; i++) {
    struct board_sent sent = board_store(&ann, "hall", text, NULL);
    offsets[i] = sent.offset;
    epoch = sent.epoch;
  }
  const struct board_v1_join_reply *joined = board_join(&ann, "hall", epoch, offsets[0], 5);
  assert_true(joined->was_recovering);
  assert_false(joined->recovered);
  assert_true(joined->has_more_before);
  assert_int_equal(joined->items.count, 5);
  assert_int_equal(joined->items.items[4].offset, offsets[COUNT - 1]);
  board_expect_nothing(&ann);
  assert_string_equal(board_leave(&ann, "hall"), "OK");
  assert_true(board_join(&ann, "hall", epoch, offsets[COUNT - 6], 5)->recovered);
  for (int i = COUNT - 5; i < COUNT; i++) {
    assert_int_equal(board_expect_post(&ann, text), offsets[i]);
  }
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_full_storage_is_unavailable_and_reads_go_on(void **state) {
  struct board board;
  struct board_client ann;
  struct board_options options = {0};
  (void)state;
  options.blocks_before = stoa_memory_live_blocks();
  options.engine = memory_engine(&stoa_clock_system, 2000, 0);
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  board_store(&ann, "hall", "first", NULL);
  struct board_sent sent = {.status = "OK"};
  for (int i = 0; i < 50 && strcmp(sent.status, "OK") == 0; i++) {
    sent = board_sent(&ann, board_send(&ann, "hall", "more", NULL));
  }
  assert_string_equal(sent.status, "UNAVAILABLE");
  assert_true(sent.retry_ms > 0);
  assert_int_equal(sent.offset, 0);
  const struct board_v1_read_request request = {.room = STOA_STR("hall"), .limit = 1};
  assert_true(board_text_is(board_history(&ann, &request)->status, "OK"));
  board_disconnect(&ann);
  board_stop(&board);
}

/* A database whose steps nobody runs, so that nothing is answered before the end. */
static struct stoa_engine *stuck_engine(const char *folder, const struct stoa_clock *clock) {
  char path[96];
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1];
  struct stoa_engine *engine;
  snprintf(path, sizeof path, "%s/rooms.db", folder);
  const struct stoa_local_engine_options options = {.path = path, .clock = clock, .is_stepped = true};
  assert_int_equal(stoa_local_engine_open(&options, &engine, reason), STOA_OK);
  return engine;
}

static char *new_folder(void) {
  static char folder[64];
  snprintf(folder, sizeof folder, "/tmp/stoa-room-XXXXXX");
  assert_non_null(mkdtemp(folder));
  return folder;
}

static void test_a_publish_without_an_answer_is_unknown_after_its_deadline(void **state) {
  static struct board_clock clock;
  struct board board;
  struct board_client ann, ben;
  struct board_options options = {.workers = 2, .clock = &clock.clock};
  (void)state;
  board_clock_init(&clock);
  options.folder = new_folder();
  options.blocks_before = stoa_memory_live_blocks();
  options.engine = stuck_engine(options.folder, &clock.clock);
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  board_connect(&board, &ben, "stoa.json");
  uint32_t first = board_send(&ann, "hall", "x", "a");
  board_expect_nothing(&ann);
  board_clock_advance_ms(&clock, STOA_ROOM_PUBLISH_MS / 2);
  uint32_t second = board_send(&ann, "hall", "y", "b");
  board_expect_nothing(&ann);
  board_clock_advance_ms(&clock, STOA_ROOM_PUBLISH_MS / 2);
  /* The second fails with the first: it is behind it. Any message wakes the worker. */
  const struct board_v1_leave_request leave = {.room = STOA_STR("x")};
  uint32_t waking = board_call(&ann, BOARD_V1_MESSAGE_TYPE_LEAVE, &leave);
  struct board_frame frame = board_read(&ann);
  if (frame.id == waking) {
    frame = board_read(&ann);
  }
  assert_int_equal(frame.id, first);
  assert_true(board_text_is(((const struct board_v1_send_reply *)frame.message)->status, "UNKNOWN"));
  frame = board_read(&ann);
  if (frame.id == waking) {
    frame = board_read(&ann);
  }
  assert_int_equal(frame.id, second);
  assert_true(board_text_is(((const struct board_v1_send_reply *)frame.message)->status, "UNKNOWN"));
  board_send(&ben, "hall", "z", "c"); /* the end of the server closes it */
  board_expect_nothing(&ben);
  board_disconnect(&ben);
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_everything_in_progress_is_closed_when_the_server_ends(void **state) {
  (void)state;
  for (int workers = 1; workers <= 3; workers += 2) {
    struct board board;
    struct board_client clients[6];
    struct board_options options = {.workers = (uint32_t)workers};
    options.folder = new_folder();
    options.blocks_before = stoa_memory_live_blocks();
    options.engine = stuck_engine(options.folder, &stoa_clock_system);
    board_start(&board, &options);
    for (int i = 0; i < 6; i++) {
      char room[16];
      snprintf(room, sizeof room, "r%d", i % 4);
      board_connect(&board, &clients[i], i % 2 == 0 ? "stoa.json" : "stoa.proto");
      board_send(&clients[i], room, "x", "id");
      board_send(&clients[i], room, "y", NULL);
      board_join_as(&clients[i], room, "");
      const struct board_v1_read_request request = {.room = STOA_STR("r1")};
      board_call(&clients[i], BOARD_V1_MESSAGE_TYPE_READ, &request);
      const struct board_v1_send_request redact = {.room = STOA_STR("r2"), .target = 1, .how = STOA_STR("redact")};
      board_call(&clients[i], BOARD_V1_MESSAGE_TYPE_SEND, &redact);
      board_expect_nothing(&clients[i]);
    }
    for (int i = 0; i < 6; i++) { /* their memory, but not their connections */
      stoa_arena_destroy(clients[i].arena);
      stoa_buffer_fini(&clients[i].out);
    }
    board_stop(&board); /* which counts completions and blocks */
    for (int i = 0; i < 6; i++) {
      client_close(&clients[i].base);
    }
  }
}

static void test_a_room_takes_no_more_members_than_its_bound(void **state) {
  const struct board_options options = {.workers = 2, .rooms = {.members_max = 2}};
  struct board board;
  struct board_client clients[3];
  (void)state;
  board_start(&board, &options);
  for (int i = 0; i < 3; i++) {
    board_connect(&board, &clients[i], "stoa.json");
    const struct board_v1_join_reply *joined = board_join(&clients[i], "hall", 0, 0, 0);
    assert_true(board_text_is(joined->status, i < 2 ? "OK" : "FULL"));
  }
  assert_true(board_text_is(board_join(&clients[2], "other", 0, 0, 0)->status, "OK"));
  assert_string_equal(board_leave(&clients[0], "hall"), "OK");
  assert_true(board_text_is(board_join(&clients[2], "hall", 0, 0, 0)->status, "OK"));
  for (int i = 0; i < 3; i++) {
    board_disconnect(&clients[i]);
  }
  board_stop(&board);
}

static void test_only_administrators_make_rooms_when_it_is_configured(void **state) {
  const struct board_options options = {.rooms = {.create = STOA_ROOMS_CONFIG_CREATE_ADMINISTRATORS}};
  struct board board;
  struct board_client ann;
  (void)state;
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  assert_true(board_text_is(board_join(&ann, "hall", 0, 0, 0)->status, "NOT_FOUND"));
  assert_string_equal(board_sent(&ann, board_send(&ann, "hall", "x", NULL)).status, "NOT_FOUND");
  assert_string_equal(board_sent(&ann, board_send_as(&ann, "hall", "x", "administrator")).status, "OK");
  assert_true(board_text_is(board_join(&ann, "hall", 0, 0, 0)->status, "OK"));
  uint32_t id = board_send(&ann, "hall", "y", NULL);
  board_expect_post(&ann, "y");
  assert_string_equal(board_sent(&ann, id).status, "OK");
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_a_message_that_is_too_long_when_stamped_is_refused(void **state) {
  struct board board;
  struct board_client ann;
  const struct board_options options = {.limits = {.message_bytes_max = 4096}};
  char text[1400];
  (void)state;
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.proto");
  memset(text, '\x01', sizeof text - 1); /* six bytes each in JSON */
  text[sizeof text - 1] = '\0';
  assert_string_equal(board_sent(&ann, board_send(&ann, "hall", text, NULL)).status, "LIMIT");
  text[600] = '\0';
  assert_string_equal(board_sent(&ann, board_send(&ann, "hall", text, NULL)).status, "OK");
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_messages_that_were_removed_are_declared_lost(void **state) {
  static struct board_clock clock;
  struct board board;
  struct board_client ann;
  struct board_options options = {.clock = &clock.clock};
  (void)state;
  board_clock_init(&clock);
  options.blocks_before = stoa_memory_live_blocks();
  options.engine = memory_engine(&clock.clock, 0, 3);
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  struct board_sent first = board_store(&ann, "hall", "0", NULL);
  for (int i = 0; i < 5; i++) {
    board_store(&ann, "hall", "old", NULL);
  }
  board_clock_advance_ms(&clock, STOA_ENGINE_ONCE_MS + 1000);
  board_store(&ann, "hall", "new", NULL);
  const struct board_v1_join_reply *joined = board_join(&ann, "hall", first.epoch, first.offset, 10);
  assert_true(board_text_is(joined->status, "OK"));
  assert_true(joined->was_recovering);
  assert_false(joined->recovered);
  assert_true(joined->items.count > 0);
  assert_true(joined->items.count <= 4);
  assert_true(joined->floor > first.offset);
  assert_true(board_text_is(joined->items.items[joined->items.count - 1].text, "new"));
  struct board_v1_read_request request = {.room = STOA_STR("hall"), .epoch = first.epoch, .after = first.offset};
  assert_true(board_text_is(board_history(&ann, &request)->status, "GONE"));
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_more_than_a_recovery_holds_is_not_recovered(void **state) {
  const struct board_options options = {.rooms = {.session_publishes_max = 4000}};
  struct board board;
  struct board_client ann, ben;
  (void)state;
  for (int is_loaded = 0; is_loaded < 2; is_loaded++) {
    board_start(&board, &options);
    board_connect(&board, &ann, "stoa.json");
    board_connect(&board, &ben, "stoa.proto");
    if (is_loaded) {
      board_join(&ben, "hall", 0, 0, 0);
    }
    struct board_sent first = board_store(&ann, "hall", "0", NULL);
    assert_string_equal(board_burst(&ann, "hall", STOA_ROOM_RECOVERY_MAX, "x"), "OK*1000");
    const struct board_v1_join_reply *joined = board_join(&ann, "hall", first.epoch, first.offset, 2);
    assert_true(joined->recovered);
    assert_int_equal(joined->count, STOA_ROOM_RECOVERY_MAX);
    for (int i = 0; i < (int)STOA_ROOM_RECOVERY_MAX; i++) {
      board_expect_post(&ann, "x");
    }
    assert_string_equal(board_leave(&ann, "hall"), "OK");
    board_store(&ann, "hall", "last", NULL);
    joined = board_join(&ann, "hall", first.epoch, first.offset, 2);
    assert_true(joined->was_recovering);
    assert_false(joined->recovered);
    assert_true(joined->has_more_before);
    assert_int_equal(joined->items.count, 2);
    assert_true(board_text_is(joined->items.items[1].text, "last"));
    board_disconnect(&ben);
    board_disconnect(&ann);
    board_stop(&board);
  }
}

static void erase(struct board *board, void *context) {
  const struct stoa_room_name name = stoa_room_name_make(stoa_string_of(context));
  assert_int_equal(
      stoa_engine_erase_room(stoa_room_worker_owner(board->rooms, &name)->port, stoa_room_name_text(&name), NULL, NULL),
      STOA_OK);
}

static void test_members_of_a_room_that_begins_again_are_closed_with_4010(void **state) {
  char room[] = "hall";
  struct board board;
  struct board_client ann, ben;
  const struct board_options options = {.workers = 3};
  (void)state;
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  board_connect(&board, &ben, "stoa.json");
  struct board_sent sent = board_store(&ann, room, "x", NULL);
  board_join(&ben, room, 0, 0, 0);
  board_join(&ann, room, 0, 0, 0);
  board_run_on_owner(&board, room, erase, room);
  assert_int_equal(client_read_close(&ben.base), STOA_CLOSE_POSITION_LOST);
  assert_int_equal(client_read_close(&ann.base), STOA_CLOSE_POSITION_LOST);
  board_disconnect(&ann);
  board_connect(&board, &ann, "stoa.json");
  struct board_sent next = board_store(&ann, room, "y", NULL);
  assert_true(next.epoch != sent.epoch);
  const struct board_v1_join_reply *joined = board_join(&ann, room, sent.epoch, sent.offset, 5);
  assert_false(joined->recovered);
  assert_int_equal(joined->items.count, 1);
  assert_int_equal(joined->epoch, next.epoch);
  board_disconnect(&ben);
  board_disconnect(&ann);
  board_stop(&board);
}

static void store_foreign(struct board *board, void *context) {
  const struct stoa_room_name name = stoa_room_name_make(stoa_string_of(context));
  struct stoa_engine_port *port = stoa_room_worker_owner(board->rooms, &name)->port;
  struct stoa_engine_draft draft = {.kind = STOA_ENGINE_CHAT, .type = 77, .body = {(const uint8_t *)"x", 1}};
  assert_int_equal(stoa_engine_publish(port, stoa_room_name_text(&name), &draft, NULL, NULL), STOA_OK);
  draft.type = BOARD_V1_MESSAGE_TYPE_POST; /* but the body is no Post */
  assert_int_equal(stoa_engine_publish(port, stoa_room_name_text(&name), &draft, NULL, NULL), STOA_OK);
}

static void test_stored_messages_that_cannot_be_read_are_left_out(void **state) {
  char room[] = "hall";
  struct board board;
  struct board_client ann;
  const struct board_options options = {0};
  (void)state;
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  struct board_sent before = board_store(&ann, room, "before", NULL);
  board_join(&ann, room, 0, 0, 0);
  board_run_on_owner(&board, room, store_foreign, room);
  uint32_t id = board_send(&ann, room, "after", NULL);
  uint64_t offset = board_expect_post(&ann, "after");
  assert_int_equal(offset, before.offset + 3);
  board_sent(&ann, id);
  assert_string_equal(board_leave(&ann, room), "OK");
  const struct board_v1_join_reply *joined = board_join(&ann, room, before.epoch, before.offset, 5);
  assert_true(joined->recovered);
  assert_int_equal(joined->count, 1);
  assert_int_equal(board_expect_post(&ann, "after"), offset);
  board_disconnect(&ann);
  board_stop(&board);
}

static void count_loaded(struct board *board, void *context) {
  size_t *out_count = context;
  const struct stoa_room_name name = stoa_room_name_make(stoa_string_of("hall"));
  *out_count = stoa_room_worker_owner(board->rooms, &name)->loaded.count;
}

static void test_a_room_without_members_is_forgotten_and_loaded_again(void **state) {
  static struct board_clock clock;
  struct board board;
  struct board_client ann;
  size_t count = 0;
  const struct board_options options = {.clock = &clock.clock};
  (void)state;
  board_clock_init(&clock);
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.json");
  board_join(&ann, "hall", 0, 0, 0);
  for (int i = 0; i < 60; i++) { /* with a member it stays */
    board_clock_advance_ms(&clock, STOA_ROOM_CHECK_MS);
    board_expect_nothing(&ann); /* so that the session is not taken for dead */
    board_run_on_owner(&board, "hall", count_loaded, &count);
  }
  assert_int_equal(count, 1);
  assert_string_equal(board_leave(&ann, "hall"), "OK");
  for (int i = 0; i < 100 && count > 0; i++) {
    board_clock_advance_ms(&clock, STOA_ROOM_CHECK_MS);
    board_expect_nothing(&ann);
    board_run_on_owner(&board, "hall", count_loaded, &count);
  }
  assert_int_equal(count, 0);
  struct board_sent sent = board_store(&ann, "hall", "x", NULL);
  const struct board_v1_join_reply *joined = board_join(&ann, "hall", sent.epoch, sent.offset, 0);
  assert_true(joined->recovered);
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_a_leave_or_an_end_undoes_a_join_without_an_answer(void **state) {
  struct board board;
  struct board_client ann, ben;
  const struct board_options options = {.workers = 3};
  (void)state;
  board_start(&board, &options);
  for (int i = 0; i < 12; i++) {
    char room[16];
    snprintf(room, sizeof room, "r%d", i);
    board_connect(&board, &ann, "stoa.json");
    board_connect(&board, &ben, "stoa.json");
    const struct board_v1_join_reply *joined = board_reply(&ann, board_join_as(&ann, room, "leave"));
    assert_true(board_text_is(joined->status, "LEFT"));
    board_store(&ben, room, "x", NULL);
    board_expect_nothing(&ann);
    /* Left, and at once again: it is a member. */
    uint32_t left = board_join_as(&ann, room, "leave");
    uint32_t again = board_join_as(&ann, room, "");
    for (int reply = 0; reply < 2; reply++) {
      struct board_frame frame = board_read(&ann);
      joined = frame.message;
      assert_true(frame.id == left || frame.id == again);
      assert_true(board_text_is(joined->status, frame.id == left ? "LEFT" : "OK"));
    }
    uint32_t id = board_send(&ben, room, "y", NULL);
    board_expect_post(&ann, "y");
    board_sent(&ben, id);
    board_join_as(&ben, room, "close");
    assert_int_equal(client_read_close(&ben.base), 4999);
    board_disconnect(&ben);
    board_disconnect(&ann);
  }
  board_stop(&board);
}

static void test_a_member_that_does_not_read_is_closed_with_4008_and_recovers(void **state) {
  enum { COUNT = 400 };
  struct board board;
  struct board_client ann, slow;
  static char text[9000];
  const struct board_options options = {.workers = 2, .limits = {.send_queue_bytes_max = 65536}};
  (void)state;
  memset(text, 't', sizeof text - 1);
  board_start(&board, &options);
  board_connect(&board, &ann, "stoa.proto");
  board_connect(&board, &slow, "stoa.proto");
  board_join(&slow, "hall", 0, 0, 0);
  struct board_sent last = {0};
  size_t sent = 0;
  while (stoa_room_member_count(board.rooms, stoa_string_of("hall")) > 0) {
    last = board_store(&ann, "hall", text, NULL);
    assert_true(++sent < 20000);
  }
  for (int i = 0; i < 5; i++) {
    last = board_store(&ann, "hall", text, NULL);
  }
  uint64_t offset = 0;
  struct client_frame frame = client_read(&slow.base);
  while (frame.opcode == 2) { /* what came before the end */
    struct board_v1_post_message post = {0};
    stoa_arena_reset(slow.arena);
    assert_int_equal(stoa_codec_proto.decode(&board_v1_post_message_type,
                                             stoa_bytes_make(frame.data + 4, frame.len - 4), slow.arena, &post, NULL),
                     STOA_OK);
    assert_int_equal(post.offset, offset + 1);
    offset = post.offset;
    frame = client_read(&slow.base);
  }
  assert_true(frame.opcode == 8 && frame.code == STOA_CLOSE_SLOW);
  assert_true(offset < last.offset);
  board_disconnect(&slow);
  board_connect(&board, &slow, "stoa.proto");
  /* As the queue holds less than all that it missed, it comes back with its new position as often as it must. */
  const struct board_v1_read_request request = {
      .room = STOA_STR("hall"), .epoch = last.epoch, .after = offset, .limit = 5};
  const struct board_v1_read_reply *page = board_history(&slow, &request);
  assert_true(board_text_is(page->status, "OK"));
  assert_true(page->items.count > 0);
  const struct board_v1_join_reply *joined = board_join(&slow, "hall", last.epoch, last.offset - 4, 0);
  assert_true(joined->recovered);
  for (uint64_t at = last.offset - 3; at <= last.offset; at++) {
    assert_int_equal(board_expect_post(&slow, text), at);
  }
  board_disconnect(&slow);
  board_disconnect(&ann);
  board_stop(&board);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_session_with_too_many_publishes_is_busy_and_all_behind_too),
      cmocka_unit_test(test_a_recovery_that_does_not_fit_into_the_queue_becomes_a_page),
      cmocka_unit_test(test_a_room_with_too_much_pending_is_busy_and_all_behind_too),
      cmocka_unit_test(test_full_storage_is_unavailable_and_reads_go_on),
      cmocka_unit_test(test_a_publish_without_an_answer_is_unknown_after_its_deadline),
      cmocka_unit_test(test_everything_in_progress_is_closed_when_the_server_ends),
      cmocka_unit_test(test_a_room_takes_no_more_members_than_its_bound),
      cmocka_unit_test(test_only_administrators_make_rooms_when_it_is_configured),
      cmocka_unit_test(test_a_message_that_is_too_long_when_stamped_is_refused),
      cmocka_unit_test(test_messages_that_were_removed_are_declared_lost),
      cmocka_unit_test(test_more_than_a_recovery_holds_is_not_recovered),
      cmocka_unit_test(test_members_of_a_room_that_begins_again_are_closed_with_4010),
      cmocka_unit_test(test_stored_messages_that_cannot_be_read_are_left_out),
      cmocka_unit_test(test_a_room_without_members_is_forgotten_and_loaded_again),
      cmocka_unit_test(test_a_leave_or_an_end_undoes_a_join_without_an_answer),
      cmocka_unit_test(test_a_member_that_does_not_read_is_closed_with_4008_and_recovers),
  };
  board_choose(argc, argv);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
