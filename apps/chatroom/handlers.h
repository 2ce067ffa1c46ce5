/* handlers.h: the handlers of the chat's messages, each in the file of its theme. For chatroom.c.
 *
 * `user` is the struct chatroom.
 * Thread: the session's worker's.
 */
#ifndef CHATROOM_HANDLERS_H
#define CHATROOM_HANDLERS_H

#include "chatroom.h"

#include <chatroom/v1/chatroom.stoa.h>

/* hello.c */
const struct stoa_error *chatroom_on_hello(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_hello_request *request,
                                           struct chatroom_v1_hello_reply *reply);

/* chat.c */
const struct stoa_error *chatroom_on_chat(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_chat_message *message,
                                          struct chatroom_v1_chat_ack *ack);

/* refresh.c */
const struct stoa_error *chatroom_on_refresh(void *user, struct stoa_session *session,
                                             const struct chatroom_v1_refresh_request *request,
                                             struct chatroom_v1_refresh_reply *reply);

/* set_nick.c */
const struct stoa_error *chatroom_on_set_nick(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_set_nick_request *request,
                                              struct chatroom_v1_set_nick_reply *reply);
/* For Hello too. Errors: 103 PERMISSION_DENIED  the token gives the name; 124, 125, 100. NULL: it is changed */
const struct stoa_error *chatroom_change_nick(struct stoa_session *session, struct stoa_string nick);

#endif
