#include "wire/zlib_memory.h"

#include "base/memory.h"

static voidpf zlib_alloc(voidpf context, uInt count, uInt size) {
  (void)context;
  size_t bytes;
  return __builtin_mul_overflow((size_t)count, (size_t)size, &bytes) || bytes == 0 ? NULL : stoa_alloc(bytes);
}

static void zlib_free(voidpf context, voidpf block) {
  (void)context;
  stoa_free(block);
}

z_stream stoa_zlib_stream(void) {
  z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
  return stream;
}
