/* stoa token key: writes a new key to files. */
#include <getopt.h>
#include <stdio.h>

#include "command.h"
#include "token.h"

#define KEY_BYTES_MAX ((size_t)16 * 1024)

struct wanted {
  enum stoa_token_algorithm algorithm;
  const char *out, *public_file, *jwks_file, *kid;
};

static bool read_options(int argc, char **argv, struct wanted *wanted) {
  static const struct option options[] = {
      {"alg", required_argument, NULL, 'a'},    {"out", required_argument, NULL, 'o'},
      {"public", required_argument, NULL, 'p'}, {"jwks", required_argument, NULL, 'j'},
      {"kid", required_argument, NULL, 'k'},    {NULL, 0, NULL, 0}};
  const char *name = "";
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    const char **value = c == 'a'   ? &name
                         : c == 'o' ? &wanted->out
                         : c == 'p' ? &wanted->public_file
                         : c == 'j' ? &wanted->jwks_file
                         : c == 'k' ? &wanted->kid
                                    : NULL;
    if (value == NULL) {
      return false; /* getopt_long() has printed the error */
    }
    *value = optarg;
  }
  wanted->algorithm = stoa_token_algorithm_of(stoa_string_of(name));
  if (wanted->algorithm == STOA_TOKEN_NO_ALGORITHM || wanted->out == NULL || optind != argc) {
    fprintf(stderr, "%s: expected --alg HS256, RS256, ES256 or EdDSA, and --out FILE\n", argv[0]);
    return false;
  }
  if (wanted->algorithm == STOA_TOKEN_HS256 && (wanted->public_file != NULL || wanted->jwks_file != NULL)) {
    fprintf(stderr, "%s: a secret of HS256 has no public half\n", argv[0]);
    return false;
  }
  return true;
}

static bool write_jwks(const struct wanted *wanted, const struct stoa_buffer *shown) {
  const struct stoa_token_key_source source = {
      .form = STOA_TOKEN_PEM, .kid = stoa_string_of(wanted->kid), .content = stoa_bytes_make(shown->data, shown->len)};
  struct stoa_token_keys *keys = NULL;
  struct stoa_token_key_error error;
  if (stoa_token_keys_create(&source, 1, &keys, &error) != STOA_OK) {
    fprintf(stderr, "stoa token key: %s\n", error.text);
    return false;
  }
  struct stoa_buffer json;
  stoa_buffer_init(&json, KEY_BYTES_MAX);
  bool is_written = stoa_token_keys_write(keys, &json) == STOA_OK && stoa_buffer_append(&json, "\n", 1) == STOA_OK &&
                    token_write_file(wanted->jwks_file, 0644, &json);
  stoa_buffer_fini(&json);
  stoa_token_keys_unref(keys);
  return is_written;
}

static bool write_files(const struct wanted *wanted, struct stoa_buffer *own, const struct stoa_buffer *shown) {
  bool has_room = wanted->algorithm != STOA_TOKEN_HS256 || stoa_buffer_append(own, "\n", 1) == STOA_OK;
  return has_room && token_write_file(wanted->out, 0600, own) &&
         (wanted->public_file == NULL || token_write_file(wanted->public_file, 0644, shown)) &&
         (wanted->jwks_file == NULL || write_jwks(wanted, shown));
}

int token_key(int argc, char **argv) {
  struct wanted wanted = {.algorithm = STOA_TOKEN_NO_ALGORITHM};
  if (!read_options(argc, argv, &wanted)) {
    return EXIT_USAGE;
  }
  struct stoa_buffer own, shown;
  stoa_buffer_init(&own, KEY_BYTES_MAX);
  stoa_buffer_init(&shown, KEY_BYTES_MAX);
  int status = stoa_buffer_reserve(&own, KEY_BYTES_MAX); /* it must not move, which would leave a copy */
  status = status == STOA_OK ? stoa_token_key_generate(wanted.algorithm, &own, &shown) : status;
  if (status != STOA_OK) {
    fprintf(stderr, "%s: %s\n", argv[0], stoa_status_text(status));
  }
  bool is_done = status == STOA_OK && write_files(&wanted, &own, &shown);
  stoa_secret_wipe(own.data, own.len);
  stoa_buffer_fini(&own);
  stoa_buffer_fini(&shown);
  return is_done ? EXIT_FINE : EXIT_FAILED;
}
