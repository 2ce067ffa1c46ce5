/* page.h: reads a page of a room: messages as they are now, with their edits and reactions.
 *
 * All of it is as of the page's `top`, the newest offset unless the query has another: events after it are not in it.
 * What it has is read in bounded pieces.
 *
 * Thread: a worker's; the answer comes on the same worker, never inside the call.
 */
#ifndef CHATROOM_PAGE_H
#define CHATROOM_PAGE_H

#include "chatroom.h"

#include <chatroom/v1/chatroom.stoa.h>

struct fold;

/* What is asked for. */
struct page_query {
  struct stoa_string room;   /* copied */
  struct stoa_string viewer; /* the user who asks; copied, at most STOA_ROOM_SENDER_LEN_MAX bytes */
  uint64_t epoch, before, after;
  uint64_t top;     /* events after it are not applied; 0: the newest offset */
  uint32_t limit;   /* 1 to STOA_ROOM_PAGE_MAX */
  size_t bytes_max; /* of the messages, as JSON text; one message is always there */
};

struct page {
  enum stoa_room_status status; /* OK, or why there is nothing else */
  uint32_t retry_ms;
  uint64_t epoch; /* 0: nothing was ever published */
  uint64_t top;
  const struct chatroom_v1_chat_message *items; /* oldest first */
  size_t count;
  bool has_more; /* in the direction of the query */
  /* The items are those of the fold from this index on. */
  const struct fold *fold;
  size_t first;
};

/* page  the callee's; it ends it with page_free() */
typedef void page_on_read(void *context, struct page *page);

/* Errors: STOA_E_ARGUMENT, STOA_E_CLOSED as stoa_room_history(); STOA_E_MEMORY. on_read is not called then */
int page_read(const struct chatroom *chatroom, const struct page_query *query, page_on_read *on_read, void *context);
/* NULL is allowed. */
void page_free(struct page *page);

/* The bytes of one of its messages as JSON text, at most. */
size_t page_item_bytes(const struct chatroom_v1_chat_message *item);
/* The bytes of messages that a reply to this session may have. */
size_t page_bytes_max(const struct stoa_session *session);

#endif
