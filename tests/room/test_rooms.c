/* What rooms promise, on real sockets. Arguments: the engine's kind, and how many workers. */
#include "board.h"

static uint32_t workers;

static void start(struct board *board) {
  const struct board_options options = {.workers = workers};
  board_start(board, &options);
}

static void test_a_publisher_gets_its_own_message_before_the_answer(void **state) {
  struct board board;
  struct board_client ann;
  (void)state;
  start(&board);
  board_connect(&board, &ann, "stoa.json");
  const struct board_v1_join_reply *joined = board_join(&ann, "hall", 0, 0, 10);
  assert_true(board_text_is(joined->status, "OK"));
  assert_false(joined->recovered);
  assert_int_equal(joined->member_count, 1);
  assert_int_equal(joined->epoch, 0);
  for (int i = 0; i < 50; i++) {
    uint32_t id = board_send(&ann, "hall", "hello", NULL);
    uint64_t offset = board_expect_post(&ann, "hello");
    struct board_sent sent = board_sent(&ann, id);
    assert_string_equal(sent.status, "OK");
    assert_int_equal(sent.offset, offset);
    assert_true(sent.time_us > 0);
  }
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_members_of_all_codecs_get_the_stamped_message(void **state) {
  static const char *const protocols[] = {"stoa.json", "stoa.proto", NULL};
  struct board board;
  struct board_client members[3], sender;
  (void)state;
  start(&board);
  board_connect(&board, &sender, "stoa.proto");
  for (size_t i = 0; i < 3; i++) {
    board_connect(&board, &members[i], protocols[i]);
    const struct board_v1_enter_message enter = {.room = STOA_STR("hall")};
    board_push(&members[i], BOARD_V1_MESSAGE_TYPE_ENTER, &board_v1_enter_message_type, &enter);
    assert_int_equal(board_read(&members[i]).type, BOARD_V1_MESSAGE_TYPE_ENTER);
  }
  assert_int_equal(stoa_room_member_count(board.rooms, stoa_string_of("hall")), 3);
  struct board_sent sent = board_store(&sender, "hall", "for all", "m1");
  for (size_t i = 0; i < 3; i++) {
    struct board_frame frame = board_read(&members[i]);
    const struct board_v1_post_message *post = frame.message;
    assert_true(board_text_is(post->text, "for all"));
    assert_true(board_text_is(post->room, "hall"));
    assert_true(board_text_is(post->sender, "ann"));
    assert_true(board_text_is(post->client_msg_id, "m1"));
    assert_int_equal(post->offset, sent.offset);
    assert_int_equal(post->epoch, sent.epoch);
    assert_int_equal(post->time_us, sent.time_us);
    assert_false(post->redacted);
    board_disconnect(&members[i]);
  }
  board_disconnect(&sender);
  board_stop(&board);
}

static void test_a_repeated_send_is_stored_once(void **state) {
  struct board board;
  struct board_client ann;
  (void)state;
  start(&board);
  board_connect(&board, &ann, "stoa.json");
  struct board_sent first = board_store(&ann, "hall", "once", "id 1");
  struct board_sent again = board_sent(&ann, board_send(&ann, "hall", "once", "id 1"));
  assert_string_equal(again.status, "DUPLICATE");
  assert_int_equal(again.offset, first.offset);
  assert_int_equal(again.epoch, first.epoch);
  assert_int_equal(again.time_us, first.time_us);
  const struct board_v1_join_reply *joined = board_join(&ann, "hall", 0, 0, 10);
  assert_int_equal(joined->items.count, 1);
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_all_members_get_the_messages_of_two_senders_in_one_order(void **state) {
  enum { EACH = 40, READERS = 3 };
  struct board board;
  struct board_client senders[2], readers[READERS];
  static uint64_t offsets[READERS][2 * EACH];
  (void)state;
  start(&board);
  for (size_t i = 0; i < READERS; i++) {
    board_connect(&board, &readers[i], i % 2 == 0 ? "stoa.json" : "stoa.proto");
    assert_true(board_text_is(board_join(&readers[i], "hall", 0, 0, 0)->status, "OK"));
  }
  board_connect(&board, &senders[0], "stoa.json");
  board_connect(&board, &senders[1], "stoa.proto");
  for (size_t i = 0; i < 2 * EACH; i++) {
    board_send(&senders[i % 2], "hall", i % 2 == 0 ? "even" : "odd", NULL);
    if (i % 20 == 19) { /* stay below the calls of one session */
      for (size_t at = 0; at < 20; at++) {
        board_read(&senders[at % 2]);
      }
    }
  }
  for (size_t reader = 0; reader < READERS; reader++) {
    for (size_t i = 0; i < 2 * EACH; i++) {
      struct board_frame frame = board_read(&readers[reader]);
      assert_int_equal(frame.type, BOARD_V1_MESSAGE_TYPE_POST);
      offsets[reader][i] = ((const struct board_v1_post_message *)frame.message)->offset;
      assert_true(i == 0 || offsets[reader][i] > offsets[reader][i - 1]);
      assert_int_equal(offsets[reader][i], offsets[0][i]);
    }
    board_disconnect(&readers[reader]);
  }
  board_disconnect(&senders[0]);
  board_disconnect(&senders[1]);
  board_stop(&board);
}

static void test_a_join_with_a_position_recovers_all_that_was_missed(void **state) {
  enum { COUNT = 12 };
  struct board board;
  struct board_client ann, reader;
  uint64_t offsets[COUNT];
  uint64_t epoch = 0;
  (void)state;
  start(&board);
  board_connect(&board, &ann, "stoa.json");
  for (size_t i = 0; i < COUNT; i++) {
    bool is_note = i % 3 == 2;
    struct board_sent sent =
        board_sent(&ann, board_send_as(&ann, "hall", is_note ? "note" : "post", is_note ? "note" : ""));
    assert_string_equal(sent.status, "OK");
    offsets[i] = sent.offset;
    epoch = sent.epoch;
  }
  board_connect(&board, &reader, "stoa.proto");
  for (size_t from = 0; from < COUNT; from++) {
    const struct board_v1_join_reply *joined = board_join(&reader, "hall", epoch, offsets[from], 10);
    assert_true(board_text_is(joined->status, "OK"));
    assert_true(joined->was_recovering);
    assert_true(joined->recovered);
    assert_int_equal(joined->count, COUNT - 1 - from);
    assert_int_equal(joined->top, offsets[COUNT - 1]);
    for (size_t i = from + 1; i < COUNT; i++) {
      uint64_t offset = i % 3 == 2 ? board_expect_note(&reader, "note") : board_expect_post(&reader, "post");
      assert_int_equal(offset, offsets[i]);
    }
    board_expect_nothing(&reader);
    assert_string_equal(board_leave(&reader, "hall"), "OK");
  }
  board_disconnect(&reader);
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_a_page_has_the_newest_posts_without_events(void **state) {
  struct board board;
  struct board_client ann;
  (void)state;
  start(&board);
  board_connect(&board, &ann, "stoa.json");
  board_store(&ann, "hall", "1", NULL);
  board_store(&ann, "hall", "2", NULL);
  assert_string_equal(board_sent(&ann, board_send_as(&ann, "hall", "n", "note")).status, "OK");
  uint64_t last = board_store(&ann, "hall", "3", NULL).offset;
  const struct board_v1_join_reply *joined = board_join(&ann, "hall", 0, 0, 2);
  assert_false(joined->was_recovering);
  assert_false(joined->recovered);
  assert_int_equal(joined->items.count, 2);
  assert_true(board_text_is(joined->items.items[0].text, "2"));
  assert_true(board_text_is(joined->items.items[1].text, "3"));
  assert_int_equal(joined->items.items[1].offset, last);
  assert_true(joined->has_more_before);
  assert_int_equal(joined->top, last);
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_a_position_of_another_epoch_is_not_recovered(void **state) {
  struct board board;
  struct board_client ann;
  (void)state;
  start(&board);
  board_connect(&board, &ann, "stoa.json");
  struct board_sent sent = board_store(&ann, "hall", "1", NULL);
  const struct board_v1_join_reply *joined = board_join(&ann, "hall", sent.epoch + 1, sent.offset, 5);
  assert_true(joined->was_recovering);
  assert_false(joined->recovered);
  assert_int_equal(joined->items.count, 1);
  assert_int_equal(joined->epoch, sent.epoch);
  assert_string_equal(board_leave(&ann, "hall"), "OK");
  joined = board_join(&ann, "hall", sent.epoch, sent.offset + 1, 5); /* above the top */
  assert_false(joined->recovered);
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_who_has_left_gets_nothing_more(void **state) {
  struct board board;
  struct board_client ann, ben;
  (void)state;
  start(&board);
  board_connect(&board, &ann, "stoa.json");
  board_connect(&board, &ben, "stoa.json");
  assert_true(board_text_is(board_join(&ben, "hall", 0, 0, 0)->status, "OK"));
  assert_true(board_text_is(board_join(&ben, "hall", 0, 0, 0)->status, "EXISTS"));
  assert_string_equal(board_leave(&ben, "hall"), "OK");
  assert_string_equal(board_leave(&ben, "hall"), "NOT_FOUND");
  board_store(&ann, "hall", "1", NULL);
  board_expect_nothing(&ben);
  assert_int_equal(stoa_room_member_count(board.rooms, stoa_string_of("hall")), 0);
  board_disconnect(&ben);
  board_disconnect(&ann);
  board_stop(&board);
}

/* With its last member the room's group ends, while the join still answers. */
static void test_the_program_may_leave_a_room_as_soon_as_it_is_a_member(void **state) {
  struct board board;
  struct board_client ann;
  (void)state;
  start(&board);
  board.leaves_at_once = true;
  board_connect(&board, &ann, "stoa.json");
  const struct board_v1_join_reply *joined = board_join(&ann, "hall", 0, 0, 10);
  assert_true(board_text_is(joined->status, "OK"));
  assert_string_equal(board_leave(&ann, "hall"), "NOT_FOUND");
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_pages_of_the_history(void **state) {
  enum { COUNT = 9 };
  struct board board;
  struct board_client ann;
  uint64_t offsets[COUNT];
  uint64_t epoch = 0;
  (void)state;
  start(&board);
  board_connect(&board, &ann, "stoa.proto");
  struct board_v1_read_request request = {.room = STOA_STR("hall")};
  const struct board_v1_read_reply *page = board_history(&ann, &request);
  assert_true(board_text_is(page->status, "OK"));
  assert_int_equal(page->epoch, 0);
  assert_int_equal(page->count, 0);
  for (size_t i = 0; i < COUNT; i++) {
    struct board_sent sent = board_store(&ann, "hall", "x", NULL);
    offsets[i] = sent.offset;
    epoch = sent.epoch;
  }
  request.limit = 4;
  page = board_history(&ann, &request);
  assert_int_equal(page->items.count, 4);
  assert_int_equal(page->items.items[0].offset, offsets[5]);
  assert_int_equal(page->items.items[3].offset, offsets[8]);
  assert_true(page->has_more_before);
  assert_false(page->has_more_after);
  request.before = offsets[2];
  page = board_history(&ann, &request);
  assert_int_equal(page->items.count, 2);
  assert_false(page->has_more_before);
  assert_true(page->has_more_after);
  request.before = 0;
  request.after = offsets[2];
  request.epoch = epoch;
  page = board_history(&ann, &request);
  assert_int_equal(page->items.count, 4);
  assert_int_equal(page->items.items[0].offset, offsets[3]);
  assert_true(page->has_more_before);
  assert_true(page->has_more_after);
  request.epoch = epoch + 1;
  assert_true(board_text_is(board_history(&ann, &request)->status, "GONE"));
  request.after = 0;
  assert_true(board_text_is(board_history(&ann, &request)->status, "GONE"));
  board_disconnect(&ann);
  board_stop(&board);
}

static struct board_sent redact(struct board_client *client, const char *room, uint64_t offset) {
  const struct board_v1_send_request request = {
      .room = stoa_string_of(room), .target = offset, .how = STOA_STR("redact")};
  return board_sent(client, board_call(client, BOARD_V1_MESSAGE_TYPE_SEND, &request));
}

static uint64_t note_on(struct board_client *client, uint64_t target) {
  const struct board_v1_send_request request = {
      .room = STOA_STR("hall"), .text = STOA_STR("n"), .target = target, .how = STOA_STR("note")};
  struct board_sent sent = board_sent(client, board_call(client, BOARD_V1_MESSAGE_TYPE_SEND, &request));
  assert_string_equal(sent.status, "OK");
  return sent.offset;
}

static void test_pages_of_the_messages_that_concern_others(void **state) {
  struct board board;
  struct board_client ann;
  uint64_t posts[3];
  (void)state;
  start(&board);
  board_connect(&board, &ann, "stoa.proto");
  for (size_t i = 0; i < 3; i++) {
    posts[i] = board_store(&ann, "hall", "x", NULL).offset;
  }
  note_on(&ann, 0);
  uint64_t first = note_on(&ann, posts[0]);
  note_on(&ann, posts[2]);
  uint64_t second = note_on(&ann, posts[1]);
  struct board_v1_read_request request = {.room = STOA_STR("hall"),
                                          .events = true,
                                          .after = posts[0],
                                          .limit = 1,
                                          .target_first = posts[0],
                                          .target_last = posts[1]};
  const struct board_v1_read_reply *page = board_history(&ann, &request);
  assert_true(board_text_is(page->status, "OK"));
  assert_int_equal(page->count, 1);
  assert_true(page->has_more_after);
  request.after = first;
  page = board_history(&ann, &request);
  assert_int_equal(page->count, 1);
  assert_false(page->has_more_after);
  request.after = second;
  assert_int_equal(board_history(&ann, &request)->count, 0);
  request.target_first = 0;
  assert_true(board_text_is(board_history(&ann, &request)->status, "ARGUMENT"));
  request.target_first = posts[2];
  assert_true(board_text_is(board_history(&ann, &request)->status, "ARGUMENT"));
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_a_redacted_message_keeps_its_place_without_content(void **state) {
  struct board board;
  struct board_client ann, keeper;
  (void)state;
  start(&board);
  board_connect(&board, &ann, "stoa.json");
  board_connect(&board, &keeper, "stoa.proto");
  board_join(&keeper, "hall", 0, 0, 0); /* so that the message is in memory too */
  struct board_sent first = board_store(&ann, "hall", "1", NULL);
  struct board_sent secret = board_store(&ann, "hall", "secret", NULL);
  board_store(&ann, "hall", "3", NULL);
  assert_string_equal(redact(&ann, "hall", secret.offset).status, "OK");
  assert_string_equal(redact(&ann, "hall", secret.offset + 100).status, "NOT_FOUND");
  assert_string_equal(redact(&ann, "no room", 1).status, "NOT_FOUND");
  assert_string_equal(redact(&ann, "hall", 0).status, "ARGUMENT");
  assert_true(board_join(&ann, "hall", first.epoch, first.offset, 5)->recovered);
  struct board_frame frame = board_read(&ann);
  const struct board_v1_post_message *post = frame.message;
  assert_int_equal(post->offset, secret.offset);
  assert_int_equal(post->text.len, 0);
  assert_true(post->redacted);
  board_expect_post(&ann, "3");
  const struct board_v1_read_request request = {.room = STOA_STR("hall")};
  const struct board_v1_read_reply *page = board_history(&ann, &request);
  assert_int_equal(page->items.count, 3);
  assert_true(page->items.items[1].redacted);
  assert_int_equal(page->items.items[1].text.len, 0);
  board_disconnect(&keeper);
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_volatile_messages_reach_the_others_only(void **state) {
  struct board board;
  struct board_client ann, ben;
  (void)state;
  start(&board);
  board_connect(&board, &ann, "stoa.json");
  board_connect(&board, &ben, "stoa.proto");
  board_join(&ann, "hall", 0, 0, 0);
  board_join(&ben, "hall", 0, 0, 0);
  assert_string_equal(board_sent(&ann, board_send_as(&ann, "hall", "…", "typing")).status, "OK");
  assert_int_equal(board_read(&ben).type, BOARD_V1_MESSAGE_TYPE_TYPING);
  board_expect_nothing(&ann);
  const struct board_v1_read_request request = {.room = STOA_STR("hall"), .events = true};
  assert_int_equal(board_history(&ann, &request)->count, 0);
  board_disconnect(&ben);
  board_disconnect(&ann);
  board_stop(&board);
}

static void test_a_plain_session_gets_posts_but_no_events_and_no_volatile_messages(void **state) {
  static const char *const protocols[] = {"stoa.json", NULL, "stoa.proto"};
  struct board board;
  struct board_client members[3], sender;
  (void)state;
  start(&board);
  board_connect(&board, &sender, "stoa.proto");
  for (size_t i = 0; i < 3; i++) {
    board_connect(&board, &members[i], protocols[i]);
    const struct board_v1_enter_message enter = {.room = STOA_STR("hall")};
    board_push(&members[i], BOARD_V1_MESSAGE_TYPE_ENTER, &board_v1_enter_message_type, &enter);
    assert_int_equal(board_read(&members[i]).type, BOARD_V1_MESSAGE_TYPE_ENTER);
  }
  board_store(&sender, "hall", "first", "m1");
  assert_string_equal(board_sent(&sender, board_send_as(&sender, "hall", "n", "note")).status, "OK");
  assert_string_equal(board_sent(&sender, board_send_as(&sender, "hall", "…", "typing")).status, "OK");
  board_store(&sender, "hall", "last", "m2");
  for (size_t i = 0; i < 3; i++) {
    board_expect_post(&members[i], "first");
    if (protocols[i] != NULL) {
      board_expect_note(&members[i], "n");
      assert_int_equal(board_read(&members[i]).type, BOARD_V1_MESSAGE_TYPE_TYPING);
    }
    board_expect_post(&members[i], "last");
    board_disconnect(&members[i]);
  }
  board_disconnect(&sender);
  board_stop(&board);
}

static void test_arguments_are_checked(void **state) {
  static const char *const bad[] = {"", "a\tb", "\xc2\x80", "\x7f",
                                    "0123456789012345678901234567890123456789012345678901234567890123"};
  struct board board;
  struct board_client ann;
  (void)state;
  start(&board);
  board_connect(&board, &ann, "stoa.json");
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_true(board_text_is(board_join(&ann, bad[i], 0, 0, 0)->status, "ARGUMENT"));
    assert_string_equal(board_sent(&ann, board_send(&ann, bad[i], "x", NULL)).status, "ARGUMENT");
    assert_string_equal(board_sent(&ann, board_send_as(&ann, bad[i], "x", "typing")).status, "ARGUMENT");
    const struct board_v1_read_request request = {.room = stoa_string_of(bad[i])};
    assert_true(board_text_is(board_history(&ann, &request)->status, "ARGUMENT"));
    assert_int_equal(stoa_room_member_count(board.rooms, stoa_string_of(bad[i])), 0);
  }
  assert_true(board_text_is(board_join(&ann, "hall", 0, 0, STOA_ROOM_PAGE_MAX + 1)->status, "ARGUMENT"));
  assert_string_equal(board_sent(&ann, board_send_as(&ann, "hall", "x", "unknown type")).status, "ARGUMENT");
  struct board_v1_read_request request = {.room = STOA_STR("hall"), .limit = STOA_ROOM_PAGE_MAX + 1};
  assert_true(board_text_is(board_history(&ann, &request)->status, "ARGUMENT"));
  request = (struct board_v1_read_request){.room = STOA_STR("hall"), .before = 2, .after = 1};
  assert_true(board_text_is(board_history(&ann, &request)->status, "ARGUMENT"));
  char long_id[STOA_CLIENT_MSG_ID_LEN_MAX + 2];
  memset(long_id, 'i', sizeof long_id - 1);
  long_id[sizeof long_id - 1] = '\0';
  assert_string_equal(board_sent(&ann, board_send(&ann, "hall", "x", long_id)).status, "ARGUMENT");
  /* Not on a worker. */
  const struct board_v1_post_message post = {.text = STOA_STR("x")};
  assert_int_equal(
      stoa_room_publish(board.rooms, stoa_string_of("hall"), BOARD_V1_MESSAGE_TYPE_POST, &post, NULL, NULL, NULL),
      STOA_E_ARGUMENT);
  board_disconnect(&ann);
  board_stop(&board);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_publisher_gets_its_own_message_before_the_answer),
      cmocka_unit_test(test_members_of_all_codecs_get_the_stamped_message),
      cmocka_unit_test(test_a_repeated_send_is_stored_once),
      cmocka_unit_test(test_all_members_get_the_messages_of_two_senders_in_one_order),
      cmocka_unit_test(test_a_join_with_a_position_recovers_all_that_was_missed),
      cmocka_unit_test(test_a_page_has_the_newest_posts_without_events),
      cmocka_unit_test(test_a_position_of_another_epoch_is_not_recovered),
      cmocka_unit_test(test_who_has_left_gets_nothing_more),
      cmocka_unit_test(test_the_program_may_leave_a_room_as_soon_as_it_is_a_member),
      cmocka_unit_test(test_pages_of_the_history),
      cmocka_unit_test(test_pages_of_the_messages_that_concern_others),
      cmocka_unit_test(test_a_redacted_message_keeps_its_place_without_content),
      cmocka_unit_test(test_volatile_messages_reach_the_others_only),
      cmocka_unit_test(test_a_plain_session_gets_posts_but_no_events_and_no_volatile_messages),
      cmocka_unit_test(test_arguments_are_checked),
  };
  board_choose(argc, argv);
  workers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
