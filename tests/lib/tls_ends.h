/* tests/lib/tls_ends.h: a server's context of TLS with a self-signed certificate, and clients of OpenSSL that do not
 * verify it. Every failure is one of the test. */
#ifndef TESTS_LIB_TLS_ENDS_H
#define TESTS_LIB_TLS_ENDS_H

#include <openssl/ssl.h>

#include "net/tls_server.h"
#include "self_signed.h"

struct tls_ends {
  struct self_signed files;
  struct stoa_tls_context *server;
  SSL_CTX *client;
};

/* A server's context of one certificate, as stoa_tls_server_context_create(). */
int tls_context_of(const char *certificate, const char *key, struct stoa_tls_context **out_context);

/* `what` tells several of one process apart. Ignores SIGPIPE, for OpenSSL writes without MSG_NOSIGNAL. */
void tls_ends_open(struct tls_ends *ends, const char *what);
void tls_ends_close(struct tls_ends *ends);

/* A client on a connected socket, which stays the caller's. The caller frees it, and shakes hands. */
SSL *tls_ends_client(const struct tls_ends *ends, int fd);

#endif
