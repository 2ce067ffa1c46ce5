/* server/server_private.h: the server's own struct, for this folder only. */
#ifndef STOA_SERVER_SERVER_PRIVATE_H
#define STOA_SERVER_SERVER_PRIVATE_H

#include "net/tls.h"
#include "server/origin.h"
#include "server/peers.h"
#include "server/worker.h"

#include <stdatomic.h>

#define STOA_LISTENERS_MAX 16

struct stoa_server {
  struct stoa_server_config config; /* a copy, defaults filled in; what it points to lies in config_arena */
  struct stoa_limits_config limits;
  struct stoa_arena *config_arena;
  struct stoa_session_limits session_limits;
  struct stoa_codec_registry codecs;
  struct stoa_formats formats;
  struct stoa_callbacks callbacks;

  struct stoa_handler *handlers; /* by ascending type */
  size_t handler_count;
  uint32_t ping_type;
  const struct stoa_message_type *ping_message; /* NULL: none */

  struct stoa_tls_context *tls;
  struct stoa_origin_rules origin_rules;
  int web_root_fd; /* -1: none */
  struct stoa_peers peers;
  struct stoa_interests interests;
  struct stoa_address addresses[STOA_LISTENERS_MAX];
  char address_texts[STOA_LISTENERS_MAX][STOA_ADDRESS_TEXT_LEN];
  size_t address_count;

  struct stoa_worker *workers;
  uint32_t worker_count;
  bool use_io_uring;
  bool started;
  atomic_uint running;                         /* workers that have not ended */
  int ended_fd;                                /* eventfd: raised when the last one has */
  atomic_size_t sessions;                      /* open ones, for the count and the cap */
  atomic_uint codec_sessions[STOA_CODECS_MAX]; /* open sessions by codec: which encodings are needed at all */
};

/* The handler of a type, or NULL. */
const struct stoa_handler *stoa_server_find_handler(const struct stoa_server *server, uint32_t type);

#endif
