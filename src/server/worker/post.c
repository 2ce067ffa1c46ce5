#include "server/worker/post.h"

#include "base/container.h"
#include "base/memory.h"
#include "server/worker/core.h"

#include <assert.h>

static void run(struct stoa_post *post) {
  struct stoa_worker_post *self = stoa_container_of(post, struct stoa_worker_post, post);
  self->run(self->worker, self);
  stoa_budget_give(self->budget, self->bytes);
  stoa_free(self);
}

int stoa_worker_post_create(struct stoa_worker *to, struct stoa_budget *budget, size_t size, size_t bytes_held,
                            void (*run_on_worker)(struct stoa_worker *worker, struct stoa_worker_post *self),
                            struct stoa_worker_post **out_post) {
  assert(size >= sizeof(struct stoa_worker_post));
  assert(run_on_worker != NULL);
  assert(budget == &to->mailbox || budget == &to->batches);
  if (!stoa_budget_take(budget, size + bytes_held)) {
    return STOA_E_LIMIT;
  }
  struct stoa_worker_post *post = stoa_calloc(1, size);
  if (post == NULL) {
    stoa_budget_give(budget, size + bytes_held);
    return STOA_E_MEMORY;
  }
  post->post.run = run;
  post->worker = to;
  post->budget = budget;
  post->bytes = size + bytes_held;
  post->run = run_on_worker;
  *out_post = post;
  return STOA_OK;
}

void stoa_worker_post_send(struct stoa_worker_post *post) {
  assert(post->run != NULL);
  stoa_loop_post(post->worker->loop, &post->post);
}
