/* token/ecdsa.h: an ECDSA signature on P-256 as JSON Web Signatures write it (RFC 7518 3.4: r and s, 32 bytes each) and
 * as OpenSSL does (RFC 3279 2.2.3: a DER sequence of two integers). Pure. */
#ifndef STOA_TOKEN_ECDSA_H
#define STOA_TOKEN_ECDSA_H

#include <stoa/bytes.h>

#define STOA_ECDSA_RAW_BYTES 64
#define STOA_ECDSA_DER_BYTES_MAX 72

/* Returns the length of what it wrote. */
size_t stoa_ecdsa_to_der(const uint8_t raw[STOA_ECDSA_RAW_BYTES], uint8_t out_der[STOA_ECDSA_DER_BYTES_MAX]);
/* Of a signature that OpenSSL has just made on P-256. False when it is none: without memory OpenSSL 3.0 may say that it
 * signed, and have written nothing. */
bool stoa_ecdsa_from_der(struct stoa_bytes der, uint8_t out_raw[STOA_ECDSA_RAW_BYTES]);

#endif
