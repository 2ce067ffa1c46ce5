/* A TLS 1.3 connection after its handshake, whose keys the fuzzer knows: records that are right, records that are right
 * but for a byte, and any other bytes, in any pieces, with reads and writes of any size in between.
 *
 * Input: one step after another, each a byte that chooses it and its arguments. Held to be true: what is read is the
 * data that was sealed before the first wrong byte, in order; nothing is read after it; and whatever the kernel takes,
 * what leaves are whole records with one number each that the client's keys open to what was written. */
#include "base/memory.h"
#include "base/sys.h"
#include "must.h"
#include "net/tls_private.h"
#include "net/tls_traffic.h"

#include <errno.h>
#include <string.h>

enum { IN_MAX = 256 * 1024, TEXT_MAX = 256 * 1024, OUT_MAX = 512 * 1024, PIECE_MAX = 20000, STEPS_MAX = 200 };

enum step { RAW, DATA, CONTROL, NEW_KEYS, BROKEN, READ, WRITE, KERNEL, STEP_COUNT };

static struct {
  const uint8_t *data;
  size_t len, at;
} input;

static struct {
  struct stoa_tls *tls;
  struct stoa_tls_keys client, server; /* the peer's: to seal and to open with */
  uint8_t in[IN_MAX];                  /* on its way to the connection */
  size_t in_at, in_len;
  uint8_t text[TEXT_MAX]; /* what has to be read, while all is well */
  size_t text_at, text_len;
  bool is_wrong;  /* bytes were sent that cannot be opened, or the connection has ended */
  bool is_unsure; /* what was sent may end it, or hold data */
  uint8_t out[OUT_MAX];
  size_t out_len, out_offered, out_opened;
  uint8_t written[OUT_MAX];
  size_t written_len, promised_len, arrived_len;
  size_t recv_max, send_max;
} run;

static uint8_t source_text[PIECE_MAX];

static uint8_t next(void) {
  return input.at < input.len ? input.data[input.at++] : 0;
}

static size_t next_size(size_t max) {
  size_t size = (size_t)next() << 8;
  size |= next();
  return size % (max + 1);
}

/* The kernel. */

static ssize_t give(int fd, void *data, size_t len, int flags) {
  (void)fd;
  (void)flags;
  size_t part = run.in_len - run.in_at < len ? run.in_len - run.in_at : len;
  part = part < run.recv_max ? part : run.recv_max;
  if (part == 0) {
    errno = EAGAIN;
    return -1;
  }
  memcpy(data, run.in + run.in_at, part);
  run.in_at += part;
  return (ssize_t)part;
}

/* Bytes that were offered once are never other ones the next time. */
static size_t offer(size_t at, const uint8_t *data, size_t len) {
  must(at + len <= sizeof run.out);
  size_t known = run.out_offered > at ? run.out_offered - at : 0;
  known = known < len ? known : len;
  must(memcmp(run.out + at, data, known) == 0);
  memcpy(run.out + at, data, len);
  run.out_offered = at + len > run.out_offered ? at + len : run.out_offered;
  return at + len;
}

static ssize_t took(size_t end) {
  size_t taken = end - run.out_len < run.send_max ? end - run.out_len : run.send_max;
  if (taken == 0) {
    errno = EAGAIN;
    return -1;
  }
  run.out_len += taken;
  return (ssize_t)taken;
}

static ssize_t take(int fd, const void *data, size_t len, int flags) {
  (void)fd;
  (void)flags;
  return took(offer(run.out_len, data, len));
}

static ssize_t take_pieces(int fd, const struct msghdr *message, int flags) {
  size_t end = run.out_len;
  (void)fd;
  (void)flags;
  for (size_t i = 0; i < message->msg_iovlen; i++) {
    end = offer(end, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
  }
  return took(end);
}

/* The client. */

static void send_bytes(const uint8_t *data, size_t len) {
  if (len <= sizeof run.in - run.in_len) {
    memcpy(run.in + run.in_len, data, len);
    run.in_len += len;
  } else {
    run.is_wrong = true; /* a gap */
  }
}

static size_t seal(uint8_t *out, unsigned type, const uint8_t *text, size_t len) {
  must(stoa_tls_seal(&run.client, run.tls->scratch->tools, run.tls->traffic->suite, (enum stoa_tls_record_type)type,
                     text, len, out));
  return len + STOA_TLS_OVERHEAD_LEN;
}

static void send_data(void) {
  uint8_t record[STOA_TLS_RECORD_LEN_MAX];
  size_t len = next_size(next() < 200 ? 100 : STOA_TLS_DATA_LEN_MAX);
  if (len > sizeof run.text - run.text_len) {
    return;
  }
  if (!run.is_wrong && !run.is_unsure) {
    memcpy(run.text + run.text_len, source_text, len);
    run.text_len += len;
  }
  send_bytes(record, seal(record, STOA_TLS_RECORD_DATA, source_text, len));
}

/* Anything that is sealed well: an alert, pieces of messages, padding, unknown types. */
static void send_control(void) {
  uint8_t record[256];
  uint8_t text[64];
  unsigned type = next() % 4 == 0 ? next() : 20u + next() % 5u;
  size_t len = next() % sizeof text;
  for (size_t i = 0; i < len; i++) {
    text[i] = next();
  }
  run.is_unsure = true;
  send_bytes(record, seal(record, type, text, len));
}

static void send_new_keys(void) {
  uint8_t record[64];
  const uint8_t text[5] = {24, 0, 0, 1, next() & 1};
  size_t split = next() % 6u;
  size_t len = 0;
  if (split > 0 && split < 5) {
    len = seal(record, STOA_TLS_RECORD_HANDSHAKE, text, split);
    send_bytes(record, len);
    split = split % 5;
  } else {
    split = 0;
  }
  len = seal(record, STOA_TLS_RECORD_HANDSHAKE, text + split, 5 - split);
  send_bytes(record, len);
  must(stoa_tls_keys_update(&run.client, run.tls->scratch->tools, run.tls->traffic->suite));
}

static void send_broken(void) {
  uint8_t record[256];
  size_t len = seal(record, STOA_TLS_RECORD_DATA, source_text, next() % 100u);
  uint8_t change = next();
  record[next() % len] ^= change == 0 ? 1 : change;
  run.is_wrong = true;
  send_bytes(record, len - (next() < 30 ? next() % len : 0));
}

static void send_raw(void) {
  size_t len = next();
  if (len > input.len - input.at) {
    len = input.len - input.at;
  }
  run.is_wrong = run.is_wrong || len > 0;
  send_bytes(input.data + input.at, len);
  input.at += len;
}

/* The server. */

static void read_once(size_t size) {
  static uint8_t data[STOA_TLS_IN_BYTES];
  size_t len = 0;
  int status = stoa_tls_read(run.tls, data, size, &len);
  if (status == STOA_OK) {
    must(len > 0 && len <= size);
    must(len <= run.text_len - run.text_at || run.is_unsure);
    size_t known = run.text_len - run.text_at < len ? run.text_len - run.text_at : len;
    must(memcmp(data, run.text + run.text_at, known) == 0);
    run.text_at += known;
  } else if (status == STOA_E_AGAIN) {
    must(!stoa_tls_pending(run.tls));
  } else {
    must(status == STOA_E_TLS || status == STOA_E_CLOSED);
    must(stoa_tls_read(run.tls, data, size, &len) == status);
    run.is_wrong = true;
  }
}

static void write_once(void) {
  size_t len = 1 + next_size(PIECE_MAX - 1);
  size_t first = next_size(len);
  uint8_t fresh = next();
  size_t taken = 0;
  len = len < run.promised_len ? run.promised_len : len;
  if (run.written_len + len > sizeof run.written / 2 || run.out_offered + 4 * len > sizeof run.out / 2) {
    return;
  }
  uint8_t *text = run.written + run.written_len;
  memset(text + run.promised_len, fresh, len - run.promised_len); /* what is promised stays, all else is new */
  struct iovec pieces[2] = {{text, first}, {text + first, len - first}};
  int status = stoa_tls_write(run.tls, pieces, 2, &taken);
  if (status == STOA_OK) {
    must(taken > 0 && taken <= len);
    run.written_len += taken;
  } else {
    must(status == STOA_E_AGAIN || status == STOA_E_TLS);
    must(status == STOA_E_AGAIN || run.is_wrong || run.is_unsure);
  }
  run.promised_len = stoa_tls_promised(run.tls);
  must(run.promised_len <= len - (status == STOA_OK ? taken : 0));
}

/* What has left is opened as the client would. */
static void open_out(void) {
  static uint8_t text[STOA_TLS_RECORD_LEN_MAX];
  const struct stoa_tls_suite *suite = run.tls->traffic->suite;
  while (run.out_len - run.out_opened >= STOA_TLS_HEADER_LEN &&
         run.out_len - run.out_opened >= stoa_tls_record_len(run.out + run.out_opened)) {
    const uint8_t *record = run.out + run.out_opened;
    size_t len = stoa_tls_record_len(record);
    struct stoa_tls_opened opened = {0};
    enum stoa_tls_alert alert;
    must(stoa_tls_open(&run.server, run.tls->scratch->tools, suite, record, len, text, &opened, &alert) == STOA_OK);
    run.out_opened += len;
    if (opened.type == STOA_TLS_RECORD_DATA) {
      must(memcmp(run.written + run.arrived_len, text, opened.len) == 0);
      run.arrived_len += opened.len;
      must(run.arrived_len <= run.written_len + run.promised_len);
    } else if (opened.type == STOA_TLS_RECORD_HANDSHAKE) {
      must(opened.len == 5 && memcmp(text, "\x18\0\0\1\0", 5) == 0);
      must(stoa_tls_keys_update(&run.server, run.tls->scratch->tools, suite));
    } else {
      must(opened.type == STOA_TLS_RECORD_ALERT && opened.len == 2 && (text[1] == 0 || run.is_wrong || run.is_unsure));
    }
  }
}

static void begin(uint8_t choice) {
  static const uint16_t numbers[] = {0x1301, 0x1302, 0x1303};
  memset(&run.client, 1, sizeof run.client);
  memset(&run.server, 2, sizeof run.server);
  run.in_at = run.in_len = run.text_at = run.text_len = 0;
  run.out_len = run.out_offered = run.out_opened = 0;
  run.written_len = run.promised_len = run.arrived_len = 0;
  run.is_wrong = run.is_unsure = false;
  run.recv_max = run.send_max = SIZE_MAX / 2;
  struct stoa_tls *tls = stoa_calloc(1, sizeof *tls);
  must(tls != NULL);
  tls->scratch = stoa_tls_scratch_ref();
  tls->traffic = stoa_calloc(1, sizeof *tls->traffic);
  must(tls->scratch != NULL && tls->traffic != NULL);
  const struct stoa_tls_suite *suite = stoa_tls_suite_find(numbers[choice % 3]);
  tls->traffic->suite = suite;
  tls->traffic->data_len_max = STOA_TLS_DATA_LEN_MAX;
  must(stoa_tls_keys_begin(&run.client, tls->scratch->tools, suite, 0));
  must(stoa_tls_keys_begin(&run.server, tls->scratch->tools, suite, 0));
  tls->traffic->in = run.client;
  tls->traffic->out = run.server;
  run.tls = tls;
}

static void take_step(enum step step) {
  switch (step) {
    case RAW:
      send_raw();
      break;
    case DATA:
      send_data();
      break;
    case CONTROL:
      send_control();
      break;
    case NEW_KEYS:
      send_new_keys();
      break;
    case BROKEN:
      send_broken();
      break;
    case READ:
      read_once(1 + next_size(STOA_TLS_IN_BYTES - 1));
      break;
    case WRITE:
      write_once();
      break;
    case KERNEL:
      run.recv_max = next() < 128 ? 1 + next_size(100) : SIZE_MAX / 2;
      run.send_max = next() < 128 ? next_size(20000) : SIZE_MAX / 2;
      break;
    case STEP_COUNT:
      break;
  }
}

/* Of a client that did all right, everything is read. */
static void read_rest(void) {
  run.recv_max = SIZE_MAX / 2;
  for (size_t before = SIZE_MAX; run.in_at < run.in_len || stoa_tls_pending(run.tls);) {
    size_t now = run.in_len - run.in_at + run.text_len - run.text_at;
    if (now == before && (run.is_wrong || run.is_unsure)) {
      break;
    }
    before = now;
    read_once(STOA_TLS_IN_BYTES);
  }
  must(run.is_wrong || run.is_unsure || run.text_at == run.text_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  stoa_sys.recv = give;
  stoa_sys.send = take;
  stoa_sys.sendmsg = take_pieces;
  for (size_t i = 0; i < sizeof source_text; i++) {
    source_text[i] = (uint8_t)(i * 7 + i / 256);
  }
  input.data = data;
  input.len = len;
  input.at = 0;
  begin(next());
  for (int i = 0; i < STEPS_MAX && input.at < input.len; i++) {
    take_step((enum step)(next() % STEP_COUNT));
    open_out();
  }
  read_rest();
  stoa_tls_shutdown(run.tls);
  open_out();
  stoa_tls_destroy(run.tls);
  return 0;
}
