#include "client/client_private.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

static void use_socket_path(struct stoa_client *client) {
  struct stoa_string path = client->settings.url.socket_path;
  struct stoa_address *address = &client->addresses[0];
  memset(address, 0, sizeof *address);
  address->socket.un.sun_family = AF_UNIX;
  memcpy(address->socket.un.sun_path, path.data, path.len);
  address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
  client->address_count = 1;
}

static int take_answer(struct stoa_client *client) {
  struct stoa_lookup *lookup = client->lookup;
  assert(lookup->answered);
  assert(lookup->address_count <= STOA_DIAL_ADDRESSES_MAX);
  int status = lookup->status;
  int error = lookup->error;
  if (status == STOA_OK) {
    memcpy(client->addresses, lookup->addresses, lookup->address_count * sizeof *lookup->addresses);
    client->address_count = lookup->address_count;
  }
  stoa_client_forget_lookup(client);
  errno = error;
  return status;
}

/* A look-up that takes longer than one try continues, and its result is kept for the next try. So a slow name server
 * delays a client, but does not prevent it from connecting for ever. */
static void on_lookup_done(struct stoa_lookup *lookup) {
  struct stoa_client *client = lookup->context;
  assert(client->lookup == lookup);
  if (client->phase == STOA_PHASE_RESOLVING) {
    client->on_resolved(client, take_answer(client));
  } else if (lookup->status != STOA_OK) {
    stoa_client_forget_lookup(client);
  }
}

static int look_up(struct stoa_client *client) {
  if (client->lookup != NULL) {
    return client->lookup->answered ? take_answer(client) : STOA_E_AGAIN;
  }
  int status = stoa_resolver_ask(client->resolver, client->loop, client->settings.host, client->settings.url.port,
                                 on_lookup_done, client, &client->lookup);
  return status == STOA_OK ? STOA_E_AGAIN : status;
}

int stoa_client_find_addresses(struct stoa_client *client, stoa_client_on_resolved *on_resolved) {
  const struct stoa_client_settings *settings = &client->settings;
  client->address_next = 0;
  client->on_resolved = on_resolved;
  if (settings->host == NULL) {
    use_socket_path(client);
    return STOA_OK;
  }
  if (stoa_dial_literal(settings->host, settings->url.port, &client->addresses[0])) {
    client->address_count = 1;
    return STOA_OK;
  }
  return look_up(client);
}

void stoa_client_forget_lookup(struct stoa_client *client) {
  stoa_lookup_cancel(client->lookup);
  client->lookup = NULL;
}
