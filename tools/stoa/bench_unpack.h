/* tools/stoa/bench_unpack.h: inflates compressed messages for the check.
 *
 * The check compares received bytes with the frames of a server without compression. This module inflates a compressed
 * message and puts it into such a frame; all other frames pass unchanged. What cannot be inflated passes unchanged too,
 * and the check finds it damaged.
 *
 * Does not know: sockets, time. Thread: one.
 */
#ifndef STOA_TOOL_BENCH_UNPACK_H
#define STOA_TOOL_BENCH_UNPACK_H

#include <stdint.h>

#include "bench_check.h"
#include "bench_message.h"

struct bench_unpack;

/* It borrows both until it is destroyed. Returns NULL when memory is out. */
struct bench_unpack *bench_unpack_create(struct bench_check *check, const struct bench_message *message);
void bench_unpack_destroy(struct bench_unpack *unpack);

/* As bench_check_feed(), which gets the inflated frames. */
size_t bench_unpack_feed(struct bench_unpack *unpack, struct bench_stream *stream, const uint8_t *data, size_t len,
                         int64_t now_ns, struct bench_news *out_news);

/* Compressed messages that were inflated so far. */
uint64_t bench_unpack_count(const struct bench_unpack *unpack);

#endif
