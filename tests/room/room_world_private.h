/* tests/room/room_world_private.h: the struct of a world, for its files: room_world.c, the server, disk and time;
 * room_guest.c, the clients; room_end.c, what a fresh client finds at the end. */
#ifndef TESTS_ROOM_ROOM_WORLD_PRIVATE_H
#define TESTS_ROOM_ROOM_WORLD_PRIVATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/clock.h"
#include "board.client.stoa.h"
#include "board.h"
#include "client/client_private.h"
#include "room_oracle.h"
#include "room_world.h"
#include "simulate_presence.h"
#include "wire/random.h"

#define WORKERS 2u
#define GUESTS 7u
#define FIRST_PLAIN 6u /* this guest and those above it have no subprotocol */
#define ROOMS 2u
#define OWN_MAX 150u
#define NS_PER_US 1000u
#define NS_PER_MS UINT64_C(1000000)

extern const char *const room_names[ROOMS];

enum own_state { OWN_NEW, OWN_SENT, OWN_STORED };

/* A message that a client wants to have stored. It is sent until it is. */
struct own {
  struct guest *guest;
  uint32_t room;
  char id[ID_SIZE];
  uint32_t len; /* of its text, which begins with the id */
  bool is_note;
  enum own_state state;
  unsigned in_flight;
  bool may_be_stored; /* an attempt had no answer, or none that says */
  bool is_redacting;
  uint64_t epoch, offset;
};

/* A client in a room. */
struct stay {
  struct guest *guest;
  bool is_joining, is_leaving, is_member;
  bool has_left;       /* before its join was answered */
  bool is_recovering;  /* it joins with its position */
  unsigned asked_turn; /* when it joined */
  uint64_t catch_up;   /* up to this offset it gets what it missed */
  struct view view;
  struct own own[OWN_MAX];
  uint32_t own_count;
  struct presence_guest presence;
};

struct guest {
  struct world *world;
  unsigned index;
  struct stoa_client *client;
  enum stoa_client_state state;
  bool is_stalled; /* this connection was once */
  unsigned connections;
  bool has_given_up; /* on this connection, which is ending: it looks at nothing more */
  bool is_excused;   /* its connection may end */
  bool is_plain;     /* the first client: no subprotocol */
  bool is_careful;   /* sends one after the other */
  struct stay stays[ROOMS];
};

struct world {
  struct trace *trace;
  struct room_world_counts *counts;
  bool is_local, is_settling;
  uint64_t random, presence_random;
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  struct board board;
  struct board_lane lanes[BOARD_LANES_MAX];
  /* What this seed is like. */
  uint32_t session_publishes_max, pending_bytes_max, ring_messages;
  bool is_normal; /* durability */
  bool has_jumps; /* of the time, and rooms that keep little */
  bool has_big_texts;
  uint32_t page, read_limit; /* so that a reply is not too long */
  bool has_memory_faults;
  /* How often what acknowledged messages rely on was lost: each time rooms may have a new epoch. */
  unsigned losses;
  unsigned boots;
  uint64_t engine_idle_ns; /* the engine does nothing until then */
  struct stoa_resolver resolver;
  struct guest guests[GUESTS];
  struct room_log shown[ROOMS], stored[ROOMS];
  struct {
    bool is_known;
    uint64_t epoch, floor, top, read, last_post;
  } end[ROOMS];
  bool is_reading;
  struct presence_guest fresh[ROOMS]; /* who is there at the end */
};

static inline size_t below(struct world *world, size_t count) {
  return random_below(&world->random, count);
}

static inline bool one_in(struct world *world, size_t count) {
  return below(world, count) == 0;
}

/* room_guest.c */
void guest_enter(struct guest *guest);
void guest_act(struct guest *guest);
/* All it wants is done: it is in all rooms, and all it sent is stored. */
bool guest_is_settled(const struct guest *guest);
/* Its text must be what its author has sent, or empty when it was redacted. */
void guest_check_text(struct world *world, const struct sighting *sighting, struct stoa_string text, bool is_redacted);

/* room_world.c */
/* One turn of the server or of a client. */
void world_step(struct world *world);
/* The same, and at the end of the run. */
void world_settle_step(struct world *world);
/* Everybody is where it wants to be, and has stored what it has sent. */
bool world_is_settled(const struct world *world);

/* room_end.c: read all rooms, and check. */
void world_check_end(struct world *world, unsigned turns_max);

#endif
