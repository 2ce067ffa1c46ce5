#include "engine/log.h"

#include "base/array.h"
#include "base/memory.h"

#include <assert.h>
#include <string.h>

#define MESSAGES_MAX (1u << 24)
#define CAPACITY_MIN 8u

static size_t bytes_of(const struct stoa_engine_message *message) {
  return sizeof *message + message->len;
}

static struct stoa_engine_message **slot(const struct stoa_engine_log *log, uint32_t index) {
  assert(index < log->count);
  return &log->slots[(log->first + index) % log->capacity];
}

void stoa_engine_log_fini(struct stoa_engine_log *log) {
  while (log->count > 0) {
    stoa_engine_log_drop_first(log);
  }
  stoa_free(log->slots);
  memset(log, 0, sizeof *log);
}

/* A new array, in which the ring begins at the front. */
static int grow(struct stoa_engine_log *log) {
  uint32_t capacity = log->capacity == 0 ? CAPACITY_MIN : log->capacity * 2;
  if (capacity > MESSAGES_MAX) {
    return STOA_E_LIMIT;
  }
  struct stoa_engine_message **slots = stoa_calloc(capacity, sizeof(struct stoa_engine_message *));
  if (slots == NULL) {
    return STOA_E_MEMORY;
  }
  for (uint32_t i = 0; i < log->count; i++) {
    slots[i] = *slot(log, i);
  }
  stoa_free(log->slots);
  log->slots = slots;
  log->capacity = capacity;
  log->first = 0;
  return STOA_OK;
}

int stoa_engine_log_append(struct stoa_engine_log *log, struct stoa_engine_message *message) {
  if (log->count == log->capacity) {
    int status = grow(log);
    if (status != STOA_OK) {
      return status;
    }
  }
  assert(log->count == 0 || (*slot(log, log->count - 1))->place.offset < message->place.offset);
  log->count++;
  *slot(log, log->count - 1) = stoa_engine_message_ref(message);
  log->bytes += bytes_of(message);
  return STOA_OK;
}

struct stoa_engine_message *stoa_engine_log_at(const struct stoa_engine_log *log, uint32_t index) {
  return index < log->count ? *slot(log, index) : NULL;
}

void stoa_engine_log_drop_first(struct stoa_engine_log *log) {
  struct stoa_engine_message *message = *slot(log, 0);
  assert(log->bytes >= bytes_of(message));
  log->bytes -= bytes_of(message);
  log->first = (log->first + 1) % log->capacity;
  log->count--;
  stoa_engine_message_unref(message);
}

uint32_t stoa_engine_log_above(const struct stoa_engine_log *log, uint64_t offset) {
  uint32_t low = 0;
  uint32_t high = log->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if ((*slot(log, middle))->place.offset <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

int stoa_engine_log_redact(struct stoa_engine_log *log, uint32_t index, bool forget_sender) {
  struct stoa_engine_message *before = *slot(log, index);
  struct stoa_engine_draft draft = before->draft;
  struct stoa_engine_place place = before->place;
  struct stoa_engine_message *after;
  draft.body = stoa_bytes_make(NULL, 0);
  place.is_redacted = true;
  if (forget_sender) {
    memset(draft.id, 0, sizeof draft.id);
    draft.sender = stoa_string_make(NULL, 0);
    draft.client_msg_id = stoa_string_make(NULL, 0);
  }
  int status = stoa_engine_message_create(before->room, &draft, &place, &after);
  if (status != STOA_OK) {
    return status;
  }
  log->bytes -= bytes_of(before);
  log->bytes += bytes_of(after);
  *slot(log, index) = after;
  stoa_engine_message_unref(before);
  return STOA_OK;
}

/* Pages. */

enum step { STEP_NEXT, STEP_FULL, STEP_MEMORY };

static enum step add(struct stoa_engine_request *request, struct stoa_engine_message *message) {
  if (!stoa_engine_query_takes(&request->query, message->draft.kind, message->draft.target)) {
    return STEP_NEXT;
  }
  if (!stoa_engine_page_has_room(request, message->len)) {
    return STEP_FULL;
  }
  return stoa_engine_request_add_message(request, message) == STOA_OK ? STEP_NEXT : STEP_MEMORY;
}

static enum step walk_forward(const struct stoa_engine_log *log, struct stoa_engine_request *request) {
  enum step step = STEP_NEXT;
  for (uint32_t i = stoa_engine_log_above(log, request->query.since); i < log->count && step == STEP_NEXT; i++) {
    step = add(request, *slot(log, i));
  }
  return step;
}

static enum step walk_backward(const struct stoa_engine_log *log, struct stoa_engine_request *request) {
  uint64_t before = request->query.before;
  uint32_t i = before == 0 ? log->count : stoa_engine_log_above(log, before - 1);
  enum step step = STEP_NEXT;
  for (; i > 0 && step == STEP_NEXT; i--) {
    step = add(request, *slot(log, i - 1));
  }
  return step;
}

/* The offset above which the log has every message of the room. */
static uint64_t reach(const struct stoa_engine_log *log, const struct stoa_engine_bounds *bounds) {
  if (log->count == 0) {
    return bounds->top;
  }
  uint64_t prev = (*slot(log, 0))->place.prev;
  return prev > bounds->floor ? prev : bounds->floor;
}

bool stoa_engine_log_page(const struct stoa_engine_log *log, const struct stoa_engine_bounds *bounds,
                          struct stoa_engine_request *request) {
  const struct stoa_engine_query *query = &request->query;
  stoa_engine_page_begin(request, bounds);
  if (stoa_engine_query_is_gone(query, bounds)) {
    request->answer.status = STOA_ENGINE_GONE;
    return true;
  }
  bool reaches = reach(log, bounds) <= (query->is_forward ? query->since : bounds->floor);
  if (query->is_forward && !reaches) {
    return false;
  }
  request->bytes = 0;
  enum step step = query->is_forward ? walk_forward(log, request) : walk_backward(log, request);
  if (step == STEP_MEMORY) {
    stoa_engine_request_fail(request, STOA_ENGINE_UNAVAILABLE);
    return true;
  }
  if (step == STEP_NEXT && !reaches) {
    stoa_engine_request_fail(request, STOA_ENGINE_UNAVAILABLE); /* drops what was gathered */
    request->answer.status = STOA_ENGINE_OK;
    request->answer.retry_ms = 0;
    request->bytes = 0;
    return false;
  }
  request->answer.is_complete = step == STEP_NEXT;
  return true;
}
