/* number.h: type numbers, from options or from the enum MessageType. */
#ifndef PLUGIN_NUMBER_H
#define PLUGIN_NUMBER_H

#include "model.h"

/* Give rpcs and plain messages of the wanted files their numbers, and each file's first service its plain messages.
 *
 * (stoa.type) on an rpc and (stoa.message_type) on a message say it outright. Else a value X of the file's enum
 * MessageType pairs with rpc X, or with message X, or with message XMessage, in this order. Names are compared in
 * snake case and without the enum's own prefix, so MESSAGE_TYPE_CHAT_LINE means ChatLine. A value that pairs with
 * nothing is passed over: it may be a number that another program uses.
 */
void number_files(struct model *model, struct problems *problems);

#endif
