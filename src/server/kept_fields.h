/* server/kept_fields.h: fields of an upgrade that its session keeps, for middlewares and handlers
 * (stoa_server_keep_field()).
 *
 * What a session keeps is one block, and none when the upgrade has none of the fields. The names are those of the
 * server; they do not change after start.
 *
 * Thread: the session's worker.
 */
#ifndef STOA_SERVER_KEPT_FIELDS_H
#define STOA_SERVER_KEPT_FIELDS_H

#include <stoa/server.h>

struct stoa_http_head;
struct stoa_kept_fields;

/* A server's. */
struct stoa_kept_names {
  char *items[STOA_KEPT_FIELDS_MAX]; /* owned */
  size_t count;
};

void stoa_kept_names_fini(struct stoa_kept_names *names);

/* Keep what the upgrade has of the server's fields. Errors: STOA_E_MEMORY */
int stoa_kept_fields_take(struct stoa_session *session, const struct stoa_http_head *head, const uint8_t *data);

#endif
