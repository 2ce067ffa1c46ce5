/* Search: the messages of a room that contain a text. */
#include "room_search.h"

#include "failure.h"
#include "fold.h"
#include "handlers.h"
#include "page.h"
#include "person.h"
#include "text.h"

#include <assert.h>
#include <stdlib.h>
#include <stoa/room_admin.h>

/* What the storage has found: a text at `place`, which is or was that of the message `target`. */
struct hit {
  uint64_t place, target;
};

struct search {
  const struct chatroom *chatroom;
  search_on_result *on_result;
  void *context;
  struct search_result result;
  size_t bytes, bytes_max;
  size_t room_len, viewer_len;
  char room[STOA_ROOM_NAME_LEN_MAX];
  char viewer[STOA_ROOM_SENDER_LEN_MAX];
  struct hit hits[STOA_ROOM_PAGE_MAX];
  size_t hit_count, next_hit;
  struct page *pages[STOA_ROOM_PAGE_MAX]; /* one for each item, whose texts it has */
  struct chatroom_v1_chat_message items[STOA_ROOM_PAGE_MAX];
};

static void finish(struct search *search, enum stoa_room_status status, uint32_t retry_ms) {
  search->result.status = status;
  search->result.retry_ms = retry_ms;
  search->result.items = search->items;
  search->on_result(search->context, &search->result);
  for (size_t i = 0; i < search->result.count; i++) {
    page_free(search->pages[i]);
  }
  free(search);
}

/* The messages, one after the other, as they are now. */

static void read_next(struct search *search);

/* Is it there, and is the text at this place the one that it has now? */
static bool is_now(const struct page *page, const struct hit *hit) {
  if (page->count == 0 || page->items[0].offset != hit->target || page->items[0].deleted) {
    return false;
  }
  uint64_t edit_offset = fold_history(page->fold, page->first).edit_offset;
  return hit->place == (edit_offset == 0 ? hit->target : edit_offset);
}

/* False: it does not fit. */
static bool take(struct search *search, struct page *page) {
  struct search_result *result = &search->result;
  search->bytes += page_item_bytes(&page->items[0]);
  if (result->count > 0 && search->bytes > search->bytes_max) {
    return false;
  }
  search->items[result->count] = page->items[0];
  search->pages[result->count++] = page;
  return true;
}

static void on_target(void *context, struct page *page) {
  struct search *search = context;
  const struct hit *hit = &search->hits[search->next_hit];
  /* All items are as of one place, so that a client can apply later events to them. */
  bool is_same = search->result.epoch == 0 || page->epoch == search->result.epoch;
  if (page->status != STOA_ROOM_OK || !is_same) {
    enum stoa_room_status status = page->status == STOA_ROOM_OK ? STOA_ROOM_BUSY : page->status;
    uint32_t retry_ms = page->retry_ms;
    page_free(page);
    finish(search, status, retry_ms);
    return;
  }
  search->result.epoch = page->epoch;
  search->result.top = page->top;
  if (!is_now(page, hit)) {
    page_free(page);
  } else if (!take(search, page)) {
    page_free(page);
    search->result.continue_before = hit->place + 1;
    finish(search, STOA_ROOM_OK, 0);
    return;
  }
  search->next_hit++;
  read_next(search);
}

static void read_next(struct search *search) {
  if (search->next_hit == search->hit_count) {
    finish(search, STOA_ROOM_OK, 0);
    return;
  }
  const struct page_query query = {.room = stoa_string_make(search->room, search->room_len),
                                   .viewer = stoa_string_make(search->viewer, search->viewer_len),
                                   .before = search->hits[search->next_hit].target + 1,
                                   .top = search->result.top,
                                   .limit = 1,
                                   .bytes_max = SIZE_MAX};
  int status = page_read(search->chatroom, &query, on_target, search);
  if (status != STOA_OK) {
    finish(search, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
}

/* What the storage finds. */

static void add_hit(struct search *search, const struct stoa_room_message *message) {
  struct hit hit = {.place = message->stamp.position.offset, .target = message->stamp.position.offset};
  if (message->type == CHATROOM_V1_MESSAGE_TYPE_EVENT) {
    const struct chatroom_v1_event_message *event = message->message;
    if (event->kind != CHATROOM_V1_EVENT_KIND_EVENT_EDIT) {
      return;
    }
    hit.target = event->target;
  }
  assert(search->hit_count < STOA_ROOM_PAGE_MAX);
  search->hits[search->hit_count++] = hit;
}

static void on_found(void *context, const struct stoa_room_page *page) {
  struct search *search = context;
  if (page->status != STOA_ROOM_OK) {
    finish(search, page->status, page->retry_ms);
    return;
  }
  search->result.continue_before = page->continue_before;
  for (size_t i = page->count; i-- > 0;) {
    add_hit(search, &page->messages[i]);
  }
  read_next(search);
}

const char *search_fault(const struct search_query *query) {
  if (!chatroom_is_room_name(query->room)) {
    return "a room has 1 to 63 bytes without control characters";
  }
  if (query->text.len == 0 || query->text.len > STOA_ROOM_SEARCH_LEN_MAX ||
      memchr(query->text.data, '\0', query->text.len) != NULL) {
    return "a text to search for has 1 to 256 bytes, without NUL";
  }
  return query->limit > STOA_ROOM_PAGE_MAX || query->before > INT64_MAX ? "limit is at most 100, and before an offset"
                                                                        : NULL;
}

int search_read(const struct chatroom *chatroom, const struct search_query *query, search_on_result *on_result,
                void *context) {
  assert(query->viewer.len <= STOA_ROOM_SENDER_LEN_MAX);
  if (search_fault(query) != NULL) {
    return STOA_E_ARGUMENT;
  }
  struct search *search = calloc(1, sizeof *search);
  if (search == NULL) {
    return STOA_E_MEMORY;
  }
  const struct stoa_room_search_query asked = {
      .text = query->text, .before = query->before, .limit = query->limit == 0 ? SEARCH_LIMIT_DEFAULT : query->limit};
  search->chatroom = chatroom;
  search->on_result = on_result;
  search->context = context;
  search->bytes_max = query->bytes_max;
  search->room_len = query->room.len;
  search->viewer_len = query->viewer.len;
  memcpy(search->room, query->room.data, query->room.len);
  if (query->viewer.len > 0) {
    memcpy(search->viewer, query->viewer.data, query->viewer.len);
  }
  int status = stoa_room_search(chatroom->rooms, query->room, &asked, on_found, search);
  if (status != STOA_OK) {
    free(search);
  }
  return status;
}

/* The call. */

static void on_result(void *call, const struct search_result *result) {
  if (result->status != STOA_ROOM_OK) {
    chatroom_fail(call, result->status, result->retry_ms);
    return;
  }
  const struct chatroom_v1_search_reply reply = {.items = {result->items, result->count},
                                                 .continue_before = result->continue_before,
                                                 .top = result->top,
                                                 .epoch = result->epoch};
  int ignored = chatroom_v1_chatroom_service_search_reply(call, &reply);
  (void)ignored; /* what is wrong with it ends the call, or the session */
}

const struct stoa_error *chatroom_on_search(void *user, struct stoa_session *session,
                                            const struct chatroom_v1_search_request *request,
                                            struct chatroom_v1_search_reply *reply) {
  const struct chatroom *chatroom = user;
  const struct search_query query = {.room = chatroom_room(chatroom, request->room),
                                     .viewer = person_user_id(stoa_session_user(session)),
                                     .text = request->text,
                                     .before = request->before,
                                     .limit = request->limit,
                                     .bytes_max = page_bytes_max(session)};
  const char *fault = search_fault(&query);
  (void)reply;
  if (fault != NULL) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID", fault);
  }
  const struct stoa_error *error = chatroom_check_member(chatroom, session, query.room);
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  int status = search_read(chatroom, &query, on_result, call);
  if (status != STOA_OK) {
    chatroom_fail(call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
}
