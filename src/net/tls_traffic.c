#include "net/tls_traffic.h"
#include "base/memory.h"
#include "net/tls_private.h"

#include <assert.h>
#include <openssl/crypto.h>

/* Consecutive records without data: RFC 8446 sets no limit, and each costs half a microsecond. */
#define EMPTY_RECORDS_MAX 32u
/* Records that one read opens, so that many tiny records do not delay other connections. */
#define OPENED_MAX 16u
/* RFC 8446 5.5: about as many full records may be sealed by one AES-GCM key. */
#define RECORDS_MAX (UINT64_C(1) << 24)
#define RECORDS_PER_FLIGHT_MAX 64u

enum { ALERT_LEVEL_WARNING = 1, ALERT_LEVEL_FATAL = 2, ALERT_USER_CANCELED = 90, MESSAGE_KEY_UPDATE = 24 };

void stoa_tls_traffic_free(struct stoa_tls *tls) {
  struct stoa_tls_traffic *traffic = tls->traffic;
  if (traffic == NULL) {
    return;
  }
  if (traffic->suite != NULL) {
    stoa_tls_tools_forget(tls->scratch->tools, traffic->suite);
  }
  OPENSSL_cleanse(traffic, sizeof *traffic);
  stoa_free(traffic);
  tls->traffic = NULL;
}

/* Receiving. */

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

/* RFC 8446 6.2: after a fatal alert of either side the keys are erased. No record is sealed or opened after that. */
static void end_broken(struct stoa_tls *tls, int status) {
  tls->end = (uint8_t)status;
  tls->broken = true;
  OPENSSL_cleanse(&tls->traffic->in, sizeof tls->traffic->in);
  OPENSSL_cleanse(&tls->traffic->out, sizeof tls->traffic->out);
}

/* The peer broke the protocol. */
static void fail(struct stoa_tls *tls, enum stoa_tls_alert alert) {
  if (!tls->broken) {
    send_alert(tls, alert);
  }
  end_broken(tls, STOA_E_TLS);
}

static void on_alert(struct stoa_tls *tls, const uint8_t *text, size_t len) {
  if (len != 2) {
    /* RFC 8446 5.4 for the empty one, 6.2 for the others. */
    fail(tls, len == 0 ? STOA_TLS_ALERT_UNEXPECTED_MESSAGE : STOA_TLS_ALERT_DECODE_ERROR);
  } else if (text[1] == STOA_TLS_ALERT_CLOSE_NOTIFY) {
    tls->end = STOA_E_CLOSED;
  } else if (text[1] != ALERT_USER_CANCELED) {
    /* RFC 8446 6.2: for any level, and for unknown alerts too. Nothing more is sent. */
    end_broken(tls, STOA_E_TLS);
  }
}

/* RFC 8446 4.6.3. A client may send no other message after the handshake. */
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

/* Can the bytes received so far begin a KeyUpdate? */
static bool head_is_good(struct stoa_tls *tls) {
  static const uint8_t expected[4] = {MESSAGE_KEY_UPDATE, 0, 0, 1};
  const struct stoa_tls_traffic *traffic = tls->traffic;
  size_t head_len = traffic->message_len < sizeof expected ? traffic->message_len : sizeof expected;
  if (traffic->message[0] != MESSAGE_KEY_UPDATE) {
    fail(tls, STOA_TLS_ALERT_UNEXPECTED_MESSAGE);
    return false;
  }
  if (memcmp(traffic->message, expected, head_len) != 0) {
    fail(tls, STOA_TLS_ALERT_DECODE_ERROR); /* RFC 8446 6.2: its length is another */
    return false;
  }
  return true;
}

static void on_handshake(struct stoa_tls *tls, const uint8_t *text, size_t len) {
  struct stoa_tls_traffic *traffic = tls->traffic;
  size_t room = sizeof traffic->message - traffic->message_len;
  size_t part = len < room ? len : room;
  if (len == 0) {
    fail(tls, STOA_TLS_ALERT_UNEXPECTED_MESSAGE); /* RFC 8446 5.4 */
    return;
  }
  memcpy(traffic->message + traffic->message_len, text, part);
  traffic->message_len = (uint8_t)(traffic->message_len + part);
  if (!head_is_good(tls)) {
    return;
  }
  if (len > room) {
    /* RFC 8446 5.1: the record goes on after a change of keys. */
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

/* Bytes to be opened: in the scratch, or where they wait in `in`, because copying them for each read would be slow when
 * many small records wait. */
struct source {
  uint8_t *data;
  uint32_t at, end;
};

static bool has_first(const struct source *source) {
  return has_record(source->data + source->at, source->end - source->at);
}

/* Open the record at the front into `out`. Returns false when it was refused. */
static bool open_first(struct stoa_tls *tls, struct source *source, uint8_t *out, struct stoa_tls_opened *out_opened) {
  struct stoa_tls_traffic *traffic = tls->traffic;
  enum stoa_tls_alert alert;
  const uint8_t *record = source->data + source->at;
  size_t len = stoa_tls_record_len(record);
  if (stoa_tls_open(&traffic->in, tls->scratch->tools, traffic->suite, record, len, out, out_opened, &alert) !=
      STOA_OK) {
    fail(tls, alert);
    return false;
  }
  /* RFC 6066 4: the length that the client requested. */
  if (out_opened->len > traffic->data_len_max) {
    fail(tls, STOA_TLS_ALERT_RECORD_OVERFLOW);
    return false;
  }
  source->at += (uint32_t)len;
  return true;
}

/* Act on an opened record. Returns how many bytes of data it has. */
static size_t take_record(struct stoa_tls *tls, const uint8_t *text, struct stoa_tls_opened opened) {
  struct stoa_tls_traffic *traffic = tls->traffic;
  bool is_data = opened.type == STOA_TLS_RECORD_DATA && traffic->message_len == 0;
  traffic->empty_count = is_data && opened.len > 0 ? 0 : (uint8_t)(traffic->empty_count + 1);
  if (traffic->empty_count > EMPTY_RECORDS_MAX) {
    fail(tls, STOA_TLS_ALERT_UNEXPECTED_MESSAGE);
  } else if (!is_data) {
    on_control(tls, text, opened);
  }
  return is_data && tls->end == STOA_OK ? opened.len : 0;
}

/* A record that is larger than the caller's buffer: the rest of its plaintext is put back before the next record. */
static size_t open_in_part(struct stoa_tls *tls, struct source *source, uint8_t *data, size_t size) {
  uint8_t *text = tls->scratch->out;
  struct stoa_tls_opened opened;
  if (!open_first(tls, source, text, &opened)) {
    return 0;
  }
  size_t text_len = take_record(tls, text, opened);
  size_t len = text_len < size ? text_len : size;
  size_t rest = text_len - len;
  memcpy(data, text, len);
  source->at -= (uint32_t)rest;
  memcpy(source->data + source->at, text + len, rest);
  tls->plain_len = (uint32_t)rest;
  return len;
}

/* Open records into the caller's buffer while there is room. Returns 0 only when no complete record is left, because
 * the caller then waits for the descriptor; EMPTY_RECORDS_MAX bounds the loop. */
static size_t open_records(struct stoa_tls *tls, struct source *source, uint8_t *data, size_t size) {
  size_t got = 0;
  for (unsigned i = 0; (i < OPENED_MAX || got == 0) && tls->end == STOA_OK && has_first(source); i++) {
    struct stoa_tls_opened opened;
    bool fits = size - got >= stoa_tls_record_len(source->data + source->at);
    if (!fits && got > 0) {
      break;
    }
    if (!fits) {
      got = open_in_part(tls, source, data, size);
      if (tls->plain_len > 0) {
        break;
      }
    } else if (open_first(tls, source, data + got, &opened)) {
      got += take_record(tls, data + got, opened);
    }
  }
  return got;
}

static void drop_used(struct stoa_tls *tls) {
  if (tls->in.at == tls->in.len) {
    stoa_tls_bytes_fini(&tls->in);
  }
}

static size_t take_plain(struct stoa_tls *tls, uint8_t *data, size_t size) {
  size_t len = tls->plain_len < size ? tls->plain_len : size;
  memcpy(data, tls->in.data + tls->in.at, len);
  tls->in.at += (uint32_t)len;
  tls->plain_len -= (uint32_t)len;
  drop_used(tls);
  return len;
}

/* A complete record waits in `in`. After the end nothing is kept. */
static size_t open_waiting(struct stoa_tls *tls, uint8_t *data, size_t size) {
  struct source source = {tls->in.data, tls->in.at, tls->in.len};
  size_t got = open_records(tls, &source, data, size);
  tls->in.at = tls->end == STOA_OK ? source.at : source.end;
  drop_used(tls);
  return got;
}

/* The bytes that were just received, in the scratch. */
static size_t open_fresh(struct stoa_tls *tls, uint8_t *data, size_t size) {
  struct stoa_tls_scratch *scratch = tls->scratch;
  struct source source = {scratch->in, scratch->at, scratch->end};
  size_t got = open_records(tls, &source, data, size);
  scratch->at = tls->end == STOA_OK ? source.at : source.end;
  if (stoa_tls_keep(tls) != STOA_OK) {
    end_broken(tls, STOA_E_MEMORY);
  }
  return got;
}

int stoa_tls_traffic_read(struct stoa_tls *tls, void *data, size_t size, size_t *out_len) {
  size_t got = 0;
  if (tls->plain_len > 0) {
    *out_len = take_plain(tls, data, size);
    return STOA_OK;
  }
  if (tls->end == STOA_OK && stoa_tls_traffic_pending(tls)) {
    got = open_waiting(tls, data, size);
  }
  if (tls->end == STOA_OK && got == 0) {
    stoa_tls_load(tls);
    int status = stoa_tls_fill(tls);
    if (status != STOA_OK) {
      stoa_tls_unload(tls); /* what was there is still in `in` */
      return status;
    }
    got = open_fresh(tls, data, size);
  }
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

/* Sending. */

/* Sealed records in the scratch, to be sent together. */
struct flight {
  size_t len;      /* of all of them */
  size_t data_len; /* what they hold */
  uint32_t count;
  bool failed; /* memory is out */
  struct {
    uint32_t end;      /* in the scratch */
    uint32_t data_len; /* what it holds */
  } records[RECORDS_PER_FLIGHT_MAX];
};

/* One more record. Returns false when there is no room for it, or no memory. */
static bool seal_record(struct stoa_tls *tls, enum stoa_tls_record_type type, const uint8_t *data, size_t len,
                        struct flight *flight) {
  struct stoa_tls_traffic *traffic = tls->traffic;
  struct stoa_tls_scratch *scratch = tls->scratch;
  if (flight->count == RECORDS_PER_FLIGHT_MAX || sizeof scratch->out - flight->len < len + STOA_TLS_OVERHEAD_LEN) {
    return false;
  }
  if (!stoa_tls_seal(&traffic->out, scratch->tools, traffic->suite, type, data, len, scratch->out + flight->len)) {
    flight->failed = true;
    return false;
  }
  size_t data_len = type == STOA_TLS_RECORD_DATA ? len : 0;
  flight->len += len + STOA_TLS_OVERHEAD_LEN;
  flight->data_len += data_len;
  flight->records[flight->count].end = (uint32_t)flight->len;
  flight->records[flight->count].data_len = (uint32_t)data_len;
  flight->count++;
  return true;
}

/* RFC 8446 4.6.3: when the peer requested it, or the key has sealed enough records (5.5). */
static void seal_update(struct stoa_tls *tls, struct flight *flight) {
  static const uint8_t text[5] = {MESSAGE_KEY_UPDATE, 0, 0, 1, 0};
  struct stoa_tls_traffic *traffic = tls->traffic;
  if (!traffic->update_due && traffic->out.sequence < RECORDS_MAX) {
    return;
  }
  flight->failed = !seal_record(tls, STOA_TLS_RECORD_HANDSHAKE, text, sizeof text, flight) ||
                   !stoa_tls_keys_update(&traffic->out, tls->scratch->tools, traffic->suite);
  traffic->update_due = false;
}

static bool seal_piece(struct stoa_tls *tls, const uint8_t *data, size_t len, struct flight *flight) {
  size_t len_max = tls->traffic->data_len_max;
  for (size_t done = 0; done < len;) {
    size_t part = len - done < len_max ? len - done : len_max;
    if (!seal_record(tls, STOA_TLS_RECORD_DATA, data + done, part, flight)) {
      return false;
    }
    done += part;
  }
  return true;
}

/* Keep the bytes that the kernel did not take as they were sealed: nothing is sealed twice with one number (RFC 8446
 * 5.3), not even a record of which no byte was sent. out_data_len is the data of the records that were sent whole. */
static int keep_unsent(struct stoa_tls *tls, const struct flight *flight, size_t sent, size_t *out_data_len) {
  size_t data_len = 0;
  for (uint32_t i = 0; i < flight->count && flight->records[i].end <= sent; i++) {
    data_len += flight->records[i].data_len;
  }
  if (stoa_tls_hold(tls, tls->scratch->out + sent, flight->len - sent) != STOA_OK) {
    return STOA_E_MEMORY;
  }
  tls->promised = (uint32_t)(flight->data_len - data_len);
  *out_data_len = data_len;
  return STOA_OK;
}

/* A record was sent in part and cannot be completed, or a number was skipped: nothing can follow. */
static int break_off(struct stoa_tls *tls, int status) {
  tls->broken = true;
  OPENSSL_cleanse(&tls->traffic->out, sizeof tls->traffic->out);
  return status;
}

/* Promised bytes are sent first and alone. No more is sealed while they wait, so at most one flight waits. */
static int keep_promise(struct stoa_tls *tls, size_t *out_len) {
  size_t ignored;
  int status = stoa_tls_send(tls, NULL, 0, &ignored);
  tls->wants_write = status == STOA_E_AGAIN;
  if (status != STOA_OK) {
    return status == STOA_E_AGAIN ? status : break_off(tls, status);
  }
  *out_len = tls->promised;
  tls->promised = 0;
  return STOA_OK;
}

static int send_flight(struct stoa_tls *tls, const struct flight *flight, size_t *out_len) {
  size_t sent = 0;
  size_t data_len = 0;
  int status = stoa_tls_send(tls, tls->scratch->out, flight->len, &sent);
  if (status != STOA_OK && status != STOA_E_AGAIN) {
    return break_off(tls, status);
  }
  if (keep_unsent(tls, flight, sent, &data_len) != STOA_OK) {
    return break_off(tls, STOA_E_MEMORY);
  }
  tls->wants_write = tls->out.len > 0;
  if (data_len == 0) {
    return STOA_E_AGAIN;
  }
  *out_len = data_len;
  return STOA_OK;
}

int stoa_tls_traffic_write(struct stoa_tls *tls, const struct iovec *pieces, size_t count, size_t *out_len) {
  struct flight flight;
  if (tls->broken) {
    return STOA_E_TLS;
  }
  if (tls->promised > 0) {
    return keep_promise(tls, out_len);
  }
  flight.len = 0;
  flight.data_len = 0;
  flight.count = 0;
  flight.failed = false;
  seal_update(tls, &flight);
  for (size_t i = 0; i < count && !flight.failed; i++) {
    if (!seal_piece(tls, pieces[i].iov_base, pieces[i].iov_len, &flight)) {
      break;
    }
  }
  if (flight.failed) {
    return break_off(tls, STOA_E_MEMORY);
  }
  return send_flight(tls, &flight, out_len);
}

void stoa_tls_traffic_shutdown(struct stoa_tls *tls) {
  if (!tls->broken && tls->promised == 0) {
    send_alert(tls, STOA_TLS_ALERT_CLOSE_NOTIFY);
  }
}
