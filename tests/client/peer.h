/* tests/client/peer.h: the server side of a connection, played by the test: a plain socket that does what a
 * server should, or should not.
 *
 * Everything is on one thread: functions that wait step the client meanwhile, and fail the test after a deadline. The
 * server side takes no memory through base/memory.h, so that faults and counts concern the client alone.
 */
#ifndef TESTS_CLIENT_PEER_H
#define TESTS_CLIENT_PEER_H

#include <stoa/client.h>
#include <time.h>

#include "base/clock.h"
#include "wire/ws_frame.h"

#define PEER_CLOSED (-1) /* the client ended the connection */

struct peer {
  int listener;
  int fd;        /* -1 without a connection */
  bool in_bytes; /* write one byte, let the client have it, write the next */
  uint16_t port;
  char url[64];
  struct stoa_client *client;
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  char head[4096]; /* the last upgrade request */
  uint8_t data[64 * 1024];
  size_t len, used;
  /* What the client has reported, newest last. */
  struct peer_change {
    enum stoa_client_state state;
    int status;
    uint16_t http_status, close_code;
    uint32_t retry_ms;
    char reason[128];
  } changes[64];
  size_t change_count;
  struct peer_error {
    uint32_t type, code;
    char reason[64];
  } error; /* the last plain one */
  struct peer_other {
    uint32_t type;
    size_t len;
    uint8_t payload[256];
  } other; /* the last message without a handler */
  unsigned others;
};

/* A listener, a clock that stands still, and no client yet. */
void peer_init(struct peer *peer);
void peer_fini(struct peer *peer);

/* For cmocka: *state is a peer. The latter also puts the system's calls back, and sees that no memory is left. */
int peer_set_up(void **state);
int peer_tear_down(void **state);

/* Options for this server side; a copy to be changed. */
struct stoa_client_options peer_options(const struct peer *peer);
/* Create the client, and no more. */
void peer_create_client(struct peer *peer, const struct stoa_client_options *options);
/* Create the client and open it. `options` NULL: peer_options(). */
void peer_open_client(struct peer *peer, const struct stoa_client_options *options);
int peer_try_open_client(struct peer *peer, const struct stoa_client_options *options);

/* One turn without waiting. */
void peer_step(struct peer *peer);
/* A turn that waits for the client's descriptor or the server side's for a moment. Fails the test after `until`. */
void peer_turn(struct peer *peer, time_t until);
time_t peer_deadline(void);
/* Turn until it is so. */
#define PEER_AWAIT(peer, condition) \
  do {                              \
    time_t until = peer_deadline(); \
    while (!(condition)) {          \
      peer_turn((peer), until);     \
    }                               \
  } while (0)
/* Turn until the client is in that state. */
void peer_await(struct peer *peer, enum stoa_client_state state);
/* Let time pass, and turn. */
void peer_advance_ms(struct peer *peer, uint64_t ms);
/* The last change. */
const struct peer_change *peer_change(const struct peer *peer);

/* Take the client's connection and read its request; false when it gave up meanwhile. */
void peer_accept(struct peer *peer);
bool peer_try_accept(struct peer *peer);
/* The right answer, with more field lines after it. */
void peer_answer(struct peer *peer, const char *more);
void peer_write(struct peer *peer, const void *data, size_t len);
void peer_write_text(struct peer *peer, const char *text);
/* Accept, answer as stoa.json, and see the client open. */
void peer_open(struct peer *peer);
void peer_disconnect(struct peer *peer);

/* A frame that is not masked. */
void peer_send(struct peer *peer, enum stoa_ws_opcode opcode, const void *data, size_t len);
/* A typed frame; the flags of calls and errors are in `type`, the id goes with calls. */
void peer_send_typed(struct peer *peer, uint32_t type, uint32_t id, const char *payload);
void peer_send_close(struct peer *peer, uint16_t code, const char *reason);

/* The next frame of the client, unmasked; it must be masked. */
struct peer_frame {
  int opcode; /* or PEER_CLOSED */
  uint8_t mask[4];
  uint8_t *data; /* until the next read */
  size_t len;
};
struct peer_frame peer_read(struct peer *peer);

#endif
