/* server/config/scalar.h: one value of a field, from its text and back.
 *
 * A value is what lies at a field's place, or in one slot of its list: the C type of the field's kind
 * (stoa/descriptor.h). Messages are none of this module's.
 */
#ifndef STOA_SERVER_CONFIG_SCALAR_H
#define STOA_SERVER_CONFIG_SCALAR_H

#include <stoa/arena.h>
#include <stoa/buffer.h>
#include <stoa/descriptor.h>

/* Errors: STOA_E_TYPE    the text is not one of the field's values; stoa_config_expect() says what would be
 *         STOA_E_MEMORY  *out_value is unchanged after both */
int stoa_config_scalar_read(const struct stoa_field *field, struct stoa_string text, struct stoa_arena *arena,
                            void *out_value);

/* What the field takes, for a message: "a number from 0 to 4294967295". */
struct stoa_config_expected {
  char text[256];
};
struct stoa_config_expected stoa_config_expect(const struct stoa_field *field);

/* Append a map's key. As stoa_config_scalar_write(), but a ${ stays as it is, since keys are not expanded. */
int stoa_config_key_write(const struct stoa_field *field, const void *value, struct stoa_buffer *out);

/* Append the value as stoa_config_scalar_read() takes it, in quotes where YAML needs them, with a ${ in
 * it as $${.
 * Errors: STOA_E_LIMIT, STOA_E_MEMORY, STOA_E_UTF8; `out` may then end with a part of it. */
int stoa_config_scalar_write(const struct stoa_field *field, const void *value, struct stoa_buffer *out);

#endif
