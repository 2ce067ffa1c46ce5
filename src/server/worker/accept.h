/* server/worker/accept.h: turns an accepted descriptor into a connection in the worker's table: checks the limits of
 * connections, and uses the header of the PROXY protocol.
 *
 * Does not know: listeners' sockets; the answer to a request.
 * Thread: the worker's.
 */
#ifndef STOA_SERVER_WORKER_ACCEPT_H
#define STOA_SERVER_WORKER_ACCEPT_H

#include "server/worker/core.h"

/* The worker owns the descriptor, also when it is refused. */
void stoa_worker_accept(struct stoa_worker *worker, const struct stoa_server_listener *listener, int fd,
                        const struct sockaddr_storage *address);

/* The on_header of struct stoa_proxy_host. */
void stoa_worker_on_proxy_header(struct stoa_stream *stream, const struct stoa_proxy_header *header);
void stoa_worker_on_bad_proxy_header(struct stoa_stream *stream);

#endif
