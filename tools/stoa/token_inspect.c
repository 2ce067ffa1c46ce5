/* stoa token inspect: shows the content of a token, and whether it is valid. */
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "command.h"
#include "token.h"

struct wanted {
  struct stoa_token_key_source source;
  struct stoa_string issuer, audience;
};

static bool read_key(int c, struct wanted *wanted, const char *name) {
  if (wanted->source.file != NULL) {
    fprintf(stderr, "%s: one key is enough\n", name);
    return false;
  }
  wanted->source.form = c == 'k' ? STOA_TOKEN_PEM : c == 's' ? STOA_TOKEN_SECRET : STOA_TOKEN_JWKS;
  wanted->source.file = optarg;
  return true;
}

static bool read_options(int argc, char **argv, struct wanted *wanted) {
  static const struct option options[] = {
      {"key", required_argument, NULL, 'k'},      {"secret", required_argument, NULL, 's'},
      {"jwks", required_argument, NULL, 'j'},     {"issuer", required_argument, NULL, 'i'},
      {"audience", required_argument, NULL, 'a'}, {NULL, 0, NULL, 0}};
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (c == 'i' || c == 'a') {
      *(c == 'i' ? &wanted->issuer : &wanted->audience) = stoa_string_of(optarg);
    } else if (c == '?' || !read_key(c, wanted, argv[0])) {
      return false;
    }
  }
  return true;
}

static void print_date(const char *what, bool has_date, int64_t us) {
  time_t seconds = (time_t)(us / 1000000);
  struct tm utc;
  char text[64];
  if (has_date && gmtime_r(&seconds, &utc) != NULL && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0) {
    printf("%s %s\n", what, text);
  }
}

static void print_token(const struct stoa_token *token) {
  printf("header  %.*s\n", (int)token->header_json.len, token->header_json.data);
  printf("claims  %.*s\n", (int)token->claims_json.len, token->claims_json.data);
  print_date("issued ", token->claims.has_issued, token->claims.issued_us);
  print_date("from   ", token->claims.has_not_before, token->claims.not_before_us);
  print_date("expires", token->claims.has_expires, token->claims.expires_us);
}

static int judge(const struct wanted *wanted, struct stoa_string text, struct stoa_arena *arena) {
  struct stoa_token_keys *keys = NULL;
  struct stoa_token_key_error key_error;
  if (stoa_token_keys_create(&wanted->source, 1, &keys, &key_error) != STOA_OK) {
    fprintf(stderr, "stoa token inspect: %s\n", key_error.text);
    return EXIT_FAILED;
  }
  struct stoa_token_verifier verifier = STOA_TOKEN_VERIFIER_DEFAULTS;
  verifier.keys = keys;
  verifier.issuer = wanted->issuer;
  verifier.audiences = &wanted->audience;
  verifier.audience_count = wanted->audience.len > 0;
  struct stoa_token token;
  struct stoa_token_error error;
  int status = stoa_token_verify(&verifier, text, token_now_us(), arena, &token, &error);
  bool is_refused = status == STOA_E_DENIED;
  printf("%s%s\n", status == STOA_OK ? "valid" : "not valid: ",
         status == STOA_OK ? ""
         : is_refused      ? error.text
                           : stoa_status_text(status));
  stoa_token_keys_unref(keys);
  return status == STOA_OK ? EXIT_FINE : EXIT_FAILED;
}

static int inspect(const struct wanted *wanted, struct stoa_string text, struct stoa_arena *arena) {
  struct stoa_token token;
  struct stoa_token_error error;
  int status = stoa_token_decode_unverified(text, arena, &token, &error);
  if (status != STOA_OK) {
    fprintf(stderr, "stoa token inspect: %s\n", status == STOA_E_DENIED ? error.text : stoa_status_text(status));
    return EXIT_FAILED;
  }
  print_token(&token);
  stoa_arena_reset(arena);
  return wanted->source.file == NULL ? EXIT_FINE : judge(wanted, text, arena);
}

int token_inspect(int argc, char **argv) {
  struct wanted wanted = {.issuer = {NULL, 0}};
  if (!read_options(argc, argv, &wanted)) {
    return EXIT_USAGE;
  }
  struct stoa_buffer input;
  stoa_buffer_init(&input, 2 * STOA_TOKEN_LEN_MAX);
  int result = EXIT_USAGE;
  struct stoa_arena *arena = stoa_arena_create(STOA_TOKEN_ARENA_BYTES);
  if (arena == NULL) {
    fprintf(stderr, "%s: out of memory\n", argv[0]);
    result = EXIT_FAILED;
  } else if (token_input(argc - optind, argv + optind, &input)) {
    result = inspect(&wanted, stoa_string_make((const char *)input.data, input.len), arena);
  }
  stoa_arena_destroy(arena);
  stoa_buffer_fini(&input);
  return result;
}
