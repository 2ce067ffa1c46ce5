#include "engine/page.h"

#include <assert.h>

void stoa_engine_page_begin(struct stoa_engine_request *request, const struct stoa_engine_bounds *bounds) {
  assert(bounds->floor <= bounds->top);
  request->answer.epoch = bounds->epoch;
  request->answer.floor = bounds->floor;
  request->answer.top = bounds->top;
  request->answer.top_ordinal = bounds->ordinal;
}

bool stoa_engine_query_is_gone(const struct stoa_engine_query *query, const struct stoa_engine_bounds *bounds) {
  if (!query->is_forward) {
    return false;
  }
  return (query->epoch != 0 && query->epoch != bounds->epoch) || query->since < bounds->floor ||
         query->since > bounds->top;
}

bool stoa_engine_query_takes(const struct stoa_engine_query *query, enum stoa_engine_kind kind, uint64_t target) {
  bool is_kind = query->kinds == 0 || (query->kinds & STOA_ENGINE_KIND_BIT(kind)) != 0;
  bool is_target =
      query->target_last == 0 || (target != 0 && target >= query->target_first && target <= query->target_last);
  return is_kind && is_target;
}

bool stoa_engine_page_has_room(const struct stoa_engine_request *request, size_t len) {
  const struct stoa_engine_answer *answer = &request->answer;
  if (answer->message_count == 0) {
    return true;
  }
  /* request->bytes counts what the page holds, structs included. */
  return answer->message_count < request->query.limit && request->bytes + len <= request->query.bytes_max;
}

static uint8_t fold(uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 'a' - 'A') : byte;
}

static bool starts_with(const char *at, struct stoa_string wanted) {
  for (size_t i = 0; i < wanted.len; i++) {
    if (fold((uint8_t)at[i]) != fold((uint8_t)wanted.data[i])) {
      return false;
    }
  }
  return true;
}

bool stoa_engine_text_matches(const struct stoa_engine_text *text, uint32_t type, struct stoa_bytes body,
                              struct stoa_string wanted) {
  struct stoa_string found;
  if (text->read == NULL || body.len == 0 || !text->read(text->context, type, body, &found)) {
    return false;
  }
  if (wanted.len == 0) {
    return true;
  }
  /* Most places end at the first byte. */
  const uint8_t first = fold((uint8_t)wanted.data[0]);
  for (size_t i = 0; i + wanted.len <= found.len; i++) {
    if (fold((uint8_t)found.data[i]) == first && starts_with(found.data + i, wanted)) {
      return true;
    }
  }
  return false;
}
