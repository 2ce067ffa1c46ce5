/* readers.h: up to where each user has read each room.
 *
 * One struct reader for each user with a session; all sessions share it. It is read from the storage once, from the
 * scope "user:ID", where "read:ROOM" is "EPOCH OFFSET ORDINAL". The ordinal makes a count of unread messages a
 * difference (stoa_room_ordinal()). Marks only grow, unless a room has another epoch. A mark that has moved is stored
 * at once when it was not stored in the last READERS_STORE_MS, else after that time, and when a session of the user
 * ends.
 *
 * Does not know: who is in a room, and who is told.
 * Thread: any, on workers of the server. The locks are held for one look, never while something else is called.
 * Lifetime: a struct reader is counted; what was taken is released before readers_destroy().
 * Bounds: users with a session; READERS_ROOMS_MAX marks for each, the ones above it are not kept.
 */
#ifndef CHATROOM_READERS_H
#define CHATROOM_READERS_H

#include <stoa/room_admin.h>

#define READERS_ROOMS_MAX 512u
#define READERS_STORE_MS 5000u

struct readers;
struct reader;

struct read_mark {
  struct stoa_room_position position; /* epoch 0: nothing was read */
  uint64_t ordinal;
};

/* server  borrowed as long as they are used. NULL: no memory. */
struct readers *readers_create(struct stoa_server *server);
/* NULL is allowed. */
void readers_destroy(struct readers *readers);
/* Where marks are stored; before the first reader is taken. */
void readers_set_rooms(struct readers *readers, struct stoa_rooms *rooms);

/* The reader of a user, loaded or not, for a session of the user that begins. NULL: no memory. */
struct reader *readers_take(struct readers *readers, struct stoa_string user_id);
/* Once more. Returns it. */
struct reader *reader_ref(struct reader *reader);
/* NULL is allowed. */
void reader_release(struct reader *reader);
bool reader_is_loaded(struct reader *reader);

/* status  OK; BUSY, UNAVAILABLE: it is not loaded; CLOSED */
typedef void reader_on_loaded(void *context, enum stoa_room_status status, uint32_t retry_ms);
/* on_loaded is called once, on the calling worker, never inside the call. Errors: as stoa_room_state_list() */
int reader_load(struct reader *reader, reader_on_loaded *on_loaded, void *context);

/* Of a room of this epoch; position.epoch is 0 when nothing of it was read. */
struct read_mark reader_find(struct reader *reader, struct stoa_string room, uint64_t epoch);
/* The user has read up to there. True: the mark has moved; it will be stored. */
bool reader_move(struct reader *reader, struct stoa_string room, const struct read_mark *mark);
/* A session of the user has ended: store what has moved, and release the reader. */
void reader_end_session(struct reader *reader);

/* Returns true to continue. */
typedef bool reader_visit(void *context, struct stoa_string room, const struct read_mark *mark);
/* Visit the rooms of which something was read. The visit must not call this module. */
void reader_each(struct reader *reader, reader_visit *visit, void *context);

#endif
