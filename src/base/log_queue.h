/* base/log_queue.h: lines that wait to be written, in a ring of fixed size.
 *
 * Does not know: threads, descriptors. Zeroed memory is an empty queue; nothing has to be released.
 */
#ifndef STOA_BASE_LOG_QUEUE_H
#define STOA_BASE_LOG_QUEUE_H

#include "base/log_line.h"

#define STOA_LOG_QUEUE_BYTES (256u * 1024)

/* Stored before each line. */
struct stoa_log_record {
  int fd;
  uint32_t len; /* of the line */
  enum stoa_log_severity level;
  uint64_t noticed; /* how many dropped lines it reports; 0 for an ordinary line */
};

struct stoa_log_queue {
  size_t start;
  size_t used; /* bytes, with records */
  uint8_t bytes[STOA_LOG_QUEUE_BYTES];
};

/* Errors: STOA_E_LIMIT  there is no room; nothing was added */
int stoa_log_queue_put(struct stoa_log_queue *queue, const struct stoa_log_record *record, const char *data);
/* Copy the oldest line; false when the queue is empty. */
bool stoa_log_queue_front(const struct stoa_log_queue *queue, struct stoa_log_record *out_record,
                          char out_data[STOA_LOG_LINE_BYTES_MAX]);
/* Remove the oldest line. */
void stoa_log_queue_drop_front(struct stoa_log_queue *queue);

#endif
