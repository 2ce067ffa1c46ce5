/* server/worker/post.h: work that any thread posts to a worker, counted against a budget of that worker.
 *
 * A post's bytes are taken from the budget before it is sent and given back once it has run, so the memory that waits
 * for a busy worker is bounded (server.limits.mailbox_bytes_max). Messages and requests count in the worker's
 * `mailbox`, batches of other workers in its `batches`, so that a flood of one kind leaves room for the other.
 *
 * Thread: any. Lifetime: a post owns itself from stoa_worker_post_send() on, and is freed after it has run; posts that
 * have not run when the worker ends are run then.
 */
#ifndef STOA_SERVER_WORKER_POST_H
#define STOA_SERVER_WORKER_POST_H

#include "loop/loop.h"
#include "server/worker/budget.h"

struct stoa_worker;

struct stoa_worker_post {
  struct stoa_post post;
  struct stoa_worker *worker; /* the receiver */
  struct stoa_budget *budget;
  size_t bytes; /* taken from the budget */
  void (*run)(struct stoa_worker *worker, struct stoa_worker_post *self);
};

/* Create a zeroed post of `size` bytes that begins with struct stoa_worker_post.
 *
 * budget      of the worker `to`
 * bytes_held  other memory that it keeps alive
 * run         called by the worker's loop; the post is freed after it
 * Errors: STOA_E_LIMIT   the budget is used up
 *         STOA_E_MEMORY
 */
int stoa_worker_post_create(struct stoa_worker *to, struct stoa_budget *budget, size_t size, size_t bytes_held,
                            void (*run)(struct stoa_worker *worker, struct stoa_worker_post *self),
                            struct stoa_worker_post **out_post);
void stoa_worker_post_send(struct stoa_worker_post *post);

#endif
