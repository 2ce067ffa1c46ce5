/* room/presence_users.h: the users in one room, and what of them was not told yet.
 *
 * Nothing here walks over all users, but for a list and at the two bounds where lists end and begin again.
 *
 * Does not know: time, workers, rooms. So a user that has no session left stays until the caller removes it.
 * Thread: the room's owner's. Lifetime: users and visits are on the heap; a placed visit is borrowed by its user.
 */
#ifndef STOA_ROOM_PRESENCE_USERS_H
#define STOA_ROOM_PRESENCE_USERS_H

#include "base/map.h"
#include "loop/loop.h"

#include <stoa/room.h>

struct stoa_room;
struct stoa_room_presence_user;

/* What a program says of a user; NULL: nothing. */
struct stoa_room_info {
  uint16_t len;
  uint8_t data[];
};

/* One session of a user in a room: 72 bytes and its info. Made where the session is, and the owner's from the place of
 * its join to its end. */
struct stoa_room_visit {
  struct stoa_post post;                /* brings its end to the owner */
  struct stoa_room *room;               /* NULL: not placed yet */
  struct stoa_room_presence_user *user; /* before the place: one that is its own */
  struct stoa_room_visit *next, *previous;
  struct stoa_room_info *info;
  bool is_away;
};

/* 88 bytes, its id, and 8 or more in the table of users. */
struct stoa_room_presence_user {
  struct stoa_room_users *users;
  struct stoa_room_presence_user *next_changed;
  struct stoa_room_presence_user *next_leaving, *previous_leaving; /* the caller's */
  uint64_t leave_ms;                                               /* the caller's */
  struct stoa_room_visit *first;                                   /* that whose info was given last comes first */
  struct stoa_room_info *kept;                                     /* when there is no visit: the last one's */
  uint32_t session_count, away_count;
  bool was_away;   /* when there is no visit */
  bool is_leaving; /* the caller's */
  bool is_changed;
  bool is_told;
  bool is_gone; /* it stays until that was told */
  uint8_t id_len;
  char id[];
};

struct stoa_room_users {
  struct stoa_map by_id;
  uint32_t count; /* without those that are gone */
  uint32_t count_max;
  size_t bytes, bytes_max; /* of a list, as rooms.presence_bytes_max counts */
  bool is_truncated;
  bool is_truncation_told; /* before that, lists cannot begin again: who has one would not know that it is to be emptied
                            */
  bool is_total_changed;   /* while truncated */
  bool is_relisted;        /* lists have begun again, which was not told yet */
  struct stoa_room_presence_user *first_changed, *last_changed;
};

/* Errors: STOA_E_ARGUMENT  the user or the info is too long, or no text; STOA_E_MEMORY */
int stoa_room_visit_create(struct stoa_string user, struct stoa_bytes info, bool is_away,
                           struct stoa_room_visit **out_visit);
/* One that is not placed. NULL is allowed. */
void stoa_room_visit_destroy(struct stoa_room_visit *visit);
/* *out_info NULL: it is empty. Errors: STOA_E_MEMORY */
int stoa_room_info_create(struct stoa_bytes info, struct stoa_room_info **out_info);

/* Errors: STOA_E_SYSTEM  no random seed */
int stoa_room_users_init(struct stoa_room_users *users, uint32_t count_max, size_t bytes_max);
/* Frees users, not visits. */
void stoa_room_users_fini(struct stoa_room_users *users);

/* Place a visit. Errors: STOA_E_MEMORY  nothing has changed */
int stoa_room_users_arrive(struct stoa_room_users *users, struct stoa_room_visit *visit);
/* *info becomes the visit's, which gives its old one. */
void stoa_room_users_set(struct stoa_room_visit *visit, struct stoa_room_info **info, bool is_away);
/* End a placed visit, and free it. Returns its user when it has no session left; else NULL. */
struct stoa_room_presence_user *stoa_room_users_depart(struct stoa_room_visit *visit);
/* A user without sessions is gone; it may be freed by this. */
void stoa_room_users_remove(struct stoa_room_presence_user *user);

/* Have lists again when there are few users; all of them are to be told then. Call before each part. */
void stoa_room_users_relist(struct stoa_room_users *users);
static inline bool stoa_room_users_is_changed(const struct stoa_room_users *users) {
  return users->is_truncated ? users->is_total_changed : users->is_relisted || users->first_changed != NULL;
}

/* The next diff, or a part of it. */
struct stoa_room_users_part {
  struct stoa_room_user users[STOA_ROOM_DIFF_USERS_MAX];
  struct stoa_string leaves[STOA_ROOM_DIFF_USERS_MAX];
  uint32_t taken; /* so many changed users, from the first one */
  struct stoa_room_presence_diff diff;
};
/* What is to be told next, borrowed until anything changes; its version is the caller's. */
void stoa_room_users_collect(const struct stoa_room_users *users, struct stoa_room_users_part *out_part);
/* That part was told. */
void stoa_room_users_told(struct stoa_room_users *users, const struct stoa_room_users_part *part);

/* For a list; nothing while truncated. Start with *cursor = 0; false at the end. */
bool stoa_room_users_next(const struct stoa_room_users *users, size_t *cursor, struct stoa_room_user *out_user);

#endif
