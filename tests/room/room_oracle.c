#include "room_oracle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct epoch_log *oracle_epoch(struct room_log *log, uint64_t epoch) {
  for (unsigned i = log->count; i > 0; i--) {
    if (log->epochs[i - 1]->epoch == epoch) {
      return log->epochs[i - 1];
    }
  }
  if (log->count == EPOCHS_MAX) {
    return NULL;
  }
  struct epoch_log *added = calloc(1, sizeof *added);
  assert(added != NULL);
  added->epoch = epoch;
  log->epochs[log->count++] = added;
  return added;
}

struct entry *oracle_note(struct trace *trace, struct room_log *log, const struct sighting *sighting) {
  struct epoch_log *epoch = oracle_epoch(log, sighting->epoch);
  unsigned long long offset = sighting->offset;
  if (epoch == NULL || sighting->epoch == 0 || offset == 0 || offset >= OFFSETS_MAX) {
    trace_fail(trace, "room %s has an offset %llu in epoch %llu", sighting->room, offset,
               (unsigned long long)sighting->epoch);
    return NULL;
  }
  struct entry *entry = &epoch->entries[offset];
  if (entry->id[0] == '\0') {
    memcpy(entry->id, sighting->id, ID_SIZE);
    entry->is_note = sighting->is_note;
    entry->len = sighting->len;
    epoch->top = offset > epoch->top ? offset : epoch->top;
  } else if (strcmp(entry->id, sighting->id) != 0) {
    trace_fail(trace, "room %s has %s at %llu, where %s was", sighting->room, sighting->id, offset, entry->id);
    return NULL;
  }
  return entry;
}

void oracle_see(struct trace *trace, struct view *view, unsigned client, uint64_t offset) {
  if (offset <= view->position) {
    trace_fail(trace, "c%u gets %llu after %llu", client, (unsigned long long)offset,
               (unsigned long long)view->position);
  }
  view->position = offset;
  if (view->seen_count < OFFSETS_MAX) {
    view->seen[view->seen_count++] = offset;
  }
}

static void check_once(struct trace *trace, const char *room, const struct epoch_log *stored) {
  for (uint64_t offset = 1; offset <= stored->top; offset++) {
    const char *id = stored->entries[offset].id;
    for (uint64_t other = offset + 1; id[0] != '\0' && other <= stored->top; other++) {
      if (strcmp(stored->entries[other].id, id) == 0) {
        trace_fail(trace, "room %s: %s is stored twice", room, id);
        return;
      }
    }
  }
}

void oracle_check_room(struct trace *trace, const char *room, struct room_log *shown_log, struct room_log *stored_log,
                       uint64_t epoch, uint64_t floor) {
  const struct epoch_log *shown = oracle_epoch(shown_log, epoch);
  const struct epoch_log *stored = oracle_epoch(stored_log, epoch);
  if (shown == NULL || stored == NULL) {
    trace_fail(trace, "room %s has too many epochs", room);
    return;
  }
  for (uint64_t offset = floor + 1; offset <= shown->top; offset++) {
    const char *id = shown->entries[offset].id;
    if (id[0] != '\0' && strcmp(id, stored->entries[offset].id) != 0) {
      trace_fail(trace, "room %s: %s was shown at %llu and is not there", room, id, (unsigned long long)offset);
      return;
    }
  }
  check_once(trace, room, stored);
}

static const struct entry *entry_at(const struct epoch_log *shown, const struct epoch_log *stored, uint64_t offset) {
  return shown->entries[offset].id[0] != '\0' ? &shown->entries[offset] : &stored->entries[offset];
}

void oracle_check_view(struct trace *trace, const char *room, unsigned client, const struct view *view,
                       struct room_log *shown_log, struct room_log *stored_log) {
  const struct epoch_log *shown = oracle_epoch(shown_log, view->epoch);
  const struct epoch_log *stored = oracle_epoch(stored_log, view->epoch);
  uint64_t top = shown->top > stored->top ? shown->top : stored->top;
  uint32_t at = 0;
  for (uint64_t offset = view->from + 1; offset <= top; offset++) {
    const struct entry *entry = entry_at(shown, stored, offset);
    bool is_seen = at < view->seen_count && view->seen[at] == offset;
    at += is_seen;
    if (!is_seen && entry->id[0] != '\0' && !(entry->is_note && offset <= view->page_top)) {
      trace_fail(trace, "c%u has not seen %llu of room %s", client, (unsigned long long)offset, room);
      return;
    }
  }
  if (at != view->seen_count) {
    trace_fail(trace, "c%u has seen what is not in room %s", client, room);
  }
}

void oracle_release(struct room_log *log) {
  for (unsigned i = 0; i < log->count; i++) {
    free(log->epochs[i]);
  }
  log->count = 0;
}
