/* fold.h: messages and the events that concern them become what a page shows: edited texts, tombstones, reactions.
 *
 * A client that applies the same events as they arrive comes to the same result:
 *
 *   edit     replaces the text
 *   delete   empties the message for good; nothing that concerns it counts any more
 *   react    sets or removes one user's reaction with one emoji
 *
 * Pure: no rooms, no time. Does not know: who may do what. Thread: one at a time.
 */
#ifndef CHATROOM_FOLD_H
#define CHATROOM_FOLD_H

#include <chatroom/v1/chatroom.stoa.h>
#include <stddef.h>

/* The memory of the texts and reactions of one fold. */
#define FOLD_BYTES_MAX ((size_t)16 * 1024 * 1024)

struct fold;

/* For at most so many messages. NULL: no memory. */
struct fold *fold_create(size_t messages_max);
/* NULL is allowed. */
void fold_destroy(struct fold *fold);

/* Add a message, in the order of offsets (an assert), before all events. It is copied. `deleted`: its content was
 * removed. Errors: STOA_E_LIMIT  messages_max, or FOLD_BYTES_MAX; STOA_E_MEMORY */
int fold_add(struct fold *fold, const struct chatroom_v1_chat_message *message);
/* Apply an event, in the order of offsets. Those of other messages, and of kinds that change no message, are ignored.
 * Errors: STOA_E_LIMIT  FOLD_BYTES_MAX; STOA_E_MEMORY. Then the fold is not complete. */
int fold_apply(struct fold *fold, const struct chatroom_v1_event_message *event);

/* How many messages it has, and the offset of one of them. */
size_t fold_count(const struct fold *fold);
uint64_t fold_offset(const struct fold *fold, size_t index);

/* The message as it is now. The result lives as long as the fold.
 *
 * viewer  the user whose reactions are `mine`
 * Errors: STOA_E_LIMIT, STOA_E_MEMORY as above */
int fold_message(struct fold *fold, size_t index, struct stoa_string viewer,
                 struct chatroom_v1_chat_message *out_message);

/* What the events of a message were. */
struct fold_history {
  size_t edit_count;
  size_t react_count;
  uint64_t edit_offset;   /* of its last Edit event that counts; 0: none */
  uint64_t delete_offset; /* of its Delete event; 0: none */
};
struct fold_history fold_history(const struct fold *fold, size_t index);
/* The offset of a user's last React event with this emoji; 0: none that counts. */
uint64_t fold_reaction_offset(const struct fold *fold, size_t index, struct stoa_string emoji,
                              struct stoa_string user_id);

#endif
