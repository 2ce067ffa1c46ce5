/* stoa/types.h: the message types of this process by name, for google.protobuf.Any in JSON.
 *
 * Thread: adding before any other thread runs; finding on any thread after that.
 * Lifetime: tables are borrowed for the rest of the process; those that protoc-gen-stoa writes live that long.
 */
#ifndef STOA_TYPES_H
#define STOA_TYPES_H

#include <stoa/descriptor.h>
#include <stoa/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STOA_TYPES_MAX 1024

/* Let an Any hold this type. Types that lie within it are not added with it. The same table may be added again.
 * Errors: STOA_E_ARGUMENT  no table, or one without a name
 *         STOA_E_EXISTS    another table has the name
 *         STOA_E_LIMIT     STOA_TYPES_MAX are there */
STOA_API int stoa_types_add(const struct stoa_message_type *type);
/* By full name, "chatroom.v1.ChatMessage"; NULL when it was not added. */
STOA_API const struct stoa_message_type *stoa_types_find(struct stoa_string full_name);

#ifdef __cplusplus
}
#endif

#endif
