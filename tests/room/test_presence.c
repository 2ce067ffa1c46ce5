/* Presence with real sockets, on as many workers as the argument says. */
#include "board.h"
#include "presence_board.h"

#include <stoa/worker.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "room/owner.h"
#include "room/presence.h"
#include "room/rooms.h"

static uint32_t workers;

static const struct stoa_rooms_config quick = {.presence_leave_ms = 30, .presence_interval_ms = 5};

struct guest {
  struct board_client client;
  struct presence_view view;
};

/* Clients. */

/* The reply to a call; diffs that come before it are applied. */
static const void *reply(struct guest *guest, uint32_t id) {
  for (;;) {
    struct board_frame frame = board_read(&guest->client);
    if (frame.is_reply) {
      assert_int_equal(frame.id, id);
      assert_false(frame.is_error);
      return frame.message;
    }
    if (frame.type == BOARD_V1_MESSAGE_TYPE_CHANGES) {
      presence_apply(&guest->view, frame.message);
    }
  }
}

static const struct board_v1_join_reply *join_with(struct guest *guest, const struct board_v1_join_request *request) {
  const struct board_v1_join_reply *joined =
      reply(guest, board_call(&guest->client, BOARD_V1_MESSAGE_TYPE_JOIN, request));
  if (joined->presence != NULL) {
    presence_take_list(&guest->view, joined->presence);
  }
  return joined;
}

static const struct board_v1_join_reply *join(struct guest *guest, const char *user, const char *info, bool presence) {
  const struct board_v1_join_request request = {
      .room = STOA_STR("hall"), .user = stoa_string_of(user), .info = stoa_string_of(info), .presence = presence};
  const struct board_v1_join_reply *joined = join_with(guest, &request);
  assert_true(board_text_is(joined->status, "OK"));
  assert_int_equal(joined->presence != NULL, presence);
  return joined;
}

static void leave(struct guest *guest, const char *room) {
  const struct board_v1_leave_request request = {.room = stoa_string_of(room)};
  const struct board_v1_leave_reply *left =
      reply(guest, board_call(&guest->client, BOARD_V1_MESSAGE_TYPE_LEAVE, &request));
  assert_true(board_text_is(left->status, "OK"));
}

static const char *set(struct guest *guest, const char *room, const char *info, bool is_away) {
  static char status[32];
  const struct board_v1_set_request request = {
      .room = stoa_string_of(room), .info = stoa_string_of(info), .away = is_away};
  const struct board_v1_set_reply *answer =
      reply(guest, board_call(&guest->client, BOARD_V1_MESSAGE_TYPE_SET, &request));
  snprintf(status, sizeof status, "%.*s", (int)answer->status.len, answer->status.data);
  return status;
}

static const struct board_v1_list_reply *list(struct guest *guest, const char *room) {
  const struct board_v1_list_request request = {.room = stoa_string_of(room)};
  return reply(guest, board_call(&guest->client, BOARD_V1_MESSAGE_TYPE_LIST, &request));
}

static void read_list(struct guest *guest, const char *room, struct presence_view *out_view) {
  const struct board_v1_list_reply *answer = list(guest, room);
  assert_true(board_text_is(answer->status, "OK"));
  presence_take_list(out_view, answer);
}

/* Read diffs until the view has that user with so many sessions; 0: until it does not have it. */
static const struct presence_view_user *wait_for(struct guest *guest, const char *user, uint32_t sessions) {
  for (;;) {
    const struct presence_view_user *found = presence_view_find(&guest->view, user);
    if ((found == NULL ? 0 : found->sessions) == sessions) {
      return found;
    }
    struct board_frame frame = board_read(&guest->client);
    assert_int_equal(frame.type, BOARD_V1_MESSAGE_TYPE_CHANGES);
    presence_apply(&guest->view, frame.message);
  }
}

static void wait_for_info(struct guest *guest, const char *user, const char *info, bool is_away) {
  for (;;) {
    const struct presence_view_user *found = presence_view_find(&guest->view, user);
    if (found != NULL && strcmp(found->info, info) == 0 && found->is_away == is_away) {
      return;
    }
    struct board_frame frame = board_read(&guest->client);
    assert_int_equal(frame.type, BOARD_V1_MESSAGE_TYPE_CHANGES);
    presence_apply(&guest->view, frame.message);
  }
}

static void enter(struct board *board, struct guest *guest) {
  static unsigned count;
  memset(guest, 0, sizeof *guest);
  board_connect(board, &guest->client, count++ % 2 == 0 ? "stoa.json" : "stoa.proto");
}

static void exit_all(struct guest *guests, size_t count) {
  for (size_t i = 0; i < count; i++) {
    board_disconnect(&guests[i].client);
  }
}

static void start(struct board *board, const struct stoa_rooms_config *rooms, const struct stoa_clock *clock) {
  const struct board_options options = {.workers = workers, .rooms = *rooms, .clock = clock};
  board_start(board, &options);
}

static void do_nothing(struct board *board, void *context) {
  (void)board;
  (void)context;
}

/* Let time pass for the owner of the room, whose timers run then. */
static void pass_ms(struct board *board, struct board_clock *clock, uint64_t ms) {
  board_clock_advance_ms(clock, ms);
  for (int i = 0; i < 3; i++) {
    board_run_on_owner(board, "hall", do_nothing, NULL);
  }
}

/* Tests. */

static void test_a_user_is_in_a_room_once_with_all_its_sessions(void **state) {
  struct board board;
  struct guest guests[4];
  (void)state;
  start(&board, &quick, NULL);
  for (size_t i = 0; i < 4; i++) {
    enter(&board, &guests[i]);
  }
  const struct board_v1_join_reply *joined = join(&guests[0], "ann", "Ann", true);
  assert_int_equal(joined->user_count, 1);
  assert_int_equal(joined->presence->users.count, 1); /* itself */
  joined = join(&guests[1], "ann", "Ann", false);
  assert_int_equal(joined->user_count, 1);
  assert_int_equal(joined->member_count, 2);
  joined = join(&guests[2], "ben", "Ben", true);
  assert_int_equal(joined->user_count, 2);
  assert_int_equal(joined->presence->total, 2);
  assert_int_equal(presence_view_find(&guests[2].view, "ann")->sessions, 2);
  assert_string_equal(presence_view_find(&guests[2].view, "ann")->info, "Ann");
  joined = join(&guests[3], "", "", true); /* it looks, and is not counted */
  assert_int_equal(joined->user_count, 2);
  assert_int_equal(joined->member_count, 4);
  wait_for(&guests[0], "ben", 1);
  assert_int_equal(wait_for(&guests[0], "ann", 2)->sessions, 2);
  leave(&guests[1], "hall");
  for (size_t i = 0; i < 4; i += i == 0 ? 2 : 1) {
    wait_for(&guests[i], "ann", 1);
    assert_int_equal(guests[i].view.total, 2);
  }
  leave(&guests[2], "hall");
  wait_for(&guests[0], "ben", 0);
  wait_for(&guests[3], "ben", 0);
  assert_int_equal(guests[3].view.total, 1);
  exit_all(guests, 4);
  board_stop(&board);
}

static void test_members_that_did_not_ask_get_no_diffs(void **state) {
  struct board board;
  struct guest ann, ben;
  struct board_client plain;
  (void)state;
  start(&board, &quick, NULL);
  enter(&board, &ann);
  enter(&board, &ben);
  board_connect(&board, &plain, NULL);
  const struct board_v1_enter_message request = {.room = STOA_STR("hall")};
  board_push(&plain, BOARD_V1_MESSAGE_TYPE_ENTER, &board_v1_enter_message_type, &request);
  assert_int_equal(board_read(&plain).type, BOARD_V1_MESSAGE_TYPE_ENTER);
  join(&ben, "ben", "", false);
  join(&ann, "ann", "", true);
  assert_string_equal(set(&ann, "hall", "away", true), "OK");
  wait_for_info(&ann, "ann", "away", true);
  board_expect_nothing(&ben.client);
  board_store(&ben.client, "yard", "elsewhere", NULL);
  uint32_t id = board_send(&ben.client, "hall", "x", NULL);
  board_expect_post(&ben.client, "x");
  board_sent(&ben.client, id);
  board_expect_post(&plain, "x");
  board_disconnect(&plain);
  board_disconnect(&ben.client);
  board_disconnect(&ann.client);
  board_stop(&board);
}

static void test_a_user_that_comes_back_in_time_was_never_gone(void **state) {
  static struct board_clock clock;
  struct board board;
  struct guest ann, ben;
  struct presence_view fresh;
  (void)state;
  board_clock_init(&clock);
  start(&board, &(const struct stoa_rooms_config){0}, &clock.clock); /* the defaults: 5 s, 250 ms */
  enter(&board, &ann);
  enter(&board, &ben);
  join(&ben, "ben", "", true);
  join(&ann, "ann", "Ann", false);
  pass_ms(&board, &clock, 250);
  wait_for(&ben, "ann", 1);
  uint32_t diffs = atomic_load(&board.diffs);
  uint64_t version = ben.view.version;
  for (int i = 0; i < 3; i++) {
    if (i == 1) {
      board_disconnect(&ann.client); /* a reload */
      enter(&board, &ann);
    } else {
      leave(&ann, "hall");
    }
    pass_ms(&board, &clock, 4900);
    join(&ann, "ann", "Ann", false);
    pass_ms(&board, &clock, 4900);
  }
  read_list(&ben, "hall", &fresh);
  assert_int_equal(fresh.version, version);
  assert_int_equal(atomic_load(&board.diffs), diffs);
  assert_int_equal(presence_view_find(&fresh, "ann")->sessions, 1);
  leave(&ann, "hall");
  read_list(&ben, "hall", &fresh); /* so that the owner has heard of it */
  pass_ms(&board, &clock, 4900);
  assert_int_equal(atomic_load(&board.diffs), diffs);
  pass_ms(&board, &clock, 200);
  pass_ms(&board, &clock, 250);
  wait_for(&ben, "ann", 0);
  assert_int_equal(ben.view.total, 1);
  assert_int_equal(atomic_load(&board.diffs), diffs + 1);
  board_disconnect(&ann.client);
  board_disconnect(&ben.client);
  board_stop(&board);
}

static void test_a_killed_connection_leaves(void **state) {
  struct board board;
  struct guest ann, ben;
  (void)state;
  start(&board, &quick, NULL);
  enter(&board, &ann);
  enter(&board, &ben);
  join(&ben, "ben", "", true);
  join(&ann, "ann", "", false);
  wait_for(&ben, "ann", 1);
  const struct linger at_once = {1, 0};
  assert_int_equal(setsockopt(ann.client.base.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  board_disconnect(&ann.client);
  wait_for(&ben, "ann", 0);
  board_disconnect(&ben.client);
  board_stop(&board);
}

static void count_turn(void *context, int status) {
  assert_int_equal(status, STOA_OK);
  atomic_fetch_add((atomic_uint *)context, 1);
}

/* Let a second pass on all workers. */
static void pass_second(struct board *board, struct board_clock *clock) {
  atomic_uint turns = 0;
  board_clock_advance_ms(clock, 1000);
  for (uint32_t i = 0; i < workers; i++) {
    assert_int_equal(stoa_worker_run(board->server, i, count_turn, &turns), STOA_OK);
  }
  while (atomic_load(&turns) < workers) {
    board_run_on_owner(board, "hall", do_nothing, NULL);
  }
}

/* The defaults: a ping after 25 s of silence, 10 s for its answer. Nobody answers here, but Ben calls all the time. */
static void test_a_silent_connection_leaves_when_its_pong_is_missing(void **state) {
  enum { PING_S = 25, END_S = 60 };
  static struct board_clock clock;
  struct board board;
  struct guest ann, ben;
  struct presence_view fresh;
  unsigned seconds = 0;
  (void)state;
  board_clock_init(&clock);
  start(&board, &quick, &clock.clock);
  enter(&board, &ann);
  enter(&board, &ben);
  join(&ben, "ben", "", true);
  join(&ann, "ann", "", false);
  do {
    pass_second(&board, &clock);
    read_list(&ben, "hall", &fresh);
    seconds++;
  } while (seconds < END_S && presence_view_find(&fresh, "ann") != NULL);
  assert_true(seconds > PING_S && seconds < END_S);
  wait_for(&ben, "ann", 0);
  assert_int_equal(ben.view.total, 1);
  board_disconnect(&ann.client);
  board_disconnect(&ben.client);
  board_stop(&board);
}

static void test_what_a_session_says_of_its_user_can_change(void **state) {
  struct board board;
  struct guest guests[3]; /* ann twice, and ben */
  (void)state;
  start(&board, &quick, NULL);
  for (size_t i = 0; i < 3; i++) {
    enter(&board, &guests[i]);
  }
  struct guest *ben = &guests[2];
  join(ben, "ben", "", true);
  assert_string_equal(set(&guests[0], "", "nowhere", false), "OK"); /* it is in no room */
  assert_string_equal(set(&guests[0], "hall", "nowhere", false), "NOT_FOUND");
  for (size_t i = 0; i < 2; i++) {
    join(&guests[i], "ann", "Ann", false);
    const struct board_v1_join_request yard = {
        .room = STOA_STR("yard"), .user = STOA_STR("ann"), .info = STOA_STR("Ann"), .presence = i == 0};
    assert_true(board_text_is(join_with(&guests[i], &yard)->status, "OK"));
  }
  wait_for_info(ben, "ann", "Ann", false);
  assert_string_equal(set(&guests[0], "hall", "Anna", false), "OK");
  wait_for_info(ben, "ann", "Anna", false);
  assert_string_equal(set(&guests[0], "hall", "Anna", true), "OK"); /* one of two is away */
  assert_string_equal(set(&guests[1], "", "Annie", true), "OK");    /* all rooms */
  wait_for_info(ben, "ann", "Annie", true);
  wait_for_info(&guests[0], "ann", "Annie", false); /* in the yard only one is */
  leave(&guests[1], "hall");
  wait_for_info(ben, "ann", "Anna", true);
  const struct board_v1_join_request unnamed = {.room = STOA_STR("garden")};
  assert_true(board_text_is(join_with(ben, &unnamed)->status, "OK"));
  assert_string_equal(set(ben, "garden", "x", true), "NOT_FOUND"); /* it has named no user there */
  exit_all(guests, 3);
  board_stop(&board);
}

static void test_what_is_set_while_joining_counts(void **state) {
  struct board board;
  struct guest ann, ben;
  struct presence_view fresh;
  (void)state;
  start(&board, &quick, NULL);
  for (int i = 0; i < 4; i++) {
    enter(&board, &ann);
    enter(&board, &ben);
    join(&ben, "ben", "", true);
    const struct board_v1_join_request request = {
        .room = STOA_STR("hall"), .user = STOA_STR("ann"), .info = STOA_STR("first"), .how = STOA_STR("set")};
    assert_true(board_text_is(join_with(&ann, &request)->status, "OK"));
    wait_for_info(&ben, "ann", "set", true);
    read_list(&ann, "hall", &fresh);
    assert_string_equal(presence_view_find(&fresh, "ann")->info, "set");
    leave(&ann, "hall");
    wait_for(&ben, "ann", 0);
    /* With the join the change is undone. */
    board_call(&ann.client, BOARD_V1_MESSAGE_TYPE_JOIN, &request);
    board_disconnect(&ann.client);
    board_disconnect(&ben.client);
  }
  board_stop(&board);
}

static void test_arguments_of_presence_are_checked(void **state) {
  struct board board;
  struct guest ann;
  char longer[STOA_ROOM_INFO_LEN_MAX + 2];
  (void)state;
  memset(longer, 'x', sizeof longer);
  longer[STOA_ROOM_INFO_LEN_MAX + 1] = '\0';
  start(&board, &quick, NULL);
  enter(&board, &ann);
  struct board_v1_join_request request = {.room = STOA_STR("hall"),
                                          .user = stoa_string_make(longer, STOA_ROOM_USER_LEN_MAX + 1)};
  assert_true(board_text_is(join_with(&ann, &request)->status, "ARGUMENT"));
  request.user = stoa_string_of("ann");
  request.info = stoa_string_of(longer);
  assert_true(board_text_is(join_with(&ann, &request)->status, "ARGUMENT"));
  request.info = stoa_string_make(longer, STOA_ROOM_INFO_LEN_MAX);
  assert_true(board_text_is(join_with(&ann, &request)->status, "OK"));
  assert_string_equal(set(&ann, "hall", longer, false), "ARGUMENT");
  assert_string_equal(set(&ann, "hall\n", "", false), "ARGUMENT");
  assert_string_equal(set(&ann, "yard", "", false), "NOT_FOUND");
  assert_true(board_text_is(list(&ann, "hall\n")->status, "ARGUMENT"));
  assert_int_equal(list(&ann, "no such room")->total, 0);
  assert_int_equal(stoa_room_presence_list(board.rooms, stoa_string_of("hall"), NULL, NULL), STOA_E_ARGUMENT);
  assert_int_equal(stoa_room_publish_presence(board.rooms, stoa_string_of("hall\n"), BOARD_V1_MESSAGE_TYPE_TYPING,
                                              &board_v1_typing_message_type, &(struct board_v1_typing_message){0}),
                   STOA_E_ARGUMENT);
  board_disconnect(&ann.client);
  board_stop(&board);
}

static void fill_mailbox(struct board *board, void *context) {
  const struct stoa_room_name name = stoa_room_name_make(stoa_string_of("hall"));
  struct stoa_budget *mailbox = &stoa_room_worker_owner(board->rooms, &name)->worker->mailbox;
  size_t *bytes = context;
  if (*bytes == 0) {
    *bytes = atomic_load(&mailbox->bytes_max);
    assert_true(stoa_budget_take(mailbox, *bytes));
  } else {
    stoa_budget_give(mailbox, *bytes);
  }
}

static void test_a_full_mailbox_refuses_lists_and_changes_in_all_rooms(void **state) {
  struct board board;
  struct guest ann;
  struct presence_view fresh;
  size_t bytes = 0;
  (void)state;
  start(&board, &quick, NULL);
  enter(&board, &ann);
  join(&ann, "ann", "Ann", true);
  for (int i = 0; i < 8; i++) { /* on other owners too */
    char room[24];
    snprintf(room, sizeof room, "room %d", i);
    const struct board_v1_join_request request = {
        .room = stoa_string_of(room), .user = STOA_STR("ann"), .info = STOA_STR("Ann")};
    assert_true(board_text_is(join_with(&ann, &request)->status, "OK"));
  }
  board_run_on_owner(&board, "hall", fill_mailbox, &bytes);
  assert_string_equal(set(&ann, "", "Anna", true), "LIMIT");
  assert_true(board_text_is(list(&ann, "hall")->status, "LIMIT"));
  board_run_on_owner(&board, "hall", fill_mailbox, &bytes);
  for (int i = 0; i < 8; i++) {
    char room[24];
    snprintf(room, sizeof room, "room %d", i);
    read_list(&ann, room, &fresh);
    assert_string_equal(presence_view_find(&fresh, "ann")->info, "Ann");
  }
  board_disconnect(&ann.client);
  board_stop(&board);
}

static void test_a_list_that_finds_no_memory_left_is_busy(void **state) {
  struct board board;
  struct guest ann, ben;
  (void)state;
  start(&board, &quick, NULL);
  enter(&board, &ann);
  enter(&board, &ben);
  join(&ann, "ann", "", true);
  atomic_fetch_add(&board.rooms->slice_bytes, STOA_ROOM_SLICES_BYTES_MAX);
  const struct board_v1_list_reply *refused = list(&ann, "hall");
  assert_true(board_text_is(refused->status, "BUSY"));
  assert_true(refused->retry_ms > 0);
  const struct board_v1_join_request request = {.room = STOA_STR("hall"), .user = STOA_STR("ben"), .presence = true};
  assert_true(board_text_is(join_with(&ben, &request)->status, "BUSY"));
  atomic_fetch_sub(&board.rooms->slice_bytes, STOA_ROOM_SLICES_BYTES_MAX);
  join(&ben, "ben", "", true);
  assert_int_equal(ben.view.total, 2);
  exit_all((struct guest[]){ann, ben}, 2);
  board_stop(&board);
}

static void test_with_presence_a_room_counts_as_two_groups(void **state) {
  struct board board;
  struct guest ann;
  char room[24];
  (void)state;
  start(&board, &quick, NULL);
  enter(&board, &ann);
  for (int i = 0; i < 64; i++) {
    snprintf(room, sizeof room, "room %d", i);
    const struct board_v1_join_request request = {.room = stoa_string_of(room), .presence = true};
    assert_true(board_text_is(join_with(&ann, &request)->status, "OK"));
  }
  const struct board_v1_join_request one_more = {.room = STOA_STR("hall")};
  assert_true(board_text_is(join_with(&ann, &one_more)->status, "LIMIT"));
  leave(&ann, "room 0");
  const struct board_v1_join_request without = {.room = STOA_STR("room 0")};
  assert_true(board_text_is(join_with(&ann, &without)->status, "OK"));
  const struct board_v1_join_request with = {.room = STOA_STR("hall"), .presence = true};
  assert_true(board_text_is(join_with(&ann, &with)->status, "LIMIT"));
  assert_true(board_text_is(join_with(&ann, &one_more)->status, "OK"));
  board_disconnect(&ann.client);
  board_stop(&board);
}

static void test_a_large_room_tells_totals_only_until_it_is_small_again(void **state) {
  enum { COUNT = 9, MAX = 8 };
  struct board board;
  struct guest guests[COUNT], viewer;
  struct presence_view fresh;
  char name[24];
  (void)state;
  struct stoa_rooms_config rooms = quick;
  rooms.presence_members_max = MAX;
  start(&board, &rooms, NULL);
  enter(&board, &viewer);
  join(&viewer, "", "", true);
  for (int i = 0; i < COUNT; i++) {
    snprintf(name, sizeof name, "user %d", i);
    enter(&board, &guests[i]);
    const struct board_v1_join_reply *joined = join(&guests[i], name, "", true);
    assert_int_equal(joined->presence->truncated, i >= MAX);
    assert_int_equal(joined->presence->users.count, i >= MAX ? 0 : i + 1);
    assert_int_equal(joined->presence->total, i + 1);
  }
  while (!viewer.view.is_truncated) {
    presence_apply(&viewer.view, board_read(&viewer.client).message);
  }
  assert_int_equal(viewer.view.total, COUNT);
  assert_int_equal(viewer.view.count, 0);
  for (int i = 0; i < 3; i++) { /* 6 are 3/4 */
    read_list(&viewer, "hall", &fresh);
    assert_true(fresh.is_truncated);
    leave(&guests[i], "hall");
  }
  while (viewer.view.is_truncated) {
    presence_apply(&viewer.view, board_read(&viewer.client).message);
  }
  assert_int_equal(viewer.view.total, 6);
  assert_int_equal(viewer.view.count, 6);
  read_list(&viewer, "hall", &fresh);
  assert_true(presence_view_equal(&fresh, &viewer.view));
  exit_all(guests, COUNT);
  board_disconnect(&viewer.client);
  board_stop(&board);
}

static void test_a_diff_that_could_not_be_sent_is_told_again(void **state) {
  struct board board;
  struct guest ann, ben;
  (void)state;
  start(&board, &quick, NULL);
  enter(&board, &ann);
  enter(&board, &ben);
  join(&ben, "ben", "", true);
  wait_for(&ben, "ben", 1);
  atomic_store(&board.diffs_to_fail, 3);
  join(&ann, "ann", "Ann", true);
  wait_for_info(&ben, "ann", "Ann", false);
  assert_int_equal(atomic_load(&board.diffs_to_fail), 0);
  assert_true(atomic_load(&board.diffs_failed) == 3);
  exit_all((struct guest[]){ann, ben}, 2);
  board_stop(&board);
}

static void look_at_room(struct board *board, void *context) {
  const struct stoa_room_name name = stoa_room_name_make(stoa_string_of("hall"));
  struct stoa_room_worker *owner = stoa_room_worker_owner(board->rooms, &name);
  *(bool *)context = stoa_room_find(owner, stoa_string_of("hall")) != NULL;
}

static void test_presence_goes_with_the_room_and_versions_go_on(void **state) {
  static struct board_clock clock;
  struct board board;
  struct guest ann, ben;
  bool is_there = true;
  (void)state;
  board_clock_init(&clock);
  struct stoa_rooms_config rooms = {.presence_leave_ms = 60000}; /* longer than a room without members stays */
  start(&board, &rooms, &clock.clock);
  enter(&board, &ann);
  enter(&board, &ben);
  join(&ann, "ann", "", true);
  pass_ms(&board, &clock, 250);
  wait_for(&ann, "ann", 1);
  uint64_t version = ann.view.version;
  leave(&ann, "hall");
  for (int i = 0; i < 50; i++) {
    pass_ms(&board, &clock, 1000);
    board_expect_nothing(&ben.client);
  }
  board_run_on_owner(&board, "hall", look_at_room, &is_there);
  assert_true(is_there); /* ann may still come back */
  assert_int_equal(list(&ben, "hall")->total, 1);
  for (int i = 0; i < 100 && is_there; i++) {
    pass_ms(&board, &clock, 1000);
    board_expect_nothing(&ben.client);
    board_run_on_owner(&board, "hall", look_at_room, &is_there);
  }
  assert_false(is_there);
  join(&ben, "ben", "", true);
  assert_int_equal(ben.view.total, 1);
  assert_true(ben.view.version > version);
  board_disconnect(&ann.client);
  board_disconnect(&ben.client);
  board_stop(&board);
}

static void test_a_server_may_end_at_any_moment_of_presence(void **state) {
  (void)state;
  for (int i = 0; i < 6; i++) {
    struct board board;
    struct guest ann, ben;
    start(&board, i % 2 == 0 ? &quick : &(const struct stoa_rooms_config){0}, NULL);
    enter(&board, &ann);
    enter(&board, &ben);
    join(&ben, "ben", "", true);
    join(&ann, "ann", "", true);
    if (i % 3 == 0) {
      leave(&ann, "hall");
    }
    const struct board_v1_list_request request = {.room = STOA_STR("hall")};
    const struct board_v1_set_request change = {.info = STOA_STR("x")};
    const struct board_v1_join_request yard = {.room = STOA_STR("yard"), .user = STOA_STR("ben"), .presence = true};
    board_call(&ben.client, BOARD_V1_MESSAGE_TYPE_LIST, &request);
    board_call(&ben.client, BOARD_V1_MESSAGE_TYPE_JOIN, &yard);
    board_call(&ben.client, BOARD_V1_MESSAGE_TYPE_SET, &change);
    struct board_client *clients[] = {&ann.client, &ben.client};
    for (size_t at = 0; at < 2; at++) { /* their memory, but not their connections */
      stoa_arena_destroy(clients[at]->arena);
      stoa_buffer_fini(&clients[at]->out);
    }
    board_stop(&board); /* which sees that no memory is left */
    for (size_t at = 0; at < 2; at++) {
      client_close(&clients[at]->base);
    }
  }
}

/* Sessions of several users come, go, close and change what they say, in an order that is not planned; all that look on
 * end with what a fresh list has. */
static void act(struct board *board, struct guest *guest, bool *is_member, unsigned *random) {
  static const char *const users[] = {"ann", "ben", "carl", "dora", ""};
  static const char *const infos[] = {"", "a", "b"};
  unsigned roll = (*random = *random * 1103515245u + 12345u) >> 16;
  if (!*is_member) {
    join(guest, users[roll % 5], infos[roll / 5 % 3], roll % 7 != 0);
    *is_member = true;
  } else if (roll % 4 == 0) {
    leave(guest, "hall");
    guest->view.has_list = false;
    *is_member = false;
  } else if (roll % 4 == 1) {
    board_disconnect(&guest->client);
    enter(board, guest);
    *is_member = false;
  } else {
    set(guest, "", infos[roll / 4 % 3], roll / 16 % 2 == 0);
  }
}

static bool is_watching(const struct guest *guest, bool is_member) {
  return is_member && guest->view.has_list;
}

static void test_all_who_look_on_end_with_the_same_users(void **state) {
  enum { GUESTS = 8, STEPS = 400 };
  struct board board;
  struct guest guests[GUESTS];
  bool is_member[GUESTS] = {false};
  unsigned random = 7;
  (void)state;
  start(&board, &(const struct stoa_rooms_config){.presence_leave_ms = 10, .presence_interval_ms = 1}, NULL);
  for (size_t i = 0; i < GUESTS; i++) {
    enter(&board, &guests[i]);
  }
  for (int i = 0; i < STEPS; i++) {
    size_t at = (random >> 8) % GUESTS;
    act(&board, &guests[at], &is_member[at], &random);
  }
  /* The end: one more user is told last, and everything before it has been told then. */
  struct guest last, reader;
  struct presence_view fresh;
  enter(&board, &last);
  enter(&board, &reader);
  do { /* users that are about to be told as gone */
    read_list(&reader, "hall", &fresh);
    uint32_t sessions = 0, members = 0;
    for (uint32_t i = 0; i < fresh.count; i++) {
      sessions += fresh.users[i].sessions;
    }
    for (size_t i = 0; i < GUESTS; i++) {
      members += is_member[i];
    }
    if (sessions <= members) {
      break;
    }
  } while (true);
  join(&last, "last", "", true);
  wait_for(&last, "last", 1);
  for (size_t i = 0; i < GUESTS; i++) {
    if (is_watching(&guests[i], is_member[i])) {
      wait_for(&guests[i], "last", 1);
    }
  }
  read_list(&reader, "hall", &fresh);
  unsigned watchers = 0;
  for (size_t i = 0; i < GUESTS; i++) {
    if (is_watching(&guests[i], is_member[i])) {
      watchers++;
      assert_true(presence_view_equal(&guests[i].view, &fresh));
    }
  }
  assert_true(watchers > 0);
  exit_all(guests, GUESTS);
  exit_all((struct guest[]){last, reader}, 2);
  board_stop(&board);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_user_is_in_a_room_once_with_all_its_sessions),
      cmocka_unit_test(test_members_that_did_not_ask_get_no_diffs),
      cmocka_unit_test(test_a_user_that_comes_back_in_time_was_never_gone),
      cmocka_unit_test(test_a_killed_connection_leaves),
      cmocka_unit_test(test_a_silent_connection_leaves_when_its_pong_is_missing),
      cmocka_unit_test(test_what_a_session_says_of_its_user_can_change),
      cmocka_unit_test(test_what_is_set_while_joining_counts),
      cmocka_unit_test(test_arguments_of_presence_are_checked),
      cmocka_unit_test(test_a_full_mailbox_refuses_lists_and_changes_in_all_rooms),
      cmocka_unit_test(test_a_list_that_finds_no_memory_left_is_busy),
      cmocka_unit_test(test_with_presence_a_room_counts_as_two_groups),
      cmocka_unit_test(test_a_large_room_tells_totals_only_until_it_is_small_again),
      cmocka_unit_test(test_a_diff_that_could_not_be_sent_is_told_again),
      cmocka_unit_test(test_presence_goes_with_the_room_and_versions_go_on),
      cmocka_unit_test(test_a_server_may_end_at_any_moment_of_presence),
      cmocka_unit_test(test_all_who_look_on_end_with_the_same_users),
  };
  board_choose(1, argv); /* the storage in memory */
  workers = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
