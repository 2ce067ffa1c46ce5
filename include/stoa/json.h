/* stoa/json.h: proto3 JSON with options. The codec "json" is the same with STOA_JSON_DEFAULTS.
 *
 * In the package google.protobuf, Timestamp, Duration, FieldMask, Struct, Value, ListValue, NullValue, Any and the
 * wrappers have forms of their own, as the proto3 JSON mapping defines them. An Any is written with its content when
 * the content's type was added by stoa_types_add().
 *
 * Does not know: frames, type numbers, sessions.
 * Thread: on any thread at once; nothing is kept between calls.
 */
#ifndef STOA_JSON_H
#define STOA_JSON_H

#include <stoa/codec.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoa_json_options {
  /* Writing. */
  bool emit_unpopulated; /* also write fields without presence that are 0, false or empty */
  bool proto_names;      /* write names as in the .proto, instead of lowerCamelCase */
  bool enums_as_numbers;
  /* Reading. Both names of a field, and names and numbers of enums, are always accepted. */
  bool reject_unknown;       /* an unknown member is STOA_E_TYPE, instead of ignored */
  bool ignore_unknown_enums; /* an unknown enum name is skipped, in lists and maps too, instead of STOA_E_TYPE */
};

#define STOA_JSON_DEFAULTS \
  { true, false, false, false, false }

/* To write an Any as JSON, its content is decoded into heap memory, at most this much. More is STOA_E_LIMIT. */
#define STOA_JSON_ANY_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* As stoa_codec_json.encode.
 *
 * options  borrowed until the call returns
 * Errors:  those of stoa_codec.encode; STOA_E_TYPE when JSON has no form for the content: a Timestamp or Duration out
 *          of range, a path in a FieldMask that would not be read back the same, a Value without a kind or with a
 *          number that is not finite, an Any whose type is unknown or whose bytes are not such a message */
STOA_API int stoa_json_encode_with(const struct stoa_json_options *options, const struct stoa_message_type *type,
                                   const void *message, struct stoa_buffer *out);
/* As stoa_codec_json.decode.
 *
 * options  borrowed until the call returns
 * Errors:  those of stoa_codec.decode; STOA_E_TYPE also for a member that no field takes, with reject_unknown, and for
 *          an Any without "@type", whose type is unknown, or whose content has no value */
STOA_API int stoa_json_decode_with(const struct stoa_json_options *options, const struct stoa_message_type *type,
                                   struct stoa_bytes input, struct stoa_arena *arena, void *out_message,
                                   struct stoa_codec_error *out_error);

#ifdef __cplusplus
}
#endif

#endif
