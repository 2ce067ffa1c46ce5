/* server/post.h: work that any thread hands to a worker, counted against a budget of that worker's.
 *
 * A post's bytes are taken before it is sent and given back once it has run, so what waits for a busy worker is
 * bounded (server.limits.mailbox_bytes_max). Messages and requests count in the worker's `mailbox`, batches of other
 * workers in its `batches`: a flood of the one does not crowd out the other.
 *
 * Thread: any. Lifetime: a post owns itself from stoa_worker_post_send() on, and is freed after it has run; posts that
 * have not run when the worker ends are run then.
 */
#ifndef STOA_SERVER_POST_H
#define STOA_SERVER_POST_H

#include "loop/loop.h"
#include "server/budget.h"

struct stoa_worker;

struct stoa_worker_post {
  struct stoa_post post;
  struct stoa_worker *worker; /* where it goes */
  struct stoa_budget *budget;
  size_t bytes; /* taken of the budget */
  void (*run)(struct stoa_worker *worker, struct stoa_worker_post *self);
};

/* A zeroed post of `size` bytes, of which struct stoa_worker_post is the beginning.
 *
 * budget      of the worker `to`
 * bytes_held  what it keeps alive beside itself
 * run         on the worker's thread, with nobody on the stack; the post is freed after it
 * Errors: STOA_E_LIMIT   the budget is used up
 *         STOA_E_MEMORY
 */
int stoa_worker_post_create(struct stoa_worker *to, struct stoa_budget *budget, size_t size, size_t bytes_held,
                            void (*run)(struct stoa_worker *worker, struct stoa_worker_post *self),
                            struct stoa_worker_post **out_post);
void stoa_worker_post_send(struct stoa_worker_post *post);

#endif
