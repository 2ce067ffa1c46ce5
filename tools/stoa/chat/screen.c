#define NCURSES_WIDECHAR 1
#include "chat/screen.h"

#include <curses.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <stoa/log.h>

#include "../command.h"
#include "../now.h"
#include "chat/screen_private.h"
#include "chat/text.h"

#define LINE_BYTES_MAX (16u * 1024)
#define TIME_COLUMNS 6
#define PEOPLE_COLUMNS 22
#define WIDE_COLUMNS 90
#define ESCAPE_DELAY_MS 25
#define COLOR_COUNT 6

/* Pairs of colours; 1 to COLOR_COUNT are for nicks. */
enum { PAIR_STATUS = COLOR_COUNT + 1, PAIR_NOTICE, PAIR_MENTION };

static volatile sig_atomic_t is_ended;

static void on_signal(int signal_number) {
  (void)signal_number;
  is_ended = 1;
}

/* ---- events of the link ---- */

static void on_change(void *user) {
  struct chat_screen *screen = user;
  screen->is_dirty = true;
}

static void on_message(void *user, const struct chat_message *message) {
  struct chat_screen *screen = user;
  screen->is_dirty = true;
  if (!message->is_mine && strchr(message->text, '@') != NULL && screen->link.nick[0] != '\0') {
    const char *at = strchr(message->text, '@') + 1;
    if (strncmp(at, screen->link.nick, strlen(screen->link.nick)) == 0 && message->offset > screen->seen) {
      beep();
    }
  }
}

void chat_screen_print(struct chat_screen *screen, const char *text) {
  chat_rows_add_notice(&screen->rows, screen->link.room.offset, text);
  screen->is_dirty = true;
}

static void on_notice(void *user, const char *text) {
  chat_screen_print(user, text);
}

/* The text is not lost: it is there to be changed. */
static void on_refused(void *user, const char *text) {
  struct chat_screen *screen = user;
  if (screen->line.text.len == 0) {
    bool ignored = chat_line_set(&screen->line, stoa_string_of(text));
    (void)ignored;
  }
}

/* ---- drawing ---- */

static int nick_columns(void) {
  return COLS >= 60 ? 14 : 9;
}

static int text_left(void) {
  return TIME_COLUMNS + nick_columns() + 3;
}

static int text_columns(void) {
  int right = COLS >= WIDE_COLUMNS ? PEOPLE_COLUMNS + 1 : 0;
  int columns = COLS - text_left() - right;
  return columns < 8 ? 8 : columns;
}

int chat_screen_rows(void) {
  return LINES < 4 ? 1 : LINES - 3;
}

/* As much of a text as fits, from a column; the cursor is after it. */
static void draw_text(int row, int column, struct stoa_string text, int columns) {
  int used = 0;
  size_t at = 0;
  move(row, column);
  while (at < text.len) {
    int own;
    size_t next = chat_text_next(text, at, &own);
    if (used + own > columns) {
      break;
    }
    addnstr(text.data + at, (int)(next - at));
    used += own;
    at = next;
  }
}

static attr_t style_of(const struct chat_row *row) {
  switch (row->style) {
    case CHAT_ROW_TEXT:
      return row->is_mention ? A_BOLD | COLOR_PAIR(PAIR_MENTION) : A_NORMAL;
    case CHAT_ROW_OWN:
      return A_NORMAL;
    case CHAT_ROW_DIM:
      return A_DIM;
    case CHAT_ROW_NOTICE:
      return COLOR_PAIR(PAIR_NOTICE);
    case CHAT_ROW_DAY:
      return A_BOLD | A_DIM;
  }
  return A_NORMAL;
}

static void draw_row(const struct chat_screen *screen, const struct chat_row *row, int at) {
  int nick_width = nick_columns();
  bool is_selected = row->offset != 0 && row->offset == screen->selected;
  attrset(A_DIM);
  mvaddstr(at, 0, row->time);
  attrset(A_NORMAL);
  if (row->has_nick) {
    struct stoa_string nick = chat_row_nick(&screen->rows, row);
    int columns = chat_text_columns(nick);
    int left = columns < nick_width ? nick_width - columns : 0;
    attrset((int)((attr_t)COLOR_PAIR(row->color % COLOR_COUNT + 1) | A_BOLD));
    draw_text(at, TIME_COLUMNS + left, nick, nick_width);
  }
  attrset(A_DIM);
  mvaddstr(at, TIME_COLUMNS + nick_width + 1, row->style == CHAT_ROW_NOTICE ? "*" : "|");
  attrset((int)(style_of(row) | (is_selected ? A_REVERSE : 0)));
  draw_text(at, text_left(), chat_row_text(&screen->rows, row), text_columns());
  attrset(A_NORMAL);
}

static void draw_messages(struct chat_screen *screen) {
  size_t shown = (size_t)chat_screen_rows();
  chat_rows_build(&screen->rows, &screen->link, text_columns(), screen->scroll + shown);
  if (screen->rows.count <= screen->scroll && screen->scroll > 0) {
    screen->scroll = screen->rows.count > shown ? screen->rows.count - shown : 0;
  }
  if (screen->rows.is_at_top) {
    size_t most = screen->rows.count > shown ? screen->rows.count - shown : 0;
    screen->scroll = screen->scroll < most ? screen->scroll : most;
    if (screen->scroll == most) {
      chat_link_load_older(&screen->link);
    }
  }
  for (size_t i = 0; i < shown && screen->scroll + i < screen->rows.count; i++) {
    draw_row(screen, &screen->rows.rows[screen->scroll + i], (int)(shown - i));
  }
}

static void fill(int row, attr_t attributes) {
  attrset((int)attributes);
  mvhline(row, 0, ' ', COLS);
}

static void draw_status(const struct chat_screen *screen) {
  const struct chat_link *link = &screen->link;
  char text[1024];
  struct stoa_buffer clean;
  fill(0, (attr_t)COLOR_PAIR(PAIR_STATUS) | A_BOLD);
  snprintf(text, sizeof text, " #%s   %s   %u here   %s%s%s", link->room_name, link->nick, link->room.people_total,
           chat_link_state_text(link), link->topic[0] == '\0' ? "" : "   ", link->topic);
  stoa_buffer_init(&clean, sizeof text * 8);
  if (chat_text_append(&clean, stoa_string_of(text), CHAT_TEXT_ONE_LINE) == STOA_OK) {
    draw_text(0, 0, stoa_string_make((const char *)clean.data, clean.len), COLS);
  }
  stoa_buffer_fini(&clean);
}

static void draw_people(const struct chat_screen *screen) {
  const struct chat_room *room = &screen->link.room;
  int left = COLS - PEOPLE_COLUMNS;
  struct stoa_buffer clean;
  if (COLS < WIDE_COLUMNS) {
    return;
  }
  stoa_buffer_init(&clean, 4096);
  attrset(A_DIM);
  mvvline(1, left - 1, '|', chat_screen_rows());
  for (size_t i = 0; i < room->people_count && i < (size_t)chat_screen_rows(); i++) {
    clean.len = 0;
    if (chat_text_append(&clean, stoa_string_of(room->people[i].nick), CHAT_TEXT_ONE_LINE) == STOA_OK) {
      attrset(room->people[i].is_away ? A_DIM : A_NORMAL);
      draw_text(1 + (int)i, left + 1, stoa_string_make((const char *)clean.data, clean.len), PEOPLE_COLUMNS - 2);
    }
  }
  stoa_buffer_fini(&clean);
}

/* Who types, or how much is below the screen. */
static void draw_hints(const struct chat_screen *screen) {
  const struct chat_room *room = &screen->link.room;
  char text[256];
  struct stoa_buffer clean;
  fill(LINES - 2, A_DIM);
  if (screen->scroll > 0) {
    snprintf(text, sizeof text, " -- %s, End goes to the newest --",
             room->offset > screen->seen ? "new messages below" : "older messages");
  } else if (screen->editing != 0) {
    snprintf(text, sizeof text, " changing your message: Enter saves, Esc leaves it");
  } else if (room->typing_count == 1) {
    snprintf(text, sizeof text, " %s is typing", room->typing[0].nick);
  } else if (room->typing_count > 1) {
    snprintf(text, sizeof text, " %s and %zu more are typing", room->typing[0].nick, room->typing_count - 1);
  } else {
    return;
  }
  stoa_buffer_init(&clean, sizeof text * 8);
  if (chat_text_append(&clean, stoa_string_of(text), CHAT_TEXT_ONE_LINE) == STOA_OK) {
    draw_text(LINES - 2, 0, stoa_string_make((const char *)clean.data, clean.len), COLS);
  }
  stoa_buffer_fini(&clean);
}

static void draw_line(const struct chat_screen *screen) {
  size_t first;
  int column;
  int columns = COLS - 2;
  struct stoa_string text = chat_line_text(&screen->line);
  struct stoa_buffer shown;
  chat_line_view(&screen->line, columns, &first, &column);
  stoa_buffer_init(&shown, LINE_BYTES_MAX);
  int status = stoa_buffer_append(&shown, text.data + first, text.len - first);
  for (size_t i = 0; i < shown.len; i++) {
    shown.data[i] = shown.data[i] == '\n' ? '|' : shown.data[i];
  }
  fill(LINES - 1, A_NORMAL);
  mvaddstr(LINES - 1, 0, screen->editing != 0 ? "~ " : "> ");
  if (status == STOA_OK) {
    draw_text(LINES - 1, 2, stoa_string_make((const char *)shown.data, shown.len), columns);
  }
  stoa_buffer_fini(&shown);
  move(LINES - 1, 2 + column);
}

static void draw(struct chat_screen *screen) {
  erase();
  draw_messages(screen);
  draw_people(screen);
  draw_status(screen);
  draw_hints(screen);
  draw_line(screen);
  refresh();
  screen->is_dirty = false;
  if (screen->scroll == 0 && screen->seen < screen->link.room.offset) {
    screen->seen = screen->link.room.offset;
    chat_link_mark_read(&screen->link);
  }
}

/* ---- the terminal ---- */

static void switch_paste_marks(bool is_on) {
  fputs(is_on ? "\033[?2004h" : "\033[?2004l", stdout);
  fflush(stdout);
}

static bool begin_terminal(void) {
  static const short colors[COLOR_COUNT] = {COLOR_CYAN,    COLOR_GREEN, COLOR_YELLOW,
                                            COLOR_MAGENTA, COLOR_BLUE,  COLOR_RED};
  if (newterm(NULL, stdout, stdin) == NULL) {
    fprintf(stderr, "stoa chat: the terminal %s is not known; set TERM, or pipe the output for plain lines\n",
            getenv("TERM") == NULL ? "(TERM is not set)" : getenv("TERM"));
    return false;
  }
  set_escdelay(ESCAPE_DELAY_MS);
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  define_key("\033[200~", CHAT_KEY_PASTE);
  define_key("\033[201~", CHAT_KEY_PASTE_END);
  if (has_colors()) {
    start_color();
    use_default_colors();
    for (short i = 0; i < COLOR_COUNT; i++) {
      init_pair((short)(i + 1), colors[i], -1);
    }
    init_pair(PAIR_STATUS, COLOR_WHITE, COLOR_BLUE);
    init_pair(PAIR_NOTICE, COLOR_CYAN, -1);
    init_pair(PAIR_MENTION, COLOR_YELLOW, -1);
  }
  switch_paste_marks(true);
  return true;
}

static void end_terminal(void) {
  switch_paste_marks(false);
  endwin();
}

/* Lines of the library's log would be written over the screen. */
static void on_log(void *user, enum stoa_log_severity level, struct stoa_string line) {
  (void)user, (void)level, (void)line;
}

static int wait_ms(struct chat_screen *screen) {
  int64_t now_ms = tool_now_ms();
  int64_t typing_ms = chat_room_forget_typing(&screen->link.room, now_ms);
  int link_ms = chat_link_wait_ms(&screen->link);
  int64_t left_ms = typing_ms == INT64_MAX ? INT64_MAX : typing_ms - now_ms;
  return link_ms >= 0 && link_ms < left_ms ? link_ms : left_ms == INT64_MAX ? -1 : (int)left_ms;
}

static void turn(struct chat_screen *screen) {
  struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                          {.fd = chat_link_fd(&screen->link), .events = POLLIN}};
  size_t typing_before = screen->link.room.typing_count;
  int timeout_ms = wait_ms(screen);
  screen->is_dirty = screen->is_dirty || typing_before != screen->link.room.typing_count;
  if (screen->is_dirty) {
    draw(screen);
  }
  if (poll(fds, 2, timeout_ms) > 0 && (fds[0].revents & (POLLHUP | POLLERR)) != 0) {
    screen->is_over = true; /* the terminal is gone */
  }
  chat_screen_read_keys(screen);
  chat_link_step(&screen->link);
}

static void run(struct chat_screen *screen) {
  while (!screen->is_over && !is_ended && screen->link.state != CHAT_LINK_ENDED) {
    turn(screen);
  }
  int64_t until_ms = tool_now_ms() + 1000;
  chat_link_close(&screen->link);
  while (screen->link.state != CHAT_LINK_ENDED && tool_now_ms() < until_ms) {
    struct pollfd fd = {.fd = chat_link_fd(&screen->link), .events = POLLIN};
    poll(&fd, 1, 100);
    chat_link_step(&screen->link);
  }
}

int chat_screen_run(const struct chat_link_options *options) {
  static const struct sigaction end_on = {.sa_handler = on_signal};
  static struct chat_screen screen;
  const struct chat_link_events events = {on_change, on_message, on_notice, on_refused, &screen};
  screen = (struct chat_screen){.is_dirty = true};
  chat_line_init(&screen.line, LINE_BYTES_MAX);
  if (!chat_rows_init(&screen.rows) || chat_link_init(&screen.link, options, &events) != STOA_OK) {
    chat_rows_fini(&screen.rows);
    return EXIT_USAGE;
  }
  stoa_log_set_sink(on_log, NULL);
  sigaction(SIGINT, &end_on, NULL);
  sigaction(SIGTERM, &end_on, NULL);
  sigaction(SIGHUP, &end_on, NULL);
  bool has_terminal = begin_terminal();
  bool was_wanted = false;
  if (has_terminal) {
    run(&screen);
    end_terminal();
    was_wanted = screen.is_over || is_ended;
  }
  stoa_log_set_sink(NULL, NULL);
  if (has_terminal && !was_wanted) {
    fprintf(stderr, "stoa chat: %s\n", screen.link.ending);
  }
  chat_link_fini(&screen.link);
  chat_rows_fini(&screen.rows);
  chat_line_fini(&screen.line);
  free(screen.draft);
  free(screen.stem);
  return was_wanted ? EXIT_FINE : EXIT_FAILED;
}
