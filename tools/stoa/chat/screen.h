/* chat/screen.h: the chat on a whole terminal: messages that scroll, people at the right when there is room, who types,
 * and a line to type in. By ncurses, in a locale with UTF-8.
 */
#ifndef STOA_TOOL_CHAT_SCREEN_H
#define STOA_TOOL_CHAT_SCREEN_H

#include "chat/link.h"

/* Run until the person ends it. Returns the exit status. */
int chat_screen_run(const struct chat_link_options *options);

#endif
