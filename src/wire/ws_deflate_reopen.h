/* wire/ws_deflate_reopen.h: changes the end of a finished deflate stream to the end of a message. For this layer only.
 *
 * libdeflate compresses whole buffers, and marks the last block of each as the last of its stream (BFINAL, RFC 1951
 * 3.2.3). RFC 7692 7.2.3.4 allows such blocks in a message, but some clients refuse the message, or the one after it.
 * So the mark is removed, and an empty stored block is appended, as zlib's sync flush does.
 *
 * That block starts in the bit after the stream's last one, and libdeflate does not report which bit that is. It can be
 * found without inflating: a block ends with the code for "end of block", then zeros follow up to the byte boundary. So
 * the last bit that is set belongs to that code. The code itself is known from the block's head, and shows how many of
 * the zeros after that bit belong to it.
 */
#ifndef STOA_WIRE_WS_DEFLATE_REOPEN_H
#define STOA_WIRE_WS_DEFLATE_REOPEN_H

#include <stddef.h>
#include <stdint.h>

/* Remove the mark and begin an empty stored block. Then only its 00 00 ff ff is missing, which RFC 7692 7.2.1 leaves
 * out. The time is linear in the block's head and does not depend on the length.
 *
 * data    one whole stream of `len` bytes, at least 1, and room for one byte more. A malformed stream becomes another
 *         malformed stream, but no byte outside is touched.
 * Returns the new length, `len` or one more. 0, with nothing changed: the stream has more than one block, or one with
 * the fixed codes, whose "end of block" has only zeros (RFC 1951 3.2.6); a dynamic code may also have only zeros.
 */
size_t stoa_ws_deflate_reopen(uint8_t *data, size_t len);

#endif
