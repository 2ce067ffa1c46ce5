/* session/event.h: messages of a session as Server-Sent Events, each in one chunk of the response (wire/sent.h).
 *
 * What comes after `data:` begins with one character that says what the rest of the line is:
 *
 *   f  a typed frame with a text payload: its header as eight hexadecimal digits, then the payload as it is
 *   c  the same of a call: its header, with the id, as sixteen digits
 *   b  a binary message in base64
 *   t  a text message as it is
 *   u  a text message in base64, because it has line breaks, which would end the line
 *
 * An event without a name is a message. Others are `open` and `close` (`data:` code, blank, reason); a ping is a
 * comment.
 *
 * Does not know: sessions, codecs. Thread: any.
 */
#ifndef STOA_SESSION_EVENT_H
#define STOA_SESSION_EVENT_H

#include <stoa/buffer.h>
#include <stoa/bytes.h>

/* The longest reason of a close that is sent. */
#define STOA_EVENT_REASON_LEN_MAX 123u
/* The longest header of a typed frame. */
#define STOA_EVENT_HEADER_LEN_MAX 8u

/* Each appends one whole chunk. Errors: STOA_E_LIMIT, STOA_E_MEMORY as stoa_buffer_append(); `out` is as before. */

/* A typed frame. payload_is_text: it is UTF-8; with a line break it is sent as a binary message nevertheless. */
int stoa_event_append_frame(struct stoa_buffer *out, struct stoa_bytes header, struct stoa_bytes payload,
                            bool payload_is_text);
/* A whole message. */
int stoa_event_append_message(struct stoa_buffer *out, struct stoa_bytes message, bool is_text);
/* The first event. `text` has no line break. */
int stoa_event_append_open(struct stoa_buffer *out, struct stoa_string text);
int stoa_event_append_ping(struct stoa_buffer *out);
/* The last event, and the end of the response. */
int stoa_event_append_close(struct stoa_buffer *out, uint16_t code, const char *reason);

#endif
