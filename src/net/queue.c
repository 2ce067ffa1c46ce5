#include "net/queue.h"

#include "base/array.h"
#include "base/memory.h"
#include "wire/sent.h"

#include <assert.h>
#include <sys/uio.h>

/* The limit of a queue is its bytes, not its segments. */
#define SEGMENTS_MAX UINT32_MAX
#define OWN_BYTES_AT_FIRST 512
/* A batch of this length gets no more bytes: it is freed only when all of it is sent, so a queue that is never empty
 * would otherwise keep every byte it ever had. */
#define OWN_BYTES_FULL (64u * 1024)
#define IOV_PER_WRITE 64

struct stoa_queue *stoa_queue_create(struct stoa_metric_cell *backlog) {
  struct stoa_queue *queue = stoa_calloc(1, sizeof *queue);
  if (queue != NULL) {
    queue->backlog = backlog;
  }
  return queue;
}

/* All changes of `bytes`. A gauge takes a negative number as its two's complement. */
static void add_bytes(struct stoa_queue *queue, size_t count) {
  queue->bytes += count;
  if (queue->backlog != NULL) {
    stoa_metric_cell_add(queue->backlog, count);
  }
}

static void take_bytes(struct stoa_queue *queue, size_t count) {
  assert(count <= queue->bytes);
  queue->bytes -= count;
  if (queue->backlog != NULL) {
    stoa_metric_cell_add(queue->backlog, -(uint64_t)count);
  }
}

static struct stoa_segment *segment_at(const struct stoa_queue *queue, uint32_t index) {
  return &queue->segments[queue->first + index];
}

static void drop_first(struct stoa_queue *queue) {
  assert(queue->count > 0);
  stoa_batch_unref(segment_at(queue, 0)->batch);
  queue->first++;
  queue->count--;
}

void stoa_queue_destroy(struct stoa_queue *queue) {
  if (queue == NULL) {
    return;
  }
  take_bytes(queue, queue->bytes);
  while (queue->count > 0) {
    drop_first(queue);
  }
  stoa_free(queue->segments);
  stoa_free(queue);
}

static int make_room(struct stoa_queue *queue) {
  if (queue->first + queue->count < queue->capacity) {
    return STOA_OK;
  }
  if (queue->first > 0) {
    memmove(queue->segments, segment_at(queue, 0), queue->count * sizeof *queue->segments);
    queue->first = 0;
    return STOA_OK;
  }
  return stoa_array_reserve(&queue->segments, sizeof *queue->segments, &queue->capacity, (size_t)queue->count + 1,
                            SEGMENTS_MAX);
}

int stoa_queue_share(struct stoa_queue *queue, struct stoa_batch *batch, size_t start, size_t end) {
  assert(start < end);
  assert(end <= batch->bytes.len);
  int status = make_room(queue);
  if (status != STOA_OK) {
    return status;
  }
  *segment_at(queue, queue->count) = (struct stoa_segment){stoa_batch_ref(batch), start, start, end, false};
  queue->count++;
  add_bytes(queue, end - start);
  return STOA_OK;
}

static bool takes_more(const struct stoa_segment *segment) {
  const struct stoa_buffer *bytes = &segment->batch->bytes;
  return !segment->sealed && segment->end == bytes->len && bytes->len < OWN_BYTES_FULL &&
         stoa_batch_sole(segment->batch);
}

struct stoa_batch *stoa_queue_own_begin(struct stoa_queue *queue) {
  if (queue->count > 0 && takes_more(segment_at(queue, queue->count - 1))) {
    return segment_at(queue, queue->count - 1)->batch;
  }
  if (make_room(queue) != STOA_OK) {
    return NULL;
  }
  struct stoa_batch *batch = stoa_batch_create(STOA_QUEUE_OWN_BYTES_MAX);
  if (batch == NULL || stoa_buffer_reserve(&batch->bytes, OWN_BYTES_AT_FIRST) != STOA_OK) {
    stoa_batch_unref(batch);
    return NULL;
  }
  *segment_at(queue, queue->count) = (struct stoa_segment){batch, 0, 0, 0, false};
  queue->count++;
  return batch;
}

void stoa_queue_own_end(struct stoa_queue *queue) {
  assert(queue->count > 0);
  struct stoa_segment *last = segment_at(queue, queue->count - 1);
  assert(last->batch->bytes.len >= last->end);
  add_bytes(queue, last->batch->bytes.len - last->end);
  last->end = last->batch->bytes.len;
  if (last->end == last->sent) {
    /* Nothing was appended. Writing and cutting need not handle an empty segment. */
    stoa_batch_unref(last->batch);
    queue->count--;
  }
}

static size_t gather(const struct stoa_queue *queue, struct iovec iov[IOV_PER_WRITE]) {
  size_t count = 0;
  for (uint32_t i = 0; i < queue->count && count < IOV_PER_WRITE; i++) {
    const struct stoa_segment *segment = segment_at(queue, i);
    iov[count].iov_base = segment->batch->bytes.data + segment->sent;
    iov[count].iov_len = segment->end - segment->sent;
    count++;
  }
  return count;
}

void stoa_queue_advance(struct stoa_queue *queue, size_t written) {
  take_bytes(queue, written);
  while (queue->count > 0) {
    struct stoa_segment *segment = segment_at(queue, 0);
    size_t left = segment->end - segment->sent;
    if (written < left) {
      segment->sent += written;
      return;
    }
    written -= left;
    drop_first(queue);
  }
  assert(written == 0);
  assert(queue->bytes == 0);
}

int stoa_queue_flush(struct stoa_queue *queue, struct stoa_conn *conn) {
  while (queue->bytes > 0) {
    struct iovec iov[IOV_PER_WRITE];
    size_t count = gather(queue, iov);
    size_t written;
    int status = stoa_conn_write(conn, iov, count, &written);
    if (status != STOA_OK) {
      return status;
    }
    stoa_queue_advance(queue, written);
  }
  return STOA_OK;
}

void stoa_queue_begin_frames(struct stoa_queue *queue, size_t at) {
  assert(queue->count == 1);
  assert(at <= segment_at(queue, 0)->end);
  segment_at(queue, 0)->start = at;
}

void stoa_queue_seal(struct stoa_queue *queue) {
  for (uint32_t i = 0; queue != NULL && i < queue->count; i++) {
    segment_at(queue, i)->sealed = true;
  }
}

/* The first edge of a frame after the bytes that must be sent. */
static size_t edge_behind(const struct stoa_segment *segment, size_t promised) {
  assert(promised < segment->end - segment->sent);
  size_t edge = segment->start;
  while (edge < segment->sent + promised) {
    edge += stoa_sent_len(segment->batch->bytes.data + edge);
  }
  assert(edge <= segment->end);
  return edge;
}

/* The number of segments at the front that stay whole: sealed ones, and those whose bytes are all promised. Leaves in
 * *promised the promised bytes of the next segment. */
static uint32_t whole_segments(const struct stoa_queue *queue, size_t *promised) {
  uint32_t kept = 0;
  for (; kept < queue->count; kept++) {
    const struct stoa_segment *segment = segment_at(queue, kept);
    size_t left = segment->end - segment->sent;
    if (!segment->sealed && *promised < left) {
      break;
    }
    *promised -= *promised < left ? *promised : left;
  }
  return kept;
}

void stoa_queue_cut(struct stoa_queue *queue, size_t promised) {
  if (queue == NULL || queue->count == 0) {
    return;
  }
  assert(promised <= queue->bytes);
  uint32_t kept = whole_segments(queue, &promised);
  if (kept < queue->count && (kept == 0 || promised > 0)) {
    struct stoa_segment *last = segment_at(queue, kept);
    size_t edge = edge_behind(last, promised);
    take_bytes(queue, last->end - edge);
    last->end = edge;
    kept++;
  }
  while (queue->count > kept) {
    queue->count--;
    struct stoa_segment *last = segment_at(queue, queue->count);
    take_bytes(queue, last->end - last->sent);
    stoa_batch_unref(last->batch);
  }
  while (queue->bytes == 0 && queue->count > 0) {
    drop_first(queue);
  }
}
