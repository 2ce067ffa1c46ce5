/* wire/ws_deflate.h: permessage-deflate (RFC 7692): negotiation, inflating and deflating.
 *
 * The server always answers with server_no_context_takeover and client_no_context_takeover: then no session keeps a
 * window between messages, one compressed message can be sent to every member of a group, and an idle session needs no
 * memory.
 *
 * Memory: contexts come from base/memory.h. Thread: one at a time.
 */
#ifndef STOA_WIRE_WS_DEFLATE_H
#define STOA_WIRE_WS_DEFLATE_H

#include "wire/http.h"

#include <stoa/buffer.h>

/* For shorter messages deflate costs more than it saves, in bytes and time. */
#define STOA_DEFLATE_BYTES_MIN 128

/* What was agreed for one session. */
struct stoa_ws_deflate {
  bool server_no_context_takeover; /* always true when agreed on */
  bool client_no_context_takeover; /* always true when agreed on */
  uint8_t server_max_window_bits;  /* 9 to 15; below 15 only when the client asked */
  bool client_asked_window_bits;   /* then the answer must have server_max_window_bits, even 15 (RFC 7692 7.1.2.1) */
  uint8_t client_max_window_bits;  /* 8 to 15 */
  bool client_offered_window_bits; /* only then the answer may have client_max_window_bits (RFC 7692 7.1.2.2) */
};

/* Choose the first acceptable offer of the Sec-WebSocket-Extensions fields (RFC 7692 5, 7.1). Offers with unknown,
 * repeated or malformed parameters are skipped, and so is server_max_window_bits=8, which zlib cannot write.
 * Returns true and fills *out when one was chosen. Linear in the length of the fields; a list that breaks the grammar
 * counts as if there were no offer. */
bool stoa_ws_deflate_negotiate(const struct stoa_http_head *head, const uint8_t *data, struct stoa_ws_deflate *out);

/* The response's extension value, "permessage-deflate; ..."; returns its length (at most 160). */
size_t stoa_ws_deflate_answer(const struct stoa_ws_deflate *agreed, char *out, size_t out_size);

/* The offer of a client (RFC 7692 7.1): no window is kept between messages, in both directions. */
#define STOA_WS_DEFLATE_OFFER "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* Does the response's extension value accept that offer, and nothing else? */
bool stoa_ws_deflate_taken(struct stoa_string value);

/* The state of inflating a message. Needed only while a compressed message arrives. */
struct stoa_inflater;

/* NULL when memory is out. */
struct stoa_inflater *stoa_inflater_create(void);
void stoa_inflater_destroy(struct stoa_inflater *inflater);

/* Inflate the next piece of the message into `out`, in steps of at most 16 KiB.
 *
 * last    the message's final piece: the empty block that the sender removed is added again (RFC 7692 7.2.2), and the
 *         stream must end on a byte boundary after a complete block. After a stream that ended early (BFINAL) a new one
 *         may follow, as RFC 7692 7.2.3.4 allows.
 * out     the message so far, nothing else; its cap is the message limit
 * Errors: STOA_E_LIMIT   the message is longer than out's cap; no more than one byte past it was inflated
 *         STOA_E_SYNTAX  not deflate data, also an empty message without any byte; STOA_E_MEMORY
 * After an error the inflater must be reset before its next message; out has a part of this one. The result is the same
 * for any split into pieces.
 */
int stoa_inflater_step(struct stoa_inflater *inflater, struct stoa_bytes piece, bool last, struct stoa_buffer *out);
/* Prepare for the next message. */
void stoa_inflater_reset(struct stoa_inflater *inflater);

/* Compresses whole messages without context; each worker has one, which its sessions share. It takes some 200 KiB, and
 * 256 KiB more after the first message that needs zlib: one longer than a window below 15 bits, or a very short one. */
struct stoa_deflater;

/* window_bits 9 to 15. NULL when memory is out. */
struct stoa_deflater *stoa_deflater_create(int window_bits);
/* NULL is fine. */
void stoa_deflater_destroy(struct stoa_deflater *deflater);
/* Append the message, compressed, without the trailing 00 00 ff ff (RFC 7692 7.2.1). The same message gives the same
 * bytes, whatever was compressed before it. No block has BFINAL set: RFC 7692 7.2.3.4 allows it, but not all clients
 * can read it. If the result is longer than the message, send the message instead.
 *
 * message  at most 2^31 - 1 bytes
 * Errors: STOA_E_LIMIT   the message is longer than that, or out has no room for 32 bytes more than the compressed
 *                        message, which are used temporarily
 *         STOA_E_MEMORY; out's content is unchanged after both, and the deflater is ready for the next message. */
int stoa_deflater_message(struct stoa_deflater *deflater, struct stoa_bytes message, struct stoa_buffer *out);

#endif
