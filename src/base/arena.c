/* base/arena.c: a list of blocks, filled front to back. */
#include <assert.h>
#include <sanitizer/asan_interface.h>
#include <stoa/arena.h>

#include "base/arena.h"
#include "base/memory.h"

#define ALIGNMENT 16u
/* The first block is kept over resets. It is large enough for a message of the usual size, so a steady load makes no
 * call to the heap. */
#define BLOCK_FIRST_BYTES (16u * 1024)
/* Further blocks are made for large messages, and freed at reset. */
#define BLOCK_NEXT_BYTES (64u * 1024)

struct block {
  struct block *next; /* the one filled before this; NULL for the first */
  size_t size;        /* bytes of data */
  _Alignas(ALIGNMENT) uint8_t data[];
};

struct stoa_arena {
  uint8_t *at;  /* the next free byte of the newest block; NULL before the first allocation */
  uint8_t *end; /* of the newest block */
  size_t used;
  size_t bytes_max;
  struct block *newest;
  int status; /* why the latest failed allocation failed */
};

/* The bytes that an allocation takes. Even an empty one takes some: its pointer must differ from that of the next
 * allocation. */
static inline size_t rounded(size_t size) {
  return size == 0 ? ALIGNMENT : (size + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1);
}

static size_t cap_of(size_t bytes_max) {
  return rounded(bytes_max < SIZE_MAX / 2 ? bytes_max : SIZE_MAX / 2);
}

struct stoa_arena *stoa_arena_create(size_t bytes_max) {
  struct stoa_arena *arena = stoa_calloc(1, sizeof *arena);
  if (arena != NULL) {
    arena->bytes_max = cap_of(bytes_max);
  }
  return arena;
}

void stoa_arena_raise_max(struct stoa_arena *arena, size_t bytes_max) {
  size_t cap = cap_of(bytes_max);
  arena->bytes_max = cap > arena->bytes_max ? cap : arena->bytes_max;
}

static void free_blocks_until(struct stoa_arena *arena, const struct block *stop) {
  while (arena->newest != stop) {
    struct block *next = arena->newest->next;
    stoa_free(arena->newest);
    arena->newest = next;
  }
}

void stoa_arena_destroy(struct stoa_arena *arena) {
  if (arena != NULL) {
    free_blocks_until(arena, NULL);
    stoa_free(arena);
  }
}

static struct block *add_block(struct stoa_arena *arena, size_t need) {
  size_t size = arena->newest == NULL ? BLOCK_FIRST_BYTES : BLOCK_NEXT_BYTES;
  if (size < need) {
    size = need;
  }
  struct block *block = stoa_alloc(sizeof *block + size);
  if (block != NULL) {
    block->next = arena->newest;
    block->size = size;
    arena->newest = block;
    arena->at = block->data;
    arena->end = block->data + size;
    ASAN_POISON_MEMORY_REGION(block->data, size);
  }
  return block;
}

/* The size is compared before it is rounded, since one near SIZE_MAX would round to 0. */
static inline bool is_allowed(const struct stoa_arena *arena, size_t size) {
  return size <= arena->bytes_max && rounded(size) <= arena->bytes_max - arena->used;
}

static void *fail(struct stoa_arena *arena, int status) {
  arena->status = status;
  return NULL;
}

void *stoa_arena_alloc(struct stoa_arena *arena, size_t size) {
  if (!is_allowed(arena, size)) {
    return fail(arena, STOA_E_LIMIT);
  }
  size_t need = rounded(size);
  if (need > (size_t)(arena->end - arena->at) && add_block(arena, need) == NULL) {
    return fail(arena, STOA_E_MEMORY);
  }
  void *memory = arena->at;
  arena->at += need;
  arena->used += need;
  ASAN_UNPOISON_MEMORY_REGION(memory, size);
  return memory;
}

void *stoa_arena_calloc(struct stoa_arena *arena, size_t size) {
  void *memory = stoa_arena_alloc(arena, size);
  if (memory != NULL) {
    memset(memory, 0, size);
  }
  return memory;
}

/* Move the end of the newest allocation, if this is the newest and the block and the cap allow it. */
static bool resize_in_place(struct stoa_arena *arena, uint8_t *last, size_t old_size, size_t new_size) {
  if (last + rounded(old_size) != arena->at) {
    return false;
  }
  size_t room = (size_t)(arena->end - last);
  size_t used_before = arena->used - rounded(old_size);
  if (new_size > room || rounded(new_size) > arena->bytes_max - used_before) {
    return false;
  }
  arena->at = last + rounded(new_size);
  arena->used = used_before + rounded(new_size);
  assert(arena->at <= arena->end);
  assert(arena->used <= arena->bytes_max);
  ASAN_POISON_MEMORY_REGION(last, room);
  ASAN_UNPOISON_MEMORY_REGION(last, new_size);
  return true;
}

/* Is it the only one in its block? False in the first block: it is kept over resets, so it must stay small. */
static bool is_alone(const struct stoa_arena *arena, const uint8_t *last, size_t old_size) {
  const struct block *block = arena->newest;
  return block->next != NULL && last == block->data && last + rounded(old_size) == arena->at;
}

/* An allocation that is alone in its block grows with it: otherwise a list that doubles would leave its old copies in
 * the arena, and they would count until the reset. */
static void *grow_block(struct stoa_arena *arena, size_t old_size, size_t new_size) {
  size_t used_before = arena->used - rounded(old_size);
  if (new_size > arena->bytes_max || rounded(new_size) > arena->bytes_max - used_before) {
    return fail(arena, STOA_E_LIMIT);
  }
  size_t size = rounded(new_size);
  struct block *block = stoa_realloc(arena->newest, sizeof *block + size);
  if (block == NULL) {
    return fail(arena, STOA_E_MEMORY);
  }
  block->size = size;
  arena->newest = block;
  arena->at = block->data + size;
  arena->end = arena->at;
  arena->used = used_before + size;
  assert(arena->used <= arena->bytes_max);
  ASAN_POISON_MEMORY_REGION(block->data, size);
  ASAN_UNPOISON_MEMORY_REGION(block->data, new_size);
  return block->data;
}

void *stoa_arena_grow(struct stoa_arena *arena, void *last, size_t old_size, size_t new_size) {
  assert(last != NULL);
  assert(rounded(old_size) <= arena->used);
  if (resize_in_place(arena, last, old_size, new_size) || new_size <= old_size) {
    return last;
  }
  if (is_alone(arena, last, old_size)) {
    return grow_block(arena, old_size, new_size);
  }
  void *moved = stoa_arena_alloc(arena, new_size);
  if (moved != NULL) {
    memcpy(moved, last, old_size);
  }
  return moved;
}

struct stoa_string stoa_arena_copy(struct stoa_arena *arena, struct stoa_string text) {
  char *copy = text.len < SIZE_MAX ? stoa_arena_alloc(arena, text.len + 1) : fail(arena, STOA_E_LIMIT);
  if (copy == NULL) {
    return stoa_string_make(NULL, 0);
  }
  if (text.len > 0) {
    memcpy(copy, text.data, text.len);
  }
  copy[text.len] = '\0';
  return stoa_string_make(copy, text.len);
}

void stoa_arena_reset(struct stoa_arena *arena) {
  arena->used = 0;
  arena->status = STOA_OK;
  if (arena->newest == NULL) {
    return;
  }
  struct block *first = arena->newest;
  while (first->next != NULL) {
    first = first->next;
  }
  free_blocks_until(arena, first);
  arena->at = first->data;
  arena->end = first->data + first->size;
  ASAN_POISON_MEMORY_REGION(first->data, first->size);
}

struct stoa_arena_place stoa_arena_mark(const struct stoa_arena *arena) {
  return (struct stoa_arena_place){arena->newest, arena->at, arena->used};
}

void stoa_arena_rewind(struct stoa_arena *arena, const struct stoa_arena_place *mark) {
  struct block *block = mark->block;
  if (block == NULL) {
    stoa_arena_reset(arena);
    return;
  }
  assert(mark->used <= arena->used);
  free_blocks_until(arena, block);
  arena->at = mark->at;
  arena->end = block->data + block->size;
  arena->used = mark->used;
  ASAN_POISON_MEMORY_REGION(arena->at, (size_t)(arena->end - arena->at));
}

int stoa_arena_status(const struct stoa_arena *arena) {
  return arena->status;
}

size_t stoa_arena_used(const struct stoa_arena *arena) {
  return arena->used;
}
