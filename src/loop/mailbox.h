/* loop/mailbox.h: posts from many threads to one, without a lock.
 *
 * Senders push onto a list with a compare-and-exchange loop. The owner takes the whole list at once and reverses it, so
 * that the posts of one thread keep their order.
 */
#ifndef STOA_LOOP_MAILBOX_H
#define STOA_LOOP_MAILBOX_H

#include "loop/loop.h"

#include <stdatomic.h>

struct stoa_mailbox {
  _Atomic(struct stoa_post *) newest;
};

/* Any thread. True when the mailbox was empty before: the caller must wake the owner. */
bool stoa_mailbox_put(struct stoa_mailbox *mailbox, struct stoa_post *post);
/* The owner only: takes all posts, oldest first. */
struct stoa_post *stoa_mailbox_take(struct stoa_mailbox *mailbox);

#endif
