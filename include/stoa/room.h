/* stoa/room.h: rooms: named, stored streams of messages that all members receive in one order. In libstoa-room.
 *
 *   create server ─▶ create rooms ─▶ add types ─▶ start server ─▶ join, publish, leave, history ─▶ destroy server
 *   ─▶ destroy rooms
 *
 * What a program can rely on:
 *
 *   1. A message is acknowledged when it is stored as the engine's durability says, and no member, its sender included,
 *      gets it before that.
 *   2. One order per room, the same for all members. Offsets increase along it; gaps are allowed.
 *   3. A message sent again with the same sender and client_msg_id is stored once; the answer has the first one's
 *      position.
 *   4. Messages that one session publishes to a room keep their order.
 *   5. A session that joins with its position (epoch and offset) gets every later message once and in order, then the
 *      live ones: `recovered` is true. Otherwise `recovered` is false, and the answer has the newest page. There is no
 *      hole that nobody knows of.
 *   6. Everything is bounded. At a bound the answer is an error that says when to try again.
 *   7. Volatile messages have no offset, are not stored, and arrive at most once.
 *   8. Presence: a list of the users in a room and the diffs above its version are together what a later list has.
 *
 * How: a room's owner worker publishes to the engine and passes on what is stored. Joins, and the answers to
 * publishers, take the way of the room's messages, so a publisher gets its own message before the answer.
 *
 * The members of a room are a group of the server, whose name is a byte 1 and the room's name; those of them that asked
 * for presence are in another one, with a byte 2. Programs leave such groups alone. A room counts as one of the 128
 * groups of a session, and as two with presence.
 *
 * A session without a subprotocol may be a client that knows one kind of message. Of a room it gets the stored messages
 * that are no events, and nothing else: no event, no volatile message.
 *
 * Does not know: permissions, nicknames, what messages mean. Sockets, codecs, SQL.
 * Thread: create, add and destroy as the server's; the rest on a worker of the server, inside a callback. Completions
 *         run on the worker that called, never inside the call.
 * Lifetime: rooms are named, not pointed to. What a completion gets is borrowed until it returns. Strings and messages
 *           that are passed in are borrowed until the call returns.
 */
#ifndef STOA_ROOM_H
#define STOA_ROOM_H

#include <stoa/room_config.stoa.h>
#include <stoa/server.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_rooms;

/* 1 to 63 bytes of UTF-8 without control characters. */
#define STOA_ROOM_NAME_LEN_MAX 63
#define STOA_ROOM_SENDER_LEN_MAX 128
#define STOA_CLIENT_MSG_ID_LEN_MAX 64
/* What a recovery gives at most; with more missed, `recovered` is false. So it is when what was missed does not fit
 * into what is free of the session's queue (server.limits.send_queue_bytes_max). */
#define STOA_ROOM_RECOVERY_MAX 1000
#define STOA_ROOM_RECOVERY_BYTES_MAX (512 * 1024)
#define STOA_ROOM_PAGE_MAX 100
/* Presence: the bytes of a user's id and of its info. */
#define STOA_ROOM_USER_LEN_MAX 128
#define STOA_ROOM_INFO_LEN_MAX 256
/* What one diff has at most: users, and bytes of their ids and infos. More changes are told by several diffs. */
#define STOA_ROOM_DIFF_USERS_MAX 64
#define STOA_ROOM_DIFF_BYTES_MAX (8 * 1024)
/* A publish without an answer for so long ends with STOA_ROOM_UNKNOWN. */
#define STOA_ROOM_PUBLISH_MS 8000

enum stoa_room_status {
  STOA_ROOM_OK,
  STOA_ROOM_DUPLICATE,   /* publish: stored before; the answer has the position of the first one */
  STOA_ROOM_BUSY,        /* a bound is reached; nothing was done; again after retry_ms */
  STOA_ROOM_UNAVAILABLE, /* the storage does not work now; nothing was done; again after retry_ms */
  STOA_ROOM_UNKNOWN,     /* publish: stored or not; send it again with the same client_msg_id */
  STOA_ROOM_TOO_BIG,     /* publish: the message is too long in one of the server's codecs */
  STOA_ROOM_INVALID,     /* a name, an id or another argument */
  STOA_ROOM_GONE,        /* history: the position is of another epoch, or its messages were removed */
  STOA_ROOM_NOT_FOUND,   /* the room does not exist, and rooms.create is by administrators only */
  STOA_ROOM_FULL,        /* join: rooms.members_max */
  STOA_ROOM_JOINED,      /* join: it is a member, or joining, already */
  STOA_ROOM_LEFT,        /* join: the session has left, or ended, before the answer */
  STOA_ROOM_CLOSED       /* the server ends */
};
/* For logs: "UNKNOWN". Never NULL. */
STOA_API const char *stoa_room_status_name(enum stoa_room_status status);

/* Where a message stands. */
struct stoa_room_position {
  uint64_t epoch; /* changes when the room's messages were lost or replaced; never 0 */
  uint64_t offset;
};

/* What is known about a stored message beside its content. */
struct stoa_room_stamp {
  struct stoa_string room;
  struct stoa_room_position position;
  int64_t time_us; /* since 1970; never decreases along a room */
  struct stoa_string sender;
  struct stoa_string client_msg_id; /* empty: none */
  uint64_t target;                  /* offset of the message that it concerns; 0: none */
  bool is_redacted;                 /* its content was removed */
  uint64_t ordinal;                 /* how many Chat messages (no events) the room has had up to this one */
};

/* ---- making ---- */

/* A kind of message that rooms store. It is stored in Protobuf; members get it as a push of the same type. */
struct stoa_room_type {
  uint32_t type;
  const struct stoa_message_type *message_type;
  bool is_event; /* not counted and not in pages; recovery has it */
  /* Write the stamp into the message's own fields before it is encoded for members. `message` is a decoded copy in
   * `arena`. Any worker. May be NULL. */
  void (*stamp)(void *user, void *message, const struct stoa_room_stamp *stamp, struct stoa_arena *arena);
  /* The number of its string field that stoa_room_search() looks in; 0: it is not found. What is stored already is not
   * looked at again when it changes. */
  uint32_t text_field;
};

struct stoa_room_presence_diff;

struct stoa_rooms_callbacks {
  /* A session has become a member, or is one no longer (left, or ended). On the session's worker. May be NULL. */
  void (*on_member)(void *user, struct stoa_session *session, struct stoa_string room, bool is_member);
  /* The storage's state has changed: "up", "degraded" (it reads, but the last write failed) or "down", with a reason
   * for logs and health checks. On worker 0. May be NULL. */
  void (*on_storage)(void *user, const char *state, const char *reason);
  /* The users of a room have changed, see "presence". On the room's owner, not necessarily a worker that the program
   * knows sessions of. Make a message of it and give it to stoa_room_publish_presence(). With any other status than
   * STOA_OK, return that: the same changes are told again, with those that come meanwhile. May be NULL. */
  int (*on_presence)(void *user, struct stoa_string room, const struct stoa_room_presence_diff *diff);
  void *user; /* of all callbacks and stamps */
};

/* Open the storage that the configuration names, and let the server have rooms. It blocks while the storage is checked.
 * Between stoa_server_create() and the start.
 *
 * config     NULL: all defaults
 * data_dir   where relative paths of the configuration begin; made when missing; NULL: the working directory
 * callbacks  copied; NULL: none
 * Errors (logged, with what to do): STOA_E_ARGUMENT  an option; STOA_E_EXISTS  another process uses the storage;
 *         STOA_E_SYSTEM  a file; STOA_E_SYNTAX  the storage is damaged, or of a newer version; STOA_E_LIMIT  the server
 *         has too many extensions; STOA_E_MEMORY */
STOA_API int stoa_rooms_create(struct stoa_server *server, const struct stoa_rooms_config *config, const char *data_dir,
                               const struct stoa_rooms_callbacks *callbacks, struct stoa_rooms **out_rooms);
/* After stoa_server_destroy(). Waits until what was accepted is stored. NULL is allowed. */
STOA_API void stoa_rooms_destroy(struct stoa_rooms *rooms);

/* Before the start. Copied. Errors: STOA_E_EXISTS, STOA_E_ARGUMENT, STOA_E_MEMORY */
STOA_API int stoa_rooms_add_type(struct stoa_rooms *rooms, const struct stoa_room_type *type);

/* ---- publishing ---- */

struct stoa_publish_options {
  struct stoa_string sender; /* at most STOA_ROOM_SENDER_LEN_MAX bytes; who it is, not what it is called */
  struct stoa_string
      client_msg_id; /* at most STOA_CLIENT_MSG_ID_LEN_MAX bytes; empty: a repeated send is stored again */
  uint64_t target;   /* offset of the message that it concerns; 0: none */
  /* The session that publishes: its publishes count in rooms.session_publishes_max, and when one of them to a room ends
   * with BUSY, UNAVAILABLE or UNKNOWN, so do those behind it, so that the client can send all of them again, in order.
   * On its worker. NULL: all publishes with this `sender` on this worker count as those of one session. */
  const struct stoa_session *session;
  bool is_administrator; /* it may make a room that does not exist, also with rooms.create: CREATE_ADMINISTRATORS */
  int64_t time_us; /* when it was sent, since 1970, for messages that are imported; it never makes a room's time go
                      back, nor beyond now. 0: now */
};

struct stoa_room_answer {
  enum stoa_room_status status;
  uint32_t retry_ms; /* with BUSY and UNAVAILABLE */
  struct stoa_room_position position;
  int64_t time_us;
  uint64_t ordinal;     /* publish: as in its stamp */
  uint64_t top_ordinal; /* stoa_room_ordinal() */
  uint64_t count;       /* redact, erase, backup: how many messages */
};

/* Called once. The session of the publisher may have ended meanwhile; keep its id, or a call's handle (stoa/call.h). */
typedef void stoa_room_done(void *context, const struct stoa_room_answer *answer);

/* Store a message and send it to all members. The publisher need not be one.
 *
 * on_done  OK, DUPLICATE, BUSY, UNAVAILABLE, UNKNOWN, INVALID, NOT_FOUND, CLOSED; called even when the server ends.
 *          NULL: nobody wants to know
 * Errors: STOA_E_ARGUMENT  not on a worker; a type that was not added; a room, sender or id that is no name or too long
 *         STOA_E_LIMIT     the message, stamped, is too long in one of the server's codecs (TOO_BIG), or nested too
 * deep STOA_E_UTF8, STOA_E_TYPE  it cannot be encoded in one of the server's codecs STOA_E_CLOSED    the server is
 * being destroyed STOA_E_MEMORY. on_done is not called after an error */
STOA_API int stoa_room_publish(struct stoa_rooms *rooms, struct stoa_string room, uint32_t type, const void *message,
                               const struct stoa_publish_options *options, stoa_room_done *on_done, void *context);

/* Send a message to the members who are there, without storing it. `except` as in stoa_server_publish_except().
 * Errors: as that function; STOA_E_ARGUMENT  also for a room's name that is none */
STOA_API int stoa_room_publish_volatile(struct stoa_rooms *rooms, struct stoa_string room,
                                        const struct stoa_uuid *except, uint32_t type,
                                        const struct stoa_message_type *message_type, const void *message);

/* Empty the content of a stored message, and of all messages that concern it (`target`). Their offsets stay; whoever
 * reads them from now on gets empty messages with `is_redacted`. Members that have it are not told: publish an event.
 * The storage's files may have pieces of the content for an hour; backups have none.
 *
 * on_done  OK, NOT_FOUND, BUSY, UNAVAILABLE, UNKNOWN, CLOSED; as for a publish, but without a deadline of its own
 * Errors: STOA_E_ARGUMENT  not on a worker, no name of a room, or an offset that none can have
 *         STOA_E_LIMIT     too much waits for the room's owner: try again; STOA_E_CLOSED, STOA_E_MEMORY as for a
 *         publish. on_done is not called then */
STOA_API int stoa_room_redact(struct stoa_rooms *rooms, struct stoa_string room, uint64_t offset,
                              stoa_room_done *on_done, void *context);

/* ---- reading ---- */

/* One stored message, already stamped. */
struct stoa_room_message {
  struct stoa_room_stamp stamp;
  uint32_t type;
  const struct stoa_message_type *message_type;
  const void *message;
};

struct stoa_room_page {
  enum stoa_room_status status;
  uint32_t retry_ms;
  uint64_t epoch;                           /* 0: nothing was ever published */
  uint64_t floor;                           /* what was stored above this offset is there; of a join: was there when the
                                               room was read last */
  uint64_t top;                             /* the newest offset */
  uint64_t top_ordinal;                     /* Chat messages up to the top; not of a search. What is unread is the
                                               difference to the ordinal of the last one that was read */
  const struct stoa_room_message *messages; /* in the order of their offsets; of a join that recovers: all that was
                                               missed, which is also sent as pushes, see stoa_room_join() */
  size_t count;
  bool has_more_before; /* older ones exist */
  bool has_more_after;
  uint64_t continue_before; /* of a search: it goes on below this offset; 0: it has looked at all */
};

struct stoa_room_query {
  uint64_t epoch;  /* 0: whichever */
  uint64_t before; /* offsets below it; 0: from the top. Not together with `after` */
  uint64_t after;  /* offsets above it */
  uint32_t limit;  /* 1 to STOA_ROOM_PAGE_MAX; 0: 50 */
  bool has_events; /* events too */
  /* Only messages that concern one of these offsets (struct stoa_publish_options, target), such as the events of the
   * messages of a page. 0: all */
  uint64_t target_first, target_last;
};

typedef void stoa_room_read(void *context, const struct stoa_room_page *page);

/* Read a page. on_read gets OK, GONE, BUSY, UNAVAILABLE, INVALID, CLOSED. A room that does not exist has an empty page.
 * Errors: STOA_E_ARGUMENT  not on a worker, no name of a room, both `before` and `after`, too great a limit, or targets
 * that are no range; STOA_E_CLOSED    the server is being destroyed; STOA_E_MEMORY. on_read is not called then */
STOA_API int stoa_room_history(struct stoa_rooms *rooms, struct stoa_string room, const struct stoa_room_query *query,
                               stoa_room_read *on_read, void *context);

/* ---- presence ---- */

/* Presence is who is in a room, by user: a join may name the user of its session, and a user is in the room while it
 * has sessions there. It is kept in memory by the room's owner, and goes with the room when nobody uses it.
 *
 *   - A session leaves by stoa_room_leave() or when it closes, not when its peer has finished to close. A user without
 *     sessions is told as gone after rooms.presence_leave_ms. One that is back by then was never gone: nothing is told,
 *     unless its info or `is_away` is another.
 *   - Changes are collected for rooms.presence_interval_ms, then told by diffs. A diff has what users are now, not what
 *     was done: applying one twice, or one that a list has already, changes nothing.
 *   - Versions increase, with gaps, along all rooms of an owner. A client ignores a diff whose version is not above
 * that of its list, and all diffs while it has none. Then list and diffs are exact together: a list comes on the way of
 *     the diffs, in a join's answer and in that of stoa_room_presence_list().
 *   - Above rooms.presence_members_max users, or rooms.presence_bytes_max of list, presence is truncated: lists are
 *     empty, and diffs, 8 times as rare, only have the total. A client forgets its list then. When users are fewer than
 *     3/4 of that, all of them are told as `joins`. So a client that gets a diff which is not truncated, while its view
 *     is, goes on from an empty list. */

struct stoa_room_user {
  struct stoa_string id;
  struct stoa_bytes info; /* as it was given last by a session that is there; the program's: a nick, a role */
  uint32_t sessions;      /* 1 while it is about to be told as gone */
  bool is_away;           /* all of its sessions are */
};

/* A list. Its order means nothing. */
struct stoa_room_presence {
  enum stoa_room_status status; /* OK, BUSY or CLOSED */
  uint32_t retry_ms;            /* with BUSY */
  uint64_t version;             /* not 0 */
  const struct stoa_room_user *users;
  size_t count;
  uint32_t total; /* users in the room, also when they are not listed */
  bool is_truncated;
};

struct stoa_room_presence_diff {
  uint64_t version;
  const struct stoa_room_user *joins; /* users that came */
  size_t join_count;
  const struct stoa_room_user *changes; /* users of whom something is different */
  size_t change_count;
  const struct stoa_string *leaves; /* ids of users that are gone */
  size_t leave_count;
  uint32_t total;
  bool is_truncated;
};

/* Send a message to the members of a room that asked for presence, in the order of its diffs; volatile.
 * Errors: as stoa_room_publish_volatile() */
STOA_API int stoa_room_publish_presence(struct stoa_rooms *rooms, struct stoa_string room, uint32_t type,
                                        const struct stoa_message_type *message_type, const void *message);

typedef void stoa_room_on_list(void *context, const struct stoa_room_presence *presence);

/* Who is in a room. Anybody may ask; a room that nobody is in has an empty list.
 *
 * on_list  OK, BUSY, CLOSED; called once, on the calling worker, after the diffs up to the list's version
 * Errors: STOA_E_ARGUMENT  not on a worker, or no name of a room; STOA_E_LIMIT  too much waits for the room's owner:
 * try again; STOA_E_CLOSED  the server is being destroyed; STOA_E_MEMORY. on_list is not called then */
STOA_API int stoa_room_presence_list(struct stoa_rooms *rooms, struct stoa_string room, stoa_room_on_list *on_list,
                                     void *context);

/* Change what a session's join has said of its user. On the session's worker.
 *
 * room    where it is a member or joining; empty: all of its rooms, in which it need not have named a user
 * info    copied
 * Errors: STOA_E_ARGUMENT   not on its worker, no name of a room, or the info is too long
 *         STOA_E_NOT_FOUND  it is neither a member nor joining there, or its join has named no user
 *         STOA_E_LIMIT      too much waits for a room's owner: try again
 *         STOA_E_CLOSED     the server is being destroyed; STOA_E_MEMORY. Nothing is changed in any room then */
STOA_API int stoa_room_set_presence(struct stoa_rooms *rooms, struct stoa_session *session, struct stoa_string room,
                                    struct stoa_bytes info, bool is_away);

/* ---- members ---- */

struct stoa_room_join_options {
  struct stoa_room_position position; /* the last message that the client has; epoch 0: it has none */
  uint32_t history;                   /* how many messages the page has when nothing is recovered; at most
                                         STOA_ROOM_PAGE_MAX; 0: none */
  /* Presence. */
  struct stoa_string user; /* at most STOA_ROOM_USER_LEN_MAX bytes of UTF-8; empty: the session is not counted */
  struct stoa_bytes info;  /* at most STOA_ROOM_INFO_LEN_MAX; with a user */
  bool is_away;
  bool has_presence; /* it gets the list, and from then on what stoa_room_publish_presence() sends */
};

struct stoa_room_joined {
  struct stoa_room_page page;         /* status OK, or why it is no member */
  bool was_recovering;                /* it came with a position */
  bool recovered;                     /* nothing was missed, or all of it follows */
  uint32_t member_count;              /* sessions in the room, this one included */
  uint32_t user_count;                /* users in the room, its own included */
  struct stoa_room_presence presence; /* with has_presence; else its version is 0 */
};

/* session  a member now; NULL unless the status is OK. Reply to its call here: what it missed is sent to it as pushes
 *          when this returns (only when `recovered`), then the live messages follow. `page.messages` is for the reply
 *          when it did not recover. */
typedef void stoa_room_on_joined(void *context, struct stoa_session *session, const struct stoa_room_joined *joined);

/* Make the session a member. A leave, or the session's end, before the answer undoes it (LEFT).
 *
 * on_joined  OK, FULL, NOT_FOUND, LEFT, BUSY, UNAVAILABLE, CLOSED; called once, on the session's worker
 * Errors: STOA_E_ARGUMENT  also a user or an info that is too long; STOA_E_EXISTS  a member, or joining (JOINED);
 * STOA_E_CLOSED  the session is closing or not admitted; STOA_E_LIMIT  128 groups and rooms, or too many joins in
 * progress; STOA_E_MEMORY. on_joined is not called then */
STOA_API int stoa_room_join(struct stoa_rooms *rooms, struct stoa_session *session, struct stoa_string room,
                            const struct stoa_room_join_options *options, stoa_room_on_joined *on_joined,
                            void *context);
/* Leave, or stop joining. Errors: STOA_E_NOT_FOUND  neither a member nor joining */
STOA_API int stoa_room_leave(struct stoa_rooms *rooms, struct stoa_session *session, struct stoa_string room);
/* Is the session a member? */
STOA_API bool stoa_room_has(struct stoa_rooms *rooms, const struct stoa_session *session, struct stoa_string room);
/* How many sessions are members, as stoa_server_member_count(). Any thread. */
STOA_API size_t stoa_room_member_count(struct stoa_rooms *rooms, struct stoa_string room);

/* "up", "degraded" or "down", and why ("" when up; a constant). Any thread. /readyz has it as the check `storage`,
 * which is not ready unless it is up. */
STOA_API const char *stoa_rooms_storage_state(const struct stoa_rooms *rooms, const char **out_reason);

#ifdef __cplusplus
}
#endif

#endif
