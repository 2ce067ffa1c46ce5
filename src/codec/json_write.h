/* codec/json_write.h: writing JSON text: functions that the special forms of google.protobuf share with other messages.
 *
 * All of them return STOA_OK or an error of stoa_json_encode_with(). After an error the text of the whole message is
 * dropped.
 */
#ifndef STOA_CODEC_JSON_WRITE_H
#define STOA_CODEC_JSON_WRITE_H

#include <stoa/json.h>

struct stoa_json_writer {
  struct stoa_buffer *out;
  const struct stoa_json_options *options;
  uint32_t depth; /* arrays and objects, counted as in the decoder */
};

int stoa_json_write_char(struct stoa_json_writer *writer, char c);
int stoa_json_write_text(struct stoa_json_writer *writer, const char *text, size_t len);
int stoa_json_write_string(struct stoa_json_writer *writer, const struct stoa_string *text);

/* Write `{` or `[` and add a level. Errors: STOA_E_LIMIT  too deep */
int stoa_json_write_open(struct stoa_json_writer *writer, char open);
int stoa_json_write_close(struct stoa_json_writer *writer, char close);

/* One value in its slot. With is_key everything is quoted. */
int stoa_json_write_value(struct stoa_json_writer *writer, const struct stoa_field *field, const void *slot,
                          bool is_key);
/* The value of a field's member; a field with presence must be set. */
int stoa_json_write_field(struct stoa_json_writer *writer, const struct stoa_field *field, const void *message);
/* A repeated field or map, with its brackets. */
int stoa_json_write_list(struct stoa_json_writer *writer, const struct stoa_field *field, const struct stoa_list *list);
/* The members of an object, without its braces. */
int stoa_json_write_members(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message,
                            bool is_first);
/* A whole message in the form of its type. */
int stoa_json_write_message(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message);

/* A message whose type->special is not STOA_SPECIAL_NONE. */
int stoa_json_write_special(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message);
int stoa_json_write_any(struct stoa_json_writer *writer, const struct stoa_message_type *type, const void *message);

#endif
