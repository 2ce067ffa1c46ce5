/* chat/screen_private.h: what the files of the screen share: screen.c draws, screen_keys.c reads keys. */
#ifndef STOA_TOOL_CHAT_SCREEN_PRIVATE_H
#define STOA_TOOL_CHAT_SCREEN_PRIVATE_H

#include "chat/line.h"
#include "chat/link.h"
#include "chat/rows.h"

/* Keys of our own: the marks around what is pasted (bracketed paste). */
enum { CHAT_KEY_PASTE = 0x1001, CHAT_KEY_PASTE_END };

struct chat_screen {
  struct chat_link link;
  struct chat_rows rows;
  struct chat_line line;
  char *draft;       /* what was in the line before an edit began */
  uint64_t editing;  /* offset of the message that the line changes; 0: none */
  uint64_t selected; /* of the message that commands concern; 0: none */
  size_t scroll;     /* rows below the screen */
  uint64_t seen;     /* the newest offset when it was at the bottom */
  size_t completed;  /* how often Tab was pressed since another key */
  char *stem;        /* the word that Tab completes */
  bool is_pasting, is_dirty, is_over;
  bool has_focus;
};

/* Handle the keys that were pressed, without waiting. */
void chat_screen_read_keys(struct chat_screen *screen);
/* One harmless line for the person. */
void chat_screen_print(struct chat_screen *screen, const char *text);
/* How many rows show messages. */
int chat_screen_rows(void);

#endif
