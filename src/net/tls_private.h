/* net/tls_private.h: what the files of TLS share. Calls go one way: tls.c makes connections, and reads and writes them
 * by tls_openssl.c or, once TLS 1.3 is agreed, by tls_traffic.c; both stand on tls_io.c. tls_client.c makes a client's
 * contexts and stands on tls_context.c, which makes a server's.
 */
#ifndef STOA_NET_TLS_PRIVATE_H
#define STOA_NET_TLS_PRIVATE_H

#include "net/tls.h"
#include "net/tls_scratch.h"

#include <openssl/ssl.h>

struct stoa_tls_context {
  SSL_CTX *ssl;
  BIO_METHOD *transport;
  bool is_client;
  char *server_name; /* a client's: the name that SNI asks for, owned; NULL when the server has only an address */
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
  uint32_t promised; /* plaintext bytes whose records are sealed and wait in `out` */
  SSL *ssl;          /* NULL once tls_traffic.c has taken over */
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

/* Log why OpenSSL refused a file, and forget it. Returns STOA_E_TLS. */
int stoa_tls_log_refusal(const char *what, const char *path);
/* A context with the settings that servers and clients share. NULL when memory is out. */
struct stoa_tls_context *stoa_tls_context_begin(const SSL_METHOD *method);

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
int stoa_tls_openssl_open(struct stoa_tls *tls, const struct stoa_tls_context *context);
/* Free OpenSSL's state, if there is one. */
void stoa_tls_openssl_close(struct stoa_tls *tls);
int stoa_tls_openssl_read(struct stoa_tls *tls, void *data, size_t size, size_t *out_len);
int stoa_tls_openssl_write(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t *out_len);
void stoa_tls_openssl_shutdown(struct stoa_tls *tls);
/* SSL_CTX_set_keylog_callback(3) */
void stoa_tls_on_secret(const SSL *ssl, const char *line);

#endif
