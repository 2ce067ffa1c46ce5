/* visible.h: which characters a reader sees.
 *
 * Unicode's properties, from ICU. Does not know: fonts; an unassigned character counts as seen, as the box that stands
 * for it.
 * Thread: any. Text is UTF-8; a byte that is not counts as seen.
 */
#ifndef CHATROOM_VISIBLE_H
#define CHATROOM_VISIBLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stoa/bytes.h>

/* Is nothing seen of this character: a space of any width, a control, a format character, one that may be ignored (soft
 * hyphen, zero width space, variation selectors, tags, Hangul fillers), or one that is drawn as nothing? */
bool chatroom_char_is_blank(int32_t character);
/* Is nothing seen of the text? True for the empty one. */
bool chatroom_text_is_blank(struct stoa_string text);

#endif
