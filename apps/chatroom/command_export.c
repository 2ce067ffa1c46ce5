/* chatroom export. */
#include "backup.h"
#include "command.h"
#include "offline.h"
#include "text.h"

#include <chatroom/v1/chatroom.stoa.h>
#include <chatroom/v1/export.stoa.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/codec.h>
#include <stoa/room_admin.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX ((size_t)1024 * 1024)
#define LIST_ROOMS 100u

struct room_name {
  uint64_t floor;
  size_t len;
  char text[STOA_ROOM_NAME_LEN_MAX];
};

struct job {
  struct offline *offline;
  FILE *out;
  struct stoa_buffer line;
  struct room_name rooms[LIST_ROOMS];
  size_t room_count, next_room;
  bool has_more_rooms;
  uint64_t after; /* 0: nothing of the room is read */
  _Atomic(unsigned long long) lines;
  const char *fault; /* static */
};

static void end(struct job *job, const char *fault) {
  job->fault = fault;
  offline_end(job->offline, STOA_OK);
}

/* Lines. */

static void fill_chat(struct chatroom_v1_export_line *line, const struct chatroom_v1_chat_message *chat) {
  line->nick = chat->sender;
  line->text = chat->message;
  line->reply_to = chat->reply_to;
}

static void fill_event(struct chatroom_v1_export_line *line, const struct chatroom_v1_event_message *event) {
  line->nick = event->nick;
  line->text = event->text;
  line->event = event->kind;
  line->emoji = event->emoji;
  line->off = event->off;
}

/* False: it cannot be written. */
static bool write_line(struct job *job, const struct stoa_room_message *message) {
  const struct stoa_room_stamp *stamp = &message->stamp;
  char time[CHATROOM_TIME_TEXT_SIZE];
  struct chatroom_v1_export_line line = {.room = stamp->room,
                                         .offset = stamp->position.offset,
                                         .time = chatroom_time_text(stamp->time_us / 1000, time),
                                         .time_us = stamp->time_us,
                                         .user_id = stamp->sender,
                                         .client_msg_id = stamp->client_msg_id,
                                         .deleted = stamp->is_redacted,
                                         .target = stamp->target};
  if (message->type == CHATROOM_V1_MESSAGE_TYPE_CHAT) {
    fill_chat(&line, message->message);
  } else {
    fill_event(&line, message->message);
    if (line.event == CHATROOM_V1_EVENT_KIND_EVENT_UNKNOWN) {
      return true; /* what it was is erased */
    }
  }
  job->line.len = 0;
  if (stoa_codec_json.encode(&chatroom_v1_export_line_type, &line, &job->line) != STOA_OK ||
      stoa_buffer_append(&job->line, "\n", 1) != STOA_OK) {
    return false;
  }
  atomic_fetch_add(&job->lines, 1);
  return fwrite(job->line.data, 1, job->line.len, job->out) == job->line.len;
}

/* Rooms. */

static void list_rooms(struct job *job);
static void read_room(struct job *job);

static void next_room(struct job *job) {
  job->after = 0;
  if (job->next_room < job->room_count) {
    read_room(job);
  } else if (job->has_more_rooms) {
    list_rooms(job);
  } else {
    end(job, NULL);
  }
}

static void on_page(void *context, const struct stoa_room_page *page) {
  struct job *job = context;
  if (page->status != STOA_ROOM_OK) {
    end(job, stoa_room_status_name(page->status));
    return;
  }
  for (size_t i = 0; i < page->count; i++) {
    if (!write_line(job, &page->messages[i])) {
      end(job, "it cannot be written");
      return;
    }
  }
  bool is_first = job->after == 0;
  if (is_first) {
    job->after = job->rooms[job->next_room].floor + 1;
  } else if (page->count > 0) {
    job->after = page->messages[page->count - 1].stamp.position.offset;
  }
  if (is_first || (page->has_more_after && page->count > 0)) {
    read_room(job);
  } else {
    job->next_room++;
    next_room(job);
  }
}

/* `after` 0 would be the newest page. So the first read is of the one offset above the floor, from the other side. */
static void read_room(struct job *job) {
  const struct room_name *name = &job->rooms[job->next_room];
  const struct stoa_room_query query = {.before = job->after == 0 ? name->floor + 2 : 0,
                                        .after = job->after,
                                        .limit = job->after == 0 ? 1 : STOA_ROOM_PAGE_MAX,
                                        .has_events = true};
  int status = stoa_room_history(offline_chatroom(job->offline)->rooms, stoa_string_make(name->text, name->len), &query,
                                 on_page, job);
  if (status != STOA_OK) {
    end(job, stoa_status_text(status));
  }
}

static void on_rooms(void *context, const struct stoa_room_listing *list) {
  struct job *job = context;
  if (list->status != STOA_ROOM_OK) {
    end(job, stoa_room_status_name(list->status));
    return;
  }
  job->room_count = list->count;
  job->next_room = 0;
  job->has_more_rooms = list->has_more && list->count > 0;
  for (size_t i = 0; i < list->count; i++) {
    job->rooms[i].floor = list->rooms[i].floor;
    job->rooms[i].len = list->rooms[i].room.len;
    memcpy(job->rooms[i].text, list->rooms[i].room.data, list->rooms[i].room.len);
  }
  next_room(job);
}

static void list_rooms(struct job *job) {
  const struct room_name *last = job->room_count == 0 ? NULL : &job->rooms[job->room_count - 1];
  struct stoa_string after = last == NULL ? stoa_string_of("") : stoa_string_make(last->text, last->len);
  int status = stoa_rooms_list(offline_chatroom(job->offline)->rooms, after, LIST_ROOMS, on_rooms, job);
  if (status != STOA_OK) {
    end(job, stoa_status_text(status));
  }
}

/* The command. */

static void begin(struct offline *offline, void *context) {
  struct job *job = context;
  job->offline = offline;
  list_rooms(job);
}

static void show(const void *context) {
  const struct job *job = context;
  command_progress("lines", atomic_load(&job->lines), false);
}

static int write_all(const struct chatroom_v1_config *config, const struct command_line *line, const char *database,
                     FILE *out, unsigned long long *out_lines) {
  struct job *job = calloc(1, sizeof *job);
  struct offline *offline;
  if (job == NULL || offline_open(config, database, &offline) != STOA_OK) {
    free(job);
    return command_fail(line, "the copy of the data cannot be opened");
  }
  job->out = out;
  stoa_buffer_init(&job->line, LINE_BYTES_MAX);
  offline_run(offline, begin, job, show);
  offline_close(offline);
  const char *fault = job->fault;
  *out_lines = atomic_load(&job->lines);
  command_progress("lines", *out_lines, true);
  stoa_buffer_fini(&job->line);
  free(job);
  if (fault == NULL && fflush(out) != 0) {
    fault = strerror(errno);
  }
  return fault == NULL ? COMMAND_FINE : command_fail(line, "%s: %s", line->operand, fault);
}

/* From a copy, so that the export is of one moment, whether a server runs or not. */
static int export_to(const struct chatroom_v1_config *config, const struct command_line *line, FILE *out,
                     unsigned long long *out_lines) {
  char folder[] = "/var/tmp/chatroom-export-XXXXXX";
  char database[sizeof folder + 16];
  static const char *const parts[] = {"", "-wal", "-shm", ".lock"};
  unsigned long long messages;
  if (mkdtemp(folder) == NULL) {
    return command_fail(line, "%s cannot be made: %s", folder, strerror(errno));
  }
  snprintf(database, sizeof database, "%s/copy.db", folder);
  int status = backup_to(config, line, database, &messages);
  status = status == COMMAND_FINE ? write_all(config, line, database, out, out_lines) : status;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    char path[sizeof database + 8];
    snprintf(path, sizeof path, "%s%s", database, parts[i]);
    unlink(path);
  }
  rmdir(folder);
  return status;
}

static int run_export(const struct chatroom_v1_config *config, const struct command_line *line) {
  bool is_standard = strcmp(line->operand, "-") == 0;
  unsigned long long lines = 0;
  FILE *out = is_standard ? stdout : fopen(line->operand, "wxe");
  if (out == NULL) {
    return command_fail(line, "%s cannot be made: %s", line->operand, strerror(errno));
  }
  int status = export_to(config, line, out, &lines);
  if (!is_standard) {
    bool is_stored = fsync(fileno(out)) == 0;
    is_stored = fclose(out) == 0 && is_stored;
    status =
        status == COMMAND_FINE && !is_stored ? command_fail(line, "%s: %s", line->operand, strerror(errno)) : status;
    if (status != COMMAND_FINE) {
      unlink(line->operand);
    } else {
      printf("%s: %llu lines\n", line->operand, lines);
    }
  }
  return status;
}

const struct command command_export = {
    .name = "export",
    .operand = "FILE",
    .about =
        "Write all messages and events of all rooms into a new file, or with - to standard output: one a line, as\n"
        "JSON. It is of one moment, also while a server runs. What was erased is not in it; settings are neither.",
    .run = run_export};
