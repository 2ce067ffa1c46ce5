/* server/server_private.h: the server's own struct, for this folder only. */
#ifndef STOA_SERVER_SERVER_PRIVATE_H
#define STOA_SERVER_SERVER_PRIVATE_H

#include "codec/handler_table.h"
#include "http/files.h"
#include "server/admin/admin.h"
#include "server/auth.h"
#include "server/call/chain.h"
#include "server/extension.h"
#include "server/http/handler_routes.h"
#include "server/http/routes.h"
#include "server/kept_fields.h"
#include "server/listener/listeners.h"
#include "server/listener/networks.h"
#include "server/listener/origin.h"
#include "server/listener/peers.h"
#include "server/listener/tls.h"
#include "server/metrics/metrics.h"
#include "server/settings/settings.h"
#include "server/worker/budget.h"
#include "server/worker/core.h"

#include <pthread.h>
#include <stdatomic.h>

struct stoa_tracer;

struct stoa_server {
  const struct stoa_clock *clock; /* of every loop; borrowed */
  /* What it was created with, defaults filled in: for the keys that a reload cannot change. Without the sections
   * limits, auth, cors and shedding. Its memory is config_arena. */
  struct stoa_server_config config;
  struct stoa_arena *config_arena;
  pthread_mutex_t settings_mutex;
  struct stoa_settings *settings;        /* the newest; under the mutex once the server runs. Never NULL after create */
  pthread_mutex_t reload_mutex;          /* one reload after the other */
  atomic_uint message_bytes_max;         /* of the newest settings, for any thread */
  struct stoa_address_rates *http_rates; /* of HTTP requests that call rpcs; NULL: there are no such routes */
  struct stoa_codec_registry codecs;
  struct stoa_formats formats;
  struct stoa_callbacks callbacks;
  struct stoa_extension extensions[STOA_EXTENSIONS_MAX];
  size_t extension_count;
  void *user; /* the program's pointer, and the function that frees it, or NULL */
  void (*destroy_user)(void *user);

  struct stoa_handler_table handlers; /* of struct stoa_handler */
  struct stoa_middlewares middlewares;
  uint32_t rate_limiter_count; /* of them */
  bool has_shedding;           /* the configuration has turned it on at the start */
  atomic_ullong shed;          /* messages that shedding refused */
  struct stoa_handler_routes handler_routes;
  struct stoa_kept_names kept_names; /* of upgrade requests */
  uint32_t ping_type;
  const struct stoa_message_type *ping_message; /* NULL: none */

  struct stoa_files files; /* of the web root */
  struct stoa_anonymous anonymous;
  struct stoa_routes routes;
  struct stoa_admin admin;
  struct stoa_budget bodies; /* of HTTP requests */
  struct stoa_peers peers;
  struct stoa_interests interests;
  struct stoa_listeners listeners;
  struct stoa_server_metrics metrics;
  struct stoa_tracer *tracer; /* NULL: no collector is configured */
  bool has_tracer_thread;

  struct stoa_worker *workers;
  uint32_t worker_count;
  bool use_io_uring;
  bool has_log; /* it has requested the thread that writes the log */
  bool started;
  struct stoa_app_context *app;                /* the program that runs it (stoa/app.h); NULL: none */
  atomic_uint running;                         /* workers that have not ended */
  int ended_fd;                                /* eventfd: readable when the last worker has ended */
  atomic_size_t connections;                   /* open ones */
  atomic_size_t public_connections;            /* those of them that a drain waits for: of no admin listener */
  atomic_size_t sessions;                      /* those of them that were upgraded; for the limit */
  atomic_uint fallback_sessions;               /* open ones of the HTTP fallback: clients post to them */
  atomic_uint codec_sessions[STOA_CODECS_MAX]; /* open sessions by codec: shows which encodings are needed */
};

/* Is this a configuration that a server can start with? Beyond what stoa_server_create() looks at: whether certificates
 * are valid today, and, as a warning, whether an address can be listened on now. All findings are logged, each with its
 * option and value. Nothing is left open.
 * Errors: as stoa_server_create() */
int stoa_server_check(const struct stoa_server_config *config);
/* As stoa_server_create(), with a clock: NULL is the system's. */
int stoa_server_make(const struct stoa_server_config *config, const struct stoa_clock *clock,
                     struct stoa_server **out_server);

#endif
