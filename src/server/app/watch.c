#include "server/app/watch.h"

#include "base/siphash.h"
#include "base/sys.h"
#include "base/units.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

/* File systems take times from a clock that advances with the kernel's ticks. */
#define COARSE_US 20000
/* Symbolic links from a name to the file; more are not followed by the kernel either. */
#define LINKS_MAX 40
#define FOLDER_EVENTS \
  (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

/* Which files. */

struct walk {
  void (*visit)(struct walk *walk, const char *path);
  size_t count;
  int fd;         /* of inotify */
  size_t watched; /* folders */
  uint64_t print;
  int64_t newest_us; /* when something changed last, by the wall clock */
};

static void visit(struct walk *walk, struct stoa_string path) {
  if (path.len > 0 && walk->count < STOA_WATCH_PATHS_MAX) {
    walk->count++;
    walk->visit(walk, path.data);
  }
}

static void visit_tls(struct walk *walk, const struct stoa_tls_config *tls) {
  if (tls == NULL) {
    return;
  }
  visit(walk, tls->certificate);
  visit(walk, tls->key);
  visit(walk, tls->client_ca);
  visit(walk, tls->ocsp_file);
  for (size_t i = 0; i < tls->certificates.count; i++) {
    visit(walk, tls->certificates.items[i].certificate);
    visit(walk, tls->certificates.items[i].key);
    visit(walk, tls->certificates.items[i].ocsp_file);
  }
}

static void visit_server(struct walk *walk, const struct stoa_server_config *config) {
  visit_tls(walk, config->tls);
  for (size_t i = 0; i < config->listeners.count; i++) {
    visit_tls(walk, config->listeners.items[i].tls);
  }
  if (config->auth != NULL) {
    visit(walk, config->auth->jwks_file);
    visit(walk, config->auth->public_key_file);
    visit(walk, config->auth->secret_file);
  }
  if (config->admin != NULL) {
    visit(walk, config->admin->key_file);
  }
}

static void visit_all(struct walk *walk, const struct stoa_app_loader *loader,
                      const struct stoa_server_config *config) {
  for (size_t i = 0; i < loader->arguments.file_count; i++) {
    visit(walk, loader->arguments.sources[i].text);
  }
  if (config != NULL) {
    visit_server(walk, config);
  }
}

static void note_time(struct walk *walk, const struct stat *info) {
  int64_t changed_us = (int64_t)info->st_ctim.tv_sec * STOA_US_PER_S + info->st_ctim.tv_nsec / 1000;
  walk->newest_us = changed_us > walk->newest_us ? changed_us : walk->newest_us;
}

/* Watching. */

static void watch_path(struct walk *walk, const char *path) {
  struct stat info;
  if (stoa_sys.inotify_add_watch(walk->fd, path, FOLDER_EVENTS) >= 0) {
    walk->watched++;
  }
  if (stoa_sys.stat(path, &info) == 0) {
    note_time(walk, &info); /* something was renamed here */
  }
}

/* The folder that a name is in: "a/b" is in "a", "b" in ".", "/b" in "/". */
static void folder_of(const char *path, char out_folder[PATH_MAX]) {
  const char *slash = strrchr(path, '/');
  size_t len = slash == NULL ? 0 : (size_t)(slash - path);
  if (slash == NULL) {
    snprintf(out_folder, PATH_MAX, ".");
  } else if (len == 0) {
    snprintf(out_folder, PATH_MAX, "/");
  } else {
    snprintf(out_folder, PATH_MAX, "%.*s", (int)(len < PATH_MAX - 1 ? len : PATH_MAX - 1), path);
  }
}

/* The target of a symbolic link as a path from here. False: it is none, or too long. */
static bool follow(char path[PATH_MAX], const char *folder) {
  char target[PATH_MAX];
  ssize_t len = stoa_sys.readlink(path, target, sizeof target - 1);
  if (len <= 0) {
    return false;
  }
  target[len] = '\0';
  int written =
      target[0] == '/' ? snprintf(path, PATH_MAX, "%s", target) : snprintf(path, PATH_MAX, "%s/%s", folder, target);
  return written > 0 && written < PATH_MAX;
}

/* A file's folder, and those of all symbolic links on the way to it: each of them may be replaced. */
static void watch_file(struct walk *walk, const char *path) {
  char at[PATH_MAX];
  char folder[PATH_MAX];
  struct stat info;
  if (strlen(path) >= sizeof at) {
    return;
  }
  memcpy(at, path, strlen(path) + 1);
  if (stoa_config_is_folder(path)) {
    watch_path(walk, path);
  } else if (stoa_sys.stat(path, &info) == 0) {
    note_time(walk, &info);
  }
  for (int i = 0; i < LINKS_MAX; i++) {
    folder_of(at, folder);
    watch_path(walk, folder);
    if (!follow(at, folder)) {
      return;
    }
  }
}

/* Looking. */

static void mix(uint64_t *print, const void *data, size_t len) {
  const uint64_t seed[2] = {*print, len};
  *print = stoa_siphash13(seed, stoa_bytes_make(data, len));
}

static void look_at_one(uint64_t *print, const char *path) {
  struct stat info = {0};
  int failure = stoa_sys.stat(path, &info) == 0 ? 0 : errno;
  const uint64_t parts[] = {(uint64_t)failure,
                            (uint64_t)info.st_dev,
                            (uint64_t)info.st_ino,
                            (uint64_t)info.st_size,
                            (uint64_t)info.st_mode,
                            (uint64_t)info.st_mtim.tv_sec,
                            (uint64_t)info.st_mtim.tv_nsec,
                            (uint64_t)info.st_ctim.tv_sec,
                            (uint64_t)info.st_ctim.tv_nsec};
  mix(print, parts, sizeof parts);
}

/* Of a folder, the files that are configuration; a failure to list them is a state too. */
static void look_at_folder(uint64_t *print, const char *path) {
  struct stoa_arena *arena = stoa_arena_create(1024u * 1024);
  struct stoa_config_folder folder = {.count = 0};
  int status = arena == NULL ? STOA_E_MEMORY : stoa_config_folder_list(path, arena, &folder);
  mix(print, &status, sizeof status);
  for (size_t i = 0; status == STOA_OK && i < folder.count; i++) {
    mix(print, folder.paths[i].data, folder.paths[i].len);
    look_at_one(print, folder.paths[i].data);
  }
  stoa_arena_destroy(arena);
}

static void look(struct walk *walk, const char *path) {
  mix(&walk->print, path, strlen(path));
  if (stoa_config_is_folder(path)) {
    look_at_folder(&walk->print, path);
  } else {
    look_at_one(&walk->print, path);
  }
}

static uint64_t look_at_all(const struct stoa_app_loader *loader, const struct stoa_server_config *config) {
  struct walk walk = {.visit = look};
  visit_all(&walk, loader, config);
  return walk.print;
}

/* The watch. */

int stoa_watch_open(struct stoa_watch *out_watch, const struct stoa_app_loader *loader,
                    const struct stoa_server_config *config, const struct stoa_watch_start *start) {
  struct walk walk = {.visit = watch_file, .fd = stoa_sys.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  *out_watch = (struct stoa_watch){.fd = walk.fd};
  if (walk.fd < 0) {
    return STOA_E_SYSTEM;
  }
  visit_all(&walk, loader, config);
  if (walk.watched == 0) {
    stoa_watch_close(out_watch);
    return STOA_E_SYSTEM;
  }
  out_watch->print = look_at_all(loader, config); /* last: what changes from now on has an event */
  if (walk.newest_us >= start->read_us - COARSE_US) {
    out_watch->print = ~out_watch->print;
    out_watch->first_ns = start->now_ns;
    out_watch->last_ns = start->now_ns;
  }
  return STOA_OK;
}

void stoa_watch_close(struct stoa_watch *watch) {
  if (watch->fd >= 0) {
    stoa_sys.close(watch->fd);
    watch->fd = -1;
  }
}

void stoa_watch_read(struct stoa_watch *watch, uint64_t now_ns) {
  _Alignas(struct inotify_event) char events[4096];
  bool has_some = false;
  assert(watch->fd >= 0);
  while (stoa_sys.read(watch->fd, events, sizeof events) > 0) {
    has_some = true; /* which file it was does not matter: all are looked at */
  }
  if (has_some) {
    watch->first_ns = watch->first_ns == 0 ? now_ns : watch->first_ns;
    watch->last_ns = now_ns;
  }
}

static uint64_t due_ns(const struct stoa_watch *watch) {
  uint64_t quiet_ns = watch->last_ns + (uint64_t)STOA_WATCH_QUIET_MS * STOA_NS_PER_MS;
  uint64_t latest_ns = watch->first_ns + (uint64_t)STOA_WATCH_LATEST_MS * STOA_NS_PER_MS;
  return quiet_ns < latest_ns ? quiet_ns : latest_ns;
}

int stoa_watch_wait_ms(const struct stoa_watch *watch, uint64_t now_ns) {
  if (watch->first_ns == 0) {
    return -1;
  }
  uint64_t due = due_ns(watch);
  return due <= now_ns ? 0 : (int)((due - now_ns) / STOA_NS_PER_MS) + 1;
}

bool stoa_watch_take(struct stoa_watch *watch, uint64_t now_ns, const struct stoa_app_loader *loader,
                     const struct stoa_server_config *config) {
  if (watch->first_ns == 0 || now_ns < due_ns(watch)) {
    return false;
  }
  watch->first_ns = 0;
  uint64_t before = watch->print;
  watch->print = look_at_all(loader, config);
  return watch->print != before;
}
