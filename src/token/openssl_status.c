#include "token/openssl_status.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>

/* Starting an existing digest fails only when memory is out. */
static bool is_about_memory(unsigned long error) {
  int reason = ERR_GET_REASON(error);
  return reason == ERR_R_MALLOC_FAILURE || (ERR_GET_LIB(error) == ERR_LIB_EVP && reason == EVP_R_INITIALIZATION_ERROR);
}

int stoa_token_openssl_status(int otherwise) {
  int status = otherwise;
  for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error()) {
    if (is_about_memory(error)) {
      status = STOA_E_MEMORY;
    }
  }
  return status;
}

int stoa_token_openssl_done(int status) {
  ERR_clear_error();
  return status;
}
