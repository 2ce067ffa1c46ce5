/* http/files.h: the files of a folder as answers to plain GET and HEAD requests.
 *
 * Paths are resolved by the kernel beneath the folder (openat2, RESOLVE_BENEATH): no "..", no absolute link, no mount
 * leads out; a symbolic link inside it may lead to another place inside. Where the system refuses that call (seccomp,
 * an old kernel), the place of the opened file is looked up in /proc and compared instead. Names that start with a dot
 * are not served, but for "/.well-known/" (RFC 8615).
 *
 * A file "x.gz" beside "x" is sent in its place to clients that take gzip. A folder without its slash is redirected to.
 *
 * Thread: any, one folder for all workers. Files are read, never mapped, so that a file that is cut short while it is
 * served harms nobody.
 */
#ifndef STOA_HTTP_FILES_H
#define STOA_HTTP_FILES_H

#include "http/http.h"

#define STOA_FILES_PATH_BYTES_MAX 4096

struct stoa_files {
  int root_fd;                          /* -1: no folder */
  bool by_proc;                         /* openat2 is refused here */
  char root[STOA_FILES_PATH_BYTES_MAX]; /* the folder's true path, with by_proc */
};

/* Open a folder. `files` zeroed; fini is due after an error too.
 * Errors: STOA_E_SYSTEM  it cannot be opened, or nothing keeps requests inside it here (logged, with what to do) */
int stoa_files_init(struct stoa_files *files, const char *path);
void stoa_files_fini(struct stoa_files *files);

/* Answer the request: 200, 301, 304, 400, 404, 414, 500 or 503.
 * secure  the connection is TLS: HSTS is sent */
void stoa_files_answer(const struct stoa_files *files, struct stoa_stream *stream, const struct stoa_http_head *head,
                       const uint8_t *data, bool secure);

#endif
