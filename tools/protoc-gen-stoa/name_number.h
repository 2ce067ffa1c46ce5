/* name_number.h: a type number from a name. `stoa call` compiles it too, so that both always agree.
 *
 * The number of an rpc comes from its path, "/chat.v1.Chat/Join", that of a message from its full name, "chat.v1.Line":
 *
 *   h = the 32-bit FNV-1a hash of the name
 *   number = 0x20000000 + ((h ^ (h >> 29)) & 0x1fffffff)
 *
 * The number of an rpc that returns a stream is below 0x20000000, because bit 29 of its frames has another meaning:
 *
 *   number = 0x10000000 + ((h ^ (h >> 28)) & 0x0fffffff)
 *
 * So a number depends on the name alone, and other programs can compute it. All other numbers of this kind are in the
 * upper half of the range of type numbers; the lower half is for numbers that are given, which should be below
 * 0x10000000.
 */
#ifndef PLUGIN_NAME_NUMBER_H
#define PLUGIN_NAME_NUMBER_H

#include <stdint.h>

#define NAME_NUMBER_STREAM_MIN 0x10000000U
#define NAME_NUMBER_MIN 0x20000000U
#define NAME_NUMBER_MAX 0x3fffffffU

uint32_t name_number(const char *name);
/* That of an rpc that returns a stream. */
uint32_t name_number_stream(const char *name);

#endif
