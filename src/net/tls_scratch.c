#include "net/tls_scratch.h"

#include "base/memory.h"
#include "net/tls.h"

#include <openssl/crypto.h>

/* So many handshakes at once take 3 MB. */
#define PEAK_COUNT_MIN 64u

static __thread struct stoa_tls_scratch *mine;

struct stoa_tls_scratch *stoa_tls_scratch_create(void) {
  struct stoa_tls_scratch *scratch = stoa_alloc(sizeof *scratch); /* not cleared: unused pages stay untouched */
  if (scratch == NULL) {
    return NULL;
  }
  scratch->user_count = 1;
  scratch->openssl_count = 0;
  scratch->openssl_peak = 0;
  scratch->at = 0;
  scratch->end = 0;
  scratch->tools = stoa_tls_tools_create();
  if (scratch->tools == NULL) {
    stoa_free(scratch);
    return NULL;
  }
  return scratch;
}

struct stoa_tls_scratch *stoa_tls_scratch_ref(void) {
  if (mine == NULL) {
    mine = stoa_tls_scratch_create();
    return mine;
  }
  mine->user_count++;
  return mine;
}

void stoa_tls_scratch_unref(struct stoa_tls_scratch *scratch) {
  if (scratch == NULL || --scratch->user_count > 0) {
    return;
  }
  if (mine == scratch) {
    mine = NULL;
  }
  stoa_tls_tools_destroy(scratch->tools);
  stoa_free(scratch);
}

void stoa_tls_scratch_add_openssl(struct stoa_tls_scratch *scratch) {
  scratch->openssl_count++;
  if (scratch->openssl_count > scratch->openssl_peak) {
    scratch->openssl_peak = scratch->openssl_count;
  }
}

void stoa_tls_scratch_remove_openssl(struct stoa_tls_scratch *scratch) {
  scratch->openssl_count--;
}

bool stoa_tls_take_peak(void) {
  if (mine == NULL || mine->openssl_peak < PEAK_COUNT_MIN || mine->openssl_count >= mine->openssl_peak / 2) {
    return false;
  }
  mine->openssl_peak = mine->openssl_count;
  return true;
}
