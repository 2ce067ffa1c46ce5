/* stoa/codec.h: encode a message's struct to bytes and decode it, by codec name.
 *
 * `json` (proto3 JSON mapping) and `proto` (Protobuf binary) are built in; a program may add its own. A codec's name
 * is also its subprotocol: codec "x" serves clients that ask for "stoa.x".
 *
 * Does not know: frames, type numbers, sessions.
 * Thread: encode and decode on any thread at once; a codec keeps no state between calls. Registering happens before
 * the server starts.
 */
#ifndef STOA_CODEC_H
#define STOA_CODEC_H

#include <stoa/arena.h>
#include <stoa/buffer.h>
#include <stoa/descriptor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The nesting limit; deeper input is STOA_E_LIMIT. The message itself is level 1. In Protobuf each nested message, map
 * entry and skipped group adds a level; in JSON each array and object does, in skipped values too. So a list of
 * messages adds one level in Protobuf and two in JSON. */
#define STOA_CODEC_DEPTH_MAX 32

/* Why and where decoding failed, for people: `items[3].price: expected uint32, got "x"`. */
struct stoa_codec_error {
  char text[192]; /* always terminated; control bytes of the input are escaped */
};

struct stoa_codec {
  const char *name; /* [a-z0-9-]{1,32}, unique in a registry */
  bool is_text;     /* payloads are UTF-8 text, so that text packets can carry them */

  /* Append the message's encoding to `out`. On an error `out` is unchanged.
   * Errors: STOA_E_LIMIT   out's cap, deeper than STOA_CODEC_DEPTH_MAX, or in JSON the limit for an Any
   *         STOA_E_UTF8    a string field is not UTF-8
   *         STOA_E_TYPE    JSON has no form for it, see stoa/json.h
   *         STOA_E_MEMORY */
  int (*encode)(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out);

  /* Fill the zeroed struct at `out_message` (type->size bytes). It points into `arena` and `input`, so both must
   * outlive it. On an error its content is unspecified, and *out_error has the reason unless it is NULL; after STOA_OK
   * its text is empty. No byte after the input is read.
   * Errors: STOA_E_SYNTAX  not JSON, or a duplicate member, map key or oneof; not Protobuf, or cut short
   *         STOA_E_TYPE    JSON: a value does not fit its field
   *         STOA_E_UTF8    a string is not UTF-8; in JSON also a lone surrogate
   *         STOA_E_LIMIT   deeper than STOA_CODEC_DEPTH_MAX, or more than the arena's cap after decoding
   *         STOA_E_MEMORY  memory is out, whatever the input */
  int (*decode)(const struct stoa_message_type *type, struct stoa_bytes input, struct stoa_arena *arena,
                void *out_message, struct stoa_codec_error *out_error);
};

/* Check the fields of a message, and of the messages inside it, against the rules of their tables (struct
 * stoa_field_rules). The server checks every message that it decoded; a codec does not. A type without has_rules always
 * passes.
 *
 * message    as a decoder filled it: its strings are UTF-8
 * out_error  says which field and why: `items[3].price: at most 100, got 101`; may be NULL; its text is empty on
 *            success
 * Errors: STOA_E_TYPE   a field breaks a rule; out_error has the first one found
 *         STOA_E_LIMIT  nested deeper than STOA_CODEC_DEPTH_MAX, which no decoder lets through
 */
STOA_API int stoa_message_check(const struct stoa_message_type *type, const void *message,
                                struct stoa_codec_error *out_error);

/* The built-in ones. JSON is written compactly, fields in number order, all fields present (emit_unpopulated) except
 * messages, optional fields and oneof members that are not set. When JSON is read, unknown members are ignored; a
 * duplicate member or map key, and two members of one oneof, are STOA_E_SYNTAX. stoa/json.h has other options, and the
 * forms of google.protobuf's own messages. In Protobuf a known field with another wire type counts as unknown, as in
 * protobuf's own parsers. */
STOA_API extern const struct stoa_codec stoa_codec_json;
STOA_API extern const struct stoa_codec stoa_codec_proto;

#ifdef __cplusplus
}
#endif

#endif
