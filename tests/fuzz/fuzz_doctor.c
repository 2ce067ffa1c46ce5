/* What a server, or a proxy in between, answers to `stoa doctor`: an answer to the upgrade, then frames. All of it may
 * be wrong, because that is what is looked for: it is read in bounds, and what is told is a part of it. */
#include "must.h"

#include "doctor/answer.h"
#include "doctor/session.h"

#include <string.h>

/* The rest of the input comes in pieces whose sizes are the input's too. */
static const uint8_t *rest;
static size_t rest_len;

enum doctor_wire_status doctor_wire_read(struct doctor_wire *wire, void *out, size_t cap, int64_t deadline_ms,
                                         size_t *out_len) {
  (void)wire, (void)deadline_ms;
  if (rest_len == 0) {
    return DOCTOR_WIRE_ENDED;
  }
  size_t len = (size_t)rest[0] % 64 + 1;
  len = len < rest_len ? len : rest_len;
  len = len < cap ? len : cap;
  must(cap > 0);
  memcpy(out, rest, len);
  rest += len;
  rest_len -= len;
  *out_len = len;
  return DOCTOR_WIRE_OK;
}

enum doctor_wire_status doctor_wire_write(struct doctor_wire *wire, const void *data, size_t len, int64_t deadline_ms) {
  (void)wire, (void)deadline_ms;
  must(len >= 6 && len <= 6 + DOCTOR_CONTROL_MAX);
  must(((const uint8_t *)data)[1] == (0x80 | (len - 6)));
  return DOCTOR_WIRE_OK;
}

static void read_fields(const struct doctor_answer *answer) {
  char name[64], value[128], line[80];
  size_t count = 0;
  /* The n-th field is looked for from the first one on. */
  while (count < 200 && doctor_answer_name(answer, count, name, sizeof name)) {
    must(strlen(name) < sizeof name);
    count++;
  }
  static const char *const names[] = {"Upgrade", "Connection", "Sec-WebSocket-Accept", "Server", ""};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    (void)doctor_answer_field(answer, names[i], value, sizeof value);
    must(strlen(value) < sizeof value);
  }
  (void)doctor_answer_is_accepted(answer);
  doctor_answer_line(answer, line, sizeof line);
  must(strlen(line) < sizeof line);
}

static void read_session(const char *data, size_t len) {
  static struct doctor_session session;
  enum doctor_event event;
  size_t events = 0;
  doctor_session_init(&session, NULL, data, len);
  do {
    event = doctor_session_next(&session, 0);
    must(session.control_len <= DOCTOR_CONTROL_MAX);
    must(session.at <= session.len && session.len <= sizeof session.data);
    must((event == DOCTOR_EVENT_WRONG) == (session.wrong != NULL));
    events++;
  } while (event == DOCTOR_EVENT_PING || event == DOCTOR_EVENT_PONG || event == DOCTOR_EVENT_MESSAGE);
  must(events <= 70000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  static struct doctor_answer answer;
  if (len > 65536) {
    return 0;
  }
  memset(&answer, 0, sizeof answer);
  answer.len = len < sizeof answer.data - 1 ? len : sizeof answer.data - 1;
  if (len > 0) {
    memcpy(answer.data, data, answer.len);
  }
  bool is_whole = doctor_answer_parse(&answer);
  must(answer.head_len <= answer.len);
  must(!is_whole || answer.head_len > 0);
  rest = data;
  rest_len = len;
  if (is_whole) {
    read_fields(&answer);
    size_t more = answer.len - answer.head_len;
    rest += answer.len;
    rest_len -= answer.len;
    read_session(answer.data + answer.head_len, more < 4096 ? more : 4096);
  } else {
    read_session("", 0);
  }
  return 0;
}
