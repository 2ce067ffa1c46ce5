/* base/utf8.h: checks UTF-8 (RFC 3629), in pieces of any size, and stops at the first bad byte. */
#ifndef STOA_BASE_UTF8_H
#define STOA_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Between characters the state is STOA_UTF8_START; every other value is private to utf8.c. */
#define STOA_UTF8_START 0u

/* Check the next piece of a text. Runs of ASCII are checked a machine word or more at a time.
 *
 * state   in and out; start with STOA_UTF8_START. A text that ends in another state is incomplete.
 * Returns the number of valid bytes: `len` if all are. If it is less, the byte at that offset is the first one that no
 * valid text can have there (overlong, surrogate, above U+10FFFF or stray; RFC 3629 4). Then *state is unspecified.
 */
size_t stoa_utf8_check(uint32_t *state, const uint8_t *data, size_t len);

/* Check a whole text: true when it is UTF-8 and complete. */
bool stoa_utf8_valid(const void *data, size_t len);

#endif
