/* stoa token sign: writes a token with the given claims, or a link with it, to standard output. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "token.h"

struct wanted {
  struct stoa_token_key_source source;
  int64_t expires_s; /* 0: no "exp" is added */
  const char *link;  /* NULL: the token alone is printed */
};

static bool read_option(int c, struct wanted *wanted, const char *name) {
  switch (c) {
    case 'k':
    case 's':
      if (wanted->source.file != NULL) {
        fprintf(stderr, "%s: one key is enough\n", name);
        return false;
      }
      wanted->source.form = c == 'k' ? STOA_TOKEN_PEM : STOA_TOKEN_SECRET;
      wanted->source.file = optarg;
      return true;
    case 'i':
      wanted->source.kid = stoa_string_of(optarg);
      return true;
    case 'e':
      if (!token_read_span(optarg, &wanted->expires_s)) {
        fprintf(stderr, "%s: --expires wants a time like 90s, 15m, 12h or 30d, got %s\n", name, optarg);
        return false;
      }
      return true;
    case 'l':
      wanted->link = optarg;
      return true;
    default:
      return false; /* getopt_long() has printed the error */
  }
}

/* Only a fragment stays in the browser: what comes before it is in the logs of servers and proxies. */
static bool check_link(const char *link, const char *name) {
  bool is_url = strncmp(link, "https://", 8) == 0 || strncmp(link, "http://", 7) == 0;
  if (!is_url || strchr(link, '#') != NULL) {
    fprintf(stderr, "%s: --link wants the URL of a page, https://host/path without a #, got %s\n", name, link);
    return false;
  }
  return true;
}

static bool read_options(int argc, char **argv, struct wanted *wanted) {
  static const struct option options[] = {
      {"key", required_argument, NULL, 'k'},  {"secret", required_argument, NULL, 's'},
      {"kid", required_argument, NULL, 'i'},  {"expires", required_argument, NULL, 'e'},
      {"link", required_argument, NULL, 'l'}, {NULL, 0, NULL, 0}};
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (!read_option(c, wanted, argv[0])) {
      return false;
    }
  }
  if (wanted->source.file == NULL) {
    fprintf(stderr, "%s: expected --key FILE or --secret FILE\n", argv[0]);
    return false;
  }
  return wanted->link == NULL || check_link(wanted->link, argv[0]);
}

/* Put "iat" and "exp" in front of the existing members. stoa_token_sign() refuses text that is not an object. */
static int add_dates(const struct stoa_buffer *input, int64_t expires_s, struct stoa_buffer *out_json) {
  if (expires_s == 0 || input->len == 0 || input->data[0] != '{') {
    return stoa_buffer_append(out_json, input->data, input->len);
  }
  char dates[96];
  int64_t now_s = token_now_us() / 1000000;
  bool is_empty = input->len > 1 && strspn((const char *)input->data + 1, " \t\r\n") == input->len - 2;
  int len = snprintf(dates, sizeof dates, "{\"iat\":%" PRId64 ",\"exp\":%" PRId64 "%s", now_s, now_s + expires_s,
                     is_empty ? "" : ",");
  int status = stoa_buffer_append(out_json, dates, (size_t)len);
  return status == STOA_OK ? stoa_buffer_append(out_json, input->data + 1, input->len - 1) : status;
}

static int sign(const struct stoa_token_signer *signer, const struct stoa_buffer *json, const char *link) {
  struct stoa_buffer text;
  stoa_buffer_init(&text, STOA_TOKEN_LEN_MAX);
  int status = stoa_token_sign(signer, stoa_string_make((const char *)json->data, json->len), &text);
  if (status == STOA_OK) {
    printf("%s%s%.*s\n", link == NULL ? "" : link, link == NULL ? "" : "#token=", (int)text.len,
           (const char *)text.data);
  } else {
    static const char *const hints[STOA_STATUS_COUNT] = {
        [STOA_E_SYNTAX] = "the claims are no JSON object, or a member comes twice",
        [STOA_E_TYPE] = "iss, sub or jti is no string, aud no string or array of strings, or exp, nbf or iat no date",
        [STOA_E_LIMIT] = "the claims are longer than 4 KiB, or nested too deeply",
    };
    fprintf(stderr, "stoa token sign: %s\n", hints[status] != NULL ? hints[status] : stoa_status_text(status));
  }
  stoa_buffer_fini(&text);
  return status;
}

static int run(const struct wanted *wanted, int argc, char **argv, struct stoa_buffer *input,
               struct stoa_buffer *json) {
  struct stoa_token_signer *signer = NULL;
  struct stoa_token_key_error error;
  if (!token_input(argc, argv, input)) {
    return EXIT_USAGE;
  }
  if (stoa_token_signer_create(&wanted->source, &signer, &error) != STOA_OK) {
    fprintf(stderr, "stoa token sign: %s\n", error.text);
    return EXIT_FAILED;
  }
  int status = stoa_buffer_append(input, "", 1); /* a NUL, so that strspn() stops */
  input->len -= status == STOA_OK;
  status = status == STOA_OK ? add_dates(input, wanted->expires_s, json) : status;
  status = status == STOA_OK ? sign(signer, json, wanted->link) : status;
  stoa_token_signer_destroy(signer);
  return status == STOA_OK ? EXIT_FINE : EXIT_FAILED;
}

int token_sign(int argc, char **argv) {
  struct wanted wanted = {.expires_s = 0};
  if (!read_options(argc, argv, &wanted)) {
    return EXIT_USAGE;
  }
  struct stoa_buffer input, json;
  stoa_buffer_init(&input, 2 * STOA_TOKEN_LEN_MAX);
  stoa_buffer_init(&json, 3 * STOA_TOKEN_LEN_MAX);
  int result = run(&wanted, argc - optind, argv + optind, &input, &json);
  stoa_buffer_fini(&input);
  stoa_buffer_fini(&json);
  return result;
}
