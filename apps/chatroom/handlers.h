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

#endif
