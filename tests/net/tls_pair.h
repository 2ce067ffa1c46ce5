/* tests/net/tls_pair.h: a TLS connection of the library's and OpenSSL's client of it, and a client that has the keys
 * and writes what OpenSSL would not. */
#ifndef TESTS_NET_TLS_PAIR_H
#define TESTS_NET_TLS_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stoa/log.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sys.h"
#include "lib/self_signed.h"
#include "net/conn.h"
#include "net/tls.h"
#include "net/tls_record.h"

enum { BIG = 100000 };

struct tls_pair {
  struct self_signed files;
  struct stoa_tls_context *context;
  SSL_CTX *client_context;
  struct stoa_tls_tools *tools;
  struct stoa_loop *loop;
  struct stoa_conn conn;
  int fds[2]; /* ours, the client's */
  SSL *client;
  struct stoa_tls_keys keys;        /* the client's, to seal with */
  struct stoa_tls_keys server_keys; /* to open what the server sends */
  const struct stoa_tls_suite *suite;
  size_t take_max; /* what a send takes at most; 0: all */
  bool is_full;    /* after it the kernel takes nothing */
  unsigned send_count;
  uint8_t got[BIG * 2];
};

extern struct tls_pair pair;

/* cmocka's set-ups: of the group, and of each test. */
int make_contexts(void **state);
int free_contexts(void **state);
int connect_both(void **state);
int close_both(void **state);

int read_some(void *data, size_t size, size_t *out_len);
/* To the end, with both sides' keys known. */
void shake_hands(void);
/* What is left to do once the client's side is done. */
void finish_hands(void);
int write_all(const uint8_t *data, size_t len);
void client_gets(const char *text);
void server_gets(const char *text);
void both_ways(void);

/* One record of the client's, of any kind. */
size_t forge(uint8_t *out, unsigned type, const char *text, size_t len);
void send_raw(const uint8_t *data, size_t len);
void send_forged(unsigned type, const char *text, size_t len);
/* The connection is at its end, and the client was told this alert; below 0: none. */
void is_refused(int alert);

void fill(uint8_t *data, size_t len);
/* Into pair.got, until nothing is there, at most `size` bytes at once. Returns where it ended. */
size_t read_all(size_t at, size_t size);

#define TEST(name) cmocka_unit_test_setup_teardown(name, connect_both, close_both)

#endif
