/* tests/room/program.h: the program of board.proto: handlers on rooms. */
#ifndef TESTS_ROOM_PROGRAM_H
#define TESTS_ROOM_PROGRAM_H

#include <stoa/room.h>

struct board;

/* Add the types of messages to board->rooms, and the handlers to board->server. */
void program_register(struct board *board);
/* The callback of rooms; user: the board. */
void program_on_member(void *user, struct stoa_session *session, struct stoa_string room, bool is_member);

#endif
