/* text.h: characters, times and lengths of texts.
 *
 * Thread: any. Strings are valid UTF-8, as the codecs give them.
 */
#ifndef CHATROOM_TEXT_H
#define CHATROOM_TEXT_H

#include <stdint.h>
#include <stoa/bytes.h>

#define CHATROOM_TIME_TEXT_SIZE 32

/* RFC 3339 in UTC with milliseconds; the string is in `out`. */
struct stoa_string chatroom_time_text(int64_t now_ms, char out[CHATROOM_TIME_TEXT_SIZE]);
/* Has it a control character: C0, DEL or C1? */
bool chatroom_has_control(struct stoa_string text);
/* 1 to 63 bytes without control characters. */
bool chatroom_is_room_name(struct stoa_string name);
/* Code points. */
size_t chatroom_count_chars(struct stoa_string text);
/* The bytes that a text needs in the longest form that a client can request: JSON inside a JSON string. */
size_t chatroom_written_bytes(struct stoa_string text);
/* Copy a text to *at, and move that behind it. Returns the copy. */
struct stoa_string chatroom_put(char **at, struct stoa_string text);

#endif
