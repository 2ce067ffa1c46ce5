/* server/middleware/tracing.c: continues the trace of a caller (stoa/middleware.h; W3C Trace Context 3.2). */
#include "server/call/chain.h"

#include <string.h>

#define FIELD "traceparent"
/* "00-", the trace id, '-', the id of the parent, '-', the flags. */
#define ID_AT 3u
#define PARENT_AT (ID_AT + STOA_TRACE_ID_TEXT_LEN + 1)
#define PARENT_LEN 16u
#define FLAGS_AT (PARENT_AT + PARENT_LEN + 1)
#define LEN (FLAGS_AT + 2)

/* Only lower case is allowed. -1: not a digit. */
static int digit_of(char byte) {
  return byte >= '0' && byte <= '9' ? byte - '0' : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Are these hexadecimal digits? *out_has_bits: one of them is not 0. */
static bool is_hex(const char *text, size_t len, bool *out_has_bits) {
  *out_has_bits = false;
  for (size_t i = 0; i < len; i++) {
    if (digit_of(text[i]) < 0) {
      return false;
    }
    *out_has_bits = *out_has_bits || text[i] != '0';
  }
  return true;
}

/* Version 00 has nothing behind the flags; a later one may have more, after another '-'. Version ff is invalid. */
static bool is_version(struct stoa_string text) {
  bool has_bits;
  if (!is_hex(text.data, 2, &has_bits) || memcmp(text.data, "ff", 2) == 0) {
    return false;
  }
  return has_bits ? text.len == LEN || text.data[LEN] == '-' : text.len == LEN;
}

static bool is_valid(struct stoa_string text) {
  bool has_id, has_parent, ignored;
  return text.len >= LEN && is_version(text) && text.data[ID_AT - 1] == '-' && text.data[PARENT_AT - 1] == '-' &&
         text.data[FLAGS_AT - 1] == '-' && is_hex(text.data + ID_AT, STOA_TRACE_ID_TEXT_LEN, &has_id) && has_id &&
         is_hex(text.data + PARENT_AT, PARENT_LEN, &has_parent) && has_parent &&
         is_hex(text.data + FLAGS_AT, 2, &ignored);
}

static const struct stoa_error *continue_trace(void *user, struct stoa_invocation *invocation) {
  struct stoa_string text = stoa_invocation_field(invocation, FIELD);
  uint8_t id[STOA_TRACE_ID_TEXT_LEN / 2];
  (void)user;
  if (is_valid(text)) {
    for (size_t i = 0; i < sizeof id; i++) {
      const char *pair = text.data + ID_AT + 2 * i;
      id[i] = (uint8_t)(digit_of(pair[0]) << 4 | digit_of(pair[1]));
    }
    stoa_invocation_set_trace_id(invocation, id);
  }
  return NULL;
}

int stoa_server_use_tracing(struct stoa_server *server, const struct stoa_selector *selector) {
  static const struct stoa_middleware middleware = {.name = "tracing", .before = continue_trace};
  int status = stoa_server_keep_field(server, FIELD);
  return status == STOA_OK ? stoa_server_use(server, selector, &middleware) : status;
}
