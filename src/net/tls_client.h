/* net/tls_client.h: the client's side of TLS 1.2 and 1.3.
 *
 * A connection with such a context proves its server: by a chain that leads to a trusted authority, and by the name in
 * the certificate. What is refused is logged. The context serves one server; the functions of net/tls.h take it.
 * Thread: a context is made once and used by one thread.
 */
#ifndef STOA_NET_TLS_CLIENT_H
#define STOA_NET_TLS_CLIENT_H

#include "net/tls.h"

/* host      whom the certificate must name (RFC 6125), and SNI asks for unless it is an address (RFC 6066 3); copied
 * ca_file   PEM file of the authorities to trust; NULL: those of the system
 * insecure  take any certificate
 * Errors: STOA_E_NOT_FOUND  the file cannot be read; STOA_E_TLS  it holds no certificate (logged); STOA_E_MEMORY */
int stoa_tls_client_context_create(const char *host, const char *ca_file, bool insecure,
                                   struct stoa_tls_context **out_context);

#endif
