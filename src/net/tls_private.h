/* net/tls_private.h: what the two sides of TLS share. For tls.c and tls_client.c only. */
#ifndef STOA_NET_TLS_PRIVATE_H
#define STOA_NET_TLS_PRIVATE_H

#include "net/tls.h"

#include <openssl/ssl.h>

struct stoa_tls_context {
  SSL_CTX *ssl;
  char *server_name; /* a client's: whom it asks for, owned. NULL: a server's */
};

/* Log why OpenSSL refused a file, and forget it. Returns STOA_E_TLS. */
int stoa_tls_log_refusal(const char *what, const char *path);
/* Play the context's part in the handshake, a client with the server's name in it. Errors: STOA_E_MEMORY */
int stoa_tls_take_side(const struct stoa_tls_context *context, SSL *ssl);

#endif
