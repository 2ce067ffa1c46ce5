/* stoa/room_admin.h: what the storage of rooms can do beside publishing and reading: list, search, erase, back up, and
 * keep small values. In libstoa-room.
 *
 * For the server itself as much as for its operators: the topic of a room, a user's read offset and a ban are values of
 * the state; the search is for users.
 *
 * Does not know: permissions. Whoever may erase or list is the program's to decide.
 * Thread: as stoa/room.h: on a worker of the server, inside a callback. Completions run on the worker that called,
 *         once, never inside the call; with CLOSED when the server ends first.
 * Lifetime: what a completion gets is borrowed until it returns. What is passed in is borrowed until the call returns.
 *
 * Errors of every call: STOA_E_ARGUMENT  not on a worker, or an argument that the call excludes
 *                       STOA_E_CLOSED    the server is being destroyed
 *                       STOA_E_MEMORY
 *                       The completion is not called after an error.
 * Statuses of every completion: OK, BUSY, UNAVAILABLE and CLOSED; what else there is, is named with each call.
 */
#ifndef STOA_ROOM_ADMIN_H
#define STOA_ROOM_ADMIN_H

#include <stoa/room.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STOA_ROOM_LIST_MAX 1000
#define STOA_ROOM_SEARCH_LEN_MAX 256
#define STOA_ROOM_STATE_SCOPE_LEN_MAX 256
#define STOA_ROOM_STATE_KEY_LEN_MAX 256
#define STOA_ROOM_STATE_VALUE_LEN_MAX 65536

/* ---- rooms ---- */

struct stoa_room_entry {
  struct stoa_string room;
  uint64_t epoch, floor, top;
  uint64_t ordinal;      /* Chat messages up to the top */
  int64_t time_us;       /* of the newest message */
  uint32_t member_count; /* sessions in it now */
};

struct stoa_room_listing {
  enum stoa_room_status status;
  uint32_t retry_ms;
  const struct stoa_room_entry *rooms; /* in the order of their names' bytes */
  size_t count;
  bool has_more;
};

typedef void stoa_rooms_on_list(void *context, const struct stoa_room_listing *list);

/* The rooms that have a message, with names above `after` (empty: from the first one).
 *
 * limit  1 to STOA_ROOM_LIST_MAX; 0: 100 */
STOA_API int stoa_rooms_list(struct stoa_rooms *rooms, struct stoa_string after, uint32_t limit,
                             stoa_rooms_on_list *on_list, void *context);

/* How many Chat messages a room has had up to a position, so that a count of unread messages is a difference:
 * answer->top_ordinal - answer->ordinal. It cannot get stuck, whatever is removed meanwhile.
 *
 * position  the last message that was read; epoch 0: whichever. Below the room's floor it counts as the floor, above
 *           the top as the top
 * on_done   OK: ordinal, top_ordinal; position has the room's epoch. GONE: the room has another epoch, so all of its
 *           messages are new: ordinal is 0. A room that does not exist has 0 of all */
STOA_API int stoa_room_ordinal(struct stoa_rooms *rooms, struct stoa_string room,
                               const struct stoa_room_position *position, stoa_room_done *on_done, void *context);

/* ---- search ---- */

struct stoa_room_search_query {
  struct stoa_string text; /* 1 to STOA_ROOM_SEARCH_LEN_MAX bytes of UTF-8 without NUL */
  uint64_t before;         /* offsets below it; 0: from the top */
  uint32_t limit;          /* 1 to STOA_ROOM_PAGE_MAX; 0: 50 */
};

/* Find the messages that contain a text, also as a part of a word: those whose type has a text_field
 * (struct stoa_room_type). Upper and lower case of ASCII letters are the same; of other letters they are where the
 * storage knows them. What was redacted or erased is not found.
 *
 * One call finds the newest matches below `before`, in the order of their offsets, and looks at a bounded number of
 * messages. page->continue_before tells where the next call goes on; 0: there is nothing more. A page may be empty and
 * go on. */
STOA_API int stoa_room_search(struct stoa_rooms *rooms, struct stoa_string room,
                              const struct stoa_room_search_query *query, stoa_room_read *on_read, void *context);

/* ---- erasing ---- */

/* Remove a room with all its messages. Its members are closed with 4010: they come back, join without recovering, and
 * find the room empty. The next message begins a new epoch. The room's state (stoa_room_state_put()) stays.
 *
 * on_done  when no byte of it is left in the storage's files; answer->count: messages. NOT_FOUND; UNKNOWN: it is gone
 *          for all who read, but its bytes may not be; erase again, or it is done at the next start */
STOA_API int stoa_room_erase(struct stoa_rooms *rooms, struct stoa_string room, stoa_room_done *on_done, void *context);

/* Redact all messages of a sender, in all rooms, and all that concern them, and forget who sent them. End the sender's
 * sessions first: a repeated send is not recognised any more. Members that have the messages are not told: publish an
 * event.
 *
 * sender   1 to STOA_ROOM_SENDER_LEN_MAX bytes
 * on_done  when no byte of their texts is left in the storage's files, nor in the search or in memory; answer->count:
 *          messages, 0 when there are none. UNKNOWN: a part of them may be done; call again */
STOA_API int stoa_rooms_erase_user(struct stoa_rooms *rooms, struct stoa_string sender, stoa_room_done *on_done,
                                   void *context);

/* How much of a room is kept; 0: no bound. Nothing younger than two minutes is removed. */
struct stoa_room_retention {
  uint64_t age_ms, messages;
  uint64_t bytes; /* of encoded messages */
};

/* Give a room a retention of its own, instead of the configuration's. on_done: NOT_FOUND, UNKNOWN */
STOA_API int stoa_room_retain(struct stoa_rooms *rooms, struct stoa_string room,
                              const struct stoa_room_retention *retention, stoa_room_done *on_done, void *context);

/* ---- backup ---- */

/* Copy all rooms and the state into a new file while the server runs, and check the copy. A server that is started on
 * the copy has other epochs, because the log went on without it: clients get pages, not a wrong recovery.
 *
 * path     relative to the working directory; the file must not exist
 * on_done  OK: answer->count messages are in it. INVALID: the file exists or cannot be made, or the storage has no
 *          files (engine.kind: memory). UNAVAILABLE: logged; no file is left */
STOA_API int stoa_rooms_backup(struct stoa_rooms *rooms, struct stoa_string path, stoa_room_done *on_done,
                               void *context);

/* ---- state ---- */

/* Small values that are stored like messages, by scope and key: "room:hall" "topic". A value is there for reads, and
 * stored, when its completion says OK. Scopes and keys have at least one byte, and are UTF-8 without NUL. */

/* An empty value removes the key. on_done: UNKNOWN */
STOA_API int stoa_room_state_put(struct stoa_rooms *rooms, struct stoa_string scope, struct stoa_string key,
                                 struct stoa_bytes value, stoa_room_done *on_done, void *context);

struct stoa_room_value {
  struct stoa_string key;
  struct stoa_bytes value;
};

struct stoa_room_values {
  enum stoa_room_status status;
  uint32_t retry_ms;
  const struct stoa_room_value *values; /* in the order of their keys' bytes */
  size_t count;
  bool has_more;
};

typedef void stoa_room_on_values(void *context, const struct stoa_room_values *values);

/* on_values: one value, or NOT_FOUND */
STOA_API int stoa_room_state_read(struct stoa_rooms *rooms, struct stoa_string scope, struct stoa_string key,
                                  stoa_room_on_values *on_values, void *context);
/* The values of a scope with keys above `after` (empty: from the first one).
 *
 * limit  1 to STOA_ROOM_LIST_MAX; 0: 100. There may be fewer, when they are long */
STOA_API int stoa_room_state_list(struct stoa_rooms *rooms, struct stoa_string scope, struct stoa_string after,
                                  uint32_t limit, stoa_room_on_values *on_values, void *context);

#ifdef __cplusplus
}
#endif

#endif
