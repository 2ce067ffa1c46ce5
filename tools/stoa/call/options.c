#include "call/options.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../chat/text.h"
#include "../project/files.h"

enum {
  OPT_PROTO = 256,
  OPT_MESSAGE,
  OPT_TIMEOUT,
  OPT_HEADER,
  OPT_TOKEN_FILE,
  OPT_CA,
  OPT_INSECURE,
  OPT_COUNT,
  OPT_FOR,
  OPT_ONCE,
  OPT_TRACE
};

static const struct option call_long[] = {{"proto", required_argument, NULL, OPT_PROTO},
                                          {"message", no_argument, NULL, OPT_MESSAGE},
                                          {"timeout", required_argument, NULL, OPT_TIMEOUT},
                                          {"header", required_argument, NULL, OPT_HEADER},
                                          {"token-file", required_argument, NULL, OPT_TOKEN_FILE},
                                          {"ca", required_argument, NULL, OPT_CA},
                                          {"insecure", no_argument, NULL, OPT_INSECURE},
                                          {"trace", no_argument, NULL, OPT_TRACE},
                                          {NULL, 0, NULL, 0}};
static const struct option listen_long[] = {{"proto", required_argument, NULL, OPT_PROTO},
                                            {"timeout", required_argument, NULL, OPT_TIMEOUT},
                                            {"header", required_argument, NULL, OPT_HEADER},
                                            {"token-file", required_argument, NULL, OPT_TOKEN_FILE},
                                            {"ca", required_argument, NULL, OPT_CA},
                                            {"insecure", no_argument, NULL, OPT_INSECURE},
                                            {"count", required_argument, NULL, OPT_COUNT},
                                            {"for", required_argument, NULL, OPT_FOR},
                                            {"once", no_argument, NULL, OPT_ONCE},
                                            {"trace", no_argument, NULL, OPT_TRACE},
                                            {NULL, 0, NULL, 0}};

static bool wrong(const struct call_options *options, const char *option, const char *value, const char *expected) {
  fprintf(stderr, "%s: %s: \"%s\" is not %s\n", options->program, option, value, expected);
  return false;
}

bool call_read_time(const char *text, int64_t *out_ms) {
  static const struct {
    const char *name;
    double factor;
  } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60e3}, {"h", 3600e3}};
  char *end;
  errno = 0;
  double value = strtod(text, &end);
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    bool is_unit = end != text && errno == 0 && strcmp(end, units[i].name) == 0;
    if (is_unit && isfinite(value) && value * units[i].factor >= 1 && value * units[i].factor <= 86400e3) {
      *out_ms = (int64_t)(value * units[i].factor);
      return true;
    }
  }
  return false;
}

static bool read_time(const struct call_options *options, const char *option, int64_t *out_ms) {
  return call_read_time(optarg, out_ms) || wrong(options, option, optarg, "a time such as 500ms, 10s or 2m, up to 24h");
}

static bool read_count(struct call_options *options) {
  char *end;
  errno = 0;
  options->count = strtoull(optarg, &end, 10);
  bool is_count = errno == 0 && *end == '\0' && optarg[0] >= '1' && optarg[0] <= '9';
  return is_count || wrong(options, "--count", optarg, "a number of messages");
}

static bool read_header(struct call_options *options) {
  const char *colon = strchr(optarg, ':');
  if (colon == NULL || colon == optarg || strpbrk(optarg, "\r\n") != NULL) {
    return wrong(options, "--header", optarg, "of the form NAME: VALUE");
  }
  if (options->field_count == CALL_HEADERS_MAX) {
    fprintf(stderr, "%s: --header can be given %d times\n", options->program, CALL_HEADERS_MAX);
    return false;
  }
  char *name = strndup(optarg, (size_t)(colon - optarg));
  if (name == NULL) {
    fprintf(stderr, "%s: memory is out\n", options->program);
    return false;
  }
  options->field_memory[options->field_memory_count++] = name;
  options->fields[options->field_count++] = (struct stoa_client_field){name, colon + 1 + strspn(colon + 1, " \t")};
  return true;
}

static bool take_limit(int c, struct call_options *options) {
  switch (c) {
    case OPT_TIMEOUT:
      return read_time(options, "--timeout", &options->timeout_ms);
    case OPT_FOR:
      return read_time(options, "--for", &options->until_ms);
    case OPT_COUNT:
      return read_count(options);
    case OPT_ONCE:
      options->once = true;
      return true;
    case OPT_MESSAGE:
      options->is_message = true;
      return true;
    case OPT_TRACE:
      options->is_traced = true;
      return true;
    default:
      return false; /* getopt_long() has printed the error */
  }
}

static bool take_option(int c, struct call_options *options) {
  switch (c) {
    case 'I':
      return protoc_add_include(&options->protos, optarg);
    case OPT_PROTO:
      return protoc_add_file(&options->protos, optarg);
    case OPT_HEADER:
      return read_header(options);
    case OPT_TOKEN_FILE:
      options->token_file = optarg;
      return true;
    case OPT_CA:
      options->ca_file = optarg;
      return true;
    case OPT_INSECURE:
      options->insecure = true;
      return true;
    default:
      return take_limit(c, options);
  }
}

/* A token on the command line could be seen by other users, so it comes from a file or a variable. */
static bool read_token(struct call_options *options) {
  char text[CALL_TOKEN_MAX];
  const char *token = getenv("STOA_TOKEN");
  if (options->token_file != NULL) {
    FILE *file = fopen(options->token_file, "re");
    if (file == NULL) {
      fprintf(stderr, "%s: %s: %s\n", options->program, options->token_file, strerror(errno));
      return false;
    }
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    text[strcspn(text, " \r\n")] = '\0';
    token = text;
  }
  if (token == NULL || token[0] == '\0') {
    return options->token_file == NULL || wrong(options, "--token-file", options->token_file, "a file with a token");
  }
  snprintf(options->authorization, sizeof options->authorization, "Bearer %s", token);
  options->fields[options->field_count++] = (struct stoa_client_field){"Authorization", options->authorization};
  return true;
}

/* The server's spans and the lines of its log about this session have the trace that is printed. */
static bool begin_trace(struct call_options *options) {
  struct stoa_uuid ids[2];
  struct stoa_trace_context context = {.is_sampled = true};
  if (!options->is_traced) {
    return true;
  }
  if (stoa_uuid_make(&ids[0]) != STOA_OK || stoa_uuid_make(&ids[1]) != STOA_OK) {
    fprintf(stderr, "%s: there are no random bytes for a trace\n", options->program);
    return false;
  }
  memcpy(context.trace_id, ids[0].bytes, sizeof context.trace_id);
  memcpy(context.span_id, ids[1].bytes + sizeof ids[1].bytes - sizeof context.span_id, sizeof context.span_id);
  stoa_traceparent_format(&context, options->traceparent);
  options->fields[options->field_count++] = (struct stoa_client_field){"traceparent", options->traceparent};
  fprintf(stderr, "%s: trace %.32s\n", options->program, options->traceparent + 3);
  return true;
}

bool call_make_url(const char *given, char out[CALL_URL_MAX]) {
  const char *scheme = "";
  if (strncmp(given, "https://", 8) == 0) {
    scheme = "wss://";
    given += 8;
  } else if (strncmp(given, "http://", 7) == 0) {
    scheme = "ws://";
    given += 7;
  } else if (strstr(given, "://") == NULL && strncmp(given, "ws+unix:", 8) != 0) {
    scheme = "ws://";
  }
  int len = snprintf(out, CALL_URL_MAX, "%s%s", scheme, given);
  return len > 0 && len < CALL_URL_MAX;
}

static bool take_arguments(int argc, char **argv, bool is_listen, struct call_options *options) {
  int given = argc - optind;
  if (given < (is_listen ? 1 : 2) || given > 3) {
    fprintf(stderr, "%s: expected %s; `%s --help` says more\n", options->program,
            is_listen ? "URL [METHOD [JSON]]" : "URL METHOD [JSON]", options->program);
    return false;
  }
  if (!call_make_url(argv[optind], options->url)) {
    return wrong(options, "URL", argv[optind], "shorter than 2048 bytes");
  }
  options->method = given > 1 ? argv[optind + 1] : NULL;
  options->json = given > 2 ? argv[optind + 2] : NULL;
  return true;
}

bool call_options_read(int argc, char **argv, bool is_listen, struct call_options *out) {
  *out = (struct call_options){.program = argv[0], .timeout_ms = 10000};
  setlocale(LC_CTYPE, "C.UTF-8");
  optind = 0; /* glibc: reset, so that one process can read several command lines */
  for (int c; (c = getopt_long(argc, argv, "I:", is_listen ? listen_long : call_long, NULL)) != -1;) {
    if (!take_option(c, out)) {
      return false;
    }
  }
  return take_arguments(argc, argv, is_listen, out) && read_token(out) && begin_trace(out);
}

void call_options_fini(struct call_options *options) {
  for (size_t i = 0; i < options->field_memory_count; i++) {
    free(options->field_memory[i]);
  }
  free(options->project_memory);
}

/* Imports are searched in the working directory too, as protoc does when no folder is given. */
bool call_load_api(struct call_options *options, struct api **out_api) {
  char root[PROJECT_PATH_MAX];
  *out_api = NULL;
  if (options->protos.file_count == 0 && options->protos.include_count == 0) {
    if (!project_find_root(root)) {
      return true;
    }
    if (!protoc_add_project(&options->protos, root, &options->project_memory)) {
      return false;
    }
  } else if (options->protos.file_count == 0) {
    fprintf(stderr, "%s: -I is for --proto\n", options->program);
    return false;
  } else if (options->protos.include_count == 0 && !protoc_add_include(&options->protos, ".")) {
    return false;
  }
  *out_api = api_load(&options->protos);
  return *out_api != NULL;
}

bool call_find_method(const struct call_options *options, const struct api *api, uint32_t *out_number,
                      bool *out_is_call) {
  const char *method = options->method;
  if (method[0] >= '0' && method[0] <= '9') {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(method, &end, 10);
    if (errno != 0 || *end != '\0' || number > API_NUMBER_MAX) {
      return wrong(options, "METHOD", method, "a type number, 0 to 1073741823");
    }
    *out_number = (uint32_t)number;
    *out_is_call = !options->is_message;
    return true;
  }
  if (api == NULL) {
    fprintf(stderr, "%s: the number of %s is in its .proto file: give --proto FILE, or the number itself\n",
            options->program, method);
    return false;
  }
  const struct api_entry *entry = api_find(api, method);
  if (entry == NULL) {
    return false;
  }
  *out_number = entry->number;
  *out_is_call = entry->is_call && !options->is_message;
  return true;
}

bool call_read_json(const struct call_options *options, struct stoa_buffer *out) {
  char piece[4096];
  size_t got = 0;
  const char *json = options->json == NULL ? "{}" : options->json;
  bool is_input = strcmp(json, "-") == 0;
  int status = is_input ? STOA_OK : stoa_buffer_append(out, json, strlen(json));
  while (is_input && status == STOA_OK && (got = fread(piece, 1, sizeof piece, stdin)) > 0) {
    status = stoa_buffer_append(out, piece, got);
  }
  if (status != STOA_OK || (is_input && ferror(stdin))) {
    fprintf(stderr, "%s: the JSON cannot be read, or is longer than 16 MiB\n", options->program);
    return false;
  }
  return true;
}

void call_print(FILE *to, struct stoa_string text) {
  struct stoa_buffer clean;
  stoa_buffer_init(&clean, 64u * 1024 * 1024);
  if (!isatty(fileno(to))) {
    fwrite(text.data, 1, text.len, to);
  } else if (chat_text_append(&clean, text, CHAT_TEXT_ONE_LINE) == STOA_OK) {
    fwrite(clean.data, 1, clean.len, to);
  } else {
    fputs("(too long for a terminal)", to);
  }
  stoa_buffer_fini(&clean);
}

void call_print_error(const struct call_options *options, const struct stoa_error *error) {
  fprintf(stderr, "%s: error %u ", options->program, error->code);
  call_print(stderr, error->reason);
  fputs(": ", stderr);
  call_print(stderr, error->message);
  fputc('\n', stderr);
}

void call_print_ending(const struct call_options *options, const struct stoa_client_change *change) {
  fprintf(stderr, "%s: %s: no connection: ", options->program, options->url);
  if (change->close_code != 0 && change->status == STOA_OK) {
    fprintf(stderr, "closed with %u ", change->close_code);
  } else if (change->http_status != 0) {
    fprintf(stderr, "the upgrade was refused with HTTP %u ", change->http_status);
  } else {
    fprintf(stderr, "%s ", stoa_status_text(change->status));
  }
  call_print(stderr, stoa_string_of(change->reason));
  fprintf(stderr, "\n`stoa doctor %s` looks for the reason\n", options->url);
}

int call_create_client(const struct call_options *options, bool once, const struct stoa_client_callbacks *callbacks,
                       struct stoa_client **out_client) {
  const struct stoa_client_options client = {.url = options->url,
                                             .fields = options->fields,
                                             .field_count = options->field_count,
                                             .ca_file = options->ca_file,
                                             .insecure = options->insecure,
                                             .compression = true,
                                             .once = once,
                                             .handshake_ms = (uint32_t)options->timeout_ms,
                                             .call_ms = (uint32_t)options->timeout_ms,
                                             .message_bytes_max = CALL_MESSAGE_MAX,
                                             .outgoing_bytes_max = 2 * CALL_MESSAGE_MAX};
  int status = stoa_client_create(&client, callbacks, out_client);
  if (status == STOA_OK) {
    return EXIT_FINE;
  }
  fprintf(stderr, "%s: %s: %s\n", options->program, options->url, stoa_status_text(status));
  bool is_usage = status == STOA_E_ARGUMENT || status == STOA_E_NOT_FOUND || status == STOA_E_TLS;
  return is_usage ? EXIT_USAGE : EXIT_FAILED;
}
