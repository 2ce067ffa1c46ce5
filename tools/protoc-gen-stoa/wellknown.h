/* wellknown.h: the files of Protobuf itself.
 *
 * Seven of them hold messages that any API may use; Stoa's library has their code. The others describe .proto files
 * and programs; nothing is generated for these, and importing them for options is fine.
 */
#ifndef PLUGIN_WELLKNOWN_H
#define PLUGIN_WELLKNOWN_H

#include <stdbool.h>
#include <stoa/descriptor.h>

/* Of Protobuf itself, and without code in Stoa: "google/protobuf/descriptor.proto". */
bool wellknown_is_foreign(const char *file_name);
/* STOA_SPECIAL_TIMESTAMP for "google.protobuf.Timestamp"; NONE for messages that JSON writes as any other. */
enum stoa_special wellknown_special(const char *full_name);
/* google.protobuf.NullValue, which JSON writes as null. */
bool wellknown_is_null(const char *full_name);

#endif
