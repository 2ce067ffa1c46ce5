#include <stdlib.h>
#include <string.h>

#include "../now.h"
#include "doctor/doctor.h"

/* How long a body may take after its head: it is read for one line of explanation only. */
enum { BODY_MS = 1000 };

struct doctor_question doctor_question_of(const struct doctor *doctor) {
  return (struct doctor_question){.is_upgrade = true,
                                  .origin = doctor->options.origin != NULL ? doctor->options.origin
                                            : doctor->origin[0] != '\0'    ? doctor->origin
                                                                           : NULL,
                                  .subprotocol = doctor->options.subprotocol,
                                  .compression = true,
                                  .headers = doctor->options.headers,
                                  .header_count = doctor->options.header_count};
}

static enum doctor_wire_status read_some(struct doctor_wire *wire, struct doctor_answer *answer, int64_t deadline_ms) {
  size_t got = 0;
  size_t cap = sizeof answer->data - 1;
  if (answer->len == cap) {
    return DOCTOR_WIRE_FAILED;
  }
  enum doctor_wire_status status =
      doctor_wire_read(wire, answer->data + answer->len, cap - answer->len, deadline_ms, &got);
  answer->len += got;
  answer->data[answer->len] = '\0';
  return status;
}

/* A line of the body is there, or all of it. */
static bool has_line(const struct doctor_answer *answer) {
  char length[24];
  size_t there = answer->len - answer->head_len;
  return memchr(answer->data + answer->head_len, '\n', there) != NULL ||
         (doctor_answer_field(answer, "Content-Length", length, sizeof length) && there >= strtoull(length, NULL, 10));
}

static enum doctor_asked read_answer(struct doctor_wire *wire, struct doctor_answer *answer, int64_t deadline_ms) {
  enum doctor_wire_status status = DOCTOR_WIRE_OK;
  while (status == DOCTOR_WIRE_OK && !doctor_answer_parse(answer)) {
    status = read_some(wire, answer, deadline_ms);
  }
  if (answer->head_len > 0 && answer->status != 101) {
    int64_t body_deadline_ms = tool_now_ms() + BODY_MS;
    body_deadline_ms = body_deadline_ms < deadline_ms ? body_deadline_ms : deadline_ms;
    while (!has_line(answer) && read_some(wire, answer, body_deadline_ms) == DOCTOR_WIRE_OK) {
    }
  }
  if (answer->head_len > 0 && answer->minor >= 0) {
    return DOCTOR_ASKED_ANSWER;
  }
  return answer->len > 0 ? DOCTOR_ASKED_BYTES : status == DOCTOR_WIRE_LATE ? DOCTOR_ASKED_LATE : DOCTOR_ASKED_NOTHING;
}

enum doctor_asked doctor_ask(struct doctor *doctor, const struct doctor_question *question,
                             struct doctor_answer *out_answer, struct doctor_wire **out_wire) {
  char request[DOCTOR_REQUEST_MAX];
  int64_t deadline_ms = tool_now_ms() + doctor->options.timeout_ms;
  size_t len = doctor_question_write(question, &doctor->url, request);
  *out_answer = (struct doctor_answer){.minor = -1};
  *out_wire = NULL;
  struct doctor_wire *wire = len == 0 ? NULL : doctor_dial(doctor);
  if (wire == NULL) {
    return DOCTOR_ASKED_NOTHING;
  }
  /* A server may answer and end before it has read all: what it says is read in any case. */
  doctor_wire_write(wire, request, len, deadline_ms);
  enum doctor_asked asked = read_answer(wire, out_answer, deadline_ms);
  if (asked == DOCTOR_ASKED_ANSWER && out_answer->status == 101) {
    *out_wire = wire;
  } else {
    doctor_wire_close(wire);
  }
  return asked;
}
