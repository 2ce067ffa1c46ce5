/* http/file_type.h: the media type of a file, by its name. */
#ifndef STOA_HTTP_FILE_TYPE_H
#define STOA_HTTP_FILE_TYPE_H

#include <stdbool.h>

/* The media type for the name's extension, regardless of case; "application/octet-stream" when it is unknown. */
const char *stoa_file_type(const char *name);
/* Does this type get shorter by compression? */
bool stoa_file_type_compresses(const char *name);

#endif
