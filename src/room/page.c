#include "room/page.h"

#include "base/arena.h"
#include "codec/bound.h"

#include <assert.h>

/* Memory of a larger page is not kept for the next one. */
#define KEPT_BYTES_MAX ((size_t)64 * 1024)

/* A callback that gets a page may ask for another one, so it is taken while it is used. */
static struct stoa_arena *take_arena(struct stoa_room_worker *home, size_t bytes_max) {
  struct stoa_arena *arena = home->page_memory;
  home->page_memory = NULL;
  if (arena == NULL) {
    return stoa_arena_create(bytes_max);
  }
  stoa_arena_raise_max(arena, bytes_max);
  return arena;
}

static void give_back(struct stoa_room_worker *home, struct stoa_arena *arena) {
  if (home->page_memory != NULL || stoa_arena_used(arena) > KEPT_BYTES_MAX) {
    stoa_arena_destroy(arena);
    return;
  }
  stoa_arena_reset(arena);
  home->page_memory = arena;
}

/* The kind of a message, given that of the one before: most are of one type. */
static const struct stoa_room_kind *kind_after(const struct stoa_room_types *types, const struct stoa_room_kind *before,
                                               const struct stoa_engine_message *stored) {
  uint32_t type = stored->draft.type;
  return before != NULL && before->type.type == type ? before : stoa_room_types_find(types, type);
}

static size_t bytes_of(const struct stoa_room_types *types, struct stoa_engine_message *const *stored, uint32_t count) {
  size_t bytes = 0;
  const struct stoa_room_kind *kind = NULL;
  for (uint32_t i = 0; i < count; i++) {
    kind = kind_after(types, kind, stored[i]);
    bytes += stored[i]->len + sizeof(struct stoa_room_message) + (kind == NULL ? 0 : kind->type.message_type->size);
  }
  return bytes;
}

static int fill(const struct stoa_room_types *types, struct stoa_engine_message *const *stored, uint32_t count,
                bool is_reversed, struct stoa_arena *arena, struct stoa_room_page *page) {
  struct stoa_room_message *messages = stoa_arena_alloc(arena, count * sizeof *messages);
  const struct stoa_room_kind *kind = NULL;
  size_t filled = 0;
  if (messages == NULL) {
    return STOA_E_MEMORY;
  }
  for (uint32_t i = 0; i < count; i++) {
    const struct stoa_engine_message *at = stored[is_reversed ? count - 1 - i : i];
    kind = kind_after(types, kind, at);
    int status = stoa_room_kind_read(types, kind, at, arena, &messages[filled]);
    if (status == STOA_OK) {
      assert(filled == 0 || messages[filled].stamp.position.offset > messages[filled - 1].stamp.position.offset);
      filled++;
    } else if (!stoa_room_types_leave_out(at, status)) {
      return STOA_E_MEMORY;
    }
  }
  page->messages = messages;
  page->count = filled;
  return STOA_OK;
}

int stoa_room_page_fill(struct stoa_room_worker *home, struct stoa_engine_message *const *stored, uint32_t count,
                        bool is_reversed, struct stoa_room_page *page, struct stoa_room_page_memory *out_memory) {
  const struct stoa_room_types *types = &home->rooms->types;
  *out_memory = (struct stoa_room_page_memory){.home = home};
  if (count == 0) {
    page->messages = NULL;
    page->count = 0;
    return STOA_OK;
  }
  struct stoa_arena *arena = take_arena(home, stoa_codec_arena_bytes_max(bytes_of(types, stored, count)));
  if (arena == NULL) {
    return STOA_E_MEMORY;
  }
  int status = fill(types, stored, count, is_reversed, arena, page);
  if (status != STOA_OK) {
    give_back(home, arena);
    return status;
  }
  out_memory->arena = arena;
  return STOA_OK;
}

void stoa_room_page_free(struct stoa_room_page_memory *memory) {
  if (memory->arena != NULL) {
    give_back(memory->home, memory->arena);
    memory->arena = NULL;
  }
}
