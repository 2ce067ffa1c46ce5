/* stoa/arena.h: memory for the duration of one message: many allocations, one release.
 *
 * Thread: one at a time. A worker owns one arena; what a handler allocates from it is freed when the handler returns.
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

/* Create an arena that hands out at most bytes_max between two resets; each allocation is rounded up to a multiple of
 * 16 bytes. Blocks are allocated on first use. Returns NULL when memory is out. */
STOA_API struct stoa_arena *stoa_arena_create(size_t bytes_max);
/* NULL is allowed. */
STOA_API void stoa_arena_destroy(struct stoa_arena *arena);

/* `size` bytes, aligned to 16, not cleared. NULL at the cap or when memory is out. A size of 0 also returns a
 * pointer. */
STOA_API void *stoa_arena_alloc(struct stoa_arena *arena, size_t size);
/* The same, cleared. */
STOA_API void *stoa_arena_calloc(struct stoa_arena *arena, size_t size);
/* A copy of the text in the arena, followed by a NUL. data is NULL at the cap or when memory is out. */
STOA_API struct stoa_string stoa_arena_copy(struct stoa_arena *arena, struct stoa_string text);

/* Change the size of an allocation, keeping its content up to the smaller size. The newest allocation grows in place
 * when its block has room; when it is alone in its block, the block grows. When it shrinks, the rest can be allocated
 * again. Any other allocation is copied when it grows, and its old bytes stay in use until the reset.
 *
 * last   from this arena, since its last reset; not NULL
 * Returns NULL at the cap or when memory is out: `last` is unchanged then. */
STOA_API void *stoa_arena_grow(struct stoa_arena *arena, void *last, size_t old_size, size_t new_size);

/* Why the most recent failed allocation since the last reset failed: STOA_E_LIMIT for the cap, STOA_E_MEMORY when
 * memory was out. STOA_OK when none failed. */
STOA_API int stoa_arena_status(const struct stoa_arena *arena);

/* Free everything that was handed out. The first block is kept, so that a steady load allocates nothing. */
STOA_API void stoa_arena_reset(struct stoa_arena *arena);

/* Free only what was handed out after the mark, for code that uses an arena while another message still needs it.
 * Between mark and rewind, do not grow or shrink an allocation from before the mark. A mark is invalid after a reset,
 * or after a rewind to an earlier mark. */
struct stoa_arena_place {
  void *block, *at;
  size_t used;
};
STOA_API struct stoa_arena_place stoa_arena_mark(const struct stoa_arena *arena);
STOA_API void stoa_arena_rewind(struct stoa_arena *arena, const struct stoa_arena_place *mark);

/* Bytes handed out since the last reset, each allocation rounded up to a multiple of 16. */
STOA_API size_t stoa_arena_used(const struct stoa_arena *arena);

#ifdef __cplusplus
}
#endif

#endif
