/* stoa token: makes keys, signs tokens, inspects tokens. */
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "project/files.h"

static const char help[] =
    "usage: stoa token key --alg ALG --out FILE [--public FILE] [--jwks FILE] [--kid KID]\n"
    "       stoa token sign (--key FILE | --secret FILE) [--kid KID] [--expires TIME] [--link URL]\n"
    "                       [CLAIMS]\n"
    "       stoa token inspect [--key FILE | --secret FILE | --jwks FILE] [--issuer ISS] [--audience AUD] [TOKEN]\n"
    "\n"
    "key      makes a new key; files that exist are left alone\n"
    "  --alg ALG       HS256, RS256, ES256 or EdDSA\n"
    "  --out FILE      the private key in PEM, or the secret of HS256; only its owner may read it\n"
    "  --public FILE   the public key in PEM\n"
    "  --jwks FILE     the public key as a JWK Set, with --kid\n"
    "  --kid KID       the name of the key in tokens\n"
    "sign     prints a token with these claims, a JSON object; without CLAIMS it is read from standard input\n"
    "  --key FILE      a private key in PEM\n"
    "  --secret FILE   a secret for HS256\n"
    "  --kid KID       the name of the key, in the token's header\n"
    "  --expires TIME  adds \"iat\" and \"exp\", so much later: 90s, 15m, 12h, 30d\n"
    "  --link URL      prints an invitation, URL#token=..., to a page that takes its token from there\n"
    "inspect  prints the header and the claims of a token, from standard input without TOKEN, and with a key whether "
    "it\n"
    "         is valid; exits with 1 when it is not\n"
    "  --key FILE      a public key in PEM; --secret and --jwks as above\n"
    "  --issuer ISS    what \"iss\" must be\n"
    "  --audience AUD  what \"aud\" must name\n";

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
} commands[] = {{"key", token_key}, {"sign", token_sign}, {"inspect", token_inspect}};

int command_token(int argc, char **argv) {
  if (argc < 2) {
    fputs(help, stderr);
    return EXIT_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    fputs(help, stdout);
    return EXIT_FINE;
  }
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (strcmp(argv[1], commands[i].name) == 0) {
      char name[32];
      snprintf(name, sizeof name, "stoa token %s", commands[i].name);
      argv[1] = name;
      return commands[i].run(argc - 1, argv + 1);
    }
  }
  fprintf(stderr, "stoa token: no command named %s; `stoa token --help` lists them\n", argv[1]);
  return EXIT_USAGE;
}

static bool read_stream(FILE *stream, struct stoa_buffer *out_text) {
  char piece[4096];
  size_t got;
  while ((got = fread(piece, 1, sizeof piece, stream)) > 0) {
    if (stoa_buffer_append(out_text, piece, got) != STOA_OK) {
      return false;
    }
  }
  return ferror(stream) == 0;
}

static bool is_blank(uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static void trim(struct stoa_buffer *text) {
  while (text->len > 0 && is_blank(text->data[text->len - 1])) {
    text->len--;
  }
  size_t begin = 0;
  while (begin < text->len && is_blank(text->data[begin])) {
    begin++;
  }
  stoa_buffer_consume(text, begin);
}

bool token_input(int argc, char **argv, struct stoa_buffer *out_text) {
  if (argc > 1) {
    fprintf(stderr, "stoa token: one argument is expected, got %s too\n", argv[1]);
    return false;
  }
  bool is_stdin = argc == 0 || strcmp(argv[0], "-") == 0;
  bool is_read =
      is_stdin ? read_stream(stdin, out_text) : stoa_buffer_append(out_text, argv[0], strlen(argv[0])) == STOA_OK;
  if (!is_read) {
    fprintf(stderr, "stoa token: the input cannot be read, or is longer than %zu bytes\n", out_text->len_max);
    return false;
  }
  trim(out_text);
  return true;
}

bool token_write_file(const char *path, unsigned mode, const struct stoa_buffer *content) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  bool is_written = fd >= 0 && fchmod(fd, mode) == 0 && project_write_all(fd, content) && fsync(fd) == 0;
  int error = errno;
  if (fd >= 0) {
    close(fd);
  }
  if (!is_written) {
    fprintf(stderr, "stoa token: cannot write %s: %s\n", path, strerror(error));
  }
  if (!is_written && fd >= 0) {
    unlink(path); /* an incomplete key file is useless */
  }
  return is_written;
}

int64_t token_now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool token_read_span(const char *text, int64_t *out_s) {
  static const struct {
    char letter;
    int64_t seconds;
  } units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
  char *end;
  errno = 0;
  long count = strtol(text, &end, 10);
  bool is_count = errno == 0 && end != text && count > 0 && count <= 1000000000 && text[0] >= '0' && text[0] <= '9';
  for (size_t i = 0; is_count && i < sizeof units / sizeof units[0]; i++) {
    if (*end == units[i].letter && (*end == '\0' || end[1] == '\0')) {
      *out_s = count * units[i].seconds;
      return true;
    }
  }
  return false;
}
