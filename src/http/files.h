/* http/files.h: answers plain GET and HEAD requests with the files of a folder.
 *
 * Paths are resolved by the kernel beneath the folder (openat2, RESOLVE_BENEATH): no "..", absolute link or mount can
 * lead out of it; a symbolic link may lead to another place inside. Where the system refuses that call (seccomp, an old
 * kernel), the path of the opened file is read from /proc and compared instead. Names that start with a dot are not
 * served, except "/.well-known/" (RFC 8615).
 *
 * Clients that accept gzip get a file "x.gz" beside "x" instead of "x". A folder's path without its final slash is
 * redirected. Browsers ask again for every file, except for one whose name has a hash of its content, "chat-HASH.js"
 * with at least 16 lower-case hexadecimal digits: they may keep it for a year.
 *
 * Thread: any, one folder for all workers. Files are read, never mapped, because a mapped file that is truncated would
 * crash the server.
 */
#ifndef STOA_HTTP_FILES_H
#define STOA_HTTP_FILES_H

#include "http/http.h"

#define STOA_FILES_PATH_BYTES_MAX 4096
#define STOA_FILES_HASH_CHARS_MIN 16u

struct stoa_files {
  int root_fd;                          /* -1: no folder */
  bool by_proc;                         /* openat2 is refused here */
  char root[STOA_FILES_PATH_BYTES_MAX]; /* the folder's true path, with by_proc */
};

/* Open a folder. `files` is zeroed; fini must be called after an error too.
 * Errors: STOA_E_SYSTEM  it cannot be opened, or the system cannot confine requests to it (logged, with what to do)
 */
int stoa_files_init(struct stoa_files *files, const char *path);
void stoa_files_fini(struct stoa_files *files);

/* Answer the request: 200, 301, 304, 400, 404, 414, 500 or 503.
 * secure  the connection is TLS: HSTS is sent */
void stoa_files_answer(const struct stoa_files *files, struct stoa_stream *stream, const struct stoa_http_head *head,
                       const uint8_t *data, bool secure);

#endif
