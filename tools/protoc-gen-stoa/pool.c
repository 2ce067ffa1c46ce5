#include "pool.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)64 * 1024)

struct block {
  struct block *next;
  alignas(max_align_t) unsigned char bytes[];
};

/* All blocks are reachable from here, so a leak checker reports nothing. */
static struct block *blocks;
static size_t used;
static size_t capacity;

void pool_die(const char *why) {
  fprintf(stderr, "protoc-gen-stoa: %s\n", why);
  exit(1);
}

static void add_block(size_t size) {
  if (size > SIZE_MAX - sizeof(struct block)) {
    pool_die("out of memory");
  }
  struct block *block = calloc(1, sizeof *block + size);
  if (block == NULL) {
    pool_die("out of memory");
  }
  block->next = blocks;
  blocks = block;
  used = 0;
  capacity = size;
}

void *pool_take(size_t size) {
  size_t align = alignof(max_align_t);
  if (size > SIZE_MAX - align) {
    pool_die("out of memory");
  }
  size_t rounded = (size + align - 1) / align * align;
  if (blocks == NULL || rounded > capacity - used) {
    add_block(rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES);
  }
  void *taken = blocks->bytes + used;
  assert(rounded <= capacity - used);
  used += rounded;
  return taken;
}

void *pool_array(size_t count, size_t size) {
  if (size != 0 && count > SIZE_MAX / size) {
    pool_die("out of memory");
  }
  size_t bytes = count * size;
  return pool_take(bytes == 0 ? 1 : bytes);
}

char *pool_copy(const char *data, size_t len) {
  char *copy = pool_array(len + 1, 1);
  if (len > 0) {
    memcpy(copy, data, len);
  }
  return copy;
}

void pool_empty(void) {
  while (blocks != NULL) {
    struct block *next = blocks->next;
    free(blocks);
    blocks = next;
  }
}
