/* bench/million/crowd.h: thousands of WebSocket clients on one thread, with little memory each.
 *
 * A fault of a server ends the process with a line "fault ..." on standard output: a delivery that is duplicated,
 * damaged, of another round or from a client of another server process, a refused handshake, a connection that ends.
 * Lifetime: one crowd a process, freed by its end; every connection is reset then, because SO_LINGER is set.
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
  uint32_t group; /* number of the client whose message it received first; MEMBER_NO_GROUP before */
  uint16_t round; /* of the last message */
  uint8_t state;
  bool heard_itself; /* used while groups are found */
  uint8_t rest_len;  /* of an incomplete message or answer */
  uint8_t *rest;
};

#define MEMBER_NO_GROUP UINT32_MAX

struct crowd {
  int epoll_fd;
  struct sockaddr_in server;
  uint32_t source; /* the first source address of connections, in host order */
  struct member *members;
  unsigned capacity, begun, open, wanted, window;
  unsigned round;
  unsigned long long heard, awaited; /* deliveries of this round */
  unsigned *heard_of;                /* the same for each sender, LINE_SENDERS_MAX */
  unsigned heard_themselves;
};

/* `capacity` members at most. Ends the process when there is no memory. */
void crowd_init(struct crowd *crowd, int epoll_fd, unsigned port, uint32_t source, unsigned capacity);

/* Open `count` more members, with `window` handshakes at a time. */
void crowd_open(struct crowd *crowd, unsigned count, unsigned window);

/* Find out which members are at the same server process: each sends a message of round 0. All members of a process
 * receive the same messages in the same order, so the sender of the first one identifies their group. */
void crowd_find(struct crowd *crowd);

/* From now on every member must receive exactly one message, of this round. */
void crowd_await(struct crowd *crowd, unsigned round);
/* Member `sender` sends the message. */
void crowd_say(struct crowd *crowd, unsigned sender);

/* A member is readable, or its connection is established. */
void crowd_on_ready(struct crowd *crowd, unsigned number);

/* Are all requested connections open; has every awaited message been received? */
bool crowd_is_open(const struct crowd *crowd);
bool crowd_has_heard(const struct crowd *crowd);

/* Print "fault ..." and end the process. */
__attribute__((format(printf, 1, 2), noreturn)) void crowd_fault(const char *format, ...);

#endif
