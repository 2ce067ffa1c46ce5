/* server/http/transcode.h: an HTTP request into the message of a handler, and the reply back, by the rules of
 * google.api.http.
 *
 * The path's variables and the body give fields first, the variables last, so that "put /v1/{room.name}" with the body
 * "room" names the room by its path. All other fields come from the query: repeated ones by repeated parameters, those
 * inside of messages by a path with dots (codec/field_text.h has the texts of values).
 *
 * Pure: it does not know sockets, sessions, routes.
 * Thread: any, one at a time for one arena.
 */
#ifndef STOA_SERVER_HTTP_TRANSCODE_H
#define STOA_SERVER_HTTP_TRANSCODE_H

#include <stoa/codec.h>
#include <stoa/handler.h>

#include "wire/http_query.h"
#include "wire/http_template.h"

/* So many parameters a query has at most. */
#define STOA_TRANSCODE_PARAMETERS_MAX 256

/* Why a binding does not fit its messages; the texts are for the log. */
struct stoa_transcode_problem {
  const char *text;          /* "the variable is no field of the request" */
  struct stoa_string detail; /* the variable, or the name of the field */
};

/* Do the binding's names fit the request and the reply?
 *
 * template  the binding's path, compiled
 * Errors: STOA_E_SYNTAX  *out_problem says why; nothing else is written */
int stoa_transcode_check(const struct stoa_http_binding *binding, const struct stoa_http_template *template,
                         const struct stoa_message_type *request, const struct stoa_message_type *reply,
                         struct stoa_transcode_problem *out_problem);

/* The parts of a request. Everything is borrowed as long as the message is used. */
struct stoa_transcode_request {
  const struct stoa_http_binding *binding; /* checked */
  const struct stoa_http_template *template;
  const struct stoa_string *values; /* of the template's variables, decoded; UTF-8 */
  struct stoa_http_query query;
  struct stoa_bytes body; /* JSON; empty: none, which is an empty message */
};

/* Fill the zeroed struct at out_message (type->size bytes), which points into the arena and the request's parts. The
 * rules of its fields are not checked (stoa_message_check()).
 *
 * out_error  may be NULL; its text is empty on success
 * Errors, with a text for the client such as `query parameter "page.size": expected int32, got "x"`:
 *         STOA_E_TYPE    a value does not fit its field; a parameter of the query that no field takes, or that is a
 *                        field of the path or the body
 *         STOA_E_SYNTAX  the body is not JSON; a parameter of one value is given twice; two members of a oneof
 *         STOA_E_UTF8    of the body
 *         STOA_E_LIMIT   more than STOA_TRANSCODE_PARAMETERS_MAX; deeper than STOA_CODEC_DEPTH_MAX; the arena's cap;
 *                        a body for a binding without one
 *         STOA_E_MEMORY */
int stoa_transcode_read(const struct stoa_transcode_request *request, const struct stoa_message_type *type,
                        struct stoa_arena *arena, void *out_message, struct stoa_codec_error *out_error);

/* Append the reply, or the field of it that response_body names, as JSON. Errors: as stoa_codec.encode */
int stoa_transcode_write(const struct stoa_http_binding *binding, const struct stoa_message_type *type,
                         const void *reply, struct stoa_buffer *out);

#endif
