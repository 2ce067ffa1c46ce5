#include "storage.h"

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

static int create(struct chatroom *chatroom, struct stoa_server *server, const struct chatroom_v1_config *config) {
  const char *data_dir = config->data_dir.len == 0 ? DATA_DIR_DEFAULT : config->data_dir.data;
  struct stoa_local_engine_config local = {0};
  struct stoa_engine_config engine = {0};
  struct stoa_rooms_config rooms = {0};
  rooms = config->rooms == NULL ? rooms : *config->rooms;
  engine = config->engine == NULL ? engine : *config->engine;
  local = engine.local == NULL ? local : *engine.local;
  local.path = local.path.len == 0 ? stoa_string_of(FILE_DEFAULT) : local.path;
  engine.local = &local;
  rooms.engine = &engine;
  bool is_stored = engine.kind != STOA_ENGINE_CONFIG_KIND_MEMORY;
  chatroom->data_dir = is_stored ? data_dir : NULL;
  int status = stoa_rooms_create(server, &rooms, chatroom->data_dir, NULL, &chatroom->rooms);
  if (status == STOA_OK) {
    tell_place(stoa_app_of(server), &engine, data_dir);
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
