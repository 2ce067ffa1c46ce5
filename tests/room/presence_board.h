/* tests/room/presence_board.h: a client's view of presence, from the messages of board.proto. */
#ifndef TESTS_ROOM_PRESENCE_BOARD_H
#define TESTS_ROOM_PRESENCE_BOARD_H

#include "board.stoa.h"
#include "presence_view.h"

/* The view becomes what the list has. */
void presence_take_list(struct presence_view *view, const struct board_v1_list_reply *list);
/* False: it was ignored. */
bool presence_apply(struct presence_view *view, const struct board_v1_changes_message *changes);

#endif
