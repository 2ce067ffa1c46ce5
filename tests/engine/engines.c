#include "engines.h"

#include <stdio.h>
#include <stdlib.h>

#include <dirent.h>
#include <unistd.h>

#include "engine/local/local.h"
#include "engine/memory/memory.h"

static const char *chosen;
static char folder[64];
static struct stoa_engine_retention kept;

void engines_choose(int argc, char **argv) {
  chosen = argc > 1 ? argv[1] : "memory";
  if (strcmp(chosen, "memory") != 0 && strncmp(chosen, "local", 5) != 0) {
    fprintf(stderr, "no engine %s\n", chosen);
    exit(2);
  }
}

static void open_memory(struct kit *kit, const struct stoa_engine_retention *retention) {
  struct stoa_memory_engine_options options = {.clock = &kit->clock, .text = kit_text};
  if (retention != NULL) {
    options.retention = *retention;
  }
  assert_int_equal(stoa_memory_engine_open(&options, &kit->engine), STOA_OK);
}

static void open_local(struct kit *kit) {
  char reason[STOA_LOCAL_REASON_LEN_MAX + 1];
  char path[80];
  kit->has_threads = strcmp(chosen, "local-threads") == 0;
  snprintf(path, sizeof path, "%s/rooms.db", folder);
  const struct stoa_local_engine_options options = {
      .path = path,
      .durability = strcmp(chosen, "local") == 0 ? STOA_LOCAL_FULL : STOA_LOCAL_NORMAL,
      .clock = kit->has_threads ? &kit->wall_clock : &kit->clock,
      .is_stepped = !kit->has_threads,
      .text = kit_text,
      .retention = kept};
  int status = stoa_local_engine_open(&options, &kit->engine, reason);
  if (status != STOA_OK) {
    fail_msg("%s", reason);
  }
}

static void open_chosen(struct kit *kit) {
  if (strcmp(chosen, "memory") == 0) {
    open_memory(kit, &kept);
  } else {
    open_local(kit);
  }
  kit_attach(kit);
}

void engines_open(struct kit *kit, const struct stoa_engine_retention *retention) {
  static const struct stoa_engine_retention none;
  kept = retention == NULL ? none : *retention;
  snprintf(folder, sizeof folder, "/tmp/stoa-engine-XXXXXX");
  assert_non_null(mkdtemp(folder));
  kit_begin(kit);
  open_chosen(kit);
}

static void remove_folder(void) {
  DIR *directory = opendir(folder);
  const struct dirent *entry;
  assert_non_null(directory);
  while ((entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] != '.') {
      assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0), 0);
    }
  }
  closedir(directory);
  assert_int_equal(rmdir(folder), 0);
}

void engines_close(struct kit *kit) {
  kit_end(kit);
  remove_folder();
}

bool engines_keeps(void) {
  return strcmp(chosen, "memory") != 0;
}

void engines_reopen(struct kit *kit) {
  kit_close_engine(kit);
  open_chosen(kit);
}
