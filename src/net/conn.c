#include "net/conn.h"

#include "base/sys.h"
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h> /* the C library's struct tcp_info ends before bytes_acked */
#include <netinet/in.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

int stoa_conn_init(struct stoa_conn *conn, int fd, struct stoa_tls_context *tls_context,
                   void (*on_ready)(struct stoa_io *io, uint32_t events)) {
  conn->io.fd = fd;
  conn->io.events = EPOLLIN;
  conn->io.on_ready = on_ready;
  conn->tls = NULL;
  return tls_context == NULL ? STOA_OK : stoa_tls_create(tls_context, fd, &conn->tls);
}

static int status_of_errno(void) {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? STOA_E_AGAIN : STOA_E_SYSTEM;
}

int stoa_conn_start_tls(struct stoa_conn *conn, struct stoa_tls_context *tls_context) {
  assert(conn->tls == NULL);
  return stoa_tls_create(tls_context, conn->io.fd, &conn->tls);
}

static int receive(struct stoa_conn *conn, void *data, size_t size, int flags, size_t *out_len) {
  ssize_t len = stoa_sys.recv(conn->io.fd, data, size, flags);
  if (len < 0) {
    return status_of_errno();
  }
  if (len == 0) {
    return STOA_E_CLOSED;
  }
  *out_len = (size_t)len;
  return STOA_OK;
}

int stoa_conn_peek(struct stoa_conn *conn, void *data, size_t size, size_t *out_len) {
  assert(conn->tls == NULL);
  return receive(conn, data, size, MSG_PEEK, out_len);
}

int stoa_conn_read(struct stoa_conn *conn, void *data, size_t size, size_t *out_len) {
  return conn->tls != NULL ? stoa_tls_read(conn->tls, data, size, out_len) : receive(conn, data, size, 0, out_len);
}

bool stoa_conn_pending(const struct stoa_conn *conn) {
  return conn->tls != NULL && stoa_tls_pending(conn->tls);
}

const struct stoa_certificate *stoa_conn_peer_certificate(const struct stoa_conn *conn) {
  return conn->tls == NULL ? NULL : stoa_tls_peer(conn->tls);
}

const char *stoa_conn_tls_version(const struct stoa_conn *conn) {
  return conn->tls == NULL ? NULL : stoa_tls_version(conn->tls);
}

bool stoa_conn_handshaking(const struct stoa_conn *conn) {
  return conn->tls != NULL && stoa_tls_handshaking(conn->tls);
}

bool stoa_conn_has_input(const struct stoa_conn *conn) {
  uint8_t byte;
  return stoa_conn_pending(conn) || stoa_sys.recv(conn->io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

uint64_t stoa_conn_acked_bytes(const struct stoa_conn *conn) {
  struct tcp_info info;
  socklen_t len = sizeof info;
  memset(&info, 0, sizeof info);
  bool known = stoa_sys.getsockopt(conn->io.fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
               len >= offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;
  return known ? info.tcpi_bytes_acked : 0;
}

size_t stoa_conn_unacked_bytes(const struct stoa_conn *conn) {
  int bytes = 0;
  return stoa_sys.ioctl_int(conn->io.fd, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

int stoa_conn_write(struct stoa_conn *conn, const struct iovec *pieces, size_t count, size_t *out_len) {
  if (conn->tls != NULL) {
    return stoa_tls_write(conn->tls, pieces, count, out_len);
  }
  ssize_t len;
  if (count == 1) {
    len = stoa_sys.send(conn->io.fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
  } else {
    struct msghdr message = {0};
    /* sendmsg only reads the pieces; its struct is shared with recvmsg and so lacks the const. */
    message.msg_iov = (struct iovec *)(uintptr_t)pieces;
    message.msg_iovlen = count;
    len = stoa_sys.sendmsg(conn->io.fd, &message, MSG_NOSIGNAL);
  }
  if (len < 0) {
    return status_of_errno();
  }
  *out_len = (size_t)len;
  return STOA_OK;
}

size_t stoa_conn_promised(const struct stoa_conn *conn) {
  return conn->tls == NULL ? 0 : stoa_tls_promised(conn->tls);
}

uint32_t stoa_conn_events(const struct stoa_conn *conn, bool want_read, bool want_write) {
  uint32_t events = want_read ? EPOLLIN : 0;
  /* TLS may have to write before it can read. Only when reading is wanted, or nothing would consume the event. */
  if (want_write || (want_read && conn->tls != NULL && stoa_tls_wants_write(conn->tls))) {
    events |= EPOLLOUT;
  }
  return events;
}

void stoa_conn_shutdown(struct stoa_conn *conn) {
  if (conn->tls != NULL) {
    stoa_tls_shutdown(conn->tls);
  }
  stoa_sys.shutdown(conn->io.fd, SHUT_WR);
}

void stoa_conn_close(struct stoa_conn *conn, struct stoa_loop *loop) {
  int fd = conn->io.fd;
  if (fd < 0) {
    return;
  }
  stoa_tls_destroy(conn->tls);
  conn->tls = NULL;
  stoa_loop_remove(loop, &conn->io);
  stoa_sys.close(fd);
}
