#include "server/http/client.h"

#include "base/sys.h"
#include "server/server_private.h"
#include "wire/forwarded.h"

#include <stoa/log.h>

const uint8_t *stoa_http_client_local(struct stoa_stream *stream, struct stoa_peer *out_local) {
  const struct stoa_server_session *own = stoa_server_session_of_stream(stream);
  struct sockaddr_storage address = {0};
  socklen_t len = sizeof address;
  if (own->account != NULL && own->account->has_local) {
    return own->account->local.bytes;
  }
  if (stoa_sys.getsockname(stream->conn.io.fd, (struct sockaddr *)&address, &len) != 0) {
    memcpy(out_local->bytes, in6addr_loopback.s6_addr, sizeof out_local->bytes);
    return out_local->bytes;
  }
  *out_local = stoa_peer_of(&address);
  return address.ss_family == AF_UNIX ? NULL : out_local->bytes;
}

static bool is_trusted(const uint8_t address[STOA_IP_LEN], void *context) {
  struct stoa_peer peer;
  memcpy(peer.bytes, address, sizeof peer.bytes);
  return stoa_networks_contain(context, &peer);
}

int stoa_http_client_find(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                          struct stoa_peer *out_client) {
  const struct stoa_peer *known = stoa_server_session_client(stoa_server_session_of_stream(stream));
  struct stoa_networks *trusted = &stoa_worker_of_stream(stream)->settings->trusted_proxies;
  struct stoa_peer client = *known;
  if (stoa_networks_contain(trusted, known) &&
      stoa_forwarded_client(head, data, is_trusted, trusted, client.bytes) == STOA_E_SYNTAX) {
    char proxy[INET6_ADDRSTRLEN];
    stoa_peer_format(known, proxy);
    stoa_log(STOA_LOG_WARN,
             "request refused: Forwarded and X-Forwarded-For name different clients; configure the proxy to remove the "
             "field that it does not write",
             STOA_F_STR("proxy", proxy), STOA_F_STR("refused", stoa_refused_text(STOA_REFUSED_FORWARDED)));
    return STOA_E_SYNTAX;
  }
  *out_client = client;
  return STOA_OK;
}
