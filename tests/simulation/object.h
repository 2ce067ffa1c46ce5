/* tests/simulation/object.h: what a descriptor of the simulated network stands for: a socket, an eventfd or an epoll.
 *
 * Does not know: the table of system calls.
 * Lifetime: an object lives until both ends of its connection are closed.
 */
#ifndef TESTS_SIMULATION_OBJECT_H
#define TESTS_SIMULATION_OBJECT_H

#include "pipe.h"

#include <netinet/in.h>
#include <sys/epoll.h>

#define OBJECT_FD_FIRST 1000
#define OBJECTS_MAX 512
#define OBJECT_QUEUE_MAX 64
#define OBJECT_WATCHES_MAX 128
#define OBJECT_NEVER_NS UINT64_MAX
#define OBJECT_FD_NONE (-1)
#define OBJECT_FD_CLOSED (-2)

enum kind { KIND_SOCKET, KIND_LISTENER, KIND_CONNECTING, KIND_STREAM, KIND_EVENT, KIND_EPOLL };

struct object {
  enum kind kind;
  int fd;         /* or OBJECT_FD_NONE: not accepted yet; OBJECT_FD_CLOSED: its peer is still open */
  uint64_t count; /* KIND_EVENT */

  struct sockaddr_in local, remote;
  struct object *peer; /* NULL: there is none, or it is freed */
  struct pipe in;
  bool sent_fin;
  int error; /* told at error_ns, then 0 */
  uint64_t error_ns;
  bool dead; /* the error was told */
  uint64_t connected_ns;

  struct object *queue[OBJECT_QUEUE_MAX]; /* KIND_LISTENER: who waits to be accepted, by connected_ns */
  size_t queue_count;

  struct {
    struct object *object;
    struct epoll_event event;
  } watches[OBJECT_WATCHES_MAX];
  size_t watch_count;
};

/* By descriptor, from OBJECT_FD_FIRST on. */
extern struct object *objects[OBJECTS_MAX];

/* NULL: the descriptor is none of the network's. */
struct object *object_of(int fd);
/* A new object with the lowest free descriptor. NULL and EMFILE: there is none. */
struct object *object_add(enum kind kind);
/* When something arrives next; OBJECT_NEVER_NS: nothing is on its way. */
uint64_t objects_due_ns(void);

/* The connection of this end breaks at that time. */
void object_break(struct object *object, uint64_t at_ns);
bool object_is_broken(const struct object *object);
/* The error number, which is told once; what was on its way to this end is lost. */
int object_take_error(struct object *object);
/* A connection that has been made by now becomes a stream. */
void object_see_connected(struct object *object);
/* What is sent ends here. */
void object_send_fin(struct object *object);
/* Close this end: with a FIN, or a reset when it has unread bytes. Frees the object, or leaves that to its peer. */
void object_close(struct object *object);

/* What a system call that fails returns. */
int fail_with(int reason);

#endif
