/* stoa/certificate.h: what the certificate of a TLS client says about it.
 *
 * Such a certificate was verified in the handshake: its chain leads to an authority of server.tls.client_ca, and all
 * its dates were valid then. It is not looked at again while the session lasts.
 *
 * Does not know: which clients may do what; that is the program's decision.
 */
#ifndef STOA_CERTIFICATE_H
#define STOA_CERTIFICATE_H

#include <stoa/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STOA_CERTIFICATE_FINGERPRINT_LEN 32

struct stoa_certificate {
  struct stoa_string subject;          /* the distinguished name as RFC 2253 writes it, in UTF-8: "CN=Ada,O=Analysts" */
  const struct stoa_string *dns_names; /* of the subject alternative name (RFC 5280 4.2.1.6); ASCII */
  size_t dns_name_count;
  const struct stoa_string *uris; /* of the same: "spiffe://example.org/chat" */
  size_t uri_count;
  uint8_t sha256[STOA_CERTIFICATE_FINGERPRINT_LEN]; /* of the certificate in DER: its fingerprint */
};

#ifdef __cplusplus
}
#endif

#endif
