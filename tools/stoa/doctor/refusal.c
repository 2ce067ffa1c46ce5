#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"

/* The lines that a proxy needs, for every way in which an upgrade gets lost in one. */
static void advise_proxy(void) {
  doctor_advise(
      "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "
      "$connection_upgrade; (docs/deploying.md has the whole block)");
  doctor_advise("haproxy and Caddy pass upgrades on by themselves; a cloud load balancer needs WebSocket turned on");
}

/* Pages find the endpoint by stoa.json, so it can be found here too. "" when there is none. */
static void find_endpoint(struct doctor *doctor, char *out, size_t size) {
  struct doctor_answer answer;
  struct doctor_wire *wire;
  char line[256];
  const struct doctor_question question = {
      .target = "/stoa.json", .headers = doctor->options.headers, .header_count = doctor->options.header_count};
  out[0] = '\0';
  if (doctor_ask(doctor, &question, &answer, &wire) != DOCTOR_ASKED_ANSWER || answer.status != 200) {
    doctor_wire_close(wire);
    return;
  }
  doctor_answer_line(&answer, line, sizeof line);
  const char *at = strstr(line, "\"endpoint\":\"");
  if (at != NULL) {
    at += strlen("\"endpoint\":\"");
    at += strncmp(at, "./", 2) == 0 ? 2 : 0;
    snprintf(out, size, "/%.*s", (int)strcspn(at, "\""), at);
  }
}

/* The answer of a page, of another path, or of a server that did not see the upgrade. */
static void explain_plain(struct doctor *doctor, const struct doctor_answer *answer) {
  char endpoint[256];
  char target[1024];
  find_endpoint(doctor, endpoint, sizeof endpoint);
  snprintf(target, sizeof target, "%.*s", (int)strcspn(doctor->url.target, "?"), doctor->url.target);
  if (endpoint[0] != '\0' && strcmp(endpoint, target) != 0) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "path", "%s is not the endpoint, HTTP %d; stoa.json says it is %s",
               target, answer->status, endpoint);
    doctor_advise("use %s://%s%s, or change server.path", doctor->url.tls ? "wss" : "ws", doctor->url.authority,
                  endpoint);
    return;
  }
  if (answer->status == 404) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "path", "HTTP 404: there is no endpoint at %s", target);
    doctor_advise("use the path that server.path says (/ by default); behind a proxy, that of its location");
    return;
  }
  doctor_say(&doctor->report, DOCTOR_PROBLEM, "upgrade",
             "HTTP %d: the server got a plain request, without the fields of the upgrade or as HTTP/1.0: a proxy in "
             "between does not pass it on",
             answer->status);
  advise_proxy();
}

static void explain_origin(struct doctor *doctor, const char *reason) {
  struct doctor_question question = doctor_question_of(doctor);
  struct doctor_answer answer;
  struct doctor_wire *wire;
  const char *origin = question.origin;
  question.origin = NULL;
  bool is_origin =
      origin != NULL && doctor_ask(doctor, &question, &answer, &wire) == DOCTOR_ASKED_ANSWER && answer.status == 101;
  if (!is_origin) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "upgrade", "HTTP 403: %s", reason);
    doctor_advise("the server, or a proxy, refuses this client: see its log");
    return;
  }
  doctor_wire_close(wire);
  doctor_say(&doctor->report, DOCTOR_PROBLEM, "origin", "HTTP 403: pages of %s may not connect. %s", origin, reason);
  doctor_advise(
      "server.hosts if it is this server's own page behind a proxy, and nginx: proxy_set_header Host "
      "$http_host; server.allowed_origins if it is another site's");
}

static void explain_other(struct doctor *doctor, const struct doctor_answer *answer, const char *line) {
  char value[256];
  doctor_say(&doctor->report, DOCTOR_PROBLEM, "upgrade", "HTTP %d instead of 101: %s", answer->status, line);
  if (answer->status >= 300 && answer->status < 400) {
    doctor_answer_field(answer, "Location", value, sizeof value);
    doctor_advise("WebSocket clients do not follow redirects: use %s", value);
  } else if (answer->status == 401) {
    doctor_advise("give a token: --header 'Authorization: Bearer TOKEN'");
  } else if (answer->status == 429 || answer->status == 503) {
    doctor_advise("the server or a proxy is at a limit: see server.limits, and limit_conn or maxconn of the proxy");
  } else if (answer->status == 502 || answer->status == 504) {
    doctor_advise("the proxy does not reach the server: check that it runs, and the address in the proxy");
  } else {
    doctor_advise("the log of the server or the proxy says why");
  }
}

static void explain_silence(struct doctor *doctor, enum doctor_asked asked) {
  if (!doctor->url.tls && doctor_speaks_tls(doctor)) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "upgrade", "port %s speaks TLS, and the request was plain text",
               doctor->url.port);
    doctor_advise("use wss://%s%s", doctor->url.authority, doctor->url.target);
    return;
  }
  doctor_say(&doctor->report, DOCTOR_PROBLEM, "upgrade", "%s",
             asked == DOCTOR_ASKED_LATE      ? "no answer in time"
             : asked == DOCTOR_ASKED_NOTHING ? "the connection ended without an answer"
                                             : "the answer is not HTTP");
  doctor_advise(
      "check that a WebSocket server is at this port, and that a proxy in between speaks HTTP to it "
      "(PROXY headers of haproxy need proxy_protocol: on at the listener)");
}

void doctor_explain(struct doctor *doctor, enum doctor_asked asked, const struct doctor_answer *answer) {
  char line[512];
  if (asked != DOCTOR_ASKED_ANSWER) {
    explain_silence(doctor, asked);
    return;
  }
  doctor_answer_line(answer, line, sizeof line);
  if (!doctor->url.tls && answer->status == 400 && doctor_speaks_tls(doctor)) {
    explain_silence(doctor, asked);
  } else if (answer->minor == 0) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "upgrade",
               "HTTP/1.0 %d: a proxy in between speaks HTTP/1.0, which has no upgrades", answer->status);
    advise_proxy();
  } else if (answer->status == 403) {
    explain_origin(doctor, line);
  } else if (answer->status == 200 || answer->status == 404 || answer->status == 426) {
    explain_plain(doctor, answer);
  } else {
    explain_other(doctor, answer, line);
  }
}
