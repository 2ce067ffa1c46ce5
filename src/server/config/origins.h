/* server/config/origins.h: which source gave each value of a loaded struct.
 *
 * A value is known by its place in memory: a field of a message, or the list or map as a whole.
 *
 * Thread: one at a time. Lifetime: records lie in the arena of the load; what the sources point to is the caller's.
 */
#ifndef STOA_SERVER_CONFIG_ORIGINS_H
#define STOA_SERVER_CONFIG_ORIGINS_H

#include "server/config/config.h"

struct stoa_config_origin {
  const uint8_t *place;
  struct stoa_config_source source;
  uint32_t line;  /* 0: the source has none */
  uint32_t order; /* a later one of the same place counts */
};

/* Zeroed at first. */
struct stoa_config_origins {
  struct stoa_config_origin *items;
  size_t count;
  size_t room;
};

/* The value at `place` is now of this source. Errors: STOA_E_MEMORY */
int stoa_config_origins_add(struct stoa_config_origins *origins, struct stoa_arena *arena, const void *place,
                            const struct stoa_config_source *source, uint32_t line);

/* All are added, and the `size` bytes at `from` now lie at `to`. Needed before stoa_config_origins_find(). */
void stoa_config_origins_finish(struct stoa_config_origins *origins, const void *from, size_t size, const void *to);

/* NULL: no source has set it. */
const struct stoa_config_origin *stoa_config_origins_find(const struct stoa_config_origins *origins, const void *place);

#endif
