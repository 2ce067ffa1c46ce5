/* net/tls_traffic.h: a server's TLS 1.3 connection after the handshake: its records are made and opened here.
 *
 * Source: RFC 8446 4.6.3 (KeyUpdate), 5.1 and 5.2 (records), 5.3 (numbers), 5.4 (padding), 5.5 (how long keys live), 6
 * (alerts), 7.2 and 7.3 (keys); RFC 6066 4 (shorter records). The format and the arithmetic are net/tls_record.h's.
 *
 * What it requires: OpenSSL has finished the handshake, has given both traffic secrets, and holds no received byte. The
 * session tickets that OpenSSL has sealed with these secrets wait in `out`, and their records are counted. There is no
 * early data, and the certificates of the handshake have been checked.
 *
 * What it guarantees:
 *
 * - A record is sealed once. The part of a flight that the kernel does not take waits in `out` as it was sealed, up to
 *   STOA_TLS_OUT_BYTES, and no more is sealed until it is sent. So no number of a key has two ciphertexts.
 *
 * - The sending key changes before its record number 2^24, and before the next data when the client requests it. One
 *   change answers all requests that came before it.
 *
 * - Plaintext is delivered only after its tag was verified. A client may send data, alerts and KeyUpdate. Anything else
 *   ends the connection with the alert of RFC 8446, and the keys are erased; so does a record that is too long, and the
 *   33rd consecutive record without data.
 *
 * - close_notify gives STOA_E_CLOSED, and bytes after it are not read. A FIN without close_notify gives STOA_E_CLOSED
 *   too: RFC 8446 6.1 leaves this to protocols that mark their own ends, as HTTP and WebSocket do, so a reader must not
 *   take it for the end of a message. user_canceled is ignored; any other alert, of any level, gives STOA_E_TLS.
 *
 * Does not know: who writes, what the bytes mean, time.
 * Thread: that of the connection, whose scratch it uses.
 */
#ifndef STOA_NET_TLS_TRAFFIC_H
#define STOA_NET_TLS_TRAFFIC_H

#include "net/tls.h"

/* The functions of tls.h, for such a connection. */

/* Opens at most 16 records. STOA_E_AGAIN only when no complete record waits.
 * Errors: STOA_E_AGAIN, STOA_E_CLOSED, STOA_E_SYSTEM, STOA_E_TLS, STOA_E_MEMORY; the next call returns the last two
 *         again */
int stoa_tls_traffic_read(struct stoa_tls *tls, void *data, size_t size, size_t *out_len);
/* The pieces continue where the bytes taken before end; their first `promised` bytes are sealed already.
 * Errors: STOA_E_AGAIN; STOA_E_SYSTEM  the kernel refused; STOA_E_MEMORY; STOA_E_TLS  the connection has ended. After
 *         the last three nothing more is sent */
int stoa_tls_traffic_write(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t *out_len);
bool stoa_tls_traffic_pending(const struct stoa_tls *tls);
/* Send close_notify, unless an error ended the connection or promised bytes are unsent: the client must notice that. */
void stoa_tls_traffic_shutdown(struct stoa_tls *tls);

/* Erase the keys. */
void stoa_tls_traffic_free(struct stoa_tls *tls);

#endif
