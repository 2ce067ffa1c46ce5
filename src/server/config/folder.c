/* server/config/folder.c: lists a directory. */
#include "server/config/folder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/sys.h"

bool stoa_config_is_folder(const char *path) {
  struct stat info;
  return stoa_sys.stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool ends_with(const char *name, const char *end) {
  size_t len = strlen(name);
  size_t end_len = strlen(end);
  return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* A mounted ConfigMap holds its files as links to ones in a hidden directory; editors keep hidden copies. */
static bool is_configuration(const char *name) {
  return name[0] != '.' && (ends_with(name, ".yaml") || ends_with(name, ".yml"));
}

static int add_path(struct stoa_arena *arena, const char *folder, const char *name, struct stoa_string *out_path) {
  size_t folder_len = strlen(folder);
  size_t name_len = strlen(name);
  bool has_slash = folder_len > 0 && folder[folder_len - 1] == '/';
  size_t len = folder_len + !has_slash + name_len;
  char *path = stoa_arena_alloc(arena, len + 1);
  if (path == NULL) {
    return STOA_E_MEMORY;
  }
  memcpy(path, folder, folder_len);
  path[folder_len] = '/';
  memcpy(path + len - name_len, name, name_len + 1);
  *out_path = stoa_string_make(path, len);
  return STOA_OK;
}

static int read_entries(DIR *directory, const char *path, struct stoa_arena *arena, struct stoa_config_folder *folder) {
  for (;;) {
    errno = 0;
    const struct dirent *entry = stoa_sys.readdir(directory);
    if (entry == NULL) {
      return errno == 0 ? STOA_OK : STOA_E_SYSTEM;
    }
    if (!is_configuration(entry->d_name)) {
      continue;
    }
    if (folder->count == STOA_CONFIG_FOLDER_FILES_MAX) {
      return STOA_E_LIMIT;
    }
    int status = add_path(arena, path, entry->d_name, &folder->paths[folder->count]);
    if (status != STOA_OK) {
      return status;
    }
    folder->count++;
  }
}

static int compare_paths(const void *left, const void *right) {
  const struct stoa_string *a = left;
  const struct stoa_string *b = right;
  return strcmp(a->data, b->data);
}

int stoa_config_folder_list(const char *path, struct stoa_arena *arena, struct stoa_config_folder *out_folder) {
  struct stoa_config_folder folder = {stoa_arena_alloc(arena, STOA_CONFIG_FOLDER_FILES_MAX * sizeof *folder.paths), 0};
  if (folder.paths == NULL) {
    return STOA_E_MEMORY;
  }
  DIR *directory = stoa_sys.opendir(path);
  if (directory == NULL) {
    return STOA_E_SYSTEM;
  }
  int status = read_entries(directory, path, arena, &folder);
  int error = errno;
  stoa_sys.closedir(directory);
  errno = error;
  assert(folder.count <= STOA_CONFIG_FOLDER_FILES_MAX);
  if (status == STOA_OK) {
    qsort(folder.paths, folder.count, sizeof *folder.paths, compare_paths);
    *out_folder = folder;
  }
  return status;
}
