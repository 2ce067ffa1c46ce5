#include "base/memory.h"
#include "base/sys.h"
#include "net/tls_private.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stoa/log.h>
#include <unistd.h>

static void *openssl_alloc(size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  return size == 0 ? NULL : stoa_alloc(size);
}

static void *openssl_realloc(void *block, size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  if (size == 0) {
    stoa_free(block);
    return NULL;
  }
  return block == NULL ? stoa_alloc(size) : stoa_realloc(block, size);
}

static void openssl_free(void *block, const char *file, int line) {
  (void)file;
  (void)line;
  stoa_free(block);
}

void stoa_tls_memory_setup(void) {
  CRYPTO_set_mem_functions(openssl_alloc, openssl_realloc, openssl_free);
}

void stoa_tls_thread_end(void) {
  OPENSSL_thread_stop();
}

int stoa_tls_log_refusal(const char *what, const char *path) {
  char text[256];
  unsigned long error = ERR_get_error();
  ERR_error_string_n(error, text, sizeof text);
  ERR_clear_error();
  if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
    return STOA_E_MEMORY;
  }
  stoa_log(STOA_LOG_ERROR, what, STOA_F_STR("file", path), STOA_F_STR("reason", text));
  return STOA_E_TLS;
}

int stoa_tls_check_file(const char *what, const char *path) {
  if (stoa_sys.access(path, R_OK) != 0) {
    stoa_log(STOA_LOG_ERROR, what, STOA_F_STR("file", path), STOA_F_INT("errno", errno));
    return STOA_E_NOT_FOUND;
  }
  return STOA_OK;
}

/* Counting. */

struct stoa_tls_context *stoa_tls_context_ref(struct stoa_tls_context *context) {
  unsigned before = atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
  assert(before > 0);
  (void)before;
  return context;
}

static void destroy(struct stoa_tls_context *context) {
  for (size_t i = 1; i < context->certificate_count; i++) {
    SSL_CTX_free(context->certificates[i].ssl);
  }
  SSL_CTX_free(context->ssl);
  BIO_meth_free(context->transport);
  stoa_tls_tickets_unref(context->tickets);
  stoa_free(context->sorted_names);
  stoa_arena_destroy(context->arena);
  stoa_free(context->server_name);
  stoa_free(context);
}

void stoa_tls_context_unref(struct stoa_tls_context *context) {
  if (context != NULL && atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) == 1) {
    destroy(context);
  }
}
