/* base/siphash.h: SipHash-1-3, a keyed hash; without the key nobody can find collisions. */
#ifndef STOA_BASE_SIPHASH_H
#define STOA_BASE_SIPHASH_H

#include <stoa/bytes.h>

/* Thread: any. Words are read in the machine's byte order: on a big-endian machine the hash differs from the paper's.
 */
uint64_t stoa_siphash13(const uint64_t seed[2], struct stoa_bytes text);

#endif
