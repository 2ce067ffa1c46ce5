/* server/listener/tls.h: the TLS contexts of all listeners, which a reload replaces while the server runs.
 *
 * All contexts together are one immutable set, a part of the settings (server/settings/settings.h). A connection keeps
 * its own context, so old connections live on with the old certificate.
 *
 * Does not know: when to reload.
 * Thread: any, since nothing changes.
 * Lifetime: a set is counted. Its memory goes with the last settings and the last connection that use it.
 */
#ifndef STOA_SERVER_LISTENER_TLS_H
#define STOA_SERVER_LISTENER_TLS_H

#include "net/tls.h"
#include "server/listener/origin.h"

#include <stoa/config.stoa.h>

struct stoa_listeners_tls;
struct stoa_server;
struct stoa_server_listener;

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

/* The context of a listener, or NULL: it is plain. */
struct stoa_tls_context *stoa_listeners_tls_of(const struct stoa_listeners_tls *set,
                                               const struct stoa_server_listener *listener);
/* Of server.tls, or NULL. */
struct stoa_tls_context *stoa_listeners_tls_shared(const struct stoa_listeners_tls *set);
/* The names in a listener's certificates; of a plain listener, which may have a proxy with TLS before it, those in the
 * certificates of server.tls. Valid as long as the set. */
struct stoa_string_list stoa_listeners_tls_names(const struct stoa_listeners_tls *set,
                                                 const struct stoa_server_listener *listener);

/* Do the sections tls of a configuration fit the listeners that are open: do the same ones have a certificate? */
bool stoa_listeners_tls_fits(const struct stoa_server *server, const struct stoa_server_config *config);
/* Log the certificates that are not valid today; they are used all the same. */
void stoa_listeners_tls_warn(const struct stoa_server *server, const struct stoa_listeners_tls *set);

#endif
