/* tools/stoa/bench_load.c: the loop of a run.
 *
 * The tools use only include/stoa/ and libc. This one implements sockets, epoll and frames itself although there is a
 * client library: while the generator works on a delivery, the server waits, so with two cores the generator must cost
 * less than the fastest server. Also, a measurement that uses the code that it measures would not see the faults of
 * that code.
 *
 * One thread sleeps in epoll until there is input or something is due; nothing spins.
 */
#include "bench_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench_conn.h"
#include "bench_connect.h"
#include "bench_flow.h"
#include "bench_io.h"
#include "bench_message.h"
#include "bench_target.h"
#include "bench_tls.h"
#include "bench_unpack.h"

enum {
  EVENTS_MAX = 1024,
  INPUT_LEN = 256 * 1024,
  SHARED_FRAME_MAX = 64 * 1024, /* longer frames are collected in a buffer per connection */
  LOG_BYTES = 16 * 1024 * 1024, /* many turns of a busy room */
  ISSUE_MAX = 4096,             /* due messages that are issued before input is read again */
};

/* The phases of a run, in this order. */
enum phase { PHASE_WARMUP, PHASE_MEASURE, PHASE_DRAIN, PHASE_CLOSE, PHASE_OVER };

struct load {
  const struct bench_options *options;
  struct bench_message message;
  struct bench_outlet outlet;
  struct bench_check *check;
  struct bench_unpack *unpack; /* NULL: messages are not compressed */
  struct bench_target target;
  struct bench_tls_context *tls; /* NULL: none */
  struct bench_conn *conns;
  uint32_t *sent; /* by sender */
  uint64_t sent_total;
  uint64_t sent_before_window;
  uint64_t issued; /* at a rate: messages that were due */
  uint64_t ring_mask;
  int epoll_fd;
  uint8_t *input;
  size_t input_cap;
  bool own_input;
  enum phase phase;
  int64_t phase_end_ns;
  int64_t start_ns;
  int64_t window_start_ns;
  int64_t active_ns; /* when the last byte was sent or received */
  uint32_t open_count;
  struct bench_result *result;
};

/* ---- sending ---- */

static int64_t due_ns(const struct load *load, uint64_t index) {
  return load->start_ns + (int64_t)((double)index * 1e9 / load->options->rate_per_s);
}

/* With a rate, a message's time is when it was due: a slow server delays the generator, and that delay must be
 * visible. */
static int64_t sent_ns(void *context, uint32_t sender, uint32_t seq) {
  const struct load *load = context;
  if (load->options->rate_per_s > 0) {
    return due_ns(load, (uint64_t)seq * load->options->senders + sender);
  }
  const struct bench_conn *conn = &load->conns[sender];
  return conn->flow.target - seq <= load->ring_mask + 1 ? conn->sent_ns[seq & load->ring_mask] : -1;
}

static void count_sent(struct load *load, const struct bench_conn *conn) {
  if (conn->stream.id < load->options->senders) {
    load->sent_total += conn->flow.next - load->sent[conn->stream.id];
    load->sent[conn->stream.id] = conn->flow.next;
  }
}

static void send_issued(struct load *load, struct bench_conn *conn) {
  bench_flow_send(&load->outlet, conn);
  count_sent(load, conn);
}

/* Let a sender with a window send `count` more messages. */
static void issue(struct load *load, struct bench_conn *conn, uint32_t count, int64_t now_ns) {
  uint64_t messages = load->options->messages;
  if (messages > 0 && count > messages - conn->flow.target) {
    count = (uint32_t)(messages - conn->flow.target);
  }
  for (uint32_t i = 0; i < count; i++) {
    conn->sent_ns[conn->flow.target++ & load->ring_mask] = now_ns;
  }
  send_issued(load, conn);
}

static bool all_issued(const struct load *load) {
  return load->options->messages > 0 && load->issued == load->options->messages * load->options->senders;
}

/* Send the messages that are due; the senders take turns. */
static void issue_due(struct load *load, int64_t now_ns) {
  uint32_t senders = load->options->senders;
  uint64_t first = load->issued;
  while (!all_issued(load) && load->issued - first < ISSUE_MAX && due_ns(load, load->issued) <= now_ns) {
    struct bench_conn *conn = &load->conns[load->issued % senders];
    conn->flow.target += conn->state == BENCH_CONN_OPEN;
    load->issued++;
  }
  uint64_t count = load->issued - first < senders ? load->issued - first : senders;
  for (uint64_t i = 0; i < count; i++) {
    struct bench_conn *conn = &load->conns[(first + i) % senders];
    if (conn->state == BENCH_CONN_OPEN) {
      send_issued(load, conn);
    }
  }
  load->active_ns = count > 0 ? now_ns : load->active_ns;
}

/* ---- input ---- */

static void end_conn(struct load *load, struct bench_conn *conn, unsigned close_code) {
  if (conn->state == BENCH_CONN_OPEN && load->phase < PHASE_OVER) {
    load->result->faults.closed++;
    load->result->close_code = close_code;
  }
  bench_io_close(conn);
  conn->state = BENCH_CONN_CLOSED;
  load->open_count--;
}

/* The longest incomplete frame that is kept. */
static size_t tail_max(const struct load *load) {
  return bench_deflate_bound(load->message.plain_len) + BENCH_HEAD_MAX + BENCH_CONTROL_MAX;
}

/* Where the next bytes are written: after the tail. Returns NULL when memory is out. */
static uint8_t *input_place(struct load *load, struct bench_conn *conn) {
  if (!load->own_input) {
    if (conn->tail_len > 0) {
      memcpy(load->input, conn->tail, conn->tail_len);
    }
    return load->input;
  }
  if (conn->tail_cap < load->input_cap) {
    uint8_t *grown = realloc(conn->tail, load->input_cap);
    if (grown == NULL) {
      return NULL;
    }
    conn->tail = grown;
    conn->tail_cap = load->input_cap;
  }
  return conn->tail;
}

/* Keep the start of a frame for the next time. */
static bool keep_tail(struct load *load, struct bench_conn *conn, const uint8_t *rest, size_t len) {
  conn->tail_len = len;
  if (len == 0) {
    return true;
  }
  if (conn->tail_cap < len) {
    size_t cap = tail_max(load);
    cap = cap < len ? len : cap;
    uint8_t *grown = realloc(conn->tail, cap);
    if (grown == NULL) {
      return false;
    }
    conn->tail = grown;
    conn->tail_cap = cap;
  }
  memmove(conn->tail, rest, len);
  return true;
}

static void act_on(struct load *load, struct bench_conn *conn, const struct bench_news *news, int64_t now_ns) {
  if (conn->state == BENCH_CONN_LEAVING) {
    return; /* RFC 6455 7.1.1: the server ends the TCP connection */
  }
  if (news->closed) {
    end_conn(load, conn, news->close_code);
    return;
  }
  if (news->pinged) {
    bench_flow_pong(&load->outlet, conn, news->ping, news->ping_len);
  }
  if (news->own > 0 && load->options->window > 0 && load->phase <= PHASE_MEASURE) {
    issue(load, conn, news->own, now_ns);
  }
}

static size_t feed(struct load *load, struct bench_conn *conn, const uint8_t *data, size_t len, int64_t now_ns,
                   struct bench_news *out_news) {
  return load->unpack == NULL ? bench_check_feed(load->check, &conn->stream, data, len, now_ns, out_news)
                              : bench_unpack_feed(load->unpack, &conn->stream, data, len, now_ns, out_news);
}

static void read_once(struct load *load, struct bench_conn *conn) {
  uint8_t *data = input_place(load, conn);
  size_t kept = conn->tail_len;
  ssize_t got = data == NULL ? -1 : bench_io_recv(conn, data + kept, load->input_cap - kept);
  if (got <= 0) {
    if (got == 0 || data == NULL || (errno != EAGAIN && errno != EINTR)) {
      end_conn(load, conn, 0);
    }
    return;
  }
  struct bench_news news;
  int64_t now_ns = bench_now_ns();
  size_t len = kept + (size_t)got;
  size_t used = feed(load, conn, data, len, now_ns, &news);
  load->active_ns = now_ns;
  if (!keep_tail(load, conn, data + used, len - used)) {
    end_conn(load, conn, 0);
    return;
  }
  act_on(load, conn, &news, now_ns);
}

static void on_readable(struct load *load, struct bench_conn *conn) {
  do {
    read_once(load, conn);
  } while (conn->state != BENCH_CONN_CLOSED && bench_io_has_more(conn));
}

static void on_event(struct load *load, const struct epoll_event *event) {
  struct bench_conn *conn = &load->conns[event->data.u32];
  if (conn->state == BENCH_CONN_CLOSED) {
    return;
  }
  if ((event->events & EPOLLOUT) != 0) {
    bench_flow_writable(&load->outlet, conn);
    count_sent(load, conn);
  }
  if ((event->events & ~(uint32_t)EPOLLOUT) != 0) {
    on_readable(load, conn);
  }
}

/* ---- phases ---- */

static bool start_window(struct load *load, int64_t now_ns) {
  struct bench_result *result = load->result;
  load->sent_before_window = load->sent_total;
  load->window_start_ns = now_ns;
  result->own_cpu_ns = bench_own_cpu_ns();
  bench_check_measure(load->check, true);
  return bench_process_cpu_ns(load->options, &result->server_cpu_ns);
}

static bool end_window(struct load *load, int64_t now_ns) {
  struct bench_result *result = load->result;
  uint64_t cpu_ns;
  if (!bench_process_cpu_ns(load->options, &cpu_ns) || !bench_process_memory(load->options, &result->memory_after)) {
    return false;
  }
  bench_check_measure(load->check, false);
  result->server_cpu_ns = cpu_ns - result->server_cpu_ns;
  result->own_cpu_ns = bench_own_cpu_ns() - result->own_cpu_ns;
  result->window_s = (double)(now_ns - load->window_start_ns) / 1e9;
  result->messages = load->sent_total - load->sent_before_window;
  result->deliveries = bench_check_deliveries(load->check);
  return true;
}

/* RFC 6455 7.1.2. The server's close frame follows everything else from it, so a duplicate message is seen and not
 * missed by an early exit. */
static void send_close_frames(struct load *load) {
  for (uint32_t i = 0; i < load->options->connections; i++) {
    struct bench_conn *conn = &load->conns[i];
    if (conn->state != BENCH_CONN_OPEN) {
      continue;
    }
    conn->state = BENCH_CONN_LEAVING;
    if (!bench_flow_close(&load->outlet, conn)) {
      end_conn(load, conn, 0);
    }
  }
}

static bool enter(struct load *load, enum phase phase, int64_t now_ns) {
  const struct bench_options *options = load->options;
  load->phase = phase;
  load->active_ns = now_ns;
  switch (phase) {
    case PHASE_WARMUP:
      load->phase_end_ns = now_ns + options->warmup_ms * 1000000;
      return true;
    case PHASE_MEASURE:
      load->phase_end_ns = options->messages > 0 ? INT64_MAX : now_ns + options->duration_ms * 1000000;
      return start_window(load, now_ns);
    case PHASE_DRAIN:
      load->phase_end_ns = INT64_MAX;
      return end_window(load, now_ns);
    case PHASE_CLOSE:
      load->phase_end_ns = now_ns + options->drain_ms * 1000000;
      send_close_frames(load);
      return true;
    case PHASE_OVER:
      return true;
  }
  return false;
}

/* A run with a number of messages, and the end of every run, waits for what was sent, but not without limit. */
static bool waits_for_all(const struct load *load) {
  return load->phase == PHASE_DRAIN || (load->phase == PHASE_MEASURE && load->options->messages > 0);
}

static bool sends_more(const struct load *load) {
  if (load->phase == PHASE_DRAIN) {
    return false;
  }
  return load->options->rate_per_s > 0 ? !all_issued(load)
                                       : load->sent_total < load->options->messages * load->options->senders;
}

static bool phase_is_over(const struct load *load, int64_t now_ns) {
  if (load->open_count == 0 || now_ns >= load->phase_end_ns) {
    return true;
  }
  if (!waits_for_all(load)) {
    return false;
  }
  bool silent = now_ns - load->active_ns >= load->options->drain_ms * 1000000;
  return silent || (!sends_more(load) && bench_check_received(load->check) == bench_check_expected(load->check));
}

static int64_t wake_ns(const struct load *load) {
  int64_t wake = load->phase_end_ns;
  if (waits_for_all(load)) {
    int64_t silence = load->active_ns + load->options->drain_ms * 1000000;
    wake = silence < wake ? silence : wake;
  }
  if (load->options->rate_per_s > 0 && load->phase <= PHASE_MEASURE && !all_issued(load)) {
    int64_t due = due_ns(load, load->issued);
    wake = due < wake ? due : wake;
  }
  return wake;
}

static bool turn(struct load *load) {
  static struct epoll_event events[EVENTS_MAX];
  int64_t left_ns = wake_ns(load) - bench_now_ns();
  left_ns = left_ns < 0 ? 0 : left_ns;
  struct timespec timeout = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
  int count = epoll_pwait2(load->epoll_fd, events, EVENTS_MAX, &timeout, NULL);
  if (count < 0 && errno != EINTR) {
    perror("stoa bench: epoll_pwait2");
    return false;
  }
  for (int i = 0; i < count; i++) {
    on_event(load, &events[i]);
  }
  int64_t now_ns = bench_now_ns();
  if (load->options->rate_per_s > 0 && load->phase <= PHASE_MEASURE) {
    issue_due(load, now_ns);
  }
  while (load->phase < PHASE_OVER && phase_is_over(load, now_ns)) {
    if (!enter(load, load->phase + 1, now_ns)) {
      return false;
    }
  }
  return true;
}

static void open_windows(struct load *load) {
  for (uint32_t i = 0; i < load->options->senders && load->options->window > 0; i++) {
    issue(load, &load->conns[i], load->options->window, bench_now_ns());
  }
}

static bool run_phases(struct load *load) {
  load->start_ns = bench_now_ns();
  bool fine = enter(load, load->options->warmup_ms > 0 ? PHASE_WARMUP : PHASE_MEASURE, load->start_ns);
  open_windows(load);
  while (fine && load->phase < PHASE_OVER) {
    fine = turn(load);
  }
  return fine;
}

/* ---- birth and end ---- */

static bool out_of_memory(void) {
  fprintf(stderr, "stoa bench: out of memory\n");
  return false;
}

static bool open_rings(struct load *load) {
  uint64_t slots = 1;
  while (slots < load->options->window) {
    slots *= 2;
  }
  load->ring_mask = slots - 1;
  for (uint32_t i = 0; i < load->options->senders && load->options->window > 0; i++) {
    load->conns[i].sent_ns = calloc(slots, sizeof *load->conns[i].sent_ns);
    if (load->conns[i].sent_ns == NULL) {
      return false;
    }
  }
  return true;
}

static bool open_memory(struct load *load) {
  const struct bench_options *options = load->options;
  load->own_input = load->message.plain_len > SHARED_FRAME_MAX;
  size_t tail_len = tail_max(load);
  load->input_cap = INPUT_LEN + (tail_len > BENCH_ANSWER_MAX ? tail_len : BENCH_ANSWER_MAX);
  load->input = load->own_input ? NULL : malloc(load->input_cap);
  load->conns = calloc(options->connections, sizeof *load->conns);
  load->sent = calloc(options->senders + 1, sizeof *load->sent);
  if ((load->input == NULL && !load->own_input) || load->conns == NULL || load->sent == NULL) {
    return false;
  }
  for (uint32_t i = 0; i < options->connections; i++) {
    load->conns[i].fd = -1;
    load->conns[i].stream.id = i;
  }
  return open_rings(load);
}

static bool open_check(struct load *load) {
  struct bench_check_config config = {.message = &load->message,
                                      .options = load->options,
                                      .streams = &load->conns->stream,
                                      .stride = sizeof *load->conns,
                                      .sent = load->sent,
                                      .sent_total = &load->sent_total,
                                      .sent_ns = sent_ns,
                                      .context = load,
                                      .log_bytes = LOG_BYTES};
  load->check = bench_check_create(&config);
  if (load->check == NULL || !load->options->deflate) {
    return load->check != NULL;
  }
  load->unpack = bench_unpack_create(load->check, &load->message);
  return load->unpack != NULL;
}

static bool load_init(struct load *load, const struct bench_options *options, struct bench_result *result) {
  *load = (struct load){.options = options, .result = result, .epoll_fd = -1};
  if (!bench_descriptors_suffice(options->connections) || !bench_message_init(&load->message, options)) {
    return false;
  }
  load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (load->epoll_fd < 0) {
    perror("stoa bench: epoll_create1");
    return false;
  }
  /* The kernel may wake a thread 50 us late to save wake-ups, which would be visible in the latencies. */
  prctl(PR_SET_TIMERSLACK, 1UL);
  bool fine = bench_outlet_init(&load->outlet, &load->message, load->epoll_fd) && open_memory(load) && open_check(load);
  return fine || out_of_memory();
}

static void load_fini(struct load *load) {
  for (uint32_t i = 0; load->conns != NULL && i < load->options->connections; i++) {
    struct bench_conn *conn = &load->conns[i];
    bench_io_close(conn);
    free(conn->tail);
    free(conn->sent_ns);
    free(conn->pong);
    bench_stream_fini(&conn->stream);
  }
  bench_unpack_destroy(load->unpack);
  bench_check_destroy(load->check);
  bench_tls_context_destroy(load->tls);
  bench_outlet_fini(&load->outlet);
  bench_message_fini(&load->message);
  free(load->conns);
  free(load->sent);
  free(load->input);
  if (load->epoll_fd >= 0) {
    close(load->epoll_fd);
  }
}

static bool open_target(struct load *load) {
  if (!bench_target_init(&load->target, load->options)) {
    return false;
  }
  if (load->target.tls) {
    load->tls = bench_tls_context_create(load->options->ca_file, load->target.host);
  }
  return !load->target.tls || load->tls != NULL;
}

static bool connect_measured(struct load *load) {
  const struct bench_options *options = load->options;
  struct bench_result *result = load->result;
  uint64_t cpu_before_ns;
  uint64_t cpu_after_ns;
  if (!open_target(load) || !bench_process_memory(options, &result->memory_before) ||
      !bench_process_cpu_ns(options, &cpu_before_ns)) {
    return false;
  }
  int64_t start_ns = bench_now_ns();
  if (!bench_connect_all(&load->target, options, load->tls, load->epoll_fd, load->conns)) {
    return false;
  }
  result->handshake_s = (double)(bench_now_ns() - start_ns) / 1e9;
  load->open_count = options->connections;
  if (!bench_process_cpu_ns(options, &cpu_after_ns)) {
    return false;
  }
  result->handshake_cpu_ns = cpu_after_ns - cpu_before_ns;
  return true;
}

static void take_findings(struct load *load) {
  struct bench_result *result = load->result;
  uint64_t closed = result->faults.closed;
  bench_check_finish(load->check, &result->faults);
  result->faults.closed = closed;
  result->foreign = bench_check_foreign(load->check);
  result->rewritten = bench_check_rewritten(load->check);
  result->inflated = load->unpack == NULL ? 0 : bench_unpack_count(load->unpack);
  result->latency = *bench_check_latency(load->check);
}

bool bench_load_run(const struct bench_options *options, struct bench_result *out_result) {
  struct load load;
  *out_result = (struct bench_result){0};
  bool fine = load_init(&load, options, out_result) && connect_measured(&load) && run_phases(&load);
  if (fine) {
    take_findings(&load);
  }
  load_fini(&load);
  return fine;
}
