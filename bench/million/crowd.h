/* bench/million/crowd.h: thousands of WebSocket clients on one thread, each as small as it can be.
 *
 * A fault of a server ends the process with a line "fault ..." on standard output: a delivery that is doubled,
 * damaged, of another round or from a client of another process, a refused handshake, a connection that ends.
 * Lifetime: one crowd a process, given back by the end of it; every connection is reset then, for SO_LINGER is set.
 */
#ifndef STOA_BENCH_MILLION_CROWD_H
#define STOA_BENCH_MILLION_CROWD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line.h"

enum member_state { MEMBER_CONNECTING, MEMBER_SHAKING, MEMBER_OPEN };

struct member {
  int fd;
  uint32_t group; /* the client whose messages it hears, by its number; MEMBER_NO_GROUP until the first */
  uint16_t round; /* of the last message */
  uint8_t state;
  bool heard_itself; /* while groups are found */
  uint8_t rest_len;  /* of a message or an answer that has come in part */
  uint8_t *rest;
};

#define MEMBER_NO_GROUP UINT32_MAX

struct crowd {
  int epoll_fd;
  struct sockaddr_in server;
  uint32_t source; /* the first of the addresses that connections come from, in host order */
  struct member *members;
  unsigned capacity, begun, open, wanted, window;
  unsigned round;
  unsigned long long heard, awaited; /* deliveries of this round */
  unsigned *heard_of;                /* and of each sender, LINE_SENDERS_MAX */
  unsigned heard_themselves;
};

/* `capacity` members at most. Ends the process when there is no memory. */
void crowd_init(struct crowd *crowd, int epoll_fd, unsigned port, uint32_t source, unsigned capacity);

/* Have `count` more members, with `window` handshakes at a time. */
void crowd_open(struct crowd *crowd, unsigned count, unsigned window);

/* Find out which members are at the same server process: each sends a message of round 0. All members of a process hear
 * the same messages in the same order, so the sender of the first that they hear gives them a common name. */
void crowd_find(struct crowd *crowd);

/* From now on every member hears one message, and it is of this round. */
void crowd_await(struct crowd *crowd, unsigned round);
/* One of them sends it. */
void crowd_say(struct crowd *crowd, unsigned sender);

/* Something can be read from, or first written to, a member. */
void crowd_on_ready(struct crowd *crowd, unsigned number);

/* Are all requested connections open; has every awaited message been received? */
bool crowd_is_open(const struct crowd *crowd);
bool crowd_has_heard(const struct crowd *crowd);

/* Print "fault ..." and end the process. */
__attribute__((format(printf, 1, 2), noreturn)) void crowd_fault(const char *format, ...);

#endif
