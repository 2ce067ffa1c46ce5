#include "server/app/run_as.h"

#include "base/sys.h"
#include "server/server_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stoa/log.h>
#include <unistd.h>

/* For one entry of the user or group database. */
#define ENTRY_BYTES_MAX 16384

static bool copy_name(struct stoa_string text, char out_name[STOA_RUN_AS_NAME_SIZE]) {
  if (text.len == 0 || text.len >= STOA_RUN_AS_NAME_SIZE || memchr(text.data, '\0', text.len) != NULL) {
    return false;
  }
  memcpy(out_name, text.data, text.len);
  out_name[text.len] = '\0';
  return true;
}

static int find_user(const char *name, struct stoa_run_as *run_as) {
  char memory[ENTRY_BYTES_MAX];
  struct passwd entry;
  struct passwd *found = NULL;
  int reason = stoa_sys.getpwnam_r(name, &entry, memory, sizeof memory, &found);
  if (found == NULL) {
    errno = reason;
    return reason == 0 ? STOA_E_NOT_FOUND : STOA_E_SYSTEM;
  }
  run_as->user = entry.pw_uid;
  run_as->group = entry.pw_gid;
  return STOA_OK;
}

static int find_group(const char *name, gid_t *out_group) {
  char memory[ENTRY_BYTES_MAX];
  struct group entry;
  struct group *found = NULL;
  int reason = stoa_sys.getgrnam_r(name, &entry, memory, sizeof memory, &found);
  if (found == NULL) {
    errno = reason;
    return reason == 0 ? STOA_E_NOT_FOUND : STOA_E_SYSTEM;
  }
  *out_group = entry.gr_gid;
  return STOA_OK;
}

int stoa_run_as_find(struct stoa_string text, struct stoa_run_as *out_run_as) {
  struct stoa_run_as run_as = {0};
  char group[STOA_RUN_AS_NAME_SIZE];
  const char *colon = text.len == 0 ? NULL : memchr(text.data, ':', text.len);
  size_t user_len = colon == NULL ? text.len : (size_t)(colon - text.data);
  if (!copy_name(stoa_string_make(text.data, user_len), run_as.user_name) ||
      (colon != NULL && !copy_name(stoa_string_make(colon + 1, text.len - user_len - 1), group))) {
    return STOA_E_SYNTAX;
  }
  int status = find_user(run_as.user_name, &run_as);
  if (status == STOA_OK && colon != NULL) {
    status = find_group(group, &run_as.group);
  }
  if (status == STOA_OK && run_as.user == 0) {
    return STOA_E_SYNTAX;
  }
  if (status == STOA_OK) {
    *out_run_as = run_as;
  }
  return status;
}

/* Through a descriptor, so that it is the file that was looked at, whoever may write to its folder. */
static int give_file(const struct stoa_server_socket *bound, const struct stoa_run_as *run_as) {
  struct stat info;
  int fd = stoa_sys.open(bound->address.socket.un.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0) {
    return STOA_E_SYSTEM;
  }
  bool is_ours =
      stoa_sys.fstat(fd, &info) == 0 && info.st_dev == bound->file.device && info.st_ino == bound->file.inode;
  int result = is_ours ? stoa_sys.fchownat(fd, "", run_as->user, run_as->group, AT_EMPTY_PATH) : -1;
  int saved_errno = is_ours ? errno : ESTALE;
  stoa_sys.close(fd);
  errno = saved_errno;
  return result == 0 ? STOA_OK : STOA_E_SYSTEM;
}

static int give_files(const struct stoa_server *server, const struct stoa_run_as *run_as) {
  for (size_t i = 0; i < server->listeners.socket_count; i++) {
    const struct stoa_server_socket *bound = &server->listeners.sockets[i];
    if (atomic_load(&bound->file_exists) && give_file(bound, run_as) != STOA_OK) {
      stoa_log(STOA_LOG_ERROR, "a unix socket's file cannot be given to the user of server.run_as",
               STOA_F_TEXT("address", bound->listener->configured), STOA_F_STR("reason", strerror(errno)));
      return STOA_E_SYSTEM;
    }
  }
  return STOA_OK;
}

static int denied(const struct stoa_run_as *run_as, const char *step) {
  stoa_log(STOA_LOG_ERROR, "the process cannot become the user of server.run_as", STOA_F_STR("user", run_as->user_name),
           STOA_F_STR("step", step), STOA_F_STR("reason", strerror(errno)));
  return STOA_E_DENIED;
}

/* The groups first: without root they cannot be changed any more. All three ids, or the saved one would lead back. */
static int become(const struct stoa_run_as *run_as) {
  if (stoa_sys.initgroups(run_as->user_name, run_as->group) != 0) {
    return denied(run_as, "initgroups");
  }
  if (stoa_sys.setresgid(run_as->group, run_as->group, run_as->group) != 0) {
    return denied(run_as, "setresgid");
  }
  if (stoa_sys.setresuid(run_as->user, run_as->user, run_as->user) != 0) {
    return denied(run_as, "setresuid");
  }
  if (stoa_sys.no_new_privileges() != 0) {
    return denied(run_as, "no_new_privs");
  }
  if (stoa_sys.setresuid(0, 0, 0) == 0 || stoa_sys.geteuid() != run_as->user) {
    stoa_log(STOA_LOG_ERROR, "root can be regained after server.run_as; the program does not start",
             STOA_F_STR("user", run_as->user_name));
    return STOA_E_SYSTEM;
  }
  return STOA_OK;
}

static void warn_unreadable(const struct stoa_run_as *run_as, const char *option, struct stoa_string path, int mode) {
  if (path.len > 0 && stoa_sys.access(path.data, mode) != 0) {
    stoa_log(STOA_LOG_WARN, "the user of server.run_as cannot read what is read later",
             STOA_F_STR("user", run_as->user_name), STOA_F_STR("option", option), STOA_F_TEXT("path", path),
             STOA_F_STR("reason", strerror(errno)));
  }
}

/* Keys were read as root. They are not needed again unless they are replaced while the server runs. */
static void look_at_paths(const struct stoa_server *server, const struct stoa_run_as *run_as) {
  warn_unreadable(run_as, "server.web_root", server->config.web_root, R_OK | X_OK);
}

static int refuse_difference(struct stoa_string first, struct stoa_string other) {
  stoa_log(STOA_LOG_ERROR, "all servers of a program have one run_as", STOA_F_TEXT("run_as", first),
           STOA_F_TEXT("other", other));
  return STOA_E_ARGUMENT;
}

static int change_user(struct stoa_server *const *servers, size_t count, const struct stoa_run_as *run_as) {
  int status = STOA_OK;
  if (stoa_sys.geteuid() != 0) {
    stoa_log(STOA_LOG_ERROR, "server.run_as needs a start as root; start it as root, or remove server.run_as",
             STOA_F_STR("user", run_as->user_name), STOA_F_INT("uid", stoa_sys.geteuid()));
    return STOA_E_DENIED;
  }
  for (size_t i = 0; i < count && status == STOA_OK; i++) {
    status = give_files(servers[i], run_as);
  }
  status = status == STOA_OK ? become(run_as) : status;
  if (status != STOA_OK) {
    return status;
  }
  stoa_log(STOA_LOG_INFO, "root was given up", STOA_F_STR("user", run_as->user_name), STOA_F_INT("uid", run_as->user),
           STOA_F_INT("gid", run_as->group));
  for (size_t i = 0; i < count; i++) {
    look_at_paths(servers[i], run_as);
  }
  return STOA_OK;
}

static int find_or_log(struct stoa_string text, struct stoa_run_as *out_run_as) {
  int status = stoa_run_as_find(text, out_run_as);
  if (status != STOA_OK) {
    stoa_log(STOA_LOG_ERROR, "server.run_as names no user or group of this machine", STOA_F_TEXT("run_as", text),
             STOA_F_STR("reason", stoa_status_text(status)));
  }
  return status;
}

int stoa_run_as_apply(struct stoa_server *const *servers, size_t count) {
  struct stoa_run_as run_as;
  assert(count > 0);
  struct stoa_string text = servers[0]->config.run_as;
  for (size_t i = 1; i < count; i++) {
    struct stoa_string other = servers[i]->config.run_as;
    if (other.len > 0 && (other.len != text.len || memcmp(other.data, text.data, text.len) != 0)) {
      return refuse_difference(text, other);
    }
  }
  if (text.len == 0) {
    return STOA_OK;
  }
  int status = find_or_log(text, &run_as);
  if (status != STOA_OK) {
    return status;
  }
  assert(run_as.user != 0);
  bool is_done = stoa_sys.geteuid() == run_as.user && stoa_sys.getegid() == run_as.group;
  return is_done ? STOA_OK : change_user(servers, count, &run_as);
}

/* Before root is given up. */

/* Only the effective ids, which decide about files; the saved ones lead back. */
static int enter(const struct stoa_run_as *run_as) {
  if (stoa_sys.initgroups(run_as->user_name, run_as->group) != 0) {
    return denied(run_as, "initgroups");
  }
  if (stoa_sys.setresgid((gid_t)-1, run_as->group, (gid_t)-1) != 0) {
    return denied(run_as, "setresgid");
  }
  if (stoa_sys.setresuid((uid_t)-1, run_as->user, (uid_t)-1) != 0) {
    int status = denied(run_as, "setresuid");
    int ignored = stoa_sys.setresgid((gid_t)-1, 0, (gid_t)-1);
    (void)ignored; /* the start fails anyway */
    return status;
  }
  return STOA_OK;
}

/* The groups stay those of the user: root needs none. */
static int leave(void) {
  if (stoa_sys.setresuid((uid_t)-1, 0, (uid_t)-1) == 0 && stoa_sys.setresgid((gid_t)-1, 0, (gid_t)-1) == 0) {
    return STOA_OK;
  }
  stoa_log(STOA_LOG_ERROR, "the process cannot be root again to bind addresses", STOA_F_STR("reason", strerror(errno)));
  return STOA_E_SYSTEM;
}

/* Is there another user than the one that calls? */
static bool is_other_user(const struct stoa_server *server) {
  return server->config.run_as.len > 0 && stoa_sys.geteuid() == 0;
}

int stoa_server_call_as_user(struct stoa_server *server, int (*function)(void *context), void *context) {
  struct stoa_run_as run_as;
  if (!is_other_user(server)) {
    return function(context);
  }
  int status = find_or_log(server->config.run_as, &run_as);
  status = status == STOA_OK ? enter(&run_as) : status;
  if (status != STOA_OK) {
    return status;
  }
  int result = function(context);
  status = leave();
  return result == STOA_OK ? status : result;
}

/* Through a descriptor, as the files of sockets. */
static int give_folder(const char *path, const struct stoa_run_as *run_as) {
  int fd = stoa_sys.open(path, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) {
    return STOA_E_SYSTEM;
  }
  int result = stoa_sys.fchownat(fd, "", run_as->user, run_as->group, AT_EMPTY_PATH);
  int saved_errno = errno;
  stoa_sys.close(fd);
  errno = saved_errno;
  return result == 0 ? STOA_OK : STOA_E_SYSTEM;
}

int stoa_run_as_make_folder(const struct stoa_server *server, const char *path) {
  struct stoa_run_as run_as;
  /* Who makes it otherwise says so when it cannot. */
  if (!is_other_user(server) || stoa_sys.mkdir(path, 0700) != 0) {
    return STOA_OK;
  }
  int status = find_or_log(server->config.run_as, &run_as);
  status = status == STOA_OK ? give_folder(path, &run_as) : status;
  if (status == STOA_E_SYSTEM) {
    stoa_log(STOA_LOG_ERROR, "a folder cannot be given to the user of server.run_as", STOA_F_STR("path", path),
             STOA_F_STR("reason", strerror(errno)));
  }
  return status;
}
