/* chat/link_private.h: what the files of the link share: link.c is the connection and what is pushed, link_calls.c the
 * calls that a person makes. */
#ifndef STOA_TOOL_CHAT_LINK_PRIVATE_H
#define STOA_TOOL_CHAT_LINK_PRIVATE_H

#include "chat/link.h"

#define CHAT_CALL_MS 0 /* the client's default */

void chat_link_change(struct chat_link *link);
__attribute__((format(printf, 2, 3))) void chat_link_notice(struct chat_link *link, const char *format, ...);
/* Why a call has no reply, or was not made. */
void chat_link_report(struct chat_link *link, const char *what, const struct stoa_call_end *end);
void chat_link_report_status(struct chat_link *link, const char *what, int status);
/* False: it was cut. */
bool chat_copy_text(char *to, size_t size, struct stoa_string text);

void chat_link_greet(struct chat_link *link, const char *nick);
void chat_link_enter_room(struct chat_link *link);
void chat_link_keep_token(struct chat_link *link, struct stoa_string token);

#endif
