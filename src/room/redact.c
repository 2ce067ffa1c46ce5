/* Emptying a stored message: by the owner, which then forgets the newest messages that it has in memory, because they
 * are as they were before. */
#include "base/container.h"
#include "base/memory.h"
#include "room/owner.h"

#include <assert.h>

struct redaction {
  /* The session's worker. */
  struct stoa_room_request request;
  struct stoa_room_worker *home;
  stoa_room_done *on_done; /* NULL: answered, or nobody wants to know */
  void *context;

  /* Whoever has it. */
  struct stoa_post post;
  struct stoa_placement placement;
  struct stoa_room_worker *owner;
  struct stoa_room *room;
  struct stoa_room_name name;
  uint64_t offset;
  struct stoa_room_answer answer;
};

static void tell(struct redaction *self, const struct stoa_room_answer *answer) {
  stoa_room_done *on_done = self->on_done;
  stoa_room_requests_remove(&self->home->reads, &self->request);
  self->on_done = NULL;
  if (on_done != NULL) {
    on_done(self->context, answer);
    stoa_arena_reset(self->home->worker->arena);
  }
}

static void end_early(struct stoa_room_request *request) {
  static const struct stoa_room_answer closed = {.status = STOA_ROOM_CLOSED};
  tell(stoa_container_of(request, struct redaction, request), &closed);
}

static void come_home(struct redaction *self) {
  tell(self, &self->answer);
  stoa_free(self);
}

static void on_home(struct stoa_post *post) {
  come_home(stoa_container_of(post, struct redaction, post));
}

static void on_placement(struct stoa_placement *placement, bool has_ended) {
  struct redaction *self = stoa_container_of(placement, struct redaction, placement);
  if (has_ended || self->owner == self->home) {
    come_home(self);
    return;
  }
  self->post.run = on_home;
  stoa_loop_post(stoa_room_worker_loop(self->home), &self->post);
}

static void finish(struct redaction *self, enum stoa_room_status status, uint32_t retry_ms, uint64_t count) {
  self->answer = (struct stoa_room_answer){.status = status, .retry_ms = retry_ms, .count = count};
  self->placement.run = on_placement;
  stoa_placement_request(self->owner->worker, &self->placement, stoa_room_name_group(&self->name));
}

/* Also after UNKNOWN: it may have been done. */
static void on_redacted(void *context, const struct stoa_engine_answer *answer) {
  struct redaction *self = context;
  struct stoa_room *room = self->room;
  if (self->owner->rooms->is_closed) {
    come_home(self);
    return;
  }
  assert(room->publish_count > 0);
  room->publish_count--;
  stoa_room_ring_clear(&room->ring, room->top, &self->owner->rooms->ring_bytes);
  finish(self, stoa_room_status_of(answer->status), answer->retry_ms, answer->count);
}

static void on_arrival(struct stoa_post *post) {
  struct redaction *self = stoa_container_of(post, struct redaction, post);
  struct stoa_room_worker *owner = self->owner;
  stoa_budget_give(&owner->worker->mailbox, sizeof *self);
  if (owner->rooms->is_closed) {
    come_home(self);
    return;
  }
  if (stoa_room_open(owner, &self->name, &self->room) != STOA_OK ||
      stoa_engine_redact(owner->port, stoa_room_name_text(&self->name), self->offset, on_redacted, self) != STOA_OK) {
    finish(self, STOA_ROOM_BUSY, STOA_ENGINE_RETRY_MS, 0);
    return;
  }
  self->room->publish_count++;
}

int stoa_room_redact(struct stoa_rooms *rooms, struct stoa_string room, uint64_t offset, stoa_room_done *on_done,
                     void *context) {
  struct stoa_room_worker *home = stoa_room_worker_here(rooms);
  if (home == NULL || !stoa_room_name_is_valid(room) || offset == 0 || offset > INT64_MAX) {
    return STOA_E_ARGUMENT;
  }
  if (home->is_over) {
    return STOA_E_CLOSED;
  }
  struct redaction *self = stoa_calloc(1, sizeof *self);
  if (self == NULL) {
    return STOA_E_MEMORY;
  }
  self->home = home;
  self->name = stoa_room_name_make(room);
  self->owner = stoa_room_worker_owner(rooms, &self->name);
  self->offset = offset;
  self->on_done = on_done;
  self->context = context;
  self->request.close = end_early;
  if (!stoa_budget_take(&self->owner->worker->mailbox, sizeof *self)) {
    stoa_free(self);
    return STOA_E_LIMIT;
  }
  stoa_room_requests_add(&home->reads, &self->request);
  self->post.run = on_arrival;
  stoa_loop_post(stoa_room_worker_loop(self->owner), &self->post);
  return STOA_OK;
}
