/* handlers.h: the handlers of the chat's messages, each in the file of its theme. For chatroom.c.
 *
 * `user` is the struct chatroom.
 * Thread: the session's worker's.
 */
#ifndef CHATROOM_HANDLERS_H
#define CHATROOM_HANDLERS_H

#include "chatroom.h"

#include <chatroom/v1/chatroom.stoa.h>

/* change.c */
const struct stoa_error *chatroom_on_edit(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_edit_request *request,
                                          struct chatroom_v1_edit_reply *reply);
const struct stoa_error *chatroom_on_delete(void *user, struct stoa_session *session,
                                            const struct chatroom_v1_delete_request *request,
                                            struct chatroom_v1_delete_reply *reply);
const struct stoa_error *chatroom_on_react(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_react_request *request,
                                           struct chatroom_v1_react_reply *reply);

/* chat.c */
const struct stoa_error *chatroom_on_chat(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_chat_message *message,
                                          struct chatroom_v1_chat_ack *ack);
/* Also for others that take a text: 122, 123. */
const struct stoa_error *chatroom_check_text(struct stoa_session *session, struct stoa_string text);
/* Also for others that need a member: 103, 107. */
const struct stoa_error *chatroom_check_member(const struct chatroom *chatroom, struct stoa_session *session,
                                               struct stoa_string room);

/* hello.c */
const struct stoa_error *chatroom_on_hello(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_hello_request *request,
                                           struct chatroom_v1_hello_reply *reply);

/* history.c */
const struct stoa_error *chatroom_on_history(void *user, struct stoa_session *session,
                                             const struct chatroom_v1_history_request *request,
                                             struct chatroom_v1_history_reply *reply);

/* join.c */
const struct stoa_error *chatroom_on_join(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_join_request *request,
                                          struct chatroom_v1_join_reply *reply);
const struct stoa_error *chatroom_on_leave(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_leave_request *request,
                                           struct chatroom_v1_leave_reply *reply);

/* moderate.c */
const struct stoa_error *chatroom_on_moderate(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_moderate_request *request,
                                              struct chatroom_v1_moderate_reply *reply);

/* presence.c */
const struct stoa_error *chatroom_on_presence(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_presence_request *request,
                                              struct chatroom_v1_presence_reply *reply);

/* read.c */
const struct stoa_error *chatroom_on_read(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_read_message *message);

/* refresh.c */
const struct stoa_error *chatroom_on_refresh(void *user, struct stoa_session *session,
                                             const struct chatroom_v1_refresh_request *request,
                                             struct chatroom_v1_refresh_reply *reply);

/* room_list.c */
const struct stoa_error *chatroom_on_rooms(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_rooms_request *request,
                                           struct chatroom_v1_rooms_reply *reply);

/* search.c */
const struct stoa_error *chatroom_on_search(void *user, struct stoa_session *session,
                                            const struct chatroom_v1_search_request *request,
                                            struct chatroom_v1_search_reply *reply);

/* set_nick.c */
const struct stoa_error *chatroom_on_set_nick(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_set_nick_request *request,
                                              struct chatroom_v1_set_nick_reply *reply);
/* For Hello too. Errors: 103 PERMISSION_DENIED  the token gives the name; 124, 125, 100. NULL: it is changed */
const struct stoa_error *chatroom_change_nick(struct stoa_session *session, struct stoa_string nick);

/* set_room.c */
const struct stoa_error *chatroom_on_set_room(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_set_room_request *request,
                                              struct chatroom_v1_set_room_reply *reply);

/* typing.c */
const struct stoa_error *chatroom_on_typing(void *user, struct stoa_session *session,
                                            const struct chatroom_v1_typing_message *message);

#endif
