/* stoa/arena.h: memory for the length of one message: many allocations, one release.
 *
 * Thread: one at a time. A worker owns one arena; what a handler gets from it is gone when the handler returns.
 */
#ifndef STOA_ARENA_H
#define STOA_ARENA_H

#include <stoa/bytes.h>
#include <stoa/export.h>
#include <stoa/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_arena;

/* An arena that hands out at most bytes_max between two resets, each allocation counted in steps of 16 bytes. It takes
 * no memory for them before the first. NULL when memory is out. */
STOA_API struct stoa_arena *stoa_arena_create(size_t bytes_max);
/* NULL is fine. */
STOA_API void stoa_arena_destroy(struct stoa_arena *arena);

/* `size` bytes, aligned to 16, not cleared. NULL at the cap or when memory is out. A size of 0 gives a pointer too. */
STOA_API void *stoa_arena_alloc(struct stoa_arena *arena, size_t size);
/* The same, cleared. */
STOA_API void *stoa_arena_calloc(struct stoa_arena *arena, size_t size);
/* A copy of the text in the arena, followed by a NUL. data is NULL at the cap or when memory is out. */
STOA_API struct stoa_string stoa_arena_copy(struct stoa_arena *arena, struct stoa_string text);

/* Change the size of an allocation, keeping its content up to the smaller size. The newest allocation grows in its
 * place when the block has room, or with its block when it is alone there, and gives back what it no longer needs when
 * it shrinks; any other one is copied when it grows, and its old bytes stay taken until the reset.
 *
 * last   from this arena, since its last reset; not NULL
 * Returns NULL at the cap or when memory is out: `last` is unchanged then. */
STOA_API void *stoa_arena_grow(struct stoa_arena *arena, void *last, size_t old_size, size_t new_size);

/* Why the newest of the allocations that failed since the last reset did so: STOA_E_LIMIT for the cap, STOA_E_MEMORY
 * when memory was out. STOA_OK when none has failed. */
STOA_API int stoa_arena_status(const struct stoa_arena *arena);

/* Forget everything handed out. The first block is kept, so that a steady load allocates nothing. */
STOA_API void stoa_arena_reset(struct stoa_arena *arena);

/* Forget only what was handed out after the mark: for who uses an arena in the midst of somebody else's message. What
 * came before it is neither grown nor shrunk in between. A mark is worth nothing after a reset, or after a rewind to an
 * earlier one. */
struct stoa_arena_place {
  void *block, *at;
  size_t used;
};
STOA_API struct stoa_arena_place stoa_arena_mark(const struct stoa_arena *arena);
STOA_API void stoa_arena_rewind(struct stoa_arena *arena, const struct stoa_arena_place *mark);

/* Bytes handed out since the last reset, in steps of 16. */
STOA_API size_t stoa_arena_used(const struct stoa_arena *arena);

#ifdef __cplusplus
}
#endif

#endif
