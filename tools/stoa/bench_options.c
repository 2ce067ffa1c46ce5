#include "bench_options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_target.h"

static const char help[] =
    "usage: stoa bench MODE URL [options]\n"
    "\n"
    "Loads a WebSocket server and checks every byte, the order and the number of what it delivers.\n"
    "Exit status: 0 no fault, 1 a fault was found, 2 bad usage.\n"
    "\n"
    "modes:\n"
    "  fanout   some connections send, the server sends each message to all connections\n"
    "  echo     every connection sends, the server sends each message back\n"
    "  idle     connections are opened, nothing is sent\n"
    "\n"
    "URL is ws://HOST:PORT/PATH, wss://HOST:PORT/PATH, ws://[IPV6]:PORT/PATH or ws+unix:SOCKET[:/PATH].\n"
    "\n"
    "load:\n"
    "  -c, --connections N     connections (32)\n"
    "  -s, --senders N         of these, how many send (fanout: all)\n"
    "  -w, --window N          messages in flight per sender (1)\n"
    "  -r, --rate R            instead of a window: messages per second of all senders together\n"
    "      --size BYTES        payload of one message, with the prefix; units k and m (100)\n"
    "      --prefix HEX        bytes in front of every message, such as 00000000 for typed frames of type 0\n"
    "      --template NAME     raw, or json: {\"message\":...,\"sender\":...,\"timestamp\":...} (json with a prefix)\n"
    "      --text              text messages instead of binary ones\n"
    "      --deflate           compressed messages: require permessage-deflate\n"
    "  -d, --duration TIME     measured time: 10, 10s or 500ms (10s)\n"
    "      --warmup TIME       time before the measured time (1s)\n"
    "  -n, --messages N        instead of a duration: messages per sender\n"
    "      --drain TIME        silence after which missing messages count as lost (5s)\n"
    "\n"
    "connecting:\n"
    "      --connect-timeout TIME   for each connection (10s)\n"
    "      --connect-concurrency N  connections being opened at a time (64)\n"
    "      --ca FILE                wss: check the server's certificate with this file; otherwise it is not checked\n"
    "      --subprotocol NAME       require this subprotocol\n"
    "      --origin ORIGIN          send an Origin field\n"
    "      --header 'NAME: VALUE'   send this field too; may be repeated\n"
    "\n"
    "checks:\n"
    "      --any-order         connections may see messages of different senders in different orders\n"
    "      --allow-foreign     messages that no sender sent are counted, not a fault\n"
    "\n"
    "report:\n"
    "  -p, --pid PID           measure this server process too; may be repeated\n"
    "      --json              one JSON object instead of a table\n";

enum {
  OPT_SIZE = 256,
  OPT_PREFIX,
  OPT_TEMPLATE,
  OPT_TEXT,
  OPT_DEFLATE,
  OPT_WARMUP,
  OPT_DRAIN,
  OPT_CONNECT_TIMEOUT,
  OPT_CONNECT_CONCURRENCY,
  OPT_CA,
  OPT_SUBPROTOCOL,
  OPT_ORIGIN,
  OPT_HEADER,
  OPT_ANY_ORDER,
  OPT_ALLOW_FOREIGN,
  OPT_JSON,
};

static const struct option long_options[] = {
    {"connections", required_argument, NULL, 'c'},
    {"senders", required_argument, NULL, 's'},
    {"window", required_argument, NULL, 'w'},
    {"rate", required_argument, NULL, 'r'},
    {"messages", required_argument, NULL, 'n'},
    {"duration", required_argument, NULL, 'd'},
    {"pid", required_argument, NULL, 'p'},
    {"help", no_argument, NULL, 'h'},
    {"size", required_argument, NULL, OPT_SIZE},
    {"prefix", required_argument, NULL, OPT_PREFIX},
    {"template", required_argument, NULL, OPT_TEMPLATE},
    {"text", no_argument, NULL, OPT_TEXT},
    {"deflate", no_argument, NULL, OPT_DEFLATE},
    {"warmup", required_argument, NULL, OPT_WARMUP},
    {"drain", required_argument, NULL, OPT_DRAIN},
    {"connect-timeout", required_argument, NULL, OPT_CONNECT_TIMEOUT},
    {"connect-concurrency", required_argument, NULL, OPT_CONNECT_CONCURRENCY},
    {"ca", required_argument, NULL, OPT_CA},
    {"subprotocol", required_argument, NULL, OPT_SUBPROTOCOL},
    {"origin", required_argument, NULL, OPT_ORIGIN},
    {"header", required_argument, NULL, OPT_HEADER},
    {"any-order", no_argument, NULL, OPT_ANY_ORDER},
    {"allow-foreign", no_argument, NULL, OPT_ALLOW_FOREIGN},
    {"json", no_argument, NULL, OPT_JSON},
    {NULL, 0, NULL, 0},
};

/* Which options were given, to find contradictions and to choose defaults. */
struct given {
  bool senders;
  bool window;
  bool template;
  bool warmup;
};

static bool wrong(const char *option, const char *value, const char *expected) {
  fprintf(stderr, "stoa bench: %s: \"%s\" is not %s\n", option, value, expected);
  return false;
}

static bool contradiction(const char *sentence) {
  fprintf(stderr, "stoa bench: %s\n", sentence);
  return false;
}

static bool read_count(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out_value) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || text[0] < '0' || text[0] > '9' || value < min || value > max) {
    char expected[96];
    snprintf(expected, sizeof expected, "a number from %llu to %llu", (unsigned long long)min, (unsigned long long)max);
    return wrong(option, text, expected);
  }
  *out_value = value;
  return true;
}

static bool read_u32(const char *option, const char *text, uint32_t min, uint32_t max, uint32_t *out_value) {
  uint64_t value;
  if (!read_count(option, text, min, max, &value)) {
    return false;
  }
  *out_value = (uint32_t)value;
  return true;
}

static bool read_size(const char *text, size_t *out_size) {
  char digits[32];
  size_t len = strlen(text);
  size_t factor = 1;
  if (len > 0 && len < sizeof digits && (text[len - 1] == 'k' || text[len - 1] == 'm')) {
    factor = text[len - 1] == 'k' ? 1024 : 1024 * 1024;
    len--;
  }
  snprintf(digits, sizeof digits, "%.*s", (int)len, text);
  uint64_t value;
  if (!read_count("--size", factor == 1 ? text : digits, 1, BENCH_SIZE_MAX / factor, &value)) {
    return false;
  }
  *out_size = (size_t)value * factor;
  return true;
}

static bool read_time(const char *option, const char *text, int64_t *out_ms) {
  char *end;
  errno = 0;
  double value = strtod(text, &end);
  double factor = strcmp(end, "ms") == 0 ? 1 : strcmp(end, "s") == 0 || *end == '\0' ? 1000 : 0;
  if (errno != 0 || end == text || factor == 0 || !isfinite(value) || value < 0 || value * factor > 86400e3) {
    return wrong(option, text, "a time such as 10, 10s or 500ms, at most a day");
  }
  *out_ms = (int64_t)(value * factor);
  return true;
}

static bool read_rate(const char *text, double *out_rate) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value > 0 && value <= 1e7)) {
    return wrong("--rate", text, "a number of messages a second up to ten million");
  }
  *out_rate = value;
  return true;
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_prefix(const char *text, struct bench_options *options) {
  size_t len = strlen(text);
  bool fine = len % 2 == 0 && len / 2 <= BENCH_PREFIX_MAX;
  for (size_t i = 0; fine && i < len; i += 2) {
    int high = hex_value(text[i]);
    int low = hex_value(text[i + 1]);
    fine = high >= 0 && low >= 0;
    options->prefix[i / 2] = (uint8_t)(high * 16 + low);
  }
  if (!fine) {
    return wrong("--prefix", text, "an even number of hexadecimal digits, 32 at most");
  }
  options->prefix_len = len / 2;
  return true;
}

static bool read_template(const char *text, struct bench_options *options) {
  bool json = strcmp(text, "json") == 0;
  if (!json && strcmp(text, "raw") != 0) {
    return wrong("--template", text, "raw or json");
  }
  options->template = json ? BENCH_TEMPLATE_JSON : BENCH_TEMPLATE_RAW;
  return true;
}

static bool read_pid(const char *text, struct bench_options *options) {
  uint64_t value;
  if (options->pid_count == BENCH_PIDS_MAX) {
    return contradiction("--pid can be given 16 times");
  }
  if (!read_count("--pid", text, 1, INT32_MAX, &value)) {
    return false;
  }
  options->pids[options->pid_count++] = (pid_t)value;
  return true;
}

/* RFC 9110 5.5: a line feed here would inject a field or a body. */
static bool read_field(const char *option, const char *text, const char **out_text) {
  if (text[0] == '\0' || strlen(text) > 1024 || strpbrk(text, "\r\n") != NULL) {
    return wrong(option, text, "one line of 1 to 1024 bytes");
  }
  *out_text = text;
  return true;
}

static bool read_header(const char *text, struct bench_options *options) {
  if (options->header_count == BENCH_HEADERS_MAX) {
    return contradiction("--header can be given 16 times");
  }
  const char *colon = strchr(text, ':');
  if (colon == NULL || colon == text) {
    return wrong("--header", text, "of the form NAME: VALUE");
  }
  return read_field("--header", text, &options->headers[options->header_count++]);
}

static bool read_load_option(int c, struct bench_options *options, struct given *given) {
  switch (c) {
    case 'c':
      return read_u32("--connections", optarg, 1, BENCH_CONNECTIONS_MAX, &options->connections);
    case 's':
      given->senders = true;
      return read_u32("--senders", optarg, 1, BENCH_SENDERS_MAX, &options->senders);
    case 'w':
      given->window = true;
      return read_u32("--window", optarg, 1, BENCH_WINDOW_MAX, &options->window);
    case 'r':
      return read_rate(optarg, &options->rate_per_s);
    case 'n':
      return read_count("--messages", optarg, 1, UINT32_MAX - 1, &options->messages);
    case 'd':
      return read_time("--duration", optarg, &options->duration_ms);
    case OPT_SIZE:
      return read_size(optarg, &options->size);
    case OPT_PREFIX:
      return read_prefix(optarg, options);
    case OPT_TEMPLATE:
      given->template = true;
      return read_template(optarg, options);
    case OPT_TEXT:
      options->text = true;
      return true;
    case OPT_DEFLATE:
      options->deflate = true;
      return true;
    case OPT_WARMUP:
      given->warmup = true;
      return read_time("--warmup", optarg, &options->warmup_ms);
    case OPT_DRAIN:
      return read_time("--drain", optarg, &options->drain_ms);
    default:
      return false; /* getopt_long() has printed the error */
  }
}

static bool read_option(int c, struct bench_options *options, struct given *given) {
  switch (c) {
    case 'p':
      return read_pid(optarg, options);
    case OPT_CONNECT_TIMEOUT:
      return read_time("--connect-timeout", optarg, &options->connect_timeout_ms);
    case OPT_CONNECT_CONCURRENCY:
      return read_u32("--connect-concurrency", optarg, 1, 10000, &options->connect_concurrency);
    case OPT_CA:
      options->ca_file = optarg;
      return true;
    case OPT_SUBPROTOCOL:
      return read_field("--subprotocol", optarg, &options->subprotocol);
    case OPT_ORIGIN:
      return read_field("--origin", optarg, &options->origin);
    case OPT_HEADER:
      return read_header(optarg, options);
    case OPT_ANY_ORDER:
      options->any_order = true;
      return true;
    case OPT_ALLOW_FOREIGN:
      options->allow_foreign = true;
      return true;
    case OPT_JSON:
      options->json = true;
      return true;
    default:
      return read_load_option(c, options, given);
  }
}

static bool read_mode(const char *text, enum bench_mode *out_mode) {
  static const char *const names[] = {[BENCH_FANOUT] = "fanout", [BENCH_ECHO] = "echo", [BENCH_IDLE] = "idle"};
  for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(text, names[i]) == 0) {
      *out_mode = (enum bench_mode)i;
      return true;
    }
  }
  return wrong("MODE", text, "fanout, echo or idle");
}

/* The mode determines the senders; missing options get their defaults from the given ones. */
static bool complete(struct bench_options *options, const struct given *given) {
  if (options->rate_per_s > 0 && given->window) {
    return contradiction("--window and --rate cannot be used together");
  }
  if (options->mode != BENCH_FANOUT && given->senders) {
    return contradiction("--senders is only for fanout");
  }
  if (options->mode == BENCH_IDLE && (options->rate_per_s > 0 || given->window || options->messages > 0)) {
    return contradiction("idle sends nothing: no --window, --rate or --messages");
  }
  if (options->ca_file != NULL && strncmp(options->url, "wss:", 4) != 0) {
    return contradiction("--ca is only for wss://");
  }
  if (!given->senders) {
    options->senders = options->mode == BENCH_IDLE ? 0 : options->connections;
  }
  if (options->senders > options->connections) {
    return contradiction("--senders is more than --connections");
  }
  if (options->senders > BENCH_SENDERS_MAX) {
    return contradiction("at most 65535 connections can send");
  }
  if (options->rate_per_s > 0) {
    options->window = 0;
  }
  if (options->mode == BENCH_IDLE) {
    options->allow_foreign = true; /* a server may send a greeting or pings */
  }
  if (options->messages > 0 || (options->mode == BENCH_IDLE && !given->warmup)) {
    options->warmup_ms = 0;
  }
  if (!given->template && options->prefix_len > 0) {
    options->template = BENCH_TEMPLATE_JSON;
  }
  return true;
}

enum bench_parsed bench_options_parse(int argc, char **argv, struct bench_options *out_options) {
  struct bench_options options = {.connections = 32,
                                  .window = 1,
                                  .size = 100,
                                  .duration_ms = 10000,
                                  .warmup_ms = 1000,
                                  .drain_ms = 5000,
                                  .connect_timeout_ms = 10000,
                                  .connect_concurrency = 64};
  struct given given = {0};
  optind = 0; /* glibc: reset, so that one process can read several command lines */
  for (int c; (c = getopt_long(argc, argv, "c:s:w:r:n:d:p:h", long_options, NULL)) != -1;) {
    if (c == 'h') {
      fputs(help, stdout);
      return BENCH_PARSED_HELP;
    }
    if (!read_option(c, &options, &given)) {
      return BENCH_PARSED_WRONG;
    }
  }
  if (argc - optind != 2) {
    fprintf(stderr, "stoa bench: expected MODE and URL; `stoa bench --help` shows them\n");
    return BENCH_PARSED_WRONG;
  }
  struct bench_url url;
  options.url = argv[optind + 1];
  if (!read_mode(argv[optind], &options.mode) || !complete(&options, &given) || !bench_url_parse(options.url, &url)) {
    return BENCH_PARSED_WRONG;
  }
  *out_options = options;
  return BENCH_PARSED_RUN;
}
