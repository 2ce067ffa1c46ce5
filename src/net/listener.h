/* net/listener.h: a socket that takes connections.
 *
 * When descriptors run out (EMFILE, ENFILE), a newcomer is accepted in the place of a descriptor that was kept for it,
 * told by on_refuse, and closed; without one, or when memory runs out, the listener pauses instead of spinning.
 * Does not know: what is told to whom is refused.
 * Thread: opening on any one; the rest on the loop's.
 */
#ifndef STOA_NET_LISTENER_H
#define STOA_NET_LISTENER_H

#include "loop/loop.h"
#include "net/address.h"

#include <sys/stat.h>

/* The descriptor that is kept, and what was refused by it. One serves all listeners of a loop. */
struct stoa_spare {
  int fd;           /* -1: none is to be had now */
  uint32_t refused; /* since the log told last */
  uint64_t told_ms; /* when that was, by the loop's clock */
  bool told;        /* at all */
};

struct stoa_listener {
  struct stoa_io io; /* fd -1 before start and after close, and while it pauses */
  struct stoa_loop *loop;
  struct stoa_timer retry;
  int paused_fd; /* while `paused` */
  bool paused;
  bool exclusive;           /* the socket is watched by other loops too: wake one of them (EPOLLEXCLUSIVE) */
  uint32_t index;           /* the owner's number of it */
  struct stoa_spare *spare; /* borrowed until close; NULL: none */
  /* A connection: non-blocking, close-on-exec. Owned by the callee. */
  void (*on_accept)(struct stoa_listener *listener, int fd, const struct sockaddr_storage *peer);
  /* A connection for which there is no descriptor: tell it so without waiting. It is closed after the call. NULL with
   * a spare: it is closed without a word. */
  void (*on_refuse)(struct stoa_listener *listener, int fd);
  void *context;
};

struct stoa_listen_options {
  bool share;  /* SO_REUSEPORT: others that are opened with it share the port. Unix sockets are never shared so */
  bool sole;   /* with `share`: a port that anybody holds is refused as in use, even if they share it. For the first
                * listener of a process that shares with itself only; without it, other processes of the same user
                * share too */
  mode_t mode; /* of a unix socket's file, whatever the umask is */
};

/* Bind and listen (backlog 4096). The address then has the port that it was given. A unix socket's file that nobody
 * listens on is replaced.
 * Errors: STOA_E_SYSTEM  errno tells; EAFNOSUPPORT and EADDRNOTAVAIL: this machine has no such address */
int stoa_listener_open(struct stoa_address *address, const struct stoa_listen_options *options, int *out_fd);

/* Start accepting on the loop. `listener` is the caller's memory, zeroed, with io.fd = -1, on_accept and context set.
 * Errors: as stoa_loop_add(); the descriptor is still the caller's */
int stoa_listener_start(struct stoa_listener *listener, struct stoa_loop *loop, int fd);
/* A descriptor was freed: listen again now if that is what was missing. */
void stoa_listener_resume(struct stoa_listener *listener);
/* Stop and close. Twice is fine. */
void stoa_listener_close(struct stoa_listener *listener);

/* Take a descriptor to keep. Not having one is no error: then listeners pause when descriptors run out. */
void stoa_spare_open(struct stoa_spare *spare);
void stoa_spare_close(struct stoa_spare *spare);

/* Which file a unix socket is. */
struct stoa_socket_file {
  dev_t device;
  ino_t inode;
};

/* Right after stoa_listener_open(). Errors: STOA_E_SYSTEM  errno tells */
int stoa_socket_file_note(const struct stoa_address *address, struct stoa_socket_file *out_file);
/* Remove the file, if it is still this one. The socket must not be closed yet: until then its inode number cannot be
 * given to a file of somebody else. */
void stoa_socket_file_remove(const struct stoa_address *address, const struct stoa_socket_file *file);

#endif
