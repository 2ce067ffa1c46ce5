/* chatroom erase. */
#include "admin_client.h"
#include "api.h"
#include "command.h"
#include "erase.h"
#include "offline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
  struct offline *offline;
  struct stoa_string user_id;
  struct erase_result result;
};

static void on_erased(void *context, const struct erase_result *result) {
  struct job *job = context;
  job->result = *result;
  offline_end(job->offline, STOA_OK);
}

static void begin(struct offline *offline, void *context) {
  struct job *job = context;
  job->offline = offline;
  int status = erase_user(offline_chatroom(offline), offline_server(offline), job->user_id, on_erased, job);
  if (status != STOA_OK) {
    job->result.status = STOA_ROOM_UNAVAILABLE;
    offline_end(offline, status);
  }
}

static int say(const struct command_line *line, unsigned long long messages) {
  printf("%s: %llu messages and events erased\n", line->operand, messages);
  return COMMAND_FINE;
}

static int erase_offline(const struct chatroom_v1_config *config, const struct command_line *line) {
  struct offline *offline;
  struct job job = {.user_id = stoa_string_of(line->operand)};
  int status = offline_open(config, NULL, &offline);
  if (status != STOA_OK) {
    return command_fail(line, "the data cannot be opened: %s", offline_fault(status));
  }
  offline_run(offline, begin, &job, NULL);
  offline_close(offline);
  if (job.result.status != STOA_ROOM_OK) {
    return command_fail(line, "not complete (%s); run it again", stoa_room_status_name(job.result.status));
  }
  return say(line, job.result.messages);
}

/* Everything but letters and digits of ASCII is escaped. */
static char *path_of(const char *user_id) {
  static const char digits[] = "0123456789ABCDEF";
  static const char start[] = "/v1/users/";
  char *path = malloc(sizeof start + 3 * strlen(user_id));
  if (path == NULL) {
    return NULL;
  }
  memcpy(path, start, sizeof start);
  char *at = path + sizeof start - 1;
  for (const char *from = user_id; *from != '\0'; from++) {
    unsigned char byte = (unsigned char)*from;
    bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    if (is_plain) {
      *at++ = *from;
      continue;
    }
    *at++ = '%';
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
  }
  *at = '\0';
  return path;
}

static int erase_online(const struct chatroom_v1_config *config, const struct command_line *line,
                        struct admin_answer *answer) {
  struct chatroom_v1_erase_user_reply reply = {0};
  char *path = path_of(line->operand);
  if (path == NULL) {
    return command_fail(line, "out of memory");
  }
  const struct admin_request request = {"DELETE", path, NULL, &chatroom_v1_erase_user_reply_type};
  bool runs = admin_call(config, &request, &reply, answer);
  free(path);
  if (!runs || answer->http_status != 200) {
    return command_fail(line, "the server did not erase: %s; run it again", runs ? answer->fault : "it has ended");
  }
  return say(line, reply.messages);
}

static int run_erase(const struct chatroom_v1_config *config, const struct command_line *line) {
  const char *fault = api_user_fault(stoa_string_of(line->operand));
  struct admin_answer answer = {.arena = fault == NULL ? stoa_arena_create(ADMIN_ANSWER_BYTES_MAX) : NULL};
  int status = COMMAND_FAILED;
  if (fault != NULL || answer.arena == NULL) {
    return command_fail(line, "%s", fault == NULL ? "out of memory" : fault);
  }
  bool runs = admin_runs(config, &answer);
  if (runs && answer.fault[0] != '\0') {
    status = command_fail(line, "the admin listener does not help: %s", answer.fault);
  } else {
    status = runs ? erase_online(config, line, &answer) : erase_offline(config, line);
  }
  stoa_arena_destroy(answer.arena);
  return status;
}

const struct command command_erase = {
    .name = "erase",
    .operand = "USER",
    .about =
        "Erase all messages of a user, by user_id, in all rooms. When it has ended, no byte of their texts is left in\n"
        "the storage. Backups and exports are not changed. A running server does it, and ends the user's sessions.",
    .run = run_erase};
