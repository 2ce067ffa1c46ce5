/* server/app/systemd_sockets.h: the listening sockets that the service manager has passed to this process:
 * sd_listen_fds(3), without its library.
 *
 * The protocol: LISTEN_FDS is how many descriptors there are, from number 3 on, LISTEN_PID the process that they are
 * for, LISTEN_FDNAMES their names, with colons between them. A descriptor without a name is called "unknown".
 *
 * Does not know: which address takes which socket.
 * Thread: the one that starts servers.
 */
#ifndef STOA_SERVER_APP_SYSTEMD_SOCKETS_H
#define STOA_SERVER_APP_SYSTEMD_SOCKETS_H

#include "net/address.h"

#define STOA_SYSTEMD_NAME_LEN_MAX 255

/* The descriptors with that name, or the one with that number; several sockets of one unit have one name.
 *
 * Errors: STOA_E_NOT_FOUND  no socket was passed to this process, or none with this name; STOA_E_LIMIT  more than
 *         `fds_max` have it */
int stoa_systemd_sockets_find(struct stoa_string name, int *out_fds, size_t fds_max, size_t *out_count);
/* Take a descriptor: it becomes non-blocking and is closed on exec. The caller owns it then.
 *
 * Errors: STOA_E_EXISTS  it was taken before; STOA_E_TYPE  it is not a listening stream socket of IPv4, IPv6 or unix;
 *         STOA_E_SYSTEM  errno says why. It is as before after an error. */
int stoa_systemd_sockets_take(int fd, struct stoa_address *out_address);
/* Remove the variables from the environment, and log the sockets that nobody has taken. */
void stoa_systemd_sockets_forget(void);

#endif
