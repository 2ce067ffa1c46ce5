/* server/worker_accept.h: from a descriptor that a listener gave to a connection in the worker's table: who is let in
 * at all, and, where proxies come first, what the header of the PROXY protocol tells.
 *
 * Does not know: listeners' sockets; what a connection's request is answered.
 * Thread: the worker's.
 */
#ifndef STOA_SERVER_WORKER_ACCEPT_H
#define STOA_SERVER_WORKER_ACCEPT_H

#include "server/worker_core.h"

/* The descriptor is the worker's, also when nothing comes of it. */
void stoa_worker_accept(struct stoa_worker *worker, const struct stoa_server_listener *listener, int fd,
                        const struct sockaddr_storage *address);

/* For struct stoa_proxy_host. */
void stoa_worker_on_proxy_header(struct stoa_stream *stream, const struct stoa_proxy_header *header);
void stoa_worker_on_bad_proxy_header(struct stoa_stream *stream);

#endif
