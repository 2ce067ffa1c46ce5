/* tools/stoa/bench_tls.h: TLS on a connection of the load.
 *
 * Output is encrypted into memory first and written to the socket from there. So a send is accepted whole or not at
 * all, and the next send may have different bytes than one that a full socket refused. This costs the generator a copy,
 * which is not part of the measurement.
 *
 * Does not know: epoll, frames. Thread: one.
 */
#ifndef STOA_TOOL_BENCH_TLS_H
#define STOA_TOOL_BENCH_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Shared by all connections. */
struct bench_tls_context;
/* The TLS state of one connection. */
struct bench_tls;

enum bench_tls_step { BENCH_TLS_DONE, BENCH_TLS_MORE, BENCH_TLS_FAILED };

/* ca_file NULL: the certificate is not checked. Otherwise one of that file must have signed it, and it must be for
 * `host`, a name or an address, borrowed until the end. Returns NULL with the reason on stderr. */
struct bench_tls_context *bench_tls_context_create(const char *ca_file, const char *host);
void bench_tls_context_destroy(struct bench_tls_context *context);

/* Create the client's TLS state on a connected socket, which the caller keeps and closes. Returns NULL when memory is
 * out. */
struct bench_tls *bench_tls_create(struct bench_tls_context *context, int fd);
void bench_tls_destroy(struct bench_tls *tls);

/* Continue the handshake, until there is nothing to read. */
enum bench_tls_step bench_tls_shake(struct bench_tls *tls);
/* Why it failed. */
const char *bench_tls_reason(const struct bench_tls *tls);

/* As recv() and send(), errno included. A send accepts all bytes, or fails with EAGAIN while older ones are unsent. */
ssize_t bench_tls_recv(struct bench_tls *tls, void *out, size_t cap);
ssize_t bench_tls_send(struct bench_tls *tls, const void *data, size_t len);
/* Are there decrypted bytes for recv() that epoll does not report? */
bool bench_tls_has_more(const struct bench_tls *tls);

/* Bytes that were accepted and not yet written to the socket. */
bool bench_tls_unsent(const struct bench_tls *tls);
/* Write them to the socket as far as it accepts them; the next recv() reports an error. */
void bench_tls_flush(struct bench_tls *tls);

#endif
