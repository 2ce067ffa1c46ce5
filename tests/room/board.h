/* tests/room/board.h: a server of board.proto with rooms, and typed clients of it. */
#ifndef TESTS_ROOM_BOARD_H
#define TESTS_ROOM_BOARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stoa/call.h>
#include <stoa/codec.h>
#include <stoa/room.h>

#include "board.stoa.h"
#include "client.h"
#include "room/create.h"

/* What one session has published to one room, for program_check_order. */
#define BOARD_LANES_MAX 512
#define BOARD_FAILURES_MAX 256
struct board_lane {
  struct stoa_uuid session;
  char room[16];
  uint32_t issued, last_stored; /* counted from 1 */
  uint32_t failure_count;
  struct {
    uint32_t number, issued; /* when it was told, so many had been published */
  } failures[BOARD_FAILURES_MAX];
};

struct board {
  struct stoa_server *server;
  struct stoa_rooms *rooms;
  const char *address;
  int64_t blocks_before;
  char folder[64];
  atomic_uint members_in, members_out; /* calls of on_member */
  bool leaves_at_once;                 /* each session leaves in on_member */
  struct board_lane *lanes;            /* BOARD_LANES_MAX of them; NULL: the order of failures is not checked */
  uint32_t lane_count, disorders;
  atomic_uint asked, answered;     /* completions that the rooms owed and gave */
  atomic_uint diffs, diffs_failed; /* calls of on_presence */
  atomic_uint diffs_to_fail;       /* so many of them fail */
};

/* What a test may change before board_start(). Zeroed: one worker, an engine of the kind that was chosen. */
struct board_options {
  uint32_t workers;
  struct stoa_rooms_config rooms;   /* its engine is filled in */
  struct stoa_limits_config limits; /* of the server */
  struct stoa_engine *engine;       /* given instead */
  int64_t blocks_before;            /* with an engine: those before it was opened */
  const struct stoa_clock *clock;   /* of the server; NULL: the system's */
  const char *folder;               /* that of an earlier board, which was kept; NULL: a new one */
};

/* "memory" or "local", from the program's arguments. */
void board_choose(int argc, char **argv);
bool board_is_local(void);

/* Run a function on the worker that owns the room, and wait for it. */
void board_run_on_owner(struct board *board, const char *room, void (*run)(struct board *board, void *context),
                        void *context);

/* The system's clock, put forward by a test. */
struct board_clock {
  struct stoa_clock clock;
  _Atomic uint64_t ahead_ns;
};
void board_clock_init(struct board_clock *clock);
static inline void board_clock_advance_ms(struct board_clock *clock, uint64_t ms) {
  atomic_fetch_add(&clock->ahead_ns, ms * 1000000u);
}

void board_start(struct board *board, const struct board_options *options);
/* Destroys all, sees that nothing is left, and removes the folder. */
void board_stop(struct board *board);
/* The same, but the folder stays, for another board. */
void board_stop_and_keep(struct board *board);

/* A client; proto "stoa.json" or "stoa.proto", or NULL: JSON without a subprotocol. */
struct board_client {
  struct client base;
  const struct stoa_codec *codec;
  struct stoa_arena *arena;
  struct stoa_buffer out;
  uint32_t next_id;
};

/* A frame that came, decoded in the client's arena, until the next one. */
struct board_frame {
  uint32_t type;
  bool is_reply, is_error;
  uint32_t id;
  const void *message; /* NULL: an error */
};

void board_connect(const struct board *board, struct board_client *client, const char *protocol);
void board_disconnect(struct board_client *client);

/* Call, and return the id. */
uint32_t board_call(struct board_client *client, uint32_t type, const void *request);
void board_push(struct board_client *client, uint32_t type, const struct stoa_message_type *message_type,
                const void *message);
struct board_frame board_read(struct board_client *client);

/* Calls with their reply, when nothing else may come before it. */
const struct board_v1_join_reply *board_join(struct board_client *client, const char *room, uint64_t epoch,
                                             uint64_t offset, uint32_t history);
const char *board_leave(struct board_client *client, const char *room);
const struct board_v1_read_reply *board_history(struct board_client *client,
                                                const struct board_v1_read_request *request);
/* Send without waiting. client_msg_id may be NULL. */
uint32_t board_send(struct board_client *client, const char *room, const char *text, const char *client_msg_id);
uint32_t board_send_as(struct board_client *client, const char *room, const char *text, const char *how);
/* The reply, when it comes next. */
struct board_sent {
  char status[128];
  uint32_t retry_ms;
  uint64_t epoch, offset;
  int64_t time_us;
};
struct board_sent board_sent(struct board_client *client, uint32_t id);
/* Have the server publish `count` posts of that text at once; returns their statuses in the order of the calls:
 * "OK*2 BUSY*3". Posts of the room that come meanwhile are skipped. Valid until the next call. */
const char *board_burst(struct board_client *client, const char *room, uint32_t count, const char *text);
/* Join as `how` says: "leave" leaves in the same handler; "close" closes the session in it. Returns the id. */
uint32_t board_join_as(struct board_client *client, const char *room, const char *how);
/* The reply to a call, past pushes. */
const void *board_reply(struct board_client *client, uint32_t id);
/* Send by somebody who is no member, and wait. */
struct board_sent board_store(struct board_client *client, const char *room, const char *text,
                              const char *client_msg_id);
/* The next frame is this post; returns its offset. */
uint64_t board_expect_post(struct board_client *client, const char *text);
uint64_t board_expect_note(struct board_client *client, const char *text);
/* Nothing has come: a call is answered next. */
void board_expect_nothing(struct board_client *client);
bool board_text_is(struct stoa_string text, const char *wanted);

#endif
