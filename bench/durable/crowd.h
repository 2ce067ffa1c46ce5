/* bench/durable/crowd.h: thousands of clients of one stream of numbered messages, which lose their connections.
 *
 * Member 0 publishes; the others receive. A protocol knows how a member joins, and what a frame means.
 * Thread: one. Lifetime: one crowd a process.
 */
#ifndef STOA_BENCH_DURABLE_CROWD_H
#define STOA_BENCH_DURABLE_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CROWD_MESSAGES_MAX 8192u
#define CROWD_FRAME_LEN_MAX 65536u

enum member_state { MEMBER_DOWN, MEMBER_CONNECTING, MEMBER_SHAKING, MEMBER_JOINING, MEMBER_JOINED };

struct member {
  int fd; /* -1: none */
  uint8_t state;
  bool is_catching_up;
  uint32_t wake_ms;    /* DOWN: when to connect; JOINED: when to lose the connection, 0: never */
  uint32_t begun_ms;   /* of this connection */
  uint32_t tries;      /* since it was joined */
  uint32_t target;     /* what was published when the connection began */
  uint32_t seen_count; /* of different messages */
  uint32_t upto;       /* it has seen all up to this one */
  uint64_t epoch, offset;
  char token[2][48]; /* of the protocol: what a recovery needs */
  uint8_t *rest;     /* an incomplete frame */
  uint32_t rest_len;
  uint64_t seen[CROWD_MESSAGES_MAX / 64];
};

struct protocol {
  const char *name;
  const char *target; /* of the upgrade request */
  const char *subprotocol;
  bool has_answers;     /* published messages are acknowledged */
  uint32_t catch_up_ms; /* how long nothing may arrive at the end: a busy server is slow, not done */
  /* The upgrade is done. */
  void (*join)(struct member *member);
  void (*on_frame)(struct member *member, const uint8_t *data, size_t len);
  void (*publish)(struct member *member, uint32_t number);
};

extern const struct protocol protocol_stoa, protocol_ws, protocol_socketio;

/* What protocols call. */
void crowd_send(struct member *member, bool is_text, const void *data, size_t len);
void crowd_joined(struct member *member);
void crowd_seen(struct member *member, uint32_t number);
void crowd_acknowledged(uint32_t number);
void crowd_lose(struct member *member);

#endif
