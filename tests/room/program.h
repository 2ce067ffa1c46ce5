/* tests/room/program.h: the program of board.proto: handlers on rooms. */
#ifndef TESTS_ROOM_PROGRAM_H
#define TESTS_ROOM_PROGRAM_H

#include <stoa/room.h>

#include "board.stoa.h"

struct board;

/* Add the types of messages to board->rooms, and the handlers to board->server. */
void program_register(struct board *board);
/* The callback of rooms; user: the board. */
void program_on_member(void *user, struct stoa_session *session, struct stoa_string room, bool is_member);

/* program_presence.c */
int program_on_presence(void *user, struct stoa_string room, const struct stoa_room_presence_diff *diff);
const struct stoa_error *program_on_list(void *user, struct stoa_session *session,
                                         const struct board_v1_list_request *request,
                                         struct board_v1_list_reply *reply);
const struct stoa_error *program_on_set(void *user, struct stoa_session *session,
                                        const struct board_v1_set_request *request, struct board_v1_set_reply *reply);
/* reply->users are valid until the next call on this thread. */
void program_fill_list(const struct stoa_room_presence *presence, struct board_v1_list_reply *reply);

#endif
