#include "room/trace.h"

#include "base/container.h"
#include "base/memory.h"
#include "server/group/placement.h"
#include "server/server_private.h"
#include "server/trace/message.h"
#include "server/trace/tracer.h"

/* Names of OpenTelemetry's conventions for messaging. */
static void describe(struct stoa_span *span, const char *operation, const char *type,
                     const struct stoa_room_name *name) {
  stoa_span_set_text(span, "messaging.system", stoa_string_of("stoa"));
  stoa_span_set_text(span, "messaging.operation.name", stoa_string_of(operation));
  stoa_span_set_text(span, "messaging.operation.type", stoa_string_of(type));
  stoa_span_set_text(span, "messaging.destination.name", stoa_room_name_text(name));
}

struct stoa_span *stoa_room_trace_publish(const struct stoa_worker *home, const struct stoa_room_name *name,
                                          size_t body_bytes) {
  const struct stoa_trace_context *parent = stoa_span_context(stoa_message_trace_span(home));
  if (parent == NULL) {
    return NULL;
  }
  const struct stoa_span_options options = {.kind = STOA_SPAN_PRODUCER, .parent = parent};
  struct stoa_span *span = stoa_tracer_start_span(home->server->tracer, "room publish", &options);
  describe(span, "publish", "send", name);
  stoa_span_set_int(span, "messaging.message.body.size", (int64_t)body_bytes);
  return span;
}

struct stoa_span *stoa_room_trace_store(const struct stoa_worker *owner, const struct stoa_trace_context *publish,
                                        const struct stoa_room_name *name) {
  if (!stoa_trace_context_is_set(publish)) {
    return NULL;
  }
  const struct stoa_span_options options = {.parent = publish};
  struct stoa_span *span = stoa_tracer_start_span(owner->server->tracer, "room store", &options);
  describe(span, "store", "settle", name);
  return span;
}

void stoa_room_trace_end(struct stoa_span *span, enum stoa_room_status status, uint64_t offset) {
  if (span == NULL) {
    return;
  }
  if (status == STOA_ROOM_OK || status == STOA_ROOM_DUPLICATE) {
    stoa_span_set_int(span, "stoa.room.offset", (int64_t)offset);
    stoa_span_set_bool(span, "stoa.room.duplicate", status == STOA_ROOM_DUPLICATE);
  } else {
    stoa_span_set_text(span, "error.type", stoa_string_of(stoa_room_status_name(status)));
    stoa_span_fail(span, stoa_string_of("the room did not store it"));
  }
  stoa_span_end(span);
}

/* Until the batches of this turn have left. */
struct delivery {
  struct stoa_placement placement;
  struct stoa_span *span;
};

static void on_placement(struct stoa_placement *placement, bool has_ended) {
  struct delivery *delivery = stoa_container_of(placement, struct delivery, placement);
  if (has_ended) {
    stoa_span_fail(delivery->span, stoa_string_of("the server ended"));
  }
  stoa_span_end(delivery->span);
  stoa_free(delivery);
}

static struct stoa_span *start_delivery(struct stoa_worker *owner, const struct stoa_room_name *name,
                                        const struct stoa_room_message *message) {
  struct stoa_trace_context parent;
  if (owner->server->tracer == NULL || !stoa_message_trace_read(message->message_type, message->message, &parent)) {
    return NULL;
  }
  const struct stoa_span_options options = {.kind = STOA_SPAN_CONSUMER, .parent = &parent};
  struct stoa_span *span = stoa_tracer_start_span(owner->server->tracer, "room deliver", &options);
  describe(span, "deliver", "process", name);
  stoa_span_set_int(span, "stoa.room.offset", (int64_t)message->stamp.position.offset);
  return span;
}

void stoa_room_trace_deliver(struct stoa_worker *owner, const struct stoa_room_name *name,
                             const struct stoa_room_message *message) {
  struct stoa_span *span = start_delivery(owner, name, message);
  struct delivery *delivery = span == NULL ? NULL : stoa_calloc(1, sizeof *delivery);
  if (delivery == NULL) {
    stoa_span_end(span);
    return;
  }
  delivery->span = span;
  delivery->placement.run = on_placement;
  stoa_placement_request(owner, &delivery->placement, stoa_room_name_group(name));
}
