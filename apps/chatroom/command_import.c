/* chatroom import. */
#include "command.h"
#include "offline.h"
#include "text.h"

#include <assert.h>
#include <chatroom/v1/chatroom.stoa.h>
#include <chatroom/v1/export.stoa.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/codec.h>
#include <stoa/room_admin.h>
#include <string.h>

#define LINE_BYTES_MAX ((size_t)1024 * 1024)
/* Lines that wait for the storage at once. */
#define BATCH_MAX 32u

/* Where a message stood, and where it stands now. */
struct moved {
  uint64_t from, to;
};

struct line {
  struct chatroom_v1_export_line content; /* in the batch's arena */
  struct job *job;
  size_t index; /* in job->moved */
};

struct job {
  struct offline *offline;
  FILE *in;
  const char *name;
  char *text; /* LINE_BYTES_MAX */
  struct stoa_arena *arena;
  unsigned long long line_number;
  bool has_waiting; /* the last line of `batch` is of the next batch */
  struct line batch[BATCH_MAX + 1];
  size_t batch_count, pending;
  char room[STOA_ROOM_NAME_LEN_MAX];
  size_t room_len;
  struct moved *moved;
  size_t moved_count, moved_capacity;
  _Atomic(unsigned long long) lines;
  char fault[256];
};

static void fail(struct job *job, const char *what) {
  if (job->fault[0] == '\0') {
    snprintf(job->fault, sizeof job->fault, "line %llu: %.200s", job->line_number, what);
  }
}

static struct stoa_rooms *rooms_of(const struct job *job) {
  return offline_chatroom(job->offline)->rooms;
}

/* Places. */

static int compare(const void *key, const void *item) {
  uint64_t wanted = *(const uint64_t *)key;
  uint64_t found = ((const struct moved *)item)->from;
  return wanted < found ? -1 : wanted > found;
}

static const struct moved *find_moved(const struct job *job, uint64_t from) {
  return job->moved_count == 0 ? NULL : bsearch(&from, job->moved, job->moved_count, sizeof *job->moved, compare);
}

static bool add_moved(struct job *job, uint64_t from) {
  if (job->moved_count == job->moved_capacity) {
    size_t capacity = job->moved_capacity == 0 ? 1024 : job->moved_capacity * 2;
    struct moved *moved = realloc(job->moved, capacity * sizeof *moved);
    if (moved == NULL) {
      return false;
    }
    job->moved = moved;
    job->moved_capacity = capacity;
  }
  job->moved[job->moved_count++] = (struct moved){.from = from};
  return true;
}

/* Storing a batch. */

static void next_batch(struct job *job);

static void end_line(struct job *job) {
  assert(job->pending > 0);
  job->pending--;
  if (job->pending == 0) {
    next_batch(job);
  }
}

static void on_redacted(void *context, const struct stoa_room_answer *answer) {
  struct line *line = context;
  if (answer->status != STOA_ROOM_OK) {
    fail(line->job, stoa_room_status_name(answer->status));
  }
  end_line(line->job);
}

static void on_stored(void *context, const struct stoa_room_answer *answer) {
  struct line *line = context;
  struct job *job = line->job;
  if (answer->status != STOA_ROOM_OK && answer->status != STOA_ROOM_DUPLICATE) {
    fail(job, stoa_room_status_name(answer->status));
    end_line(job);
    return;
  }
  job->moved[line->index].to = answer->position.offset;
  atomic_fetch_add(&job->lines, 1);
  if (line->content.deleted && line->content.event == CHATROOM_V1_EVENT_KIND_EVENT_UNKNOWN) {
    int status = stoa_room_redact(rooms_of(job), line->content.room, answer->position.offset, on_redacted, line);
    if (status == STOA_OK) {
      return;
    }
    fail(job, stoa_status_text(status));
  }
  end_line(job);
}

static int publish(struct line *line, uint64_t target) {
  const struct chatroom_v1_export_line *content = &line->content;
  const struct moved *answered = content->reply_to == 0 ? NULL : find_moved(line->job, content->reply_to);
  const struct chatroom_v1_chat_message chat = {
      .message = content->text, .sender = content->nick, .reply_to = answered == NULL ? 0 : answered->to};
  const struct chatroom_v1_event_message event = {.kind = content->event,
                                                  .target = target,
                                                  .text = content->text,
                                                  .emoji = content->emoji,
                                                  .off = content->off,
                                                  .nick = content->nick};
  const struct stoa_publish_options options = {.sender = content->user_id,
                                               .client_msg_id = content->client_msg_id,
                                               .target = target,
                                               .time_us = content->time_us,
                                               .is_administrator = true};
  bool is_event = content->event != CHATROOM_V1_EVENT_KIND_EVENT_UNKNOWN;
  return stoa_room_publish(rooms_of(line->job), content->room,
                           is_event ? CHATROOM_V1_MESSAGE_TYPE_EVENT : CHATROOM_V1_MESSAGE_TYPE_CHAT,
                           is_event ? (const void *)&event : (const void *)&chat, &options, on_stored, line);
}

static void store_batch(struct job *job) {
  size_t count = job->batch_count - (job->has_waiting ? 1 : 0);
  job->pending = 1; /* until all are on their way */
  for (size_t i = 0; i < count && job->fault[0] == '\0'; i++) {
    struct line *line = &job->batch[i];
    const struct moved *target = line->content.target == 0 ? NULL : find_moved(job, line->content.target);
    line->index = job->moved_count;
    if (line->content.target != 0 && target == NULL) {
      continue; /* of a message that retention has removed */
    }
    uint64_t to = target == NULL ? 0 : target->to;
    int status = add_moved(job, line->content.offset) ? publish(line, to) : STOA_E_MEMORY;
    if (status == STOA_OK) {
      job->pending++;
    } else {
      fail(job, stoa_status_text(status));
    }
  }
  end_line(job);
}

/* Another room begins: it must be new. */

static void on_room(void *context, const struct stoa_room_page *page) {
  struct job *job = context;
  if (page->status != STOA_ROOM_OK) {
    fail(job, stoa_room_status_name(page->status));
  } else if (page->top > 0) {
    char text[160];
    snprintf(text, sizeof text, "the room %.*s has messages already", (int)job->room_len, job->room);
    fail(job, text);
  }
  store_batch(job);
}

static void begin_room(struct job *job) {
  const struct stoa_room_query query = {.limit = 1, .has_events = true};
  struct stoa_string room = job->batch[0].content.room;
  job->moved_count = 0;
  job->room_len = room.len;
  memcpy(job->room, room.data, room.len);
  int status = stoa_room_history(rooms_of(job), room, &query, on_room, job);
  if (status != STOA_OK) {
    fail(job, stoa_status_text(status));
    offline_end(job->offline, STOA_OK);
  }
}

/* Reading a batch. */

/* False: the end, or a fault. */
static bool read_line(struct job *job, struct line *line) {
  struct stoa_codec_error error = {0};
  if (fgets(job->text, LINE_BYTES_MAX, job->in) == NULL) {
    if (ferror(job->in) != 0) {
      fail(job, strerror(errno));
    }
    return false;
  }
  job->line_number++;
  size_t len = strlen(job->text);
  *line = (struct line){.job = job};
  if (len == LINE_BYTES_MAX - 1) {
    fail(job, "too long");
    return false;
  }
  /* Its strings may point into the text, which the next line replaces. */
  struct stoa_string own = stoa_arena_copy(job->arena, stoa_string_make(job->text, len));
  if (own.data == NULL) {
    fail(job, "out of memory");
    return false;
  }
  int status = stoa_codec_json.decode(&chatroom_v1_export_line_type, stoa_bytes_make(own.data, own.len), job->arena,
                                      &line->content, &error);
  if (status != STOA_OK || !chatroom_is_room_name(line->content.room) || line->content.offset == 0) {
    fail(job, "this is no line of an export");
    return false;
  }
  return true;
}

/* Lines that can be stored together: of one room, and of which none concerns another one of them. */
static bool belongs(const struct job *job, const struct line *line) {
  const struct chatroom_v1_export_line *first = &job->batch[0].content;
  return stoa_string_equal(line->content.room, first->room) && line->content.target < first->offset &&
         line->content.reply_to < first->offset;
}

static bool is_in_order(const struct job *job, size_t index) {
  const struct chatroom_v1_export_line *line = &job->batch[index].content;
  bool is_same_room = stoa_string_equal(line->room, stoa_string_make(job->room, job->room_len));
  uint64_t last = index > 0                              ? job->batch[index - 1].content.offset
                  : job->moved_count > 0 && is_same_room ? job->moved[job->moved_count - 1].from
                                                         : 0;
  return line->offset > last;
}

/* A line that waits goes first; its strings are in the arena, so that is emptied only without one. */
static void start_batch(struct job *job) {
  if (job->has_waiting) {
    job->batch[0] = job->batch[job->batch_count - 1];
    job->batch_count = 1;
    job->has_waiting = false;
  } else {
    stoa_arena_reset(job->arena);
    job->batch_count = 0;
  }
}

static void read_batch(struct job *job) {
  start_batch(job);
  while (!job->has_waiting && job->batch_count < BATCH_MAX && read_line(job, &job->batch[job->batch_count])) {
    job->batch_count++;
    job->has_waiting = job->batch_count > 1 && !belongs(job, &job->batch[job->batch_count - 1]);
    if (!job->has_waiting && !is_in_order(job, job->batch_count - 1)) {
      fail(job, "the lines of a room are not in the order of their offsets");
    }
  }
}

static void next_batch(struct job *job) {
  if (job->fault[0] == '\0') {
    read_batch(job);
  }
  if (job->fault[0] != '\0' || job->batch_count == 0) {
    offline_end(job->offline, STOA_OK);
    return;
  }
  struct stoa_string room = job->batch[0].content.room;
  if (job->room_len == 0 || !stoa_string_equal(room, stoa_string_make(job->room, job->room_len))) {
    begin_room(job);
  } else {
    store_batch(job);
  }
}

/* The command. */

static void begin(struct offline *offline, void *context) {
  struct job *job = context;
  job->offline = offline;
  next_batch(job);
}

static void show(const void *context) {
  const struct job *job = context;
  command_progress("lines", atomic_load(&job->lines), false);
}

static void job_destroy(struct job *job) {
  if (job != NULL) {
    stoa_arena_destroy(job->arena);
    free(job->moved);
    free(job->text);
    free(job);
  }
}

static struct job *job_create(void) {
  struct job *job = calloc(1, sizeof *job);
  if (job != NULL) {
    job->text = malloc(LINE_BYTES_MAX);
    job->arena = stoa_arena_create(4 * BATCH_MAX * LINE_BYTES_MAX);
  }
  if (job == NULL || job->text == NULL || job->arena == NULL) {
    job_destroy(job);
    return NULL;
  }
  return job;
}

static int import_from(struct job *job, const struct chatroom_v1_config *config, const struct command_line *line) {
  struct offline *offline;
  int status = offline_open(config, NULL, &offline);
  if (status != STOA_OK) {
    return command_fail(
        line, status == STOA_E_EXISTS ? "a server uses the data; stop it first" : "the data cannot be opened");
  }
  offline_run(offline, begin, job, show);
  offline_close(offline);
  unsigned long long lines = atomic_load(&job->lines);
  command_progress("lines", lines, true);
  if (job->fault[0] != '\0') {
    return command_fail(line, "%s, %s; %llu lines were stored", line->operand, job->fault, lines);
  }
  printf("%s: %llu lines\n", line->operand, lines);
  return COMMAND_FINE;
}

static int run_import(const struct chatroom_v1_config *config, const struct command_line *line) {
  if (config->engine != NULL && config->engine->kind == STOA_ENGINE_CONFIG_KIND_MEMORY) {
    return command_fail(line, "engine.kind is memory: there is no place for data");
  }
  bool is_standard = strcmp(line->operand, "-") == 0;
  FILE *in = is_standard ? stdin : fopen(line->operand, "re");
  if (in == NULL) {
    return command_fail(line, "%s: %s", line->operand, strerror(errno));
  }
  struct job *job = job_create();
  int status = job == NULL ? command_fail(line, "out of memory") : COMMAND_FINE;
  if (job != NULL) {
    job->in = in;
    status = import_from(job, config, line);
  }
  job_destroy(job);
  if (!is_standard) {
    fclose(in);
  }
  return status;
}

const struct command command_import = {
    .name = "import",
    .operand = "FILE",
    .about =
        "Store the messages and events of an export, from a file or with - from standard input. Its rooms must be\n"
        "new here. They get new offsets and epochs; times stay. No server may run on the data.",
    .run = run_import};
