/* stoa bench: load any WebSocket server, check everything it delivers, and measure what that costs the server. */
#include <stdio.h>
#include <stdlib.h>

#include "bench_load.h"
#include "bench_options.h"
#include "bench_report.h"
#include "command.h"

static int run(const struct bench_options *options) {
  struct bench_result *result = malloc(sizeof *result);
  if (result == NULL || !bench_load_run(options, result)) {
    free(result);
    return EXIT_FAILED;
  }
  if (options->json) {
    bench_report_json(stdout, options, result);
  } else {
    bench_report_table(stdout, options, result);
  }
  int status = bench_result_failed(options, result) ? EXIT_FAILED : EXIT_FINE;
  free(result);
  return status;
}

int command_bench(int argc, char **argv) {
  struct bench_options options;
  switch (bench_options_parse(argc, argv, &options)) {
    case BENCH_PARSED_HELP:
      return EXIT_FINE;
    case BENCH_PARSED_WRONG:
      return EXIT_USAGE;
    case BENCH_PARSED_RUN:
      break;
  }
  return run(&options);
}
