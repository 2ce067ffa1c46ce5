#include "server/worker/posts.h"

#include "base/container.h"
#include "server/group/fanout.h"
#include "server/server_private.h"
#include "server/worker/post.h"
#include "server/worker/table.h"

/* A batch with its exclusions, or only a group's name. */
struct group_post {
  struct stoa_worker_post post;
  struct stoa_batch *batch; /* one reference */
  uint8_t variant, name_len;
  char name[STOA_GROUP_NAME_LEN_MAX];
  uint32_t exclusion_count;
  struct stoa_exclusion exclusions[];
};

static struct group_post *group_post_of(struct stoa_worker_post *post) {
  return stoa_container_of(post, struct group_post, post);
}

static void set_name(struct group_post *self, struct stoa_string name) {
  self->name_len = (uint8_t)name.len;
  if (name.len > 0) {
    memcpy(self->name, name.data, name.len);
  }
}

static struct stoa_worker *sibling(void *context, uint32_t index) {
  const struct stoa_worker *worker = context;
  return &worker->server->workers[index];
}

static void adopt(struct stoa_worker *worker, struct stoa_worker_post *post) {
  struct group_post *self = group_post_of(post);
  const struct stoa_exclusions exclusions = {self->exclusions, self->exclusion_count, self->exclusion_count};
  stoa_fanout_adopt(&worker->groups, stoa_string_make(self->name, self->name_len), self->variant, self->batch,
                    &exclusions);
  stoa_batch_unref(self->batch);
}

static int post_batch(void *context, uint32_t to, struct stoa_string name, size_t variant, struct stoa_batch *batch,
                      const struct stoa_exclusions *exclusions) {
  struct stoa_worker *worker = sibling(context, to);
  uint32_t worker_count = worker->server->worker_count;
  uint32_t count = stoa_exclusions_of_worker(exclusions, to, worker_count, NULL);
  size_t size = sizeof(struct group_post) + count * sizeof(struct stoa_exclusion);
  struct stoa_worker_post *post;
  int status = stoa_worker_post_create(worker, &worker->batches, size, batch->bytes.len, adopt, &post);
  if (status != STOA_OK) {
    return status;
  }
  struct group_post *self = group_post_of(post);
  set_name(self, name);
  self->batch = stoa_batch_ref(batch);
  self->variant = (uint8_t)variant;
  self->exclusion_count = stoa_exclusions_of_worker(exclusions, to, worker_count, self->exclusions);
  stoa_worker_post_send(post);
  return STOA_OK;
}

static void review(struct stoa_worker *worker, struct stoa_worker_post *post) {
  const struct group_post *self = stoa_container_of(post, const struct group_post, post);
  stoa_groups_review(&worker->groups, stoa_string_make(self->name, self->name_len));
}

static void post_review(void *context, uint32_t owner, struct stoa_string name) {
  struct stoa_worker *worker = sibling(context, owner);
  struct stoa_worker_post *post;
  if (stoa_worker_post_create(worker, &worker->mailbox, sizeof(struct group_post), 0, review, &post) == STOA_OK) {
    set_name(group_post_of(post), name);
    stoa_worker_post_send(post);
  } else {
    /* The owner's next sweep reviews all groups instead. */
    atomic_store_explicit(&worker->groups.review_due, true, memory_order_release);
  }
}

static void close_lost(struct stoa_post *post) {
  struct stoa_worker *worker = stoa_container_of(post, struct stoa_worker, lost_post);
  atomic_store(&worker->lost_posted, false); /* first: a mark that is set from here on posts again */
  stoa_fanout_close_lost(&worker->groups);
}

/* The post is part of the worker, so that it needs no memory and exists once. */
static void tell_lost(void *context, uint32_t to) {
  struct stoa_worker *worker = sibling(context, to);
  /* At the end of the server the loops are freed one after the other. */
  if (worker->loop != NULL && !atomic_exchange(&worker->lost_posted, true)) {
    worker->lost_post.run = close_lost;
    stoa_loop_post(worker->loop, &worker->lost_post);
  }
}

static struct stoa_deflater *deflater(void *context) {
  struct stoa_worker *worker = context;
  return stoa_session_deflater(&worker->sessions, STOA_DEFLATE_BITS_SHARED);
}

static struct stoa_session *find(void *context, const struct stoa_uuid *session_id) {
  return stoa_worker_find(context, session_id);
}

static void hand_over(void *context) {
  struct stoa_worker *worker = context;
  stoa_turn_hand_over(&worker->streams.turn);
}

struct stoa_groups_host stoa_worker_groups_host(struct stoa_worker *worker) {
  struct stoa_server *server = worker->server;
  return (struct stoa_groups_host){.context = worker,
                                   .worker = worker->index,
                                   .worker_count = server->worker_count,
                                   .interests = &server->interests,
                                   .formats = &server->formats,
                                   .published = stoa_metric_cell_of(worker->metrics, STOA_M_PUBLICATIONS, 0),
                                   .gathered_bytes_max = worker->settings->limits.mailbox_bytes_max,
                                   .deflater = deflater,
                                   .hand_over = hand_over,
                                   .find = find,
                                   .post_batch = post_batch,
                                   .post_review = post_review,
                                   .tell_lost = tell_lost};
}
