/* server/settings/settings.h: everything of the configuration that may change while the server runs, as one immutable
 * snapshot.
 *
 * A snapshot is built and checked completely before anything changes. Then the server holds it for other threads, under
 * a mutex, and each worker takes it between two callbacks of its loop (server/worker/settings.h). A worker reads its
 * own pointer without a lock: worker->settings. What cannot change is in server->config.
 *
 * What a reload does to sessions that exist:
 *   for all, from now on   the limits of messages, queues, calls, mistakes and rates; the times of messages, calls and
 *                          answers; the keys of tokens, for tokens that come from now on
 *   for new ones only      handshakes: their times, sizes, origins, hosts, proxies, certificates, compression
 *   for none               a lowered sessions_max, connections_max or address_sessions_max ends no session. A session
 *                          that a removed key has let in stays until its token expires, and so does one from an origin
 *                          that is no longer allowed
 * A deadline that was computed before stays. A message that is being received must be within the old limit and the new
 * one. An HTTP request whose body is being read keeps its limit.
 *
 * Does not know: who uses it, when it is replaced.
 * Thread: the one that makes it, until others see it; then any. Lifetime: counted.
 */
#ifndef STOA_SERVER_SETTINGS_SETTINGS_H
#define STOA_SERVER_SETTINGS_SETTINGS_H

#include "server/auth.h"
#include "server/listener/networks.h"
#include "server/listener/origin.h"
#include "server/listener/peers.h"
#include "server/rate.h"
#include "session/session.h"
#include "wire/http.h"

#include <stdatomic.h>
#include <stoa/config.stoa.h>

struct stoa_listeners_tls;

struct stoa_settings {
  atomic_uint refs;
  struct stoa_arena *arena;           /* of all texts and lists */
  struct stoa_server_config config;   /* with defaults; all its sections exist */
  struct stoa_limits_config limits;   /* config.limits */
  struct stoa_rate_config rate_asked; /* limits.rate */
  struct stoa_shedding_config shedding;
  struct stoa_log_config log; /* with defaults; log.requests exists */
  struct stoa_request_log_config requests;
  struct stoa_http_limits http_limits;
  struct stoa_session_limits session_limits;
  struct stoa_rate_limits rate;
  struct stoa_origin_rules origin_rules; /* without the names of certificates, which depend on the listener */
  struct stoa_networks trusted_proxies;
  struct stoa_peers_limits peers_limits;
  struct stoa_auth auth;
  struct stoa_string admin_key; /* empty: none; wiped at the end */
  struct stoa_listeners_tls *tls;
};

/* Copy a configuration and fill in its defaults; nothing is checked or read from files yet. `config` NULL is all
 * defaults, and `log` too. Errors: STOA_E_MEMORY */
int stoa_settings_create(const struct stoa_server_config *config, const struct stoa_log_config *log,
                         struct stoa_settings **out_settings);
/* Before others see the snapshot. NULL is all defaults. */
void stoa_settings_set_log(struct stoa_settings *settings, const struct stoa_log_config *log);

struct stoa_settings *stoa_settings_ref(struct stoa_settings *settings);
/* NULL is fine. */
void stoa_settings_unref(struct stoa_settings *settings);

#endif
