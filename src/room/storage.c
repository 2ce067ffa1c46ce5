#include "room/storage.h"

#include "base/memory.h"
#include "base/sys.h"
#include "engine/local/local.h"
#include "engine/memory/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stoa/log.h>

#define FILE_DEFAULT "rooms.db"

struct stoa_rooms_storage {
  int32_t kind, durability;
  struct stoa_engine_retention retention;
  const struct stoa_clock *clock;
  size_t body_bytes_max;
  char path[STOA_ENGINE_PATH_LEN_MAX + 1];
};

/* Only the owner may read the messages. */
static int make_folder(const char *data_dir) {
  if (data_dir == NULL || stoa_sys.mkdir(data_dir, 0700) == 0 || errno == EEXIST) {
    return STOA_OK;
  }
  stoa_log(STOA_LOG_ERROR, "the data folder cannot be made; make it, or name another one",
           STOA_F_STR("data_dir", data_dir), STOA_F_STR("reason", strerror(errno)));
  return STOA_E_SYSTEM;
}

static int set_path(struct stoa_rooms_storage *storage, struct stoa_string path, const char *data_dir) {
  static const struct stoa_string by_default = STOA_STR(FILE_DEFAULT);
  struct stoa_string file = path.len == 0 ? by_default : path;
  bool is_relative = data_dir != NULL && file.data[0] != '/';
  int len = snprintf(storage->path, sizeof storage->path, "%s%s%.*s", is_relative ? data_dir : "",
                     is_relative ? "/" : "", (int)(file.len > INT16_MAX ? INT16_MAX : file.len), file.data);
  if (len < 0 || (size_t)len >= sizeof storage->path || memchr(file.data, '\0', file.len) != NULL) {
    stoa_log(STOA_LOG_ERROR, "engine.local.path is no path, or too long", STOA_F_TEXT("path", file));
    return STOA_E_ARGUMENT;
  }
  return make_folder(data_dir);
}

static int check(const struct stoa_engine_config *config) {
  bool is_kind = config->kind == STOA_ENGINE_CONFIG_KIND_LOCAL || config->kind == STOA_ENGINE_CONFIG_KIND_MEMORY;
  int32_t durability = config->local == NULL ? STOA_LOCAL_ENGINE_CONFIG_DURABILITY_FULL : config->local->durability;
  bool is_durability = durability == STOA_LOCAL_ENGINE_CONFIG_DURABILITY_FULL ||
                       durability == STOA_LOCAL_ENGINE_CONFIG_DURABILITY_NORMAL;
  if (is_kind && is_durability) {
    return STOA_OK;
  }
  stoa_log(STOA_LOG_ERROR, is_kind ? "engine.local.durability is full or normal" : "engine.kind is local or memory",
           STOA_F_INT("value", is_kind ? durability : config->kind));
  return STOA_E_ARGUMENT;
}

int stoa_rooms_storage_create(const struct stoa_engine_config *config, const char *data_dir,
                              const struct stoa_clock *clock, size_t body_bytes_max,
                              struct stoa_rooms_storage **out_storage) {
  static const struct stoa_engine_config none;
  static const struct stoa_local_engine_config no_local;
  config = config == NULL ? &none : config;
  const struct stoa_local_engine_config *local = config->local == NULL ? &no_local : config->local;
  int status = check(config);
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_rooms_storage *storage = stoa_calloc(1, sizeof *storage);
  if (storage == NULL) {
    return STOA_E_MEMORY;
  }
  storage->kind = config->kind;
  storage->durability = local->durability;
  storage->clock = clock;
  storage->body_bytes_max = body_bytes_max < STOA_ENGINE_BODY_LEN_MAX ? body_bytes_max : STOA_ENGINE_BODY_LEN_MAX;
  if (config->retention != NULL) {
    storage->retention = (struct stoa_engine_retention){config->retention->age_ms, config->retention->messages,
                                                        config->retention->bytes};
  }
  status = config->kind == STOA_ENGINE_CONFIG_KIND_LOCAL ? set_path(storage, local->path, data_dir) : STOA_OK;
  if (status != STOA_OK) {
    stoa_free(storage);
    return status;
  }
  *out_storage = storage;
  return STOA_OK;
}

void stoa_rooms_storage_destroy(struct stoa_rooms_storage *storage) {
  stoa_free(storage);
}

static int open_memory(const struct stoa_rooms_storage *storage, const struct stoa_engine_text *text,
                       struct stoa_engine **out_engine) {
  const struct stoa_memory_engine_options options = {.clock = storage->clock,
                                                     .text = *text,
                                                     .retention = storage->retention,
                                                     .body_bytes_max = storage->body_bytes_max};
  return stoa_memory_engine_open(&options, out_engine);
}

static const char *advice_for(int status) {
  switch (status) {
    case STOA_E_EXISTS:
      return "stop the other process, or name another file";
    case STOA_E_SYNTAX:
      return "restore a backup, or name another file";
    case STOA_E_UNSUPPORTED:
      return "start a newer version of this program";
    default:
      return "check the folder, its owner and the free space";
  }
}

static int open_local(const struct stoa_rooms_storage *storage, const struct stoa_engine_text *text,
                      struct stoa_engine **out_engine) {
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1] = "";
  const struct stoa_local_engine_options options = {
      .path = storage->path,
      .durability =
          storage->durability == STOA_LOCAL_ENGINE_CONFIG_DURABILITY_NORMAL ? STOA_LOCAL_NORMAL : STOA_LOCAL_FULL,
      .clock = storage->clock,
      .text = *text,
      .retention = storage->retention,
      .body_bytes_max = storage->body_bytes_max,
  };
  int status = stoa_local_engine_open(&options, out_engine, reason);
  if (status != STOA_OK && status != STOA_E_MEMORY) {
    stoa_log(STOA_LOG_ERROR, "the storage of rooms cannot be opened", STOA_F_STR("path", storage->path),
             STOA_F_STR("reason", reason), STOA_F_STR("advice", advice_for(status)));
  }
  return status == STOA_E_UNSUPPORTED ? STOA_E_SYNTAX : status;
}

int stoa_rooms_storage_open(const struct stoa_rooms_storage *storage, const struct stoa_engine_text *text,
                            struct stoa_engine **out_engine) {
  return storage->kind == STOA_ENGINE_CONFIG_KIND_MEMORY ? open_memory(storage, text, out_engine)
                                                         : open_local(storage, text, out_engine);
}
