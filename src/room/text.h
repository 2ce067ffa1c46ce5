/* room/text.h: what of a stored message the search looks in: one string field of its Protobuf form.
 *
 * Thread: any.
 */
#ifndef STOA_ROOM_TEXT_H
#define STOA_ROOM_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stoa/bytes.h>

/* The last value of a length-delimited field. False: it has none, or the bytes are no message. *out_text points into
 * the body. */
bool stoa_room_text_of(struct stoa_bytes body, uint32_t field, struct stoa_string *out_text);

#endif
