/* base/sys.h: every system call of the library that touches descriptors, files, threads or randomness, as a table.
 *
 * The library calls them only as stoa_sys.x(...), so that a test can make one call fail on purpose and a simulation can
 * replace the system. Time is not in the table: it is read through base/clock.h. io_uring (loop/send_ring.c) does not
 * use the table, nor does OpenSSL when it reads files and randomness; a simulation runs without both.
 *
 * Entries have the contract of their man page (most return -1 and set errno). Tests replace an entry before threads
 * start and put it back after they ended. To add a call, add its entry here and its name to SYSTEM_CALLS of
 * tests/structure/rules.py.
 */
#ifndef STOA_BASE_SYS_H
#define STOA_BASE_SYS_H

#include <dirent.h>
#include <grp.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

struct epoll_event;
struct open_how;

struct stoa_sys {
  /* Sockets. */
  int (*socket)(int family, int type, int protocol);
  int (*socketpair)(int family, int type, int protocol, int out_fds[2]);
  int (*bind)(int fd, const struct sockaddr *address, socklen_t address_len);
  int (*listen)(int fd, int backlog);
  int (*accept4)(int fd, struct sockaddr *address, socklen_t *address_len, int flags);
  int (*connect)(int fd, const struct sockaddr *address, socklen_t address_len);
  int (*shutdown)(int fd, int how);
  int (*getsockname)(int fd, struct sockaddr *address, socklen_t *address_len);
  int (*getsockopt)(int fd, int level, int name, void *value, socklen_t *value_len);
  int (*setsockopt)(int fd, int level, int name, const void *value, socklen_t value_len);
  ssize_t (*recv)(int fd, void *data, size_t len, int flags);
  ssize_t (*send)(int fd, const void *data, size_t len, int flags);
  ssize_t (*sendmsg)(int fd, const struct msghdr *message, int flags);
  int (*getaddrinfo)(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out_found);
  void (*freeaddrinfo)(struct addrinfo *found);
  int (*gethostname)(char *name, size_t len);
  int (*getifaddrs)(struct ifaddrs **out_addresses);
  void (*freeifaddrs)(struct ifaddrs *addresses);

  /* Descriptors of any kind. */
  ssize_t (*read)(int fd, void *data, size_t len);
  ssize_t (*pread)(int fd, void *data, size_t len, off_t offset);
  ssize_t (*write)(int fd, const void *data, size_t len);
  int (*close)(int fd);
  int (*dup_cloexec)(int fd); /* fcntl(2), F_DUPFD_CLOEXEC */
  int (*fd_flags)(int fd);    /* fcntl(2), F_GETFD */
  int (*flock)(int fd, int operation);
  int (*ioctl_int)(int fd, unsigned long request, int *value); /* ioctl(2) with a request that takes an int */
  int (*isatty)(int fd);
  int (*poll)(struct pollfd *fds, nfds_t count, int timeout_ms);
  int (*epoll_create1)(int flags);
  int (*epoll_ctl)(int epoll_fd, int operation, int fd, struct epoll_event *event);
  int (*epoll_wait)(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms);
  int (*epoll_pwait2)(int epoll_fd, struct epoll_event *events, int events_max, const struct timespec *timeout,
                      const sigset_t *signals);
  int (*eventfd)(unsigned count, int flags);
  int (*signalfd)(int fd, const sigset_t *signals, int flags);
  int (*inotify_init1)(int flags);
  int (*inotify_add_watch)(int fd, const char *path, uint32_t events);

  /* Files. */
  int (*open)(const char *path, int flags, mode_t mode);
  int (*mkdir)(const char *path, mode_t mode);
  int (*openat)(int folder_fd, const char *path, int flags, mode_t mode);
  int (*openat2)(int folder_fd, const char *path, struct open_how *how, size_t how_len);
  int (*fstat)(int fd, struct stat *out_info);
  int (*stat)(const char *path, struct stat *out_info);
  int (*lstat)(const char *path, struct stat *out_info);
  int (*statvfs)(const char *path, struct statvfs *out_info);
  int (*access)(const char *path, int mode);
  int (*chmod)(const char *path, mode_t mode);
  int (*fchmod)(int fd, mode_t mode);
  int (*fchownat)(int folder_fd, const char *path, uid_t user, gid_t group, int flags);
  ssize_t (*readlink)(const char *path, char *out_target, size_t size);
  int (*unlink)(const char *path);
  DIR *(*opendir)(const char *path);
  struct dirent *(*readdir)(DIR *directory);
  int (*closedir)(DIR *directory);

  /* The process. */
  int (*getrlimit)(int resource, struct rlimit *out_limit);
  int (*setrlimit)(int resource, const struct rlimit *limit);
  ssize_t (*getrandom)(void *data, size_t len, unsigned flags);
  pid_t (*getpid)(void);
  void (*exit_now)(int status); /* _exit(2) */
  int (*pthread_create)(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

  /* Users. The calls that change the process change all of its threads, except no_new_privileges. */
  uid_t (*geteuid)(void);
  gid_t (*getegid)(void);
  int (*getpwnam_r)(const char *name, struct passwd *user, char *memory, size_t size, struct passwd **out_user);
  int (*getgrnam_r)(const char *name, struct group *group, char *memory, size_t size, struct group **out_group);
  int (*initgroups)(const char *user, gid_t group);
  int (*setresgid)(gid_t real, gid_t effective, gid_t saved);
  int (*setresuid)(uid_t real, uid_t effective, uid_t saved);
  int (*no_new_privileges)(void); /* prctl(2), PR_SET_NO_NEW_PRIVS, for this thread and those it creates */
};

extern struct stoa_sys stoa_sys;            /* in use */
extern const struct stoa_sys stoa_sys_real; /* the kernel's */

/* Fill with random bytes from the kernel. Repeats the call after EINTR and after short results. Errors: STOA_E_SYSTEM.
 */
int stoa_random(void *data, size_t len);

/* The same from a pool that each thread refills when it is empty: for ids, masks and seeds, for which a system call
 * each would cost too much. Not for keys: bytes that were returned stay in the pool until it is refilled. After a fork,
 * parent and child must not both use it: they would get the same bytes. Errors: STOA_E_SYSTEM. */
int stoa_random_pooled(void *data, size_t len);

/* Empty this thread's pool. A simulation replaces stoa_sys.getrandom by a generator of its own and calls this once for
 * each seed, on each thread that it uses: otherwise the first ids of a run come from what is left of the previous run.
 */
void stoa_random_reset(void);

#endif
