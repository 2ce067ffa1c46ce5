/* tests/session/world.h: one session over a socket pair, with the test as its host and a fake clock. */
#ifndef TESTS_SESSION_WORLD_H
#define TESTS_SESSION_WORLD_H

#include "http/http.h"
#include "session/session.h"

#define QUEUE_BYTES_MAX (1024u * 1024)
#define MESSAGE_BYTES_MAX (64u * 1024)

struct world {
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  struct stoa_stream_host streams;
  struct stoa_http_host http;
  struct stoa_http_limits http_limits;
  struct stoa_session_host host;
  struct stoa_session_limits limits;
  struct stoa_session *session;
  int peer; /* the client's end */
  uint64_t due_ms;
  int64_t blocks_before;
  bool ended, keep_alive;
  unsigned closings, pings, requests, messages, drained;
  uint16_t close_code;
  char close_reason[128];
  struct stoa_ws_deflate deflate;
  bool use_deflate;
  char heard[512]; /* messages, with '|' after each; long ones as their length */
  uint64_t heard_bytes;
  size_t echo_times; /* each message goes back so many times */
  bool close_on_message;
  void (*act)(struct stoa_stream *stream); /* in each request and message, when set */
  /* In place of what the world answers, and of counting. */
  void (*answer)(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data);
  void (*drain)(struct stoa_session *session); /* may be NULL */
  size_t memory_max;                           /* the largest queue seen */
};

extern struct world world;
extern const char world_upgrade_head[];
#define WORLD_UPGRADE_HEAD_LEN (strlen(world_upgrade_head))

/* Setup and teardown; the latter sees that nothing is left. */
int world_begin(void **state);
int world_end(void **state);

/* A connection for the world's session. Errors: as stoa_stream_open() */
int world_open(int fd, struct stoa_tls_context *tls_context);
/* The world's session and its peer get a connection of TCP instead of their socket pair, with a receive buffer of about
 * so many bytes at the peer's end. */
void world_use_tcp(int peer_bytes);
void world_turn(void);
void world_turns(int count);
/* Let time pass and act on what came due, as a worker's sweep does. */
void world_advance_ms(uint64_t ms);

void world_send_bytes(const void *data, size_t len);
size_t world_receive(uint8_t *out, size_t size);
/* A masked frame; returns its length. */
size_t world_frame(uint8_t *out, int first, const void *data, size_t len);
void world_send_frame(int first, const void *data, size_t len);
/* Nothing more comes from the session. */
bool world_peer_sees_end(void);

void world_upgrade(void);
/* The same, with permessage-deflate. */
void world_use_deflate(void);
void world_expect_bytes(const void *expected, size_t len);
/* The close frame, then the end of the connection when the peer's close frame has come (or will not be understood any
 * more); the session is gone when the peer has gone. */
void world_expect_close(uint16_t code, const char *reason);
/* As permessage-deflate wants it. */
size_t world_deflate_raw(const void *data, size_t len, uint8_t *out, size_t size);

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

#endif
