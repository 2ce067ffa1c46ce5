/* wellknown.h: the files of Protobuf itself.
 *
 * Stoa's library has the code of those that come with protoc. The others are for generators of other languages. Nothing
 * is generated for them; importing them for options is fine.
 */
#ifndef PLUGIN_WELLKNOWN_H
#define PLUGIN_WELLKNOWN_H

#include <stdbool.h>
#include <stoa/descriptor.h>

/* Is it a file of Protobuf itself without code in Stoa? "google/protobuf/descriptor.proto". */
bool wellknown_is_foreign(const char *file_name);
/* Is its code in the runtime of TypeScript? These seven have all messages with a JSON form of their own. */
bool wellknown_is_in_runtime(const char *file_name);
/* Is it one of the two files of Protobuf itself that are proto2 and have code all the same? */
bool wellknown_is_proto2(const char *file_name);
/* STOA_SPECIAL_TIMESTAMP for "google.protobuf.Timestamp"; NONE for messages without a special form in JSON. */
enum stoa_special wellknown_special(const char *full_name);
/* Is it google.protobuf.NullValue, which is null in JSON? */
bool wellknown_is_null(const char *full_name);

#endif
