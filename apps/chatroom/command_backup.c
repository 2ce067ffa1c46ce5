/* chatroom backup, chatroom restore. */
#include "admin_client.h"
#include "backup.h"
#include "command.h"
#include "files.h"
#include "offline.h"
#include "storage.h"

#include <chatroom/v1/admin.stoa.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/room_admin.h>
#include <stoa/uuid.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE FILES_PATH_SIZE

/* Backup. */

struct backup_job {
  const char *path;
  struct offline *offline;
  enum stoa_room_status status;
  unsigned long long messages;
};

static void on_copied(void *context, const struct stoa_room_answer *answer) {
  struct backup_job *job = context;
  job->status = answer->status;
  job->messages = answer->count;
  offline_end(job->offline, STOA_OK);
}

static void copy(struct offline *offline, void *context) {
  struct backup_job *job = context;
  job->offline = offline;
  int status = stoa_rooms_backup(offline_chatroom(offline)->rooms, stoa_string_of(job->path), on_copied, job);
  if (status != STOA_OK) {
    job->status = STOA_ROOM_UNAVAILABLE;
    offline_end(offline, status);
  }
}

static int back_up_offline(const struct chatroom_v1_config *config, const struct command_line *line, const char *path,
                           unsigned long long *out_messages) {
  struct offline *offline;
  struct backup_job job = {.path = path};
  int status = offline_open(config, NULL, &offline);
  if (status != STOA_OK) {
    return command_fail(line, "the data cannot be opened: %s", offline_fault(status));
  }
  offline_run(offline, copy, &job, NULL);
  offline_close(offline);
  if (job.status != STOA_ROOM_OK) {
    return command_fail(line, "%s cannot be written", path);
  }
  *out_messages = job.messages;
  return COMMAND_FINE;
}

/* The server writes a file of its own folder, which is then moved. */
static int back_up_online(const struct chatroom_v1_config *config, const struct command_line *line, const char *path,
                          unsigned long long *out_messages) {
  struct chatroom_v1_backup_reply reply = {0};
  struct admin_answer answer = {.arena = stoa_arena_create(ADMIN_ANSWER_BYTES_MAX)};
  struct stoa_uuid id;
  char text[STOA_UUID_TEXT_LEN + 1];
  char body[128];
  int status = COMMAND_FINE;
  if (answer.arena == NULL || stoa_uuid_make(&id) != STOA_OK) {
    stoa_arena_destroy(answer.arena);
    return command_fail(line, "out of memory");
  }
  stoa_uuid_format(&id, text);
  snprintf(body, sizeof body, "{\"name\":\"moving-%s.db\"}", text);
  const struct admin_request request = {"POST", "/v1/backup", body, &chatroom_v1_backup_reply_type};
  bool runs = admin_call(config, &request, &reply, &answer);
  struct stoa_string made = stoa_arena_copy(answer.arena, reply.path); /* ends with a NUL */
  if (!runs || answer.http_status != 200) {
    status = command_fail(line, "the server made no backup: %s", runs ? answer.fault : "it has ended");
  } else if (made.data == NULL) {
    status = command_fail(line, "out of memory");
  } else if (!files_move(made.data, path)) {
    status = command_fail(line, "%s cannot be moved to %s: %s", made.data, path, strerror(errno));
  } else {
    *out_messages = reply.messages;
  }
  stoa_arena_destroy(answer.arena);
  return status;
}

int backup_to(const struct chatroom_v1_config *config, const struct command_line *line, const char *path,
              unsigned long long *out_messages) {
  struct admin_answer answer = {.arena = stoa_arena_create(ADMIN_ANSWER_BYTES_MAX)};
  struct stat there;
  if (answer.arena == NULL) {
    return command_fail(line, "out of memory");
  }
  if (config->engine != NULL && config->engine->kind == STOA_ENGINE_CONFIG_KIND_MEMORY) {
    stoa_arena_destroy(answer.arena);
    return command_fail(line, "engine.kind is memory: there are no data");
  }
  bool runs = admin_runs(config, &answer);
  bool is_known = !runs || answer.fault[0] == '\0';
  stoa_arena_destroy(answer.arena);
  if (!is_known) {
    return command_fail(line, "the admin listener does not help: %s", answer.fault);
  }
  if (lstat(path, &there) == 0) {
    return command_fail(line, "%s exists", path);
  }
  return runs ? back_up_online(config, line, path, out_messages) : back_up_offline(config, line, path, out_messages);
}

static int run_backup(const struct chatroom_v1_config *config, const struct command_line *line) {
  unsigned long long messages = 0;
  int status = backup_to(config, line, line->operand, &messages);
  if (status == COMMAND_FINE) {
    printf("%s: %llu messages\n", line->operand, messages);
  }
  return status;
}

const struct command command_backup = {
    .name = "backup",
    .operand = "FILE",
    .about =
        "Copy all rooms into a new file, and check the copy. A running server makes the copy itself, while it goes\n"
        "on, and is asked at server.admin.address.",
    .run = run_backup};

/* Restore. */

enum { OPTION_FORCE };

/* Whose data are there, and may they be replaced? */
static int check_place(const struct chatroom_v1_config *config, const struct command_line *line, const char *path) {
  struct offline *offline;
  struct stat there;
  if (lstat(path, &there) != 0) {
    return COMMAND_FINE;
  }
  int status = offline_open(config, NULL, &offline);
  if (status == STOA_OK) {
    offline_close(offline);
  }
  if (status == STOA_E_EXISTS) {
    return command_fail(line, "a server uses %s; stop it first", path);
  }
  if (line->values[OPTION_FORCE] == NULL) {
    return command_fail(line, "%s exists; --force replaces it", path);
  }
  return COMMAND_FINE;
}

static int check_copy(const struct chatroom_v1_config *config, const struct command_line *line, const char *path) {
  struct offline *offline;
  if (!files_is_database(path)) {
    return command_fail(line, "%s is no backup", line->operand);
  }
  int status = offline_open(config, path, &offline);
  if (status != STOA_OK) {
    return command_fail(line, "%s is no backup of a chat, or damaged", line->operand);
  }
  offline_close(offline);
  return COMMAND_FINE;
}

static bool remove_copy(const char *path) {
  return files_remove_beside(path, "") && files_remove_beside(path, "-wal") && files_remove_beside(path, "-shm") &&
         files_remove_beside(path, ".lock");
}

/* Another copy than the one that was opened, which has a log of its own now. The log of the replaced file would be read
 * as that of the new one, so it goes first. */
static int put_in_place(const struct command_line *line, const char *copy_path, const char *path) {
  if (!files_copy(line->operand, copy_path)) {
    return command_fail(line, "%s cannot be copied: %s", line->operand, strerror(errno));
  }
  if (!files_remove_beside(path, "-wal") || !files_remove_beside(path, "-shm") || rename(copy_path, path) != 0 ||
      !files_sync_folder(path)) {
    return command_fail(line, "%s cannot be replaced: %s", path, strerror(errno));
  }
  return COMMAND_FINE;
}

static int run_restore(const struct chatroom_v1_config *config, const struct command_line *line) {
  struct storage_options options;
  char path[PATH_SIZE];
  char copy_path[PATH_SIZE];
  storage_options_of(config, &options);
  bool is_absolute = options.local.path.data[0] == '/';
  int len = snprintf(path, sizeof path, "%s%s%s", is_absolute ? "" : options.data_dir, is_absolute ? "" : "/",
                     options.local.path.data);
  if (options.engine.kind == STOA_ENGINE_CONFIG_KIND_MEMORY) {
    return command_fail(line, "engine.kind is memory: there is no place for data");
  }
  if (len < 0 || (size_t)len + sizeof ".restoring-journal" > sizeof path) {
    return command_fail(line, "the path of the database is too long");
  }
  snprintf(copy_path, sizeof copy_path, "%.*s.restoring", len, path);
  int status = check_place(config, line, path);
  if (status != COMMAND_FINE) {
    return status;
  }
  if (mkdir(options.data_dir, 0700) != 0 && errno != EEXIST) {
    return command_fail(line, "%s cannot be made: %s", options.data_dir, strerror(errno));
  }
  if (!remove_copy(copy_path) || !files_copy(line->operand, copy_path)) {
    status = command_fail(line, "%s cannot be copied: %s", line->operand, strerror(errno));
  }
  status = status == COMMAND_FINE ? check_copy(config, line, copy_path) : status;
  bool is_removed = remove_copy(copy_path);
  if (status == COMMAND_FINE && !is_removed) {
    status = command_fail(line, "%s cannot be removed: %s", copy_path, strerror(errno));
  }
  status = status == COMMAND_FINE ? put_in_place(line, copy_path, path) : status;
  if (status != COMMAND_FINE) {
    remove_copy(copy_path);
  }
  if (status == COMMAND_FINE) {
    printf("%s: restored\n", path);
  }
  return status;
}

const struct command command_restore = {
    .name = "restore",
    .operand = "FILE",
    .about =
        "Make the file of a backup the data of the chat. No server may run on them.\n"
        "Options: --force replaces data that exist.",
    .options = {[OPTION_FORCE] = {"--force", false}},
    .run = run_restore};
