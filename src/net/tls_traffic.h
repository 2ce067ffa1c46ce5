/* net/tls_traffic.h: a server's TLS 1.3 connection after the handshake: its records are made and opened here.
 *
 * Source: RFC 8446 4.6.3 (KeyUpdate), 5.1 and 5.2 (records), 5.3 (numbers), 5.4 (padding), 5.5 (how long keys live), 6
 * (alerts), 7.2 and 7.3 (keys); RFC 6066 4 (shorter records). The format and the arithmetic are net/tls_record.h's.
 *
 * What it relies on: OpenSSL has finished the handshake, has told both traffic secrets and holds no byte that came.
 * What it has sealed with them already, session tickets, waits in `out`, and its records are counted. There is no early
 * data, and the handshake's certificates were looked at before.
 *
 * What it guarantees:
 * - Sending: a record is sealed once. What the kernel does not take of a flight waits in `out` as it was sealed, at
 * most STOA_TLS_OUT_BYTES; no more is sealed while it does. So no number of a key is ever used for two ciphertexts.
 * - The key is changed before data number 2^24 of it, and before the next data when the client asks for it; requests
 * that come meanwhile are answered by one change.
 * - Receiving: text is handed on only after its tag was found right. Of a client only data, alerts and KeyUpdate may
 *   come; anything else ends the connection with the alert that RFC 8446 names, and the keys are forgotten. So does a
 *   record that is too long, and the 33rd in a row that brings no data.
 * - The end: close_notify gives STOA_E_CLOSED, and what follows it is not read. A FIN without it gives STOA_E_CLOSED as
 *   well (RFC 8446 6.1 leaves it to protocols that mark their own ends, as HTTP and WebSocket do): who reads must not
 *   take it for the end of a message. Any other alert, of any level, gives STOA_E_TLS, except user_canceled, which is
 *   passed over.
 *
 * Does not know: who writes, what the bytes mean, time.
 * Thread: that of the connection, whose scratch it uses.
 */
#ifndef STOA_NET_TLS_TRAFFIC_H
#define STOA_NET_TLS_TRAFFIC_H

#include "net/tls.h"

/* The functions of tls.h, for such a connection. */

/* At most 16 records at once. STOA_E_AGAIN only when no whole record waits.
 * Errors: STOA_E_AGAIN, STOA_E_CLOSED, STOA_E_SYSTEM, STOA_E_TLS, STOA_E_MEMORY; the last two come again */
int stoa_tls_traffic_read(struct stoa_tls *tls, void *data, size_t size, size_t *out_len);
/* The pieces are those of before, from where bytes were taken: the first `promised` bytes of them are sealed already.
 * Errors: STOA_E_AGAIN; STOA_E_SYSTEM  the kernel refused; STOA_E_MEMORY; STOA_E_TLS  it is at its end. After the last
 *         three nothing is sent any more */
int stoa_tls_traffic_write(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t *out_len);
bool stoa_tls_traffic_pending(const struct stoa_tls *tls);
/* close_notify, unless something ended the connection, or a promise is not kept: the client has to see that. */
void stoa_tls_traffic_shutdown(struct stoa_tls *tls);

/* Forget the keys. */
void stoa_tls_traffic_free(struct stoa_tls *tls);

#endif
