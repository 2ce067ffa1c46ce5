/* room_search.h: finds the messages of a room that contain a text now.
 *
 * The storage finds the first texts of messages and the texts of edits. A message counts where its text of now is: at
 * its own offset, or at that of its last edit. So it is found once, and not by a text that it has no longer.
 *
 * Does not know: who may search.
 * Thread: a worker's; the answer comes on the same worker, never inside the call.
 */
#ifndef CHATROOM_ROOM_SEARCH_H
#define CHATROOM_ROOM_SEARCH_H

#include "chatroom.h"

#include <chatroom/v1/chatroom.stoa.h>

#define SEARCH_LIMIT_DEFAULT 20u

struct search_query {
  struct stoa_string room;   /* copied */
  struct stoa_string viewer; /* as in struct page_query */
  struct stoa_string text;   /* copied */
  uint64_t before;           /* places below it; 0: from the top */
  uint32_t limit;            /* 1 to STOA_ROOM_PAGE_MAX; 0: SEARCH_LIMIT_DEFAULT */
  size_t bytes_max;          /* as in struct page_query */
};

struct search_result {
  enum stoa_room_status status; /* OK, or why there is nothing else */
  uint32_t retry_ms;
  uint64_t epoch, top;                          /* the messages are as of this place; 0 without messages */
  const struct chatroom_v1_chat_message *items; /* newest place first */
  size_t count;
  uint64_t continue_before; /* 0: all was searched */
};

/* result  borrowed until it returns */
typedef void search_on_result(void *context, const struct search_result *result);

/* What is wrong with a query, for people; NULL: nothing. Static. */
const char *search_fault(const struct search_query *query);
/* Errors: STOA_E_ARGUMENT  search_fault() has the reason; STOA_E_CLOSED, STOA_E_MEMORY as stoa_room_search().
 *         on_result is not called then */
int search_read(const struct chatroom *chatroom, const struct search_query *query, search_on_result *on_result,
                void *context);

#endif
