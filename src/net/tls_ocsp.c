#include "base/memory.h"
#include "base/sys.h"
#include "net/tls_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stoa/log.h>

static int refuse(const char *what, const char *path) {
  ERR_clear_error();
  stoa_log(STOA_LOG_ERROR, what, STOA_F_STR("file", path));
  return STOA_E_TLS;
}

/* Read until the end, at most `size` bytes. Returns false after an error, which errno has. */
static bool read_file(const char *path, uint8_t *data, size_t size, size_t *out_len) {
  int fd = stoa_sys.open(path, O_RDONLY | O_CLOEXEC, 0);
  ssize_t got = fd < 0 ? -1 : 1;
  size_t len = 0;
  while (got > 0 && len < size) {
    got = stoa_sys.read(fd, data + len, size - len);
    if (got < 0 && errno == EINTR) {
      got = 1;
      continue;
    }
    len += got > 0 ? (size_t)got : 0;
  }
  int reason = errno;
  if (fd >= 0) {
    stoa_sys.close(fd);
  }
  errno = reason;
  *out_len = len;
  return got >= 0;
}

static bool is_about(const OCSP_SINGLERESP *answer, const ASN1_INTEGER *serial) {
  OCSP_CERTID *id = OCSP_CERTID_dup(OCSP_SINGLERESP_get0_id(answer)); /* its reader takes no constant one */
  ASN1_INTEGER *number = NULL;
  bool is_same = id != NULL && OCSP_id_get0_info(NULL, NULL, NULL, &number, id) == 1 && number != NULL &&
                 ASN1_INTEGER_cmp(number, serial) == 0;
  OCSP_CERTID_free(id);
  return is_same;
}

/* The answer for this certificate in the response, by its serial number. NULL: there is none. */
static OCSP_SINGLERESP *find_answer(OCSP_BASICRESP *answers, const X509 *certificate) {
  const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
  for (int i = 0; i < OCSP_resp_count(answers); i++) {
    OCSP_SINGLERESP *answer = OCSP_resp_get0(answers, i);
    if (is_about(answer, serial)) {
      return answer;
    }
  }
  return NULL;
}

/* Seconds since 1970. */
static int64_t seconds_of(const ASN1_TIME *time) {
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  int days = 0;
  int seconds = 0;
  bool good = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
  ASN1_TIME_free(epoch);
  return good ? (int64_t)days * 86400 + seconds : 0;
}

/* An old response, or one that says that the certificate is revoked, is logged; the server serves all the same. */
static void look_at(struct stoa_tls_certificate *certificate, OCSP_SINGLERESP *answer, const char *path) {
  ASN1_GENERALIZEDTIME *until = NULL;
  int64_t now_s = stoa_clock_wall_us(certificate->clock) / 1000000;
  int verdict = OCSP_single_get0_status(answer, NULL, NULL, NULL, &until);
  certificate->ocsp_until_s = until == NULL ? INT64_MAX : seconds_of(until);
  if (verdict != V_OCSP_CERTSTATUS_GOOD) {
    stoa_log(STOA_LOG_WARN, "the OCSP response does not call the certificate good; get a new certificate",
             STOA_F_STR("file", path), STOA_F_STR("status", OCSP_cert_status_str(verdict)));
  }
  if (now_s > certificate->ocsp_until_s) {
    stoa_log(STOA_LOG_WARN, "the OCSP response has expired and is not sent; get a new one", STOA_F_STR("file", path));
  }
}

static int check(struct stoa_tls_certificate *certificate, OCSP_RESPONSE *response, const char *path) {
  if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return refuse("the OCSP response reports an error instead of the certificate's status; get a new one", path);
  }
  OCSP_BASICRESP *answers = OCSP_response_get1_basic(response);
  OCSP_SINGLERESP *answer = answers == NULL ? NULL : find_answer(answers, SSL_CTX_get0_certificate(certificate->ssl));
  if (answer != NULL) {
    look_at(certificate, answer, path);
  }
  OCSP_BASICRESP_free(answers);
  ERR_clear_error();
  return answer != NULL ? STOA_OK : refuse("the OCSP response is for another certificate", path);
}

static int parse(struct stoa_tls_certificate *certificate, const char *path) {
  const uint8_t *at = certificate->ocsp;
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)certificate->ocsp_len);
  int status =
      response == NULL || at != certificate->ocsp + certificate->ocsp_len
          ? refuse("the OCSP response is not usable; it must be DER, as `openssl ocsp -respout` writes it", path)
          : check(certificate, response, path);
  OCSP_RESPONSE_free(response);
  return status;
}

/* SSL_CTX_set_tlsext_status_cb(3): the client asks for the status. OpenSSL frees the copy. */
static int on_asked(SSL *ssl, void *context) {
  const struct stoa_tls_certificate *certificate = context;
  int64_t now_s = stoa_clock_wall_us(certificate->clock) / 1000000;
  if (now_s > certificate->ocsp_until_s) {
    return SSL_TLSEXT_ERR_NOACK; /* a client may take an old one for an attack */
  }
  uint8_t *copy = OPENSSL_memdup(certificate->ocsp, certificate->ocsp_len);
  if (copy == NULL) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)certificate->ocsp_len);
  return SSL_TLSEXT_ERR_OK;
}

int stoa_tls_ocsp_load(struct stoa_tls_certificate *certificate, const char *path, struct stoa_arena *arena) {
  uint8_t *data = stoa_alloc(STOA_TLS_OCSP_BYTES_MAX + 1);
  size_t len;
  assert(certificate->ocsp == NULL);
  if (data == NULL) {
    return STOA_E_MEMORY;
  }
  if (!read_file(path, data, STOA_TLS_OCSP_BYTES_MAX + 1, &len)) {
    stoa_log(STOA_LOG_ERROR, "cannot read the OCSP response", STOA_F_STR("file", path), STOA_F_INT("errno", errno));
    stoa_free(data);
    return STOA_E_NOT_FOUND;
  }
  if (len > STOA_TLS_OCSP_BYTES_MAX) {
    stoa_free(data);
    return refuse("the OCSP response is longer than 64 KiB", path);
  }
  certificate->ocsp = (const uint8_t *)stoa_arena_copy(arena, stoa_string_make((const char *)data, len)).data;
  certificate->ocsp_len = len;
  stoa_free(data);
  int status = certificate->ocsp == NULL ? STOA_E_MEMORY : parse(certificate, path);
  if (status == STOA_OK) {
    SSL_CTX_set_tlsext_status_cb(certificate->ssl, on_asked);
    SSL_CTX_set_tlsext_status_arg(certificate->ssl, certificate);
  }
  return status;
}
