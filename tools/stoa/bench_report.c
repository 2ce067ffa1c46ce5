#include "bench_report.h"

#include <inttypes.h>
#include <math.h>

static const char *const mode_names[] = {[BENCH_FANOUT] = "fanout", [BENCH_ECHO] = "echo", [BENCH_IDLE] = "idle"};

struct fault_line {
  const char *name;
  const char *text;
  uint64_t count;
};

enum { FAULT_COUNT = 6 };

static void list_faults(const struct bench_faults *faults, struct fault_line out_lines[FAULT_COUNT]) {
  out_lines[0] = (struct fault_line){"lost", "messages never arrived", faults->lost};
  out_lines[1] = (struct fault_line){"doubled", "messages arrived twice", faults->doubled};
  out_lines[2] = (struct fault_line){"out_of_order", "messages arrived after a later one", faults->out_of_order};
  out_lines[3] = (struct fault_line){"damaged", "messages differ from what was sent", faults->damaged};
  out_lines[4] =
      (struct fault_line){"disagreed", "connections saw a different order than the others", faults->disagreed};
  out_lines[5] = (struct fault_line){"closed", "connections were closed by the server", faults->closed};
}

bool bench_result_failed(const struct bench_options *options, const struct bench_result *result) {
  struct fault_line lines[FAULT_COUNT];
  list_faults(&result->faults, lines);
  for (int i = 0; i < FAULT_COUNT; i++) {
    if (lines[i].count > 0) {
      return true;
    }
  }
  return options->mode != BENCH_IDLE && result->deliveries == 0;
}

/* NAN: not measured, or no value. */
static double cpu_us(const struct bench_options *options, uint64_t cpu_ns, uint64_t count) {
  return options->pid_count == 0 || count == 0 ? NAN : (double)cpu_ns / 1e3 / (double)count;
}

static double per_connection(const struct bench_options *options, int64_t before, int64_t after) {
  return options->pid_count == 0 ? NAN : (double)(after - before) / (double)options->connections;
}

static double per_second(double count, double seconds) {
  return seconds > 0 ? count / seconds : NAN;
}

static double percentile_us(const struct bench_result *result, double fraction) {
  return result->latency.count == 0 ? NAN : (double)bench_histogram_percentile_ns(&result->latency, fraction) / 1e3;
}

static void row(FILE *to, const char *name, double value, int decimals, const char *unit) {
  if (isnan(value)) {
    return;
  }
  fprintf(to, "  %-26s %14.*f %s\n", name, decimals, value, unit);
}

static void print_load(FILE *to, const struct bench_options *options, const struct bench_result *result) {
  bool echo = options->mode == BENCH_ECHO;
  double deliveries = (double)result->deliveries;
  row(to, "messages sent", (double)result->messages, 0, "");
  row(to, echo ? "echoes" : "deliveries", deliveries, 0, "");
  row(to, echo ? "echo rate" : "delivery rate", per_second(deliveries, result->window_s), 0, "/s");
  row(to, echo ? "server CPU per echo" : "server CPU per delivery",
      cpu_us(options, result->server_cpu_ns, result->deliveries), 4, "us");
  row(to, "latency p50", percentile_us(result, 0.5), 1, "us");
  row(to, "latency p99", percentile_us(result, 0.99), 1, "us");
  row(to, "latency p99.9", percentile_us(result, 0.999), 1, "us");
}

static void print_faults(FILE *to, const struct bench_options *options, const struct bench_result *result) {
  struct fault_line lines[FAULT_COUNT];
  list_faults(&result->faults, lines);
  for (int i = 0; i < FAULT_COUNT; i++) {
    if (lines[i].count > 0) {
      fprintf(to, "  WRONG: %s: %" PRIu64 " %s\n", lines[i].name, lines[i].count, lines[i].text);
    }
  }
  if (result->faults.closed > 0 && result->close_code != 0) {
    fprintf(to, "  the last close code was %u\n", result->close_code);
  }
  if (options->mode != BENCH_IDLE && result->deliveries == 0) {
    fprintf(to, "  WRONG: nothing was delivered in the measured time\n");
  } else if (!bench_result_failed(options, result)) {
    fprintf(to, "  %s\n", options->mode == BENCH_IDLE ? "all connections stayed open" : "every delivery was correct");
  }
}

void bench_report_table(FILE *to, const struct bench_options *options, const struct bench_result *result) {
  fprintf(to, "%s, %u connections, %u senders, %zu bytes, %.2f s\n", mode_names[options->mode], options->connections,
          options->senders, options->size, result->window_s);
  if (options->mode != BENCH_IDLE) {
    print_load(to, options, result);
  }
  double server_s = options->pid_count == 0 ? NAN : (double)result->server_cpu_ns / 1e9;
  row(to, "server CPU", per_second(server_s * 100, result->window_s), 2, "% of a core");
  row(to, "generator CPU", per_second((double)result->own_cpu_ns / 1e7, result->window_s), 2, "% of a core");
  row(to, "handshakes", per_second(options->connections, result->handshake_s), 0, "/s");
  row(to, "server CPU per handshake", cpu_us(options, result->handshake_cpu_ns, options->connections), 2, "us");
  row(to, "private memory",
      per_connection(options, result->memory_before.private_dirty_bytes, result->memory_after.private_dirty_bytes), 0,
      "bytes per connection");
  row(to, "resident memory", per_connection(options, result->memory_before.rss_bytes, result->memory_after.rss_bytes),
      0, "bytes per connection");
  row(to, "compressed messages", options->deflate ? (double)result->inflated : NAN, 0, "");
  row(to, "foreign messages", result->foreign == 0 ? NAN : (double)result->foreign, 0, "");
  if (result->rewritten > 0) {
    fprintf(to,
            "  note: %" PRIu64
            " messages came back with other fields than were sent, such as the sender's name: the "
            "server fills them in, and only the text was checked\n",
            result->rewritten);
  }
  print_faults(to, options, result);
}

static void json_number(FILE *to, const char *name, double value) {
  if (isfinite(value)) {
    fprintf(to, ",\"%s\":%.6g", name, value);
  } else {
    fprintf(to, ",\"%s\":null", name);
  }
}

static void json_count(FILE *to, const char *name, uint64_t value) {
  fprintf(to, ",\"%s\":%" PRIu64, name, value);
}

/* RFC 8259 7. */
static void json_string(FILE *to, const char *text) {
  fputc('"', to);
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\') {
      fprintf(to, "\\%c", *text);
    } else if ((unsigned char)*text < ' ') {
      fprintf(to, "\\u%04x", (unsigned)*text);
    } else {
      fputc(*text, to);
    }
  }
  fputc('"', to);
}

static void json_asked(FILE *to, const struct bench_options *options) {
  fprintf(to, "{\"mode\":\"%s\",\"url\":", mode_names[options->mode]);
  json_string(to, options->url);
  json_count(to, "connections", options->connections);
  json_count(to, "senders", options->senders);
  json_count(to, "window", options->window);
  json_number(to, "rate_per_s", options->rate_per_s > 0 ? options->rate_per_s : NAN);
  json_count(to, "size", options->size);
}

static void json_faults(FILE *to, const struct bench_result *result) {
  struct fault_line lines[FAULT_COUNT];
  list_faults(&result->faults, lines);
  fprintf(to, ",\"faults\":{");
  for (int i = 0; i < FAULT_COUNT; i++) {
    fprintf(to, "%s\"%s\":%" PRIu64, i == 0 ? "" : ",", lines[i].name, lines[i].count);
  }
  fprintf(to, "}");
}

void bench_report_json(FILE *to, const struct bench_options *options, const struct bench_result *result) {
  bool measured = options->pid_count > 0;
  json_asked(to, options);
  json_number(to, "window_s", result->window_s);
  json_count(to, "messages", result->messages);
  json_count(to, "deliveries", result->deliveries);
  json_number(to, "deliveries_per_s", per_second((double)result->deliveries, result->window_s));
  json_number(to, "server_cpu_us_per_delivery", cpu_us(options, result->server_cpu_ns, result->deliveries));
  json_number(to, "server_cpu_s", measured ? (double)result->server_cpu_ns / 1e9 : NAN);
  json_number(to, "generator_cpu_s", (double)result->own_cpu_ns / 1e9);
  json_number(to, "latency_p50_us", percentile_us(result, 0.5));
  json_number(to, "latency_p99_us", percentile_us(result, 0.99));
  json_number(to, "latency_p999_us", percentile_us(result, 0.999));
  json_number(to, "handshakes_per_s", per_second(options->connections, result->handshake_s));
  json_number(to, "server_cpu_us_per_handshake", cpu_us(options, result->handshake_cpu_ns, options->connections));
  json_number(
      to, "private_bytes_per_connection",
      per_connection(options, result->memory_before.private_dirty_bytes, result->memory_after.private_dirty_bytes));
  json_number(to, "resident_bytes_per_connection",
              per_connection(options, result->memory_before.rss_bytes, result->memory_after.rss_bytes));
  json_count(to, "foreign", result->foreign);
  json_count(to, "rewritten", result->rewritten);
  json_count(to, "inflated", result->inflated);
  json_count(to, "close_code", result->close_code);
  json_faults(to, result);
  fprintf(to, ",\"passed\":%s}\n", bench_result_failed(options, result) ? "false" : "true");
}
