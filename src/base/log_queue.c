#include "base/log_queue.h"

#include <assert.h>
#include <stoa/status.h>
#include <string.h>

static size_t first_part(size_t at, size_t len) {
  size_t to_end = STOA_LOG_QUEUE_BYTES - at;
  return len < to_end ? len : to_end;
}

static void copy_in(struct stoa_log_queue *queue, const void *data, size_t len) {
  size_t at = (queue->start + queue->used) % STOA_LOG_QUEUE_BYTES;
  size_t first = first_part(at, len);
  memcpy(queue->bytes + at, data, first);
  memcpy(queue->bytes, (const uint8_t *)data + first, len - first);
  queue->used += len;
}

static void copy_out(const struct stoa_log_queue *queue, size_t offset, void *out_data, size_t len) {
  size_t at = (queue->start + offset) % STOA_LOG_QUEUE_BYTES;
  size_t first = first_part(at, len);
  assert(offset + len <= queue->used);
  memcpy(out_data, queue->bytes + at, first);
  memcpy((uint8_t *)out_data + first, queue->bytes, len - first);
}

int stoa_log_queue_put(struct stoa_log_queue *queue, const struct stoa_log_record *record, const char *data) {
  assert(record->len > 0 && record->len <= STOA_LOG_LINE_BYTES_MAX);
  assert(queue->used <= STOA_LOG_QUEUE_BYTES);
  if (sizeof *record + record->len > STOA_LOG_QUEUE_BYTES - queue->used) {
    return STOA_E_LIMIT;
  }
  copy_in(queue, record, sizeof *record);
  copy_in(queue, data, record->len);
  return STOA_OK;
}

bool stoa_log_queue_front(const struct stoa_log_queue *queue, struct stoa_log_record *out_record,
                          char out_data[STOA_LOG_LINE_BYTES_MAX]) {
  if (queue->used == 0) {
    return false;
  }
  copy_out(queue, 0, out_record, sizeof *out_record);
  assert(out_record->len <= STOA_LOG_LINE_BYTES_MAX);
  copy_out(queue, sizeof *out_record, out_data, out_record->len);
  return true;
}

void stoa_log_queue_drop_front(struct stoa_log_queue *queue) {
  struct stoa_log_record record;
  copy_out(queue, 0, &record, sizeof record);
  size_t len = sizeof record + record.len;
  assert(len <= queue->used);
  queue->start = (queue->start + len) % STOA_LOG_QUEUE_BYTES;
  queue->used -= len;
}
