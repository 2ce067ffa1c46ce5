#include "tls_ends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

int tls_context_of(const char *certificate, const char *key, struct stoa_tls_context **out_context) {
  const struct stoa_tls_files files = {.certificate = certificate, .key = key};
  return stoa_tls_server_context_create(&(struct stoa_tls_server_settings){.files = &files, .file_count = 1},
                                        out_context);
}

void tls_ends_open(struct tls_ends *ends, const char *what) {
  signal(SIGPIPE, SIG_IGN);
  self_signed_write(&ends->files, what);
  ends->client = SSL_CTX_new(TLS_client_method());
  assert_non_null(ends->client);
  assert_int_equal(tls_context_of(ends->files.certificate, ends->files.key, &ends->server), STOA_OK);
}

void tls_ends_close(struct tls_ends *ends) {
  stoa_tls_context_unref(ends->server);
  SSL_CTX_free(ends->client);
  self_signed_remove(&ends->files);
}

SSL *tls_ends_client(const struct tls_ends *ends, int fd) {
  SSL *ssl = SSL_new(ends->client);
  assert_non_null(ssl);
  SSL_set_fd(ssl, fd);
  SSL_set_connect_state(ssl);
  return ssl;
}
