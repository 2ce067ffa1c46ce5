/* wire/zlib_memory.h: zlib's memory comes from base/memory.h like all other. For the wire floor only. */
#ifndef STOA_WIRE_ZLIB_MEMORY_H
#define STOA_WIRE_ZLIB_MEMORY_H

#define ZLIB_CONST /* next_in points at const bytes */
#include <zlib.h>

/* A stream that inflateInit2() or deflateInit2() may be called on. */
z_stream stoa_zlib_stream(void);

#endif
