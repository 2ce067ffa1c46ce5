/* server/config/number.h: numbers of fields, with units that follow from the field's name.
 *
 * Integers are decimal without leading zeros, which YAML 1.1 reads as octal and YAML 1.2 does not. A
 * time in a field of 32 bits is at most 2147483647 ms, 24 days.
 */
#ifndef STOA_SERVER_CONFIG_NUMBER_H
#define STOA_SERVER_CONFIG_NUMBER_H

#include <stoa/descriptor.h>

/* Room for any number's text, its NUL included. */
#define STOA_CONFIG_NUMBER_TEXT_MAX 33u

/* Read the field's integer from its text; false when it is not a valid value. *out_value has the kind's C type. */
bool stoa_config_integer_read(const struct stoa_field *field, struct stoa_string text, void *out_value);
void stoa_config_integer_write(const struct stoa_field *field, const void *value,
                               char out[STOA_CONFIG_NUMBER_TEXT_MAX]);
/* "a number from 0 to 4294967295", with the units that the field takes. */
void stoa_config_integer_expect(const struct stoa_field *field, char *out, size_t size);

/* float and double: decimal, .inf, -.inf and .nan. A number beyond the kind's range is not a valid value. Written with
 * as few digits as read back to the same value. The decimal point is a point in every locale. */
bool stoa_config_real_read(const struct stoa_field *field, struct stoa_string text, void *out_value);
void stoa_config_real_write(const struct stoa_field *field, const void *value, char out[STOA_CONFIG_NUMBER_TEXT_MAX]);

#endif
