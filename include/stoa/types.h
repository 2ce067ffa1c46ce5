/* stoa/types.h: the message types that this process knows by name, for google.protobuf.Any in JSON.
 *
 * Thread: add before any other thread runs; find on any thread after that.
 * Lifetime: tables are borrowed for the rest of the process; generated tables are static.
 */
#ifndef STOA_TYPES_H
#define STOA_TYPES_H

#include <stoa/descriptor.h>
#include <stoa/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STOA_TYPES_MAX 1024

/* Allow an Any to contain this type. Types of its fields are not added with it. The same table may be added again.
 * Errors: STOA_E_ARGUMENT  the table is NULL or has no name
 *         STOA_E_EXISTS    another table has the name
 *         STOA_E_LIMIT     there are STOA_TYPES_MAX already */
STOA_API int stoa_types_add(const struct stoa_message_type *type);
/* By full name, "chatroom.v1.ChatMessage"; NULL when it was not added. */
STOA_API const struct stoa_message_type *stoa_types_find(struct stoa_string full_name);

#ifdef __cplusplus
}
#endif

#endif
