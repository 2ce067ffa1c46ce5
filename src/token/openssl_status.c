#include "token/openssl_status.h"

#include <openssl/err.h>

int stoa_token_openssl_status(int otherwise) {
  int status = otherwise;
  for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error()) {
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
      status = STOA_E_MEMORY;
    }
  }
  return status;
}

int stoa_token_openssl_done(int status) {
  ERR_clear_error();
  return status;
}
