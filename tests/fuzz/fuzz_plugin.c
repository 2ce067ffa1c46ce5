/* The code generator: any bytes are refused or answered, and the same bytes are answered the same way twice. */
#include <string.h>

#include "generate.h"
#include "must.h"
#include "pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct generated answer;
  struct generated again;
  bool is_answered = generate(data, len, &answer);
  must(generate(data, len, &again) == is_answered);
  if (is_answered) {
    must(answer.len > 0 && answer.len == again.len);
    must(memcmp(answer.bytes, again.bytes, answer.len) == 0);
  }
  pool_empty();
  return 0;
}
