/* number_hash.h: which rpcs and messages get their number from their name (name_number.h), in files that give none. */
#ifndef PLUGIN_NUMBER_HASH_H
#define PLUGIN_NUMBER_HASH_H

#include "model.h"

/* Give the file's rpcs and messages without a number one from their names.
 *
 * Every rpc gets one. A message gets one when it is sent by itself: it is not nested, no rpc of the file takes or
 * returns it, and no other message of the file has a field of its type. Only the file itself is looked at, so that
 * other files in the same run change nothing. */
void number_hash_file(struct model_file *file);

/* Report numbers from names that are equal in two of the wanted files, and numbers that are given and equal one from a
 * name in another file. Equal numbers in one file are not reported here. */
void number_hash_check(const struct model *model, struct problems *problems);

#endif
