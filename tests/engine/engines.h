/* tests/engine/engines.h: opens the engine that a test program was asked to test. */
#ifndef STOA_TESTS_ENGINE_ENGINES_H
#define STOA_TESTS_ENGINE_ENGINES_H

#include "kit.h"

/* Which one, from the program's arguments: "memory", "local", "local-normal" or "local-threads". Exits when it is
 * unknown. */
void engines_choose(int argc, char **argv);

/* A kit with a new, empty engine and its ports attached. retention: NULL for the engine's default */
void engines_open(struct kit *kit, const struct stoa_engine_retention *retention);
/* kit_end(), and removes files. */
void engines_close(struct kit *kit);

/* Does it keep messages over a close and an open? Then engines_reopen() does both. */
bool engines_keeps(void);
void engines_reopen(struct kit *kit);

#endif
