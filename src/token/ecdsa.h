/* token/ecdsa.h: converts an ECDSA signature on P-256 between the form of JSON Web Signatures (RFC 7518 3.4: r and s,
 * 32 bytes each) and that of OpenSSL (RFC 3279 2.2.3: a DER sequence of two integers). Pure. */
#ifndef STOA_TOKEN_ECDSA_H
#define STOA_TOKEN_ECDSA_H

#include <stoa/bytes.h>

#define STOA_ECDSA_RAW_BYTES 64
#define STOA_ECDSA_DER_BYTES_MAX 72

/* Returns the length that was written. */
size_t stoa_ecdsa_to_der(const uint8_t raw[STOA_ECDSA_RAW_BYTES], uint8_t out_der[STOA_ECDSA_DER_BYTES_MAX]);
/* For a signature that OpenSSL has just made on P-256. False when it is not a signature: without memory OpenSSL 3.0 may
 * report success and have written nothing. */
bool stoa_ecdsa_from_der(struct stoa_bytes der, uint8_t out_raw[STOA_ECDSA_RAW_BYTES]);

#endif
