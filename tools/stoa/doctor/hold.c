#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../now.h"
#include "doctor/doctor.h"

enum { PROGRESS_MS = 1000 };

struct hold {
  struct doctor *doctor;
  struct doctor_session session;
  int64_t begun_ms;
  int64_t interval_ms; /* of the server's pings; 0: not known */
  unsigned pings, pongs, messages;
};

static double seconds(int64_t ms) {
  return (double)ms / 1000;
}

/* A pong with our text, whatever comes before it. */
static bool check_ping(struct hold *hold) {
  struct doctor *doctor = hold->doctor;
  static const char text[] = "stoa doctor";
  int64_t begun_ms = tool_now_ms();
  int64_t deadline_ms = begun_ms + doctor->options.timeout_ms;
  enum doctor_event event =
      doctor_session_ping(&hold->session, text, deadline_ms) ? DOCTOR_EVENT_MESSAGE : DOCTOR_EVENT_ENDED;
  while (event == DOCTOR_EVENT_MESSAGE || event == DOCTOR_EVENT_PING) {
    event = doctor_session_next(&hold->session, deadline_ms);
  }
  if (event == DOCTOR_EVENT_PONG && hold->session.control_len == strlen(text) &&
      memcmp(hold->session.control, text, strlen(text)) == 0) {
    doctor_say(&doctor->report, DOCTOR_GOOD, "ping", "a pong came after %lld ms",
               (long long)(tool_now_ms() - begun_ms));
    return true;
  }
  if (event == DOCTOR_EVENT_CLOSE) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "ping", "the server closed the session at once, with %u %.*s",
               hold->session.close_code, hold->session.control_len > 2 ? (int)hold->session.control_len - 2 : 0,
               (const char *)hold->session.control + 2);
    doctor_advise("docs/protocol.md has the close codes; 4500 and above ask for another token or client");
    return false;
  }
  doctor_say(&doctor->report, DOCTOR_PROBLEM, "ping", "no pong: %s",
             event == DOCTOR_EVENT_LATE    ? "nothing came in time"
             : event == DOCTOR_EVENT_WRONG ? hold->session.wrong
             : event == DOCTOR_EVENT_PONG  ? "another one came"
                                           : "the connection ended");
  doctor_advise("a proxy passes the upgrade and not the frames: it must not buffer or inspect the connection");
  return false;
}

static void say_cut(struct hold *hold) {
  struct doctor *doctor = hold->doctor;
  int64_t now_ms = tool_now_ms();
  double silence_s = seconds(now_ms - hold->session.traffic_ms);
  doctor_say(&doctor->report, DOCTOR_PROBLEM, "hold",
             "the connection was cut after %.1f s, when nothing had been sent for %.1f s",
             seconds(now_ms - hold->begun_ms), silence_s);
  if (hold->interval_ms > 0) {
    doctor_advise(
        "a proxy ends silent connections, and the server pings every %.0f s only: set the proxy's timeout "
        "above that (nginx: proxy_read_timeout, haproxy: timeout tunnel), or server.ping_interval_ms below "
        "%.0f",
        seconds(hold->interval_ms), silence_s * 1000);
  } else {
    doctor_advise(
        "a proxy ends silent connections: let the server ping more often, or set the proxy's timeout higher "
        "(nginx: proxy_read_timeout, haproxy: timeout tunnel)");
  }
}

static void show_progress(const struct hold *hold, int64_t now_ms) {
  if (isatty(STDERR_FILENO)) {
    fprintf(stderr, "\r%.0f of %.0f s, %u pings of the server ", seconds(now_ms - hold->begun_ms),
            seconds(hold->doctor->options.hold_ms), hold->pings);
  }
}

static void hide_progress(void) {
  if (isatty(STDERR_FILENO)) {
    fprintf(stderr, "\r%60s\r", "");
  }
}

/* Until the time is over. DOCTOR_EVENT_LATE: nothing has happened to the connection. */
static enum doctor_event wait_long(struct hold *hold) {
  const struct doctor_options *options = &hold->doctor->options;
  int64_t end_ms = hold->begun_ms + options->hold_ms;
  int64_t ping_ms = options->ping_ms > 0 ? hold->begun_ms + options->ping_ms : INT64_MAX;
  for (;;) {
    int64_t now_ms = tool_now_ms();
    if (now_ms >= end_ms) {
      return DOCTOR_EVENT_LATE;
    }
    show_progress(hold, now_ms);
    if (now_ms >= ping_ms) {
      ping_ms = now_ms + options->ping_ms;
      if (!doctor_session_ping(&hold->session, "hold", now_ms + options->timeout_ms)) {
        return DOCTOR_EVENT_ENDED;
      }
    }
    int64_t next_ms = now_ms + PROGRESS_MS;
    next_ms = next_ms < ping_ms ? next_ms : ping_ms;
    enum doctor_event event = doctor_session_next(&hold->session, next_ms < end_ms ? next_ms : end_ms);
    hold->pings += event == DOCTOR_EVENT_PING;
    hold->pongs += event == DOCTOR_EVENT_PONG;
    hold->messages += event == DOCTOR_EVENT_MESSAGE;
    if (event == DOCTOR_EVENT_CLOSE || event == DOCTOR_EVENT_ENDED || event == DOCTOR_EVENT_WRONG) {
      return event;
    }
  }
}

static bool hold_on(struct hold *hold) {
  struct doctor *doctor = hold->doctor;
  hold->begun_ms = tool_now_ms();
  hold->session.traffic_ms = hold->begun_ms;
  enum doctor_event event = wait_long(hold);
  hide_progress();
  if (event == DOCTOR_EVENT_ENDED) {
    say_cut(hold);
  } else if (event == DOCTOR_EVENT_WRONG) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "hold", "the server sent %s", hold->session.wrong);
    doctor_advise("a proxy changes the bytes of the connection: it must pass them on as they are");
  } else if (event == DOCTOR_EVENT_CLOSE) {
    doctor_say(&doctor->report, DOCTOR_PROBLEM, "hold", "the session was closed with %u after %.1f s",
               hold->session.close_code, seconds(tool_now_ms() - hold->begun_ms));
    doctor_advise("docs/protocol.md has the close codes; 4502 means that the program waits for a first call");
  } else {
    doctor_say(&doctor->report, DOCTOR_GOOD, "hold", "open for %.1f s: %u pings of the server, %u pongs, %u messages",
               seconds(doctor->options.hold_ms), hold->pings, hold->pongs, hold->messages);
    if (hold->pings == 0 && hold->interval_ms > doctor->options.hold_ms) {
      doctor_say(&doctor->report, DOCTOR_NOTE, "hold", "the server pings every %.0f s: a shorter time finds less",
                 seconds(hold->interval_ms));
      doctor_advise("--for %.0fs waits for two pings", seconds(2 * hold->interval_ms + 5000));
    }
  }
  return event == DOCTOR_EVENT_LATE;
}

static void check_close(struct hold *hold) {
  struct doctor *doctor = hold->doctor;
  int64_t deadline_ms = tool_now_ms() + doctor->options.timeout_ms;
  enum doctor_event event =
      doctor_session_close(&hold->session, deadline_ms) ? DOCTOR_EVENT_MESSAGE : DOCTOR_EVENT_ENDED;
  while (event == DOCTOR_EVENT_MESSAGE || event == DOCTOR_EVENT_PING || event == DOCTOR_EVENT_PONG) {
    event = doctor_session_next(&hold->session, deadline_ms);
  }
  bool is_good = event == DOCTOR_EVENT_CLOSE;
  doctor_say(&doctor->report, is_good ? DOCTOR_GOOD : DOCTOR_NOTE, "close", "%s",
             is_good ? "the close handshake is complete" : "the close frame was not answered");
  if (!is_good) {
    doctor_advise("a proxy cuts the connection early; clients then see 1006 and cannot tell why");
  }
}

void doctor_hold(struct doctor *doctor, struct doctor_wire *wire, const struct doctor_answer *answer) {
  char interval[32];
  struct hold hold = {.doctor = doctor};
  doctor_session_init(&hold.session, wire, answer->data + answer->head_len, answer->len - answer->head_len);
  if (doctor_answer_field(answer, "Stoa-Ping-Interval", interval, sizeof interval)) {
    hold.interval_ms = strtol(interval, NULL, 10);
  }
  bool is_open = check_ping(&hold);
  if (is_open && doctor->options.hold_ms > 0) {
    is_open = hold_on(&hold);
  }
  if (is_open) {
    check_close(&hold);
  }
}
