/* net/tls_server.h: a server's context of TLS 1.2 and 1.3: its certificates, and what it agrees to.
 *
 * Always so: no renegotiation, no compression, no early data; ALPN chooses http/1.1, and refuses a client that offers
 * other protocols only (RFC 7301 3.2).
 *
 * Does not know: addresses, configuration files. The files are read once, while the context is made.
 * Thread: a context is made by one thread and used by all; nothing in it changes but the ticket keys, which have a
 * lock. Lifetime: counted (net/tls.h).
 */
#ifndef STOA_NET_TLS_SERVER_H
#define STOA_NET_TLS_SERVER_H

#include "base/clock.h"
#include "net/tls.h"

#define STOA_TLS_CERTIFICATES_MAX 256u
#define STOA_TLS_NAMES_MAX 10000u /* of all certificates of one context */
#define STOA_TLS_OCSP_BYTES_MAX (64u * 1024)

#define STOA_TLS_MIN_VERSION_DEFAULT "1.2"
#define STOA_TLS_GROUPS_DEFAULT "X25519:P-256:P-384"
/* Forward secrecy and authenticated encryption only. */
#define STOA_TLS_CIPHERS_DEFAULT                                                             \
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" \
  "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
/* The cheapest one comes first. */
#define STOA_TLS_SUITES_DEFAULT "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define STOA_TLS_TICKET_ROTATION_S_DEFAULT 3600u
#define STOA_TLS_TICKET_ROTATION_S_HIGHEST (7u * 24 * 60 * 60) /* RFC 8446 4.6.1 */

/* Files of one certificate. NULL and "" mean none. */
struct stoa_tls_files {
  const char *certificate; /* PEM, with its chain */
  const char *key;         /* PEM */
  const char *ocsp;        /* DER: an OCSP response for it (RFC 6960), which is sent to clients that ask for one */
};

enum stoa_tls_client_verify {
  STOA_TLS_CLIENT_VERIFY_OFF,      /* clients are not asked for a certificate */
  STOA_TLS_CLIENT_VERIFY_OPTIONAL, /* they are asked; one that has none may connect, a wrong one may not */
  STOA_TLS_CLIENT_VERIFY_REQUIRED
};

/* All of it is borrowed until the context is made. */
struct stoa_tls_server_settings {
  const struct stoa_tls_files *files; /* the first is for clients that ask for no name, or for an unknown one */
  size_t file_count;                  /* 1 to STOA_TLS_CERTIFICATES_MAX */
  bool refuse_unknown_names; /* a client that asks for a name of no certificate gets the alert unrecognized_name */
  bool only_1_3;
  const char *groups, *ciphers, *suites; /* as OpenSSL writes them; NULL or "" for the defaults */
  bool no_tickets;
  uint32_t ticket_rotation_s; /* 0 for the default */
  const char *client_ca;      /* PEM; needed unless client_verify is off */
  enum stoa_tls_client_verify client_verify;
  const struct stoa_clock *clock; /* borrowed for the life of the context; NULL: the system's */
  const char *option;             /* where the settings come from, for the log: "server.tls" */
  /* The context in whose place this one comes, or NULL: its ticket keys go on, so that its clients can resume. Clients
   * do a whole handshake all the same when client_verify or the authorities are others. */
  const struct stoa_tls_context *previous;
};

/* Errors, all logged but the last: STOA_E_NOT_FOUND  a file cannot be read
 *                                  STOA_E_DENIED     other users can read a key's file
 *                                  STOA_E_ARGUMENT   a group, cipher or suite is unknown
 *                                  STOA_E_LIMIT      the certificates have more than STOA_TLS_NAMES_MAX names
 *                                  STOA_E_TLS        a certificate, key, CA file or OCSP response is not usable, or
 * they do not belong together; a certificate after the first has no name STOA_E_MEMORY     or no random bytes are
 * available */
int stoa_tls_server_context_create(const struct stoa_tls_server_settings *settings,
                                   struct stoa_tls_context **out_context);

#endif
