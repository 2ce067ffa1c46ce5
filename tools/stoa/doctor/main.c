/* stoa doctor: the handshake of a client, step by step, through whatever proxies there are. */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../call/options.h"
#include "../command.h"
#include "doctor/doctor.h"

static const char help[] =
    "usage: stoa doctor URL [options]\n"
    "\n"
    "Connects as a page's client does and says what it finds, and what to do about it: name, addresses, TLS with its\n"
    "chain and days left, the upgrade, Origin, subprotocol, compression, pings, the close handshake. URL is that of "
    "the\n"
    "endpoint, ws:// or wss://; with http:// or https:// it is the same.\n"
    "\n"
    "      --for TIME        hold the connection so long, silent but for the server's pings: finds the timeouts of\n"
    "                        proxies\n"
    "      --ping TIME       send pings that often meanwhile\n"
    "      --direct URL      the same server without its proxy: says what the proxy changes\n"
    "      --origin ORIGIN   the page that connects, such as https://www.example.org (that of URL's host)\n"
    "      --subprotocol NAME  stoa.json, stoa.proto, stoa.text or one of your own (stoa.json)\n"
    "      --compression     the server compresses: say so when it does not\n"
    "      --header 'NAME: VALUE'  a field of the upgrade, such as a token; may be repeated\n"
    "      --ca FILE         wss: authorities to trust instead of the system's\n"
    "      --timeout TIME    for each step (10s)\n"
    "\n"
    "Exit status: 0 no problem (a note is none), 1 at least one problem, 2 bad usage.\n";

enum {
  OPT_FOR = 256,
  OPT_PING,
  OPT_DIRECT,
  OPT_ORIGIN,
  OPT_SUBPROTOCOL,
  OPT_COMPRESSION,
  OPT_HEADER,
  OPT_CA,
  OPT_TIMEOUT
};

static bool wrong(const char *option, const char *value, const char *expected) {
  fprintf(stderr, "stoa doctor: %s: \"%s\" is not %s\n", option, value, expected);
  return false;
}

static bool take_time(const char *option, int64_t *out_ms) {
  return call_read_time(optarg, out_ms) || wrong(option, optarg, "a time such as 500ms, 10s or 2m, up to 24h");
}

/* RFC 9110 5.5: a line feed here would inject a field or a body. */
static bool take_field(const char *option, const char **out) {
  *out = optarg;
  return (optarg[0] != '\0' && strlen(optarg) <= 1024 && strpbrk(optarg, "\r\n") == NULL) ||
         wrong(option, optarg, "one line of 1 to 1024 bytes");
}

static bool take_header(struct doctor_options *options) {
  if (options->header_count == DOCTOR_HEADERS_MAX) {
    fprintf(stderr, "stoa doctor: --header can be given %d times\n", DOCTOR_HEADERS_MAX);
    return false;
  }
  const char *colon = strchr(optarg, ':');
  return colon != NULL && colon != optarg ? take_field("--header", &options->headers[options->header_count++])
                                          : wrong("--header", optarg, "of the form NAME: VALUE");
}

static bool take_option(int c, struct doctor_options *options) {
  switch (c) {
    case OPT_FOR:
      return take_time("--for", &options->hold_ms);
    case OPT_PING:
      return take_time("--ping", &options->ping_ms);
    case OPT_TIMEOUT:
      return take_time("--timeout", &options->timeout_ms);
    case OPT_DIRECT:
      options->direct = optarg;
      return true;
    case OPT_ORIGIN:
      return take_field("--origin", &options->origin);
    case OPT_SUBPROTOCOL:
      return take_field("--subprotocol", &options->subprotocol);
    case OPT_COMPRESSION:
      options->compression = true;
      return true;
    case OPT_HEADER:
      return take_header(options);
    case OPT_CA:
      options->ca_file = optarg;
      return true;
    default:
      return false; /* getopt_long() has printed the error */
  }
}

static bool take_options(int argc, char **argv, struct doctor_options *options) {
  static const struct option long_options[] = {{"for", required_argument, NULL, OPT_FOR},
                                               {"ping", required_argument, NULL, OPT_PING},
                                               {"direct", required_argument, NULL, OPT_DIRECT},
                                               {"origin", required_argument, NULL, OPT_ORIGIN},
                                               {"subprotocol", required_argument, NULL, OPT_SUBPROTOCOL},
                                               {"compression", no_argument, NULL, OPT_COMPRESSION},
                                               {"header", required_argument, NULL, OPT_HEADER},
                                               {"ca", required_argument, NULL, OPT_CA},
                                               {"timeout", required_argument, NULL, OPT_TIMEOUT},
                                               {NULL, 0, NULL, 0}};
  optind = 0;
  for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
    if (!take_option(c, options)) {
      return false;
    }
  }
  if (argc - optind != 1) {
    fprintf(stderr, "stoa doctor: give one URL, such as wss://www.example.org/; `stoa doctor --help` says more\n");
    return false;
  }
  options->url = argv[optind];
  return true;
}

static bool parse_urls(struct doctor *doctor) {
  static char url[CALL_URL_MAX];
  static char direct[CALL_URL_MAX];
  struct bench_url unused;
  if (!call_make_url(doctor->options.url, url) || !bench_url_parse(url, &doctor->url)) {
    return false;
  }
  doctor->options.url = url;
  if (doctor->url.socket_path[0] == '\0') {
    snprintf(doctor->origin, sizeof doctor->origin, "%s://%s", doctor->url.tls ? "https" : "http",
             doctor->url.authority);
  }
  if (doctor->options.direct == NULL) {
    return true;
  }
  bool is_good = call_make_url(doctor->options.direct, direct) && bench_url_parse(direct, &unused);
  doctor->options.direct = direct;
  return is_good;
}

static void examine(struct doctor *doctor) {
  static struct doctor_answer answer;
  struct doctor_wire *wire;
  if (!doctor_find_name(doctor) || !doctor_reach(doctor) || (doctor->url.tls && !doctor_check_tls(doctor))) {
    return;
  }
  struct doctor_question question = doctor_question_of(doctor);
  enum doctor_asked asked = doctor_ask(doctor, &question, &answer, &wire);
  if (wire == NULL) {
    doctor_explain(doctor, asked, &answer);
  } else {
    doctor_judge(doctor, &answer);
    doctor_hold(doctor, wire, &answer);
    doctor_wire_close(wire);
    doctor_check_origins(doctor);
  }
  if (doctor->options.direct != NULL) {
    doctor_compare(doctor, &answer);
  }
}

int command_doctor(int argc, char **argv) {
  static struct doctor doctor = {.options = {.subprotocol = "stoa.json", .timeout_ms = 10000}};
  if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    fputs(help, stdout);
    return EXIT_FINE;
  }
  signal(SIGPIPE, SIG_IGN);
  setlocale(LC_CTYPE, "C.UTF-8");
  if (!take_options(argc, argv, &doctor.options) || !parse_urls(&doctor)) {
    return EXIT_USAGE;
  }
  examine(&doctor);
  printf("\n%u problems, %u notes\n", doctor.report.problems, doctor.report.notes);
  return doctor.report.problems > 0 ? EXIT_FAILED : EXIT_FINE;
}
