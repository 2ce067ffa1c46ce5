#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"

/* A page that no server should admit. The name cannot exist (RFC 2606). */
#define FOREIGN_ORIGIN "https://stoa-doctor.invalid"

/* The fields that a Stoa server's 101 has. */
static const char *const own_fields[] = {
    "upgrade", "connection",        "sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions",
    "date",    "stoa-ping-interval"};

static bool is_own_field(const char *name) {
  for (size_t i = 0; i < sizeof own_fields / sizeof own_fields[0]; i++) {
    if (strcmp(name, own_fields[i]) == 0) {
      return true;
    }
  }
  return false;
}

static void judge_subprotocol(struct doctor *doctor, const struct doctor_answer *answer) {
  char value[128];
  char interval[32];
  const char *wanted = doctor->options.subprotocol;
  bool is_stoa = doctor_answer_field(answer, "Stoa-Ping-Interval", interval, sizeof interval);
  if (doctor_answer_field(answer, "Sec-WebSocket-Protocol", value, sizeof value)) {
    bool is_wanted = strcmp(value, wanted) == 0;
    doctor_say(&doctor->report, is_wanted ? DOCTOR_GOOD : DOCTOR_PROBLEM, "subprotocol", "%s%s", value,
               is_wanted ? "" : " was not asked for");
    if (!is_wanted) {
      doctor_advise("clients end such a connection (RFC 6455 4.1): ask for it, or look which server answers here");
    }
    return;
  }
  doctor_say(&doctor->report, DOCTOR_PROBLEM, "subprotocol", "%s was asked for, and the answer has none", wanted);
  if (is_stoa) {
    doctor_advise(
        "either the server has no codec of this name, or a proxy removes Sec-WebSocket-Protocol from the "
        "request or the answer: do not set or hide that field there");
  } else {
    doctor_advise("no field is that of a Stoa server: look which server answers here");
  }
}

static void judge_compression(struct doctor *doctor, const struct doctor_answer *answer) {
  char value[256];
  if (doctor_answer_field(answer, "Sec-WebSocket-Extensions", value, sizeof value)) {
    doctor_say(&doctor->report, DOCTOR_GOOD, "compression", "%s", value);
    return;
  }
  doctor_say(&doctor->report, doctor->options.compression ? DOCTOR_PROBLEM : DOCTOR_NOTE, "compression",
             "permessage-deflate was offered, and is not used");
  doctor_advise(
      "server.compression: true turns it on; if it is on, a proxy removes Sec-WebSocket-Extensions: do not "
      "set or hide that field there");
}

static void judge_proxy(struct doctor *doctor, const struct doctor_answer *answer) {
  char list[512] = "";
  char name[128];
  char value[128];
  for (size_t i = 0; doctor_answer_name(answer, i, name, sizeof name); i++) {
    if (!is_own_field(name)) {
      size_t at = strlen(list);
      doctor_answer_field(answer, name, value, sizeof value);
      snprintf(list + at, sizeof list - at, "%s%s: %s", at > 0 ? "; " : "", name, value);
    }
  }
  if (list[0] != '\0') {
    doctor_say(&doctor->report, DOCTOR_GOOD, "proxy", "there is one: it adds %s", list);
  }
}

void doctor_judge(struct doctor *doctor, const struct doctor_answer *answer) {
  if (answer->minor == 0) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "upgrade", "HTTP/1.0 101: browsers refuse it");
    doctor_advise("a proxy in between answers as HTTP/1.0: let it speak HTTP/1.1");
  } else if (!doctor_answer_is_accepted(answer)) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "upgrade", "Sec-WebSocket-Accept is not the answer to our key");
    doctor_advise("a cache or a proxy answers with the handshake of another client: turn it off for this path");
  } else {
    doctor_say(&doctor->report, DOCTOR_GOOD, "upgrade", "HTTP/1.1 101");
  }
  judge_subprotocol(doctor, answer);
  judge_compression(doctor, answer);
  judge_proxy(doctor, answer);
}

void doctor_check_origins(struct doctor *doctor) {
  struct doctor_question question = doctor_question_of(doctor);
  struct doctor_answer answer;
  struct doctor_wire *wire;
  if (question.origin != NULL) {
    doctor_say(&doctor->report, DOCTOR_GOOD, "origin", "pages of %s may connect", question.origin);
  }
  question.origin = FOREIGN_ORIGIN;
  enum doctor_asked asked = doctor_ask(doctor, &question, &answer, &wire);
  doctor_wire_close(wire);
  if (asked == DOCTOR_ASKED_ANSWER && answer.status == 101) {
    doctor_say(&doctor->report, DOCTOR_NOTE, "origin", "pages of any other site may connect too, as their visitors");
    doctor_advise(
        "if that is not meant: server.allowed_origins is a list of sites; without it only the server's own "
        "pages may");
  } else if (asked == DOCTOR_ASKED_ANSWER && answer.status == 403) {
    doctor_say(&doctor->report, DOCTOR_GOOD, "origin", "pages of other sites are refused");
  }
}

static void compare_field(struct doctor *doctor, const struct doctor_answer *through,
                          const struct doctor_answer *direct, const char *name) {
  char ours[256];
  char theirs[256];
  doctor_answer_field(through, name, ours, sizeof ours);
  doctor_answer_field(direct, name, theirs, sizeof theirs);
  if (strcmp(ours, theirs) != 0) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "direct", "%s is \"%s\" from the server, and \"%s\" through the proxy",
               name, theirs, ours);
    doctor_advise(
        "the proxy removes or changes the field, in the request or in the answer: do not set or hide it "
        "there");
  }
}

/* The same request to the server itself. Its origin stays that of the page. */
void doctor_compare(struct doctor *doctor, const struct doctor_answer *answer) {
  static struct doctor direct;
  struct doctor_answer found;
  struct doctor_wire *wire;
  unsigned before = doctor->report.problems;
  direct = (struct doctor){.options = doctor->options};
  memcpy(direct.origin, doctor->origin, sizeof direct.origin);
  if (!bench_url_parse(doctor->options.direct, &direct.url) || !doctor_find_name(&direct) || !doctor_reach(&direct)) {
    doctor->report.problems++;
    return;
  }
  struct doctor_question question = doctor_question_of(&direct);
  question.origin = NULL; /* its Host is another one than the page's */
  enum doctor_asked asked = doctor_ask(&direct, &question, &found, &wire);
  doctor_wire_close(wire);
  if (asked != DOCTOR_ASKED_ANSWER || found.status != 101) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "direct", "%s gives no upgrade either, HTTP %d", doctor->options.direct,
               found.status);
    doctor_advise("look for the reason there first: stoa doctor %s", doctor->options.direct);
    return;
  }
  if (answer->status != 101) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "direct", "%s gives an upgrade: what is in between is to blame",
               doctor->options.direct);
    doctor_advise("see above");
    return;
  }
  compare_field(doctor, answer, &found, "Sec-WebSocket-Protocol");
  compare_field(doctor, answer, &found, "Sec-WebSocket-Extensions");
  compare_field(doctor, answer, &found, "Stoa-Ping-Interval");
  if (doctor->report.problems == before) {
    doctor_say(&doctor->report, DOCTOR_GOOD, "direct", "the server itself answers the same");
  }
}
