#include "doctor/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "../now.h"

struct doctor_wire {
  int fd;
  SSL_CTX *context;
  SSL *ssl; /* NULL: plain */
  bool is_plain;
  char reason[160];
};

/* False at the deadline. */
static bool wait_for(const struct doctor_wire *wire, short events, int64_t deadline_ms) {
  for (;;) {
    int64_t left_ms = deadline_ms - tool_now_ms();
    if (left_ms <= 0) {
      return false;
    }
    struct pollfd wanted = {.fd = wire->fd, .events = events};
    int count = poll(&wanted, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
    if (count > 0) {
      return true;
    }
  }
}

static bool reach(struct doctor_wire *wire, const struct bench_address *address, int64_t deadline_ms) {
  const struct sockaddr *to = (const struct sockaddr *)&address->socket;
  wire->fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (wire->fd < 0) {
    return false;
  }
  if (connect(wire->fd, to, address->len) == 0) {
    return true;
  }
  if (errno != EINPROGRESS) {
    return false;
  }
  if (!wait_for(wire, POLLOUT, deadline_ms)) {
    errno = ETIMEDOUT;
    return false;
  }
  int error = 0;
  socklen_t len = sizeof error;
  getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &error, &len);
  errno = error;
  return error == 0;
}

struct doctor_wire *doctor_wire_connect(const struct bench_address *address, int64_t deadline_ms) {
  struct doctor_wire *wire = calloc(1, sizeof *wire);
  if (wire == NULL) {
    return NULL;
  }
  wire->fd = -1;
  if (!reach(wire, address, deadline_ms)) {
    int error = errno;
    doctor_wire_close(wire);
    errno = error;
    return NULL;
  }
  return wire;
}

void doctor_wire_close(struct doctor_wire *wire) {
  if (wire == NULL) {
    return;
  }
  SSL_free(wire->ssl);
  SSL_CTX_free(wire->context);
  if (wire->fd >= 0) {
    close(wire->fd);
  }
  free(wire);
}

const char *doctor_wire_reason(const struct doctor_wire *wire) {
  return wire->reason[0] == '\0' ? "unknown error" : wire->reason;
}

bool doctor_wire_is_plain(const struct doctor_wire *wire) {
  return wire->is_plain;
}

/* ---- TLS ---- */

static bool is_name(const char *host) {
  uint8_t address[sizeof(struct in6_addr)];
  return inet_pton(AF_INET, host, address) != 1 && inet_pton(AF_INET6, host, address) != 1;
}

static void keep_reason(struct doctor_wire *wire, const char *else_text) {
  unsigned long error = ERR_peek_error();
  const char *reason = ERR_reason_error_string(error);
  snprintf(wire->reason, sizeof wire->reason, "%s", reason == NULL ? else_text : reason);
  /* An answer in plain text, read as a record of TLS, has an impossible version, or a length above 16 KiB. */
  int code = ERR_GET_REASON(error);
  wire->is_plain =
      ERR_GET_LIB(error) == ERR_LIB_SSL &&
      (code == SSL_R_WRONG_VERSION_NUMBER || code == SSL_R_HTTP_REQUEST || code == SSL_R_PACKET_LENGTH_TOO_LONG);
}

static bool prepare(struct doctor_wire *wire, const char *host, const char *ca_file) {
  wire->context = SSL_CTX_new(TLS_client_method());
  if (wire->context == NULL) {
    return false;
  }
  SSL_CTX_set_options(wire->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (ca_file == NULL ? SSL_CTX_set_default_verify_paths(wire->context) != 1
                      : SSL_CTX_load_verify_file(wire->context, ca_file) != 1) {
    return false;
  }
  wire->ssl = SSL_new(wire->context);
  if (wire->ssl == NULL || SSL_set_fd(wire->ssl, wire->fd) != 1) {
    return false;
  }
  SSL_set_connect_state(wire->ssl);
  if (!is_name(host)) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(wire->ssl), host) == 1;
  }
  void *name = (void *)(uintptr_t)host; /* OpenSSL only reads it */
  return SSL_ctrl(wire->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1 &&
         SSL_set1_host(wire->ssl, host) == 1;
}

static void note_certificate(X509 *certificate, struct doctor_tls_facts *facts) {
  int days = 0;
  int seconds = 0;
  X509_NAME_oneline(X509_get_subject_name(certificate), facts->subject, sizeof facts->subject);
  X509_NAME_oneline(X509_get_issuer_name(certificate), facts->issuer, sizeof facts->issuer);
  facts->is_self_signed = X509_check_issued(certificate, certificate) == X509_V_OK;
  if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1) {
    facts->days_left = seconds < 0 ? days - 1 : days;
    facts->is_expired = days < 0 || seconds < 0;
  }
  facts->is_early = X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0;
}

static void note_facts(const struct doctor_wire *wire, const char *host, struct doctor_tls_facts *facts) {
  STACK_OF(X509) *chain = SSL_get_peer_cert_chain(wire->ssl);
  X509 *certificate = SSL_get0_peer_certificate(wire->ssl);
  snprintf(facts->version, sizeof facts->version, "%s", SSL_get_version(wire->ssl));
  snprintf(facts->cipher, sizeof facts->cipher, "%s", SSL_get_cipher_name(wire->ssl));
  facts->chain_len = chain == NULL ? 0 : sk_X509_num(chain);
  facts->is_checked = certificate != NULL;
  facts->verify_error = SSL_get_verify_result(wire->ssl);
  snprintf(facts->verify_text, sizeof facts->verify_text, "%s", X509_verify_cert_error_string(facts->verify_error));
  if (certificate == NULL) {
    return;
  }
  note_certificate(certificate, facts);
  /* OpenSSL reports one error of several; these are looked for one by one. */
  facts->is_wrong_name =
      (is_name(host) ? X509_check_host(certificate, host, 0, 0, NULL) : X509_check_ip_asc(certificate, host, 0)) != 1;
  facts->lacks_issuer = facts->verify_error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                        facts->verify_error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
                        facts->verify_error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT;
}

/* What an unfinished operation of TLS waits for. DOCTOR_WIRE_OK: try again. */
static enum doctor_wire_status wait_tls(struct doctor_wire *wire, int result, int64_t deadline_ms) {
  switch (SSL_get_error(wire->ssl, result)) {
    case SSL_ERROR_WANT_READ:
      return wait_for(wire, POLLIN, deadline_ms) ? DOCTOR_WIRE_OK : DOCTOR_WIRE_LATE;
    case SSL_ERROR_WANT_WRITE:
      return wait_for(wire, POLLOUT, deadline_ms) ? DOCTOR_WIRE_OK : DOCTOR_WIRE_LATE;
    case SSL_ERROR_ZERO_RETURN:
      return DOCTOR_WIRE_ENDED;
    case SSL_ERROR_SYSCALL:
      snprintf(wire->reason, sizeof wire->reason, "%s", errno == 0 ? "the peer ended the connection" : strerror(errno));
      return DOCTOR_WIRE_ENDED;
    default:
      keep_reason(wire, "TLS failed");
      return DOCTOR_WIRE_FAILED;
  }
}

enum doctor_wire_status doctor_wire_secure(struct doctor_wire *wire, const char *host, const char *ca_file,
                                           int64_t deadline_ms, struct doctor_tls_facts *out_facts) {
  struct doctor_tls_facts facts = {.is_checked = false};
  ERR_clear_error();
  if (!prepare(wire, host, ca_file)) {
    keep_reason(wire, "TLS cannot be used");
    return DOCTOR_WIRE_FAILED;
  }
  int result;
  do {
    errno = 0;
    result = SSL_do_handshake(wire->ssl);
    enum doctor_wire_status status = result == 1 ? DOCTOR_WIRE_OK : wait_tls(wire, result, deadline_ms);
    if (status != DOCTOR_WIRE_OK) {
      return status;
    }
  } while (result != 1);
  note_facts(wire, host, &facts);
  *out_facts = facts;
  return DOCTOR_WIRE_OK;
}

/* ---- bytes ---- */

/* What recv() or send() could not do. */
static enum doctor_wire_status wait_plain(struct doctor_wire *wire, short events, int64_t deadline_ms) {
  if (errno == EAGAIN || errno == EINTR) {
    return wait_for(wire, events, deadline_ms) ? DOCTOR_WIRE_OK : DOCTOR_WIRE_LATE;
  }
  snprintf(wire->reason, sizeof wire->reason, "%s", strerror(errno));
  return DOCTOR_WIRE_ENDED;
}

enum doctor_wire_status doctor_wire_read(struct doctor_wire *wire, void *out, size_t cap, int64_t deadline_ms,
                                         size_t *out_len) {
  for (;;) {
    enum doctor_wire_status status;
    ERR_clear_error();
    errno = 0;
    int limit = cap > INT_MAX ? INT_MAX : (int)cap;
    ssize_t got = wire->ssl == NULL ? recv(wire->fd, out, cap, 0) : SSL_read(wire->ssl, out, limit);
    if (got > 0) {
      *out_len = (size_t)got;
      return DOCTOR_WIRE_OK;
    }
    if (wire->ssl != NULL) {
      status = wait_tls(wire, (int)got, deadline_ms);
    } else if (got == 0) {
      snprintf(wire->reason, sizeof wire->reason, "the peer ended the connection");
      status = DOCTOR_WIRE_ENDED;
    } else {
      status = wait_plain(wire, POLLIN, deadline_ms);
    }
    if (status != DOCTOR_WIRE_OK) {
      return status;
    }
  }
}

enum doctor_wire_status doctor_wire_write(struct doctor_wire *wire, const void *data, size_t len, int64_t deadline_ms) {
  const char *at = data;
  while (len > 0) {
    ERR_clear_error();
    errno = 0;
    int limit = len > INT_MAX ? INT_MAX : (int)len;
    ssize_t sent = wire->ssl == NULL ? send(wire->fd, at, len, MSG_NOSIGNAL) : SSL_write(wire->ssl, at, limit);
    if (sent > 0) {
      at += sent;
      len -= (size_t)sent;
      continue;
    }
    enum doctor_wire_status status =
        wire->ssl == NULL ? wait_plain(wire, POLLOUT, deadline_ms) : wait_tls(wire, (int)sent, deadline_ms);
    if (status != DOCTOR_WIRE_OK) {
      return status;
    }
  }
  return DOCTOR_WIRE_OK;
}
