/* server/call/invocation.c: what a middleware sees of a message (stoa/middleware.h). */
#include "base/array.h"
#include "base/sys.h"
#include "server/call/chain.h"
#include "server/server_private.h"

#include <assert.h>

enum stoa_invocation_end stoa_invocation_end(const struct stoa_invocation *invocation) {
  return (enum stoa_invocation_end)invocation->end;
}

const char *stoa_invocation_end_text(enum stoa_invocation_end end) {
  static const char *const texts[] = {
      [STOA_INVOCATION_RUNS] = "runs",           [STOA_INVOCATION_DONE] = "done",
      [STOA_INVOCATION_FAILED] = "failed",       [STOA_INVOCATION_STOPPED] = "stopped",
      [STOA_INVOCATION_DROPPED] = "dropped",     [STOA_INVOCATION_TIMED_OUT] = "timed out",
      [STOA_INVOCATION_ABANDONED] = "abandoned", [STOA_INVOCATION_CANCELLED] = "cancelled",
  };
  return (size_t)end < STOA_COUNT_OF(texts) ? texts[end] : "unknown";
}

struct stoa_session *stoa_invocation_session(const struct stoa_invocation *invocation) {
  return invocation->session;
}

uint32_t stoa_invocation_type(const struct stoa_invocation *invocation) {
  return invocation->handler->type;
}

const char *stoa_invocation_operation(const struct stoa_invocation *invocation) {
  return stoa_handler_operation(invocation->handler);
}

bool stoa_invocation_is_call(const struct stoa_invocation *invocation) {
  return invocation->handler->reply != NULL && !invocation->question.no_reply;
}

const void *stoa_invocation_message(const struct stoa_invocation *invocation) {
  return invocation->message;
}

const struct stoa_message_type *stoa_invocation_message_type(const struct stoa_invocation *invocation) {
  return invocation->handler->message;
}

size_t stoa_invocation_bytes(const struct stoa_invocation *invocation) {
  return invocation->payload.len;
}

uint64_t stoa_invocation_start_ns(const struct stoa_invocation *invocation) {
  return invocation->start_ns;
}

uint64_t stoa_invocation_elapsed_ns(const struct stoa_invocation *invocation) {
  uint64_t now_ns = stoa_clock_monotonic_ns(stoa_worker_of(invocation->session)->server->clock);
  return now_ns > invocation->start_ns ? now_ns - invocation->start_ns : 0;
}

uint64_t *stoa_invocation_slot(struct stoa_invocation *invocation) {
  uint32_t bit = UINT32_C(1) << invocation->current;
  assert(invocation->current < invocation->chain->count);
  if ((invocation->slots_used & bit) == 0) {
    invocation->slots_used |= bit;
    invocation->slots[invocation->current] = 0;
  }
  return &invocation->slots[invocation->current];
}

/* Traces. */

const uint8_t *stoa_invocation_trace_id(struct stoa_invocation *invocation) {
  if (!invocation->is_traced) {
    if (stoa_random_pooled(invocation->trace_id, sizeof invocation->trace_id) != STOA_OK) {
      memset(invocation->trace_id, 0, sizeof invocation->trace_id);
    }
    invocation->is_traced = true;
  }
  return invocation->trace_id;
}

void stoa_invocation_set_trace_id(struct stoa_invocation *invocation, const uint8_t id[16]) {
  memcpy(invocation->trace_id, id, sizeof invocation->trace_id);
  invocation->is_traced = true;
}

void stoa_trace_id_format(const uint8_t id[16], char out_text[STOA_TRACE_ID_TEXT_LEN + 1]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < STOA_TRACE_ID_TEXT_LEN / 2; i++) {
    out_text[2 * i] = digits[id[i] >> 4];
    out_text[2 * i + 1] = digits[id[i] & 0x0f];
  }
  out_text[STOA_TRACE_ID_TEXT_LEN] = '\0';
}

struct stoa_invocation *stoa_invocation_current(struct stoa_session *session) {
  const struct stoa_call_scope *scope = stoa_worker_of(session)->call_scope;
  return scope != NULL && scope->session == session ? scope->invocation : NULL;
}
