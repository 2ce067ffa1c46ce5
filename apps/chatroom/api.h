/* api.h: the server API: HTTP routes of the admin listener (api/chatroom/v1/admin.proto, docs/server-api.md).
 *
 * The listener checks the key; whoever has it may do everything here.
 *
 * Thread: api_setup() before the server starts; the handlers on the worker of the request's connection.
 */
#ifndef CHATROOM_API_H
#define CHATROOM_API_H

#include "chatroom.h"

#include <chatroom/v1/admin.stoa.h>
#include <stoa/call.h>

struct nick;

/* Register the routes. `chatroom` is borrowed until the server is destroyed.
 * Errors: as stoa_server_handle() and stoa_server_add_route() */
int api_setup(struct stoa_server *server, struct chatroom *chatroom);

/* For the handlers. */

/* Refuse a request: 107 BAD_REQUEST, with the text. */
const struct stoa_error *api_refuse(struct stoa_session *session, const char *message);
/* What is wrong with a room's name or a user's id; NULL: nothing. Static. */
const char *api_room_fault(struct stoa_string room);
const char *api_user_fault(struct stoa_string user_id);

/* The handlers, each in the file of its theme. `user` is the struct chatroom. */

/* api_broadcast.c */
const struct stoa_error *api_on_broadcast(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_broadcast_request *request,
                                          struct chatroom_v1_broadcast_reply *reply);

/* api_erase.c */
const struct stoa_error *api_on_erase_user(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_erase_user_request *request,
                                           struct chatroom_v1_erase_user_reply *reply);

/* api_messages.c */
const struct stoa_error *api_on_publish(void *user, struct stoa_session *session,
                                        const struct chatroom_v1_chat_message *request,
                                        struct chatroom_v1_chat_ack *reply);
const struct stoa_error *api_on_list_messages(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_history_request *request,
                                              struct chatroom_v1_history_reply *reply);
const struct stoa_error *api_on_search_messages(void *user, struct stoa_session *session,
                                                const struct chatroom_v1_search_request *request,
                                                struct chatroom_v1_search_reply *reply);
/* What is wrong with a message that is published as a user: of user id, name or client_msg_id. Else NULL, and out_nick
 * has the name in its form. */
const struct stoa_error *api_check_author(const struct chatroom *chatroom, struct stoa_session *session,
                                          const struct chatroom_v1_chat_message *message, struct nick *out_nick);

/* api_rooms.c */
const struct stoa_error *api_on_list_presence(void *user, struct stoa_session *session,
                                              const struct chatroom_v1_presence_request *request,
                                              struct chatroom_v1_presence_reply *reply);
const struct stoa_error *api_on_list_rooms(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_rooms_request *request,
                                           struct chatroom_v1_list_rooms_reply *reply);
const struct stoa_error *api_on_set_room(void *user, struct stoa_session *session,
                                         const struct chatroom_v1_set_room_request *request,
                                         struct chatroom_v1_set_room_reply *reply);
const struct stoa_error *api_on_delete_room(void *user, struct stoa_session *session,
                                            const struct chatroom_v1_delete_room_request *request,
                                            struct chatroom_v1_delete_room_reply *reply);

/* api_sanctions.c */
const struct stoa_error *api_on_moderate(void *user, struct stoa_session *session,
                                         const struct chatroom_v1_moderate_request *request,
                                         struct chatroom_v1_moderate_reply *reply);
const struct stoa_error *api_on_list_sanctions(void *user, struct stoa_session *session,
                                               const struct chatroom_v1_sanctions_request *request,
                                               struct chatroom_v1_sanctions_reply *reply);
const struct stoa_error *api_on_ban(void *user, struct stoa_session *session,
                                    const struct chatroom_v1_ban_request *request, struct chatroom_v1_ban_reply *reply);
const struct stoa_error *api_on_unban(void *user, struct stoa_session *session,
                                      const struct chatroom_v1_unban_request *request,
                                      struct chatroom_v1_unban_reply *reply);
const struct stoa_error *api_on_list_bans(void *user, struct stoa_session *session,
                                          const struct chatroom_v1_bans_request *request,
                                          struct chatroom_v1_sanctions_reply *reply);

/* api_server.c */
const struct stoa_error *api_on_backup(void *user, struct stoa_session *session,
                                       const struct chatroom_v1_backup_request *request,
                                       struct chatroom_v1_backup_reply *reply);
const struct stoa_error *api_on_info(void *user, struct stoa_session *session,
                                     const struct chatroom_v1_info_request *request,
                                     struct chatroom_v1_info_reply *reply);

/* api_sessions.c */
const struct stoa_error *api_on_list_connections(void *user, struct stoa_session *session,
                                                 const struct chatroom_v1_connections_request *request,
                                                 struct chatroom_v1_connections_reply *reply);
const struct stoa_error *api_on_disconnect(void *user, struct stoa_session *session,
                                           const struct chatroom_v1_disconnect_request *request,
                                           struct chatroom_v1_disconnect_reply *reply);

#endif
