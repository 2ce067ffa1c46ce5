#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/sys.h"
#include "server/trace/tracer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stoa/log.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define ANSWERS_MAX 16
#define REQUEST_MAX (1024 * 1024)
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

/* A collector that reads one request on each connection and gives the next answer of a list. */
struct collector {
  int fd;
  uint16_t port;
  pthread_t thread;
  const char *const *answers; /* "": it ends the connection */
  size_t answer_count;
  char *requests[ANSWERS_MAX]; /* whole */
  size_t request_count;
};

static size_t body_len(const char *head) {
  const char *field = strstr(head, "Content-Length: ");
  assert_non_null(field);
  return strtoul(field + strlen("Content-Length: "), NULL, 10);
}

static void read_request(int fd, char *out) {
  size_t len = 0;
  for (;;) {
    ssize_t got = read(fd, out + len, REQUEST_MAX - 1 - len);
    assert_true(got > 0);
    len += (size_t)got;
    out[len] = '\0';
    const char *end = strstr(out, "\r\n\r\n");
    if (end != NULL && len >= (size_t)(end - out) + 4 + body_len(out)) {
      return;
    }
  }
}

static void *collect(void *context) {
  struct collector *collector = context;
  for (size_t i = 0; i < collector->answer_count; i++) {
    int fd = accept(collector->fd, NULL, NULL);
    assert_true(fd >= 0);
    collector->requests[i] = malloc(REQUEST_MAX);
    read_request(fd, collector->requests[i]);
    const char *answer = collector->answers[i];
    assert_int_equal(write(fd, answer, strlen(answer)), strlen(answer));
    close(fd);
    collector->request_count = i + 1;
  }
  return NULL;
}

static void listen_here(struct collector *collector) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof address;
  collector->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(collector->fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(collector->fd, 8), 0);
  assert_int_equal(getsockname(collector->fd, (struct sockaddr *)&address, &len), 0);
  collector->port = ntohs(address.sin_port);
}

/* One test: a collector, a tracer with a clock of the test. */
static struct stage {
  struct collector collector;
  struct stoa_clock_fake time;
  struct stoa_clock clock;
  struct stoa_tracer *tracer;
  uint64_t told[STOA_TRACER_COUNTS];
  int64_t blocks_before;
} stage;

static void on_count(void *context, enum stoa_tracer_count what, uint64_t count) {
  struct stage *own = context;
  own->told[what] += count;
}

static struct stoa_collector *open_collector(const char *host) {
  char endpoint[128];
  struct stoa_collector *collector;
  static const struct stoa_string headers[] = {STOA_STR("X-Key: secret")};
  snprintf(endpoint, sizeof endpoint, "http://%s:%u", host, stage.collector.port);
  const struct stoa_collector_settings settings = {
      .endpoint = stoa_string_of(endpoint), .headers = headers, .header_count = 1};
  size_t header;
  assert_int_equal(stoa_collector_create(&settings, &header, &collector), STOA_OK);
  return collector;
}

static void make_tracer(const struct stoa_clock *clock, uint32_t spans_max) {
  const struct stoa_tracer_settings settings = {
      .clock = clock,
      .collector = open_collector("127.0.0.1"),
      .resource = {STOA_STR("test"), STOA_STR("1.2"), STOA_STR("here")},
      .spans_max = spans_max,
      .timeout_ms = 10000,
      .on_count = on_count,
      .context = &stage,
  };
  assert_int_equal(stoa_tracer_create(&settings, &stage.tracer), STOA_OK);
}

static int set_up(void **state) {
  (void)state;
  memset(&stage, 0, sizeof stage);
  stage.blocks_before = stoa_memory_live_blocks();
  stage.time = (struct stoa_clock_fake){.monotonic_ns = 5 * SECOND, .wall_us = INT64_C(1769860800000000)};
  stage.clock = stoa_clock_fake_init(&stage.time);
  listen_here(&stage.collector);
  make_tracer(&stage.clock, 2000);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  stoa_tracer_unref(stage.tracer);
  close(stage.collector.fd);
  for (size_t i = 0; i < ANSWERS_MAX; i++) {
    free(stage.collector.requests[i]);
  }
  assert_int_equal(stoa_memory_live_blocks(), stage.blocks_before);
  return 0;
}

static void answer_with(const char *const *answers, size_t count) {
  stage.collector.answers = answers;
  stage.collector.answer_count = count;
  assert_int_equal(pthread_create(&stage.collector.thread, NULL, collect, &stage.collector), 0);
}

static void join_collector(void) {
  assert_int_equal(pthread_join(stage.collector.thread, NULL), 0);
  assert_int_equal(stage.collector.request_count, stage.collector.answer_count);
}

static const char *body_of(size_t request) {
  return strstr(stage.collector.requests[request], "\r\n\r\n") + 4;
}

static struct stoa_span *start(const char *name) {
  return stoa_tracer_start_span(stage.tracer, name, NULL);
}

static void record(unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    struct stoa_span *span = start("work");
    assert_non_null(span);
    stoa_span_end(span);
  }
}

static enum stoa_tracer_step step(void) {
  uint64_t due_ns;
  return stoa_tracer_run_one(stage.tracer, &due_ns);
}

/* When the tracer wants to go on, from now. */
static uint64_t wanted_ns(void) {
  uint64_t due_ns = 0;
  assert_int_equal(stoa_tracer_run_one(stage.tracer, &due_ns), STOA_TRACER_STEP_LATER);
  return due_ns - stage.time.monotonic_ns;
}

static void counts_are(uint64_t sent, uint64_t full, uint64_t refused, uint64_t failed, uint64_t stopped) {
  const uint64_t wanted[] = {sent, full, refused, failed, stopped};
  for (size_t i = 0; i < STOA_TRACER_COUNTS; i++) {
    assert_int_equal(stoa_tracer_count(stage.tracer, (enum stoa_tracer_count)i), wanted[i]);
    assert_int_equal(stage.told[i], wanted[i]);
  }
}

/* Sending. */

static void a_span_is_sent_a_second_after_its_end(void **state) {
  static const char *const answers[] = {OK};
  (void)state;
  answer_with(answers, 1);
  assert_int_equal(step(), STOA_TRACER_STEP_NOTHING);
  struct stoa_span *span = start("look up \"it\"");
  stage.time.monotonic_ns += 7 * MS;
  stoa_span_set_text(span, "text", stoa_string_of("a\nb"));
  stoa_span_set_int(span, "int", -5);
  stoa_span_set_bool(span, "bool", true);
  stoa_span_set_double(span, "double", 0.5);
  stoa_span_fail(span, stoa_string_of("it broke"));
  stoa_span_end(span);
  assert_int_equal(wanted_ns(), SECOND);
  stage.time.monotonic_ns += SECOND;
  assert_int_equal(step(), STOA_TRACER_STEP_DONE);
  join_collector();
  const char *request = stage.collector.requests[0];
  assert_non_null(strstr(request, "POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:"));
  assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
  assert_non_null(strstr(request, "\r\nX-Key: secret\r\n"));
  static const char *const parts[] = {
      "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"test\"}}",
      "{\"key\":\"service.version\",\"value\":{\"stringValue\":\"1.2\"}}",
      "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"here\"}}",
      "\"name\":\"look up \\\"it\\\"\",\"kind\":1,",
      "\"startTimeUnixNano\":\"1769860800000000000\",\"endTimeUnixNano\":\"1769860800007000000\"",
      "{\"key\":\"text\",\"value\":{\"stringValue\":\"a\\nb\"}}",
      "{\"key\":\"int\",\"value\":{\"intValue\":\"-5\"}}",
      "{\"key\":\"bool\",\"value\":{\"boolValue\":true}}",
      "{\"key\":\"double\",\"value\":{\"doubleValue\":0.5}}",
      "\"status\":{\"code\":2,\"message\":\"it broke\"}",
  };
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    assert_non_null(strstr(body_of(0), parts[i]));
  }
  assert_null(strstr(body_of(0), "parentSpanId"));
  counts_are(1, 0, 0, 0, 0);
}

static unsigned spans_in(const char *body) {
  unsigned count = 0;
  for (const char *at = strstr(body, "\"spanId\""); at != NULL; at = strstr(at + 1, "\"spanId\"")) {
    count++;
  }
  return count;
}

static void a_full_batch_is_sent_at_once(void **state) {
  static const char *const answers[] = {OK, OK};
  (void)state;
  answer_with(answers, 2);
  record(STOA_TRACER_BATCH_SPANS_MAX + 1);
  assert_int_equal(step(), STOA_TRACER_STEP_DONE);
  assert_int_equal(wanted_ns(), SECOND);
  stage.time.monotonic_ns += SECOND;
  assert_int_equal(step(), STOA_TRACER_STEP_DONE);
  join_collector();
  assert_int_equal(spans_in(body_of(0)), STOA_TRACER_BATCH_SPANS_MAX);
  assert_int_equal(spans_in(body_of(1)), 1);
  counts_are(STOA_TRACER_BATCH_SPANS_MAX + 1, 0, 0, 0, 0);
}

static void a_child_has_its_parents_trace_and_a_link(void **state) {
  static const char *const answers[] = {OK};
  struct stoa_trace_context parent = {.trace_id = {1, 2}, .span_id = {3, 4}, .is_sampled = true};
  const struct stoa_span_options options = {.kind = STOA_SPAN_CONSUMER, .parent = &parent, .link = &parent};
  (void)state;
  answer_with(answers, 1);
  struct stoa_span *span = stoa_tracer_start_span(stage.tracer, "deliver", &options);
  assert_memory_equal(stoa_span_context(span)->trace_id, parent.trace_id, sizeof parent.trace_id);
  assert_memory_not_equal(stoa_span_context(span)->span_id, parent.span_id, sizeof parent.span_id);
  assert_true(stoa_span_context(span)->is_sampled);
  stoa_span_end(span);
  stage.time.monotonic_ns += SECOND;
  assert_int_equal(step(), STOA_TRACER_STEP_DONE);
  join_collector();
  assert_non_null(strstr(body_of(0), "\"traceId\":\"01020000000000000000000000000000\""));
  assert_non_null(strstr(body_of(0), "\"parentSpanId\":\"0304000000000000\""));
  assert_non_null(strstr(body_of(0), "\"kind\":5"));
  assert_non_null(strstr(body_of(0),
                         "\"links\":[{\"traceId\":\"01020000000000000000000000000000\",\"spanId\":"
                         "\"0304000000000000\"}]"));
}

/* Failures. */

static void a_busy_collector_is_asked_again_when_it_says(void **state) {
  static const char *const answers[] = {
      "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 429 Slow\r\nRetry-After: Sat, 31 Jan 2026 12:00:09 GMT\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 502 Bad\r\nRetry-After: 100000\r\n\r\n", OK};
  (void)state;
  answer_with(answers, 4);
  record(1);
  stage.time.monotonic_ns += SECOND;
  assert_int_equal(step(), STOA_TRACER_STEP_DONE);
  assert_int_equal(wanted_ns(), 7 * SECOND);
  record(1); /* goes with a later batch */
  stage.time.monotonic_ns += 7 * SECOND;
  assert_int_equal(step(), STOA_TRACER_STEP_DONE);
  assert_int_equal(wanted_ns(), 9 * SECOND);
  stage.time.monotonic_ns += 9 * SECOND;
  assert_int_equal(step(), STOA_TRACER_STEP_DONE);
  assert_int_equal(wanted_ns(), STOA_TRACER_RETRY_AFTER_MAX_S * SECOND);
  counts_are(0, 0, 0, 0, 0);
  stage.time.monotonic_ns += STOA_TRACER_RETRY_AFTER_MAX_S * SECOND;
  assert_int_equal(step(), STOA_TRACER_STEP_DONE);
  join_collector();
  assert_string_equal(body_of(0), body_of(3));
  counts_are(1, 0, 0, 0, 0);
  stoa_tracer_stop(stage.tracer, 0);
  counts_are(1, 0, 0, 0, 1);
}

static void without_a_collector_a_batch_is_given_up_after_the_last_try(void **state) {
  uint64_t bound_ns = STOA_TRACER_RETRY_MIN_MS * MS;
  (void)state;
  close(stage.collector.fd); /* nobody listens any more */
  record(2);
  stage.time.monotonic_ns += SECOND;
  for (unsigned i = 1; i < STOA_TRACER_TRIES_MAX; i++) {
    assert_int_equal(step(), STOA_TRACER_STEP_DONE);
    bound_ns = bound_ns * 2 > STOA_TRACER_RETRY_MAX_MS * MS ? STOA_TRACER_RETRY_MAX_MS * MS : bound_ns * 2;
    assert_in_range(wanted_ns(), bound_ns / 2, bound_ns);
    stage.time.monotonic_ns += bound_ns;
  }
  assert_int_equal(step(), STOA_TRACER_STEP_DONE);
  assert_int_equal(step(), STOA_TRACER_STEP_NOTHING);
  counts_are(0, 0, 0, 2, 0);
  listen_here(&stage.collector);
}

static void an_answer_that_is_final_loses_the_batch(void **state) {
  static const char *const answers[] = {"HTTP/1.1 400 Bad\r\nContent-Length: 5\r\n\r\nwrong",
                                        "HTTP/1.1 500 Broken\r\n\r\n"};
  (void)state;
  answer_with(answers, 2);
  for (unsigned i = 0; i < 2; i++) {
    record(3);
    stage.time.monotonic_ns += SECOND;
    assert_int_equal(step(), STOA_TRACER_STEP_DONE);
    assert_int_equal(step(), STOA_TRACER_STEP_NOTHING);
  }
  join_collector();
  counts_are(0, 0, 6, 0, 0);
}

static void an_answer_that_is_none_is_tried_again(void **state) {
  static const char *const answers[] = {"", "SSH-2.0-x\r\n", "HTTP/1.1 2", OK};
  (void)state;
  answer_with(answers, 4);
  record(1);
  stage.time.monotonic_ns += SECOND;
  for (unsigned i = 0; i < 4; i++) {
    assert_int_equal(step(), STOA_TRACER_STEP_DONE);
    stage.time.monotonic_ns += STOA_TRACER_RETRY_MAX_MS * MS;
  }
  join_collector();
  counts_are(1, 0, 0, 0, 0);
}

static void spans_that_the_collector_rejects_are_counted(void **state) {
  static const char *const answers[] = {
      "HTTP/1.1 200 OK\r\n\r\n{\"partialSuccess\":{\"rejectedSpans\":\"2\",\"errorMessage\":\"too old\"}}",
      "HTTP/1.1 200 OK\r\n\r\n{\"partialSuccess\":{\"rejectedSpans\":1}}",
      "HTTP/1.1 200 OK\r\n\r\n{\"partialSuccess\":{\"rejectedSpans\":\"999\"}}",
      "HTTP/1.1 200 OK\r\n\r\n{\"partialSuccess\":{\"rejectedSpans\":\"-1\"}}", "HTTP/1.1 200 OK\r\n\r\nnot JSON"};
  (void)state;
  answer_with(answers, 5);
  for (unsigned i = 0; i < 5; i++) {
    record(3);
    stage.time.monotonic_ns += SECOND;
    assert_int_equal(step(), STOA_TRACER_STEP_DONE);
  }
  join_collector();
  counts_are(1 + 2 + 0 + 3 + 3, 0, 2 + 1 + 3, 0, 0);
}

static void rejected_spans_in_chunked_answers_are_counted(void **state) {
#define CHUNKED "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: Chunked\r\n\r\n"
  static const char *const answers[] = {
      CHUNKED "17;x=y\r\n{\"partialSuccess\":{\"rej\r\n13\r\nectedSpans\":\"2\"}}  \r\n0\r\nTrailer: 1\r\n\r\n",
      CHUNKED "26\r\n{\"partialSuccess\":{\"rejectedSpans\":1}}\r\n0\r\n\r\n", CHUNKED "0\r\n\r\n",
      CHUNKED "x\r\n{\"partialSuccess\":{\"rejectedSpans\":1}}\r\n0\r\n\r\n", CHUNKED "26\r\n{\"partial"};
#undef CHUNKED
  (void)state;
  answer_with(answers, 5);
  for (unsigned i = 0; i < 5; i++) {
    record(3);
    stage.time.monotonic_ns += SECOND;
    assert_int_equal(step(), STOA_TRACER_STEP_DONE);
  }
  join_collector();
  counts_are(1 + 2 + 3 + 3 + 3, 0, 2 + 1, 0, 0);
}

static struct stage_over { unsigned asked; } over;

static bool is_over_at_the_third_time(void *context) {
  struct stage_over *own = context;
  return ++own->asked >= 3;
}

static void a_collector_that_is_silent_is_given_up(void **state) {
  struct stoa_collector *collector = open_collector("127.0.0.1");
  const struct stoa_collector_limit limit = {
      .clock = &stage.clock, .due_ns = UINT64_MAX, .is_over = is_over_at_the_third_time, .context = &over};
  const struct stoa_collector_limit past = {.clock = &stage.clock, .due_ns = stage.time.monotonic_ns};
  struct stoa_collector_answer answer;
  const char *reason = NULL;
  (void)state;
  assert_int_equal(stoa_collector_post(collector, stoa_bytes_make("{}", 2), &limit, &answer, &reason), STOA_E_TIMEOUT);
  assert_string_equal(reason, "it took too long");
  assert_int_equal(stoa_collector_post(collector, stoa_bytes_make("{}", 2), &past, &answer, &reason), STOA_E_TIMEOUT);
  stoa_collector_destroy(collector);
}

static int no_address(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  (void)node, (void)service, (void)hints, (void)out;
  return EAI_NONAME;
}

static void a_name_that_does_not_resolve_is_told(void **state) {
  struct stoa_collector *collector = open_collector("collector.invalid");
  const struct stoa_collector_limit limit = {.clock = &stage.clock, .due_ns = UINT64_MAX};
  struct stoa_collector_answer answer;
  const char *reason = NULL;
  int (*before)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = stoa_sys.getaddrinfo;
  (void)state;
  stoa_sys.getaddrinfo = no_address;
  assert_int_equal(stoa_collector_post(collector, stoa_bytes_make("{}", 2), &limit, &answer, &reason),
                   STOA_E_NOT_FOUND);
  stoa_sys.getaddrinfo = before;
  assert_string_equal(reason, "the name does not resolve");
  stoa_collector_destroy(collector);
}

/* Limits and the end. */

static void more_spans_than_may_be_in_memory_are_not_recorded(void **state) {
  struct stoa_span *spans[3];
  (void)state;
  stoa_tracer_unref(stage.tracer);
  make_tracer(&stage.clock, 3);
  for (size_t i = 0; i < 3; i++) {
    spans[i] = start("work");
    assert_non_null(spans[i]);
  }
  assert_null(start("work"));
  stoa_span_end(spans[0]); /* waits, and is in memory still */
  assert_null(start("work"));
  counts_are(0, 2, 0, 0, 0);
  stoa_span_end(spans[1]);
  stoa_span_end(spans[2]);
  stoa_tracer_stop(stage.tracer, 0);
  counts_are(0, 2, 0, 0, 3);
}

static void the_end_sends_what_waits(void **state) {
  static const char *const answers[] = {OK, OK};
  (void)state;
  answer_with(answers, 2);
  record(STOA_TRACER_BATCH_SPANS_MAX + 5);
  stoa_tracer_stop(stage.tracer, 1000);
  join_collector();
  counts_are(STOA_TRACER_BATCH_SPANS_MAX + 5, 0, 0, 0, 0);
}

static void the_end_tries_a_batch_once(void **state) {
  static const char *const answers[] = {"HTTP/1.1 503 Busy\r\n\r\n"};
  (void)state;
  answer_with(answers, 1);
  record(5);
  stoa_tracer_stop(stage.tracer, 1000);
  join_collector();
  counts_are(0, 0, 0, 5, 0);
}

static void a_span_that_outlives_the_tracer_is_freed(void **state) {
  struct stoa_span *span = start("work");
  (void)state;
  stoa_tracer_stop(stage.tracer, 0);
  stoa_span_end(start("later"));
  stoa_tracer_unref(stage.tracer);
  stage.tracer = NULL;
  stoa_span_set_int(span, "still", 1);
  stoa_span_end(span);
}

static void its_thread_sends_and_ends(void **state) {
  static const char *const answers[] = {OK, OK};
  (void)state;
  stoa_tracer_unref(stage.tracer);
  make_tracer(&stoa_clock_system, 2000);
  answer_with(answers, 2);
  assert_int_equal(stoa_tracer_start(stage.tracer), STOA_OK);
  record(STOA_TRACER_BATCH_SPANS_MAX);
  record(1);
  stoa_tracer_stop(stage.tracer, 10000);
  join_collector();
  counts_are(STOA_TRACER_BATCH_SPANS_MAX + 1, 0, 0, 0, 0);
}

#define THREADS 4
#define EACH 300

static void *record_some(void *context) {
  (void)context;
  for (unsigned i = 0; i < EACH; i++) {
    struct stoa_span *span = start("work");
    stoa_span_set_int(span, "i", i);
    stoa_span_end(span);
  }
  return NULL;
}

static void spans_of_many_threads_are_all_counted(void **state) {
  pthread_t threads[THREADS];
  uint64_t sum = 0;
  (void)state;
  stoa_tracer_unref(stage.tracer);
  make_tracer(&stoa_clock_system, 200);
  close(stage.collector.fd);
  assert_int_equal(stoa_tracer_start(stage.tracer), STOA_OK);
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, record_some, NULL), 0);
  }
  for (size_t i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
  }
  stoa_tracer_stop(stage.tracer, 10000);
  for (size_t i = 0; i < STOA_TRACER_COUNTS; i++) {
    sum += stoa_tracer_count(stage.tracer, (enum stoa_tracer_count)i);
  }
  assert_int_equal(sum, THREADS * EACH);
  listen_here(&stage.collector);
}

static int no_thread(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  (void)thread, (void)attributes, (void)run, (void)argument;
  return EAGAIN;
}

static void without_a_thread_the_end_still_sends(void **state) {
  static const char *const answers[] = {OK};
  int (*before)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = stoa_sys.pthread_create;
  (void)state;
  stoa_sys.pthread_create = no_thread;
  assert_int_equal(stoa_tracer_start(stage.tracer), STOA_E_SYSTEM);
  stoa_sys.pthread_create = before;
  answer_with(answers, 1);
  record(1);
  stoa_tracer_stop(stage.tracer, 1000);
  join_collector();
  counts_are(1, 0, 0, 0, 0);
}

/* Which are recorded. */

static bool is_recorded(enum stoa_tracer_sampling sampling, uint32_t sample, const struct stoa_span_options *options) {
  stoa_tracer_set_sampling(stage.tracer, sampling, sample);
  struct stoa_span *span = stoa_tracer_start_span(stage.tracer, "work", options);
  stoa_span_end(span);
  return span != NULL;
}

static void sampling_decides(void **state) {
  struct stoa_trace_context yes = {.trace_id = {[0] = 1, [8] = 0xff}, .span_id = {1}, .is_sampled = true};
  struct stoa_trace_context no = {.trace_id = {[0] = 1, [15] = 1}, .span_id = {1}};
  struct stoa_trace_context begun = {.trace_id = {[0] = 1, [15] = 1}};
  const struct {
    enum stoa_tracer_sampling sampling;
    uint32_t sample;
    struct stoa_span_options options;
    bool is_recorded;
  } cases[] = {
      {STOA_TRACER_OWN, 1, {0}, true},
      {STOA_TRACER_OWN, 1, {.parent = &no, .is_remote = true}, true},
      {STOA_TRACER_OWN, 2, {.parent = &no, .is_remote = true}, true}, /* its id is in the lower half */
      {STOA_TRACER_OWN, 2, {.parent = &yes, .is_remote = true}, false},
      {STOA_TRACER_CALLER_OR_OWN, 1, {0}, true},
      {STOA_TRACER_CALLER_OR_OWN, 1, {.parent = &no, .is_remote = true}, false},
      {STOA_TRACER_CALLER_OR_OWN, 2, {.parent = &yes, .is_remote = true}, true},
      {STOA_TRACER_CALLER_OR_OWN, 1, {.parent = &begun, .is_remote = true}, true},
      {STOA_TRACER_CALLER, 1, {0}, false},
      {STOA_TRACER_CALLER, 1, {.parent = &begun, .is_remote = true}, false},
      {STOA_TRACER_CALLER, 1, {.parent = &no, .is_remote = true}, false},
      {STOA_TRACER_CALLER, 1000, {.parent = &yes, .is_remote = true}, true},
      {STOA_TRACER_OWN, 1000, {.parent = &yes}, true}, /* of this program: decided already */
      {STOA_TRACER_OWN, 1, {.parent = &no}, false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(is_recorded(cases[i].sampling, cases[i].sample, &cases[i].options), cases[i].is_recorded);
  }
  assert_null(stoa_tracer_start_span(NULL, "work", NULL));
  stoa_tracer_stop(stage.tracer, 0);
}

static void a_sample_has_about_its_share(void **state) {
  unsigned recorded = 0;
  (void)state;
  for (unsigned i = 0; i < 1000; i++) {
    recorded += is_recorded(STOA_TRACER_OWN, 4, NULL);
  }
  assert_in_range(recorded, 150, 350);
  stoa_tracer_stop(stage.tracer, 0);
}

/* One span. */

static void nothing_happens_to_no_span(void **state) {
  (void)state;
  stoa_span_set_text(NULL, "a", stoa_string_of("b"));
  stoa_span_set_int(NULL, "a", 1);
  stoa_span_set_bool(NULL, "a", true);
  stoa_span_set_double(NULL, "a", 1);
  stoa_span_fail(NULL, stoa_string_of("b"));
  assert_null(stoa_span_context(NULL));
  stoa_span_end(NULL);
}

static void what_does_not_fit_a_span_is_left_out_and_counted(void **state) {
  char text[STOA_SPAN_TEXT_LEN_MAX + 50];
  (void)state;
  memset(text, 'x', sizeof text);
  struct stoa_span *span = start("work");
  stoa_span_set_text(span, "long", stoa_string_make(text, sizeof text));
  assert_int_equal(span->attributes[0].text_len, STOA_SPAN_TEXT_LEN_MAX);
  memcpy(text + STOA_SPAN_TEXT_LEN_MAX - 1, "\xc3\xa9", 2); /* is not cut in the middle */
  stoa_span_set_text(span, "cut", stoa_string_make(text, sizeof text));
  assert_int_equal(span->attributes[1].text_len, STOA_SPAN_TEXT_LEN_MAX - 1);
  stoa_span_set_text(span, "no room", stoa_string_make(text, STOA_SPAN_TEXT_LEN_MAX - 1));
  stoa_span_set_text(span, "not UTF-8", stoa_string_of("a\xff"));
  assert_int_equal(span->left_out, 2);
  for (int i = 0; i < STOA_SPAN_ATTRIBUTES_MAX; i++) {
    stoa_span_set_int(span, "i", i);
  }
  assert_int_equal(span->attribute_count, STOA_SPAN_ATTRIBUTES_MAX);
  assert_int_equal(span->left_out, 4);
  stoa_span_fail(span, stoa_string_of("\xff"));
  assert_true(span->has_failed);
  assert_int_equal(span->error_len, 0);
  stoa_span_end(span);
  memset(text, 'n', sizeof text);
  text[sizeof text - 1] = '\0';
  span = start(text);
  assert_int_equal(strlen(span->name), STOA_SPAN_NAME_LEN_MAX);
  stoa_span_end(span);
  stoa_tracer_stop(stage.tracer, 0);
}

/* Making. */

static int create(const char *endpoint, const char *header, const char *ca_file, size_t *out_header) {
  struct stoa_collector *collector = NULL;
  const struct stoa_string headers[] = {STOA_STR("Good: 1"), stoa_string_of(header == NULL ? "" : header)};
  const struct stoa_collector_settings settings = {.endpoint = stoa_string_of(endpoint),
                                                   .headers = headers,
                                                   .header_count = header == NULL ? 0 : 2,
                                                   .ca_file = stoa_string_of(ca_file)};
  int status = stoa_collector_create(&settings, out_header, &collector);
  stoa_collector_destroy(collector);
  return status;
}

static void a_collector_is_a_url_of_http(void **state) {
  static const char *const good[] = {"http://a", "HTTP://a:1", "http://[::1]:4318/v1/traces", "http://a/?x=1",
                                     "https://a.example:1/x"};
  static const char *const bad[] = {
      "",           "a",          "http:",     "http://",      "ws://a", "ftp://a",    "http://u@a",    "http://a#x",
      "http://a:0", "http://a b", "httpx://a", "http+unix:/a", "https",  "http://a:x", "http://a:99999"};
  size_t header;
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    assert_int_equal(create(good[i], NULL, "", &header), STOA_OK);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(create(bad[i], NULL, "", &header), STOA_E_SYNTAX);
  }
  assert_int_equal(create("https://a", NULL, "/no/such/file", &header), STOA_E_NOT_FOUND);
}

static void a_header_is_a_field(void **state) {
  static const char *const bad[] = {"no colon",          ": x",          "a b: c",  "Host: x",
                                    "content-length: 3", "a: b\r\nc: d", "a: \x7f", "Connection: keep",
                                    "Content-Type: x"};
  size_t header = 9;
  (void)state;
  assert_int_equal(create("http://a", "Authorization:Bearer x", "", &header), STOA_OK);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    header = 9;
    assert_int_equal(create("http://a", bad[i], "", &header), STOA_E_ARGUMENT);
    assert_int_equal(header, 1);
  }
}

static void without_memory_there_is_no_span_and_no_tracer(void **state) {
  size_t header;
  (void)state;
  for (uint64_t i = 1;; i++) {
    stoa_memory_fail_at(i, false);
    int status = create("http://a", "A: b", "", &header);
    bool is_hit = stoa_memory_fault_hits() > 0;
    stoa_memory_fail_at(0, false);
    assert_int_equal(status, is_hit ? STOA_E_MEMORY : STOA_OK);
    if (!is_hit) {
      break;
    }
  }
  struct stoa_tracer *tracer = NULL;
  for (uint64_t i = 1; i <= 2; i++) {
    const struct stoa_tracer_settings settings = {.clock = &stage.clock,
                                                  .collector = open_collector("127.0.0.1"),
                                                  .resource = {.service_name = STOA_STR("x")},
                                                  .spans_max = 1};
    stoa_memory_fail_at(i, false);
    assert_int_equal(stoa_tracer_create(&settings, &tracer), STOA_E_MEMORY);
    stoa_memory_fail_at(0, false);
  }
  stoa_memory_fail_at(1, false);
  assert_null(start("work"));
  stoa_memory_fail_at(0, false);
  counts_are(0, 1, 0, 0, 0);
  record(2);
  stage.time.monotonic_ns += SECOND;
  stoa_memory_fail_at(1, false);
  assert_int_equal(step(), STOA_TRACER_STEP_DONE); /* nothing can be written */
  stoa_memory_fail_at(0, false);
  counts_are(0, 3, 0, 0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_span_is_sent_a_second_after_its_end),
      TEST(a_full_batch_is_sent_at_once),
      TEST(a_child_has_its_parents_trace_and_a_link),
      TEST(a_busy_collector_is_asked_again_when_it_says),
      TEST(without_a_collector_a_batch_is_given_up_after_the_last_try),
      TEST(an_answer_that_is_final_loses_the_batch),
      TEST(an_answer_that_is_none_is_tried_again),
      TEST(spans_that_the_collector_rejects_are_counted),
      TEST(rejected_spans_in_chunked_answers_are_counted),
      TEST(a_collector_that_is_silent_is_given_up),
      TEST(a_name_that_does_not_resolve_is_told),
      TEST(more_spans_than_may_be_in_memory_are_not_recorded),
      TEST(the_end_sends_what_waits),
      TEST(the_end_tries_a_batch_once),
      TEST(a_span_that_outlives_the_tracer_is_freed),
      TEST(its_thread_sends_and_ends),
      TEST(spans_of_many_threads_are_all_counted),
      TEST(without_a_thread_the_end_still_sends),
      TEST(sampling_decides),
      TEST(a_sample_has_about_its_share),
      TEST(nothing_happens_to_no_span),
      TEST(what_does_not_fit_a_span_is_left_out_and_counted),
      TEST(a_collector_is_a_url_of_http),
      TEST(a_header_is_a_field),
      TEST(without_memory_there_is_no_span_and_no_tracer),
  };
  stoa_log_setup(2, STOA_LOG_OFF, STOA_LOG_LOGFMT);
  return cmocka_run_group_tests_name("tracer", tests, NULL, NULL);
}
