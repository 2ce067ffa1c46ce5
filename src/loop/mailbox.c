#include "loop/mailbox.h"

#include <stddef.h>

bool stoa_mailbox_put(struct stoa_mailbox *mailbox, struct stoa_post *post) {
  struct stoa_post *newest = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);
  do {
    post->next = newest;
  } while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &newest, post, memory_order_release,
                                                  memory_order_relaxed));
  return newest == NULL;
}

struct stoa_post *stoa_mailbox_take(struct stoa_mailbox *mailbox) {
  if (atomic_load_explicit(&mailbox->newest, memory_order_relaxed) == NULL) {
    return NULL;
  }
  struct stoa_post *newest = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);
  struct stoa_post *oldest = NULL;
  while (newest != NULL) {
    struct stoa_post *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}
