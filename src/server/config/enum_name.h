/* server/config/enum_name.h: an enum's values by their full and short names.
 *
 * The short form of a value is its name in lower case without the enum's name as prefix: in stoa.ByteOrder,
 * BYTE_ORDER_LITTLE is little. A value without that prefix keeps its whole name.
 */
#ifndef STOA_SERVER_CONFIG_ENUM_NAME_H
#define STOA_SERVER_CONFIG_ENUM_NAME_H

#include <stoa/descriptor.h>

/* Room for a short form and its NUL. A longer one is cut, and its value has only the full name. */
#define STOA_CONFIG_SHORT_MAX 64u

/* By the full name or the short form; false when there is no such value. */
bool stoa_config_enum_read(const struct stoa_enum_type *type, struct stoa_string text, int32_t *out_number);
/* A name that reads back as the number: the short form, or the full name if the short form means another value. NULL
 * when no value has the number. `room` is memory for a short form. */
const char *stoa_config_enum_name(const struct stoa_enum_type *type, int32_t number, char room[STOA_CONFIG_SHORT_MAX]);
/* "big or little" */
void stoa_config_enum_expect(const struct stoa_enum_type *type, char *out, size_t size);

#endif
