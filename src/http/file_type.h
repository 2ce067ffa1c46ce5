/* http/file_type.h: what a file is, by its name. */
#ifndef STOA_HTTP_FILE_TYPE_H
#define STOA_HTTP_FILE_TYPE_H

#include <stdbool.h>

/* The media type for a name's extension, in any case of letters; "application/octet-stream" when it is not known. */
const char *stoa_file_type(const char *name);
/* Is it worth a compressed file beside it? */
bool stoa_file_type_compresses(const char *name);

#endif
