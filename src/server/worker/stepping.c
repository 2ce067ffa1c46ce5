/* server/worker/stepping.c: a server with one worker whose turns the program takes (stoa/server.h). */
#include "server/worker/stepping.h"

#include "server/server_private.h"

#include <stoa/log.h>

int stoa_server_open(struct stoa_server *server) {
  /* It must be 1 in the configuration: the default of an empty value differs from machine to machine. */
  if (server->config.workers != 1) {
    stoa_log(STOA_LOG_ERROR, "a server in the program's own loop has one worker; set server.workers to 1",
             STOA_F_INT("server.workers", server->config.workers));
    return STOA_E_ARGUMENT;
  }
  int status = stoa_server_bind_and_drop(server);
  return status == STOA_OK ? stoa_server_begin_stepped(server) : status;
}

bool stoa_server_step(struct stoa_server *server, int wait_ms) {
  return stoa_worker_turn(stoa_server_worker(server, 0), wait_ms);
}

int stoa_server_fd(const struct stoa_server *server) {
  return stoa_worker_fd(stoa_server_worker(server, 0));
}

int stoa_server_wait_ms(const struct stoa_server *server) {
  return stoa_worker_wait_ms(stoa_server_worker(server, 0));
}
