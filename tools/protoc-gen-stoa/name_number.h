/* name_number.h: a type number from a name. `stoa call` compiles it too, so that both always agree.
 *
 * The number of an rpc comes from its path, "/chat.v1.Chat/Join", that of a message from its full name, "chat.v1.Line":
 *
 *   h = the 32-bit FNV-1a hash of the name
 *   number = 0x20000000 + ((h ^ (h >> 29)) & 0x1fffffff)
 *
 * So a number depends on the name alone, and other programs can compute it. All numbers of this kind are in the upper
 * half of the range of type numbers; the lower half is for numbers that are given.
 */
#ifndef PLUGIN_NAME_NUMBER_H
#define PLUGIN_NAME_NUMBER_H

#include <stdint.h>

#define NAME_NUMBER_MIN 0x20000000U
#define NAME_NUMBER_MAX 0x3fffffffU

uint32_t name_number(const char *name);

#endif
