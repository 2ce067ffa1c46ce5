#include "chat_oracle.h"

#include <string.h>

static struct oracle_entry *entry_at(struct oracle_log *log, uint64_t epoch, uint64_t offset, struct trace *trace) {
  if (log->epoch != 0 && epoch != log->epoch) {
    trace_fail(trace, "a room has another epoch, and nothing was lost");
    return NULL;
  }
  if (offset == 0 || offset >= VIEW_OFFSETS_MAX) {
    trace_fail(trace, "a room has an offset %llu", (unsigned long long)offset);
    return NULL;
  }
  log->epoch = epoch;
  log->top = offset > log->top ? offset : log->top;
  return &log->entries[offset];
}

static bool is_same(const struct oracle_entry *one, const struct oracle_entry *other) {
  return one->what == other->what && strcmp(one->user_id, other->user_id) == 0 &&
         strcmp(one->msg_id, other->msg_id) == 0 && one->kind == other->kind && one->target == other->target &&
         one->emoji == other->emoji && one->off == other->off && strcmp(one->text, other->text) == 0 &&
         (one->ts_ms == 0 || other->ts_ms == 0 || one->ts_ms == other->ts_ms);
}

static void note(struct oracle_entry *entry, const struct oracle_entry *seen, uint64_t offset, struct trace *trace) {
  if (entry->what == ORACLE_NOTHING) {
    *entry = *seen;
  } else if (!is_same(entry, seen)) {
    trace_fail(trace, "at %llu is %s of %s, and was %s of %s", (unsigned long long)offset,
               seen->what == ORACLE_CHAT ? seen->msg_id : seen->text, seen->user_id,
               entry->what == ORACLE_CHAT ? entry->msg_id : entry->text, entry->user_id);
  } else {
    entry->ts_ms = entry->ts_ms == 0 ? seen->ts_ms : entry->ts_ms;
  }
}

void oracle_note_chat(struct oracle_log *log, const struct chatroom_v1_chat_message *chat, struct trace *trace) {
  struct oracle_entry *entry = entry_at(log, chat->epoch, chat->offset, trace);
  struct oracle_entry seen = {.what = ORACLE_CHAT, .ts_ms = chat->ts_ms};
  view_copy(seen.user_id, sizeof seen.user_id, chat->user_id);
  view_copy(seen.msg_id, sizeof seen.msg_id, chat->client_msg_id);
  if (entry != NULL) {
    note(entry, &seen, chat->offset, trace);
  }
}

void oracle_note_event(struct oracle_log *log, const struct chatroom_v1_event_message *event, struct trace *trace) {
  struct oracle_entry *entry = entry_at(log, event->epoch, event->offset, trace);
  struct oracle_entry seen = {.what = ORACLE_EVENT,
                              .kind = event->kind,
                              .target = event->target,
                              .emoji = view_emoji_of(event->emoji),
                              .off = event->off,
                              .ts_ms = event->ts_ms};
  view_copy(seen.user_id, sizeof seen.user_id, event->user_id);
  view_copy(seen.text, sizeof seen.text, event->text);
  if (entry == NULL) {
    return;
  }
  /* When a message is deleted, what its events said is removed, too. */
  if (entry->what == ORACLE_EVENT && entry->target == event->target &&
      (entry->kind == CHATROOM_V1_EVENT_KIND_EVENT_UNKNOWN || event->kind == CHATROOM_V1_EVENT_KIND_EVENT_UNKNOWN)) {
    *entry = event->kind == CHATROOM_V1_EVENT_KIND_EVENT_UNKNOWN ? *entry : seen;
    return;
  }
  note(entry, &seen, event->offset, trace);
}

uint32_t oracle_count_after(const struct oracle_log *log, uint64_t offset) {
  uint32_t count = 0;
  for (uint64_t at = offset + 1; at <= log->top; at++) {
    count += log->entries[at].what == ORACLE_CHAT;
  }
  return count;
}

static void fold_one(const struct oracle_log *log, const struct chat_view *texts, const char *user_id, uint64_t offset,
                     struct chat_view *view) {
  const struct oracle_entry *entry = &log->entries[offset];
  struct view_message *message = &view->messages[entry->what == ORACLE_CHAT ? offset : entry->target];
  if (entry->what == ORACLE_CHAT) {
    *message = texts->messages[offset];
    memset(message->counts, 0, sizeof message->counts);
    memset(message->mine, 0, sizeof message->mine);
    message->is_deleted = false;
    message->edited_ms = 0;
    if (entry->msg_id[0] != '\0') { /* which is its first text */
      memcpy(message->text, entry->msg_id, sizeof message->text);
    }
    return;
  }
  const struct chatroom_v1_event_message event = {
      .kind = entry->kind,
      .text = stoa_string_of(entry->text),
      .emoji = stoa_string_of(entry->emoji < VIEW_EMOJIS ? view_emojis[entry->emoji] : ""),
      .off = entry->off,
      .ts_ms = entry->ts_ms};
  view_fold(message, &event, strcmp(entry->user_id, user_id) == 0);
}

/* What the log does not have of a message is taken from `texts`. */
bool oracle_fold(const struct oracle_log *log, const struct chat_view *texts, const char *user_id,
                 struct chat_view *out_view) {
  memset(out_view->messages, 0, sizeof out_view->messages);
  for (uint64_t offset = 1; offset <= log->top; offset++) {
    const struct oracle_entry *entry = &log->entries[offset];
    bool is_known = entry->what != ORACLE_NOTHING && entry->target < VIEW_OFFSETS_MAX &&
                    (entry->ts_ms != 0 || entry->kind != CHATROOM_V1_EVENT_KIND_EVENT_EDIT);
    if (!is_known) {
      return false;
    }
    fold_one(log, texts, user_id, offset, out_view);
  }
  out_view->epoch = log->epoch;
  out_view->position = log->top;
  out_view->from = 0;
  memcpy(out_view->topic, texts->topic, sizeof out_view->topic);
  return true;
}

void oracle_check_once(const struct oracle_log *log, const char *room, struct trace *trace) {
  for (uint64_t one = 1; one <= log->top; one++) {
    const struct oracle_entry *entry = &log->entries[one];
    for (uint64_t other = one + 1; entry->what == ORACLE_CHAT && entry->msg_id[0] != '\0' && other <= log->top;
         other++) {
      if (strcmp(log->entries[other].msg_id, entry->msg_id) == 0) {
        trace_fail(trace, "room %s has %s twice", room, entry->msg_id);
        return;
      }
    }
  }
}

enum oracle_verdict oracle_sanction_between(const struct oracle_sanction *sanction, int64_t begin_ms, int64_t end_ms) {
  if (sanction->changing > 0 || sanction->is_unknown) {
    return ORACLE_UNKNOWN;
  }
  if (!sanction->is_set || begin_ms > sanction->to_ms) {
    return ORACLE_FREE;
  }
  return end_ms < sanction->from_ms ? ORACLE_BOUND : ORACLE_UNKNOWN;
}
