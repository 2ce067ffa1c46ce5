#include "engine/local/pace.h"

#include <assert.h>

/* Waiting may take such a part of the last commit's time, also when turns are short. */
#define COMMIT_DIVISOR 2u
/* For fewer publishers, two commits cost more than the overlap saves. */
#define OVERLAP_COUNT_MIN 16u
/* A commit that takes a smaller part of a batch's time does not wait for the disk: two would only write more. */
#define COMMIT_PART_DIVISOR 3u
/* A loop whose turns take a larger part of a batch's time sends to many members. */
#define TURN_DIVISOR 2u
#define AVERAGE_OF 8u

static uint64_t most(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static void average(uint64_t *value, uint64_t sample) {
  *value = *value == 0 ? sample : *value - *value / AVERAGE_OF + sample / AVERAGE_OF;
}

static uint32_t group_count(const struct stoa_pace *pace) {
  return pace->overlaps ? 2 : 1;
}

void stoa_pace_note_batch(struct stoa_pace *pace, const struct stoa_pace_batch *batch) {
  assert(batch->commit_ns <= batch->duration_ns);
  pace->publishers = batch->publishes + batch->waiting;
  pace->last_commit_ns = batch->commit_ns;
  average(&pace->commit_ns, batch->commit_ns);
  average(&pace->batch_ns, batch->commit_ns + (batch->duration_ns - batch->commit_ns) * group_count(pace));
}

void stoa_pace_note_sent(struct stoa_pace *pace, uint64_t now_ns) {
  pace->sent_ns[1] = pace->sent_ns[0];
  pace->sent_ns[0] = now_ns;
}

/* Of two groups, the one that has come back is not the one that was answered last. Who comes back after a longer time
 * was not waiting for the answer. */
static void note_return(struct stoa_pace *pace, uint64_t arrived_ns) {
  uint64_t sent_ns = pace->sent_ns[group_count(pace) - 1];
  if (sent_ns != 0 && arrived_ns > sent_ns && arrived_ns - sent_ns <= STOA_PACE_WAIT_NS_MAX) {
    average(&pace->return_ns, (arrived_ns - sent_ns) * group_count(pace));
  }
}

static bool overlap_pays(const struct stoa_pace *pace) {
  return pace->publishers >= OVERLAP_COUNT_MIN && pace->commit_ns < pace->return_ns &&
         pace->commit_ns > pace->batch_ns / COMMIT_PART_DIVISOR && pace->turn_ns < pace->batch_ns / TURN_DIVISOR;
}

struct stoa_pace_plan stoa_pace_next(struct stoa_pace *pace, uint64_t arrived_ns, uint64_t turn_ns, uint32_t rows_max) {
  struct stoa_pace_plan plan = {.rows_max = rows_max};
  if (pace->publishers > 1) {
    note_return(pace, arrived_ns);
    average(&pace->turn_ns, turn_ns);
    pace->overlaps = overlap_pays(pace);
    plan.count = pace->publishers;
    plan.wait_ns = most(pace->last_commit_ns / COMMIT_DIVISOR, turn_ns + turn_ns / 4);
    plan.wait_ns = plan.wait_ns < STOA_PACE_WAIT_NS_MAX ? plan.wait_ns : STOA_PACE_WAIT_NS_MAX;
  }
  if (plan.count > 0 && pace->overlaps) {
    plan.count = (pace->publishers + 1) / 2;
    plan.rows_max = plan.count < rows_max ? plan.count : rows_max;
  }
  pace->publishers = 0;
  return plan;
}
