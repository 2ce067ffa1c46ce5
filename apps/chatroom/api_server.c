/* The server itself: information, backup. */
#include "api.h"
#include "failure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/app.h>
#include <stoa/log.h>
#include <stoa/room_admin.h>
#include <sys/stat.h>
#include <time.h>

#define BACKUP_FOLDER "backups"
#define BACKUP_NAME_LEN_MAX 100u
#define BACKUP_PATH_SIZE 4096u

/* Information. */

const struct stoa_error *api_on_info(void *user, struct stoa_session *session,
                                     const struct chatroom_v1_info_request *request,
                                     struct chatroom_v1_info_reply *reply) {
  const struct chatroom *chatroom = user;
  const struct stoa_server *server = stoa_session_server(session);
  const struct stoa_app_context *app = stoa_app_of(server);
  const char *reason;
  char name[128];
  /* Whoever asks may have another working directory. */
  char *folder = chatroom->data_dir == NULL ? NULL : realpath(chatroom->data_dir, NULL);
  (void)request;
  snprintf(name, sizeof name, "%s %s", app == NULL ? "chatroom" : stoa_app_name(app),
           app == NULL ? "" : stoa_app_version(app));
  const char *storage = stoa_rooms_storage_state(chatroom->rooms, &reason);
  *reply = (struct chatroom_v1_info_reply){
      .server = stoa_arena_copy(stoa_session_arena(session), stoa_string_of(name)),
      .server_ms = stoa_server_wall_ms(server),
      .sessions = stoa_server_session_count(server),
      .connections = stoa_server_connection_count(server),
      .storage = stoa_string_of(storage),
      .storage_reason = stoa_arena_copy(stoa_session_arena(session), stoa_string_of(reason)),
      .data_dir = stoa_arena_copy(stoa_session_arena(session), stoa_string_of(folder == NULL ? "" : folder)),
      .default_room = chatroom->default_room};
  free(folder);
  return NULL;
}

/* Backup. */

struct backup {
  struct stoa_call *call;
  char path[BACKUP_PATH_SIZE];
};

static void on_backed_up(void *context, const struct stoa_room_answer *answer) {
  struct backup *backup = context;
  const struct chatroom_v1_backup_reply reply = {.path = stoa_string_of(backup->path), .messages = answer->count};
  int ignored = STOA_OK;
  if (answer->status == STOA_ROOM_INVALID) {
    chatroom_fail_with(backup->call, 409, "BACKUP_EXISTS", "the file exists, or cannot be made");
  } else if (answer->status == STOA_ROOM_OK) {
    ignored = chatroom_v1_admin_service_backup_reply(backup->call, &reply);
  } else {
    chatroom_fail_over_http(backup->call, answer->status, answer->retry_ms);
  }
  (void)ignored; /* the client may have gone; the file is there */
  free(backup);
}

static bool is_word(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* A name like this is a file of the folder, and none that is hidden. */
static bool is_name(struct stoa_string name) {
  if (name.len == 0 || name.len > BACKUP_NAME_LEN_MAX || !is_word(name.data[0])) {
    return false;
  }
  for (size_t i = 0; i < name.len; i++) {
    char byte = name.data[i];
    if (!is_word(byte) && byte != '.' && byte != '-' && byte != '_') {
      return false;
    }
  }
  return true;
}

static void write_default_name(int64_t now_ms, char out[BACKUP_NAME_LEN_MAX]) {
  time_t seconds = (time_t)(now_ms / 1000);
  struct tm utc;
  gmtime_r(&seconds, &utc);
  strftime(out, BACKUP_NAME_LEN_MAX, "chatroom-%Y%m%dT%H%M%SZ.db", &utc);
}

/* Makes the folder too. NULL: it is done. */
static const struct stoa_error *make_path(const struct chatroom *chatroom, struct stoa_session *session,
                                          struct stoa_string name, char out_path[BACKUP_PATH_SIZE]) {
  int len = snprintf(out_path, BACKUP_PATH_SIZE, "%s/" BACKUP_FOLDER, chatroom->data_dir);
  if (len < 0 || (size_t)len + 1 + name.len >= BACKUP_PATH_SIZE) {
    return api_refuse(session, "the path of the data folder is too long");
  }
  if (mkdir(out_path, 0700) != 0 && errno != EEXIST) {
    stoa_log(STOA_LOG_ERROR, "the folder of backups cannot be made", STOA_F_STR("path", out_path),
             STOA_F_STR("reason", strerror(errno)));
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "NO_FOLDER", "the folder of backups cannot be made");
  }
  snprintf(out_path + len, BACKUP_PATH_SIZE - (size_t)len, "/%.*s", (int)name.len, name.data);
  return NULL;
}

const struct stoa_error *api_on_backup(void *user, struct stoa_session *session,
                                       const struct chatroom_v1_backup_request *request,
                                       struct chatroom_v1_backup_reply *reply) {
  const struct chatroom *chatroom = user;
  char own_name[BACKUP_NAME_LEN_MAX];
  struct stoa_string name = request->name;
  (void)reply;
  if (name.len == 0) {
    write_default_name(stoa_server_wall_ms(stoa_session_server(session)), own_name);
    name = stoa_string_of(own_name);
  }
  if (!is_name(name)) {
    return api_refuse(session,
                      "name has 1 to 100 letters, digits, '.', '-' and '_', and begins with a letter or digit");
  }
  if (chatroom->data_dir == NULL) {
    return api_refuse(session, "engine.kind is memory: there is nothing to copy");
  }
  struct backup *backup = calloc(1, sizeof *backup);
  const struct stoa_error *error = NULL;
  if (backup == NULL) {
    return stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
  }
  error = make_path(chatroom, session, name, backup->path);
  backup->call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (backup->call == NULL) {
    free(backup);
    return error;
  }
  int status = stoa_rooms_backup(chatroom->rooms, stoa_string_of(backup->path), on_backed_up, backup);
  if (status != STOA_OK) {
    chatroom_fail_over_http(backup->call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
    free(backup);
  }
  return STOA_LATER;
}
