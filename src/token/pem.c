#include "token/pem.h"

#include <openssl/pem.h>

#include "token/openssl_status.h"

/* Without this callback OpenSSL asks for the password on the terminal. */
static int have_no_password(char *password, int size, int is_writing, void *context) {
  (void)password;
  (void)size;
  (void)is_writing;
  (void)context;
  return -1;
}

static size_t count_of(struct stoa_bytes text, const char *word) {
  size_t count = 0;
  size_t word_len = strlen(word);
  const uint8_t *end = text.data + text.len;
  for (const uint8_t *at = text.data; at < end; count++) {
    at = memmem(at, (size_t)(end - at), word, word_len);
    if (at == NULL) {
      break;
    }
    at += word_len;
  }
  return count;
}

static int check_kind(struct stoa_bytes text, bool is_private, const char **out_why) {
  size_t blocks = count_of(text, "-----BEGIN ");
  if (blocks != 1) {
    *out_why = blocks == 0 ? "no key in PEM form" : "more than one key in PEM form";
    return STOA_E_SYNTAX;
  }
  bool has_private = count_of(text, "PRIVATE KEY-----") > 0;
  if (has_private && !is_private) {
    *out_why = "a private key; write its public half into this file, as `openssl pkey -pubout` does";
    return STOA_E_TYPE;
  }
  if (!has_private && is_private) {
    *out_why = "no private key";
    return STOA_E_TYPE;
  }
  return STOA_OK;
}

static EVP_PKEY *read_pkey(struct stoa_bytes text, bool is_private) {
  BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
  if (bio == NULL) {
    return NULL;
  }
  EVP_PKEY *pkey = is_private ? PEM_read_bio_PrivateKey(bio, NULL, have_no_password, NULL)
                              : PEM_read_bio_PUBKEY(bio, NULL, have_no_password, NULL);
  BIO_free(bio);
  return pkey;
}

int stoa_token_pem_read(struct stoa_bytes text, bool is_private, struct stoa_token_key *key, const char **out_why) {
  int status = check_kind(text, is_private, out_why);
  if (status != STOA_OK) {
    return status;
  }
  EVP_PKEY *pkey = read_pkey(text, is_private);
  if (pkey == NULL) {
    *out_why = is_private ? "no private key in PEM form without a password" : "no public key in PEM form";
    return stoa_token_openssl_status(STOA_E_SYNTAX);
  }
  return stoa_token_key_set_pkey(key, pkey, out_why);
}

static int append_bio(BIO *bio, struct stoa_buffer *out_text) {
  char *text = NULL;
  long len = BIO_get_mem_data(bio, &text);
  return stoa_buffer_append(out_text, text, (size_t)len);
}

int stoa_token_pem_write(EVP_PKEY *pkey, bool is_private, struct stoa_buffer *out_text) {
  BIO *bio = BIO_new(BIO_s_secmem()); /* overwritten when it is released */
  if (bio == NULL) {
    return stoa_token_openssl_status(STOA_E_MEMORY);
  }
  bool is_written = is_private ? PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1
                               : PEM_write_bio_PUBKEY(bio, pkey) == 1;
  int status = is_written ? append_bio(bio, out_text) : stoa_token_openssl_status(STOA_E_MEMORY);
  BIO_free(bio);
  return stoa_token_openssl_done(status);
}
