/* History: a page of a room. */
#include "failure.h"
#include "handlers.h"
#include "page.h"
#include "person.h"

#define LIMIT_DEFAULT 50u

static void on_page(void *call, struct page *page) {
  if (page->status != STOA_ROOM_OK) {
    chatroom_fail(call, page->status, page->retry_ms);
  } else {
    const struct chatroom_v1_history_reply reply = {
        .items = {page->items, page->count}, .top = page->top, .more = page->has_more, .epoch = page->epoch};
    int ignored = chatroom_v1_chatroom_service_history_reply(call, &reply);
    (void)ignored; /* what is wrong with it ends the call, or the session */
  }
  page_free(page);
}

const struct stoa_error *chatroom_on_history(void *user, struct stoa_session *session,
                                             const struct chatroom_v1_history_request *request,
                                             struct chatroom_v1_history_reply *reply) {
  const struct chatroom *chatroom = user;
  const struct person *person = stoa_session_user(session);
  const struct page_query query = {.room = chatroom_room(chatroom, request->room),
                                   .viewer = stoa_string_of(person->user_id),
                                   .epoch = request->epoch,
                                   .before = request->before,
                                   .after = request->after,
                                   .limit = request->limit == 0 ? LIMIT_DEFAULT : request->limit,
                                   .bytes_max = page_bytes_max(session)};
  (void)reply;
  if (query.limit > STOA_ROOM_PAGE_MAX || (query.before > 0 && query.after > 0)) {
    return stoa_session_error(session, STOA_ERROR_BAD_REQUEST, "INVALID",
                              "limit is at most 100, and either before or after is given");
  }
  const struct stoa_error *error = chatroom_check_member(chatroom, session, query.room);
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  int status = page_read(chatroom, &query, on_page, call);
  if (status != STOA_OK) {
    chatroom_fail(call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
}
