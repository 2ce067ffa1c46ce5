/* Keys: what they do to the line, the scroll position and the messages. */
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

#include "chat/commands.h"
#include "chat/screen_private.h"

#define LINE_BYTES_MAX (16u * 1024)
#define KEYS_PER_TURN 4096

/* ---- completion ---- */

static bool begins(const char *text, const char *stem) {
  return strncasecmp(text, stem, strlen(stem)) == 0;
}

/* The n-th name that begins with the stem; NULL: there are fewer. */
static const char *candidate(const struct chat_screen *screen, const char *stem, size_t n) {
  const char *name;
  if (stem[0] == '/') {
    for (size_t i = 0; (name = chat_command_name(i)) != NULL; i++) {
      if (begins(name, stem) && n-- == 0) {
        return name;
      }
    }
    return NULL;
  }
  const char *start = stem[0] == '@' ? stem + 1 : stem;
  for (size_t i = 0; i < screen->link.room.people_count; i++) {
    name = screen->link.room.people[i].nick;
    if (begins(name, start) && n-- == 0) {
      return name;
    }
  }
  return NULL;
}

static void complete(struct chat_screen *screen) {
  struct stoa_string word = chat_line_word(&screen->line);
  if (screen->completed == 0) {
    free(screen->stem);
    screen->stem = strndup(word.data == NULL ? "" : word.data, word.len);
  }
  if (screen->stem == NULL || screen->stem[0] == '\0') {
    return;
  }
  const char *name = candidate(screen, screen->stem, screen->completed);
  if (name == NULL && screen->completed > 0) {
    screen->completed = 0;
    name = candidate(screen, screen->stem, 0);
  }
  if (name == NULL) {
    beep();
    return;
  }
  /* The name, without the blank after it, so that the next Tab finds the same word. */
  char text[256];
  snprintf(text, sizeof text, "%s%s", screen->stem[0] == '@' ? "@" : "", name);
  if (strchr(name, ' ') == NULL && chat_line_replace_word(&screen->line, stoa_string_of(text))) {
    screen->completed++;
  }
}

/* ---- keys ---- */

static void print(void *user, const char *text) {
  chat_screen_print(user, text);
}

static void leave_edit(struct chat_screen *screen) {
  screen->editing = 0;
  bool ignored = chat_line_set(&screen->line, stoa_string_of(screen->draft == NULL ? "" : screen->draft));
  (void)ignored;
  free(screen->draft);
  screen->draft = NULL;
}

static void begin_edit(struct chat_screen *screen) {
  const struct chat_message *message = chat_room_last_own(&screen->link.room);
  if (message == NULL) {
    return;
  }
  struct stoa_string draft = chat_line_text(&screen->line);
  screen->draft = strndup(draft.data == NULL ? "" : draft.data, draft.len);
  if (chat_line_set(&screen->line, stoa_string_of(message->text))) {
    screen->editing = message->offset;
  }
}

static void enter(struct chat_screen *screen) {
  char text[LINE_BYTES_MAX + 1];
  struct stoa_string line = chat_line_text(&screen->line);
  if (line.len == 0) {
    return;
  }
  memcpy(text, line.data, line.len);
  text[line.len] = '\0';
  if (screen->editing != 0) {
    chat_link_edit(&screen->link, screen->editing, text);
    leave_edit(screen);
    return;
  }
  const struct chat_command_context context = {&screen->link, screen->selected, print, screen};
  if (chat_command_run(&context, text, &screen->is_over)) {
    chat_line_clear(&screen->line);
    screen->selected = 0;
    screen->scroll = 0;
    chat_link_type(&screen->link, false);
  }
}

static void select_message(struct chat_screen *screen, int step) {
  const struct chat_room *room = &screen->link.room;
  size_t at = room->message_count;
  if (room->message_count == 0) {
    return;
  }
  for (size_t i = 0; i < room->message_count && screen->selected != 0; i++) {
    at = room->messages[i]->offset == screen->selected ? i : at;
  }
  if (step < 0 && at > 0) {
    screen->selected = room->messages[at - 1]->offset;
  } else if (step > 0) {
    screen->selected = at + 1 < room->message_count ? room->messages[at + 1]->offset : 0;
  }
}

static void escape(struct chat_screen *screen) {
  screen->selected = 0;
  if (screen->editing != 0) {
    leave_edit(screen);
  }
}

static void insert_wide(struct chat_screen *screen, wint_t c) {
  char bytes[MB_LEN_MAX + 1];
  mbstate_t state = {0};
  size_t len = wcrtomb(bytes, (wchar_t)c, &state);
  if (len == (size_t)-1 || !chat_line_insert(&screen->line, stoa_string_make(bytes, len))) {
    beep();
  }
  if (screen->editing == 0 && !(screen->line.text.len > 0 && screen->line.text.data[0] == '/')) {
    chat_link_type(&screen->link, true);
  }
}

static void on_alt(struct chat_screen *screen, wint_t c) {
  if (c == '\r' || c == '\n') {
    insert_wide(screen, '\n');
  } else if (c == 'b') {
    chat_line_word_left(&screen->line);
  } else if (c == 'f') {
    chat_line_word_right(&screen->line);
  } else if (c == 127 || c == '\b') {
    chat_line_delete_word(&screen->line);
  }
}

#define CTRL(c) ((c)&0x1f)

static void on_character(struct chat_screen *screen, wint_t c) {
  struct chat_line *line = &screen->line;
  wint_t next;
  switch (c) {
    case '\r':
    case '\n':
      enter(screen);
      return;
    case '\t':
      complete(screen);
      return;
    case CTRL('['):
      if (get_wch(&next) == OK) {
        on_alt(screen, next);
      } else {
        escape(screen);
      }
      return;
    case CTRL('a'):
      chat_line_home(line);
      return;
    case CTRL('e'):
      chat_line_end(line);
      return;
    case CTRL('b'):
      chat_line_left(line);
      return;
    case CTRL('f'):
      chat_line_right(line);
      return;
    case CTRL('h'):
    case 127:
      chat_line_backspace(line);
      return;
    case CTRL('w'):
      chat_line_delete_word(line);
      return;
    case CTRL('u'):
      chat_line_delete_to_start(line);
      return;
    case CTRL('k'):
      chat_line_delete_to_end(line);
      return;
    case CTRL('p'):
      select_message(screen, -1);
      return;
    case CTRL('n'):
      select_message(screen, 1);
      return;
    case CTRL('l'):
      clearok(stdscr, TRUE);
      return;
    case CTRL('d'):
      screen->is_over = line->text.len == 0;
      return;
    default:
      if (c >= 0x20 && !(c >= 0x80 && c < 0xa0)) {
        insert_wide(screen, c);
      }
  }
}

static void scroll_by(struct chat_screen *screen, int rows) {
  if (rows > 0) {
    screen->scroll += (size_t)rows;
    screen->scroll = screen->scroll < CHAT_ROWS_MAX ? screen->scroll : CHAT_ROWS_MAX;
  } else {
    size_t down = (size_t)-rows;
    screen->scroll = screen->scroll > down ? screen->scroll - down : 0;
  }
}

static void on_key(struct chat_screen *screen, wint_t key) {
  struct chat_line *line = &screen->line;
  int page = chat_screen_rows() > 2 ? chat_screen_rows() - 2 : 1;
  switch (key) {
    case KEY_ENTER:
      enter(screen);
      return;
    case KEY_LEFT:
      chat_line_left(line);
      return;
    case KEY_RIGHT:
      chat_line_right(line);
      return;
    case KEY_HOME:
      chat_line_home(line);
      return;
    case KEY_END:
      if (screen->scroll > 0) {
        screen->scroll = 0;
      } else {
        chat_line_end(line);
      }
      return;
    case KEY_BACKSPACE:
      chat_line_backspace(line);
      return;
    case KEY_DC:
      chat_line_delete(line);
      return;
    case KEY_UP:
      if (line->text.len == 0) {
        begin_edit(screen);
      }
      return;
    case KEY_PPAGE:
      scroll_by(screen, page);
      return;
    case KEY_NPAGE:
      scroll_by(screen, -page);
      return;
    case CHAT_KEY_PASTE:
      screen->is_pasting = true;
      return;
    default:
      return;
  }
}

/* What is pasted is text, whatever it has in it. */
static void on_pasted(struct chat_screen *screen, wint_t c) {
  if (c == '\r' || c == '\n') {
    insert_wide(screen, '\n');
  } else if (c == '\t') {
    insert_wide(screen, ' ');
  } else if (c >= 0x20 && !(c >= 0x7f && c < 0xa0)) {
    insert_wide(screen, c);
  }
}

void chat_screen_read_keys(struct chat_screen *screen) {
  wint_t c;
  for (int i = 0; i < KEYS_PER_TURN; i++) {
    int kind = get_wch(&c);
    if (kind == ERR) {
      return;
    }
    screen->is_dirty = true;
    if (kind == KEY_CODE_YES && c == CHAT_KEY_PASTE_END) {
      screen->is_pasting = false;
    } else if (screen->is_pasting && kind == OK) {
      on_pasted(screen, c);
    } else if (kind == KEY_CODE_YES) {
      on_key(screen, c);
    } else {
      on_character(screen, c);
    }
    if (kind == KEY_CODE_YES || c != '\t') {
      screen->completed = 0;
    }
  }
}
