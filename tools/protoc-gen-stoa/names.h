/* names.h: from the names of a .proto file to names in C. All results are allocated in the pool. */
#ifndef PLUGIN_NAMES_H
#define PLUGIN_NAMES_H

#include <stdbool.h>

/* "ChatMessage" and "CHAT_MESSAGE" give "chat_message", "HTTPServer" gives "http_server", "UserID" gives "user_id",
 * "Sha256Sum" gives "sha256_sum". */
const char *names_snake(const char *name);
/* Letters in upper case, the rest unchanged. */
const char *names_upper(const char *name);
/* Every byte that is not allowed in an identifier becomes an underscore, and one is put before a digit at the start. */
const char *names_identifier(const char *text);
/* `name`, with an underscore after it when the name is reserved in C or C++ or can be a macro: when it is the
 * compiler's
 * (_Bool, __int128), in capitals alone, or in a list of names. */
const char *names_safe(const char *name);
/* The same for the tag of a struct or an enum, which begins with `prefix`. Without a prefix tags of Stoa and of the C
 * library are taken too. */
const char *names_safe_tag(const char *name, const char *prefix);
/* The same for a constant of an enum, which has capitals alone. Only one without a prefix can be that of a header. */
const char *names_safe_constant(const char *name, const char *prefix);
/* "a" and "b" give "a_b"; if one is empty, the result is the other one. */
const char *names_join(const char *first, const char *second);
/* "chat_message" without "_message", when something is left. */
const char *names_without_suffix(const char *name, const char *suffix);
/* The part after `prefix`, or `name` when it has no such prefix or nothing would be left. */
const char *names_without_prefix(const char *name, const char *prefix);
/* "chat.v1" gives "chat_v1"; only dots become underscores. */
const char *names_undotted(const char *name);
bool names_is_identifier(const char *text);

#endif
