#include "room/page.h"

#include "codec/bound.h"

#include <assert.h>

static size_t bytes_of(const struct stoa_room_types *types, struct stoa_engine_message *const *stored, uint32_t count) {
  size_t bytes = 0;
  const struct stoa_room_kind *kind = NULL;
  for (uint32_t i = 0; i < count; i++) {
    if (kind == NULL || kind->type.type != stored[i]->draft.type) { /* most are of one type */
      kind = stoa_room_types_find(types, stored[i]->draft.type);
    }
    bytes += stored[i]->len + sizeof(struct stoa_room_message) + (kind == NULL ? 0 : kind->type.message_type->size);
  }
  return bytes;
}

static int fill(const struct stoa_room_types *types, struct stoa_engine_message *const *stored, uint32_t count,
                bool is_reversed, struct stoa_arena *arena, struct stoa_room_page *page) {
  struct stoa_room_message *messages = stoa_arena_alloc(arena, count * sizeof *messages);
  size_t filled = 0;
  if (messages == NULL) {
    return STOA_E_MEMORY;
  }
  for (uint32_t i = 0; i < count; i++) {
    const struct stoa_engine_message *at = stored[is_reversed ? count - 1 - i : i];
    int status = stoa_room_types_read(types, at, arena, &messages[filled]);
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

int stoa_room_page_fill(const struct stoa_room_types *types, struct stoa_engine_message *const *stored, uint32_t count,
                        bool is_reversed, struct stoa_room_page *page, struct stoa_room_page_memory *out_memory) {
  out_memory->arena = NULL;
  if (count == 0) {
    page->messages = NULL;
    page->count = 0;
    return STOA_OK;
  }
  struct stoa_arena *arena = stoa_arena_create(stoa_codec_arena_bytes_max(bytes_of(types, stored, count)));
  int status = arena == NULL ? STOA_E_MEMORY : fill(types, stored, count, is_reversed, arena, page);
  if (status != STOA_OK) {
    stoa_arena_destroy(arena);
    return status;
  }
  out_memory->arena = arena;
  return STOA_OK;
}

void stoa_room_page_free(struct stoa_room_page_memory *memory) {
  stoa_arena_destroy(memory->arena);
  memory->arena = NULL;
}
