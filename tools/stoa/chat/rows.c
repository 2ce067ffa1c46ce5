#include "chat/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chat/text.h"

#define TEXTS_BYTES_MAX (8u * 1024 * 1024)
/* Rows of one message; a longer one is cut. */
#define MESSAGE_ROWS_MAX 200u
#define GROUP_MS (5 * 60 * 1000)
#define QUOTE_COLUMNS 40

bool chat_rows_init(struct chat_rows *rows) {
  *rows = (struct chat_rows){.rows = calloc(CHAT_ROWS_MAX, sizeof *rows->rows)};
  stoa_buffer_init(&rows->texts, TEXTS_BYTES_MAX);
  return rows->rows != NULL;
}

void chat_rows_fini(struct chat_rows *rows) {
  for (size_t i = 0; i < rows->notice_count; i++) {
    free(rows->notices[i].text);
  }
  free(rows->rows);
  stoa_buffer_fini(&rows->texts);
  *rows = (struct chat_rows){0};
}

void chat_rows_add_notice(struct chat_rows *rows, uint64_t after, const char *text) {
  char *own = strdup(text);
  if (own == NULL) {
    return;
  }
  if (rows->notice_count == CHAT_NOTICES_MAX) {
    free(rows->notices[0].text);
    memmove(rows->notices, rows->notices + 1, (CHAT_NOTICES_MAX - 1) * sizeof *rows->notices);
    rows->notice_count--;
  }
  rows->notices[rows->notice_count++] = (struct chat_notice){after, own};
}

/* ---- rows of one entry, the last one first ---- */

struct entry {
  struct chat_row like; /* what all of its rows have in common */
  size_t first;         /* of its text */
};

static void begin(const struct chat_rows *rows, struct entry *entry) {
  entry->first = rows->texts.len;
}

static void add(struct chat_rows *rows, const char *text) {
  int ignored = stoa_buffer_append(&rows->texts, text, strlen(text));
  (void)ignored; /* the text is cut */
}

static void add_clean(struct chat_rows *rows, const char *text, enum chat_text_lines lines) {
  int ignored = chat_text_append(&rows->texts, stoa_string_of(text), lines);
  (void)ignored;
}

/* Wrap what was added since begin(), and put its rows in front of the others. */
static void end(struct chat_rows *rows, const struct entry *entry, int columns, size_t wanted) {
  struct chat_row own[MESSAGE_ROWS_MAX];
  size_t count = 0;
  struct stoa_string all = stoa_string_make((const char *)rows->texts.data, rows->texts.len);
  for (size_t at = entry->first; (at < all.len || count == 0) && count < MESSAGE_ROWS_MAX;) {
    size_t next = all.len;
    size_t last = at < all.len ? chat_text_row(all, at, columns, &next) : at;
    own[count] = entry->like;
    own[count].first = at;
    own[count].len = last - at;
    own[count].has_nick = entry->like.has_nick && count == 0;
    if (count > 0) {
      own[count].time[0] = '\0';
    }
    count++;
    at = next;
  }
  for (size_t i = count; i > 0 && rows->count < wanted; i--) {
    rows->rows[rows->count++] = own[i - 1];
  }
}

static uint32_t hash(const char *text) {
  uint32_t value = 2166136261u; /* FNV-1a */
  for (; *text != '\0'; text++) {
    value = (value ^ (unsigned char)*text) * 16777619u;
  }
  return value;
}

static void set_time(struct chat_row *row, int64_t ts_ms) {
  struct tm when;
  time_t seconds = (time_t)(ts_ms / 1000);
  localtime_r(&seconds, &when);
  strftime(row->time, sizeof row->time, "%H:%M", &when);
}

static void set_nick(struct chat_rows *rows, struct chat_row *row, const char *nick) {
  row->nick_first = rows->texts.len;
  add_clean(rows, nick, CHAT_TEXT_ONE_LINE);
  row->nick_len = rows->texts.len - row->nick_first;
}

static void add_notice(struct chat_rows *rows, const struct chat_notice *notice, int columns, size_t wanted) {
  struct entry entry = {.like = {.style = CHAT_ROW_NOTICE}};
  begin(rows, &entry);
  add(rows, notice->text);
  end(rows, &entry, columns, wanted);
}

static void add_day(struct chat_rows *rows, int64_t ts_ms, int columns, size_t wanted) {
  struct entry entry = {.like = {.style = CHAT_ROW_DAY}};
  struct tm when;
  time_t seconds = (time_t)(ts_ms / 1000);
  char day[64];
  localtime_r(&seconds, &when);
  strftime(day, sizeof day, "%A, %e %B %Y", &when);
  begin(rows, &entry);
  add(rows, day);
  end(rows, &entry, columns, wanted);
}

static void add_outgoing(struct chat_rows *rows, const struct chat_link *link, const struct chat_outgoing *outgoing,
                         int columns, size_t wanted) {
  struct entry entry = {.like = {.style = CHAT_ROW_DIM, .has_nick = true, .time = "..."}};
  set_nick(rows, &entry.like, link->nick);
  begin(rows, &entry);
  add_clean(rows, outgoing->text, CHAT_TEXT_KEEP_LINES);
  end(rows, &entry, columns, wanted);
}

static bool is_same_day(int64_t a_ms, int64_t b_ms) {
  struct tm a, b;
  time_t a_s = (time_t)(a_ms / 1000);
  time_t b_s = (time_t)(b_ms / 1000);
  localtime_r(&a_s, &a);
  localtime_r(&b_s, &b);
  return a.tm_yday == b.tm_yday && a.tm_year == b.tm_year;
}

static bool is_grouped(const struct chat_message *message, const struct chat_message *before) {
  return before != NULL && strcmp(before->user_id, message->user_id) == 0 && strcmp(before->nick, message->nick) == 0 &&
         message->ts_ms - before->ts_ms < GROUP_MS && message->reply_to == 0 &&
         is_same_day(message->ts_ms, before->ts_ms);
}

static void add_reactions(struct chat_rows *rows, const struct chat_message *message, int columns, size_t wanted) {
  struct entry entry = {.like = {.style = CHAT_ROW_DIM, .offset = message->offset}};
  if (message->reaction_count == 0) {
    return;
  }
  begin(rows, &entry);
  for (size_t i = 0; i < message->reaction_count; i++) {
    char count[24];
    snprintf(count, sizeof count, message->reactions[i].is_mine ? " %u* " : " %u ", message->reactions[i].count);
    add_clean(rows, message->reactions[i].emoji, CHAT_TEXT_ONE_LINE);
    add(rows, count);
  }
  end(rows, &entry, columns, wanted);
}

static void add_quote(struct chat_rows *rows, const struct chat_link *link, const struct chat_message *message,
                      int columns, size_t wanted) {
  struct entry entry = {.like = {.style = CHAT_ROW_DIM, .offset = message->offset, .has_nick = true}};
  const struct chat_message *quoted = chat_room_find(&link->room, message->reply_to);
  set_time(&entry.like, message->ts_ms);
  entry.like.color = hash(message->user_id);
  set_nick(rows, &entry.like, message->nick);
  begin(rows, &entry);
  add(rows, "> ");
  if (quoted == NULL) {
    add(rows, "an older message");
  } else {
    add_clean(rows, quoted->nick, CHAT_TEXT_ONE_LINE);
    add(rows, ": ");
    add_clean(rows, quoted->is_deleted ? "(deleted)" : quoted->text, CHAT_TEXT_ONE_LINE);
  }
  size_t next;
  struct stoa_string all = stoa_string_make((const char *)rows->texts.data, rows->texts.len);
  rows->texts.len = chat_text_row(all, entry.first, columns < QUOTE_COLUMNS ? columns : QUOTE_COLUMNS, &next);
  end(rows, &entry, columns, wanted);
}

static bool names(const char *text, const char *nick) {
  size_t len = strlen(nick);
  for (const char *at = text; len > 0 && (at = strchr(at, '@')) != NULL; at++) {
    if (strncmp(at + 1, nick, len) == 0) {
      return true;
    }
  }
  return false;
}

static void add_message(struct chat_rows *rows, const struct chat_link *link, const struct chat_message *message,
                        const struct chat_message *before, int columns, size_t wanted) {
  struct entry entry = {.like = {.offset = message->offset}};
  bool has_nick = !is_grouped(message, before) && message->reply_to == 0;
  entry.like.style = message->is_deleted ? CHAT_ROW_DIM : message->is_mine ? CHAT_ROW_OWN : CHAT_ROW_TEXT;
  entry.like.is_mention = !message->is_mine && !message->is_deleted && names(message->text, link->nick);
  add_reactions(rows, message, columns, wanted);
  if (has_nick) {
    entry.like.has_nick = true;
    entry.like.color = hash(message->user_id);
    set_time(&entry.like, message->ts_ms);
    set_nick(rows, &entry.like, message->nick);
  }
  begin(rows, &entry);
  add_clean(rows, message->is_deleted ? "(deleted)" : message->text, CHAT_TEXT_KEEP_LINES);
  if (message->is_edited && !message->is_deleted) {
    add(rows, " (edited)");
  }
  end(rows, &entry, columns, wanted);
  if (message->reply_to != 0) {
    add_quote(rows, link, message, columns, wanted);
  }
  if (before == NULL || !is_same_day(message->ts_ms, before->ts_ms)) {
    add_day(rows, message->ts_ms, columns, wanted);
  }
}

/* The outbox is at the bottom, in its order. */
static void add_outbox(struct chat_rows *rows, const struct chat_link *link, int columns, size_t wanted) {
  const struct chat_outgoing *all[CHAT_OUTBOX_MAX];
  size_t count = 0;
  for (const struct chat_outgoing *own = link->first; own != NULL && count < CHAT_OUTBOX_MAX; own = own->next) {
    if (!own->is_shown) {
      all[count++] = own;
    }
  }
  for (size_t i = count; i > 0 && rows->count < wanted; i--) {
    add_outgoing(rows, link, all[i - 1], columns, wanted);
  }
}

void chat_rows_build(struct chat_rows *rows, const struct chat_link *link, int columns, size_t wanted) {
  const struct chat_room *room = &link->room;
  size_t notice = rows->notice_count;
  wanted = wanted < CHAT_ROWS_MAX ? wanted : CHAT_ROWS_MAX;
  rows->count = 0;
  rows->texts.len = 0;
  add_outbox(rows, link, columns, wanted);
  size_t i = room->message_count;
  for (; i > 0 && rows->count < wanted; i--) {
    const struct chat_message *message = room->messages[i - 1];
    for (; notice > 0 && rows->notices[notice - 1].after >= message->offset; notice--) {
      add_notice(rows, &rows->notices[notice - 1], columns, wanted);
    }
    add_message(rows, link, message, i > 1 ? room->messages[i - 2] : NULL, columns, wanted);
  }
  for (; notice > 0 && i == 0; notice--) {
    add_notice(rows, &rows->notices[notice - 1], columns, wanted);
  }
  rows->is_at_top = i == 0 && rows->count < wanted;
}
