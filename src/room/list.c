/* Which rooms there are. */
#include "base/container.h"
#include "base/memory.h"
#include "room/ask.h"
#include "room/owner.h"

#include <stoa/room_admin.h>

#define LIMIT_DEFAULT 100u

struct listing {
  struct stoa_room_ask ask;
  stoa_rooms_on_list *on_list;
  void *context;
};

/* The storage may have rooms of another program, with names that no room here has. */
static uint32_t count_members(struct stoa_rooms *rooms, struct stoa_string room) {
  return stoa_room_name_is_valid(room) ? (uint32_t)stoa_room_member_count(rooms, room) : 0;
}

static void fill(struct stoa_rooms *rooms, const struct stoa_engine_answer *answer, struct stoa_room_entry *entries) {
  for (uint32_t i = 0; i < answer->item_count; i++) {
    const struct stoa_engine_item *item = &answer->items[i];
    entries[i] = (struct stoa_room_entry){.room = item->name,
                                          .epoch = item->epoch,
                                          .floor = item->floor,
                                          .top = item->top,
                                          .ordinal = item->ordinal,
                                          .time_us = item->time_us,
                                          .member_count = count_members(rooms, item->name)};
  }
}

static void tell(struct stoa_room_ask *ask, const struct stoa_engine_answer *answer) {
  const struct listing *self = stoa_container_of(ask, struct listing, ask);
  struct stoa_room_listing list = {.status = STOA_ROOM_CLOSED};
  struct stoa_room_entry *entries = NULL;
  if (answer != NULL) {
    list.status = stoa_room_status_of(answer->status);
    list.retry_ms = answer->retry_ms;
    list.has_more = list.status == STOA_ROOM_OK && !answer->is_complete;
  }
  if (list.status == STOA_ROOM_OK && answer->item_count > 0) {
    entries = stoa_calloc(answer->item_count, sizeof *entries);
    if (entries == NULL) {
      list = (struct stoa_room_listing){.status = STOA_ROOM_BUSY, .retry_ms = STOA_ENGINE_RETRY_MS};
    } else {
      fill(ask->home->rooms, answer, entries);
      list.rooms = entries;
      list.count = answer->item_count;
    }
  }
  self->on_list(self->context, &list);
  stoa_free(entries);
}

int stoa_rooms_list(struct stoa_rooms *rooms, struct stoa_string after, uint32_t limit, stoa_rooms_on_list *on_list,
                    void *context) {
  struct stoa_room_ask *ask;
  if (on_list == NULL || limit > STOA_ROOM_LIST_MAX || !stoa_room_text_is_valid(after, STOA_ENGINE_ROOM_LEN_MAX)) {
    return STOA_E_ARGUMENT;
  }
  int status = stoa_room_ask_create(rooms, sizeof(struct listing), tell, &ask);
  if (status != STOA_OK) {
    return status;
  }
  struct listing *self = stoa_container_of(ask, struct listing, ask);
  self->on_list = on_list;
  self->context = context;
  uint32_t count = limit == 0 ? LIMIT_DEFAULT : limit;
  return stoa_room_ask_begin(ask, stoa_engine_rooms(ask->home->port, after, count, stoa_room_ask_done, ask));
}
