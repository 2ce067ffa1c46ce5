/* chat/plain.h: the chat as plain lines, when input or output is no terminal: each line of the input is sent, each
 * message is a line of the output.
 */
#ifndef STOA_TOOL_CHAT_PLAIN_H
#define STOA_TOOL_CHAT_PLAIN_H

#include "chat/link.h"

/* Run until the input has ended and all of it is stored; with `follow`, until a signal. Returns the exit status. */
int chat_plain_run(const struct chat_link_options *options, bool follow);

#endif
