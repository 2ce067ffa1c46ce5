/* server/endpoint.h: tells the page where the WebSocket is, for the page knows only where it was loaded from.
 *
 * The answer to GET /stoa.json, beside the files of the web root: {"endpoint": "./ws"}, a reference relative to this
 * file. So it holds below any path that a proxy puts in front, and for any server.path.
 * Thread: the worker's.
 */
#ifndef STOA_SERVER_ENDPOINT_H
#define STOA_SERVER_ENDPOINT_H

#include "http/http.h"

/* Where it is served, decoded. A file of this name in the web root is not. */
#define STOA_ENDPOINT_FILE "/stoa.json"

/* A server.path longer than this, decoded, is not told: 404. */
#define STOA_ENDPOINT_PATH_BYTES_MAX 1024

/* Answer the request: 200 or 404.
 *
 * path  server.path, decoded; starts with a slash */
void stoa_endpoint_answer(struct stoa_string path, struct stoa_stream *stream, const struct stoa_http_head *head);

#endif
