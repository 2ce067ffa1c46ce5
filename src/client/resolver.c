#include "client/resolver.h"

#include "base/container.h"
#include "base/memory.h"
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* This many look-ups may wait for name servers that do not answer before further ones must wait. */
#define THREADS_MAX 8

static int resolve(void *context, const char *host, uint16_t port,
                   struct stoa_address out_addresses[STOA_DIAL_ADDRESSES_MAX], size_t *out_count) {
  (void)context;
  return stoa_dial_resolve(host, port, out_addresses, out_count);
}

struct stoa_resolver stoa_resolver_system = {
    .mutex = PTHREAD_MUTEX_INITIALIZER, .threads_max = THREADS_MAX, .resolve = resolve};

static void append(struct stoa_resolver *resolver, struct stoa_lookup *lookup) {
  if (resolver->last != NULL) {
    resolver->last->next = lookup;
  } else {
    resolver->first = lookup;
  }
  resolver->last = lookup;
}

static void unlink_queued(struct stoa_resolver *resolver, struct stoa_lookup *lookup) {
  struct stoa_lookup *before = NULL;
  struct stoa_lookup *at = resolver->first;
  while (at != lookup) {
    assert(at != NULL);
    before = at;
    at = at->next;
  }
  if (before != NULL) {
    before->next = lookup->next;
  } else {
    resolver->first = lookup->next;
  }
  if (resolver->last == lookup) {
    resolver->last = before;
  }
}

/* The oldest request. NULL when there is none: then the thread counts as ended, under the same lock, so the next
 * request knows whether it needs a new thread. */
static struct stoa_lookup *take(struct stoa_resolver *resolver, bool is_thread) {
  pthread_mutex_lock(&resolver->mutex);
  struct stoa_lookup *lookup = resolver->first;
  if (lookup != NULL) {
    unlink_queued(resolver, lookup);
    lookup->state = STOA_LOOKUP_RUNNING;
  } else if (is_thread) {
    assert(resolver->threads > 0);
    resolver->threads--;
  }
  pthread_mutex_unlock(&resolver->mutex);
  return lookup;
}

static void run_answer(struct stoa_post *post) {
  struct stoa_lookup *lookup = stoa_container_of(post, struct stoa_lookup, post);
  pthread_mutex_lock(&lookup->resolver->mutex);
  bool wanted = lookup->state == STOA_LOOKUP_POSTED;
  pthread_mutex_unlock(&lookup->resolver->mutex);
  if (!wanted) {
    stoa_free(lookup);
    return;
  }
  lookup->answered = true;
  lookup->on_done(lookup);
}

static void run(struct stoa_resolver *resolver, struct stoa_lookup *lookup) {
  lookup->status =
      resolver->resolve(resolver->context, lookup->host, lookup->port, lookup->addresses, &lookup->address_count);
  lookup->error = errno;
  pthread_mutex_lock(&resolver->mutex);
  bool wanted = lookup->state == STOA_LOOKUP_RUNNING;
  if (wanted) {
    /* Under the lock: after a cancel the loop may be gone. */
    lookup->state = STOA_LOOKUP_POSTED;
    lookup->post.run = run_answer;
    stoa_loop_post(lookup->loop, &lookup->post);
  }
  pthread_mutex_unlock(&resolver->mutex);
  if (!wanted) {
    stoa_free(lookup);
  }
}

bool stoa_resolver_run_one(struct stoa_resolver *resolver) {
  struct stoa_lookup *lookup = take(resolver, false);
  if (lookup != NULL) {
    run(resolver, lookup);
  }
  return lookup != NULL;
}

static void *work(void *argument) {
  struct stoa_resolver *resolver = argument;
  struct stoa_lookup *lookup;
  while ((lookup = take(resolver, true)) != NULL) {
    run(resolver, lookup);
  }
  return NULL;
}

/* The thread is detached, because it may be stuck for minutes. */
static int start_thread(struct stoa_resolver *resolver) {
  pthread_t thread;
  int status = stoa_thread_start(work, resolver, &thread);
  if (status == STOA_OK) {
    pthread_detach(thread);
  }
  return status;
}

/* Queue the request, and make sure that there is a thread for it; after an error it is not queued. The thread is
 * created under the lock, so that no other request relies on a thread that could not be created. */
static int submit(struct stoa_resolver *resolver, struct stoa_lookup *lookup) {
  int status = STOA_OK;
  pthread_mutex_lock(&resolver->mutex);
  if (resolver->threads < resolver->threads_max) {
    status = start_thread(resolver);
    resolver->threads += status == STOA_OK;
  }
  if (status == STOA_OK || resolver->threads > 0) {
    append(resolver, lookup);
    status = STOA_OK;
  }
  pthread_mutex_unlock(&resolver->mutex);
  return status;
}

int stoa_resolver_ask(struct stoa_resolver *resolver, struct stoa_loop *loop, const char *host, uint16_t port,
                      void (*on_done)(struct stoa_lookup *lookup), void *context, struct stoa_lookup **out_lookup) {
  size_t size = strlen(host) + 1;
  struct stoa_lookup *lookup = stoa_calloc(1, sizeof *lookup + size);
  if (lookup == NULL) {
    return STOA_E_MEMORY;
  }
  memcpy(lookup->host, host, size);
  lookup->resolver = resolver;
  lookup->loop = loop;
  lookup->port = port;
  lookup->on_done = on_done;
  lookup->context = context;
  int status = submit(resolver, lookup);
  if (status != STOA_OK) {
    stoa_free(lookup);
    return status;
  }
  *out_lookup = lookup;
  return STOA_OK;
}

void stoa_lookup_cancel(struct stoa_lookup *lookup) {
  if (lookup == NULL) {
    return;
  }
  struct stoa_resolver *resolver = lookup->resolver;
  pthread_mutex_lock(&resolver->mutex);
  bool is_ours = lookup->answered || lookup->state == STOA_LOOKUP_QUEUED;
  if (lookup->state == STOA_LOOKUP_QUEUED) {
    unlink_queued(resolver, lookup);
  } else {
    lookup->state = STOA_LOOKUP_ABANDONED;
  }
  pthread_mutex_unlock(&resolver->mutex);
  if (is_ours) {
    stoa_free(lookup);
  }
}
