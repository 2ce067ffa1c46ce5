#include "server/worker/table.h"

#include "base/array.h"
#include "base/memory.h"
#include "server/server_private.h"
#include "server/session_id.h"

#include <assert.h>

#define CAPACITY_MIN 16u
/* More than the descriptors of a process. */
#define CONNECTIONS_MAX UINT32_MAX

/* By id. */

static struct stoa_bytes session_key(const void *object) {
  const struct stoa_session *session = object;
  return stoa_bytes_make(session->id.bytes, sizeof session->id.bytes);
}

struct stoa_session *stoa_worker_find(struct stoa_worker *worker, const struct stoa_uuid *id) {
  struct stoa_session *session = stoa_map_find(&worker->ids, stoa_bytes_make(id->bytes, sizeof id->bytes));
  return session != NULL && session->state == STOA_SESSION_OPEN ? session : NULL;
}

int stoa_worker_add_session(struct stoa_worker *worker, struct stoa_session *session) {
  stoa_session_id_mark(&session->id, worker->index, worker->server->worker_count);
  return stoa_map_insert(&worker->ids, session);
}

void stoa_worker_remove_session(struct stoa_worker *worker, const struct stoa_session *session) {
  const void *removed = stoa_map_remove(&worker->ids, session_key(session));
  assert(removed == NULL || removed == session);
  (void)removed;
}

/* The table. */

int stoa_worker_table_reserve(struct stoa_worker *worker) {
  uint32_t capacity = worker->table_capacity;
  uint32_t due_capacity = worker->table_capacity;
  size_t count = (size_t)worker->table_count + 1;
  int status = stoa_array_reserve(&worker->table, sizeof *worker->table, &capacity, count, CONNECTIONS_MAX);
  if (status == STOA_OK) {
    status = stoa_array_reserve(&worker->due_ms, sizeof *worker->due_ms, &due_capacity, count, CONNECTIONS_MAX);
  }
  if (status == STOA_OK) {
    assert(capacity == due_capacity);
    worker->table_capacity = capacity;
  }
  return status;
}

void stoa_worker_table_shrink(struct stoa_worker *worker) {
  uint32_t capacity = worker->table_count < CAPACITY_MIN ? CAPACITY_MIN : worker->table_count;
  if (capacity < worker->table_capacity) {
    /* Set first: if an array cannot shrink, it is merely larger than needed. */
    worker->table_capacity = capacity;
    int ignored = stoa_array_resize(&worker->table, sizeof *worker->table, capacity);
    ignored = stoa_array_resize(&worker->due_ms, sizeof *worker->due_ms, capacity);
    (void)ignored;
  }
}

void stoa_worker_table_add(struct stoa_worker *worker, struct stoa_server_session *own) {
  assert(worker->table_count < worker->table_capacity); /* ensured by stoa_worker_table_reserve() */
  uint32_t slot = worker->table_count++;
  own->slot = slot;
  worker->table[slot] = own;
  if (worker->table_count > worker->peak_count) {
    worker->peak_count = worker->table_count;
  }
  worker->due_ms[slot] = (uint32_t)stoa_loop_now_ms(worker->loop) + worker->http.request_ms;
}

void stoa_worker_table_remove(struct stoa_worker *worker, const struct stoa_server_session *own) {
  uint32_t slot = own->slot;
  assert(slot < worker->table_count);
  assert(worker->table[slot] == own);
  worker->table_count--;
  worker->table[slot] = worker->table[worker->table_count];
  worker->due_ms[slot] = worker->due_ms[worker->table_count];
  worker->table[slot]->slot = slot;
}

int stoa_worker_table_init(struct stoa_worker *worker) {
  return stoa_map_init(&worker->ids, session_key);
}

void stoa_worker_table_fini(struct stoa_worker *worker) {
  assert(worker->table_count == 0);
  assert(worker->ids.count == 0);
  stoa_map_fini(&worker->ids);
  stoa_free(worker->table);
  stoa_free(worker->due_ms);
}
