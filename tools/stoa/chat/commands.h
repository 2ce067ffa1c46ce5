/* chat/commands.h: what a line means that a person has typed: a text to send, or a command such as /nick.
 *
 * Thread: one.
 */
#ifndef STOA_TOOL_CHAT_COMMANDS_H
#define STOA_TOOL_CHAT_COMMANDS_H

#include "chat/link.h"

struct chat_command_context {
  struct chat_link *link;
  uint64_t selected; /* offset of the message that /react, /reply and /delete concern; 0: the newest */
  /* One harmless line for the person. */
  void (*print)(void *user, const char *text);
  void *user;
};

/* Do what a line says. "//x" sends "/x". Returns false when the line is to stay, because it was not sent or is no
 * command. *out_quit: /quit */
bool chat_command_run(const struct chat_command_context *context, const char *line, bool *out_quit);

/* The names of the commands, for completion; NULL after the last. "/nick" */
const char *chat_command_name(size_t i);

#endif
