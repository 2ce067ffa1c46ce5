#include "base/memory.h"
#include "net/tls_private.h"

#include <assert.h>

/* Records in a row without data: RFC 8446 allows them without end, and each costs half a microsecond. */
#define BARREN_MAX 32u
/* Records that one read opens; the rest waits for the next, so that many tiny ones do not keep others waiting. */
#define OPENED_MAX 16u
/* RFC 8446 5.5: about as many full records may be sealed by one AES-GCM key. */
#define RECORDS_MAX (UINT64_C(1) << 24)
#define PIECES_MAX 64u

enum { ALERT_LEVEL_WARNING = 1, ALERT_LEVEL_FATAL = 2, ALERT_USER_CANCELED = 90, MESSAGE_KEY_UPDATE = 24 };

/* What comes. */

static void send_alert(struct stoa_tls *tls, enum stoa_tls_alert alert) {
  const uint8_t text[2] = {alert == STOA_TLS_ALERT_CLOSE_NOTIFY ? ALERT_LEVEL_WARNING : ALERT_LEVEL_FATAL,
                           (uint8_t)alert};
  struct stoa_tls_traffic *traffic = tls->traffic;
  uint8_t record[sizeof text + STOA_TLS_OVERHEAD_LEN];
  size_t taken;
  if (stoa_tls_seal(&traffic->out, tls->scratch->tools, traffic->suite, STOA_TLS_RECORD_ALERT, text, sizeof text,
                    record)) {
    /* The connection ends: what the kernel does not take is not sent. */
    int ignored = stoa_tls_send(tls, record, sizeof record, &taken);
    (void)ignored;
  }
}

/* The peer broke the protocol. */
static void fail(struct stoa_tls *tls, enum stoa_tls_alert alert) {
  tls->end = STOA_E_TLS;
  tls->broken = true;
  send_alert(tls, alert);
}

static void on_alert(struct stoa_tls *tls, const uint8_t *text, size_t len) {
  if (len != 2) {
    fail(tls, STOA_TLS_ALERT_DECODE_ERROR);
  } else if (text[1] == STOA_TLS_ALERT_CLOSE_NOTIFY) {
    tls->end = STOA_E_CLOSED;
  } else if (text[1] != ALERT_USER_CANCELED) {
    /* RFC 8446 6.2: the connection is at its end, and nothing is sent any more. */
    tls->end = STOA_E_TLS;
    tls->broken = true;
  }
}

/* RFC 8446 4.6.3. Of a client no other message may come after the handshake. */
static void on_key_update(struct stoa_tls *tls) {
  struct stoa_tls_traffic *traffic = tls->traffic;
  uint8_t asks = traffic->message[4];
  traffic->message_len = 0;
  if (asks > 1) {
    fail(tls, STOA_TLS_ALERT_ILLEGAL_PARAMETER);
  } else if (!stoa_tls_keys_update(&traffic->in, tls->scratch->tools, traffic->suite)) {
    fail(tls, STOA_TLS_ALERT_INTERNAL_ERROR);
  } else {
    traffic->update_due = traffic->update_due || asks == 1;
  }
}

static void on_handshake(struct stoa_tls *tls, const uint8_t *text, size_t len) {
  static const uint8_t expected[4] = {MESSAGE_KEY_UPDATE, 0, 0, 1};
  struct stoa_tls_traffic *traffic = tls->traffic;
  size_t room = sizeof traffic->message - traffic->message_len;
  /* RFC 8446 5.1: no empty record, and none that goes on after a change of keys. */
  if (len == 0 || len > room) {
    fail(tls, STOA_TLS_ALERT_UNEXPECTED_MESSAGE);
    return;
  }
  memcpy(traffic->message + traffic->message_len, text, len);
  traffic->message_len = (uint8_t)(traffic->message_len + len);
  size_t head_len = traffic->message_len < sizeof expected ? traffic->message_len : sizeof expected;
  if (memcmp(traffic->message, expected, head_len) != 0) {
    fail(tls, STOA_TLS_ALERT_UNEXPECTED_MESSAGE);
  } else if (traffic->message_len == sizeof traffic->message) {
    on_key_update(tls);
  }
}

/* A record that is not data. */
static void on_control(struct stoa_tls *tls, const uint8_t *text, struct stoa_tls_opened opened) {
  if (opened.type == STOA_TLS_RECORD_HANDSHAKE) {
    on_handshake(tls, text, opened.len);
  } else if (opened.type == STOA_TLS_RECORD_ALERT && tls->traffic->message_len == 0) {
    on_alert(tls, text, opened.len);
  } else {
    fail(tls, STOA_TLS_ALERT_UNEXPECTED_MESSAGE);
  }
}

static bool has_record(const uint8_t *data, size_t len) {
  return len >= STOA_TLS_HEADER_LEN && (len >= stoa_tls_record_len(data) || data[0] != STOA_TLS_RECORD_DATA ||
                                        stoa_tls_record_len(data) > STOA_TLS_RECORD_LEN_MAX);
}

static bool has_record_here(const struct stoa_tls_scratch *scratch) {
  return has_record(scratch->in + scratch->at, scratch->end - scratch->at);
}

/* Open the record at the front into `out`. Returns false when it was refused. */
static bool open_first(struct stoa_tls *tls, uint8_t *out, struct stoa_tls_opened *out_opened) {
  struct stoa_tls_scratch *scratch = tls->scratch;
  struct stoa_tls_traffic *traffic = tls->traffic;
  enum stoa_tls_alert alert;
  const uint8_t *record = scratch->in + scratch->at;
  size_t len = stoa_tls_record_len(record);
  if (stoa_tls_open(&traffic->in, scratch->tools, traffic->suite, record, len, out, out_opened, &alert) != STOA_OK) {
    fail(tls, alert);
    return false;
  }
  scratch->at += (uint32_t)len;
  return true;
}

/* What came of a record: bytes, or something for TLS itself. */
static void judge(struct stoa_tls *tls, const uint8_t *text, struct stoa_tls_opened opened) {
  struct stoa_tls_traffic *traffic = tls->traffic;
  bool is_data = opened.type == STOA_TLS_RECORD_DATA && traffic->message_len == 0;
  traffic->barren_count = is_data && opened.len > 0 ? 0 : (uint8_t)(traffic->barren_count + 1);
  if (traffic->barren_count > BARREN_MAX) {
    fail(tls, STOA_TLS_ALERT_UNEXPECTED_MESSAGE);
  } else if (!is_data) {
    on_control(tls, text, opened);
  }
}

/* A record larger than what the caller has room for: the rest of its text is put back in front of what follows it. */
static size_t open_in_part(struct stoa_tls *tls, uint8_t *data, size_t size) {
  struct stoa_tls_scratch *scratch = tls->scratch;
  struct stoa_tls_opened opened;
  if (!open_first(tls, scratch->out, &opened)) {
    return 0;
  }
  judge(tls, scratch->out, opened);
  if (opened.type != STOA_TLS_RECORD_DATA || tls->end != STOA_OK) {
    return 0;
  }
  size_t len = opened.len < size ? opened.len : size;
  size_t rest = opened.len - len;
  memcpy(data, scratch->out, len);
  scratch->at -= (uint32_t)rest;
  memcpy(scratch->in + scratch->at, scratch->out + len, rest);
  tls->plain_len = (uint32_t)rest;
  return len;
}

/* As many records as there is room for, right into the caller's bytes. */
static size_t open_records(struct stoa_tls *tls, uint8_t *data, size_t size) {
  struct stoa_tls_scratch *scratch = tls->scratch;
  size_t got = 0;
  for (unsigned i = 0; i < OPENED_MAX && tls->end == STOA_OK && has_record_here(scratch); i++) {
    struct stoa_tls_opened opened;
    if (size - got < stoa_tls_record_len(scratch->in + scratch->at)) {
      return got > 0 ? got : open_in_part(tls, data, size);
    }
    if (!open_first(tls, data + got, &opened)) {
      break;
    }
    judge(tls, data + got, opened);
    got += opened.type == STOA_TLS_RECORD_DATA && tls->end == STOA_OK ? opened.len : 0;
  }
  return got;
}

static size_t take_plain(struct stoa_tls *tls, uint8_t *data, size_t size) {
  size_t len = tls->plain_len < size ? tls->plain_len : size;
  memcpy(data, tls->in.data + tls->in.at, len);
  tls->in.at += (uint32_t)len;
  tls->plain_len -= (uint32_t)len;
  if (tls->in.at == tls->in.len) {
    stoa_tls_bytes_fini(&tls->in);
  }
  return len;
}

/* What is left for later. After the end there is none. */
static void keep_rest(struct stoa_tls *tls) {
  if (tls->end != STOA_OK) {
    tls->scratch->at = tls->scratch->end;
  }
  if (stoa_tls_keep(tls) != STOA_OK) {
    tls->end = STOA_E_MEMORY;
    tls->broken = true;
  }
}

int stoa_tls_traffic_read(struct stoa_tls *tls, void *data, size_t size, size_t *out_len) {
  if (tls->plain_len > 0) {
    *out_len = take_plain(tls, data, size);
    return STOA_OK;
  }
  if (tls->end != STOA_OK) {
    return tls->end;
  }
  stoa_tls_load(tls);
  if (!has_record_here(tls->scratch)) {
    int status = stoa_tls_fill(tls);
    if (status != STOA_OK) {
      return status; /* what was there is still in `in` */
    }
  }
  size_t got = open_records(tls, data, size);
  keep_rest(tls);
  if (got > 0) {
    *out_len = got;
    return STOA_OK;
  }
  return tls->end != STOA_OK ? tls->end : STOA_E_AGAIN;
}

bool stoa_tls_traffic_pending(const struct stoa_tls *tls) {
  return tls->plain_len > 0 || tls->end != STOA_OK ||
         (tls->in.len > 0 && has_record(tls->in.data + tls->in.at, tls->in.len - tls->in.at));
}

/* What goes. */

/* Records in the scratch that are on their way. */
struct flight {
  size_t len; /* of all of them */
  uint32_t count;
  struct {
    uint32_t end;      /* in the scratch */
    uint32_t data_len; /* what it holds */
  } records[PIECES_MAX];
};

/* RFC 8446 4.6.3: when the peer has asked for it, and in time (5.5). */
static int update_keys(struct stoa_tls *tls) {
  static const uint8_t text[5] = {MESSAGE_KEY_UPDATE, 0, 0, 1, 0};
  struct stoa_tls_traffic *traffic = tls->traffic;
  uint8_t record[sizeof text + STOA_TLS_OVERHEAD_LEN];
  if (!traffic->update_due && traffic->out.sequence < RECORDS_MAX) {
    return STOA_OK;
  }
  if (!stoa_tls_seal(&traffic->out, tls->scratch->tools, traffic->suite, STOA_TLS_RECORD_HANDSHAKE, text, sizeof text,
                     record) ||
      stoa_tls_hold(tls, record, sizeof record) != STOA_OK ||
      !stoa_tls_keys_update(&traffic->out, tls->scratch->tools, traffic->suite)) {
    return STOA_E_MEMORY;
  }
  traffic->update_due = false;
  return STOA_OK;
}

/* Seal one piece, as far as there is room. Returns how much of it. */
static size_t seal_piece(struct stoa_tls *tls, const uint8_t *data, size_t len, struct flight *flight) {
  struct stoa_tls_traffic *traffic = tls->traffic;
  size_t done = 0;
  while (done < len && flight->count < PIECES_MAX && sizeof tls->scratch->out - flight->len > STOA_TLS_OVERHEAD_LEN) {
    size_t room = sizeof tls->scratch->out - flight->len - STOA_TLS_OVERHEAD_LEN;
    size_t part = len - done < STOA_TLS_DATA_LEN_MAX ? len - done : STOA_TLS_DATA_LEN_MAX;
    if (part > room || !stoa_tls_seal(&traffic->out, tls->scratch->tools, traffic->suite, STOA_TLS_RECORD_DATA,
                                      data + done, part, tls->scratch->out + flight->len)) {
      break;
    }
    flight->len += part + STOA_TLS_OVERHEAD_LEN;
    flight->records[flight->count].end = (uint32_t)flight->len;
    flight->records[flight->count].data_len = (uint32_t)part;
    flight->count++;
    done += part;
  }
  return done;
}

/* A record never holds bytes of two pieces: what is promised stands in one. The first `skip` bytes are sealed already.
 */
static void seal_pieces(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t skip,
                        struct flight *flight) {
  assert(count > 0 && skip <= pieces[0].iov_len);
  for (size_t i = 0; i < count; i++) {
    size_t len = pieces[i].iov_len - skip;
    if (seal_piece(tls, (const uint8_t *)pieces[i].iov_base + skip, len, flight) < len) {
      return;
    }
    skip = 0;
  }
}

/* So many bytes of the flight are with the kernel. A record that is so in part has to follow as it is; those after it
 * were seen by nobody, and their numbers are given again. Returns the data of the whole ones. */
static int account(struct stoa_tls *tls, const struct flight *flight, size_t sent, size_t *out_data_len) {
  size_t data_len = 0;
  uint32_t i = 0;
  for (; i < flight->count && flight->records[i].end <= sent; i++) {
    data_len += flight->records[i].data_len;
  }
  *out_data_len = data_len;
  uint32_t unsent = flight->count - i;
  uint32_t start = i == 0 ? 0 : flight->records[i - 1].end;
  if (unsent > 0 && sent > start) {
    if (stoa_tls_hold(tls, tls->scratch->out + sent, flight->records[i].end - sent) != STOA_OK) {
      return STOA_E_MEMORY;
    }
    tls->promised = flight->records[i].data_len;
    unsent--;
  }
  tls->traffic->out.sequence -= unsent;
  return STOA_OK;
}

static int break_off(struct stoa_tls *tls, int status) {
  tls->broken = true;
  return status;
}

int stoa_tls_traffic_write(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t *out_len) {
  struct flight flight;
  size_t sent = 0;
  size_t kept_promise = tls->promised;
  if (tls->broken) {
    return STOA_E_TLS;
  }
  flight.len = 0;
  flight.count = 0;
  if (update_keys(tls) != STOA_OK) {
    return break_off(tls, STOA_E_MEMORY);
  }
  seal_pieces(tls, pieces, count, kept_promise, &flight);
  if (flight.count == 0 && tls->out.len == 0) {
    return break_off(tls, STOA_E_MEMORY);
  }
  int status = stoa_tls_send(tls, tls->scratch->out, flight.len, &sent);
  if (status != STOA_OK && status != STOA_E_AGAIN) {
    return break_off(tls, status);
  }
  if (status == STOA_OK) {
    tls->promised = 0;
  }
  size_t data_len = 0;
  if (account(tls, &flight, sent, &data_len) != STOA_OK) {
    return break_off(tls, STOA_E_MEMORY);
  }
  tls->wants_write = tls->out.len > 0 || sent < flight.len;
  if (status != STOA_OK || kept_promise + data_len == 0) {
    return STOA_E_AGAIN;
  }
  *out_len = kept_promise + data_len;
  return STOA_OK;
}

void stoa_tls_traffic_shutdown(struct stoa_tls *tls) {
  if (!tls->broken && tls->promised == 0) {
    send_alert(tls, STOA_TLS_ALERT_CLOSE_NOTIFY);
  }
}
