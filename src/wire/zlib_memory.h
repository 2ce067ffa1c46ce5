/* wire/zlib_memory.h: makes zlib allocate through base/memory.h. For this layer only. */
#ifndef STOA_WIRE_ZLIB_MEMORY_H
#define STOA_WIRE_ZLIB_MEMORY_H

#define ZLIB_CONST /* next_in points at const bytes */
#include <zlib.h>

/* A stream that inflateInit2() or deflateInit2() may be called on. */
z_stream stoa_zlib_stream(void);

#endif
