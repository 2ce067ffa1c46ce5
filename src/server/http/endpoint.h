/* server/http/endpoint.h: gives the page the address of the WebSocket, because a page knows only where it was loaded
 * from.
 *
 * The answer to GET /stoa.json, beside the files of the web root: {"endpoint": "./ws"}, a reference relative to this
 * file. So it is right with any path prefix of a proxy and any server.path.
 * Thread: the worker's.
 */
#ifndef STOA_SERVER_HTTP_ENDPOINT_H
#define STOA_SERVER_HTTP_ENDPOINT_H

#include "http/http.h"

/* Its path, decoded. A file of this name in the web root is not served. */
#define STOA_ENDPOINT_FILE "/stoa.json"

/* With a server.path longer than this, decoded, the answer is 404. */
#define STOA_ENDPOINT_PATH_BYTES_MAX 1024

/* Answer the request: 200 or 404.
 *
 * path  server.path, decoded; starts with a slash */
void stoa_endpoint_answer(struct stoa_string path, struct stoa_stream *stream, const struct stoa_http_head *head);

#endif
