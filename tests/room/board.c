#include "board.h"

#include <dirent.h>
#include <unistd.h>

#include "base/memory.h"
#include "room/rooms.h"
#include "server/stepping.h"

static const char *chosen = "memory";

void board_choose(int argc, char **argv) {
  chosen = argc > 1 ? argv[1] : "memory";
}

bool board_is_local(void) {
  return strcmp(chosen, "local") == 0;
}

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

static void on_member(void *user, struct stoa_session *session, struct stoa_string room, bool is_member) {
  struct board *board = user;
  assert_true(room.len > 0);
  assert_non_null(session);
  atomic_fetch_add(is_member ? &board->members_in : &board->members_out, 1);
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

/* A call, and the board whose completions it counts. */
struct asked {
  struct board *board;
  struct stoa_call *call;
};

static struct asked *ask(struct board *board, struct stoa_call *call) {
  struct asked *asked = malloc(sizeof *asked);
  assert_non_null(asked);
  *asked = (struct asked){board, call};
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
  };
  assert_true((session != NULL) == (joined->page.status == STOA_ROOM_OK));
  if (!joined->recovered) {
    list_posts(&joined->page, &reply.items.items, &reply.items.count);
  }
  int status = board_v1_board_join_reply(complete(context), &reply);
  assert_true(status == STOA_OK || status == STOA_E_CLOSED || status == STOA_E_MEMORY || status == STOA_E_LIMIT);
}

static const struct stoa_error *on_join(void *user, struct stoa_session *session,
                                        const struct board_v1_join_request *request,
                                        struct board_v1_join_reply *reply) {
  struct board *board = user;
  const struct stoa_room_join_options options = {.position = {request->epoch, request->offset},
                                                 .history = request->history};
  struct stoa_call *call;
  (void)reply;
  if (stoa_call_take(session, &call) != STOA_OK) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "MEMORY", NULL);
  }
  struct asked *asked = ask(board, call);
  int status = stoa_room_join(board->rooms, session, request->room, &options, on_joined, asked);
  began(asked, status);
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

static void on_sent(void *context, const struct stoa_room_answer *answer) {
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
                                        .has_events = request->events};
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
    assert_int_equal(board_v1_enter_push(session, &entered), STOA_OK);
  }
}

static const struct stoa_error *on_enter(void *user, struct stoa_session *session,
                                         const struct board_v1_enter_message *message) {
  struct board *board = user;
  assert_int_equal(stoa_room_join(board->rooms, session, message->room, NULL, on_entered, NULL), STOA_OK);
  return NULL;
}

/* The server. */

static int make_rooms(struct board *board, const struct board_options *options) {
  static struct stoa_engine_config engine;
  const struct stoa_rooms_callbacks callbacks = {.on_member = on_member, .user = board};
  struct stoa_rooms_config config = options->rooms;
  if (options->engine != NULL) {
    return stoa_rooms_create_on(board->server, options->engine, &config, &callbacks, &board->rooms);
  }
  engine = config.engine == NULL ? (struct stoa_engine_config){0} : *config.engine;
  engine.kind = board_is_local() ? STOA_ENGINE_CONFIG_KIND_LOCAL : STOA_ENGINE_CONFIG_KIND_MEMORY;
  config.engine = &engine;
  return stoa_rooms_create(board->server, &config, board->folder, &callbacks, &board->rooms);
}

static void add_types(struct board *board) {
  const struct stoa_room_type post = {
      .type = BOARD_V1_MESSAGE_TYPE_POST, .message_type = &board_v1_post_message_type, .stamp = stamp_post};
  const struct stoa_room_type note = {.type = BOARD_V1_MESSAGE_TYPE_NOTE,
                                      .message_type = &board_v1_note_message_type,
                                      .is_event = true,
                                      .stamp = stamp_note};
  assert_int_equal(stoa_rooms_add_type(board->rooms, &post), STOA_OK);
  assert_int_equal(stoa_rooms_add_type(board->rooms, &note), STOA_OK);
}

void board_start(struct board *board, const struct board_options *options) {
  static const struct board_v1_board_handlers handlers = {
      .join = on_join, .leave = on_leave, .send = on_send, .read = on_read, .enter = on_enter};
  static const struct stoa_string addresses[] = {STOA_STR("127.0.0.1:0")};
  struct stoa_limits_config limits = options->limits;
  const struct stoa_server_config config = {.addresses = {addresses, 1},
                                            .workers = options->workers == 0 ? 1 : options->workers,
                                            .drain_ms = 2000,
                                            .limits = &limits};
  *board =
      (struct board){.blocks_before = options->engine == NULL ? stoa_memory_live_blocks() : options->blocks_before};
  if (options->folder != NULL) {
    snprintf(board->folder, sizeof board->folder, "%s", options->folder);
  } else {
    snprintf(board->folder, sizeof board->folder, "/tmp/stoa-room-XXXXXX");
    assert_non_null(mkdtemp(board->folder));
  }
  assert_int_equal(stoa_server_create(&config, &board->server), STOA_OK);
  if (options->clock != NULL) {
    stoa_server_use_clock(board->server, options->clock);
  }
  assert_int_equal(make_rooms(board, options), STOA_OK);
  add_types(board);
  assert_int_equal(board_v1_board_register(board->server, &handlers, board), STOA_OK);
  assert_int_equal(stoa_server_start(board->server), STOA_OK);
  board->address = stoa_server_address(board->server, 0);
}

static void remove_folder(const char *folder) {
  DIR *directory = opendir(folder);
  const struct dirent *entry;
  assert_non_null(directory);
  while ((entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] != '.') {
      assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0), 0);
    }
  }
  closedir(directory);
  assert_int_equal(rmdir(folder), 0);
}

void board_stop_and_keep(struct board *board) {
  stoa_server_destroy(board->server);
  stoa_rooms_destroy(board->rooms);
  board->server = NULL;
  board->rooms = NULL;
  assert_int_equal(atomic_load(&board->members_in), atomic_load(&board->members_out));
  assert_int_equal(atomic_load(&board->asked), atomic_load(&board->answered));
  assert_int_equal(stoa_memory_live_blocks(), board->blocks_before);
}

void board_stop(struct board *board) {
  board_stop_and_keep(board);
  remove_folder(board->folder);
}

struct on_owner {
  struct board *board;
  void (*run)(struct board *board, void *context);
  void *context;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool is_done;
};

static void run_on_owner(void *context, int status) {
  struct on_owner *self = context;
  assert_int_equal(status, STOA_OK);
  self->run(self->board, self->context);
  pthread_mutex_lock(&self->mutex);
  self->is_done = true;
  pthread_cond_signal(&self->changed);
  pthread_mutex_unlock(&self->mutex);
}

void board_run_on_owner(struct board *board, const char *room, void (*run)(struct board *board, void *context),
                        void *context) {
  const struct stoa_room_name name = stoa_room_name_make(stoa_string_of(room));
  struct on_owner self = {.board = board,
                          .run = run,
                          .context = context,
                          .mutex = PTHREAD_MUTEX_INITIALIZER,
                          .changed = PTHREAD_COND_INITIALIZER};
  uint32_t owner = stoa_room_worker_owner(board->rooms, &name)->worker->index;
  assert_int_equal(stoa_worker_run(board->server, owner, run_on_owner, &self), STOA_OK);
  pthread_mutex_lock(&self.mutex);
  while (!self.is_done) {
    pthread_cond_wait(&self.changed, &self.mutex);
  }
  pthread_mutex_unlock(&self.mutex);
}

static uint64_t ahead_monotonic_ns(void *context) {
  struct board_clock *clock = context;
  return stoa_clock_monotonic_ns(&stoa_clock_system) + atomic_load(&clock->ahead_ns);
}

static int64_t ahead_wall_us(void *context) {
  struct board_clock *clock = context;
  return stoa_clock_wall_us(&stoa_clock_system) + (int64_t)(atomic_load(&clock->ahead_ns) / 1000);
}

void board_clock_init(struct board_clock *clock) {
  atomic_init(&clock->ahead_ns, 0);
  clock->clock = (struct stoa_clock){ahead_monotonic_ns, ahead_wall_us, clock};
}

/* Clients. */

static uint32_t read_u32(const uint8_t *data) {
  return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static void put_u32(struct stoa_buffer *out, uint32_t number) {
  const uint8_t bytes[] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
  assert_int_equal(stoa_buffer_append(out, bytes, sizeof bytes), STOA_OK);
}

void board_connect(const struct board *board, struct board_client *client, const char *protocol) {
  memset(client, 0, sizeof *client);
  bool is_proto = protocol != NULL && strcmp(protocol, "stoa.proto") == 0;
  client->codec = is_proto ? &stoa_codec_proto : &stoa_codec_json;
  client->arena = stoa_arena_create(64 * 1024 * 1024);
  assert_non_null(client->arena);
  stoa_buffer_init(&client->out, 16 * 1024 * 1024);
  client_connect(&client->base, board->address);
  assert_int_equal(client_upgrade(&client->base, "/", protocol, NULL), 101);
}

void board_disconnect(struct board_client *client) {
  client_close(&client->base);
  stoa_arena_destroy(client->arena);
  stoa_buffer_fini(&client->out);
}

static const struct stoa_message_type *request_types[] = {
    [BOARD_V1_MESSAGE_TYPE_JOIN] = &board_v1_join_request_type,
    [BOARD_V1_MESSAGE_TYPE_LEAVE] = &board_v1_leave_request_type,
    [BOARD_V1_MESSAGE_TYPE_SEND] = &board_v1_send_request_type,
    [BOARD_V1_MESSAGE_TYPE_READ] = &board_v1_read_request_type,
};

static const struct stoa_message_type *type_of(uint32_t type, bool is_reply) {
  switch (type) {
    case BOARD_V1_MESSAGE_TYPE_POST:
      return &board_v1_post_message_type;
    case BOARD_V1_MESSAGE_TYPE_NOTE:
      return &board_v1_note_message_type;
    case BOARD_V1_MESSAGE_TYPE_TYPING:
      return &board_v1_typing_message_type;
    case BOARD_V1_MESSAGE_TYPE_ENTER:
      return &board_v1_enter_message_type;
    case BOARD_V1_MESSAGE_TYPE_JOIN:
      return is_reply ? &board_v1_join_reply_type : NULL;
    case BOARD_V1_MESSAGE_TYPE_LEAVE:
      return is_reply ? &board_v1_leave_reply_type : NULL;
    case BOARD_V1_MESSAGE_TYPE_SEND:
      return is_reply ? &board_v1_send_reply_type : NULL;
    case BOARD_V1_MESSAGE_TYPE_READ:
      return is_reply ? &board_v1_read_reply_type : NULL;
    default:
      return NULL;
  }
}

uint32_t board_call(struct board_client *client, uint32_t type, const void *request) {
  uint32_t id = ++client->next_id;
  client->out.len = 0;
  put_u32(&client->out, 0x80000000u | type);
  put_u32(&client->out, id);
  assert_int_equal(client->codec->encode(request_types[type], request, &client->out), STOA_OK);
  assert_true(client_send(&client->base, 0x82, client->out.data, client->out.len));
  return id;
}

void board_push(struct board_client *client, uint32_t type, const struct stoa_message_type *message_type,
                const void *message) {
  client->out.len = 0;
  put_u32(&client->out, type);
  assert_int_equal(client->codec->encode(message_type, message, &client->out), STOA_OK);
  assert_true(client_send(&client->base, 0x82, client->out.data, client->out.len));
}

struct board_frame board_read(struct board_client *client) {
  struct client_frame raw = client_read_message(&client->base);
  assert_true(raw.len >= 4);
  uint32_t word = read_u32(raw.data);
  struct board_frame frame = {
      .type = word & 0x3fffffffu, .is_reply = (word & 0x80000000u) != 0, .is_error = (word & 0x40000000u) != 0};
  size_t head = frame.is_reply ? 8 : 4;
  frame.id = frame.is_reply ? read_u32(raw.data + 4) : 0;
  if (frame.is_error) {
    return frame;
  }
  const struct stoa_message_type *type = type_of(frame.type, frame.is_reply);
  assert_non_null(type);
  stoa_arena_reset(client->arena);
  /* A copy, because the next read reuses the frame's memory while a test may still look at the message. */
  struct stoa_string copy =
      stoa_arena_copy(client->arena, stoa_string_make((const char *)raw.data + head, raw.len - head));
  void *message = stoa_arena_calloc(client->arena, type->size);
  assert_non_null(message);
  assert_int_equal(client->codec->decode(type, stoa_bytes_make(copy.data, copy.len), client->arena, message, NULL),
                   STOA_OK);
  frame.message = message;
  return frame;
}

static const void *reply_to(struct board_client *client, uint32_t type, uint32_t id) {
  struct board_frame frame = board_read(client);
  assert_true(frame.is_reply);
  assert_false(frame.is_error);
  assert_int_equal(frame.type, type);
  assert_int_equal(frame.id, id);
  return frame.message;
}

const struct board_v1_join_reply *board_join(struct board_client *client, const char *room, uint64_t epoch,
                                             uint64_t offset, uint32_t history) {
  const struct board_v1_join_request request = {
      .room = stoa_string_of(room), .epoch = epoch, .offset = offset, .history = history};
  return reply_to(client, BOARD_V1_MESSAGE_TYPE_JOIN, board_call(client, BOARD_V1_MESSAGE_TYPE_JOIN, &request));
}

const char *board_leave(struct board_client *client, const char *room) {
  static char status[32];
  const struct board_v1_leave_request request = {.room = stoa_string_of(room)};
  uint32_t id = board_call(client, BOARD_V1_MESSAGE_TYPE_LEAVE, &request);
  struct board_frame frame = board_read(client);
  while (!frame.is_reply) {
    frame = board_read(client); /* messages from before */
  }
  assert_int_equal(frame.id, id);
  struct stoa_string text = ((const struct board_v1_leave_reply *)frame.message)->status;
  snprintf(status, sizeof status, "%.*s", (int)text.len, text.data);
  return status;
}

const struct board_v1_read_reply *board_history(struct board_client *client,
                                                const struct board_v1_read_request *request) {
  return reply_to(client, BOARD_V1_MESSAGE_TYPE_READ, board_call(client, BOARD_V1_MESSAGE_TYPE_READ, request));
}

static uint32_t send_request(struct board_client *client, const char *room, const char *text, const char *id,
                             const char *how) {
  const struct board_v1_send_request request = {.room = stoa_string_of(room),
                                                .text = stoa_string_of(text),
                                                .sender = STOA_STR("ann"),
                                                .client_msg_id = stoa_string_of(id),
                                                .how = stoa_string_of(how)};
  return board_call(client, BOARD_V1_MESSAGE_TYPE_SEND, &request);
}

uint32_t board_send(struct board_client *client, const char *room, const char *text, const char *client_msg_id) {
  return send_request(client, room, text, client_msg_id, NULL);
}

uint32_t board_send_as(struct board_client *client, const char *room, const char *text, const char *how) {
  return send_request(client, room, text, NULL, how);
}

const void *board_reply(struct board_client *client, uint32_t id) {
  struct board_frame frame = board_read(client);
  while (!frame.is_reply) {
    frame = board_read(client);
  }
  assert_int_equal(frame.id, id);
  assert_false(frame.is_error);
  return frame.message;
}

uint32_t board_join_as(struct board_client *client, const char *room, const char *how) {
  const struct board_v1_join_request request = {.room = stoa_string_of(room), .how = stoa_string_of(how)};
  return board_call(client, BOARD_V1_MESSAGE_TYPE_JOIN, &request);
}

const char *board_burst(struct board_client *client, const char *room, uint32_t count, const char *text) {
  static char status[128];
  const struct board_v1_send_request request = {.room = stoa_string_of(room),
                                                .text = stoa_string_of(text),
                                                .sender = STOA_STR("ann"),
                                                .target = count,
                                                .how = STOA_STR("burst")};
  const struct board_v1_send_reply *reply =
      board_reply(client, board_call(client, BOARD_V1_MESSAGE_TYPE_SEND, &request));
  snprintf(status, sizeof status, "%.*s", (int)reply->status.len, reply->status.data);
  return status;
}

struct board_sent board_sent(struct board_client *client, uint32_t id) {
  const struct board_v1_send_reply *reply = reply_to(client, BOARD_V1_MESSAGE_TYPE_SEND, id);
  struct board_sent sent = {
      .retry_ms = reply->retry_ms, .epoch = reply->epoch, .offset = reply->offset, .time_us = reply->time_us};
  snprintf(sent.status, sizeof sent.status, "%.*s", (int)reply->status.len, reply->status.data);
  return sent;
}

struct board_sent board_store(struct board_client *client, const char *room, const char *text,
                              const char *client_msg_id) {
  struct board_sent sent = board_sent(client, board_send(client, room, text, client_msg_id));
  assert_string_equal(sent.status, "OK");
  assert_true(sent.offset > 0);
  assert_true(sent.epoch > 0);
  return sent;
}

uint64_t board_expect_post(struct board_client *client, const char *text) {
  struct board_frame frame = board_read(client);
  assert_false(frame.is_reply);
  assert_int_equal(frame.type, BOARD_V1_MESSAGE_TYPE_POST);
  const struct board_v1_post_message *post = frame.message;
  assert_true(board_text_is(post->text, text));
  return post->offset;
}

uint64_t board_expect_note(struct board_client *client, const char *text) {
  struct board_frame frame = board_read(client);
  assert_int_equal(frame.type, BOARD_V1_MESSAGE_TYPE_NOTE);
  const struct board_v1_note_message *note = frame.message;
  assert_true(board_text_is(note->text, text));
  return note->offset;
}

void board_expect_nothing(struct board_client *client) {
  const struct board_v1_leave_request request = {.room = STOA_STR("no such room")};
  reply_to(client, BOARD_V1_MESSAGE_TYPE_LEAVE, board_call(client, BOARD_V1_MESSAGE_TYPE_LEAVE, &request));
}
