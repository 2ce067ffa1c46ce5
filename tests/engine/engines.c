#include "engines.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/memory/memory.h"

static const char *chosen;

void engines_choose(int argc, char **argv) {
  chosen = argc > 1 ? argv[1] : "memory";
  if (strcmp(chosen, "memory") != 0) {
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

void engines_open(struct kit *kit, const struct stoa_engine_retention *retention) {
  kit_begin(kit);
  open_memory(kit, retention);
  kit_attach(kit);
}

void engines_close(struct kit *kit) {
  kit_end(kit);
}

bool engines_keeps(void) {
  return false;
}

void engines_reopen(struct kit *kit) {
  (void)kit;
  fail();
}
