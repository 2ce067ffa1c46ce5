/* bench/token/secret.c: does the comparison of keys tell by its time where two keys differ?
 *
 * Keys of 32 characters that differ in the first byte and keys that differ in the last one are compared in turn, in
 * groups, and the times of the two kinds are compared by Welch's t-test. Above 4.5 they differ. Prints t.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include <stoa/token.h>

#define TRIES 100000
#define GROUP 64 /* comparisons of one try: a single one is shorter than the clock's step */
#define KEY_LEN 32
#define WARM_UP 1000

struct moments {
  double count, mean, squares; /* Welford's sums */
};

static void add(struct moments *moments, double value) {
  double delta = value - moments->mean;
  moments->count++;
  moments->mean += delta / moments->count;
  moments->squares += delta * (value - moments->mean);
}

static double measure(const uint8_t *key, const uint8_t *other) {
  volatile unsigned equal = 0;
  uint64_t start_ns = stoa_clock_monotonic_ns(&stoa_clock_system);
  for (int i = 0; i < GROUP; i++) {
    equal += stoa_secret_equal(stoa_bytes_make(key, KEY_LEN), stoa_bytes_make(other, KEY_LEN));
  }
  return (double)(stoa_clock_monotonic_ns(&stoa_clock_system) - start_ns);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Interrupts make a few tries hundreds of times longer: the longest tenth of all is left out. */
static double limit_of(const double *times, size_t count) {
  double *sorted = malloc(count * sizeof *sorted);
  if (sorted == NULL) {
    return INFINITY;
  }
  memcpy(sorted, times, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, by_value);
  double limit = sorted[count - count / 10];
  free(sorted);
  return limit;
}

int main(void) {
  uint8_t key[KEY_LEN];
  uint8_t other[KEY_LEN]; /* one place for both kinds, so that only the bytes differ */
  struct moments moments[2] = {{0, 0, 0}, {0, 0, 0}};
  static double times[2 * TRIES];
  static uint8_t kinds[2 * TRIES];
  memset(key, 'k', sizeof key);
  uint32_t random = 1;
  for (int i = -WARM_UP; i < 2 * TRIES; i++) {
    random = random * 1664525u + 1013904223u; /* in no order that something else could follow */
    uint8_t kind = (uint8_t)(random >> 31);
    memcpy(other, key, sizeof key);
    other[0] = kind == 0 ? 'x' : 'k';
    other[KEY_LEN - 1] = kind == 0 ? 'k' : 'x';
    double ns = measure(key, other);
    if (i >= 0) {
      times[i] = ns;
      kinds[i] = kind;
    }
  }
  double limit = limit_of(times, 2 * TRIES);
  for (int i = 0; i < 2 * TRIES; i++) {
    if (times[i] <= limit) {
      add(&moments[kinds[i]], times[i]);
    }
  }
  double error = 0;
  for (int i = 0; i < 2; i++) {
    error += moments[i].squares / (moments[i].count - 1) / moments[i].count;
  }
  double t = error > 0 ? (moments[0].mean - moments[1].mean) / sqrt(error) : 0;
  printf("first byte %.2f ns, last byte %.2f ns, t = %.2f (4.5 and above: they differ)\n", moments[0].mean / GROUP,
         moments[1].mean / GROUP, t);
  return fabs(t) < 4.5 ? 0 : 1;
}
