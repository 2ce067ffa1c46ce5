/* The messages of a room: publish, read, search. */
#include "api.h"
#include "api_publish.h"
#include "failure.h"
#include "handlers.h"
#include "page.h"
#include "people.h"
#include "room_search.h"

#define LIMIT_DEFAULT 50u

/* Publish. */

const struct stoa_error *api_check_author(const struct chatroom *chatroom, struct stoa_session *session,
                                          const struct chatroom_v1_chat_message *message, struct nick *out_nick) {
  enum nick_fault fault;
  const char *wrong = api_user_fault(message->user_id);
  if (wrong == NULL && message->client_msg_id.len > STOA_CLIENT_MSG_ID_LEN_MAX) {
    wrong = "client_msg_id has at most 64 bytes";
  }
  if (wrong != NULL) {
    return api_refuse(session, wrong);
  }
  int status = nick_make(chatroom->people->rules, message->sender, out_nick, &fault);
  if (status == STOA_E_ARGUMENT) {
    return stoa_session_error(session, CHATROOM_ERROR_NICK_INVALID, "NICK_INVALID", nick_fault_text(fault));
  }
  return status == STOA_OK ? NULL : stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "out of memory");
}

static void on_stored(void *call, const struct stoa_room_answer *answer) {
  if (answer->status != STOA_ROOM_OK && answer->status != STOA_ROOM_DUPLICATE) {
    chatroom_fail_over_http(call, answer->status, answer->retry_ms);
    return;
  }
  const struct chatroom_v1_chat_ack ack = {.offset = answer->position.offset,
                                           .epoch = answer->position.epoch,
                                           .ts_ms = answer->time_us / 1000,
                                           .duplicate = answer->status == STOA_ROOM_DUPLICATE};
  int ignored = chatroom_v1_admin_service_publish_reply(call, &ack);
  (void)ignored; /* the client may have gone; the message is stored all the same */
}

const struct stoa_error *api_on_publish(void *user, struct stoa_session *session,
                                        const struct chatroom_v1_chat_message *request,
                                        struct chatroom_v1_chat_ack *reply) {
  const struct chatroom *chatroom = user;
  struct nick nick;
  const char *fault = api_room_fault(request->room);
  const struct stoa_error *error = fault == NULL ? NULL : api_refuse(session, fault);
  (void)reply;
  error = error == NULL ? api_check_author(chatroom, session, request, &nick) : error;
  error = error == NULL ? chatroom_check_text(session, request->message) : error;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  struct chatroom_v1_chat_message message = *request;
  message.sender = nick_text(&nick);
  int status = api_publish(chatroom, request->room, &message, on_stored, call);
  if (status != STOA_OK) {
    chatroom_fail_over_http(call, chatroom_status_of(status, STOA_ROOM_TOO_BIG), 0);
  }
  return STOA_LATER;
}

/* Read. */

static void on_page(void *call, struct page *page) {
  if (page->status != STOA_ROOM_OK) {
    chatroom_fail_over_http(call, page->status, page->retry_ms);
  } else {
    const struct chatroom_v1_history_reply reply = {
        .items = {page->items, page->count}, .top = page->top, .more = page->has_more, .epoch = page->epoch};
    int ignored = chatroom_v1_admin_service_list_messages_reply(call, &reply);
    (void)ignored;
  }
  page_free(page);
}

static const char *history_fault(const struct chatroom_v1_history_request *request) {
  if (request->limit > STOA_ROOM_PAGE_MAX || (request->before > 0 && request->after > 0)) {
    return "limit is at most 100, and either before or after is given";
  }
  if (request->before > INT64_MAX || request->after > INT64_MAX) {
    return "before and after are offsets, below 2^63";
  }
  return api_room_fault(request->room);
}

const struct stoa_error *api_on_list_messages(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_history_request *request,
                                              struct chatroom_v1_history_reply *reply) {
  const struct chatroom *chatroom = user;
  const struct page_query query = {.room = request->room,
                                   .epoch = request->epoch,
                                   .before = request->before,
                                   .after = request->after,
                                   .limit = request->limit == 0 ? LIMIT_DEFAULT : request->limit,
                                   .bytes_max = page_bytes_max(session)};
  const char *fault = history_fault(request);
  const struct stoa_error *error = fault == NULL ? NULL : api_refuse(session, fault);
  (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  int status = page_read(chatroom, &query, on_page, call);
  if (status != STOA_OK) {
    chatroom_fail_over_http(call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
}

/* Search. */

static void on_result(void *call, const struct search_result *result) {
  if (result->status != STOA_ROOM_OK) {
    chatroom_fail_over_http(call, result->status, result->retry_ms);
    return;
  }
  const struct chatroom_v1_search_reply reply = {.items = {result->items, result->count},
                                                 .continue_before = result->continue_before,
                                                 .top = result->top,
                                                 .epoch = result->epoch};
  int ignored = chatroom_v1_admin_service_search_messages_reply(call, &reply);
  (void)ignored;
}

const struct stoa_error *api_on_search_messages(void *user, struct stoa_session *session,
                                                const struct chatroom_v1_search_request *request,
                                                struct chatroom_v1_search_reply *reply) {
  const struct chatroom *chatroom = user;
  const struct search_query query = {.room = request->room,
                                     .text = request->text,
                                     .before = request->before,
                                     .limit = request->limit,
                                     .bytes_max = page_bytes_max(session)};
  const char *fault = search_fault(&query);
  const struct stoa_error *error = fault == NULL ? NULL : api_refuse(session, fault);
  (void)reply;
  struct stoa_call *call = error == NULL ? chatroom_take(session, &error) : NULL;
  if (call == NULL) {
    return error;
  }
  int status = search_read(chatroom, &query, on_result, call);
  if (status != STOA_OK) {
    chatroom_fail_over_http(call, chatroom_status_of(status, STOA_ROOM_BUSY), 0);
  }
  return STOA_LATER;
}
