/* codec/field_text.h: fields that are named by a path and set from plain text, as in the path and the query of an HTTP
 * request.
 *
 * A path is names of fields with dots between: "page.size". Each is a field's name in the .proto file or in JSON. All
 * but the last are single messages. The text of a value is what JSON has between quotes, or without them: a number,
 * true or false, an enum's name or number, base64, the text of a Timestamp, Duration or FieldMask, and for a wrapper
 * the text of its value. A string is taken as it is. Other messages, and maps, have no text.
 *
 * Does not know: HTTP, escapes.
 * Thread: one at a time. Lifetime: of the caller's memory; what was set points into the texts and the arena.
 */
#ifndef STOA_CODEC_FIELD_TEXT_H
#define STOA_CODEC_FIELD_TEXT_H

#include <stoa/arena.h>
#include <stoa/codec.h>

/* The field that a path leads to, or NULL: a step is no field, one before the last is not a single message, or there
 * are more than STOA_CODEC_DEPTH_MAX. */
const struct stoa_field *stoa_field_path_find(const struct stoa_message_type *type, struct stoa_string path);
/* Do two paths lead to the same field of the same message? */
bool stoa_field_path_same(const struct stoa_message_type *type, struct stoa_string a, struct stoa_string b);
/* Has one value of the field a text? */
bool stoa_field_has_text(const struct stoa_field *field);

/* A message that is being filled. */
struct stoa_field_texts {
  const struct stoa_message_type *type;
  void *message;
  struct stoa_arena *arena;
  struct stoa_codec_error *error; /* NULL: the text is not needed */
  struct stoa_list seen;          /* private: the slots that were set, of void * */
};

/* Set a field, or add an item to a repeated one.
 *
 * what   for the error's text: "query parameter"
 * path   UTF-8; text too, which is borrowed as long as the message is used
 * Errors, with the text `query parameter "page.size": expected int32, got "x"`; what was set before stays set:
 *         STOA_E_TYPE    no field has the path; its values have no text; the text is none of them
 *         STOA_E_SYNTAX  a field that takes one value was set before by this function, or another member of its oneof
 * is set STOA_E_LIMIT   a path of more than STOA_CODEC_DEPTH_MAX steps; the arena's cap STOA_E_MEMORY */
int stoa_field_texts_add(struct stoa_field_texts *texts, const char *what, struct stoa_string path,
                         struct stoa_string text);
/* Set a field that takes one value, whatever was set before, by whom it may; the rest of its oneof is unset.
 * Errors: as stoa_field_texts_add(); STOA_E_TYPE also for a repeated field; never STOA_E_SYNTAX */
int stoa_field_texts_replace(struct stoa_field_texts *texts, const char *what, struct stoa_string path,
                             struct stoa_string text);

#endif
