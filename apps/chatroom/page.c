#include "page.h"

#include "fold.h"
#include "text.h"

#include <assert.h>
#include <stdlib.h>

/* Of a message without its texts, and of one reaction without its emoji. */
#define MESSAGE_BYTES 400u
#define REACTION_BYTES 48u
#define REPLY_BYTES_MAX ((size_t)48 * 1024)

struct read {
  struct page page; /* first: it is what the callee frees */
  struct fold *fold;
  struct stoa_rooms *rooms;
  page_on_read *on_read;
  void *context;
  bool is_forward;
  size_t bytes_max;
  uint64_t events_after; /* those up to this offset are applied */
  uint64_t asked_top;
  size_t room_len, viewer_len;
  char room[STOA_ROOM_NAME_LEN_MAX];
  char viewer[STOA_ROOM_SENDER_LEN_MAX];
  struct chatroom_v1_chat_message messages[];
};

static struct read *read_of(struct page *page) {
  return (struct read *)page;
}

void page_free(struct page *page) {
  if (page != NULL) {
    fold_destroy(read_of(page)->fold);
    free(read_of(page));
  }
}

size_t page_bytes_max(const struct stoa_session *session) {
  size_t message_max = stoa_server_message_bytes_max(stoa_session_server(session));
  size_t most = message_max - message_max / 4;
  return most < REPLY_BYTES_MAX ? most : REPLY_BYTES_MAX;
}

static void answer(struct read *read, enum stoa_room_status status, uint32_t retry_ms) {
  read->page.status = status;
  read->page.retry_ms = retry_ms;
  read->on_read(read->context, &read->page);
}

/* The end: the messages as they are now, as many as fit. */

size_t page_item_bytes(const struct chatroom_v1_chat_message *item) {
  size_t bytes = MESSAGE_BYTES + chatroom_written_bytes(item->message) + chatroom_written_bytes(item->sender) +
                 chatroom_written_bytes(item->room) + chatroom_written_bytes(item->client_msg_id);
  for (size_t i = 0; i < item->reactions.count; i++) {
    bytes += REACTION_BYTES + chatroom_written_bytes(item->reactions.items[i].key);
  }
  return bytes;
}

/* Keep the newest, or with a query for newer ones the oldest, that fit. */
static void choose(struct read *read) {
  struct page *page = &read->page;
  size_t total = fold_count(read->fold);
  size_t bytes = 0;
  size_t kept = 0;
  while (kept < total) {
    size_t at = read->is_forward ? kept : total - 1 - kept;
    bytes += page_item_bytes(&read->messages[at]);
    if (kept > 0 && bytes > read->bytes_max) {
      break;
    }
    kept++;
  }
  page->first = read->is_forward ? 0 : total - kept;
  page->items = &read->messages[page->first];
  page->count = kept;
  page->has_more = page->has_more || kept < total;
  page->fold = read->fold;
}

static void finish(struct read *read) {
  struct stoa_string viewer = stoa_string_make(read->viewer, read->viewer_len);
  for (size_t i = 0; i < fold_count(read->fold); i++) {
    if (fold_message(read->fold, i, viewer, &read->messages[i]) != STOA_OK) {
      answer(read, STOA_ROOM_BUSY, 0);
      return;
    }
  }
  choose(read);
  answer(read, STOA_ROOM_OK, 0);
}

/* The events. */

static void read_events(struct read *read);

/* Between the reads the room may have begun again, or its oldest messages were removed. */
static bool is_same(const struct read *read, const struct stoa_room_page *page) {
  return page->status == STOA_ROOM_OK && page->epoch == read->page.epoch;
}

/* False: it failed. */
static bool apply(struct read *read, const struct stoa_room_page *page) {
  for (size_t i = 0; i < page->count; i++) {
    const struct stoa_room_message *message = &page->messages[i];
    read->events_after = message->stamp.position.offset;
    bool counts = message->type == CHATROOM_V1_MESSAGE_TYPE_EVENT && read->events_after <= read->page.top;
    if (counts && fold_apply(read->fold, message->message) != STOA_OK) {
      return false;
    }
  }
  return true;
}

static void on_events(void *context, const struct stoa_room_page *page) {
  struct read *read = context;
  if (page->status == STOA_ROOM_OK || page->status == STOA_ROOM_GONE) {
    if (!is_same(read, page) || !apply(read, page)) {
      answer(read, STOA_ROOM_BUSY, 0);
    } else if (page->has_more_after && page->count > 0 && read->events_after < read->page.top) {
      read_events(read);
    } else {
      finish(read);
    }
    return;
  }
  answer(read, page->status, page->retry_ms);
}

static void read_events(struct read *read) {
  const struct stoa_room_query query = {.epoch = read->page.epoch,
                                        .after = read->events_after,
                                        .limit = STOA_ROOM_PAGE_MAX,
                                        .has_events = true,
                                        .target_first = fold_offset(read->fold, 0),
                                        .target_last = fold_offset(read->fold, fold_count(read->fold) - 1)};
  int status = stoa_room_history(read->rooms, stoa_string_make(read->room, read->room_len), &query, on_events, read);
  if (status != STOA_OK) {
    answer(read, status == STOA_E_CLOSED ? STOA_ROOM_CLOSED : STOA_ROOM_BUSY, 0);
  }
}

/* The messages. */

static void on_messages(void *context, const struct stoa_room_page *page) {
  struct read *read = context;
  if (page->status != STOA_ROOM_OK) {
    answer(read, page->status, page->retry_ms);
    return;
  }
  read->page.epoch = page->epoch;
  read->page.top = read->asked_top == 0 ? page->top : read->asked_top;
  read->page.has_more = read->is_forward ? page->has_more_after : page->has_more_before;
  for (size_t i = 0; i < page->count; i++) {
    const struct stoa_room_message *message = &page->messages[i];
    bool is_chat = message->type == CHATROOM_V1_MESSAGE_TYPE_CHAT;
    if (is_chat && fold_add(read->fold, message->message) != STOA_OK) {
      answer(read, STOA_ROOM_BUSY, 0);
      return;
    }
  }
  if (fold_count(read->fold) == 0) {
    finish(read);
    return;
  }
  read->events_after = fold_offset(read->fold, 0);
  read_events(read);
}

static struct read *create(const struct chatroom *chatroom, const struct page_query *query) {
  struct read *read = calloc(1, sizeof *read + query->limit * sizeof read->messages[0]);
  struct fold *fold = read == NULL ? NULL : fold_create(query->limit);
  if (fold == NULL) {
    free(read);
    return NULL;
  }
  read->fold = fold;
  read->rooms = chatroom->rooms;
  read->is_forward = query->after > 0;
  read->bytes_max = query->bytes_max;
  read->asked_top = query->top;
  read->room_len = query->room.len;
  read->viewer_len = query->viewer.len;
  memcpy(read->room, query->room.data, query->room.len);
  if (query->viewer.len > 0) {
    memcpy(read->viewer, query->viewer.data, query->viewer.len);
  }
  return read;
}

int page_read(const struct chatroom *chatroom, const struct page_query *query, page_on_read *on_read, void *context) {
  assert(query->viewer.len <= STOA_ROOM_SENDER_LEN_MAX);
  if (!chatroom_is_room_name(query->room) || query->limit == 0 || query->limit > STOA_ROOM_PAGE_MAX) {
    return STOA_E_ARGUMENT;
  }
  struct read *read = create(chatroom, query);
  if (read == NULL) {
    return STOA_E_MEMORY;
  }
  const struct stoa_room_query asked = {
      .epoch = query->epoch, .before = query->before, .after = query->after, .limit = query->limit};
  read->on_read = on_read;
  read->context = context;
  int status = stoa_room_history(chatroom->rooms, query->room, &asked, on_messages, read);
  if (status != STOA_OK) {
    page_free(&read->page);
  }
  return status;
}
