/* net/tls_client.h: the client's side of TLS 1.2 and 1.3.
 *
 * A connection with such a context proves its server: by a chain that leads to a trusted authority, and by the name in
 * the certificate. What is refused is logged. The context serves one server; the functions of net/tls.h take it.
 * Thread: a context is made once and used by one thread.
 */
#ifndef STOA_NET_TLS_CLIENT_H
#define STOA_NET_TLS_CLIENT_H

#include "net/tls.h"

/* NULL means none. Borrowed until the context is made. */
struct stoa_tls_client_settings {
  const char *host;    /* whom the certificate must name (RFC 6125), and SNI asks for unless it is an address (RFC 6066
                        * 3); not NULL */
  const char *ca_file; /* PEM file of the authorities to trust; NULL: those of the system */
  bool insecure;       /* take any certificate */
  const char *certificate; /* PEM files: the client's own certificate with its chain, and its key. Both or none */
  const char *key;
};

/* Errors: STOA_E_NOT_FOUND  a file cannot be read; STOA_E_DENIED  other users can read the key's file; STOA_E_TLS  the
 * CA file holds no certificate, or the certificate or key is not usable. All are logged. STOA_E_MEMORY */
int stoa_tls_client_context_create(const struct stoa_tls_client_settings *settings,
                                   struct stoa_tls_context **out_context);

#endif
