/* token/openssl_status.h: what a failure of OpenSSL means. */
#ifndef STOA_TOKEN_OPENSSL_STATUS_H
#define STOA_TOKEN_OPENSSL_STATUS_H

#include <stoa/status.h>

/* Empty this thread's queue of OpenSSL's errors, which a later call of TLS would take for its own (SSL_get_error(3)).
 * Returns STOA_E_MEMORY when one of them was about memory, else `otherwise`. */
int stoa_token_openssl_status(int otherwise);

/* Empty the queue after what went well, too: OpenSSL leaves errors of what it then did in another way. Returns
 * `status`.
 */
int stoa_token_openssl_done(int status);

#endif
