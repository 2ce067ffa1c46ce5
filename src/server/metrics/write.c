/* server/metrics/write.c: a scrape: what the shards have counted, then what is looked up now. */
#include "server/metrics/metrics.h"
#include "server/metrics/process.h"
#include "server/server_private.h"

#include <assert.h>
#include <stoa/call.h>
#include <stoa/call_stream.h>
#include <stoa/log.h>
#include <stoa/version.h>

#define COMPILER_VERSION __VERSION__

static void write_value(struct stoa_metric_text *text, const struct stoa_metric_family *family, uint64_t value) {
  stoa_metric_text_family(text, family);
  stoa_metric_text_value(text, NULL, 0, value);
}

static void write_labeled(struct stoa_metric_text *text, const char *name, const char *label, uint64_t value) {
  const struct stoa_metric_label labels[] = {{name, label}};
  stoa_metric_text_value(text, labels, 1, value);
}

/* Sessions. */

static void write_sessions(struct stoa_server *server, struct stoa_metric_text *text) {
  static const struct stoa_metric_family connections = {
      "stoa_connections", "Open connections, also those not upgraded.", NULL, STOA_METRIC_GAUGE, 0};
  static const struct stoa_metric_family sessions = {"stoa_sessions", "Open sessions.", NULL, STOA_METRIC_GAUGE, 0};
  static const struct stoa_metric_family by_codec = {"stoa_codec_sessions", "Admitted sessions by codec.", NULL,
                                                     STOA_METRIC_GAUGE, 0};
  static const struct stoa_metric_family groups = {"stoa_groups", "Groups that have members, or had some a moment ago.",
                                                   NULL, STOA_METRIC_GAUGE, 0};
  write_value(text, &connections, atomic_load(&server->connections));
  write_value(text, &sessions, atomic_load(&server->sessions));
  stoa_metric_text_family(text, &by_codec);
  for (size_t i = 0; i < server->codecs.count; i++) {
    write_labeled(text, "codec", server->codecs.codecs[i]->name,
                  atomic_load_explicit(&server->codec_sessions[i], memory_order_relaxed));
  }
  write_value(text, &groups, stoa_interests_count(&server->interests));
}

/* Workers. */

static void write_workers(const struct stoa_server *server, struct stoa_metric_text *text) {
  static const struct stoa_metric_family workers = {"stoa_workers", "Workers, each with a thread and a loop.", NULL,
                                                    STOA_METRIC_GAUGE, 0};
  static const struct stoa_metric_family mailbox = {
      "stoa_mailbox_bytes", "Bytes that wait for workers: messages of other threads, and batches of other workers.",
      "bytes", STOA_METRIC_GAUGE, 0};
  static const struct stoa_metric_family lag = {"stoa_loop_lag_worst_seconds",
                                                "How late the timers of the worker with the greatest lag ran last.",
                                                "seconds", STOA_METRIC_GAUGE, 9};
  uint64_t messages = 0;
  uint64_t batches = 0;
  uint64_t worst_ns = 0;
  for (uint32_t i = 0; i < server->worker_count && server->workers != NULL; i++) {
    struct stoa_worker *worker = &server->workers[i];
    uint64_t late_ns = atomic_load_explicit(&worker->watch.late_ns, memory_order_relaxed);
    messages += atomic_load_explicit(&worker->mailbox.taken, memory_order_relaxed);
    batches += atomic_load_explicit(&worker->batches.taken, memory_order_relaxed);
    worst_ns = late_ns > worst_ns ? late_ns : worst_ns;
  }
  write_value(text, &workers, server->worker_count);
  stoa_metric_text_family(text, &mailbox);
  write_labeled(text, "content", "messages", messages);
  write_labeled(text, "content", "batches", batches);
  write_value(text, &lag, worst_ns);
}

/* Calls. */

static void write_calls(const struct stoa_server *server, struct stoa_metric_text *text) {
  static const struct stoa_metric_family ended = {
      "stoa_calls", "Calls whose handle was taken and that have ended, by their result.", NULL, STOA_METRIC_COUNTER, 0};
  static const struct stoa_metric_family outstanding = {
      "stoa_calls_outstanding", "Calls whose handle was taken and that have not ended.", NULL, STOA_METRIC_GAUGE, 0};
  static const struct stoa_metric_family late = {
      "stoa_late_answers", "Answers of the program to calls that had ended otherwise.", NULL, STOA_METRIC_COUNTER, 0};
  struct stoa_call_counts counts;
  stoa_server_call_counts(server, &counts);
  stoa_metric_text_family(text, &ended);
  write_labeled(text, "result", "replied", counts.replied);
  write_labeled(text, "result", "failed", counts.failed);
  write_labeled(text, "result", "dropped", counts.dropped);
  write_labeled(text, "result", "timed_out", counts.timed_out);
  write_labeled(text, "result", "abandoned", counts.abandoned);
  write_value(text, &outstanding, counts.outstanding);
  write_value(text, &late, counts.late);
}

static void write_streams(const struct stoa_server *server, struct stoa_metric_text *text) {
  static const struct stoa_metric_family ended = {"stoa_streams", "Streams of rpcs that have ended, by their result.",
                                                  NULL, STOA_METRIC_COUNTER, 0};
  static const struct stoa_metric_family outstanding = {
      "stoa_streams_outstanding", "Streams of rpcs that have not ended.", NULL, STOA_METRIC_GAUGE, 0};
  static const struct stoa_metric_family items = {"stoa_stream_items", "Items that were sent to streams of rpcs.", NULL,
                                                  STOA_METRIC_COUNTER, 0};
  static const struct stoa_metric_family late = {"stoa_late_stream_ends",
                                                 "Ends that the program gave to streams that had ended otherwise.",
                                                 NULL, STOA_METRIC_COUNTER, 0};
  struct stoa_call_stream_counts counts;
  stoa_server_call_stream_counts(server, &counts);
  stoa_metric_text_family(text, &ended);
  write_labeled(text, "result", "ended", counts.ended);
  write_labeled(text, "result", "failed", counts.failed);
  write_labeled(text, "result", "dropped", counts.dropped);
  write_labeled(text, "result", "cancelled", counts.cancelled);
  write_labeled(text, "result", "timed_out", counts.timed_out);
  write_labeled(text, "result", "abandoned", counts.abandoned);
  write_value(text, &outstanding, counts.outstanding);
  write_value(text, &items, counts.items);
  write_value(text, &late, counts.late);
}

/* The process. */

static void write_stat(const struct stoa_process *process, struct stoa_metric_text *text) {
  static const struct stoa_metric_family cpu = {"process_cpu_seconds", "Processor time of this process, in seconds.",
                                                "seconds", STOA_METRIC_COUNTER, 9};
  static const struct stoa_metric_family resident = {"process_resident_memory_bytes", "Memory that is resident.",
                                                     "bytes", STOA_METRIC_GAUGE, 0};
  static const struct stoa_metric_family virtual = {"process_virtual_memory_bytes", "Memory that is mapped.", "bytes",
                                                    STOA_METRIC_GAUGE, 0};
  static const struct stoa_metric_family started = {
      "process_start_time_seconds", "When this process began, in seconds since 1970.", "seconds", STOA_METRIC_GAUGE, 3};
  write_value(text, &cpu, process->cpu_ns);
  write_value(text, &resident, process->resident_bytes);
  write_value(text, &virtual, process->virtual_bytes);
  write_value(text, &started, process->started_ms);
}

static void write_process(struct stoa_metric_text *text) {
  static const struct stoa_metric_family open_fds = {"process_open_fds", "Open descriptors.", NULL, STOA_METRIC_GAUGE,
                                                     0};
  static const struct stoa_metric_family max_fds = {"process_max_fds", "The limit of open descriptors.", NULL,
                                                    STOA_METRIC_GAUGE, 0};
  struct stoa_process process;
  stoa_process_read(&process);
  if (process.has_stat) {
    write_stat(&process, text);
  }
  if (process.has_fds) {
    write_value(text, &open_fds, process.open_fds);
  }
  if (process.has_max_fds) {
    write_value(text, &max_fds, process.max_fds);
  }
}

static void write_about(struct stoa_metric_text *text) {
  static const struct stoa_metric_family dropped = {
      "stoa_log_lines_dropped", "Lines of the log that were dropped, because its reader was too slow.", NULL,
      STOA_METRIC_COUNTER, 0};
  static const struct stoa_metric_family build = {"stoa_build", "The version of Stoa and of its compiler.", NULL,
                                                  STOA_METRIC_INFO, 0};
  const struct stoa_metric_label labels[] = {{"version", stoa_version()}, {"compiler", COMPILER_VERSION}};
  write_value(text, &dropped, stoa_log_dropped());
  stoa_metric_text_family(text, &build);
  stoa_metric_text_value(text, labels, STOA_COUNT_OF(labels), 1);
}

/* Steps. */

/* So that a step takes a fraction of a millisecond, however many handlers there are. */
#define STEP_CELLS_MAX 16384u

void stoa_scrape_init(struct stoa_scrape *out_scrape, struct stoa_server *server, enum stoa_metric_format format) {
  *out_scrape = (struct stoa_scrape){.server = server, .text = stoa_metric_text_begin(format, NULL)};
}

/* What is not in the table. */
static void write_part(struct stoa_scrape *scrape) {
  struct stoa_server *server = scrape->server;
  struct stoa_metric_text *text = &scrape->text;
  switch (scrape->part) {
    case STOA_SCRAPE_TABLE:
    case STOA_SCRAPE_EXTENSIONS:
      assert(false);
      break;
    case STOA_SCRAPE_SERVER:
      write_sessions(server, text);
      write_workers(server, text);
      write_calls(server, text);
      write_streams(server, text);
      break;
    case STOA_SCRAPE_PROCESS:
      write_process(text);
      break;
    case STOA_SCRAPE_ABOUT:
      write_about(text);
      break;
    case STOA_SCRAPE_DONE:
      assert(false);
      break;
  }
}

static bool write_table(struct stoa_scrape *scrape, const struct stoa_metrics *set) {
  bool is_done = set == NULL || stoa_metrics_write_some(set, &scrape->text, &scrape->position, STEP_CELLS_MAX);
  if (is_done) {
    scrape->position = (struct stoa_metrics_position){0};
  }
  return is_done;
}

/* A part of the next set of an extension. True: there is none. */
static bool write_extensions(struct stoa_scrape *scrape) {
  const struct stoa_server *server = scrape->server;
  if (scrape->extension == server->extension_count) {
    return true;
  }
  const struct stoa_extension *extension = &server->extensions[scrape->extension];
  const struct stoa_metrics *set =
      extension->metrics == NULL ? NULL : extension->metrics(extension->user, scrape->extension_set);
  if (set == NULL) {
    scrape->extension++;
    scrape->extension_set = 0;
  } else {
    scrape->extension_set += write_table(scrape, set) ? 1 : 0;
  }
  return false;
}

int stoa_scrape_step(struct stoa_scrape *scrape, struct stoa_buffer *out) {
  assert(scrape->part != STOA_SCRAPE_DONE);
  scrape->text.out = out;
  bool is_part_done = true;
  if (scrape->part == STOA_SCRAPE_TABLE) {
    is_part_done = write_table(scrape, scrape->server->metrics.set);
  } else if (scrape->part == STOA_SCRAPE_EXTENSIONS) {
    is_part_done = write_extensions(scrape);
  } else {
    write_part(scrape);
  }
  scrape->part += is_part_done ? 1 : 0;
  return scrape->part == STOA_SCRAPE_DONE ? stoa_metric_text_end(&scrape->text) : scrape->text.status;
}

int stoa_server_write_metrics(struct stoa_server *server, enum stoa_metric_format format, struct stoa_buffer *out) {
  struct stoa_scrape scrape;
  int status = STOA_OK;
  stoa_scrape_init(&scrape, server, format);
  while (status == STOA_OK && scrape.part != STOA_SCRAPE_DONE) {
    status = stoa_scrape_step(&scrape, out);
  }
  return status;
}
