/* codec/json_message.h: reading values into messages: functions that the special forms of google.protobuf share with
 * other messages.
 *
 * They return the byte after what they read, or NULL after a failure, like the functions of codec/json_read.h.
 */
#ifndef STOA_CODEC_JSON_MESSAGE_H
#define STOA_CODEC_JSON_MESSAGE_H

#include "codec/json_read.h"

/* One value into its slot. A message's slot holds a pointer. */
const uint8_t *stoa_json_read_value(struct stoa_json_reader *reader, const struct stoa_field *field, void *slot,
                                    const uint8_t *at);
const uint8_t *stoa_json_read_array(struct stoa_json_reader *reader, const struct stoa_field *field,
                                    struct stoa_list *list, const uint8_t *at);
const uint8_t *stoa_json_read_map(struct stoa_json_reader *reader, const struct stoa_field *map,
                                  struct stoa_list *entries, const uint8_t *at);

/* The value of a field's member into the message; null as in an object. */
const uint8_t *stoa_json_read_field(struct stoa_json_reader *reader, const struct stoa_field *field, void *message,
                                    const uint8_t *at);

/* A whole message in the form of its type. */
const uint8_t *stoa_json_read_message(struct stoa_json_reader *reader, const struct stoa_message_type *type,
                                      void *message, const uint8_t *at);
/* The same as an object, for any type. With `is_any` there is a member "@type" too. */
const uint8_t *stoa_json_read_object(struct stoa_json_reader *reader, const struct stoa_message_type *type,
                                     void *message, bool is_any, const uint8_t *at);

/* A message whose type->special is not STOA_SPECIAL_NONE. */
const uint8_t *stoa_json_read_special(struct stoa_json_reader *reader, const struct stoa_message_type *type,
                                      void *message, const uint8_t *at);
const uint8_t *stoa_json_read_any(struct stoa_json_reader *reader, const struct stoa_message_type *type, void *message,
                                  const uint8_t *at);

#endif
