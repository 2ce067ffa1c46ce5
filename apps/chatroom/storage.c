#include "storage.h"

#include "presence.h"
#include "stamps.h"

#include <stdio.h>
#include <stdlib.h>
#include <stoa/app.h>
#include <stoa/log.h>

#define FILE_DEFAULT "chatroom.db"
#define DATA_DIR_DEFAULT "data"

static void tell_place(struct stoa_app_context *context, const struct stoa_engine_config *engine,
                       const char *data_dir) {
  char text[2048];
  char *folder = realpath(data_dir, NULL);
  bool is_absolute = engine->local->path.data[0] == '/';
  if (engine->kind == STOA_ENGINE_CONFIG_KIND_MEMORY) {
    snprintf(text, sizeof text, "in memory only, lost when the program ends");
  } else {
    snprintf(text, sizeof text, "%s%s%s",
             is_absolute      ? ""
             : folder == NULL ? data_dir
                              : folder,
             is_absolute ? "" : "/", engine->local->path.data);
  }
  free(folder);
  int ignored = stoa_app_note(context, "messages", text);
  (void)ignored; /* without memory nobody is told */
}

void storage_options_of(const struct chatroom_v1_config *config, struct storage_options *out_options) {
  memset(out_options, 0, sizeof *out_options);
  if (config->rooms != NULL) {
    out_options->rooms = *config->rooms;
  }
  if (config->engine != NULL) {
    out_options->engine = *config->engine;
  }
  if (out_options->engine.local != NULL) {
    out_options->local = *out_options->engine.local;
  }
  if (out_options->local.path.len == 0) {
    out_options->local.path = stoa_string_of(FILE_DEFAULT);
  }
  out_options->engine.local = &out_options->local;
  out_options->rooms.engine = &out_options->engine;
  out_options->data_dir = config->data_dir.len == 0 ? DATA_DIR_DEFAULT : config->data_dir.data;
}

static int create(struct chatroom *chatroom, struct stoa_server *server, const struct chatroom_v1_config *config) {
  struct storage_options options;
  storage_options_of(config, &options);
  uint32_t presence_max = presence_bytes_max(stoa_server_message_bytes_max(server));
  if (options.rooms.presence_bytes_max == 0 || options.rooms.presence_bytes_max > presence_max) {
    options.rooms.presence_bytes_max = presence_max;
  }
  const struct stoa_rooms_callbacks callbacks = {.on_presence = presence_on_diff, .user = chatroom};
  bool is_stored = options.engine.kind != STOA_ENGINE_CONFIG_KIND_MEMORY;
  chatroom->data_dir = is_stored ? options.data_dir : NULL;
  int status = stoa_rooms_create(server, &options.rooms, chatroom->data_dir, &callbacks, &chatroom->rooms);
  if (status == STOA_OK) {
    tell_place(stoa_app_of(server), &options.engine, options.data_dir);
  }
  return status;
}

int chatroom_storage_open(struct chatroom *chatroom, struct stoa_server *server,
                          const struct chatroom_v1_config *config) {
  if (config->rooms != NULL && config->rooms->engine != NULL) {
    stoa_log(STOA_LOG_ERROR, "rooms.engine is not used; write it as engine, at the top of the configuration");
    return STOA_E_ARGUMENT;
  }
  int status = create(chatroom, server, config);
  return status == STOA_OK ? stamps_add_types(chatroom->rooms) : status;
}
