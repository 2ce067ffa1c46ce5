/* token/openssl_status.h: turns failures of OpenSSL into statuses. */
#ifndef STOA_TOKEN_OPENSSL_STATUS_H
#define STOA_TOKEN_OPENSSL_STATUS_H

#include <stoa/status.h>

/* Empty this thread's queue of OpenSSL errors: a later TLS call would report them as its own (SSL_get_error(3)).
 * Returns STOA_E_MEMORY when one of them was about memory, else `otherwise`. */
int stoa_token_openssl_status(int otherwise);

/* Empty the queue also after success: OpenSSL leaves errors there from attempts before the one that succeeded. Returns
 * `status`.
 */
int stoa_token_openssl_done(int status);

#endif
