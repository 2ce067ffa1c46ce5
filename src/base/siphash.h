/* base/siphash.h: SipHash-1-3, a keyed hash whose collisions nobody finds without the key. */
#ifndef STOA_BASE_SIPHASH_H
#define STOA_BASE_SIPHASH_H

#include <stoa/bytes.h>

/* Thread: any. The hash is the machine's own: on a big-endian one it differs from the paper's. */
uint64_t stoa_siphash13(const uint64_t seed[2], struct stoa_bytes text);

#endif
