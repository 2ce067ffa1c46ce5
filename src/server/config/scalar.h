/* server/config/scalar.h: reads one value of a field from text, and writes it.
 *
 * A value has the C type of the field's kind (stoa/descriptor.h): the field itself, or one slot of its list. This
 * module does not handle messages.
 */
#ifndef STOA_SERVER_CONFIG_SCALAR_H
#define STOA_SERVER_CONFIG_SCALAR_H

#include <stoa/arena.h>
#include <stoa/buffer.h>
#include <stoa/descriptor.h>

/* Errors: STOA_E_TYPE    the text is not a valid value; stoa_config_expect() describes the valid ones
 *         STOA_E_MEMORY  *out_value is unchanged after both */
int stoa_config_scalar_read(const struct stoa_field *field, struct stoa_string text, struct stoa_arena *arena,
                            void *out_value);

/* The field's valid values, for a message: "a number from 0 to 4294967295". */
struct stoa_config_expected {
  char text[256];
};
struct stoa_config_expected stoa_config_expect(const struct stoa_field *field);

/* Append a map's key. As stoa_config_scalar_write(), but a ${ stays as it is, since keys are not expanded. */
int stoa_config_key_write(const struct stoa_field *field, const void *value, struct stoa_buffer *out);

/* Append the value as text for stoa_config_scalar_read(), in quotes where YAML needs them, with $${ for ${.
 * Errors: STOA_E_LIMIT, STOA_E_MEMORY, STOA_E_UTF8; `out` may then end with a part of it. */
int stoa_config_scalar_write(const struct stoa_field *field, const void *value, struct stoa_buffer *out);

#endif
