/* wire/typed.h: the typed frame, `type: u32 | payload`, inside a WebSocket message.
 *
 * Bit 31 of the type marks a call (an id follows), bit 30 an error. Byte order is big-endian by default, as in
 * JavaScript's DataView; little-endian is for peers that use Go kratos-transport's format.
 */
#ifndef STOA_WIRE_TYPED_H
#define STOA_WIRE_TYPED_H

#include <stoa/bytes.h>
#include <stoa/status.h>

#define STOA_TYPE_MAX 0x3fffffffu   /* a message's own number */
#define STOA_TYPE_CALL 0x80000000u  /* bit 31: a call or its reply, `id: u32` follows */
#define STOA_TYPE_ERROR 0x40000000u /* bit 30: the payload is stoa.Error */
#define STOA_TYPED_HEADER_LEN_MAX 8
#define STOA_TYPED_TEXT_AROUND_MAX 64 /* a text packet without its payload */

enum stoa_typed_order { STOA_TYPED_BIG_ENDIAN, STOA_TYPED_LITTLE_ENDIAN };

struct stoa_typed {
  uint32_t type; /* without the two flag bits */
  bool is_call;
  bool is_error;
  uint32_t id; /* calls only */
  struct stoa_bytes payload;
};

/* Errors: STOA_E_SYNTAX  shorter than its header */
int stoa_typed_read(struct stoa_bytes message, enum stoa_typed_order order, struct stoa_typed *out_typed);
/* Write the header; returns its length, 4 or 8. */
size_t stoa_typed_write(uint8_t out[STOA_TYPED_HEADER_LEN_MAX], enum stoa_typed_order order,
                        const struct stoa_typed *typed);

/* Text packets: {"type":N,"payload":"<text, JSON-escaped>"} (kratos-transport) and {"type":N,"id":M,"payload":{...}}
 * (stoa.text; error frames have "error" instead of "payload"). The members may come in any order; duplicate and missing
 * members are errors, unknown ones are skipped. A payload that is not quoted is delimited, not parsed: its strings and
 * brackets are matched, and the codec checks the rest.
 *
 * quoted   in: which of the two forms is used. The quoted form has neither id nor error: they count as unknown.
 * scratch  a quoted payload with escapes is unescaped into it, and replaces its content (cap: the message limit); other
 *          payloads are views of the message
 * Errors: STOA_E_SYNTAX  not JSON, bytes after the object, a bad escape or lone surrogate, duplicate or missing
 *                        members, payload beside error
 *         STOA_E_TYPE    type or id is not a plain number in range, or a quoted payload is not a string
 *         STOA_E_LIMIT   brackets nested deeper than 64, or the payload longer than scratch's cap
 *         STOA_E_MEMORY
 */
struct stoa_buffer;
int stoa_typed_text_read(struct stoa_bytes message, bool quoted, struct stoa_buffer *scratch,
                         struct stoa_typed *out_typed);
/* Append a packet with an encoded JSON payload; in the quoted form it must be neither a call nor an error. Errors: as
 * stoa_buffer_append(). */
size_t stoa_typed_text_len(const struct stoa_typed *typed, bool quoted); /* of the text that write appends */
int stoa_typed_text_write(const struct stoa_typed *typed, bool quoted, struct stoa_buffer *out);

#endif
