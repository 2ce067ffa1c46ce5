/* tests/fallback_simulation/fallback_private.h: what the parts of this world share. */
#ifndef TESTS_FALLBACK_SIMULATION_FALLBACK_PRIVATE_H
#define TESTS_FALLBACK_SIMULATION_FALLBACK_PRIVATE_H

#include "base/clock.h"
#include "fallback_world.h"
#include "sample.stoa.h"
#include "simulation/net.h"

#include <stoa/codec.h>
#include <stoa/server.h>
#include <stoa/worker.h>

#define GUESTS 6u
#define LINES 10u
#define RECORDS_MAX 1024u
#define BODY_BYTES_MAX 8192u
#define KEY_BYTES_MAX 128u

struct world;

/* A session, as the program and its guest know it. */
struct record {
  struct world *world;
  struct stoa_session *session;
  char id[STOA_UUID_TEXT_LEN + 1];
  bool is_open;
  uint16_t code;
  unsigned received; /* number of the last message that the program got */
  unsigned pushed;   /* messages that the program has sent to it */
  uint64_t done;     /* the highest number of a post that was answered with 204 */
  uint64_t sent;     /* the highest number that was ever sent */
  struct stoa_worker_timer resume;
  bool is_paused;
};

/* What was posted, and what its answer may be. */
enum post_kind { POST_MESSAGES, POST_ALIVE, POST_OTHER_BODY, POST_WRONG_NUMBER, POST_WRONG_KEY, POST_MALFORMED };

struct request {
  struct record *record;
  unsigned guest;
  enum post_kind kind;
  uint64_t number;
  uint64_t done; /* what was answered when it was sent */
  unsigned last; /* number of its last message */
};

/* A post of a guest: kept until it was answered. */
struct pending {
  uint64_t number;
  uint8_t body[BODY_BYTES_MAX];
  size_t len;
  unsigned last;
  unsigned copies; /* on their way */
};

enum guest_state { GUEST_OUT, GUEST_OPENING, GUEST_IN, GUEST_GONE };

struct guest {
  struct world *world;
  unsigned index;
  enum guest_state state;
  const struct stoa_codec *codec;
  int fd;              /* of its events; -1: none */
  size_t asked;        /* bytes of its request that were sent */
  bool is_harmed;      /* its connection of events may break */
  bool is_spoilt;      /* it has posted what ends its session */
  bool owes_life;      /* it was pinged, and has not answered */
  bool is_not_reading; /* it does not read, until reads_at_ns */
  uint64_t reads_at_ns;
  char key[KEY_BYTES_MAX];
  struct record *record;
  unsigned said, heard;
  unsigned heard_all;         /* of broadcasts; 0: none yet */
  struct pending pendings[2]; /* by number */
  int status;                 /* of the response; 0: no head yet */
  char *in;                   /* what was read and not used */
  size_t in_len, in_size;
};

/* A connection for posts. */
struct line {
  int fd;             /* -1: none */
  bool must_be_taken; /* somebody had to listen when it was opened */
  bool has_half;      /* nothing may follow what was sent */
  uint8_t out[32768];
  size_t out_at, out_len;
  char in[8192];
  size_t in_len;
  struct request requests[3]; /* without an answer */
  unsigned request_count;
};

struct world {
  uint64_t seed, random;
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  struct stoa_server *server;
  struct trace *trace;
  struct fallback_world_counts *counts;
  int epoll;
  bool is_calm; /* nothing is done to anybody any more */
  bool is_ending, is_draining;
  uint64_t stalled_until_ns; /* posts may be late: whoever is pinged may not be heard */
  unsigned broadcasts;
  struct record records[RECORDS_MAX];
  unsigned record_count;
  struct guest guests[GUESTS];
  struct line lines[LINES];
  struct stoa_arena *arena;
};

size_t below(struct world *world, size_t count);
bool one_in(struct world *world, size_t count);

/* The program: fallback_program.c */
void program_open(struct world *world);
struct record *program_find(struct world *world, const char *id);
bool program_has_sessions(const struct world *world);
/* A message as everybody writes it. */
struct stoa_string program_text(unsigned number, char out_text[512]);
void program_broadcasts(struct world *world);

/* Connections: fallback_lines.c */
int net_connect(struct world *world);
bool net_is_connected(int fd);
/* Send a post, on some connection; fresh: on a new one. False when there is no place now. */
bool lines_post(struct world *world, const struct request *request, const char *key, const void *body, size_t len,
                bool fresh);
void lines_poll(struct world *world, struct line *line);
void lines_close(struct world *world, struct line *line);
/* Half a post, and then the end of the connection. */
void lines_send_half(struct world *world, const struct guest *guest);

/* Guests: fallback_guest.c */
void guest_act(struct guest *guest);
void guest_poll(struct guest *guest);
void guest_leave(struct guest *guest);
/* An answer to one of its posts; status 0: the connection ended without one. */
void guest_take_answer(struct guest *guest, const struct request *request, int status, const char *text);
/* Nothing of it is on its way, and all that was sent has come. */
bool guest_is_settled(const struct guest *guest);

#endif
