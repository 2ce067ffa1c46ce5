/* stoa/codec.h: from a message's struct to bytes and back, by name.
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

/* Deeper input is STOA_E_LIMIT. The message itself is level 1. In Protobuf each nested message, map entry and skipped
 * group is one more; in JSON each array and object, in skipped values too. A list of messages is thus one level in
 * Protobuf and two in JSON. */
#define STOA_CODEC_DEPTH_MAX 32

/* Why and where decoding failed, for people: `items[3].price: expected uint32, got "x"`. */
struct stoa_codec_error {
  char text[192]; /* always terminated; control bytes of the input are escaped */
};

struct stoa_codec {
  const char *name; /* [a-z0-9-]{1,32}, unique in a registry */
  bool is_text;     /* payloads are UTF-8 text, so that text packets can carry them */

  /* Append the message's encoding to `out`. On an error `out` is as before.
   * Errors: STOA_E_LIMIT   out's cap, deeper than STOA_CODEC_DEPTH_MAX, or in JSON more than an Any may take
   *         STOA_E_UTF8    a string field is not UTF-8
   *         STOA_E_TYPE    JSON has no form for it, see stoa/json.h
   *         STOA_E_MEMORY */
  int (*encode)(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out);

  /* Fill the zeroed struct at `out_message` (type->size bytes). What it points to lies in `arena` or in `input`, so
   * both must outlive it. On an error its content is unspecified and *out_error, unless it is NULL, says why; after
   * STOA_OK the text is empty. No byte after the input is read.
   * Errors: STOA_E_SYNTAX  it is no JSON, or a member, a map key or a oneof comes twice; no Protobuf, or cut short
   *         STOA_E_TYPE    JSON: a value that its field cannot take
   *         STOA_E_UTF8    a string is not UTF-8; in JSON a lone surrogate too
   *         STOA_E_LIMIT   deeper than STOA_CODEC_DEPTH_MAX, or more than the arena's cap once decoded
   *         STOA_E_MEMORY  memory is out, for which no input is to blame */
  int (*decode)(const struct stoa_message_type *type, struct stoa_bytes input, struct stoa_arena *arena,
                void *out_message, struct stoa_codec_error *out_error);
};

/* Do the fields of a message, and of those below it, keep to the rules of their tables (struct stoa_field_rules)? The
 * server asks this of every message that it decoded; a codec does not. A type without has_rules is always fine.
 *
 * message    as a decoder filled it: its strings are UTF-8
 * out_error  says which field and why: `items[3].price: at most 100, got 101`; may be NULL; its text is empty on
 *            success
 * Errors: STOA_E_TYPE   a field breaks a rule; the first one found is told
 *         STOA_E_LIMIT  nested deeper than STOA_CODEC_DEPTH_MAX, which no decoder lets through
 */
STOA_API int stoa_message_check(const struct stoa_message_type *type, const void *message,
                                struct stoa_codec_error *out_error);

/* The built-in ones. JSON is written compactly, fields in number order, all fields present (emit_unpopulated) except
 * messages, optional fields and oneof members that are not set. When read, members that no field takes are ignored, a
 * member or map key that comes twice and two members of one oneof are STOA_E_SYNTAX. Other choices, and the forms of
 * google.protobuf's own messages, are in stoa/json.h. In Protobuf a known field of another wire type counts as unknown,
 * as in protobuf's own parsers. */
STOA_API extern const struct stoa_codec stoa_codec_json;
STOA_API extern const struct stoa_codec stoa_codec_proto;

#ifdef __cplusplus
}
#endif

#endif
