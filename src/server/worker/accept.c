#include "server/worker/accept.h"

#include "base/memory.h"
#include "base/sys.h"
#include "server/server_private.h"
#include "server/worker/settings.h"
#include "server/worker/table.h"

#include <assert.h>
#include <stoa/log.h>

/* Set the client's and the destination's address from a PROXY header. */
static bool take_addresses(struct stoa_server_session *own, const struct stoa_proxy_header *header) {
  if (header->family != STOA_PROXY_IP) {
    return true; /* a connection of the proxy itself, for instance a health check */
  }
  if (!stoa_server_session_set_client(own, header->source)) {
    return false;
  }
  memcpy(own->account->local.bytes, header->destination, sizeof own->account->local.bytes);
  own->account->has_local = true;
  return true;
}

void stoa_worker_on_proxy_header(struct stoa_stream *stream, const struct stoa_proxy_header *header) {
  struct stoa_server_session *own = stoa_server_session_of_stream(stream);
  struct stoa_worker *worker = stoa_worker_of_stream(stream);
  const struct stoa_server_listener *listener = &worker->server->listeners.items[own->listener];
  assert(listener->proxy_protocol);
  if (!take_addresses(own, header)) {
    stoa_metrics_note_refused(worker, STOA_REFUSED_MEMORY);
    stoa_stream_drop(stream);
    return;
  }
  stoa_stream_set_protocol(stream, &worker->http.protocol);
  stream->since_ms = stoa_stream_now32(stream);
  if (listener->uses_tls &&
      stoa_stream_start_tls(stream, stoa_listeners_tls_of(worker->settings->tls, listener)) != STOA_OK) {
    stoa_stream_drop(stream);
  }
}

void stoa_worker_on_bad_proxy_header(struct stoa_stream *stream) {
  char address[INET6_ADDRSTRLEN];
  stoa_metrics_note_refused(stoa_worker_of_stream(stream), STOA_REFUSED_PROXY_HEADER);
  stoa_peer_format(&stoa_server_session_of_stream(stream)->peer, address);
  stoa_log(STOA_LOG_WARN,
           "connection refused: it does not start with a PROXY protocol header; configure the proxy to send one, or "
           "set proxy_protocol of this listener to off",
           STOA_F_STR("address", address), STOA_F_STR("refused", stoa_refused_text(STOA_REFUSED_PROXY_HEADER)));
}

static int open_connection(struct stoa_worker *worker, int fd, const struct stoa_peer *peer,
                           const struct stoa_server_listener *listener) {
  struct stoa_server_session *own = stoa_worker_table_reserve(worker) == STOA_OK ? stoa_calloc(1, sizeof *own) : NULL;
  if (own == NULL) {
    stoa_sys.close(fd);
    return STOA_E_MEMORY;
  }
  own->peer = *peer;
  own->listener = listener->index;
  /* A PROXY header comes before TLS. */
  int status = listener->proxy_protocol ? stoa_stream_open(&own->base.stream, &worker->proxy.protocol, fd, NULL)
                                        : stoa_stream_open(&own->base.stream, &worker->http.protocol, fd,
                                                           stoa_listeners_tls_of(worker->settings->tls, listener));
  if (status != STOA_OK) {
    stoa_free(own);
    return status;
  }
  stoa_worker_table_add(worker, own);
  atomic_fetch_add(&worker->server->connections, 1);
  if (!listener->is_admin) {
    atomic_fetch_add(&worker->server->public_connections, 1);
  }
  stoa_metric_add(worker->metrics, STOA_M_ACCEPTED, 0, 1);
  return STOA_OK;
}

/* Refuse floods of connections before anything is read. The limit of sessions, which sends the client a reason, is in
 * admission.c. */
static bool admit(struct stoa_worker *worker, const struct stoa_server_listener *listener,
                  const struct stoa_peer *peer) {
  struct stoa_server *server = worker->server;
  const struct stoa_settings *settings = worker->settings;
  uint32_t limit = settings->limits.connections_max;
  char address[INET6_ADDRSTRLEN];
  stoa_peer_format(peer, address);
  if (listener->proxy_protocol && !stoa_networks_contain(&settings->trusted_proxies, peer)) {
    stoa_metrics_note_refused(worker, STOA_REFUSED_NOT_A_PROXY);
    stoa_log(STOA_LOG_WARN,
             "connection refused: this listener accepts trusted proxies only; add the proxy to server.trusted_proxies",
             STOA_F_STR("address", address), STOA_F_STR("refused", stoa_refused_text(STOA_REFUSED_NOT_A_PROXY)));
    return false;
  }
  if (limit > 0 && atomic_load(&server->connections) >= limit) {
    stoa_metrics_note_refused(worker, STOA_REFUSED_CONNECTIONS_MAX);
    stoa_log(STOA_LOG_WARN, "connection refused: too many connections; raise server.limits.connections_max",
             STOA_F_STR("address", address), STOA_F_INT("connections_max", limit),
             STOA_F_STR("refused", stoa_refused_text(STOA_REFUSED_CONNECTIONS_MAX)));
    return false;
  }
  if (stoa_peers_connect(&server->peers, peer) != STOA_OK) {
    stoa_metrics_note_refused(worker, STOA_REFUSED_ADDRESS_CONNECTIONS);
    stoa_log(STOA_LOG_WARN,
             "connection refused: too many connections from one address; raise server.limits.address_sessions_max, or "
             "add the proxy to server.trusted_proxies",
             STOA_F_STR("address", address), STOA_F_INT("address_sessions_max", settings->limits.address_sessions_max),
             STOA_F_STR("refused", stoa_refused_text(STOA_REFUSED_ADDRESS_CONNECTIONS)));
    return false;
  }
  return true;
}

void stoa_worker_accept(struct stoa_worker *worker, const struct stoa_server_listener *listener, int fd,
                        const struct sockaddr_storage *address) {
  struct stoa_peer peer = stoa_peer_of(address);
  assert(fd >= 0);
  stoa_worker_settings_refresh(worker);
  if (!admit(worker, listener, &peer)) {
    stoa_sys.close(fd);
    return;
  }
  int status = open_connection(worker, fd, &peer, listener);
  if (status != STOA_OK) {
    stoa_peers_disconnect(&worker->server->peers, &peer);
    stoa_metrics_note_refused(worker, STOA_REFUSED_MEMORY);
    stoa_log(STOA_LOG_ERROR, "an accepted connection could not be set up",
             STOA_F_STR("reason", stoa_status_text(status)));
  }
}
