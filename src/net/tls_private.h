/* net/tls_private.h: what the files of TLS share. Calls go one way: tls.c makes connections, and reads and writes them
 * by tls_openssl.c or, once TLS 1.3 is agreed, by tls_traffic.c; both stand on tls_io.c. tls_server.c and tls_client.c
 * make contexts; both stand on tls_common.c. tls_context.c counts and frees contexts, for all of them.
 */
#ifndef STOA_NET_TLS_PRIVATE_H
#define STOA_NET_TLS_PRIVATE_H

#include "net/tls_scratch.h"
#include "net/tls_server.h"
#include "net/tls_tickets.h"

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stoa/arena.h>

/* One of a server's certificates, and the OpenSSL context that a client gets who asks for its name. */
struct stoa_tls_certificate {
  SSL_CTX *ssl;
  const uint8_t *ocsp; /* DER; NULL: none */
  size_t ocsp_len;
  int64_t ocsp_until_s; /* it is not sent after that time */
  const struct stoa_clock *clock;
};

struct stoa_tls_name {
  struct stoa_string text;
  uint32_t certificate; /* index */
};

struct stoa_tls_context {
  atomic_uint refs;
  SSL_CTX *ssl;
  BIO_METHOD *transport;
  bool is_client;
  char *server_name; /* a client's: the name that SNI asks for, owned; NULL when the server has only an address */

  /* A server's: */
  bool keeps_peer; /* clients are asked for a certificate, which the connection keeps */
  bool refuse_unknown_names;
  struct stoa_arena *arena;                  /* certificates, names and their text */
  struct stoa_tls_certificate *certificates; /* the first has the `ssl` above */
  size_t certificate_count;
  struct stoa_string *names;          /* of all certificates, in their order */
  struct stoa_tls_name *sorted_names; /* on the heap */
  size_t name_count;
  uint32_t name_capacity;           /* of sorted_names */
  struct stoa_tls_tickets *tickets; /* NULL: none are given */
};

/* A queue of bytes: those in [at, len) wait. It has no memory while it is empty. */
struct stoa_tls_bytes {
  uint8_t *data;
  uint32_t at, len;
};

/* A connection whose records are made and opened here. */
struct stoa_tls_traffic {
  const struct stoa_tls_suite *suite;
  struct stoa_tls_keys in, out;
  uint8_t message[5]; /* an incomplete handshake message: the only one that is allowed, KeyUpdate, has five bytes */
  uint8_t message_len;
  uint16_t data_len_max; /* of one record: less than 2^14 when the client requested it (RFC 6066 4) */
  uint8_t empty_count;   /* consecutive records without data */
  bool has_in, has_out;  /* the handshake has produced this secret */
  bool update_due;       /* our keys must change before our next data */
};

struct stoa_tls {
  int fd;
  uint32_t promised;                /* plaintext bytes whose records are sealed and wait in `out` */
  SSL *ssl;                         /* NULL once tls_traffic.c has taken over */
  struct stoa_tls_context *context; /* while `ssl` is set; counted */
  struct stoa_certificate *peer;    /* NULL: none, or none was asked for */
  struct stoa_tls_scratch *scratch;
  struct stoa_tls_traffic *traffic; /* while `ssl` is set: the secrets known so far */
  struct stoa_tls_bytes in;         /* received, not processed yet */
  struct stoa_tls_bytes out;        /* to be sent */
  uint32_t plain_len;               /* bytes at the front of `in` that are decrypted */
  uint32_t handshake_len;           /* bytes of `out` that were sealed by the handshake's keys */
  uint8_t end;                      /* STOA_OK, or the status that every read gives from now on */
  bool wants_write : 1;
  bool broken : 1;  /* after a fatal error there is no close_notify (SSL_shutdown(3)) */
  bool holds : 1;   /* what OpenSSL writes is collected in `out` */
  bool at_eof : 1;  /* the peer shut its side */
  bool resumed : 1; /* once `ssl` is gone: a ticket was accepted */
};

/* tls_context.c */

/* Log why OpenSSL refused a file, and forget it. Returns STOA_E_TLS; STOA_E_MEMORY, not logged, when memory was out. */
int stoa_tls_log_refusal(const char *what, const char *path);
/* Can the file be read? Returns STOA_E_NOT_FOUND, logged with `what`, if not. */
int stoa_tls_check_file(const char *what, const char *path);

/* tls_common.c: of servers and clients. */

/* With the settings that all have in common. NULL when memory is out. */
SSL_CTX *stoa_tls_ssl_create(const SSL_METHOD *method);
struct stoa_tls_context *stoa_tls_context_begin(const SSL_METHOD *method);
/* Trust the authorities of a PEM file. Errors: STOA_E_NOT_FOUND, STOA_E_TLS, logged; STOA_E_MEMORY */
int stoa_tls_trust(SSL_CTX *ssl, const char *ca_file);
/* Use a certificate and its key, from PEM files; the key's may not be open to other users.
 * Errors: STOA_E_NOT_FOUND, STOA_E_DENIED, STOA_E_TLS, logged; STOA_E_MEMORY */
int stoa_tls_use_files(SSL_CTX *ssl, const char *certificate, const char *key);

/* tls_names.c */

/* Collect and sort the names of all certificates. Errors: STOA_E_LIMIT, STOA_E_TLS, logged; STOA_E_MEMORY */
int stoa_tls_names_collect(struct stoa_tls_context *context, const struct stoa_tls_server_settings *settings);
/* The certificate for a name: one that has it, else one that has it with a star for the first label (RFC 6125 6.4.3).
 * NULL: none. */
const struct stoa_tls_certificate *stoa_tls_names_find(const struct stoa_tls_context *context, const char *name);

/* tls_ocsp.c */

/* Errors: STOA_E_NOT_FOUND, STOA_E_TLS, logged; STOA_E_MEMORY */
int stoa_tls_ocsp_load(struct stoa_tls_certificate *certificate, const char *path, struct stoa_arena *arena);

/* tls_peer.c */

/* What the client's certificate says; *out_peer is NULL when it has shown none. Freed as one block by stoa_free().
 * Errors: STOA_E_MEMORY; STOA_E_TLS  it was not verified, or its names cannot be read */
int stoa_tls_peer_read(SSL *ssl, struct stoa_certificate **out_peer);

/* tls_io.c: the descriptor's side. */

/* Begin to read: copy the bytes that wait in `in` to the scratch. `in` keeps them until stoa_tls_keep(). */
void stoa_tls_load(struct stoa_tls *tls);
/* More from the descriptor into the scratch. Errors: STOA_E_AGAIN, STOA_E_CLOSED, STOA_E_SYSTEM */
int stoa_tls_fill(struct stoa_tls *tls);
/* End reading: unprocessed bytes go back to `in`, and the scratch is empty. Errors: STOA_E_MEMORY; the bytes are lost
 */
int stoa_tls_keep(struct stoa_tls *tls);
/* End reading when nothing was processed: `in` is unchanged, and the scratch is empty. The next connection must never
 * find bytes of this one there. */
void stoa_tls_unload(struct stoa_tls *tls);
/* Append bytes to `out`. Errors: STOA_E_MEMORY */
int stoa_tls_hold(struct stoa_tls *tls, const uint8_t *data, size_t len);
/* Send the bytes of `out`, then `len` more; the kernel took *out_taken of those.
 * Errors: STOA_E_AGAIN  some bytes of `out` still wait, and none of the others was taken; STOA_E_SYSTEM */
int stoa_tls_send(struct stoa_tls *tls, const uint8_t *data, size_t len, size_t *out_taken);
void stoa_tls_bytes_fini(struct stoa_tls_bytes *bytes);

/* tls_openssl.c: the handshake, TLS 1.2 and a client's side. */

/* How OpenSSL reaches a connection. NULL when memory is out; BIO_meth_free(). */
BIO_METHOD *stoa_tls_transport_create(void);
/* Errors: STOA_E_MEMORY */
int stoa_tls_openssl_open(struct stoa_tls *tls, struct stoa_tls_context *context);
/* Free OpenSSL's state, if there is one. */
void stoa_tls_openssl_close(struct stoa_tls *tls);
int stoa_tls_openssl_read(struct stoa_tls *tls, void *data, size_t size, size_t *out_len);
int stoa_tls_openssl_write(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t *out_len);
void stoa_tls_openssl_shutdown(struct stoa_tls *tls);
/* SSL_CTX_set_keylog_callback(3) */
void stoa_tls_on_secret(const SSL *ssl, const char *line);

#endif
