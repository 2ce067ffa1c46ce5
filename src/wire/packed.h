/* wire/packed.h: several messages in one body, as a client without WebSocket posts them.
 *
 * Each message is `length: u32, big-endian | bytes`. Bit 31 of the length says that the message is text, as the opcode
 * of a WebSocket frame does. A body may have no messages.
 *
 * Does not know: HTTP, what a message means. Pure.
 */
#ifndef STOA_WIRE_PACKED_H
#define STOA_WIRE_PACKED_H

#include <stoa/bytes.h>
#include <stoa/status.h>

#define STOA_PACKED_HEADER_LEN 4
#define STOA_PACKED_TEXT 0x80000000u

/* Check a whole body, before any of its messages is used.
 * Errors: STOA_E_SYNTAX  it ends inside a message
 *         STOA_E_LIMIT   a message is longer than message_bytes_max
 *         STOA_E_UTF8    a text message is not UTF-8 */
int stoa_packed_check(struct stoa_bytes body, size_t message_bytes_max);

/* The message at *at of a body that was checked; *at is then that of the next one. False at the end of the body. The
 * message is a view. */
bool stoa_packed_next(struct stoa_bytes body, size_t *at, struct stoa_bytes *out_message, bool *out_is_text);

#endif
