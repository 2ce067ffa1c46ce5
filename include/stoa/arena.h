/* stoa/arena.h: memory for the length of one message: many allocations, one release.
 *
 * Thread: one at a time. A worker owns one arena; what a handler gets from it is gone when the handler returns.
 */
#ifndef STOA_ARENA_H
#define STOA_ARENA_H

#include <stoa/bytes.h>
#include <stoa/export.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_arena;

/* An arena that holds at most bytes_max in all. NULL when memory is out. */
STOA_API struct stoa_arena *stoa_arena_create(size_t bytes_max);
STOA_API void stoa_arena_destroy(struct stoa_arena *arena);

/* `size` bytes, aligned to 16, not cleared. NULL at the cap or when memory is out. A size of 0 gives a pointer too. */
STOA_API void *stoa_arena_alloc(struct stoa_arena *arena, size_t size);
/* The same, cleared. */
STOA_API void *stoa_arena_calloc(struct stoa_arena *arena, size_t size);
/* A copy of the text in the arena, followed by a NUL. data is NULL when memory is out. */
STOA_API struct stoa_string stoa_arena_copy(struct stoa_arena *arena, struct stoa_string text);

/* Forget everything handed out. The first block is kept, so that a steady load allocates nothing. */
STOA_API void stoa_arena_reset(struct stoa_arena *arena);
/* Bytes handed out since the last reset. */
STOA_API size_t stoa_arena_used(const struct stoa_arena *arena);

#ifdef __cplusplus
}
#endif

#endif
