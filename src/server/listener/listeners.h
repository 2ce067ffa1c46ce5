/* server/listener/listeners.h: turns the configured addresses into listening sockets that all workers watch.
 *
 * One configured listener may be several sockets: a name has several addresses. A TCP address has one socket for each
 * worker (SO_REUSEPORT, the kernel spreads connections). That is not possible for a unix socket: all workers watch it,
 * and the one that accepts passes the connection to the next worker in turn. So do they with a socket that the service
 * manager has passed (systemd_sockets.h).
 *
 * Does not know: how a connection is handled (server/worker/accept.h), the PROXY protocol's header.
 * Thread: init and open on the thread that creates and starts the server; the rest on the worker's.
 * Lifetime: owned by the server; listeners exist as long as it. Their TLS contexts are in tls.h.
 */
#ifndef STOA_SERVER_LISTENER_LISTENERS_H
#define STOA_SERVER_LISTENER_LISTENERS_H

#include "net/listener.h"

#include <stdatomic.h>
#include <stoa/config.stoa.h>

#define STOA_LISTENERS_MAX 16 /* of server.addresses or server.listeners; server.admin is one more */
#define STOA_LISTENER_SOCKETS_MAX 64

struct stoa_server;
struct stoa_worker;

/* One item of the configuration. */
struct stoa_server_listener {
  struct stoa_string configured; /* its text, in the memory of the server's configuration */
  uint8_t index;                 /* its index in the configuration; for server.admin, the one after the last */
  bool is_admin;                 /* role: admin */
  bool is_of_admin;              /* it is the one of server.admin */
  bool proxy_protocol;           /* each connection begins with a PROXY header */
  bool uses_tls;
  bool owns_tls; /* by a certificate of its own; else by that of server.tls */
  mode_t mode;
  struct stoa_address_list addresses;
  char text[STOA_ADDRESS_TEXT_SIZE]; /* the address of its first socket, once it listens */
};

/* One bound address. */
struct stoa_server_socket {
  const struct stoa_server_listener *listener;
  struct stoa_address address;
  struct stoa_socket_file file;
  atomic_bool file_exists; /* a unix socket's file, created by us */
};

struct stoa_listeners {
  size_t count;
  struct stoa_server_listener items[STOA_LISTENERS_MAX + 1];
  size_t socket_count;
  struct stoa_server_socket sockets[STOA_LISTENER_SOCKETS_MAX];
  atomic_uint next_worker; /* the worker for the next connection of a unix socket */
};

/* Read the listeners' configuration, after the server's options were applied: addresses, roles, which certificate.
 * Names are resolved, which may block. Errors: STOA_E_ARGUMENT  the configuration is not valid (each mistake is logged)
 */
int stoa_listeners_init(struct stoa_server *server);
/* The name of the option that holds a listener's address: server.addresses[1], server.listeners[1].address, or
 * server.admin.address. */
struct stoa_option_name {
  char text[48];
};
struct stoa_option_name stoa_listeners_option(const struct stoa_server *server,
                                              const struct stoa_server_listener *listener);
/* The listener whose address already covers this one, so that it gets no socket of its own; or NULL. */
const struct stoa_server_listener *stoa_listeners_find_wider(const struct stoa_listeners *listeners,
                                                             const struct stoa_server_listener *own,
                                                             const struct stoa_address *address);
bool stoa_listeners_covers(const struct stoa_server *server, const struct stoa_server_listener *own,
                           const struct stoa_address *address);

/* After stoa_listeners_init(), also after one that failed: is each certificate valid today, and can each address be
 * listened on now? Logged, the second as a warning.
 * Errors: STOA_E_TLS  a certificate is not valid */
int stoa_listeners_check(const struct stoa_server *server);
/* Does another program listen where `other`, made of a new configuration, would, and `server` does not yet? Logged.
 * Errors: STOA_E_SYSTEM  it does */
int stoa_listeners_check_new(const struct stoa_server *server, const struct stoa_server *other);

/* Bind and listen, and have all workers watch the sockets; before their threads run.
 * Errors: STOA_E_SYSTEM     an address cannot be bound (logged)
 *         STOA_E_NOT_FOUND  the service manager has passed no socket of that name (logged)
 *         STOA_E_ARGUMENT   it has passed something else, or two addresses take the same socket (logged)
 *         STOA_E_LIMIT      more sockets than STOA_LISTENER_SOCKETS_MAX (logged); STOA_E_MEMORY. Sockets that were
 *                           opened are closed with the workers, also passed ones. */
int stoa_listeners_open(struct stoa_server *server);

/* Stop listening on this worker. The first worker that does so removes the files of unix sockets. Twice is fine. */
void stoa_listeners_close(struct stoa_worker *worker);
/* The same for listeners that are not for operators: /readyz tells of the drain until its end. */
void stoa_listeners_close_public(struct stoa_worker *worker);
/* Call when a descriptor was freed: paused listeners may go on. */
void stoa_listeners_resume(struct stoa_worker *worker);

/* Raise the soft limit of descriptors to the hard one, and log it. */
void stoa_listeners_raise_limit(void);

#endif
