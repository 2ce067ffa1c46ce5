#include "program.h"

#include "board.h"

bool board_text_is(struct stoa_string text, const char *wanted) {
  return stoa_string_equal(text, stoa_string_of(wanted));
}

/* The program. */

static void stamp_post(void *user, void *message, const struct stoa_room_stamp *stamp, struct stoa_arena *arena) {
  struct board_v1_post_message *post = message;
  (void)user;
  (void)arena;
  post->room = stamp->room;
  post->epoch = stamp->position.epoch;
  post->offset = stamp->position.offset;
  post->time_us = stamp->time_us;
  post->sender = stamp->sender;
  post->client_msg_id = stamp->client_msg_id;
  post->target = stamp->target;
  post->redacted = stamp->is_redacted;
}

static void stamp_note(void *user, void *message, const struct stoa_room_stamp *stamp, struct stoa_arena *arena) {
  struct board_v1_note_message *note = message;
  (void)user;
  (void)arena;
  note->epoch = stamp->position.epoch;
  note->offset = stamp->position.offset;
}

void program_on_member(void *user, struct stoa_session *session, struct stoa_string room, bool is_member) {
  struct board *board = user;
  assert_true(room.len > 0);
  assert_non_null(session);
  atomic_fetch_add(is_member ? &board->members_in : &board->members_out, 1);
  if (is_member && board->leaves_at_once) {
    assert_int_equal(stoa_room_leave(board->rooms, session, room), STOA_OK);
  }
}

static struct stoa_string name_of(enum stoa_room_status status) {
  return stoa_string_of(stoa_room_status_name(status));
}

static struct stoa_string name_of_error(int status) {
  const char *name = stoa_status_name(status);
  return stoa_string_of(status == STOA_OK ? "OK" : name + strlen("STOA_E_"));
}

/* The posts of a page; events are counted only. */
static void list_posts(const struct stoa_room_page *page, const struct board_v1_post_message **out_items,
                       size_t *out_count) {
  static _Thread_local struct board_v1_post_message posts[STOA_ROOM_RECOVERY_MAX];
  *out_count = 0;
  for (size_t i = 0; i < page->count && i < STOA_ROOM_PAGE_MAX; i++) {
    if (page->messages[i].type == BOARD_V1_MESSAGE_TYPE_POST) {
      posts[(*out_count)++] = *(const struct board_v1_post_message *)page->messages[i].message;
    }
  }
  *out_items = posts;
}

/* The events of a page: where they stand and what they were sent with. */
static void list_notes(const struct stoa_room_page *page, const struct board_v1_post_message **out_items,
                       size_t *out_count) {
  static _Thread_local struct board_v1_post_message notes[STOA_ROOM_PAGE_MAX];
  *out_count = 0;
  for (size_t i = 0; i < page->count && i < STOA_ROOM_PAGE_MAX; i++) {
    const struct stoa_room_stamp *stamp = &page->messages[i].stamp;
    if (page->messages[i].type == BOARD_V1_MESSAGE_TYPE_NOTE) {
      notes[(*out_count)++] = (struct board_v1_post_message){.room = stamp->room,
                                                             .epoch = stamp->position.epoch,
                                                             .offset = stamp->position.offset,
                                                             .client_msg_id = stamp->client_msg_id};
    }
  }
  *out_items = notes;
}

/* A call, and the board whose completions it counts. */
struct asked {
  struct board *board;
  struct stoa_call *call;
  struct board_lane *lane; /* of a publish whose order is checked */
  uint32_t number;
};

static struct asked *ask(struct board *board, struct stoa_call *call) {
  struct asked *asked = malloc(sizeof *asked);
  assert_non_null(asked);
  *asked = (struct asked){.board = board, .call = call};
  return asked;
}

/* The status of beginning; without it there is no completion. */
static void began(struct asked *asked, int status) {
  if (status == STOA_OK) {
    atomic_fetch_add(&asked->board->asked, 1);
  } else {
    free(asked);
  }
}

static struct stoa_call *complete(void *context) {
  struct asked *asked = context;
  struct stoa_call *call = asked->call;
  atomic_fetch_add(&asked->board->answered, 1);
  free(asked);
  return call;
}

static void on_joined(void *context, struct stoa_session *session, const struct stoa_room_joined *joined) {
  struct board_v1_join_reply reply = {
      .status = name_of(joined->page.status),
      .retry_ms = joined->page.retry_ms,
      .epoch = joined->page.epoch,
      .floor = joined->page.floor,
      .top = joined->page.top,
      .has_more_before = joined->page.has_more_before,
      .was_recovering = joined->was_recovering,
      .recovered = joined->recovered,
      .member_count = joined->member_count,
      .count = (uint32_t)joined->page.count,
      .user_count = joined->user_count,
  };
  struct board_v1_list_reply presence = {0};
  program_fill_list(&joined->presence, &presence);
  reply.presence = joined->presence.version > 0 ? &presence : NULL;
  assert_true((session != NULL) == (joined->page.status == STOA_ROOM_OK));
  if (!joined->recovered) {
    list_posts(&joined->page, &reply.items.items, &reply.items.count);
  }
  int status = board_v1_board_join_reply(complete(context), &reply);
  assert_true(status == STOA_OK || status == STOA_E_CLOSED || status == STOA_E_MEMORY || status == STOA_E_LIMIT ||
              status == STOA_E_TIMEOUT);
}

static const struct stoa_error *on_join(void *user, struct stoa_session *session,
                                        const struct board_v1_join_request *request,
                                        struct board_v1_join_reply *reply) {
  struct board *board = user;
  const struct stoa_room_join_options options = {.position = {request->epoch, request->offset},
                                                 .history = request->history,
                                                 .user = request->user,
                                                 .info = {(const uint8_t *)request->info.data, request->info.len},
                                                 .is_away = request->away,
                                                 .has_presence = request->presence};
  struct stoa_call *call;
  (void)reply;
  if (stoa_call_take(session, &call) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "MEMORY", NULL);
  }
  struct asked *asked = ask(board, call);
  int status = stoa_room_join(board->rooms, session, request->room, &options, on_joined, asked);
  began(asked, status);
  if (board_text_is(request->how, "set")) {
    assert_int_equal(
        stoa_room_set_presence(board->rooms, session, request->room, stoa_bytes_make("overtaken", 9), false), STOA_OK);
    assert_int_equal(stoa_room_set_presence(board->rooms, session, request->room, stoa_bytes_make("set", 3), true),
                     STOA_OK);
  }
  if (board_text_is(request->how, "leave")) {
    assert_int_equal(stoa_room_leave(board->rooms, session, request->room), STOA_OK);
  } else if (board_text_is(request->how, "close")) {
    stoa_session_close(session, 4999, "as asked");
  }
  if (status != STOA_OK) {
    const struct board_v1_join_reply refused = {.status = name_of_error(status)};
    int ignored = board_v1_board_join_reply(call, &refused);
    (void)ignored;
  }
  return STOA_LATER;
}

static const struct stoa_error *on_leave(void *user, struct stoa_session *session,
                                         const struct board_v1_leave_request *request,
                                         struct board_v1_leave_reply *reply) {
  struct board *board = user;
  int status = stoa_room_leave(board->rooms, session, request->room);
  assert_false(stoa_room_has(board->rooms, session, request->room));
  reply->status = name_of_error(status);
  return NULL;
}

/* When a publish fails for a while, so must all that the session published after it, until it was told of the first one
 * (G5): then it may publish all of them again. */

static struct board_lane *lane_of(struct board *board, const struct stoa_session *session, struct stoa_string room) {
  for (uint32_t i = 0; i < board->lane_count; i++) {
    struct board_lane *lane = &board->lanes[i];
    if (memcmp(&lane->session, stoa_session_id(session), sizeof lane->session) == 0 &&
        board_text_is(room, lane->room)) {
      return lane;
    }
  }
  if (board->lanes == NULL || board->lane_count == BOARD_LANES_MAX) {
    return NULL;
  }
  struct board_lane *lane = &board->lanes[board->lane_count++];
  memset(lane, 0, sizeof *lane);
  lane->session = *stoa_session_id(session);
  snprintf(lane->room, sizeof lane->room, "%.*s", (int)room.len, room.data);
  return lane;
}

static void begin_publish(struct asked *asked, const struct stoa_session *session, struct stoa_string room) {
  asked->lane = lane_of(asked->board, session, room);
  if (asked->lane != NULL) {
    asked->number = ++asked->lane->issued;
  }
}

static bool is_behind_failure(const struct board_lane *lane, uint32_t number) {
  for (uint32_t i = 0; i < lane->failure_count; i++) {
    if (number > lane->failures[i].number && number <= lane->failures[i].issued) {
      return true;
    }
  }
  return false;
}

static void check_order(const struct asked *asked, enum stoa_room_status status) {
  struct board_lane *lane = asked->lane;
  if (lane == NULL) {
    return;
  }
  if (status == STOA_ROOM_OK || status == STOA_ROOM_DUPLICATE) {
    lane->last_stored = asked->number > lane->last_stored ? asked->number : lane->last_stored;
    asked->board->disorders += is_behind_failure(lane, asked->number);
  } else if (status != STOA_ROOM_CLOSED && lane->failure_count < BOARD_FAILURES_MAX &&
             !is_behind_failure(lane, asked->number)) {
    asked->board->disorders += lane->last_stored > asked->number;
    lane->failures[lane->failure_count].number = asked->number;
    lane->failures[lane->failure_count++].issued = lane->issued;
  }
}

static void on_sent(void *context, const struct stoa_room_answer *answer) {
  check_order(context, answer->status);
  const struct board_v1_send_reply reply = {.status = name_of(answer->status),
                                            .retry_ms = answer->retry_ms,
                                            .epoch = answer->position.epoch,
                                            .offset = answer->position.offset,
                                            .time_us = answer->time_us};
  int ignored = board_v1_board_send_reply(complete(context), &reply);
  (void)ignored;
}

/* Many publishes of one handler, with one reply for all. */
struct burst {
  struct asked *asked;
  uint32_t count, answered;
  struct burst_part {
    struct burst *burst;
    enum stoa_room_status status;
  } parts[];
};

static void reply_to_burst(struct burst *burst) {
  char text[128] = "";
  size_t len = 0;
  uint32_t run = 0;
  for (uint32_t i = 0; i < burst->count; i++) {
    run++;
    if (i + 1 == burst->count || burst->parts[i + 1].status != burst->parts[i].status) {
      len += (size_t)snprintf(text + len, sizeof text - len, "%s%s*%u", len == 0 ? "" : " ",
                              stoa_room_status_name(burst->parts[i].status), run);
      assert_true(len < sizeof text);
      run = 0;
    }
  }
  const struct board_v1_send_reply reply = {.status = stoa_string_of(text)};
  int ignored = board_v1_board_send_reply(complete(burst->asked), &reply);
  (void)ignored;
  free(burst);
}

static void on_part(void *context, const struct stoa_room_answer *answer) {
  struct burst_part *part = context;
  struct burst *burst = part->burst;
  part->status = answer->status;
  if (++burst->answered == burst->count) {
    reply_to_burst(burst);
  }
}

static int publish_burst(struct board *board, struct stoa_session *session, const struct board_v1_send_request *request,
                         struct asked *asked) {
  const struct stoa_publish_options options = {.sender = request->sender, .session = session};
  const struct board_v1_post_message post = {.text = request->text};
  struct burst *burst = calloc(1, sizeof *burst + request->target * sizeof(struct burst_part));
  assert_non_null(burst);
  burst->asked = asked;
  burst->count = (uint32_t)request->target;
  for (uint32_t i = 0; i < burst->count; i++) {
    burst->parts[i].burst = burst;
    assert_int_equal(stoa_room_publish(board->rooms, request->room, BOARD_V1_MESSAGE_TYPE_POST, &post, &options,
                                       on_part, &burst->parts[i]),
                     STOA_OK);
  }
  return STOA_OK;
}

static int send_as_asked(struct board *board, struct stoa_session *session, const struct board_v1_send_request *request,
                         struct asked *call) {
  const struct stoa_publish_options options = {.sender = request->sender,
                                               .client_msg_id = request->client_msg_id,
                                               .target = request->target,
                                               .session = session,
                                               .is_administrator = board_text_is(request->how, "administrator")};
  const struct board_v1_post_message post = {.text = request->text};
  const struct board_v1_note_message note = {.text = request->text};
  if (board_text_is(request->how, "redact")) {
    call->lane = NULL;
    return stoa_room_redact(board->rooms, request->room, request->target, on_sent, call);
  }
  if (board_text_is(request->how, "burst")) {
    return publish_burst(board, session, request, call);
  }
  if (board_text_is(request->how, "note")) {
    return stoa_room_publish(board->rooms, request->room, BOARD_V1_MESSAGE_TYPE_NOTE, &note, &options, on_sent, call);
  }
  if (board_text_is(request->how, "unknown type")) {
    return stoa_room_publish(board->rooms, request->room, 99, &note, &options, on_sent, call);
  }
  return stoa_room_publish(board->rooms, request->room, BOARD_V1_MESSAGE_TYPE_POST, &post, &options, on_sent, call);
}

static const struct stoa_error *on_send(void *user, struct stoa_session *session,
                                        const struct board_v1_send_request *request,
                                        struct board_v1_send_reply *reply) {
  struct board *board = user;
  struct stoa_call *call;
  if (board_text_is(request->how, "typing")) {
    const struct board_v1_typing_message typing = {.text = request->text};
    reply->status =
        name_of_error(stoa_room_publish_volatile(board->rooms, request->room, stoa_session_id(session),
                                                 BOARD_V1_MESSAGE_TYPE_TYPING, &board_v1_typing_message_type, &typing));
    return NULL;
  }
  if (stoa_call_take(session, &call) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "MEMORY", NULL);
  }
  struct asked *asked = ask(board, call);
  begin_publish(asked, session, request->room);
  int status = send_as_asked(board, session, request, asked);
  began(asked, status);
  if (status != STOA_OK) {
    const struct board_v1_send_reply refused = {.status = name_of_error(status)};
    int ignored = board_v1_board_send_reply(call, &refused);
    (void)ignored;
  }
  return STOA_LATER;
}

static void on_page(void *context, const struct stoa_room_page *page) {
  struct board_v1_read_reply reply = {
      .status = name_of(page->status),
      .retry_ms = page->retry_ms,
      .epoch = page->epoch,
      .floor = page->floor,
      .top = page->top,
      .has_more_before = page->has_more_before,
      .has_more_after = page->has_more_after,
      .count = (uint32_t)page->count,
  };
  list_posts(page, &reply.items.items, &reply.items.count);
  list_notes(page, &reply.notes.items, &reply.notes.count);
  int ignored = board_v1_board_read_reply(complete(context), &reply);
  (void)ignored;
}

static const struct stoa_error *on_read(void *user, struct stoa_session *session,
                                        const struct board_v1_read_request *request,
                                        struct board_v1_read_reply *reply) {
  struct board *board = user;
  const struct stoa_room_query query = {.epoch = request->epoch,
                                        .before = request->before,
                                        .after = request->after,
                                        .limit = request->limit,
                                        .has_events = request->events,
                                        .target_first = request->target_first,
                                        .target_last = request->target_last};
  struct stoa_call *call;
  (void)reply;
  if (stoa_call_take(session, &call) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "MEMORY", NULL);
  }
  struct asked *asked = ask(board, call);
  int status = stoa_room_history(board->rooms, request->room, &query, on_page, asked);
  began(asked, status);
  if (status != STOA_OK) {
    const struct board_v1_read_reply refused = {.status = name_of_error(status)};
    int ignored = board_v1_board_read_reply(call, &refused);
    (void)ignored;
  }
  return STOA_LATER;
}

static void on_entered(void *context, struct stoa_session *session, const struct stoa_room_joined *joined) {
  (void)context;
  if (session != NULL) {
    const struct board_v1_enter_message entered = {.room = STOA_STR("entered")};
    assert_int_equal(joined->page.status, STOA_ROOM_OK);
    int status = board_v1_enter_push(session, &entered);
    assert_true(status == STOA_OK || status == STOA_E_MEMORY);
  }
}

static const struct stoa_error *on_enter(void *user, struct stoa_session *session,
                                         const struct board_v1_enter_message *message) {
  struct board *board = user;
  int status = stoa_room_join(board->rooms, session, message->room, NULL, on_entered, NULL);
  assert_true(status == STOA_OK || status == STOA_E_MEMORY);
  return NULL;
}

void program_register(struct board *board) {
  static const struct board_v1_board_handlers handlers = {.join = on_join,
                                                          .leave = on_leave,
                                                          .send = on_send,
                                                          .read = on_read,
                                                          .enter = on_enter,
                                                          .list = program_on_list,
                                                          .set = program_on_set};
  const struct stoa_room_type post = {.type = BOARD_V1_MESSAGE_TYPE_POST,
                                      .message_type = &board_v1_post_message_type,
                                      .stamp = stamp_post,
                                      .text_field = 1};
  const struct stoa_room_type note = {.type = BOARD_V1_MESSAGE_TYPE_NOTE,
                                      .message_type = &board_v1_note_message_type,
                                      .is_event = true,
                                      .stamp = stamp_note};
  assert_int_equal(stoa_rooms_add_type(board->rooms, &post), STOA_OK);
  assert_int_equal(stoa_rooms_add_type(board->rooms, &note), STOA_OK);
  assert_int_equal(board_v1_board_register(board->server, &handlers, board), STOA_OK);
}
