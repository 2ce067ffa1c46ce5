/* number.h: assigns type numbers, from options or from the enum MessageType. */
#ifndef PLUGIN_NUMBER_H
#define PLUGIN_NUMBER_H

#include "model.h"

/* Assign numbers to the rpcs and plain messages of the wanted files, and the plain messages to each file's first
 * service.
 *
 * (stoa.type) on an rpc and (stoa.message_type) on a message give the number directly. Otherwise a value X of the
 * file's enum MessageType gives the number of rpc X, of message X or of message XMessage, in this order. Names are
 * compared in snake case and without the enum's prefix, so MESSAGE_TYPE_CHAT_LINE means ChatLine. A value without a
 * match is ignored: another program may use that number. The request of an rpc with (stoa.plain) is a plain message
 * with the rpc's number; if only one of the two has a number, the other one gets it. What has no number then gets one
 * from its name (number_hash.h), if the run is to do so; otherwise an rpc without a number is an error.
 */
void number_files(struct model *model, struct problems *problems);

#endif
