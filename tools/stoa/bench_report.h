/* tools/stoa/bench_report.h: writes a run's result, for people or for programs. */
#ifndef STOA_TOOL_BENCH_REPORT_H
#define STOA_TOOL_BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "bench_load.h"
#include "bench_options.h"

/* Was there a fault, or was nothing delivered although something should have been? */
bool bench_result_failed(const struct bench_options *options, const struct bench_result *result);

void bench_report_table(FILE *to, const struct bench_options *options, const struct bench_result *result);
/* One JSON object on one line. Values that were not measured are null. */
void bench_report_json(FILE *to, const struct bench_options *options, const struct bench_result *result);

#endif
