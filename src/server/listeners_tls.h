/* server/listeners_tls.h: the TLS contexts of all listeners, and how they are replaced while the server runs.
 *
 * All contexts together are one immutable set. A worker has a reference to a set and uses its contexts for what it
 * accepts; a connection keeps its own context, so old connections live on with the old certificate. A reload makes a
 * whole new set first. Only then does it change the server's set and post to the workers, and each takes the new set
 * between two callbacks of its loop: a lock is taken once after each reload, and never
 * where connections are accepted otherwise.
 *
 * Does not know: when to reload.
 * Thread: create and the server's own functions on the thread that creates the server; reload on any thread between
 *         start and destroy; the workers' functions on the worker's.
 * Lifetime: a set is counted. Its memory goes with the last worker and the last connection that use it.
 */
#ifndef STOA_SERVER_LISTENERS_TLS_H
#define STOA_SERVER_LISTENERS_TLS_H

#include "net/tls.h"
#include "server/origin.h"

#include <stoa/config.stoa.h>

struct stoa_listeners_tls;
struct stoa_server;
struct stoa_server_listener;
struct stoa_worker;

/* Make the contexts of a configuration that was copied by stoa_options_copy_tls(): that of server.tls, and those of the
 * listeners that have their own.
 *
 * previous  the set in whose place this one comes: ticket keys go on. NULL: none
 * Errors: STOA_E_ARGUMENT  a value is not allowed, or a group, cipher or suite is unknown (each is logged)
 *         else as stoa_tls_server_context_create() */
int stoa_listeners_tls_create(const struct stoa_server *server, const struct stoa_server_config *config,
                              const struct stoa_listeners_tls *previous, struct stoa_listeners_tls **out_set);
struct stoa_listeners_tls *stoa_listeners_tls_ref(struct stoa_listeners_tls *set);
/* NULL is fine. */
void stoa_listeners_tls_unref(struct stoa_listeners_tls *set);

/* The context for a connection that a worker accepts now, or NULL: the listener is plain. A reload that has returned
 * counts, also when its post has not run yet. On the worker's thread. */
struct stoa_tls_context *stoa_listeners_tls_accept(struct stoa_worker *worker,
                                                   const struct stoa_server_listener *listener);
/* The context of a listener, or NULL: it is plain. */
struct stoa_tls_context *stoa_listeners_tls_of(const struct stoa_listeners_tls *set,
                                               const struct stoa_server_listener *listener);
/* Of server.tls, or NULL. */
struct stoa_tls_context *stoa_listeners_tls_shared(const struct stoa_listeners_tls *set);
/* The names in a listener's certificates; of a plain listener, which may have a proxy with TLS before it, those in the
 * certificates of server.tls. Valid as long as the set. */
struct stoa_string_list stoa_listeners_tls_names(const struct stoa_listeners_tls *set,
                                                 const struct stoa_server_listener *listener);

/* Let a worker use the server's set. Before its first turn, or on its thread. */
void stoa_listeners_tls_begin(struct stoa_worker *worker);
/* After its last turn. */
void stoa_listeners_tls_end(struct stoa_worker *worker);

/* Read the certificates and everything else of the sections tls again, and use them for all connections that are
 * accepted from now on. Sessions stay as they are, and clients of before can resume, unless what certificates clients
 * must show has changed. A certificate that is not valid today is used all the same, with a warning.
 *
 * config  only the sections tls and the listeners' addresses are looked at; NULL: the configuration that the server was
 *         created with. Borrowed until the call returns
 * Errors, each logged, and nothing has changed then:
 *         STOA_E_ARGUMENT  the addresses are others than before, or one would begin or cease to use TLS: that needs a
 *                          restart. Or as stoa_listeners_tls_create()
 *         else as stoa_listeners_tls_create() */
int stoa_listeners_reload_tls(struct stoa_server *server, const struct stoa_server_config *config);

#endif
