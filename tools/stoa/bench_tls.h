/* tools/stoa/bench_tls.h: TLS on a connection of the load.
 *
 * What is to be sent is encrypted into memory first and goes to the socket from there: so a send is taken whole or not
 * at all, and what comes next need not be what a full socket refused. What the generator pays for that is not what is
 * measured.
 *
 * Does not know: epoll, frames. Thread: one.
 */
#ifndef STOA_TOOL_BENCH_TLS_H
#define STOA_TOOL_BENCH_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What all connections share. */
struct bench_tls_context;
/* One connection's side. */
struct bench_tls;

enum bench_tls_step { BENCH_TLS_DONE, BENCH_TLS_MORE, BENCH_TLS_FAILED };

/* ca_file NULL: the certificate is not looked at. Otherwise one of that file must have signed it, and it must be for
 * `host`, a name or an address, borrowed until the end. Returns NULL with the reason on stderr. */
struct bench_tls_context *bench_tls_context_create(const char *ca_file, const char *host);
void bench_tls_context_destroy(struct bench_tls_context *context);

/* A client's side on a connected socket, which the caller keeps and closes. Returns NULL when memory is out. */
struct bench_tls *bench_tls_create(struct bench_tls_context *context, int fd);
void bench_tls_destroy(struct bench_tls *tls);

/* Go on with the handshake, until there is nothing to read. */
enum bench_tls_step bench_tls_shake(struct bench_tls *tls);
/* Why it failed. */
const char *bench_tls_reason(const struct bench_tls *tls);

/* As recv() and send(), errno included. A send takes all, or fails with EAGAIN as long as something is unsent. */
ssize_t bench_tls_recv(struct bench_tls *tls, void *out, size_t cap);
ssize_t bench_tls_send(struct bench_tls *tls, const void *data, size_t len);
/* Is there something decrypted that a recv() would give, with no event to tell of it? */
bool bench_tls_has_more(const struct bench_tls *tls);

/* Bytes that were taken, and that the socket has not. */
bool bench_tls_unsent(const struct bench_tls *tls);
/* Give them to the socket as far as it takes them; an error shows in the next recv(). */
void bench_tls_flush(struct bench_tls *tls);

#endif
