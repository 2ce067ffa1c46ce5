/* server/http/error_json.h: an error as the body of an HTTP response.
 *
 * Pure. Thread: any.
 */
#ifndef STOA_SERVER_HTTP_ERROR_JSON_H
#define STOA_SERVER_HTTP_ERROR_JSON_H

#include <stoa/buffer.h>
#include <stoa/error.stoa.h>

/* Append `{"code":404,"reason":"NO_ROOM","message":"...","metadata":{}}`, as Kratos writes it. The status that the
 * metadata may give (STOA_ERROR_STATUS_KEY) is left out: the response has it. After an error `out` is unchanged.
 * Errors: STOA_E_UTF8   a text is not UTF-8
 *         STOA_E_LIMIT  out's cap
 *         STOA_E_MEMORY */
int stoa_error_write_json(const struct stoa_error *error, struct stoa_buffer *out);

#endif
