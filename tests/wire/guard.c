#include "guard.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard guard_make(size_t len_max) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  struct guard guard;
  guard.map_len = (len_max + page - 1) / page * page + page;
  guard.map = mmap(NULL, guard.map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert(guard.map != MAP_FAILED);
  guard.end = guard.map + guard.map_len - page;
  int result = mprotect(guard.end, page, PROT_NONE);
  assert(result == 0);
  return guard;
}

void guard_free(struct guard *guard) {
  munmap(guard->map, guard->map_len);
}

uint8_t *guard_copy(struct guard *guard, const void *data, size_t len) {
  assert(len <= (size_t)(guard->end - guard->map));
  if (len > 0) {
    memcpy(guard->end - len, data, len);
  }
  return guard->end - len;
}
