/* change.h: the calls that change a stored message: Edit, Delete, React.
 *
 * The message is read first: may this user change it, and is there anything to change? Then the change is stored as an
 * Event that concerns the message. One session's changes run one after the other, so that the last edit is the one
 * that stays.
 *
 * Thread: the session's worker's.
 */
#ifndef CHATROOM_CHANGE_H
#define CHATROOM_CHANGE_H

#include "chatroom.h"

/* How many React events a message takes, how many Edit events, and how many different emoji. Beyond it is error 106. */
#define CHANGE_REACTS_MAX 1000u
#define CHANGE_EDITS_MAX 1000u
#define CHANGE_EMOJI_MAX 20u
#define CHANGE_EMOJI_LEN_MAX 32u

/* The session is no longer open: what it has asked for and was not begun is not done. */
void chatroom_forget_changes(struct stoa_session *session);

#endif
