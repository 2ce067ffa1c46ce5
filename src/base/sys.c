/* base/sys.c: the table of system calls, and random bytes. */
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stoa/status.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One system call is enough for 32 ids. */
#define POOL_BYTES 512u

/* open(2) and openat(2) take a variable number of arguments, which a table entry cannot. */
static int open_three(const char *path, int flags, mode_t mode) {
  return open(path, flags, mode);
}

static int openat_four(int folder_fd, const char *path, int flags, mode_t mode) {
  return openat(folder_fd, path, flags, mode);
}

/* glibc 2.36 has no wrapper for openat2(2). */
static int openat2_by_number(int folder_fd, const char *path, struct open_how *how, size_t how_len) {
  return (int)syscall(SYS_openat2, folder_fd, path, how, how_len);
}

static int dup_by_fcntl(int fd) {
  return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int flags_by_fcntl(int fd) {
  return fcntl(fd, F_GETFD);
}

static int ioctl_of_int(int fd, unsigned long request, int *value) {
  return ioctl(fd, request, value);
}

/* The declarations of getrlimit(2) and setrlimit(2) have an enum, which is a type of its own for one compiler. */
static int getrlimit_by_int(int resource, struct rlimit *out_limit) {
  return getrlimit((__rlimit_resource_t)resource, out_limit);
}

static int setrlimit_by_int(int resource, const struct rlimit *limit) {
  return setrlimit((__rlimit_resource_t)resource, limit);
}

static int refuse_new_privileges(void) {
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

#define REAL_CALLS                                                                                                     \
  {                                                                                                                    \
    .socket = socket, .socketpair = socketpair, .bind = bind, .listen = listen, .accept4 = accept4,                    \
    .connect = connect, .shutdown = shutdown, .getsockname = getsockname, .getsockopt = getsockopt,                    \
    .setsockopt = setsockopt, .recv = recv, .send = send, .sendmsg = sendmsg, .getaddrinfo = getaddrinfo,              \
    .freeaddrinfo = freeaddrinfo, .gethostname = gethostname, .read = read, .pread = pread, .write = write,            \
    .close = close, .dup_cloexec = dup_by_fcntl, .flock = flock, .ioctl_int = ioctl_of_int, .fchmod = fchmod,          \
    .readlink = readlink, .poll = poll, .epoll_create1 = epoll_create1, .epoll_ctl = epoll_ctl,                        \
    .epoll_wait = epoll_wait, .epoll_pwait2 = epoll_pwait2, .eventfd = eventfd, .signalfd = signalfd,                  \
    .inotify_init1 = inotify_init1, .inotify_add_watch = inotify_add_watch, .open = open_three, .openat = openat_four, \
    .mkdir = mkdir, .openat2 = openat2_by_number, .fstat = fstat, .stat = stat, .lstat = lstat, .statvfs = statvfs,    \
    .access = access, .chmod = chmod, .unlink = unlink, .opendir = opendir, .readdir = readdir, .closedir = closedir,  \
    .getrlimit = getrlimit_by_int, .setrlimit = setrlimit_by_int, .getrandom = getrandom,                              \
    .pthread_create = pthread_create, .getifaddrs = getifaddrs, .freeifaddrs = freeifaddrs, .isatty = isatty,          \
    .fd_flags = flags_by_fcntl, .fchownat = fchownat, .getpid = getpid, .exit_now = _exit, .geteuid = geteuid,         \
    .getegid = getegid, .getpwnam_r = getpwnam_r, .getgrnam_r = getgrnam_r, .initgroups = initgroups,                  \
    .setresgid = setresgid, .setresuid = setresuid, .no_new_privileges = refuse_new_privileges                         \
  }

struct stoa_sys stoa_sys = REAL_CALLS;
const struct stoa_sys stoa_sys_real = REAL_CALLS;

int stoa_random(void *data, size_t len) {
  uint8_t *at = data;
  while (len > 0) {
    ssize_t got = stoa_sys.getrandom(at, len, 0);
    if (got > 0) {
      at += got;
      len -= (size_t)got;
    } else if (got == 0 || errno != EINTR) {
      return STOA_E_SYSTEM;
    }
  }
  return STOA_OK;
}

static __thread struct {
  uint8_t bytes[POOL_BYTES];
  size_t left; /* unused bytes, at the end of `bytes` */
} pool;

int stoa_random_pooled(void *data, size_t len) {
  if (len > POOL_BYTES) {
    return stoa_random(data, len);
  }
  if (len > pool.left) {
    int status = stoa_random(pool.bytes, POOL_BYTES);
    if (status != STOA_OK) {
      return status;
    }
    pool.left = POOL_BYTES;
  }
  memcpy(data, pool.bytes + (POOL_BYTES - pool.left), len);
  pool.left -= len;
  return STOA_OK;
}

void stoa_random_reset(void) {
  memset(&pool, 0, sizeof pool);
}
