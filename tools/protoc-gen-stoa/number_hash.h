/* number_hash.h: type numbers from names, for files that give none.
 *
 * The number of an rpc comes from its path, "/chat.v1.Chat/Join", that of a message from its full name, "chat.v1.Line":
 *
 *   h = the 32-bit FNV-1a hash of the name
 *   number = 0x20000000 + ((h ^ (h >> 29)) & 0x1fffffff)
 *
 * So a number depends on the name alone, and other programs can compute it. All numbers of this kind are in the upper
 * half of the range of type numbers; the lower half is for numbers that are given.
 */
#ifndef PLUGIN_NUMBER_HASH_H
#define PLUGIN_NUMBER_HASH_H

#include "model.h"

#define NUMBER_HASH_MIN 0x20000000U
#define NUMBER_HASH_MAX 0x3fffffffU

uint32_t number_hash(const char *name);

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
