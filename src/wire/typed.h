/* wire/typed.h: the typed frame, `type: u32 | payload`, inside a WebSocket message.
 *
 * Bit 31 of the type marks a call (an id follows), bit 30 an error. In frames of a call with many replies bit 29 has a
 * meaning too, so that the numbers of such calls are below it; for all other types it is a bit of the number. Those
 * frames are, with T the type:
 *
 *   call                   0x80000000 | T               id, request
 *   item                   0x80000000 | 0x20000000 | T  id, item
 *   good end               0x80000000 | T               id, empty
 *   end with an error      0xC0000000 | T               id, stoa.Error
 *   cancel, by the caller  0xC0000000 | T               id, empty
 *   credit, by the caller  0xE0000000 | T               id, u32: so much more
 *
 * In text packets the same bits are in the member "type", a good end has the payload null, and the member "error" of a
 * cancel is null, that of credit the number. Byte order is big-endian by default, as in
 * JavaScript's DataView; little-endian is for peers that use Go kratos-transport's format.
 */
#ifndef STOA_WIRE_TYPED_H
#define STOA_WIRE_TYPED_H

#include <stoa/bytes.h>
#include <stoa/status.h>

#define STOA_TYPE_MAX 0x3fffffffu         /* a message's own number */
#define STOA_TYPE_CALL 0x80000000u        /* bit 31: a call or its reply, `id: u32` follows */
#define STOA_TYPE_ERROR 0x40000000u       /* bit 30: the payload is stoa.Error */
#define STOA_TYPE_MORE 0x20000000u        /* bit 29: an item of a stream, or credit for one */
#define STOA_TYPE_STREAM_MAX 0x1fffffffu  /* the number of a call with many replies */
#define STOA_TYPED_CREDIT_MAX 0x3fffffffu /* of one frame */
/* What an item takes of its stream's credit beside the length of its payload, in every codec: so many empty items are
 * bounded too. */
#define STOA_TYPED_ITEM_COST 8
#define STOA_TYPED_CREDIT_LEN_MAX 11 /* of its payload, with a NUL in text */
#define STOA_TYPED_HEADER_LEN_MAX 8
#define STOA_TYPED_TEXT_AROUND_MAX 64 /* a text packet without its payload */

enum stoa_typed_order { STOA_TYPED_BIG_ENDIAN, STOA_TYPED_LITTLE_ENDIAN };

struct stoa_typed {
  uint32_t type; /* without the two flag bits; with STOA_TYPE_MORE, if it is set */
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

/* What the caller of a stream sends after its call, in frames that are calls and errors. A cancel has an empty payload,
 * in text null. */
bool stoa_typed_is_cancel(const struct stoa_typed *typed, bool is_text);
/* Errors: STOA_E_SYNTAX  the payload is not 4 bytes, or in text no plain number; it is 0 or above
 *         STOA_TYPED_CREDIT_MAX */
int stoa_typed_credit_read(const struct stoa_typed *typed, enum stoa_typed_order order, bool is_text,
                           uint32_t *out_bytes);
/* Write the payload of credit; returns its length. */
size_t stoa_typed_credit_write(uint32_t bytes, enum stoa_typed_order order, bool is_text,
                               uint8_t out[STOA_TYPED_CREDIT_LEN_MAX]);

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
