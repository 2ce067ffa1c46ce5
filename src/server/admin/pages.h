/* server/admin/pages.h: what operators read at an admin listener, beside health: an index, the metrics, and pages about
 * the running server below /debug.
 *
 * Does not know: who may read them (admin.h, server/http/serve.h).
 * Thread: adding before the start; handlers on workers.
 */
#ifndef STOA_SERVER_ADMIN_PAGES_H
#define STOA_SERVER_ADMIN_PAGES_H

#include <stoa/buffer.h>
#include <stoa/http.h>

/* Errors: as stoa_server_add_route() */
int stoa_admin_pages_add(struct stoa_server *server);

/* Handlers of routes, whose user is the server. */

/* /metrics: the text format of Prometheus 0.0.4, or OpenMetrics if Accept prefers it; written in steps, between which
 * the worker serves others. */
void stoa_admin_on_metrics(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request);
/* /debug/sessions?cursor=…: at most 100 sessions, and the cursor of the next page. A session that is open meanwhile is
 * on one of the pages; after others have ended, it may be on two. */
void stoa_admin_on_sessions(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request);
/* /debug/loop: for each worker how long its turns take, and with what. */
void stoa_admin_on_loop(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request);

/* Answer with a text that no cache keeps. Without memory the client gets 500. */
void stoa_admin_reply(struct stoa_http_exchange *exchange, uint16_t status, const char *content_type,
                      const struct stoa_buffer *text);

#endif
