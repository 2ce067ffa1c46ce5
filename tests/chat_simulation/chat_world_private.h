/* tests/chat_simulation/chat_world_private.h: the struct of a world, for its files: chat_world.c, the server, its disk
 * and time; chat_guest.c, the clients; chat_messages.c, chat_changes.c and chat_acts.c, what they do; chat_check.c,
 * what a fresh client finds. */
#ifndef TESTS_CHAT_SIMULATION_CHAT_WORLD_PRIVATE_H
#define TESTS_CHAT_SIMULATION_CHAT_WORLD_PRIVATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/clock.h"
#include "chat_oracle.h"
#include "chat_world.h"
#include "chatroom.h"
#include "client/client_private.h"
#include "wire/random.h"

#include <chatroom/v1/chatroom.client.stoa.h>
#include <stoa/client.h>

#define WORKERS 2u
#define ROOMS 2u
/* The clients of the day, of which the last one has no subprotocol; then the fresh ones of a check, the last of which
 * is a new guest at the address of another one. */
#define DAY_GUESTS 7u
#define PLAIN 6u
#define FRESH_FIRST DAY_GUESTS
#define FRESH_GUESTS 7u
#define STRANGER (FRESH_FIRST + FRESH_GUESTS - 1)
#define NEIGHBOUR 4u /* who has the stranger's address */
#define GUESTS (DAY_GUESTS + FRESH_GUESTS)
#define USERS 5u
#define USER_MODERATOR 0u
#define USER_NONE USERS
#define OWN_MAX 48u
#define ACTS_MAX 16u
#define NS_PER_US 1000u
#define NS_PER_MS UINT64_C(1000000)

extern const char *const room_names[ROOMS];

/* A person, who may have two clients. */
struct user {
  const char *nick;
  bool is_guest; /* else the user has a token */
  char token[1024];
  char id[VIEW_ID_SIZE];
};

/* A message that a client wants to have stored. It is sent until it is. */
struct own {
  struct guest *guest;
  uint32_t room;
  char id[VIEW_TEXT_SIZE];
  uint64_t reply_to;
  bool is_stored, is_ambiguous, is_dropped;
  unsigned in_flight;
  unsigned life; /* of the server, when it was sent first */
  int64_t first_sent_ms;
  unsigned connection; /* of the first attempt, and its membership */
  unsigned mute_changes, ban_changes, slow_changes;
  uint64_t offset;
  int64_t ts_ms;
};

/* A call of any other kind, on its way. */
enum act_kind { ACT_EDIT, ACT_DELETE, ACT_REACT, ACT_MODERATE, ACT_TOPIC, ACT_SLOW };

struct act {
  bool is_used;
  enum act_kind kind;
  struct stay *stay;
  uint64_t target;
  char text[VIEW_TEXT_SIZE];
  uint32_t emoji;
  bool off;
  int32_t action; /* of a moderation */
  unsigned user;
  uint32_t seconds;
  int64_t sent_ms;
  unsigned mute_changes, ban_changes;
};

/* A client in a room. */
struct stay {
  struct guest *guest;
  bool is_joining, is_leaving, is_member;
  bool is_recovering;
  bool is_refused; /* the last join: banned */
  bool has_left;   /* by its own will: it does not come back before the check */
  unsigned ban_changes;
  int64_t asked_ms;
  uint32_t unread, slow_mode_s;
  int64_t muted_until_ms;
  bool more_before;
  unsigned joins;
  struct chat_view view;
  struct own own[OWN_MAX];
  uint32_t own_count;
};

struct guest {
  struct world *world;
  unsigned index, user;
  char name[8];
  struct stoa_client *client; /* NULL: a fresh one that is not there now */
  enum stoa_client_state state;
  bool is_plain, is_fresh;
  bool is_known; /* Hello was answered on this connection */
  bool is_stalled, has_given_up, is_excused;
  unsigned connections, calls;
  char nick[VIEW_ID_SIZE];
  char user_id[VIEW_ID_SIZE];
  uint32_t numbers; /* of its edits, names and topics */
  unsigned activities;
  bool is_moderating, is_naming;
  struct act acts[ACTS_MAX];
  struct stay stays[ROOMS];
  struct {
    bool is_known;
    uint32_t unread[ROOMS];
    bool is_joined[ROOMS], is_listed[ROOMS];
    char topics[ROOMS][VIEW_TEXT_SIZE];
  } list; /* of the rooms, of a fresh client */
};

/* What must be so of a user in a room. */
struct mark {
  uint64_t low, high; /* up to where it has read, between them */
  uint64_t durable;   /* after a crash at least that */
};

struct world {
  struct trace *trace;
  struct chat_world_counts *counts;
  bool is_settling;
  bool is_quiet; /* while there are fresh clients, nobody tries again to join where it is banned */
  uint64_t random;
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  char data_dir[64];
  struct stoa_server *server;
  struct chatroom chatroom;
  struct chatroom_v1_config config;
  uint32_t edit_window_s;
  bool has_jumps, has_disk_faults;
  unsigned boots;
  unsigned lives; /* ended ones of the server, that were not to end */
  uint64_t engine_idle_ns;
  bool is_draining;
  struct stoa_resolver resolver;
  struct user users[USERS];
  struct guest guests[GUESTS];
  struct oracle_log logs[ROOMS];
  struct oracle_sanction bans[ROOMS][USERS], mutes[ROOMS][USERS];
  struct mark marks[ROOMS][USERS];
  struct {
    unsigned changing, changes;
    bool is_unknown;
    uint32_t seconds;
    bool is_topic_unknown;
  } slow[ROOMS];
  /* Deleting has two steps, so a Delete without an answer is made again. */
  bool half_deleted[ROOMS][VIEW_OFFSETS_MAX];
};

static inline size_t below(struct world *world, size_t count) {
  return random_below(&world->random, count);
}

static inline bool one_in(struct world *world, size_t count) {
  return below(world, count) == 0;
}

static inline int64_t wall_ms(const struct world *world) {
  return world->time.wall_us / 1000;
}

static inline uint32_t room_index(const struct stay *stay) {
  return (uint32_t)(stay - stay->guest->stays);
}

static inline struct oracle_sanction *stay_ban(const struct stay *stay) {
  return &stay->guest->world->bans[room_index(stay)][stay->guest->user];
}

static inline struct oracle_sanction *stay_mute(const struct stay *stay) {
  return &stay->guest->world->mutes[room_index(stay)][stay->guest->user];
}

static inline struct stoa_string stay_room(const struct stay *stay) {
  return stoa_string_of(room_names[room_index(stay)]);
}

/* Of who may not write, or not now; nothing was stored. */
static inline bool guest_is_refusal(uint32_t code) {
  return code == CHATROOM_ERROR_DENIED || code == CHATROOM_ERROR_MUTED || code == CHATROOM_ERROR_BANNED ||
         code == CHATROOM_ERROR_SLOW_MODE;
}

/* chat_guest.c */
void guest_init(struct guest *guest, struct world *world, unsigned index);
/* It connects. */
void guest_enter(struct guest *guest);
/* Join a room, unless it is banned there. */
void guest_join(struct stay *stay);
/* The connection is of no use any more: it begins with another one. */
void guest_give_up(struct guest *guest, const struct stoa_call_end *end);
bool guest_is_ready(const struct guest *guest);
/* USER_NONE: nobody of this world. */
unsigned guest_user_of(const struct world *world, struct stoa_string user_id);

/* chat_acts.c */
/* Something, or when the world settles: what it must still do. */
void guest_act(struct guest *guest);
/* It is where it wants to be, and all it sent is stored. */
bool guest_is_settled(const struct guest *guest);
void guest_send_typing(struct stay *stay, int32_t state);
void guest_send_read(struct stay *stay, uint64_t offset);

/* chat_messages.c */
/* Was it refused, or not, as it must be? begin_ms: when it was asked first. code 0: it was not. */
void guest_check_refusal(const struct stay *stay, const char *what, uint32_t code, int64_t begin_ms,
                         unsigned mute_changes, unsigned ban_changes);
/* Its user has read up to `low`, and perhaps up to `high`. */
void guest_move_mark(struct world *world, const struct stay *stay, uint64_t low, uint64_t high);
/* The first that is neither stored nor dropped; NULL: all are. */
struct own *guest_next_own(struct stay *stay);
void guest_send_own(struct own *own);
/* NULL: there are enough. */
struct own *guest_send_new(struct stay *stay);
void guest_write_message(struct stay *stay);
void guest_write_plain(struct guest *guest);

/* chat_changes.c */
/* A message that it sees, mostly a new one, mostly its own; 0: there is none. */
uint64_t guest_choose_message(const struct stay *stay);
void guest_edit(struct stay *stay);
void guest_delete_at(struct stay *stay, uint64_t target);
void guest_react(struct stay *stay);
/* Of a moderator. */
void guest_moderate(struct stay *stay);
void guest_set_topic(struct stay *stay);
void guest_set_slow_mode(struct stay *stay, uint32_t seconds);
/* What is not known to be set or done is set or done again, so that it is. */
void guest_make_known(struct stay *stay);
bool world_is_known(const struct world *world);

/* chat_world.c */
void world_step(struct world *world);
void world_settle_step(struct world *world);
/* The server has what it had stored, and nothing else. */
void world_crash(struct world *world);

/* chat_check.c */
void world_check(struct world *world);

#endif
