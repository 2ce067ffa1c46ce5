/* net/tls_scratch.h: what the TLS connections of one thread share, so that an idle one owns neither a buffer nor a
 * cipher: room for bytes on their way, and OpenSSL's objects.
 *
 * Thread: one's own. Lifetime: from the thread's first connection to its last; counted. A client's connection has one
 * to itself, for it may be stepped by one thread now and by another later, which have connections of their own.
 */
#ifndef STOA_NET_TLS_SCRATCH_H
#define STOA_NET_TLS_SCRATCH_H

#include "net/tls_record.h"

#define STOA_TLS_IN_BYTES (64u * 1024)
#define STOA_TLS_OUT_RECORDS 4u /* whole ones that are made for one send */
#define STOA_TLS_OUT_BYTES (STOA_TLS_OUT_RECORDS * (STOA_TLS_DATA_LEN_MAX + STOA_TLS_OVERHEAD_LEN))

struct stoa_tls_scratch {
  uint32_t user_count;
  uint32_t openssl_count; /* of them, those that OpenSSL has a state for */
  uint32_t openssl_peak;  /* at most, since it was asked for last */
  uint32_t at, end;       /* of `in`: what has come for the connection that is being read, and is not used yet */
  struct stoa_tls_tools *tools;
  uint8_t in[STOA_TLS_IN_BYTES];
  uint8_t out[STOA_TLS_OUT_BYTES];
};

/* This thread's, made if there is none. NULL when memory is out. */
struct stoa_tls_scratch *stoa_tls_scratch_ref(void);
/* One for a single connection. NULL when memory is out. */
struct stoa_tls_scratch *stoa_tls_scratch_create(void);
/* NULL is fine. A thread's: by the same thread, or after its end. */
void stoa_tls_scratch_unref(struct stoa_tls_scratch *scratch);

/* One more of its connections has a state of OpenSSL's, or one less. */
void stoa_tls_scratch_add_openssl(struct stoa_tls_scratch *scratch);
void stoa_tls_scratch_remove_openssl(struct stoa_tls_scratch *scratch);

#endif
