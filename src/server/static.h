/* server/static.h: files of the web root as answers to plain GET and HEAD requests.
 *
 * Paths are resolved by the kernel beneath the root (openat2, RESOLVE_BENEATH): no "..", no symlink, no mount leads
 * out. Names that start with a dot are not served.
 * Thread: any; files are read, never mapped, so that a file cut short while it is served harms nobody.
 */
#ifndef STOA_SERVER_STATIC_H
#define STOA_SERVER_STATIC_H

#include "wire/http.h"

#include <stoa/buffer.h>

/* Append the whole answer to `out`: 200, 304, 400, 404 or 500.
 *
 * root_fd  the web root
 * secure   the connection is TLS: HSTS is sent
 * wall_us  the present time, for the field Date
 * Returns true when the connection may be kept for another request. Without memory nothing is appended and it must
 * be closed. */
bool stoa_static_answer(int root_fd, const struct stoa_http_head *head, const uint8_t *data, bool secure,
                        int64_t wall_us, struct stoa_buffer *out);

#endif
