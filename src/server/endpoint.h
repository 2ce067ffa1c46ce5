/* server/endpoint.h: tells the page where the WebSocket is, for the page knows only where it was loaded from.
 *
 * The answer to GET /stoa.json, beside the files of the web root: {"endpoint": "./ws"}, a reference relative to this
 * file. So it holds below any path that a proxy puts in front, and for any server.path.
 * Thread: any.
 */
#ifndef STOA_SERVER_ENDPOINT_H
#define STOA_SERVER_ENDPOINT_H

#include "wire/http.h"

#include <stoa/buffer.h>

/* Where it is served, decoded. A file of this name in the web root is not. */
#define STOA_ENDPOINT_FILE "/stoa.json"

/* A server.path longer than this, decoded, is not told: 404. */
#define STOA_ENDPOINT_PATH_BYTES_MAX 1024

/* Append the whole answer to `out`: 200 or 404.
 *
 * path  server.path, decoded; starts with a slash
 * Returns true when the connection may be kept for another request. Without memory nothing is appended and it must be
 * closed. */
bool stoa_endpoint_answer(struct stoa_string path, const struct stoa_http_head *head, struct stoa_buffer *out);

#endif
