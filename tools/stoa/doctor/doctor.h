/* tools/stoa/doctor/doctor.h: shared by the steps of `stoa doctor`. */
#ifndef STOA_TOOL_DOCTOR_H
#define STOA_TOOL_DOCTOR_H

#include "../bench_target.h"
#include "doctor/answer.h"
#include "doctor/report.h"
#include "doctor/session.h"
#include "doctor/wire.h"

struct doctor_options {
  const char *url;
  const char *direct; /* the same server without the proxy; NULL: not known */
  const char *origin;
  const char *subprotocol;
  bool compression; /* it is expected */
  const char *ca_file;
  const char *headers[DOCTOR_HEADERS_MAX];
  size_t header_count;
  int64_t timeout_ms; /* of each step */
  int64_t hold_ms;    /* how long the connection is held */
  int64_t ping_ms;    /* the doctor's own pings meanwhile; 0: none */
};

struct doctor {
  struct doctor_options options;
  struct doctor_report report;
  struct bench_url url;
  char origin[300]; /* of a page of the URL's host */

  struct bench_address addresses[BENCH_ADDRESSES_MAX];
  size_t address_count;
  size_t reached; /* index of the address that was reached */
};

/* dial.c: names, addresses, TLS. Each prints its findings; false: the next step makes no sense. */
bool doctor_find_name(struct doctor *doctor);
bool doctor_reach(struct doctor *doctor);
bool doctor_check_tls(struct doctor *doctor);
/* Connect to the address that was reached; NULL when that fails now. TLS without a check of the certificate. */
struct doctor_wire *doctor_dial(struct doctor *doctor);
/* Does the port speak TLS? */
bool doctor_speaks_tls(struct doctor *doctor);

/* ask.c: one request on a connection of its own, and its answer. */
enum doctor_asked {
  DOCTOR_ASKED_ANSWER,  /* HTTP */
  DOCTOR_ASKED_BYTES,   /* an answer that is no HTTP */
  DOCTOR_ASKED_NOTHING, /* the connection ended */
  DOCTOR_ASKED_LATE
};
/* *out_wire is open after a 101 only, for the caller to close; else NULL. */
enum doctor_asked doctor_ask(struct doctor *doctor, const struct doctor_question *question,
                             struct doctor_answer *out_answer, struct doctor_wire **out_wire);
/* The upgrade that is examined. */
struct doctor_question doctor_question_of(const struct doctor *doctor);

/* refusal.c: why there is no upgrade. */
void doctor_explain(struct doctor *doctor, enum doctor_asked asked, const struct doctor_answer *answer);

/* upgraded.c: what the answer agreed to, other origins, and what is different without the proxy. */
void doctor_judge(struct doctor *doctor, const struct doctor_answer *answer);
void doctor_check_origins(struct doctor *doctor);
void doctor_compare(struct doctor *doctor, const struct doctor_answer *answer);

/* hold.c: pings, the time that was asked for, the close handshake. */
void doctor_hold(struct doctor *doctor, struct doctor_wire *wire, const struct doctor_answer *answer);

#endif
