/* server/app/run_as.h: gives up root for the user that server.run_as names, once everything that needs root is done.
 *
 * Does not know: what was bound and read before. Thread: the main one, before others exist: PR_SET_NO_NEW_PRIVS counts
 * for the calling thread and those that it creates.
 */
#ifndef STOA_SERVER_APP_RUN_AS_H
#define STOA_SERVER_APP_RUN_AS_H

#include <stoa/bytes.h>
#include <stoa/status.h>
#include <sys/types.h>

struct stoa_server;

#define STOA_RUN_AS_NAME_SIZE 64

struct stoa_run_as {
  char user_name[STOA_RUN_AS_NAME_SIZE];
  uid_t user;
  gid_t group;
};

/* Look up "user" or "user:group"; the group of a user alone is its own. Root is not a user to run as.
 * Errors: STOA_E_SYNTAX  not of this form, or root; STOA_E_NOT_FOUND  no such user or group; STOA_E_SYSTEM */
int stoa_run_as_find(struct stoa_string text, struct stoa_run_as *out_run_as);

/* After stoa_server_bind() of all servers: become the user that server.run_as of the first one names, give it the files
 * of their unix sockets, and look whether it can read what is read later. Nothing when run_as is empty, or the process
 * is that user already.
 *
 * Errors, all logged: STOA_E_ARGUMENT   another server has another run_as
 *                     STOA_E_NOT_FOUND  no such user or group
 *                     STOA_E_DENIED     the process is not root; or the kernel does not permit a step of it
 *                     STOA_E_SYSTEM     root could be regained afterwards, or a socket's file cannot be given away.
 *         After an error the process may have changed in part: it must end. */
int stoa_run_as_apply(struct stoa_server *const *servers, size_t count);

/* Before that, as root: make a folder, unless something with its name is there, and give it to the user that
 * server.run_as names. Nothing when run_as is empty, or the process is not root. What is in it is made inside
 * stoa_server_call_as_user(). That the folder cannot be made is no error.
 * Errors, logged: STOA_E_NOT_FOUND  no such user or group; STOA_E_SYSTEM  it cannot be given away */
int stoa_run_as_make_folder(const struct stoa_server *server, const char *path);

#endif
