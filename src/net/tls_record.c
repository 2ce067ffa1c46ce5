#include "net/tls_record.h"

#include "base/memory.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stoa/status.h>
#include <string.h>

#define TAG_LEN 16u
#define LABEL_LEN_MAX 18 /* with its "tls13 " and zero */

enum { SUITE_COUNT = 3 };

struct stoa_tls_suite {
  uint16_t number;
  uint8_t index;
  uint8_t key_len;
  uint8_t secret_len;
  const char *cipher;
  const char *hash;
};

static const struct stoa_tls_suite suites[SUITE_COUNT] = {
    {0x1301, 0, 16, 32, "AES-128-GCM", "SHA256"},
    {0x1302, 1, 32, 48, "AES-256-GCM", "SHA384"},
    {0x1303, 2, 32, 32, "ChaCha20-Poly1305", "SHA256"},
};

/* A cipher's key is set for each record: that takes a sixth of a microsecond, and a cipher for each connection would
 * take 2 KB. */
struct stoa_tls_tools {
  EVP_CIPHER_CTX *sealers[SUITE_COUNT]; /* made when first needed */
  EVP_CIPHER_CTX *openers[SUITE_COUNT];
  EVP_KDF_CTX *expander;
};

const struct stoa_tls_suite *stoa_tls_suite_find(uint16_t number) {
  for (size_t i = 0; i < SUITE_COUNT; i++) {
    if (suites[i].number == number) {
      return &suites[i];
    }
  }
  return NULL;
}

size_t stoa_tls_suite_secret_len(const struct stoa_tls_suite *suite) {
  return suite->secret_len;
}

struct stoa_tls_tools *stoa_tls_tools_create(void) {
  struct stoa_tls_tools *tools = stoa_calloc(1, sizeof *tools);
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
  if (tools != NULL && kdf != NULL) {
    tools->expander = EVP_KDF_CTX_new(kdf);
  }
  EVP_KDF_free(kdf);
  if (tools == NULL || tools->expander == NULL) {
    stoa_tls_tools_destroy(tools);
    return NULL;
  }
  return tools;
}

void stoa_tls_tools_destroy(struct stoa_tls_tools *tools) {
  if (tools == NULL) {
    return;
  }
  for (size_t i = 0; i < SUITE_COUNT; i++) {
    EVP_CIPHER_CTX_free(tools->sealers[i]);
    EVP_CIPHER_CTX_free(tools->openers[i]);
  }
  EVP_KDF_CTX_free(tools->expander);
  stoa_free(tools);
}

static void forget(EVP_CIPHER_CTX *cipher) {
  static const uint8_t none[STOA_TLS_KEY_LEN_MAX];
  if (cipher != NULL) {
    int ignored = EVP_CipherInit_ex2(cipher, NULL, none, none, -1, NULL);
    (void)ignored;
  }
}

void stoa_tls_tools_forget(struct stoa_tls_tools *tools, const struct stoa_tls_suite *suite) {
  forget(tools->sealers[suite->index]);
  forget(tools->openers[suite->index]);
}

static EVP_CIPHER_CTX *make_cipher(const struct stoa_tls_suite *suite, bool seals) {
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, suite->cipher, NULL);
  EVP_CIPHER_CTX *made = EVP_CIPHER_CTX_new();
  bool works = cipher != NULL && made != NULL &&
               EVP_CipherInit_ex2(made, cipher, NULL, NULL, seals ? 1 : 0, NULL) == 1 &&
               EVP_CIPHER_CTX_get_iv_length(made) == (int)STOA_TLS_NONCE_LEN;
  EVP_CIPHER_free(cipher);
  if (!works) {
    EVP_CIPHER_CTX_free(made);
    return NULL;
  }
  return made;
}

/* RFC 8446 7.1: HKDF-Expand-Label() without a context. */
static bool expand(struct stoa_tls_tools *tools, const struct stoa_tls_suite *suite, const uint8_t *secret,
                   const char *label, uint8_t *out, size_t out_len) {
  uint8_t info[4 + LABEL_LEN_MAX];
  size_t label_len = strlen(label);
  assert(label_len + 6 < LABEL_LEN_MAX);
  info[0] = 0;
  info[1] = (uint8_t)out_len;
  info[2] = (uint8_t)(6 + label_len);
  memcpy(info + 3, "tls13 ", 6);
  memcpy(info + 9, label, label_len);
  info[9 + label_len] = 0;
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  /* OpenSSL only reads what they point to. */
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)suite->hash, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret, suite->secret_len),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, 10 + label_len),
      OSSL_PARAM_construct_end(),
  };
  bool done = EVP_KDF_derive(tools->expander, out, out_len, params) == 1;
  EVP_KDF_CTX_reset(tools->expander); /* it keeps no secret, and adds to no info of before */
  return done;
}

/* RFC 8446 7.3 */
static bool expand_keys(struct stoa_tls_keys *keys, struct stoa_tls_tools *tools, const struct stoa_tls_suite *suite) {
  return expand(tools, suite, keys->secret, "key", keys->key, suite->key_len) &&
         expand(tools, suite, keys->secret, "iv", keys->nonce, STOA_TLS_NONCE_LEN);
}

bool stoa_tls_keys_begin(struct stoa_tls_keys *keys, struct stoa_tls_tools *tools, const struct stoa_tls_suite *suite,
                         uint64_t sequence) {
  keys->sequence = sequence;
  return expand_keys(keys, tools, suite);
}

bool stoa_tls_keys_update(struct stoa_tls_keys *keys, struct stoa_tls_tools *tools,
                          const struct stoa_tls_suite *suite) {
  struct stoa_tls_keys next = {0};
  bool done = expand(tools, suite, keys->secret, "traffic upd", next.secret, suite->secret_len) &&
              expand_keys(&next, tools, suite);
  if (done) {
    *keys = next;
  }
  OPENSSL_cleanse(&next, sizeof next);
  return done;
}

size_t stoa_tls_record_len(const uint8_t *data) {
  return STOA_TLS_HEADER_LEN + ((size_t)data[3] << 8 | data[4]);
}

/* The cipher, with the key and the next record's nonce in it (RFC 8446 5.3), and the header given as what is
 * authenticated beside the text. NULL when memory is out, or the numbers are. */
static EVP_CIPHER_CTX *begin(EVP_CIPHER_CTX **kept, const struct stoa_tls_suite *suite,
                             const struct stoa_tls_keys *keys, bool seals, const uint8_t *header) {
  uint8_t nonce[STOA_TLS_NONCE_LEN];
  int ignored;
  EVP_CIPHER_CTX **slot = &kept[suite->index];
  if (keys->sequence == UINT64_MAX) {
    return NULL; /* RFC 8446 5.3: numbers must not wrap */
  }
  if (*slot == NULL) {
    *slot = make_cipher(suite, seals);
    if (*slot == NULL) {
      return NULL;
    }
  }
  memcpy(nonce, keys->nonce, sizeof nonce);
  for (unsigned i = 0; i < 8; i++) {
    nonce[STOA_TLS_NONCE_LEN - 1 - i] ^= (uint8_t)(keys->sequence >> (8 * i));
  }
  bool begun = EVP_CipherInit_ex2(*slot, NULL, keys->key, nonce, seals ? 1 : 0, NULL) == 1 &&
               EVP_CipherUpdate(*slot, NULL, &ignored, header, STOA_TLS_HEADER_LEN) == 1;
  OPENSSL_cleanse(nonce, sizeof nonce);
  return begun ? *slot : NULL;
}

bool stoa_tls_seal(struct stoa_tls_keys *keys, struct stoa_tls_tools *tools, const struct stoa_tls_suite *suite,
                   enum stoa_tls_record_type type, const uint8_t *data, size_t len, uint8_t *out) {
  assert(len <= STOA_TLS_DATA_LEN_MAX);
  size_t sealed_len = len + 1 + TAG_LEN;
  uint8_t inner_type = (uint8_t)type;
  int ignored;
  /* RFC 8446 5.2: every protected record looks like data of TLS 1.2. */
  const uint8_t header[STOA_TLS_HEADER_LEN] = {STOA_TLS_RECORD_DATA, 3, 3, (uint8_t)(sealed_len >> 8),
                                               (uint8_t)sealed_len};
  memcpy(out, header, sizeof header);
  out += sizeof header;
  EVP_CIPHER_CTX *cipher = begin(tools->sealers, suite, keys, true, header);
  bool sealed = cipher != NULL && (len == 0 || EVP_EncryptUpdate(cipher, out, &ignored, data, (int)len) == 1) &&
                EVP_EncryptUpdate(cipher, out + len, &ignored, &inner_type, 1) == 1 &&
                EVP_EncryptFinal_ex(cipher, out + len + 1, &ignored) == 1 &&
                EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, (int)TAG_LEN, out + len + 1) == 1;
  if (sealed) {
    keys->sequence++;
  }
  return sealed;
}

/* RFC 8446 5.2: the type is the last byte that is not zero. */
static int strip(const uint8_t *text, size_t len, struct stoa_tls_opened *out_opened, enum stoa_tls_alert *out_alert) {
  while (len > 0 && text[len - 1] == 0) {
    len--;
  }
  if (len == 0) {
    *out_alert = STOA_TLS_ALERT_UNEXPECTED_MESSAGE;
    return STOA_E_TLS;
  }
  *out_opened = (struct stoa_tls_opened){text[len - 1], len - 1};
  return STOA_OK;
}

int stoa_tls_open(struct stoa_tls_keys *keys, struct stoa_tls_tools *tools, const struct stoa_tls_suite *suite,
                  const uint8_t *record, size_t len, uint8_t *out, struct stoa_tls_opened *out_opened,
                  enum stoa_tls_alert *out_alert) {
  int ignored;
  assert(len >= STOA_TLS_HEADER_LEN && len == stoa_tls_record_len(record));
  if (record[0] != STOA_TLS_RECORD_DATA) {
    *out_alert = STOA_TLS_ALERT_UNEXPECTED_MESSAGE;
    return STOA_E_TLS;
  }
  if (len > STOA_TLS_RECORD_LEN_MAX) {
    *out_alert = STOA_TLS_ALERT_RECORD_OVERFLOW;
    return STOA_E_TLS;
  }
  *out_alert = STOA_TLS_ALERT_BAD_RECORD_MAC;
  if (len < STOA_TLS_HEADER_LEN + 1 + TAG_LEN) {
    return STOA_E_TLS;
  }
  size_t text_len = len - STOA_TLS_HEADER_LEN - TAG_LEN;
  const uint8_t *sealed = record + STOA_TLS_HEADER_LEN;
  void *tag = (void *)(uintptr_t)(sealed + text_len); /* OpenSSL only reads it */
  EVP_CIPHER_CTX *cipher = begin(tools->openers, suite, keys, false, record);
  if (cipher == NULL) {
    *out_alert = STOA_TLS_ALERT_INTERNAL_ERROR;
    return STOA_E_TLS;
  }
  if (EVP_DecryptUpdate(cipher, out, &ignored, sealed, (int)text_len) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, (int)TAG_LEN, tag) != 1 ||
      EVP_DecryptFinal_ex(cipher, out + text_len, &ignored) != 1) {
    return STOA_E_TLS;
  }
  keys->sequence++;
  /* RFC 8446 5.4: padding counts too. */
  if (text_len > STOA_TLS_DATA_LEN_MAX + 1) {
    *out_alert = STOA_TLS_ALERT_RECORD_OVERFLOW;
    return STOA_E_TLS;
  }
  return strip(out, text_len, out_opened, out_alert);
}
