/* Values of the field `traceparent`: whatever stands in them is read in bounds, and what is taken means the same when
 * it is written again. */
#include "must.h"

#include <stoa/traceparent.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct stoa_trace_context context, again;
  char text[STOA_TRACEPARENT_LEN + 1];
  int status = stoa_traceparent_parse(stoa_string_make((const char *)data, len), &context);
  must(status == STOA_OK || status == STOA_E_SYNTAX);
  if (status != STOA_OK) {
    return 0;
  }
  must(stoa_trace_context_is_set(&context));
  stoa_traceparent_format(&context, text);
  must(stoa_traceparent_parse(stoa_string_of(text), &again) == STOA_OK);
  must(memcmp(again.trace_id, context.trace_id, sizeof context.trace_id) == 0);
  must(memcmp(again.span_id, context.span_id, sizeof context.span_id) == 0);
  must(again.is_sampled == context.is_sampled);
  /* The ids are copied, not interpreted; only a later version may have more. */
  must(memcmp(text + 3, (const char *)data + 3, 49) == 0);
  must(len == STOA_TRACEPARENT_LEN || memcmp(data, "00", 2) != 0);
  return 0;
}
