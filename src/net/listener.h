/* net/listener.h: a socket that takes connections.
 *
 * One descriptor is kept as a spare. When descriptors run out (EMFILE, ENFILE), the spare is closed to accept the next
 * connection, which on_refuse answers and which is then closed. Without a spare, or when memory runs out, the listener
 * pauses instead of spinning.
 * Does not know: the text of a refusal.
 * Thread: opening on any thread; the rest on the loop's.
 */
#ifndef STOA_NET_LISTENER_H
#define STOA_NET_LISTENER_H

#include "loop/loop.h"
#include "net/address.h"

#include <sys/stat.h>

/* The spare descriptor, and how many connections it refused. One for all listeners of a loop. */
struct stoa_spare {
  int fd;             /* -1: none is available now */
  uint32_t refused;   /* since the last log line about it */
  uint64_t logged_ms; /* when it was logged last, by the loop's clock */
  bool logged;        /* it was logged at least once */
};

struct stoa_listener {
  struct stoa_io io; /* fd -1 before start and after close, and while it pauses */
  struct stoa_loop *loop;
  struct stoa_timer retry;
  int paused_fd; /* while `paused` */
  bool paused;
  bool exclusive;           /* other loops watch the socket too: wake one of them (EPOLLEXCLUSIVE) */
  uint32_t index;           /* the owner's number for it */
  struct stoa_spare *spare; /* borrowed until close; NULL: none */
  /* A connection: non-blocking, close-on-exec. Owned by the callee. */
  void (*on_accept)(struct stoa_listener *listener, int fd, const struct sockaddr_storage *peer);
  /* A connection for which there is no descriptor: send a refusal without blocking. It is closed after the call. NULL
   * with a spare: it is closed without an answer. */
  void (*on_refuse)(struct stoa_listener *listener, int fd);
  /* accept4(2) failed with this errno, which does not mean that no connection waits. May be NULL. */
  void (*on_error)(struct stoa_listener *listener, int reason);
  void *context;
};

struct stoa_listen_options {
  bool share;  /* SO_REUSEPORT: listeners with it share the port. Never for unix sockets */
  bool sole;   /* with `share`: a port that any process has bound is refused as in use, even if it is shared. For the
                  first listener of a process that shares with itself only; without it, other processes of the same user
                  share too */
  mode_t mode; /* of a unix socket's file, whatever the umask is */
};

/* Bind and listen (backlog 4096). `address` then has the port that the system chose. A unix socket's file without a
 * listener is replaced.
 * Errors: STOA_E_SYSTEM  errno says why; EAFNOSUPPORT and EADDRNOTAVAIL: this machine has no such address */
int stoa_listener_open(struct stoa_address *address, const struct stoa_listen_options *options, int *out_fd);

/* Start accepting on the loop. `listener` is the caller's memory, zeroed, with io.fd = -1, on_accept and context set.
 * Errors: as stoa_loop_add(); the caller still owns the descriptor */
int stoa_listener_start(struct stoa_listener *listener, struct stoa_loop *loop, int fd);
/* A descriptor was freed: accept again if the listener paused because none was free. */
void stoa_listener_resume(struct stoa_listener *listener);
/* Stop and close. Twice is fine. */
void stoa_listener_close(struct stoa_listener *listener);

/* Open the spare descriptor. A failure is no error: then listeners pause when descriptors run out. */
void stoa_spare_open(struct stoa_spare *spare);
void stoa_spare_close(struct stoa_spare *spare);

/* Identifies the file of a unix socket. */
struct stoa_socket_file {
  dev_t device;
  ino_t inode;
};

/* Call right after stoa_listener_open(). Errors: STOA_E_SYSTEM  errno says why */
int stoa_socket_file_note(const struct stoa_address *address, struct stoa_socket_file *out_file);
/* Remove the file, if it is still this one. The socket must not be closed yet: until then no other file can get its
 * inode number. */
void stoa_socket_file_remove(const struct stoa_address *address, const struct stoa_socket_file *file);

#endif
