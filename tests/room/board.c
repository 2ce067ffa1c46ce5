#include "board.h"

#include <dirent.h>
#include <unistd.h>

#include "base/memory.h"
#include "program.h"
#include "room/rooms.h"
#include "server/worker/stepping.h"

static const char *chosen = "memory";

void board_choose(int argc, char **argv) {
  chosen = argc > 1 ? argv[1] : "memory";
}

bool board_is_local(void) {
  return strcmp(chosen, "local") == 0;
}

/* The server. */

static int make_rooms(struct board *board, const struct board_options *options) {
  static struct stoa_engine_config engine;
  const struct stoa_rooms_callbacks callbacks = {
      .on_member = program_on_member, .on_presence = program_on_presence, .user = board};
  struct stoa_rooms_config config = options->rooms;
  if (options->engine != NULL) {
    return stoa_rooms_create_on(board->server, options->engine, &config, &callbacks, &board->rooms);
  }
  engine = config.engine == NULL ? (struct stoa_engine_config){0} : *config.engine;
  engine.kind = board_is_local() ? STOA_ENGINE_CONFIG_KIND_LOCAL : STOA_ENGINE_CONFIG_KIND_MEMORY;
  config.engine = &engine;
  return stoa_rooms_create(board->server, &config, board->folder, &callbacks, &board->rooms);
}

void board_start(struct board *board, const struct board_options *options) {
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
  program_register(board);
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
    [BOARD_V1_MESSAGE_TYPE_LIST] = &board_v1_list_request_type,
    [BOARD_V1_MESSAGE_TYPE_SET] = &board_v1_set_request_type,
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
    case BOARD_V1_MESSAGE_TYPE_LIST:
      return is_reply ? &board_v1_list_reply_type : NULL;
    case BOARD_V1_MESSAGE_TYPE_SET:
      return is_reply ? &board_v1_set_reply_type : NULL;
    case BOARD_V1_MESSAGE_TYPE_CHANGES:
      return &board_v1_changes_message_type;
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
