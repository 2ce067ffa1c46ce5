#include "bench_check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bench_log.h"

/* REWRITTEN_MAX: how much a server may add to a message in fields of its own. */
enum { REWRITTEN_MAX = 4096, MISSING_MAX = 4096, OPCODE_CLOSE = 8, OPCODE_PING = 9 };

/* A message that was skipped. It is lost if it never arrives, and out of order if it arrives late. */
struct missing {
  uint32_t stream;
  uint32_t sender;
  uint32_t seq;
};

struct bench_check {
  struct bench_check_config config;
  bool echo;
  bool measuring;
  struct bench_log log; /* not used for echo */
  uint64_t received;
  uint64_t deliveries;
  uint64_t foreign;
  uint64_t rewritten;
  struct bench_faults faults;
  struct bench_histogram latency;
  size_t missing_count;
  struct missing missing[MISSING_MAX];
};

struct bench_check *bench_check_create(const struct bench_check_config *config) {
  struct bench_check *check = calloc(1, sizeof *check);
  if (check == NULL) {
    return NULL;
  }
  check->config = *config;
  check->echo = config->options->mode == BENCH_ECHO;
  if (config->options->mode == BENCH_FANOUT &&
      !bench_log_init(&check->log, config->message->plain_len, config->options->senders, config->log_bytes)) {
    free(check);
    return NULL;
  }
  return check;
}

void bench_check_destroy(struct bench_check *check) {
  if (check != NULL) {
    bench_log_fini(&check->log);
    free(check);
  }
}

void bench_stream_fini(struct bench_stream *stream) {
  free(stream->next);
  stream->next = NULL;
}

static struct bench_stream *stream_at(const struct bench_check *check, uint32_t index) {
  return (struct bench_stream *)((char *)check->config.streams + index * check->config.stride);
}

/* From here on the stream is checked by itself, without the log. With an echo server a stream has one sender, itself.
 * When memory is out the generator cannot go on. */
static void part(struct bench_check *check, struct bench_stream *stream) {
  uint32_t senders = check->echo ? 1 : check->config.options->senders;
  stream->next = calloc(senders > 0 ? senders : 1, sizeof *stream->next);
  if (stream->next == NULL) {
    abort();
  }
  if (check->log.slots > 0) {
    stream->hash = bench_log_place(&check->log, stream->received, stream->next);
  }
}

/* Make room in the log. Streams that are still in the removed part are checked by themselves from now on. */
static void cut_log(struct bench_check *check) {
  uint64_t cut_at = bench_log_cut_at(&check->log);
  for (uint32_t i = 0; i < check->config.options->connections; i++) {
    struct bench_stream *stream = stream_at(check, i);
    if (stream->next == NULL && stream->received < cut_at) {
      part(check, stream);
    }
  }
  bench_log_cut(&check->log);
}

static void count_delivery(struct bench_check *check, int64_t sent_ns, int64_t now_ns, uint64_t times) {
  if (!check->measuring) {
    return;
  }
  check->deliveries += times;
  if (sent_ns >= 0) {
    bench_histogram_add(&check->latency, now_ns > sent_ns ? (uint64_t)(now_ns - sent_ns) : 0, times);
  }
}

/* `count` messages that are the next ones of the log. Messages with the same send time are counted together. */
static void take_agreed(struct bench_check *check, struct bench_stream *stream, uint64_t count, int64_t now_ns,
                        struct bench_news *news) {
  uint64_t run = 0;
  int64_t run_sent_ns = -1;
  for (uint64_t i = 0; i < count; i++) {
    const struct bench_log_entry *entry = bench_log_at(&check->log, stream->received + i);
    news->own += entry->sender == stream->id;
    if (entry->sent_ns != run_sent_ns && run > 0) {
      count_delivery(check, run_sent_ns, now_ns, run);
      run = 0;
    }
    run_sent_ns = entry->sent_ns;
    run++;
  }
  if (run > 0) {
    count_delivery(check, run_sent_ns, now_ns, run);
  }
  stream->received += count;
  check->received += count;
}

static void miss(struct bench_check *check, struct bench_stream *stream, uint32_t sender, uint32_t from, uint32_t to) {
  stream->faulty = true;
  for (uint32_t seq = from; seq < to && check->missing_count < MISSING_MAX; seq++) {
    check->missing[check->missing_count++] = (struct missing){.stream = stream->id, .sender = sender, .seq = seq};
  }
}

/* If the message was missing until now, mark it as received, and return whether it was. */
static bool find_missing(struct bench_check *check, const struct bench_stream *stream, uint32_t sender, uint32_t seq) {
  for (size_t i = 0; i < check->missing_count; i++) {
    const struct missing *missing = &check->missing[i];
    if (missing->stream == stream->id && missing->sender == sender && missing->seq == seq) {
      check->missing[i] = check->missing[--check->missing_count];
      return true;
    }
  }
  return false;
}

/* A message that arrived too early or too late. Returns whether it counts as received. */
static bool take_out_of_turn(struct bench_check *check, struct bench_stream *stream, uint32_t sender, uint32_t seq,
                             uint32_t *next) {
  if (seq > *next) {
    miss(check, stream, sender, *next, seq);
    *next = seq + 1;
    return true;
  }
  stream->faulty = true;
  if (find_missing(check, stream, sender, seq)) {
    check->faults.out_of_order++;
    return true;
  }
  check->faults.doubled++;
  return false;
}

/* A whole message with a marker of the run, on a stream that is checked by itself. */
static void take_alone(struct bench_check *check, struct bench_stream *stream, uint32_t sender, uint32_t seq,
                       int64_t now_ns, struct bench_news *news) {
  uint32_t *next = &stream->next[check->echo ? 0 : sender];
  news->own += sender == stream->id;
  stream->hash = bench_log_hash(stream->hash, sender, seq);
  count_delivery(check, check->config.sent_ns(check->config.context, sender, seq), now_ns, 1);
  if (seq == *next) {
    (*next)++;
  } else if (!take_out_of_turn(check, stream, sender, seq, next)) {
    return;
  }
  stream->received++;
  check->received++;
}

static void damage(struct bench_check *check, struct bench_stream *stream) {
  stream->faulty = true;
  check->faults.damaged++;
}

/* Can this stream receive this message? */
static bool was_sent(const struct bench_check *check, const struct bench_stream *stream, uint32_t sender,
                     uint32_t seq) {
  return sender < check->config.options->senders && seq < check->config.sent[sender] &&
         (!check->echo || sender == stream->id);
}

/* Is it certainly foreign, by its prefix or because no connection sends? */
static bool is_foreign(const struct bench_check *check, const uint8_t *frame) {
  const struct bench_message *message = check->config.message;
  return check->config.options->senders == 0 ||
         memcmp(frame + message->head_len, message->plain + message->head_len, message->prefix_len) != 0;
}

/* A message of the right length that is not the log's next one. */
static void take_message(struct bench_check *check, struct bench_stream *stream, const uint8_t *frame, int64_t now_ns,
                         struct bench_news *news) {
  const struct bench_message *message = check->config.message;
  if (check->config.options->allow_foreign && is_foreign(check, frame)) {
    check->foreign++;
    return;
  }
  uint32_t sender = 0;
  uint32_t seq = 0;
  bool marked = bench_message_marker(message, frame, &sender, &seq) && was_sent(check, stream, sender, seq);
  bool whole = bench_message_matches(message, frame);
  if (!marked || !whole) {
    damage(check, stream);
  }
  if (!marked) {
    return;
  }
  struct bench_log *log = &check->log;
  if (whole && stream->next == NULL && log->slots > 0 && stream->received == log->count && seq == log->next[sender]) {
    if (bench_log_full(log)) {
      cut_log(check);
    }
    bench_log_append(log, frame, sender, check->config.sent_ns(check->config.context, sender, seq));
    take_agreed(check, stream, 1, now_ns, news);
    return;
  }
  if (stream->next == NULL) {
    part(check, stream);
  }
  take_alone(check, stream, sender, seq, now_ns, news);
}

/* RFC 6455 5.5: at most 125 bytes and never in fragments. */
static void take_control(unsigned opcode, const uint8_t *payload, size_t len, struct bench_news *news) {
  if (opcode == OPCODE_PING) {
    news->pinged = true;
    news->ping_len = len;
    memcpy(news->ping, payload, len);
  } else if (opcode == OPCODE_CLOSE) {
    news->closed = true;
    news->close_code = len >= 2 ? (unsigned)payload[0] << 8 | payload[1] : 0;
  }
}

/* The sender and the number of a message whose text is one of the run, and whose other fields are others. */
static bool is_rewritten(const struct bench_check *check, const struct bench_stream *stream, const uint8_t *payload,
                         uint32_t *out_sender, uint32_t *out_seq) {
  return bench_message_text(check->config.message, payload, out_sender, out_seq) &&
         was_sent(check, stream, *out_sender, *out_seq);
}

/* The frame whose head was read, as far as it is there. */
struct begun_frame {
  uint8_t first; /* FIN and opcode */
  const uint8_t *payload;
  size_t there; /* of the payload */
  uint64_t payload_len;
};

/* A data frame of another length. False when too few bytes are there to tell what it is. */
static bool take_data(struct bench_check *check, struct bench_stream *stream, const struct begun_frame *frame) {
  size_t text_len = check->config.message->text_len;
  bool has_text = text_len > 0 && frame->first == check->config.message->plain[0] && frame->payload_len > text_len &&
                  frame->payload_len <= text_len + REWRITTEN_MAX;
  if (has_text && frame->there < text_len) {
    return false;
  }
  stream->skip = frame->payload_len;
  stream->is_rewritten =
      has_text && is_rewritten(check, stream, frame->payload, &stream->rewritten_sender, &stream->rewritten_seq);
  if (stream->is_rewritten) {
    return true; /* its last byte decides */
  }
  if (check->config.options->allow_foreign) {
    check->foreign++;
  } else {
    damage(check, stream);
  }
  return true;
}

/* A frame that is not from the run: control, foreign or damaged. Returns the bytes used, 0 while it is incomplete. */
static size_t take_other(struct bench_check *check, struct bench_stream *stream, const uint8_t *data, size_t len,
                         struct bench_news *news) {
  uint64_t payload_len = 0;
  size_t head_len = bench_head_read(data, len, &payload_len);
  if (head_len == 0) {
    return 0;
  }
  unsigned opcode = data[0] & 0x0f;
  if (opcode >= OPCODE_CLOSE && payload_len <= BENCH_CONTROL_MAX) {
    if (len - head_len < payload_len) {
      return 0;
    }
    take_control(opcode, data + head_len, (size_t)payload_len, news);
    return head_len + (size_t)payload_len;
  }
  const struct begun_frame frame = {data[0], data + head_len, len - head_len, payload_len};
  return take_data(check, stream, &frame) ? head_len : 0;
}

static size_t skip_bytes(struct bench_stream *stream, size_t len) {
  size_t used = stream->skip < len ? (size_t)stream->skip : len;
  stream->skip -= used;
  return used;
}

/* The end of a message with other fields than were sent. One that was cut is no object. */
static void end_rewritten(struct bench_check *check, struct bench_stream *stream, uint8_t last, int64_t now_ns,
                          struct bench_news *news) {
  stream->is_rewritten = false;
  if (last != '}') {
    damage(check, stream);
    return;
  }
  check->rewritten++;
  if (stream->next == NULL) {
    part(check, stream);
  }
  take_alone(check, stream, stream->rewritten_sender, stream->rewritten_seq, now_ns, news);
}

/* Everything that is not the log's next message. Returns the bytes used, 0 while a frame is incomplete. */
static size_t take_frame(struct bench_check *check, struct bench_stream *stream, const uint8_t *data, size_t len,
                         int64_t now_ns, struct bench_news *news) {
  const struct bench_message *message = check->config.message;
  if (stream->skip > 0) {
    size_t skipped = skip_bytes(stream, len);
    if (stream->skip == 0 && stream->is_rewritten) {
      end_rewritten(check, stream, data[skipped - 1], now_ns, news);
    }
    return skipped;
  }
  size_t compared = len < message->head_len ? len : message->head_len;
  if (memcmp(data, message->plain, compared) != 0) {
    return take_other(check, stream, data, len, news);
  }
  if (len < message->plain_len) {
    return 0;
  }
  take_message(check, stream, data, now_ns, news);
  return message->plain_len;
}

size_t bench_check_feed(struct bench_check *check, struct bench_stream *stream, const uint8_t *data, size_t len,
                        int64_t now_ns, struct bench_news *out_news) {
  size_t frame_len = check->config.message->plain_len;
  size_t used = 0;
  *out_news = (struct bench_news){0};
  while (used < len && !out_news->closed) {
    if (stream->next == NULL && stream->skip == 0 && stream->received < check->log.count && len - used >= frame_len) {
      uint64_t count = bench_log_match(&check->log, stream->received, data + used, (len - used) / frame_len);
      take_agreed(check, stream, count, now_ns, out_news);
      used += count * frame_len;
      if (count > 0) {
        continue;
      }
    }
    size_t taken = take_frame(check, stream, data + used, len - used, now_ns, out_news);
    if (taken == 0) {
      break;
    }
    used += taken;
  }
  return used;
}

void bench_check_measure(struct bench_check *check, bool on) {
  check->measuring = on;
}

uint64_t bench_check_received(const struct bench_check *check) {
  return check->received;
}

uint64_t bench_check_expected(const struct bench_check *check) {
  uint64_t copies = check->echo ? 1 : check->config.options->connections;
  return *check->config.sent_total * copies;
}

uint64_t bench_check_deliveries(const struct bench_check *check) {
  return check->deliveries;
}

const struct bench_histogram *bench_check_latency(const struct bench_check *check) {
  return &check->latency;
}

uint64_t bench_check_foreign(const struct bench_check *check) {
  return check->foreign;
}

uint64_t bench_check_rewritten(const struct bench_check *check) {
  return check->rewritten;
}

/* Did the connection see every message, each correct? Then `out_hash` is the order that it saw. */
static bool saw_all(const struct bench_check *check, uint32_t index, uint64_t *out_hash) {
  const struct bench_stream *stream = stream_at(check, index);
  *out_hash = stream->next == NULL ? check->log.hash : stream->hash;
  return !stream->faulty && stream->received == *check->config.sent_total;
}

/* Compares the order on all connections that received every message. Boyer and Moore's majority vote finds the order of
 * the majority, if there is one, without a table. */
static uint64_t count_disagreements(const struct bench_check *check) {
  uint64_t common = 0;
  uint64_t hash;
  uint64_t votes = 0;
  for (uint32_t i = 0; i < check->config.options->connections; i++) {
    if (saw_all(check, i, &hash)) {
      common = votes == 0 ? hash : common;
      votes = votes == 0 || hash == common ? votes + 1 : votes - 1;
    }
  }
  uint64_t count = 0;
  for (uint32_t i = 0; i < check->config.options->connections; i++) {
    count += saw_all(check, i, &hash) && hash != common;
  }
  return count;
}

void bench_check_finish(struct bench_check *check, struct bench_faults *out_faults) {
  assert(bench_check_expected(check) >= check->received);
  check->faults.lost = bench_check_expected(check) - check->received;
  if (check->config.options->mode == BENCH_FANOUT && !check->config.options->any_order) {
    check->faults.disagreed = count_disagreements(check);
  }
  *out_faults = check->faults;
}
