/* Reading a page: on the caller's own port of the engine, without the room's owner. */
#include "base/container.h"
#include "base/memory.h"
#include "room/owner.h"
#include "room/page.h"

#include <assert.h>

#define LIMIT_DEFAULT 50u

struct read {
  struct stoa_room_request request;
  struct stoa_room_worker *home;
  stoa_room_read *on_read; /* NULL: answered */
  void *context;
  struct stoa_room_query query;
};

static void tell(struct read *read, const struct stoa_room_page *page) {
  stoa_room_read *on_read = read->on_read;
  stoa_room_requests_remove(&read->home->reads, &read->request);
  read->on_read = NULL;
  if (on_read != NULL) {
    on_read(read->context, page);
  }
}

static void end_early(struct stoa_room_request *request) {
  static const struct stoa_room_page closed = {.status = STOA_ROOM_CLOSED};
  tell(stoa_container_of(request, struct read, request), &closed);
}

static void set_more(const struct stoa_room_query *query, const struct stoa_engine_answer *answer,
                     struct stoa_room_page *page) {
  if (query->after > 0) {
    page->has_more_before = query->after > answer->floor;
    page->has_more_after = !answer->is_complete;
  } else {
    page->has_more_before = !answer->is_complete;
    page->has_more_after = query->before > 0 && query->before <= answer->top;
  }
}

/* The engine looks at the epoch only when it reads forward. */
static bool is_of_other_epoch(const struct stoa_room_query *query, const struct stoa_engine_answer *answer) {
  return query->epoch != 0 && query->epoch != answer->epoch;
}

static void answer_page(struct read *read, const struct stoa_engine_answer *answer) {
  struct stoa_room_page page = {.status = stoa_room_status_of(answer->status),
                                .retry_ms = answer->retry_ms,
                                .epoch = answer->epoch,
                                .floor = answer->floor,
                                .top = answer->top,
                                .top_ordinal = answer->top_ordinal};
  struct stoa_room_page_memory memory = {0};
  if (page.status == STOA_ROOM_OK && is_of_other_epoch(&read->query, answer)) {
    page.status = STOA_ROOM_GONE;
  }
  if (page.status == STOA_ROOM_OK) {
    set_more(&read->query, answer, &page);
    if (stoa_room_page_fill(read->home, answer->messages, answer->message_count, read->query.after == 0, &page,
                            &memory) != STOA_OK) {
      page = (struct stoa_room_page){.status = STOA_ROOM_BUSY, .retry_ms = STOA_ENGINE_RETRY_MS};
    }
  }
  tell(read, &page);
  stoa_room_page_free(&memory);
}

static void on_history(void *context, const struct stoa_engine_answer *answer) {
  struct read *read = context;
  if (read->on_read != NULL) {
    answer_page(read, answer);
    stoa_arena_reset(read->home->worker->arena);
  }
  stoa_free(read);
}

static int ask(struct read *read, struct stoa_string room) {
  const struct stoa_room_query *query = &read->query;
  const struct stoa_engine_query asked = {
      .room = room,
      .is_forward = query->after > 0,
      .epoch = query->epoch,
      .since = query->after,
      .before = query->before,
      .limit = query->limit == 0 ? LIMIT_DEFAULT : query->limit,
      .kinds = query->has_events ? 0 : STOA_ENGINE_KIND_BIT(STOA_ENGINE_CHAT),
      .target_first = query->target_first,
      .target_last = query->target_last,
  };
  return stoa_engine_history(read->home->port, &asked, on_history, read);
}

static bool is_query(const struct stoa_room_query *query) {
  bool has_range = query->target_first > 0 && query->target_first <= query->target_last;
  bool has_none = query->target_first == 0 && query->target_last == 0;
  return query->limit <= STOA_ROOM_PAGE_MAX && (query->before == 0 || query->after == 0) && (has_range || has_none);
}

int stoa_room_history(struct stoa_rooms *rooms, struct stoa_string room, const struct stoa_room_query *query,
                      stoa_room_read *on_read, void *context) {
  struct stoa_room_worker *home = stoa_room_worker_here(rooms);
  if (home == NULL || !stoa_room_name_is_valid(room) || on_read == NULL || !is_query(query)) {
    return STOA_E_ARGUMENT;
  }
  if (home->is_over) {
    return STOA_E_CLOSED;
  }
  struct read *read = stoa_calloc(1, sizeof *read);
  if (read == NULL) {
    return STOA_E_MEMORY;
  }
  *read =
      (struct read){.request.close = end_early, .home = home, .on_read = on_read, .context = context, .query = *query};
  int status = ask(read, room);
  if (status != STOA_OK) {
    stoa_free(read);
    return status;
  }
  stoa_room_requests_add(&home->reads, &read->request);
  return STOA_OK;
}
