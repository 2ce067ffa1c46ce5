/* base/sys.h: the system calls that can fail in interesting ways, as a table that tests break on purpose.
 *
 * All of the library calls through stoa_sys.x(...). Entries have the contract of their man page (most
 * return -1 and set errno). Tests replace an entry before threads start and put it back after they ended.
 */
#ifndef STOA_BASE_SYS_H
#define STOA_BASE_SYS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

struct epoll_event;

struct stoa_sys {
  int (*accept4)(int fd, struct sockaddr *address, socklen_t *address_len, int flags);
  ssize_t (*recv)(int fd, void *data, size_t len, int flags);
  ssize_t (*send)(int fd, const void *data, size_t len, int flags);
  ssize_t (*sendmsg)(int fd, const struct msghdr *message, int flags);
  ssize_t (*read)(int fd, void *data, size_t len);
  ssize_t (*write)(int fd, const void *data, size_t len);
  int (*close)(int fd);
  int (*epoll_ctl)(int epoll_fd, int operation, int fd, struct epoll_event *event);
  int (*epoll_wait)(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms);
  int (*open)(const char *path, int flags, mode_t mode);
  ssize_t (*getrandom)(void *data, size_t len, unsigned flags);
  int (*pthread_create)(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
};

extern struct stoa_sys stoa_sys;            /* in use */
extern const struct stoa_sys stoa_sys_real; /* the kernel's */

/* Fill with random bytes from the kernel, through EINTR and short answers. Errors: STOA_E_SYSTEM. */
int stoa_random(void *data, size_t len);

/* The same out of a pool that each thread refills now and then, for ids, masks and seeds that cannot pay a system
 * call each. Not for keys: bytes given out stay in the pool until it is refilled. A process that forks must not use
 * it on both sides, or both get the same bytes. Errors: STOA_E_SYSTEM. */
int stoa_random_pooled(void *data, size_t len);

#endif
