#include "base/memory.h"
#include "base/sys.h"
#include "net/tls_private.h"

#include <assert.h>
#include <errno.h>

#define OUT_BYTES_MAX (1024u * 1024) /* far above a handshake's longest flight: a chain of certificates */

void stoa_tls_bytes_fini(struct stoa_tls_bytes *bytes) {
  stoa_free(bytes->data);
  *bytes = (struct stoa_tls_bytes){0};
}

void stoa_tls_load(struct stoa_tls *tls) {
  struct stoa_tls_scratch *scratch = tls->scratch;
  uint32_t len = tls->in.len - tls->in.at;
  assert(len <= sizeof scratch->in);
  if (len > 0) {
    memcpy(scratch->in, tls->in.data + tls->in.at, len);
  }
  scratch->at = 0;
  scratch->end = len;
}

void stoa_tls_unload(struct stoa_tls *tls) {
  tls->scratch->at = 0;
  tls->scratch->end = 0;
}

int stoa_tls_fill(struct stoa_tls *tls) {
  struct stoa_tls_scratch *scratch = tls->scratch;
  if (scratch->at == scratch->end) {
    scratch->at = 0;
    scratch->end = 0;
  }
  assert(scratch->end < sizeof scratch->in);
  ssize_t len = stoa_sys.recv(tls->fd, scratch->in + scratch->end, sizeof scratch->in - scratch->end, 0);
  if (len < 0) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? STOA_E_AGAIN : STOA_E_SYSTEM;
  }
  if (len == 0) {
    tls->at_eof = true;
    return STOA_E_CLOSED;
  }
  scratch->end += (uint32_t)len;
  return STOA_OK;
}

int stoa_tls_keep(struct stoa_tls *tls) {
  struct stoa_tls_scratch *scratch = tls->scratch;
  uint32_t len = scratch->end - scratch->at;
  stoa_tls_bytes_fini(&tls->in);
  uint8_t *kept = len == 0 ? NULL : stoa_alloc(len);
  if (kept == NULL) {
    tls->plain_len = 0;
    stoa_tls_unload(tls);
    return len == 0 ? STOA_OK : STOA_E_MEMORY;
  }
  memcpy(kept, scratch->in + scratch->at, len);
  tls->in.data = kept;
  tls->in.len = len;
  stoa_tls_unload(tls);
  return STOA_OK;
}

int stoa_tls_hold(struct stoa_tls *tls, const uint8_t *data, size_t len) {
  struct stoa_tls_bytes *out = &tls->out;
  if (len == 0) {
    return STOA_OK;
  }
  if (len > OUT_BYTES_MAX - out->len) {
    return STOA_E_MEMORY;
  }
  uint8_t *grown = stoa_realloc(out->data, out->len + len);
  if (grown == NULL) {
    return STOA_E_MEMORY;
  }
  memcpy(grown + out->len, data, len);
  out->data = grown;
  out->len += (uint32_t)len;
  return STOA_OK;
}

static ssize_t send_both(const struct stoa_tls *tls, const uint8_t *data, size_t len) {
  const struct stoa_tls_bytes *out = &tls->out;
  if (out->len == 0) {
    return stoa_sys.send(tls->fd, data, len, MSG_NOSIGNAL);
  }
  if (len == 0) {
    return stoa_sys.send(tls->fd, out->data + out->at, out->len - out->at, MSG_NOSIGNAL);
  }
  /* sendmsg only reads the pieces; its struct serves recvmsg as well and so lacks the const. */
  struct iovec pieces[2] = {{out->data + out->at, out->len - out->at}, {(void *)(uintptr_t)data, len}};
  struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
  return stoa_sys.sendmsg(tls->fd, &message, MSG_NOSIGNAL);
}

int stoa_tls_send(struct stoa_tls *tls, const uint8_t *data, size_t len, size_t *out_taken) {
  struct stoa_tls_bytes *out = &tls->out;
  uint32_t waiting = out->len - out->at;
  *out_taken = 0;
  if (waiting + len == 0) {
    return STOA_OK;
  }
  ssize_t sent = send_both(tls, data, len);
  if (sent < 0) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? STOA_E_AGAIN : STOA_E_SYSTEM;
  }
  if ((size_t)sent < waiting) {
    out->at += (uint32_t)sent;
    return STOA_E_AGAIN;
  }
  if (waiting > 0) {
    stoa_tls_bytes_fini(out);
  }
  *out_taken = (size_t)sent - waiting;
  return STOA_OK;
}
