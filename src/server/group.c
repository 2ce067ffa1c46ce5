#include "server/group.h"

#include "base/memory.h"
#include "server/publication.h"
#include "server/server_private.h"

#include <assert.h>

/* What one group may gather in one turn for one variant. */
#define BATCH_BYTES_MAX (64u * 1024 * 1024)
/* A batch kept warm for the next turn is at most this big. */
#define SPARE_BYTES_MAX (1024u * 1024)
#define LINGER_BYTES_MAX (64u * 1024)
#define MEMBERS_AT_FIRST 4
#define PREFETCH_MEMBERS 4

static struct stoa_bytes group_key(const void *object) {
  const struct stoa_group *group = object;
  return stoa_bytes_make(group->name, group->name_len);
}

static struct stoa_group *create(struct stoa_worker *worker, struct stoa_string name) {
  struct stoa_group *group = stoa_calloc(1, sizeof *group);
  if (group == NULL) {
    return NULL;
  }
  group->name_len = (uint8_t)name.len;
  if (name.len > 0) {
    memcpy(group->name, name.data, name.len);
  }
  group->owner = stoa_group_owner(worker, name);
  group->interest = stoa_interest_acquire(&worker->server->interests, name, true);
  if (group->interest == NULL) {
    stoa_free(group);
    return NULL;
  }
  return group;
}

static void destroy(struct stoa_worker *worker, struct stoa_group *group) {
  if (group == NULL) {
    return;
  }
  stoa_interest_release(&worker->server->interests, group->interest);
  for (size_t i = 0; i < STOA_VARIANTS_MAX; i++) {
    if (group->sides[i] != NULL) {
      stoa_batch_unref(group->sides[i]->batch);
      stoa_free(group->sides[i]->members);
      stoa_free(group->sides[i]);
    }
  }
  stoa_free(group);
}

int stoa_groups_init(struct stoa_worker *worker) {
  struct stoa_groups *groups = &worker->groups;
  int status = stoa_map_init(&groups->by_name, group_key);
  if (status != STOA_OK) {
    return status;
  }
  const struct stoa_server_config *config = &worker->server->config;
  stoa_linger_init(&groups->linger, worker->loop, config->linger_ms, config->linger_adaptive);
  groups->all = create(worker, stoa_string_make(NULL, 0));
  if (groups->all == NULL) {
    stoa_groups_fini(worker);
    return STOA_E_MEMORY;
  }
  return STOA_OK;
}

void stoa_groups_fini(struct stoa_worker *worker) {
  struct stoa_groups *groups = &worker->groups;
  size_t cursor = 0;
  for (void *group = stoa_map_next(&groups->by_name, &cursor); group != NULL;
       group = stoa_map_next(&groups->by_name, &cursor)) {
    destroy(worker, group);
  }
  stoa_map_fini(&groups->by_name);
  destroy(worker, groups->all);
  groups->all = NULL;
  groups->dirty = NULL;
  stoa_batch_unref(groups->spare);
  groups->spare = NULL;
}

uint32_t stoa_group_owner(const struct stoa_worker *worker, struct stoa_string name) {
  /* FNV-1a: all workers must agree, so the seeded hash of the tables is of no use here. */
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < name.len; i++) {
    hash = (hash ^ (uint8_t)name.data[i]) * 16777619u;
  }
  return name.len == 0 ? 0 : hash % worker->server->worker_count;
}

static struct stoa_group *find(struct stoa_worker *worker, struct stoa_string name) {
  if (name.len == 0) {
    return worker->groups.all;
  }
  return stoa_map_find(&worker->groups.by_name, stoa_bytes_make(name.data, name.len));
}

static struct stoa_group *find_or_create(struct stoa_worker *worker, struct stoa_string name) {
  struct stoa_group *group = find(worker, name);
  if (group != NULL) {
    return group;
  }
  group = create(worker, name);
  if (group != NULL && stoa_map_insert(&worker->groups.by_name, group) != STOA_OK) {
    destroy(worker, group);
    return NULL;
  }
  return group;
}

static uint64_t interested(const struct stoa_group *group, size_t variant) {
  return atomic_load_explicit(&group->interest->workers[variant], memory_order_acquire);
}

static bool has_interest(const struct stoa_group *group) {
  for (size_t i = 0; i < STOA_VARIANTS_MAX; i++) {
    if (interested(group, i) != 0) {
      return true;
    }
  }
  return false;
}

/* A group that nobody needs any more goes, on the owner when no worker has members; while it has something to send,
 * that is seen to at the end of the turn. */
static void drop_if_unused(struct stoa_worker *worker, struct stoa_group *group) {
  if (group == worker->groups.all || group->dirty || group->member_count > 0 ||
      (group->owner == worker->index && has_interest(group))) {
    return;
  }
  stoa_map_remove(&worker->groups.by_name, group_key(group));
  destroy(worker, group);
}

static struct stoa_group_side *side_of(struct stoa_group *group, size_t variant) {
  if (group->sides[variant] == NULL) {
    group->sides[variant] = stoa_calloc(1, sizeof *group->sides[variant]);
    if (group->sides[variant] != NULL) {
      group->sides[variant]->batch_number = 1;
    }
  }
  return group->sides[variant];
}

static size_t variant_of(const struct stoa_session *session) {
  const struct stoa_formats *formats = &stoa_worker_of(session)->server->formats;
  return stoa_format_variant(&formats->items[stoa_server_session_of(session)->format], session->deflate_bits);
}

/* Members. */

static int grow_members(struct stoa_group_side *side) {
  if (side->count < side->capacity) {
    return STOA_OK;
  }
  uint32_t capacity = side->capacity == 0 ? MEMBERS_AT_FIRST : side->capacity + side->capacity / 2;
  struct stoa_member *members = side->members == NULL ? stoa_alloc(capacity * sizeof *members)
                                                      : stoa_realloc(side->members, capacity * sizeof *members);
  if (members == NULL) {
    return STOA_E_MEMORY;
  }
  side->members = members;
  side->capacity = capacity;
  return STOA_OK;
}

static void set_interest(struct stoa_worker *worker, struct stoa_group *group, size_t variant, bool on) {
  uint64_t bit = (uint64_t)1 << worker->index;
  if (on) {
    atomic_fetch_or(&group->interest->workers[variant], bit);
    return;
  }
  atomic_fetch_and(&group->interest->workers[variant], ~bit);
  if (group->owner != worker->index) {
    /* Should the word not get through, the owner keeps an empty group until it is used again. */
    int ignored = stoa_post_review(worker, group->owner, stoa_string_make(group->name, group->name_len));
    (void)ignored;
  }
}

static int add_member(struct stoa_worker *worker, struct stoa_group *group, struct stoa_session *session,
                      uint32_t *out_index) {
  size_t variant = variant_of(session);
  struct stoa_group_side *side = side_of(group, variant);
  int status = side == NULL ? STOA_E_MEMORY : grow_members(side);
  if (status != STOA_OK) {
    return status;
  }
  if (side->count == 0) {
    set_interest(worker, group, variant, true);
  }
  /* What the group has gathered before is not for the newcomer. */
  uint32_t taken = side->batch == NULL ? 0 : (uint32_t)side->batch->bytes.len;
  side->members[side->count] = (struct stoa_member){session, side->batch_number, taken};
  *out_index = side->count;
  side->count++;
  group->member_count++;
  return STOA_OK;
}

/* Which of a session's memberships is in this group; for a member that moves within the array. */
static void set_index(struct stoa_session *session, const struct stoa_group *group, uint32_t index) {
  if (group->name_len == 0) {
    stoa_server_session_of(session)->all_index = index;
    return;
  }
  struct stoa_server_session *own = stoa_server_session_of(session);
  for (uint32_t i = 0; i < own->group_count; i++) {
    if (own->memberships[i].group == group) {
      own->memberships[i].index = index;
      return;
    }
  }
}

/* Where what it does not have yet begins. */
static size_t taken_by(const struct stoa_group_side *side, const struct stoa_member *member) {
  return member->batch_number == side->batch_number ? member->taken : 0;
}

static void take_rest(struct stoa_group_side *side, uint32_t index) {
  struct stoa_member *member = &side->members[index];
  size_t from = taken_by(side, member);
  if (side->batch != NULL && from < side->batch->bytes.len) {
    stoa_stream_output_queue(&member->session->stream, side->batch, from, side->batch->bytes.len);
    member->batch_number = side->batch_number;
    member->taken = (uint32_t)side->batch->bytes.len;
  }
}

static void remove_member(struct stoa_worker *worker, struct stoa_group *group, struct stoa_session *session,
                          uint32_t index) {
  size_t variant = variant_of(session);
  struct stoa_group_side *side = group->sides[variant];
  assert(side != NULL && index < side->count && side->members[index].session == session);
  take_rest(side, index);
  side->count--;
  group->member_count--;
  if (index < side->count) {
    side->members[index] = side->members[side->count];
    set_index(side->members[index].session, group, index);
  }
  if (side->count == 0) {
    stoa_free(side->members);
    side->members = NULL;
    side->capacity = 0;
    set_interest(worker, group, variant, false);
  }
}

int stoa_group_join_all(struct stoa_session *session) {
  struct stoa_worker *worker = stoa_worker_of(session);
  return add_member(worker, worker->groups.all, session, &stoa_server_session_of(session)->all_index);
}

static bool is_member(const struct stoa_session *session, struct stoa_string name, uint32_t *out_place) {
  for (uint32_t i = 0; i < stoa_server_session_of(session)->group_count; i++) {
    const struct stoa_group *group = stoa_server_session_of(session)->memberships[i].group;
    if (stoa_string_equal(stoa_string_make(group->name, group->name_len), name)) {
      *out_place = i;
      return true;
    }
  }
  return false;
}

static int add_membership(struct stoa_session *session) {
  size_t size = (stoa_server_session_of(session)->group_count + 1) * sizeof *stoa_server_session_of(session)->memberships;
  struct stoa_membership *memberships =
      stoa_server_session_of(session)->memberships == NULL ? stoa_alloc(size) : stoa_realloc(stoa_server_session_of(session)->memberships, size);
  if (memberships == NULL) {
    return STOA_E_MEMORY;
  }
  stoa_server_session_of(session)->memberships = memberships;
  return STOA_OK;
}

int stoa_session_join(struct stoa_session *session, struct stoa_string name) {
  struct stoa_worker *worker = stoa_worker_of(session);
  uint32_t place;
  if (name.len == 0 || name.len > STOA_GROUP_NAME_LEN_MAX) {
    return STOA_E_ARGUMENT;
  }
  if (session->state != STOA_SESSION_OPEN) {
    return STOA_E_CLOSED;
  }
  if (is_member(session, name, &place)) {
    return STOA_E_EXISTS;
  }
  if (stoa_server_session_of(session)->group_count == STOA_SESSION_GROUPS_MAX) {
    return STOA_E_LIMIT;
  }
  struct stoa_group *group = add_membership(session) == STOA_OK ? find_or_create(worker, name) : NULL;
  if (group == NULL) {
    return STOA_E_MEMORY;
  }
  struct stoa_membership *membership = &stoa_server_session_of(session)->memberships[stoa_server_session_of(session)->group_count];
  int status = add_member(worker, group, session, &membership->index);
  if (status != STOA_OK) {
    drop_if_unused(worker, group);
    return status;
  }
  membership->group = group;
  stoa_server_session_of(session)->group_count++;
  return STOA_OK;
}

int stoa_session_leave(struct stoa_session *session, struct stoa_string name) {
  struct stoa_worker *worker = stoa_worker_of(session);
  uint32_t place;
  if (!is_member(session, name, &place)) {
    return STOA_E_NOT_FOUND;
  }
  struct stoa_group *group = stoa_server_session_of(session)->memberships[place].group;
  remove_member(worker, group, session, stoa_server_session_of(session)->memberships[place].index);
  stoa_server_session_of(session)->group_count--;
  stoa_server_session_of(session)->memberships[place] = stoa_server_session_of(session)->memberships[stoa_server_session_of(session)->group_count];
  drop_if_unused(worker, group);
  return STOA_OK;
}

void stoa_group_leave_all(struct stoa_session *session) {
  struct stoa_worker *worker = stoa_worker_of(session);
  while (stoa_server_session_of(session)->group_count > 0) {
    stoa_server_session_of(session)->group_count--;
    struct stoa_membership *last = &stoa_server_session_of(session)->memberships[stoa_server_session_of(session)->group_count];
    struct stoa_group *group = last->group;
    remove_member(worker, group, session, last->index);
    drop_if_unused(worker, group);
  }
  stoa_free(stoa_server_session_of(session)->memberships);
  stoa_server_session_of(session)->memberships = NULL;
  remove_member(worker, worker->groups.all, session, stoa_server_session_of(session)->all_index);
}

/* Messages. */

static void mark_dirty(struct stoa_worker *worker, struct stoa_group *group, uint64_t due_ns) {
  if (group->dirty) {
    group->due_ns = due_ns < group->due_ns ? due_ns : group->due_ns;
  } else {
    group->dirty = true;
    group->due_ns = due_ns;
    group->next_dirty = worker->groups.dirty;
    worker->groups.dirty = group;
  }
}

static struct stoa_batch *open_batch(struct stoa_worker *worker, struct stoa_group_side *side) {
  if (side->batch == NULL) {
    side->batch = worker->groups.spare;
    worker->groups.spare = NULL;
    worker->groups.spare_used = true;
    if (side->batch == NULL) {
      side->batch = stoa_batch_create(BATCH_BYTES_MAX);
    }
  }
  return side->batch;
}

static int append_variant(struct stoa_worker *worker, struct stoa_group_side *side, size_t variant,
                          struct stoa_outgoing *outgoing) {
  struct stoa_batch *batch = open_batch(worker, side);
  struct stoa_deflater *deflater =
      variant % 2 == 0 ? NULL : stoa_session_deflater(&worker->sessions, STOA_DEFLATE_BITS_SHARED);
  if (batch == NULL || (variant % 2 == 1 && deflater == NULL)) {
    return STOA_E_MEMORY;
  }
  return stoa_format_write(&worker->server->formats.items[variant / 2], deflater, outgoing, &batch->bytes);
}

/* A message that one variant could not take is taken back from those before it: all members get it, or none. */
static void take_back(struct stoa_group *group, uint64_t written, const size_t lens[STOA_VARIANTS_MAX]) {
  for (size_t i = 0; i < STOA_VARIANTS_MAX; i++) {
    if ((written >> i & 1) != 0) {
      group->sides[i]->batch->bytes.len = lens[i];
    }
  }
}

/* Nobody waits for more once a lot is there. */
static uint64_t due_ns(const struct stoa_worker *worker, const struct stoa_group *group,
                       const struct stoa_group_side *side) {
  if (side != NULL && side->batch != NULL && side->batch->bytes.len >= LINGER_BYTES_MAX) {
    return 0;
  }
  return group->dirty ? group->due_ns : stoa_linger_due_ns(&worker->groups.linger, group->last_ns);
}

static int append_to(struct stoa_worker *worker, struct stoa_group *group, struct stoa_outgoing *outgoing) {
  size_t lens[STOA_VARIANTS_MAX];
  uint64_t written = 0;
  for (size_t i = 0; i < worker->server->formats.count * 2; i++) {
    if (interested(group, i) == 0) {
      continue;
    }
    struct stoa_group_side *side = side_of(group, i);
    lens[i] = side == NULL || side->batch == NULL ? 0 : side->batch->bytes.len;
    int status = side == NULL ? STOA_E_MEMORY : append_variant(worker, side, i, outgoing);
    mark_dirty(worker, group, due_ns(worker, group, side));
    if (status != STOA_OK) {
      take_back(group, written, lens);
      return status;
    }
    written |= (uint64_t)1 << i;
  }
  return STOA_OK;
}

/* The owner deals with a group as soon as any worker has members of it. */
static int find_for_append(struct stoa_worker *worker, struct stoa_string name, struct stoa_group **out_group) {
  *out_group = find(worker, name);
  if (*out_group != NULL) {
    return STOA_OK;
  }
  struct stoa_interest *interest = stoa_interest_acquire(&worker->server->interests, name, false);
  if (interest == NULL) {
    return STOA_OK; /* no members anywhere */
  }
  *out_group = find_or_create(worker, name);
  stoa_interest_release(&worker->server->interests, interest);
  return *out_group == NULL ? STOA_E_MEMORY : STOA_OK;
}

int stoa_group_append(struct stoa_worker *worker, struct stoa_string name, struct stoa_outgoing *outgoing) {
  struct stoa_group *group;
  int status = find_for_append(worker, name, &group);
  if (status != STOA_OK || group == NULL) {
    return status;
  }
  status = append_to(worker, group, outgoing);
  drop_if_unused(worker, group);
  return status;
}

void stoa_group_adopt(struct stoa_worker *worker, struct stoa_string name, size_t variant, struct stoa_batch *batch) {
  struct stoa_group *group = find(worker, name);
  struct stoa_group_side *side = group == NULL ? NULL : group->sides[variant];
  if (side == NULL || side->count == 0) {
    return;
  }
  mark_dirty(worker, group, 0); /* the owner has held it as long as it should be */
  if (side->batch == NULL) {
    side->batch = stoa_batch_ref(batch);
    return;
  }
  /* A second batch in one turn: join both, so that it stays one write a member. */
  struct stoa_batch *joined = side->batch;
  if (!stoa_batch_sole(joined)) {
    joined = stoa_batch_create(BATCH_BYTES_MAX);
    if (joined != NULL &&
        stoa_buffer_append(&joined->bytes, side->batch->bytes.data, side->batch->bytes.len) == STOA_OK) {
      stoa_batch_unref(side->batch);
      side->batch = joined;
    }
  }
  if (joined == NULL || side->batch != joined ||
      stoa_buffer_append(&joined->bytes, batch->bytes.data, batch->bytes.len) != STOA_OK) {
    if (joined != side->batch) {
      stoa_batch_unref(joined);
    }
    /* Never a silent hole: members that cannot be given the messages are let go and come back. */
    for (uint32_t i = 0; i < side->count; i++) {
      stoa_stream_doom(&side->members[i].session->stream, STOA_FATE_LOST);
    }
  }
}

void stoa_group_review(struct stoa_worker *worker, struct stoa_string name) {
  struct stoa_group *group = find(worker, name);
  if (group != NULL) {
    drop_if_unused(worker, group);
  }
}

static void settle_in(struct stoa_session *session, struct stoa_group *group, uint32_t index) {
  if (group->dirty) {
    take_rest(group->sides[variant_of(session)], index);
  }
}

void stoa_groups_settle(struct stoa_worker *worker, struct stoa_session *session) {
  /* One that is refused is no member of anything. */
  if (worker->groups.dirty == NULL || session->state != STOA_SESSION_OPEN || !stoa_server_session_of(session)->accepted) {
    return;
  }
  const struct stoa_server_session *own = stoa_server_session_of(session);
  settle_in(session, worker->groups.all, own->all_index);
  for (uint32_t i = 0; i < own->group_count; i++) {
    settle_in(session, own->memberships[i].group, own->memberships[i].index);
  }
}

static void write_to_members(struct stoa_group_side *side) {
  size_t len = side->batch->bytes.len;
  for (uint32_t i = 0; i < side->count; i++) {
    const struct stoa_member *member = &side->members[i];
    if (i + PREFETCH_MEMBERS < side->count) {
      __builtin_prefetch(side->members[i + PREFETCH_MEMBERS].session);
    }
    size_t from = taken_by(side, member);
    if (from < len) {
      stoa_stream_output_shared(&member->session->stream, side->batch, from, len);
    }
  }
}

static void post_to_workers(struct stoa_worker *worker, struct stoa_group *group, size_t variant) {
  struct stoa_batch *batch = group->sides[variant]->batch;
  uint64_t others = interested(group, variant) & ~((uint64_t)1 << worker->index);
  for (uint32_t to = 0; others != 0; to++, others >>= 1) {
    if ((others & 1) != 0 &&
        stoa_post_batch(worker, to, stoa_string_make(group->name, group->name_len), variant, batch) != STOA_OK) {
      stoa_worker_forsake(&worker->server->workers[to]);
    }
  }
}

static void next_batch_number(struct stoa_group_side *side) {
  side->batch_number++;
  if (side->batch_number == 0) {
    /* Numbers start over: nobody may be taken for one who took something of a batch of the same number. */
    for (uint32_t i = 0; i < side->count; i++) {
      side->members[i].batch_number = 0;
    }
    side->batch_number = 1;
  }
}

static void close_batch(struct stoa_worker *worker, struct stoa_group_side *side) {
  struct stoa_batch *batch = side->batch;
  side->batch = NULL;
  next_batch_number(side);
  if (worker->groups.spare == NULL && stoa_batch_sole(batch) && batch->bytes.cap <= SPARE_BYTES_MAX) {
    batch->bytes.len = 0;
    worker->groups.spare = batch;
    return;
  }
  stoa_batch_unref(batch);
}

static void flush_group(struct stoa_worker *worker, struct stoa_group *group) {
  for (size_t variant = 0; variant < worker->server->formats.count * 2; variant++) {
    struct stoa_group_side *side = group->sides[variant];
    if (side == NULL || side->batch == NULL || side->batch->bytes.len == 0) {
      continue;
    }
    write_to_members(side);
    if (group->owner == worker->index) {
      post_to_workers(worker, group, variant);
    }
  }
}

static void close_batches(struct stoa_worker *worker, struct stoa_group *group) {
  for (size_t variant = 0; variant < worker->server->formats.count * 2; variant++) {
    if (group->sides[variant] != NULL && group->sides[variant]->batch != NULL) {
      close_batch(worker, group->sides[variant]);
    }
  }
}

/* Take those off the list that are to be sent now, or all; the loop is woken for the others. */
static struct stoa_group *take_due(struct stoa_groups *groups, uint64_t now_ns, bool all) {
  struct stoa_group *ready = NULL;
  struct stoa_group **link = &groups->dirty;
  uint64_t next_ns = UINT64_MAX;
  while (*link != NULL) {
    struct stoa_group *group = *link;
    if (group->due_ns > now_ns && !all) {
      next_ns = group->due_ns < next_ns ? group->due_ns : next_ns;
      link = &group->next_dirty;
    } else {
      *link = group->next_dirty;
      group->next_dirty = ready;
      group->last_ns = now_ns;
      ready = group;
    }
  }
  if (next_ns != UINT64_MAX) {
    stoa_linger_wake_at(&groups->linger, next_ns);
  }
  return ready;
}

void stoa_groups_flush(struct stoa_worker *worker) {
  if (worker->groups.dirty == NULL) {
    return;
  }
  /* Who drains holds nothing: its loop may end with this turn, and members elsewhere are about to go. */
  uint64_t now_ns = stoa_linger_now_ns(&worker->groups.linger);
  struct stoa_group *ready = take_due(&worker->groups, now_ns, worker->draining);
  for (struct stoa_group *group = ready; group != NULL; group = group->next_dirty) {
    flush_group(worker, group);
  }
  /* The batches must stay until all sends from them are done. */
  stoa_turn_hand_over(&worker->streams.turn);
  while (ready != NULL) {
    struct stoa_group *group = ready;
    ready = group->next_dirty;
    close_batches(worker, group);
    group->dirty = false;
    drop_if_unused(worker, group);
  }
}

void stoa_groups_trim(struct stoa_worker *worker) {
  if (!worker->groups.spare_used) {
    stoa_batch_unref(worker->groups.spare);
    worker->groups.spare = NULL;
  }
  worker->groups.spare_used = false;
}
