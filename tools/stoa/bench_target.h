/* tools/stoa/bench_target.h: where to connect, what to request, and whether the answer is correct. */
#ifndef STOA_TOOL_BENCH_TARGET_H
#define STOA_TOOL_BENCH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bench_options.h"

enum { BENCH_REQUEST_MAX = 32 * 1024, BENCH_ANSWER_MAX = 16 * 1024, BENCH_ADDRESSES_MAX = 8 };

struct bench_address {
  struct sockaddr_storage socket;
  socklen_t len;
};

struct bench_url {
  bool tls;
  char socket_path[104]; /* a Unix socket's; empty for TCP */
  char host[256];        /* without brackets */
  char port[6];
  char authority[272]; /* for the Host field */
  char target[1024];
};

struct bench_target {
  struct bench_address addresses[BENCH_ADDRESSES_MAX]; /* of the name; they are tried in this order */
  size_t address_count;
  bool tls;
  char host[256];          /* the name in the certificate */
  const char *subprotocol; /* NULL: none is requested and none is accepted; borrowed from the options */
  bool deflate;            /* required */
  size_t request_len;
  char request[BENCH_REQUEST_MAX];
};

/* Parse a URL. Returns false, with the reason on stderr, when it has none of the forms that `--help` shows. */
bool bench_url_parse(const char *text, struct bench_url *out_url);

/* Resolve the URL and write the upgrade request. Returns false with the reason on stderr. */
bool bench_target_init(struct bench_target *target, const struct bench_options *options);

/* Check the answer's head (`len` bytes, its empty line included). Returns NULL when it is the requested upgrade,
 * otherwise what is wrong. */
const char *bench_answer_judge(const struct bench_target *target, const char *head, size_t len);

#endif
