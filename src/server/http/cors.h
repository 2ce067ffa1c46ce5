/* server/http/cors.h: what HTTP routes answer to pages of other origins (Fetch standard, 3.2).
 *
 * Does not know: connections, routes. Thread: any.
 */
#ifndef STOA_SERVER_HTTP_CORS_H
#define STOA_SERVER_HTTP_CORS_H

#include "wire/http.h"

#include <stoa/buffer.h>
#include <stoa/config.stoa.h>

/* Check server.cors; all faults are logged. `config` NULL is fine. Errors: STOA_E_ARGUMENT */
int stoa_cors_check(const struct stoa_cors_config *config);

/* Is it a preflight that must be answered here: OPTIONS with Origin and Access-Control-Request-Method? Never without
 * allowed origins. */
bool stoa_cors_is_preflight(const struct stoa_cors_config *config, const struct stoa_http_head *head,
                            const uint8_t *data);
/* May a page of the request's origin use the routes? */
bool stoa_cors_allows(const struct stoa_cors_config *config, const struct stoa_http_head *head, const uint8_t *data);

/* Append the fields that every response of a route has. Errors: STOA_E_LIMIT, STOA_E_MEMORY */
int stoa_cors_add(const struct stoa_cors_config *config, const struct stoa_http_head *head, const uint8_t *data,
                  struct stoa_buffer *out);
/* Append the fields for a request that was allowed by other rules, those of upgrades: its page may read the response,
 * and send credentials, as with a WebSocket. Errors: STOA_E_LIMIT, STOA_E_MEMORY */
int stoa_cors_add_echo(const struct stoa_http_head *head, const uint8_t *data, struct stoa_buffer *out);
/* Append those that the response to an allowed preflight has besides.
 *
 * methods  those of the path: "GET, HEAD"
 * Errors: STOA_E_LIMIT, STOA_E_MEMORY */
int stoa_cors_add_preflight(const struct stoa_cors_config *config, const char *methods, struct stoa_buffer *out);

#endif
