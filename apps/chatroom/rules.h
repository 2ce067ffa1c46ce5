/* rules.h: what is set for each room: topic, slow mode, size, bans and mutes.
 *
 * They are values of the rooms' state (stoa/room_admin.h), in the scope "room:NAME". A room's are read when it is first
 * joined, and kept while somebody uses them; all workers share them. A change is stored first, then counts.
 *
 * Does not know: sessions, and who may change what.
 * Thread: any, on workers of the server. All changes of one room run on rules_worker(), so that the last one that is
 *         stored is the last one that counts. The locks are held for one look, never while something else is called.
 * Lifetime: a struct room_rules is counted; what was taken is released before rules_destroy().
 * Bounds: rooms in use; SANCTIONS_MAX for each; SLOW_MODE_USERS for those with slow mode.
 */
#ifndef CHATROOM_RULES_H
#define CHATROOM_RULES_H

#include "sanctions.h"
#include "user_sessions.h"

#include <stoa/room_admin.h>

#define RULES_TOPIC_BYTES_MAX 1024u
#define RULES_SLOW_MODE_S_MAX 86400u
/* Of one call of rules_write(). */
#define RULES_VALUES_MAX 8u

struct rules;
struct room_rules;

/* server  borrowed as long as the rules are used. NULL: no memory. */
struct rules *rules_create(struct stoa_server *server);
/* NULL is allowed. */
void rules_destroy(struct rules *rules);

/* The scope of what is set for the whole server. */
#define RULES_SERVER_SCOPE "server"
/* The scope of a room's state; the string is in `out`. */
#define RULES_SCOPE_BYTES_MAX 80u
struct stoa_string rules_scope(struct stoa_string room, char out[RULES_SCOPE_BYTES_MAX]);

/* The rules of a room, loaded or not. NULL: no memory. */
struct room_rules *rules_take(struct rules *rules, struct stoa_string name);
/* What is set for the whole server: bans, by the same keys as those of rooms. The same as the rules of the room with
 * the empty name. NULL: no memory. */
struct room_rules *rules_take_server(struct rules *rules);
/* Once more. Returns it. */
struct room_rules *rules_ref(struct room_rules *room);
/* NULL is allowed. */
void rules_release(struct room_rules *room);
bool rules_are_loaded(struct room_rules *room);

/* status  OK; BUSY, UNAVAILABLE: they are not loaded; CLOSED */
typedef void rules_on_loaded(void *context, enum stoa_room_status status, uint32_t retry_ms);
/* Read them from the storage, unless somebody else is faster. on_loaded is called once, on the calling worker, never
 * inside the call. What has expired is removed from the storage afterwards. Errors: as stoa_room_state_list() */
int rules_load(struct stoa_rooms *rooms, struct room_rules *room, int64_t now_ms, rules_on_loaded *on_loaded,
               void *context);

/* What is asked below is asked of rules that are loaded; others have none. */

struct rules_settings {
  uint32_t slow_mode_s; /* 0: off */
  uint32_t members_max; /* 0: the server's limit */
  size_t topic_len;
  char topic[RULES_TOPIC_BYTES_MAX];
};
void rules_settings(struct room_rules *room, struct rules_settings *out_settings);
/* A value of the room's state counts in the settings. False: it is not one of them. */
bool rules_settings_apply(struct rules_settings *settings, struct stoa_string key, struct stoa_string value);

/* Who wants something. */
struct rules_subject {
  struct stoa_string user_id;
  struct stoa_string address; /* of a guest; empty: none */
  enum chatroom_v1_role role;
};
/* Until when the subject is banned or muted; 0: it is not. */
int64_t rules_banned_until(struct room_rules *room, const struct rules_subject *subject, int64_t now_ms);
int64_t rules_muted_until(struct room_rules *room, const struct rules_subject *subject, int64_t now_ms);

enum rules_verdict { RULES_FINE, RULES_NOT_LOADED, RULES_BANNED, RULES_MUTED, RULES_SLOW };
/* May it write now? For every message.
 *
 * is_message    a new one, for which slow mode counts, unless the subject is a moderator
 * out_retry_ms  of MUTED and SLOW; 0: nobody knows */
enum rules_verdict rules_check(struct room_rules *room, const struct rules_subject *subject, bool is_message,
                               int64_t now_ms, uint32_t *out_retry_ms);
/* The message was not stored: it does not count for slow mode. */
void rules_undo(struct room_rules *room, struct stoa_string user_id);

/* The addresses that were banned with a guest, by all bans of this user: the guest may have had others before. Not
 * those that a ban of another guest has replaced. Returns how many there are in out_addresses, at most count_max. */
size_t rules_banned_addresses(struct room_rules *room, struct stoa_string user_id, int64_t now_ms,
                              char out_addresses[][USER_ADDRESS_LEN_MAX + 1], size_t count_max);

/* Changing. */

/* The worker of a room's changes. */
uint32_t rules_worker(const struct rules *rules, struct stoa_string room);

/* Keys are "topic", "slow", "members_max", and those of sanctions; an empty value removes the key. */
struct rules_value {
  struct stoa_string key, value;
};
struct rules_values {
  const struct rules_value *items;
  size_t count;
  int64_t now_ms;
};
/* Store values, in their order; each counts when it is stored. On rules_worker(), with rules that are loaded.
 *
 * on_written  once: OK, or the first status that was not; values that were stored count also then
 * Errors: STOA_E_LIMIT  SANCTIONS_MAX, expired ones not counted; as stoa_room_state_put(). on_written is not called and
 * nothing is stored then */
int rules_write(struct stoa_rooms *rooms, struct room_rules *room, const struct rules_values *values,
                rules_on_loaded *on_written, void *context);

#endif
