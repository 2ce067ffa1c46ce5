#include "room_log.h"

#include <string.h>

static void copy(char out_text[16], struct stoa_string text) {
  size_t len = text.len < 15 ? text.len : 15;
  memset(out_text, 0, 16);
  if (len > 0) {
    memcpy(out_text, text.data, len);
  }
}

void room_log_note(struct room_log *log, const char *room, struct trace *trace, uint64_t epoch, uint64_t offset,
                   struct stoa_string client_msg_id) {
  char id[16];
  copy(id, client_msg_id);
  if (offset == 0 || offset >= OFFSETS_MAX) {
    trace_fail(trace, "room %s has an offset %llu", room, (unsigned long long)offset);
    return;
  }
  if (log->epoch == 0) {
    log->epoch = epoch;
  }
  if (log->epoch != epoch) {
    trace_fail(trace, "room %s has another epoch", room);
  }
  if (log->ids[offset][0] != '\0' && strcmp(log->ids[offset], id) != 0) {
    trace_fail(trace, "room %s has %s at %llu, where %s was", room, id, (unsigned long long)offset, log->ids[offset]);
  }
  memcpy(log->ids[offset], id, sizeof id);
}

void room_log_check(const struct room_log *shown, const struct room_log *stored, const char *room,
                    struct trace *trace) {
  if (shown->epoch != 0 && shown->epoch != stored->epoch) {
    trace_fail(trace, "room %s has lost its epoch", room);
  }
  for (uint64_t offset = 1; offset < OFFSETS_MAX; offset++) {
    const char *id = stored->ids[offset];
    if (shown->ids[offset][0] != '\0' && strcmp(shown->ids[offset], id) != 0) {
      trace_fail(trace, "room %s: %s was shown at %llu and is not there", room, shown->ids[offset],
                 (unsigned long long)offset);
    }
    for (uint64_t other = offset + 1; id[0] != '\0' && other < OFFSETS_MAX; other++) {
      if (strcmp(stored->ids[other], id) == 0) {
        trace_fail(trace, "room %s: %s is stored twice", room, id);
      }
    }
  }
}
