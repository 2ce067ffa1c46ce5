/* bench/durable/floor.c: SQLite alone, with all messages in flight in one commit.
 *
 * durable-floor FOLDER full|normal MESSAGES SECONDS. On standard output, a line of JSON. */
#include "engine/bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  unsigned batch = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
  if (batch == 0) {
    fprintf(stderr, "usage: durable-floor FOLDER full|normal MESSAGES SECONDS\n");
    return 2;
  }
  double syncs = bare_syncs(argv[1], 0.3);
  struct bare_figures figures = bare_measure(argv[1], strcmp(argv[2], "full") == 0, batch, 1, strtod(argv[4], NULL));
  bare_remove(argv[1]);
  printf("{\"per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_us\":%.2f,\"syncs_per_s\":%.1f}\n", figures.per_s,
         figures.p50_ms, figures.p99_ms, figures.cpu_us, syncs);
  return 0;
}
