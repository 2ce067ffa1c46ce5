#include "net/turn.h"

#include "base/memory.h"
#include "base/uninitialized.h"

#include <assert.h>
#include <errno.h>
#include <stoa/log.h>

#define ENTRIES_AT_FIRST 16
/* The buffer that is kept warm between turns is at most this big. */
#define OWN_BYTES_KEPT ((size_t)256 * 1024)

int stoa_turn_use_ring(struct stoa_turn *turn, struct stoa_send_ring *ring) {
  turn->ring = ring;
  turn->sends = stoa_calloc(STOA_SEND_RING_ENTRIES, sizeof *turn->sends);
  return turn->sends == NULL ? STOA_E_MEMORY : STOA_OK;
}

void stoa_turn_begin_thread(struct stoa_turn *turn) {
  if (turn->ring != NULL && stoa_send_ring_enable(turn->ring) != STOA_OK) {
    stoa_log(STOA_LOG_WARN, "io_uring cannot be used; each send is a separate system call",
             STOA_F_STR("reason", strerror(errno)));
    stoa_turn_end_thread(turn);
  }
}

void stoa_turn_end_thread(struct stoa_turn *turn) {
  assert(turn->send_count == 0);
  stoa_send_ring_destroy(turn->ring);
  turn->ring = NULL;
}

void stoa_turn_fini(struct stoa_turn *turn) {
  assert(turn->stream_count == 0);
  stoa_batch_unref(turn->own);
  stoa_free(turn->entries);
  stoa_free(turn->sends);
  stoa_send_ring_destroy(turn->ring);
  *turn = (struct stoa_turn){0};
}

/* Not with realloc(), which would copy, and so touch, the whole table, of which a turn mostly uses a few entries. */
static int resize(struct stoa_turn *turn, uint32_t capacity) {
  struct stoa_turn_entry *entries = stoa_alloc(capacity * sizeof *entries);
  if (entries == NULL) {
    return STOA_E_MEMORY;
  }
  if (turn->count > 0) {
    memcpy(entries, turn->entries, turn->count * sizeof *entries);
  }
  stoa_free(turn->entries);
  turn->entries = entries;
  turn->capacity = capacity;
  return STOA_OK;
}

int stoa_turn_admit(struct stoa_turn *turn) {
  if (turn->stream_count == turn->capacity) {
    uint32_t capacity = turn->capacity == 0 ? ENTRIES_AT_FIRST : turn->capacity + turn->capacity / 2;
    if (resize(turn, capacity) != STOA_OK) {
      return STOA_E_MEMORY;
    }
  }
  turn->stream_count++;
  return STOA_OK;
}

void stoa_turn_dismiss(struct stoa_turn *turn) {
  assert(turn->stream_count > 0);
  turn->stream_count--;
}

uint32_t stoa_turn_mark(struct stoa_turn *turn, struct stoa_stream *stream) {
  assert(turn->count < turn->capacity);
  turn->entries[turn->count] = (struct stoa_turn_entry){.stream = stream};
  return turn->count++;
}

bool stoa_turn_gather(struct stoa_turn *turn, const struct stoa_turn_send *send) {
  if (turn->ring == NULL) {
    return false;
  }
  if (turn->send_count == STOA_SEND_RING_ENTRIES) {
    stoa_turn_hand_over(turn);
  }
  turn->sends[turn->send_count++] = *send;
  return true;
}

void stoa_turn_hand_over(struct stoa_turn *turn) {
  struct stoa_send sends[STOA_SEND_RING_ENTRIES] STOA_UNINITIALIZED;
  uint32_t count = turn->send_count;
  if (count == 0) {
    return;
  }
  /* Addresses are taken only now, because the batches may have moved while they grew. */
  for (uint32_t i = 0; i < count; i++) {
    const struct stoa_turn_send *send = &turn->sends[i];
    sends[i].fd = send->fd;
    sends[i].data = send->batch->bytes.data + send->start;
    sends[i].len = send->end - send->start;
  }
  stoa_send_ring_send(turn->ring, sends, count);
  turn->send_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    turn->events->on_sent(&turn->sends[i], sends[i].taken);
  }
  assert(turn->send_count == 0); /* handling a result writes, it never gathers */
}

void stoa_turn_end(struct stoa_turn *turn) {
  stoa_turn_hand_over(turn);
  /* Flushing may add entries: a member whose send was short joins the list. No stream is on it twice, because its mark
   * is removed only after all entries are done. */
  uint32_t at = 0;
  while (at < turn->count || turn->send_count > 0) {
    if (at < turn->count) {
      turn->events->on_flush(turn->entries[at++].stream);
    } else {
      stoa_turn_hand_over(turn);
    }
  }
  uint32_t count = turn->count;
  turn->count = 0;
  if (turn->own != NULL) {
    turn->own->bytes.len = 0;
  }
  for (uint32_t i = 0; i < count; i++) {
    /* A stream that is marked again takes an entry that was handled before. */
    turn->events->on_unmark(turn->entries[i].stream);
  }
}

void stoa_turn_trim(struct stoa_turn *turn) {
  bool big = turn->own != NULL && turn->own->bytes.cap > OWN_BYTES_KEPT;
  if (turn->count == 0 && (big || !turn->own_used)) {
    stoa_batch_unref(turn->own);
    turn->own = NULL;
  }
  turn->own_used = false;
  if (turn->count == 0 && turn->capacity > ENTRIES_AT_FIRST && turn->stream_count < turn->capacity / 4) {
    /* On failure the larger table stays. */
    int ignored = resize(turn, turn->capacity / 2);
    (void)ignored;
  }
}
