/* Searching a room: a page of what the engine finds. */
#include "base/container.h"
#include "room/ask.h"
#include "room/owner.h"
#include "room/page.h"

#include <stoa/room_admin.h>

#define LIMIT_DEFAULT 50u

struct search {
  struct stoa_room_ask ask;
  stoa_room_read *on_read;
  void *context;
};

static void tell(struct stoa_room_ask *ask, const struct stoa_engine_answer *answer) {
  const struct search *self = stoa_container_of(ask, struct search, ask);
  struct stoa_room_page page = {.status = STOA_ROOM_CLOSED};
  struct stoa_room_page_memory memory = {0};
  if (answer != NULL) {
    page.status = stoa_room_status_of(answer->status);
    page.retry_ms = answer->retry_ms;
  }
  if (page.status == STOA_ROOM_OK) {
    page.has_more_before = !answer->is_complete;
    page.continue_before = answer->is_complete ? 0 : answer->continue_before;
    if (stoa_room_page_fill(ask->home, answer->messages, answer->message_count, true, &page, &memory) != STOA_OK) {
      page = (struct stoa_room_page){.status = STOA_ROOM_BUSY, .retry_ms = STOA_ENGINE_RETRY_MS};
    }
  }
  self->on_read(self->context, &page);
  stoa_room_page_free(&memory);
}

int stoa_room_search(struct stoa_rooms *rooms, struct stoa_string room, const struct stoa_room_search_query *query,
                     stoa_room_read *on_read, void *context) {
  struct stoa_room_ask *ask;
  if (!stoa_room_name_is_valid(room) || query->text.len == 0 ||
      !stoa_room_text_is_valid(query->text, STOA_ROOM_SEARCH_LEN_MAX) || query->limit > STOA_ROOM_PAGE_MAX ||
      query->before > INT64_MAX || on_read == NULL) {
    return STOA_E_ARGUMENT;
  }
  int status = stoa_room_ask_create(rooms, sizeof(struct search), tell, &ask);
  if (status != STOA_OK) {
    return status;
  }
  struct search *self = stoa_container_of(ask, struct search, ask);
  self->on_read = on_read;
  self->context = context;
  const struct stoa_engine_wanted wanted = {
      .text = query->text, .before = query->before, .limit = query->limit == 0 ? LIMIT_DEFAULT : query->limit};
  return stoa_room_ask_begin(ask, stoa_engine_search(ask->home->port, room, &wanted, stoa_room_ask_done, ask));
}
