/* net/tls_private.h: what the files of TLS share. Calls go one way: tls.c makes connections, tls_client.c a client's
 * contexts, and both stand on tls_context.c.
 */
#ifndef STOA_NET_TLS_PRIVATE_H
#define STOA_NET_TLS_PRIVATE_H

#include "net/tls.h"

#include <openssl/ssl.h>

struct stoa_tls_context {
  SSL_CTX *ssl;
  bool is_client;
  char *server_name; /* a client's: the name that SNI asks for, owned; NULL when the server has only an address */
};

/* Log why OpenSSL refused a file, and forget it. Returns STOA_E_TLS. */
int stoa_tls_log_refusal(const char *what, const char *path);
/* What both sides want of OpenSSL. */
void stoa_tls_set_options(SSL_CTX *ssl);

#endif
