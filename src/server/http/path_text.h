/* server/http/path_text.h: the path of a request, in the form in which the log has it.
 *
 * A path may contain a token or a name that the log must not keep. So only what looks like a part of an address is
 * written: three stars stand for "eyJhbGciOi" in "/api/v1/chat/eyJhbGciOi".
 *
 * Does not know: which paths exist. Thread: any.
 */
#ifndef STOA_SERVER_HTTP_PATH_TEXT_H
#define STOA_SERVER_HTTP_PATH_TEXT_H

#include <stoa/bytes.h>

#define STOA_PATH_TEXT_SIZE 64

/* Write a segment as it is when it has at most 12 letters, '-', '_' and '.', with at most two digits; any other one as
 * three stars. What follows after the end of `out_text` is written as "/..."; it is terminated.
 *
 * path  as sent, still percent-encoded */
void stoa_path_text_write(struct stoa_string path, char out_text[STOA_PATH_TEXT_SIZE]);

#endif
