/* number_hash.h: type numbers from names, for files that give none.
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
#ifndef PLUGIN_NUMBER_HASH_H
#define PLUGIN_NUMBER_HASH_H

#include "model.h"

#define NUMBER_HASH_STREAM_MIN 0x10000000U
#define NUMBER_HASH_MIN 0x20000000U
#define NUMBER_HASH_MAX 0x3fffffffU

uint32_t number_hash(const char *name);
/* That of an rpc that returns a stream. */
uint32_t number_hash_stream(const char *name);

/* Give the file's rpcs and messages without a number one from their names.
 *
 * Every rpc gets one. A message gets one when it is sent by itself: it is not nested, no rpc of the file takes or
 * returns it, and no other message of the file has a field of its type. Only the file itself is looked at, so that
 * other files in the same run change nothing. */
void number_hash_file(struct model_file *file);

/* Report numbers from names that are equal in two of the wanted files. Equal numbers in one file are not reported
 * here. */
void number_hash_check(const struct model *model, struct problems *problems);

#endif
