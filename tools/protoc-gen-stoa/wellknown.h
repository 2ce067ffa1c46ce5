/* wellknown.h: the files of Protobuf itself.
 *
 * Seven of them have messages that any API may use; Stoa's library has their code. The others describe .proto files and
 * plugins. Nothing is generated for them; importing them for options is fine.
 */
#ifndef PLUGIN_WELLKNOWN_H
#define PLUGIN_WELLKNOWN_H

#include <stdbool.h>
#include <stoa/descriptor.h>

/* Is it a file of Protobuf itself without code in Stoa? "google/protobuf/descriptor.proto". */
bool wellknown_is_foreign(const char *file_name);
/* STOA_SPECIAL_TIMESTAMP for "google.protobuf.Timestamp"; NONE for messages without a special form in JSON. */
enum stoa_special wellknown_special(const char *full_name);
/* Is it google.protobuf.NullValue, which is null in JSON? */
bool wellknown_is_null(const char *full_name);

#endif
