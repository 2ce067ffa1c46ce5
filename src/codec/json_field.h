/* codec/json_field.h: one field of a message as JSON, for a part of a message that travels alone.
 *
 * Does not know: why a field travels alone. Thread: any.
 */
#ifndef STOA_CODEC_JSON_FIELD_H
#define STOA_CODEC_JSON_FIELD_H

#include <stoa/json.h>

/* Read the JSON of one field into its message: what the value of its member would be. null leaves the field unset, as
 * it does in an object. Errors: as stoa_json_decode_with(); the text begins with the field's name */
int stoa_json_decode_field(const struct stoa_json_options *options, const struct stoa_field *field,
                           struct stoa_bytes input, struct stoa_arena *arena, void *message,
                           struct stoa_codec_error *out_error);

/* Append the JSON of one field; null when the field has presence and is not set.
 * Errors: as stoa_json_encode_with() */
int stoa_json_encode_field(const struct stoa_json_options *options, const struct stoa_field *field, const void *message,
                           struct stoa_buffer *out);

#endif
