/* loop/mailbox.h: posts from many threads to one, without a lock.
 *
 * Senders push onto a list with one atomic exchange loop; the owner takes the whole list at once and turns it round,
 * so that the posts of one thread keep their order.
 */
#ifndef STOA_LOOP_MAILBOX_H
#define STOA_LOOP_MAILBOX_H

#include "loop/loop.h"

#include <stdatomic.h>

struct stoa_mailbox {
  _Atomic(struct stoa_post *) newest;
};

/* Any thread. True when the box was empty before: the owner must be woken. */
bool stoa_mailbox_put(struct stoa_mailbox *mailbox, struct stoa_post *post);
/* The owner: everything that is there, oldest first. */
struct stoa_post *stoa_mailbox_take(struct stoa_mailbox *mailbox);

#endif
