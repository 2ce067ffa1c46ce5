/* server/admin/admin.h: the listener for operators: its address and key from the configuration, who may use it, and the
 * routes that the library itself has there.
 *
 * Does not know: sockets, other routes.
 * Thread: init on the thread that creates the server, the rest on any. Lifetime: a part of the server.
 */
#ifndef STOA_SERVER_ADMIN_ADMIN_H
#define STOA_SERVER_ADMIN_ADMIN_H

#include "wire/http.h"

#include <pthread.h>
#include <stdbool.h>
#include <stoa/buffer.h>
#include <stoa/http.h>

#define STOA_ADMIN_CHECKS_MAX 64

struct stoa_server_listener;
struct stoa_settings;
struct stoa_stream;

struct stoa_admin_check {
  char name[65];
  stoa_ready_check *check;
  void *user;
};

struct stoa_admin {
  struct stoa_admin_check *checks;
  uint32_t check_count;
  pthread_mutex_t config_mutex;
  struct stoa_buffer config; /* for /debug/config; without data: the program has none. Under the mutex */
};

/* Where to listen, from server.admin.address; empty: nowhere. */
struct stoa_string stoa_admin_address(const struct stoa_server_config *config);

/* Read the key into settings->admin_key. Each mistake is logged.
 * Errors: STOA_E_ARGUMENT   key and key_file are both set, or the key is too short or has blanks or control bytes
 *         STOA_E_NOT_FOUND, STOA_E_SYSTEM  the file cannot be read; STOA_E_DENIED  others may read or write it
 *         STOA_E_LIMIT  it is too long; STOA_E_MEMORY */
int stoa_admin_read_key(struct stoa_settings *settings);
/* Read the key of the server's settings, and add the library's routes. Errors: as stoa_admin_read_key() */
int stoa_admin_init(struct stoa_server *server);
/* The mutex was initialized with the server. */
void stoa_admin_fini(struct stoa_server *server);
/* The configuration in force, as text without secrets, for /debug/config. Takes the bytes over, in place of those
 * before. Any thread. */
void stoa_admin_set_config(struct stoa_server *server, struct stoa_buffer *text);

/* May this listener be an admin listener? Without a key only loopback and unix sockets may. */
bool stoa_admin_allows(const struct stoa_settings *settings, const struct stoa_server_listener *listener);

/* May the request reach an admin listener? Not a request of a foreign page: its Origin must be that of the listener's
 * own page, its Host must be known, against DNS rebinding (server/listener/origin.h), and Sec-Fetch-Site must not tell
 * of another site.
 *
 * out_reason  written when the answer is false */
bool stoa_admin_is_safe(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                        const char **out_reason);

#endif
