#include "bench_io.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench_tls.h"

ssize_t bench_io_recv(struct bench_conn *conn, void *out, size_t cap) {
  return conn->tls == NULL ? recv(conn->fd, out, cap, 0) : bench_tls_recv(conn->tls, out, cap);
}

ssize_t bench_io_send(struct bench_conn *conn, const void *data, size_t len) {
  return conn->tls == NULL ? send(conn->fd, data, len, MSG_NOSIGNAL) : bench_tls_send(conn->tls, data, len);
}

static ssize_t send_parts_plain(const struct bench_conn *conn, const void *first, size_t first_len, const void *second,
                                size_t second_len) {
  struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)first, .iov_len = first_len},
                           {.iov_base = (void *)(uintptr_t)second, .iov_len = second_len}};
  struct msghdr out = {.msg_iov = parts, .msg_iovlen = 2};
  return sendmsg(conn->fd, &out, MSG_NOSIGNAL);
}

ssize_t bench_io_send_parts(struct bench_conn *conn, const void *first, size_t first_len, const void *second,
                            size_t second_len) {
  if (conn->tls == NULL) {
    return send_parts_plain(conn, first, first_len, second, second_len);
  }
  ssize_t sent = first_len == 0 ? 0 : bench_tls_send(conn->tls, first, first_len);
  if (sent < 0) {
    return sent;
  }
  ssize_t more = bench_tls_send(conn->tls, second, second_len);
  return more < 0 ? sent : sent + more;
}

bool bench_io_has_more(const struct bench_conn *conn) {
  return conn->tls != NULL && bench_tls_has_more(conn->tls);
}

bool bench_io_unsent(const struct bench_conn *conn) {
  return conn->tls != NULL && bench_tls_unsent(conn->tls);
}

void bench_io_flush(struct bench_conn *conn) {
  if (conn->tls != NULL) {
    bench_tls_flush(conn->tls);
  }
}

void bench_io_close(struct bench_conn *conn) {
  bench_tls_destroy(conn->tls);
  conn->tls = NULL;
  if (conn->fd >= 0) {
    close(conn->fd);
    conn->fd = -1;
  }
}
