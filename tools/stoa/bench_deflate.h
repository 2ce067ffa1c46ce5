/* tools/stoa/bench_deflate.h: permessage-deflate (RFC 7692) without context takeover.
 *
 * It uses zlib directly, not the library's code: the server's own inflater could hide the server's faults.
 *
 * Does not know: frames, sockets. Thread: one.
 */
#ifndef STOA_TOOL_BENCH_DEFLATE_H
#define STOA_TOOL_BENCH_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes in front of the first byte of a message written by bench_deflate_pack(). */
enum { BENCH_STORED_HEAD = 5 };

/* How long a message of `len` bytes can become, packed by bench_deflate_pack() or by any reasonable server. */
size_t bench_deflate_bound(size_t len);

/* Compress a message whose first `stored_len` bytes, at most 65535, stay uncompressed in the result, after
 * BENCH_STORED_HEAD bytes, so that they can be changed there later. `out` has room for bench_deflate_bound(len).
 * Returns the length, 0 when memory is out. */
size_t bench_deflate_pack(const uint8_t *message, size_t len, size_t stored_len, uint8_t *out);

struct bench_inflater;

/* NULL when memory is out. */
struct bench_inflater *bench_inflater_create(void);
void bench_inflater_destroy(struct bench_inflater *inflater);

/* Inflate a whole message into `out`, which has room for one byte more than `len_max`. Returns false when the data is
 * not valid deflate data, or has more than `len_max` bytes. */
bool bench_inflater_message(struct bench_inflater *inflater, const uint8_t *data, size_t len, uint8_t *out,
                            size_t len_max, size_t *out_len);

#endif
