#include "server/http/fallback.h"

#include "base/sys.h"
#include "server/http/cors.h"
#include "server/http/exchange.h"
#include "server/http/fallback_post.h"
#include "server/http/response.h"
#include "server/server_private.h"
#include "session/event.h"
#include "session/fallback.h"
#include "wire/http_route.h"
#include "wire/http_token.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/token.h>

#define HEAD_BYTES_MAX (16u * 1024)

/* Which request it is. */

static bool is_method(const struct stoa_http_head *head, const uint8_t *data, const char *method) {
  return stoa_string_equal(stoa_http_route_method_in(head, data), stoa_string_of(method));
}

static bool has_field(const struct stoa_http_head *head, const uint8_t *data, const char *name) {
  return stoa_http_field(head, data, name, NULL).data != NULL;
}

static bool is_preflight(const struct stoa_http_head *head, const uint8_t *data) {
  static const char asked[] = "Access-Control-Request-Headers";
  return is_method(head, data, "OPTIONS") && has_field(head, data, "Origin") &&
         (stoa_http_has_token(head, data, asked, "stoa-protocol") ||
          stoa_http_has_token(head, data, asked, "stoa-session"));
}

enum stoa_fallback_request stoa_fallback_request_of(const struct stoa_http_head *head, const uint8_t *data) {
  bool is_get_or_post = head->method == STOA_HTTP_GET || is_method(head, data, "POST");
  if (is_get_or_post && has_field(head, data, "Stoa-Session")) {
    return STOA_FALLBACK_POST;
  }
  if (is_get_or_post && has_field(head, data, "Stoa-Protocol")) {
    return STOA_FALLBACK_OPEN;
  }
  return is_preflight(head, data) ? STOA_FALLBACK_PREFLIGHT : STOA_FALLBACK_NONE;
}

/* Answers. */

void stoa_fallback_refuse(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                          int status, const char *message) {
  const char *fields = status == 405 ? "Allow: POST\r\n" : status == 503 ? STOA_FALLBACK_RETRY_FIELD : NULL;
  stoa_exchange_refuse(
      stream, head, data,
      &(struct stoa_exchange_refusal){.status = status, .message = message, .fields = fields, .echoes_origin = true});
}

void stoa_fallback_answer_preflight(struct stoa_stream *stream, const struct stoa_http_head *head,
                                    const uint8_t *data) {
  static const char fields[] =
      "Access-Control-Allow-Methods: POST\r\n"
      "Access-Control-Allow-Headers: Authorization, Content-Type, Stoa-Protocol, Stoa-Sequence, Stoa-Session\r\n"
      "Access-Control-Max-Age: 600\r\n";
  stoa_exchange_refuse(stream, head, data,
                       &(struct stoa_exchange_refusal){
                           .status = 204, .fields = fields, .keep_alive = !head->has_body, .echoes_origin = true});
}

/* Opening. */

static bool has_body(const struct stoa_http_head *head, const uint8_t *data) {
  const struct stoa_http_body_limits limits = {.content_bytes_max = UINT32_MAX};
  struct stoa_http_body body;
  return stoa_http_body_begin(head, data, &limits, &body) != 200 || body.is_chunked || body.length > 0;
}

bool stoa_fallback_check_open(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                              size_t *out_format) {
  const struct stoa_formats *formats = &stoa_worker_of_stream(stream)->server->formats;
  int format = stoa_formats_find(formats, stoa_http_field_once(head, data, "Stoa-Protocol"), true);
  if (head->method != STOA_HTTP_OTHER) {
    stoa_fallback_refuse(stream, head, data, 405, "open a session with POST: browsers send no Origin with GET");
  } else if (head->minor_version == 0) {
    stoa_fallback_refuse(stream, head, data, 400,
                         "events need HTTP/1.1; the proxy speaks 1.0 (nginx: proxy_http_version 1.1)");
  } else if (has_body(head, data)) {
    stoa_fallback_refuse(stream, head, data, 413, "the request that opens a session has no body");
  } else if (format < 0) {
    stoa_fallback_refuse(stream, head, data, 400, "Stoa-Protocol is no subprotocol of this server, such as stoa.json");
  } else {
    *out_format = (size_t)format;
    return true;
  }
  return false;
}

static int write_head(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                      struct stoa_buffer *fields) {
  /* no-transform: a proxy that compresses would hold events back. X-Accel-Buffering is for nginx, which holds whole
   * responses back unless it is told not to. */
  static const char own[] = "Cache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\n";
  int status = stoa_buffer_append(fields, own, sizeof own - 1);
  status = status == STOA_OK ? stoa_cors_add_echo(head, data, fields) : status;
  if (status != STOA_OK) {
    return status;
  }
  const struct stoa_response response = {.status = 200,
                                         .is_chunked = true,
                                         .wall_us = stoa_http_wall_us(stream),
                                         .content_type = STOA_STR("text/event-stream"),
                                         .fields = {fields->data, fields->len}};
  struct stoa_buffer *out = stoa_stream_output_begin(stream);
  if (out == NULL) {
    return stoa_stream_output_status(stream);
  }
  status = stoa_response_write(&response, out);
  stoa_stream_output_end(stream);
  return status;
}

bool stoa_fallback_begin_session(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data) {
  struct stoa_worker *worker = stoa_worker_of_stream(stream);
  uint8_t secret[STOA_FALLBACK_SECRET_LEN];
  struct stoa_buffer fields;
  if (stoa_random(secret, sizeof secret) != STOA_OK) {
    stoa_stream_doom(stream, STOA_FATE_BROKEN);
    return false;
  }
  stoa_buffer_init(&fields, HEAD_BYTES_MAX);
  int status = write_head(stream, head, data, &fields);
  stoa_buffer_fini(&fields);
  if (status == STOA_OK) {
    status = stoa_fallback_begin(&stoa_server_session_of_stream(stream)->base, &worker->fallbacks, secret);
  }
  stoa_secret_wipe(secret, sizeof secret);
  if (status != STOA_OK) {
    stoa_stream_doom(stream, STOA_FATE_BROKEN);
    return false;
  }
  atomic_fetch_add(&worker->server->fallback_sessions, 1); /* counted until it is no longer open: on_closing() */
  return true;
}

void stoa_fallback_tell_open(struct stoa_session *session) {
  const struct stoa_worker *worker = stoa_worker_of(session);
  char key[STOA_FALLBACK_KEY_LEN + 1];
  char text[STOA_FALLBACK_KEY_LEN + 160];
  stoa_fallback_key_write(session, key);
  int len =
      snprintf(text, sizeof text, "{\"key\":\"%s\",\"ping_ms\":%u,\"message_bytes_max\":%u,\"body_bytes_max\":%u}", key,
               worker->server->config.ping_interval_ms, worker->settings->limits.message_bytes_max,
               worker->settings->limits.message_bytes_max + STOA_FALLBACK_BODY_BYTES);
  assert(len > 0 && (size_t)len < sizeof text);
  struct stoa_buffer *out = stoa_stream_output_begin(&session->stream);
  if (out == NULL) {
    return; /* its fate says why */
  }
  if (stoa_event_append_open(out, stoa_string_make(text, (size_t)len)) != STOA_OK) {
    stoa_stream_doom(&session->stream, STOA_FATE_MEMORY);
  }
  stoa_stream_output_end(&session->stream);
  stoa_secret_wipe(key, sizeof key);
  stoa_secret_wipe(text, sizeof text);
}

/* Posts. */

static struct stoa_route_entry post_entry = {
    .route = {.method = "POST", .path = "the HTTP fallback", .handler = stoa_fallback_on_post}, .is_fallback = true};
/* It is in no table: request.c has found it. */
static const struct stoa_http_route post_route = {
    .context = &post_entry, .method = STOA_HTTP_ROUTE_POST, .template = {.text = STOA_STR("the HTTP fallback")}};

void stoa_fallback_serve_post(struct stoa_stream *stream, const struct stoa_http_head *head, const uint8_t *data,
                              const struct stoa_peer *client) {
  const struct stoa_settings *settings = stoa_worker_of_stream(stream)->settings;
  const struct stoa_http_body_limits limits = {
      .content_bytes_max = (uint64_t)settings->limits.message_bytes_max + STOA_FALLBACK_BODY_BYTES,
      .extension_bytes_max = STOA_HTTP_EXTENSION_BYTES_MAX_DEFAULT,
      .trailer_bytes_max = STOA_HTTP_TRAILER_BYTES_MAX_DEFAULT,
      .trailers_max = STOA_HTTP_TRAILERS_MAX_DEFAULT};
  const struct stoa_http_match match = {.route = &post_route};
  struct stoa_http_body body;
  int code = head->method == STOA_HTTP_OTHER ? stoa_http_body_begin(head, data, &limits, &body) : 405;
  if (code != 200) {
    stoa_fallback_refuse(stream, head, data, code, NULL);
    return;
  }
  stoa_exchange_begin(&(struct stoa_exchange_start){
      .stream = stream, .head = head, .data = data, .body = &body, .match = &match, .client = *client});
}
