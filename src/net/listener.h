/* net/listener.h: a socket that takes connections, by a text address.
 *
 * "host:port", ":port" (all addresses, IPv6 and IPv4), "[::1]:port", "unix:/path", each with "ws://" or "wss://" in
 * front if wanted. Port 0 takes a free one.
 * When descriptors run out (EMFILE, ENFILE) or memory does, it stops listening for a moment instead of spinning.
 * Thread: opening on any one; the rest on the loop's.
 */
#ifndef STOA_NET_LISTENER_H
#define STOA_NET_LISTENER_H

#include "loop/loop.h"

#include <netinet/in.h>
#include <stoa/bytes.h>
#include <sys/socket.h>
#include <sys/un.h>

struct stoa_address {
  union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
  } socket;
  socklen_t len;
  bool tls;
};

#define STOA_ADDRESS_TEXT_LEN 128

/* A host that is a name is resolved (this may block); its first address is taken.
 * Errors: STOA_E_SYNTAX  not one of the forms; STOA_E_NOT_FOUND  the name does not resolve */
int stoa_address_parse(struct stoa_string text, struct stoa_address *out_address);
/* "127.0.0.1:7700", "[::1]:7700", "unix:/run/stoa.sock"; terminated. */
void stoa_address_format(const struct stoa_address *address, char out_text[STOA_ADDRESS_TEXT_LEN]);

struct stoa_listener {
  struct stoa_io io;
  struct stoa_loop *loop;
  struct stoa_timer retry;
  bool tls;
  /* A connection: non-blocking, close-on-exec. Owned by the callee. */
  void (*on_accept)(struct stoa_listener *listener, int fd, const struct sockaddr_storage *peer);
  void *context;
};

/* Bind and listen (backlog 4096).
 *
 * share    SO_REUSEPORT: other listeners that are opened with it share the port. Unix addresses are never shared.
 * sole     with `share`: a port that anybody holds is refused as in use, even if they share it. For the first listener
 *          of a process that shares its port with itself only; without it, other processes of the same user share too.
 * Errors: STOA_E_SYSTEM  errno tells */
int stoa_listener_open(struct stoa_address *address, bool share, bool sole, int *out_fd);

/* Start accepting on the loop. `listener` is the caller's memory, with on_accept and context set.
 * Errors: as stoa_loop_add() */
int stoa_listener_start(struct stoa_listener *listener, struct stoa_loop *loop, int fd);
/* A descriptor was freed: listen again now if that is what was missing. */
void stoa_listener_resume(struct stoa_listener *listener);
/* Stop and close. Twice is fine. */
void stoa_listener_close(struct stoa_listener *listener);

#endif
