/* base/arena.h: what the library itself does with an arena, beside stoa/arena.h. */
#ifndef STOA_BASE_ARENA_H
#define STOA_BASE_ARENA_H

#include <stoa/arena.h>

/* Raise the cap; a lower one changes nothing. */
void stoa_arena_raise_max(struct stoa_arena *arena, size_t bytes_max);

#endif
