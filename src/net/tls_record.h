/* net/tls_record.h: TLS 1.3's record protection (RFC 8446 5.2) and its keys (7.2, 7.3), for one direction at a time.
 *
 * OpenSSL agrees on the secrets and does the arithmetic; this is the format in between. It is here because OpenSSL's
 * own state for a connection takes some 14 KB, and what a record needs is a hundred bytes.
 * Does not know: sockets, what records hold, when keys have to change.
 * Thread: the tools belong to one; keys to their connection.
 */
#ifndef STOA_NET_TLS_RECORD_H
#define STOA_NET_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STOA_TLS_HEADER_LEN 5u
#define STOA_TLS_DATA_LEN_MAX 16384u /* of one record, RFC 8446 5.1 */
#define STOA_TLS_OVERHEAD_LEN 22u    /* header, inner type and tag of a record that is not padded */
#define STOA_TLS_RECORD_LEN_MAX (STOA_TLS_HEADER_LEN + STOA_TLS_DATA_LEN_MAX + 256u)

#define STOA_TLS_SECRET_LEN_MAX 48u
#define STOA_TLS_KEY_LEN_MAX 32u
#define STOA_TLS_NONCE_LEN 12u

enum stoa_tls_record_type { STOA_TLS_RECORD_ALERT = 21, STOA_TLS_RECORD_HANDSHAKE = 22, STOA_TLS_RECORD_DATA = 23 };

/* RFC 8446 6. Those that this library sends. */
enum stoa_tls_alert {
  STOA_TLS_ALERT_CLOSE_NOTIFY = 0,
  STOA_TLS_ALERT_UNEXPECTED_MESSAGE = 10,
  STOA_TLS_ALERT_BAD_RECORD_MAC = 20,
  STOA_TLS_ALERT_RECORD_OVERFLOW = 22,
  STOA_TLS_ALERT_ILLEGAL_PARAMETER = 47,
  STOA_TLS_ALERT_DECODE_ERROR = 50,
  STOA_TLS_ALERT_INTERNAL_ERROR = 80
};

struct stoa_tls_suite; /* a cipher and a hash: one of the three that RFC 8446 B.4 has for all */
struct stoa_tls_tools; /* OpenSSL's objects, made once for a thread */

/* Of one direction. */
struct stoa_tls_keys {
  uint64_t sequence; /* the next record's number */
  uint8_t secret[STOA_TLS_SECRET_LEN_MAX];
  uint8_t key[STOA_TLS_KEY_LEN_MAX];
  uint8_t nonce[STOA_TLS_NONCE_LEN];
};

/* The suite of that number (RFC 8446 B.4), or NULL. */
const struct stoa_tls_suite *stoa_tls_suite_find(uint16_t number);
/* How long its secrets are. */
size_t stoa_tls_suite_secret_len(const struct stoa_tls_suite *suite);

/* NULL when memory is out. */
struct stoa_tls_tools *stoa_tls_tools_create(void);
void stoa_tls_tools_destroy(struct stoa_tls_tools *tools);
/* A connection of that suite has ended: no key is left in the ciphers. */
void stoa_tls_tools_forget(struct stoa_tls_tools *tools, const struct stoa_tls_suite *suite);

/* Begin with the traffic secret that the caller has put into keys->secret, of the suite's length; the first record has
 * the given number. False when memory is out. */
bool stoa_tls_keys_begin(struct stoa_tls_keys *keys, struct stoa_tls_tools *tools, const struct stoa_tls_suite *suite,
                         uint64_t sequence);
/* The next generation of them (RFC 8446 7.2), from number 0 on. False when memory is out; the keys are as before. */
bool stoa_tls_keys_update(struct stoa_tls_keys *keys, struct stoa_tls_tools *tools, const struct stoa_tls_suite *suite);

/* The length of the record that begins at `data`, header and all, whatever it holds. len >= STOA_TLS_HEADER_LEN */
size_t stoa_tls_record_len(const uint8_t *data);

/* Make one record. len <= STOA_TLS_DATA_LEN_MAX; `out` has room for len + STOA_TLS_OVERHEAD_LEN and is not `data`.
 * False when memory is out, or the numbers are (RFC 8446 5.3); none is used then, and `out` must not be sent. */
bool stoa_tls_seal(struct stoa_tls_keys *keys, struct stoa_tls_tools *tools, const struct stoa_tls_suite *suite,
                   enum stoa_tls_record_type type, const uint8_t *data, size_t len, uint8_t *out);

struct stoa_tls_opened {
  uint8_t type; /* enum stoa_tls_record_type, or what else the peer wrote */
  size_t len;   /* without type and padding */
};

/* Open one record of `len` bytes, as stoa_tls_record_len() says; all of them are there, except when it is no protected
 * record or longer than STOA_TLS_RECORD_LEN_MAX. `out` has room for len less header and
 * tag, and is not `record`; what is in it after an error is not to be used. Returns STOA_OK, or STOA_E_TLS with the
 * alert that the peer is to get. */
int stoa_tls_open(struct stoa_tls_keys *keys, struct stoa_tls_tools *tools, const struct stoa_tls_suite *suite,
                  const uint8_t *record, size_t len, uint8_t *out, struct stoa_tls_opened *out_opened,
                  enum stoa_tls_alert *out_alert);

#endif
