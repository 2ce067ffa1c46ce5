/* tests/client/far.h: the far side of a client's connection, played by the test: a plain socket that does what a server
 * should, or should not.
 *
 * Everything is on one thread: whoever waits steps the client meanwhile, and fails the test after a deadline. The far
 * side takes no memory through base/memory.h, so that faults and counts concern the client alone.
 */
#ifndef TESTS_CLIENT_FAR_H
#define TESTS_CLIENT_FAR_H

#include <stoa/client.h>
#include <time.h>

#include "base/clock.h"
#include "wire/ws_frame.h"

#define FAR_CLOSED (-1) /* the client ended the connection */

struct far {
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
  struct far_change {
    enum stoa_client_state state;
    int status;
    uint16_t http_status, close_code;
    uint32_t retry_ms;
    char reason[128];
  } changes[64];
  size_t change_count;
  struct far_error {
    uint32_t type, code;
    char reason[64];
  } error; /* the last plain one */
  struct far_other {
    uint32_t type;
    size_t len;
    uint8_t payload[256];
  } other; /* the last message without a handler */
  unsigned others;
};

/* A listener, a clock that stands still, and no client yet. */
void far_init(struct far *far);
void far_fini(struct far *far);

/* Options for this far side; a copy to be changed. */
struct stoa_client_options far_options(const struct far *far);
/* Create the client, and no more. */
void far_create(struct far *far, const struct stoa_client_options *options);
/* Create the client and open it. `options` NULL: far_options(). */
void far_client(struct far *far, const struct stoa_client_options *options);
int far_try_client(struct far *far, const struct stoa_client_options *options);

/* One turn without waiting. */
void far_step(struct far *far);
/* A turn that waits for the client's descriptor or the far side's for a moment. Fails the test after `until`. */
void far_turn(struct far *far, time_t until);
time_t far_deadline(void);
/* Turn until it is so. */
#define FAR_AWAIT(far, condition)  \
  do {                             \
    time_t until = far_deadline(); \
    while (!(condition)) {         \
      far_turn((far), until);      \
    }                              \
  } while (0)
/* Turn until the client is in that state. */
void far_await(struct far *far, enum stoa_client_state state);
/* Let time pass, and turn. */
void far_pass(struct far *far, uint64_t ms);
/* The last change. */
const struct far_change *far_change(const struct far *far);

/* Take the client's connection and read its request; false when it gave up meanwhile. */
void far_accept(struct far *far);
bool far_try_accept(struct far *far);
/* The right answer, with more field lines after it. */
void far_answer(struct far *far, const char *more);
void far_write(struct far *far, const void *data, size_t len);
void far_write_text(struct far *far, const char *text);
/* Accept, answer as stoa.json, and see the client open. */
void far_open(struct far *far);
void far_hang_up(struct far *far);

/* A frame that is not masked. */
void far_send(struct far *far, enum stoa_ws_opcode opcode, const void *data, size_t len);
/* A typed frame; the flags of calls and errors are in `type`, the id goes with calls. */
void far_send_typed(struct far *far, uint32_t type, uint32_t id, const char *payload);
void far_send_close(struct far *far, uint16_t code, const char *reason);

/* The next frame of the client, unmasked; it must be masked. */
struct far_frame {
  int opcode; /* or FAR_CLOSED */
  uint8_t mask[4];
  uint8_t *data; /* until the next read */
  size_t len;
};
struct far_frame far_read(struct far *far);

#endif
