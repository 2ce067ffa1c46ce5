/* wire/ws_deflate_reopen.h: a finished deflate stream made to end as a message does. For the wire floor only.
 *
 * libdeflate compresses whole buffers, and marks the last block of each as the last of its stream (BFINAL, RFC 1951
 * 3.2.3). RFC 7692 7.2.3.4 allows such blocks in a message, but clients are in use that refuse the message, or the one
 * after it. So the mark is taken off, and what zlib's sync flush writes is put behind: an empty stored block.
 *
 * That block starts in the bit after the stream's last one, and libdeflate does not tell which that is. Nothing needs
 * to be inflated to know it: a block ends with the code for "end of block", then there are zeros up to the byte's edge.
 * So the last bit set belongs to that code, and the code itself, which the block's head gives, has the zeros behind it.
 */
#ifndef STOA_WIRE_WS_DEFLATE_REOPEN_H
#define STOA_WIRE_WS_DEFLATE_REOPEN_H

#include <stddef.h>
#include <stdint.h>

/* Take off the mark and begin an empty stored block: then only its 00 00 ff ff, which RFC 7692 7.2.1 leaves out, is
 * missing. Linear in the block's head, whatever the length.
 *
 * data    one whole stream of `len` bytes, at least 1, and room for one byte more. A stream that is not well-formed
 *         becomes another such, but no byte outside is touched.
 * Returns the new length, `len` or one more. 0, with nothing changed: the stream has more than one block, or one with
 * the fixed codes, whose end is a code of zeros only (RFC 1951 3.2.6), as another block's may be.
 */
size_t stoa_ws_deflate_reopen(uint8_t *data, size_t len);

#endif
