#include "server/trace/collector.h"

#include "base/array.h"
#include "base/memory.h"
#include "base/sys.h"
#include "base/units.h"
#include "net/conn.h"
#include "net/dial.h"
#include "net/tls_client.h"
#include "wire/http_body.h"
#include "wire/http_date.h"
#include "wire/http_response.h"
#include "wire/ws_url.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stoa/buffer.h>
#include <stoa/token.h>
#include <stoa/version.h>
#include <strings.h>

#define HEADERS_BYTES_MAX (16u * 1024)
#define URL_BYTES_MAX 2048u
/* How long one wait lasts before is_over is asked again. */
#define SLICE_MS 100u
#define BODY_UNKNOWN UINT64_MAX

struct stoa_collector {
  struct stoa_tls_context *tls; /* NULL: plain */
  char *host;                   /* owned */
  uint16_t port;
  struct stoa_buffer head; /* of a request, up to the value of Content-Length */
  size_t answer_len;
  uint8_t answer[STOA_COLLECTOR_ANSWER_BYTES_MAX];
};

/* One request. */
struct exchange {
  struct stoa_collector *collector;
  const struct stoa_collector_limit *limit;
  struct stoa_conn conn;
  const char *reason;
};

/* Making. */

static int append(struct stoa_buffer *out, struct stoa_string text) {
  return stoa_buffer_append(out, text.data, text.len);
}

static int append_all(struct stoa_buffer *out, const struct stoa_string *texts, size_t count) {
  int status = STOA_OK;
  for (size_t i = 0; i < count && status == STOA_OK; i++) {
    status = append(out, texts[i]);
  }
  return status;
}

static bool is_own(struct stoa_string name) {
  static const char *const own[] = {"Host",       "Content-Type",      "Content-Length", "Connection",
                                    "User-Agent", "Transfer-Encoding", "Expect",         "Upgrade"};
  for (size_t i = 0; i < STOA_COUNT_OF(own); i++) {
    if (name.len == strlen(own[i]) && strncasecmp(name.data, own[i], name.len) == 0) {
      return true;
    }
  }
  return false;
}

/* Visible characters, blanks and bytes above ASCII (RFC 9110 5.5). */
static bool is_value(struct stoa_string value) {
  for (size_t i = 0; i < value.len; i++) {
    uint8_t byte = (uint8_t)value.data[i];
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      return false;
    }
  }
  return true;
}

/* Errors: STOA_E_ARGUMENT  no field; STOA_E_MEMORY, STOA_E_LIMIT */
static int append_header(struct stoa_buffer *out, struct stoa_string header) {
  const char *colon = header.len == 0 ? NULL : memchr(header.data, ':', header.len);
  if (colon == NULL) {
    return STOA_E_ARGUMENT;
  }
  struct stoa_string name = stoa_string_make(header.data, (size_t)(colon - header.data));
  struct stoa_string value = stoa_string_make(colon + 1, header.len - name.len - 1);
  while (value.len > 0 && value.data[0] == ' ') {
    value = stoa_string_make(value.data + 1, value.len - 1);
  }
  if (!stoa_http_is_token(name) || is_own(name) || !is_value(value)) {
    return STOA_E_ARGUMENT;
  }
  const struct stoa_string line[] = {name, STOA_STR(": "), value, STOA_STR("\r\n")};
  return append_all(out, line, STOA_COUNT_OF(line));
}

/* The two kinds of URL differ in their schemes only, so "https" is read as "wss". */
static int parse_url(struct stoa_string text, char out_text[URL_BYTES_MAX], struct stoa_ws_url *out_url) {
  static const struct stoa_string scheme = STOA_STR("http");
  if (text.len <= scheme.len || text.len > URL_BYTES_MAX - 2 || strncasecmp(text.data, scheme.data, scheme.len) != 0) {
    return STOA_E_SYNTAX;
  }
  memcpy(out_text, "ws", 2);
  memcpy(out_text + 2, text.data + scheme.len, text.len - scheme.len);
  int status = stoa_ws_url_parse(stoa_string_make(out_text, text.len - scheme.len + 2), out_url);
  return status == STOA_OK && out_url->socket_path.data == NULL ? STOA_OK : STOA_E_SYNTAX;
}

static int write_head(struct stoa_collector *collector, const struct stoa_ws_url *url,
                      const struct stoa_collector_settings *settings, size_t *out_header) {
  bool has_path = url->target.len > 0 && url->target.data[0] == '/';
  struct stoa_string query = has_path ? stoa_string_of("") : url->target;
  struct stoa_string path = has_path ? url->target : stoa_string_of(STOA_COLLECTOR_TARGET_DEFAULT);
  const struct stoa_string lines[] = {STOA_STR("POST "),
                                      path,
                                      query,
                                      STOA_STR(" HTTP/1.1\r\nHost: "),
                                      url->authority,
                                      STOA_STR("\r\nUser-Agent: stoa/"),
                                      stoa_string_of(stoa_version()),
                                      STOA_STR("\r\nContent-Type: application/json\r\nConnection: close\r\n")};
  int status = append_all(&collector->head, lines, STOA_COUNT_OF(lines));
  for (size_t i = 0; i < settings->header_count && status == STOA_OK; i++) {
    *out_header = i;
    status = append_header(&collector->head, settings->headers[i]);
  }
  return status == STOA_E_LIMIT ? STOA_E_ARGUMENT : status;
}

static int copy_host(struct stoa_collector *collector, struct stoa_string host) {
  collector->host = stoa_alloc(host.len + 1);
  if (collector->host == NULL) {
    return STOA_E_MEMORY;
  }
  memcpy(collector->host, host.data, host.len);
  collector->host[host.len] = '\0';
  return STOA_OK;
}

static int make_tls(struct stoa_collector *collector, struct stoa_string ca_file) {
  char path[4096];
  if (ca_file.len >= sizeof path) {
    return STOA_E_NOT_FOUND;
  }
  memcpy(path, ca_file.data, ca_file.len);
  path[ca_file.len] = '\0';
  const struct stoa_tls_client_settings settings = {.host = collector->host, .ca_file = ca_file.len == 0 ? NULL : path};
  return stoa_tls_client_context_create(&settings, &collector->tls);
}

int stoa_collector_create(const struct stoa_collector_settings *settings, size_t *out_header,
                          struct stoa_collector **out_collector) {
  char text[URL_BYTES_MAX];
  struct stoa_ws_url url;
  int status = parse_url(settings->endpoint, text, &url);
  if (status != STOA_OK) {
    return status;
  }
  struct stoa_collector *collector = stoa_calloc(1, sizeof *collector);
  if (collector == NULL) {
    return STOA_E_MEMORY;
  }
  stoa_buffer_init(&collector->head, HEADERS_BYTES_MAX);
  collector->port = url.port;
  status = copy_host(collector, url.host);
  if (status == STOA_OK) {
    status = write_head(collector, &url, settings, out_header);
  }
  if (status == STOA_OK && url.tls) {
    status = make_tls(collector, settings->ca_file);
  }
  if (status != STOA_OK) {
    stoa_collector_destroy(collector);
    return status;
  }
  *out_collector = collector;
  return STOA_OK;
}

void stoa_collector_destroy(struct stoa_collector *collector) {
  if (collector == NULL) {
    return;
  }
  stoa_tls_context_unref(collector->tls);
  stoa_free(collector->host);
  if (collector->head.len > 0) {
    stoa_secret_wipe(collector->head.data, collector->head.len);
  }
  stoa_buffer_fini(&collector->head);
  stoa_free(collector);
}

/* One request. */

static int give_up(struct exchange *exchange, int status, const char *reason) {
  exchange->reason = reason;
  return status;
}

/* Wait until the descriptor is ready. Errors: STOA_E_TIMEOUT */
static int wait_for(struct exchange *exchange, uint32_t events) {
  const struct stoa_collector_limit *limit = exchange->limit;
  for (;;) {
    uint64_t now_ns = stoa_clock_monotonic_ns(limit->clock);
    if (now_ns >= limit->due_ns || (limit->is_over != NULL && limit->is_over(limit->context))) {
      return give_up(exchange, STOA_E_TIMEOUT, "it took too long");
    }
    uint64_t left_ms = (limit->due_ns - now_ns) / STOA_NS_PER_MS + 1;
    struct pollfd ready = {exchange->conn.io.fd, (short)events, 0};
    if (stoa_sys.poll(&ready, 1, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS)) > 0) {
      return STOA_OK;
    }
  }
}

static void hang_up(struct exchange *exchange) {
  if (exchange->conn.io.fd >= 0) {
    stoa_tls_destroy(exchange->conn.tls);
    stoa_sys.close(exchange->conn.io.fd);
    exchange->conn.io.fd = -1;
    exchange->conn.tls = NULL;
  }
}

static int connect_to(struct exchange *exchange, const struct stoa_address *address) {
  int fd;
  if (stoa_dial_start(address, &fd) != STOA_OK) {
    return give_up(exchange, STOA_E_SYSTEM, "the connection was refused");
  }
  exchange->conn.io.fd = fd;
  int status = wait_for(exchange, POLLOUT);
  if (status == STOA_OK && stoa_dial_result(fd) != STOA_OK) {
    status = give_up(exchange, STOA_E_SYSTEM, "the connection was refused");
  }
  if (status == STOA_OK && stoa_conn_init(&exchange->conn, fd, exchange->collector->tls, NULL) != STOA_OK) {
    status = give_up(exchange, STOA_E_MEMORY, "out of memory");
  }
  if (status != STOA_OK) {
    hang_up(exchange);
  }
  return status;
}

static int connect_any(struct exchange *exchange) {
  struct stoa_address addresses[STOA_DIAL_ADDRESSES_MAX];
  size_t count = 0;
  int status = stoa_dial_resolve(exchange->collector->host, exchange->collector->port, addresses, &count);
  if (status != STOA_OK) {
    return give_up(exchange, status, "the name does not resolve");
  }
  status = give_up(exchange, STOA_E_SYSTEM, "the name has no address");
  for (size_t i = 0; i < count; i++) {
    status = connect_to(exchange, &addresses[i]);
    if (status == STOA_OK || status == STOA_E_TIMEOUT) {
      break;
    }
  }
  return status;
}

static int of_connection(struct exchange *exchange, int status) {
  switch (status) {
    case STOA_E_TLS:
      return give_up(exchange, status, "TLS failed");
    case STOA_E_CLOSED:
      return give_up(exchange, status, "the connection ended before the answer");
    default:
      return give_up(exchange, STOA_E_SYSTEM, "the connection broke");
  }
}

/* The events on which a blocked read or write goes on; TLS may need the other direction. */
static uint32_t events_of(const struct exchange *exchange, bool is_write) {
  return stoa_conn_events(&exchange->conn, !is_write || stoa_conn_handshaking(&exchange->conn),
                          is_write && !stoa_conn_handshaking(&exchange->conn));
}

/* A read drives the handshake; what it may give already is an answer, and kept. */
static int handshake(struct exchange *exchange) {
  struct stoa_collector *collector = exchange->collector;
  while (stoa_conn_handshaking(&exchange->conn)) {
    size_t len = 0;
    int status = stoa_conn_read(&exchange->conn, collector->answer + collector->answer_len,
                                sizeof collector->answer - collector->answer_len, &len);
    if (status == STOA_OK) {
      collector->answer_len += len;
    } else if (status == STOA_E_AGAIN && stoa_conn_handshaking(&exchange->conn)) {
      status = wait_for(exchange, events_of(exchange, false));
      if (status != STOA_OK) {
        return status;
      }
    } else if (status != STOA_E_AGAIN) {
      return of_connection(exchange, status);
    }
  }
  return STOA_OK;
}

static int send_all(struct exchange *exchange, const void *data, size_t len) {
  size_t sent = 0;
  while (sent < len) {
    const struct iovec piece = {(char *)(uintptr_t)data + sent, len - sent};
    size_t taken = 0;
    int status = stoa_conn_write(&exchange->conn, &piece, 1, &taken);
    if (status == STOA_E_AGAIN) {
      status = wait_for(exchange, events_of(exchange, true));
      if (status != STOA_OK) {
        return status;
      }
    } else if (status != STOA_OK) {
      return of_connection(exchange, status);
    }
    sent += taken;
  }
  return STOA_OK;
}

static int send_request(struct exchange *exchange, struct stoa_bytes body) {
  char line[64];
  int len = snprintf(line, sizeof line, "Content-Length: %zu\r\n\r\n", body.len);
  const struct stoa_buffer *head = &exchange->collector->head;
  int status = send_all(exchange, head->data, head->len);
  if (status == STOA_OK) {
    status = send_all(exchange, line, (size_t)len);
  }
  return status == STOA_OK ? send_all(exchange, body.data, body.len) : status;
}

/* More of the answer. Errors: STOA_E_CLOSED  it is complete, or there is no room for more; and as those before */
static int receive(struct exchange *exchange) {
  struct stoa_collector *collector = exchange->collector;
  for (;;) {
    size_t len = 0;
    size_t room = sizeof collector->answer - collector->answer_len;
    int status = room == 0 ? STOA_E_CLOSED
                           : stoa_conn_read(&exchange->conn, collector->answer + collector->answer_len, room, &len);
    if (status != STOA_E_AGAIN) {
      collector->answer_len += len;
      return status == STOA_OK ? STOA_OK : of_connection(exchange, status);
    }
    status = wait_for(exchange, events_of(exchange, false));
    if (status != STOA_OK) {
      return status;
    }
  }
}

static int receive_head(struct exchange *exchange, struct stoa_http_response *response) {
  static const struct stoa_http_limits limits = {.head_bytes_max = STOA_COLLECTOR_ANSWER_BYTES_MAX,
                                                 .fields_max = STOA_HTTP_FIELDS_MAX};
  const struct stoa_collector *collector = exchange->collector;
  stoa_http_response_init(response);
  for (;;) {
    int status = stoa_http_response_parse(response, &limits, collector->answer, collector->answer_len);
    if (status == STOA_OK) {
      return STOA_OK;
    }
    if (status != STOA_E_AGAIN) {
      return give_up(exchange, STOA_E_SYNTAX, "the answer is not HTTP/1.1");
    }
    status = receive(exchange);
    if (status != STOA_OK) {
      return status;
    }
  }
}

/* Digits only. UINT64_MAX: no such number. */
static uint64_t number_of(struct stoa_string text) {
  uint64_t number = 0;
  if (text.data == NULL || text.len == 0 || text.len > 10) {
    return UINT64_MAX;
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return UINT64_MAX;
    }
    number = number * 10 + (uint64_t)(text.data[i] - '0');
  }
  return number;
}

/* RFC 9110 10.2.3: seconds, or a date. */
static uint32_t retry_after_s(const struct stoa_clock *clock, struct stoa_string text) {
  int64_t now_s = stoa_clock_wall_us(clock) / STOA_US_PER_S;
  int64_t date_s;
  uint64_t seconds = number_of(text);
  if (text.data != NULL && seconds == UINT64_MAX && stoa_http_date_parse(text, now_s, &date_s)) {
    seconds = date_s > now_s ? (uint64_t)(date_s - now_s) : 0;
  }
  return seconds > UINT32_MAX - 1 ? UINT32_MAX : (uint32_t)seconds;
}

static bool is_chunked(const struct stoa_http_response *response, const uint8_t *data) {
  struct stoa_string coding = stoa_http_response_field(response, data, "Transfer-Encoding", NULL);
  static const struct stoa_string chunked = STOA_STR("chunked");
  return coding.len == chunked.len && strncasecmp(coding.data, chunked.data, chunked.len) == 0;
}

/* The content is moved together behind the head, in place; it never reaches what is not read yet. */
static size_t receive_chunks(struct exchange *exchange, size_t head_len) {
  static const struct stoa_http_body_limits limits = {.content_bytes_max = STOA_COLLECTOR_ANSWER_BYTES_MAX,
                                                      .extension_bytes_max = STOA_HTTP_EXTENSION_BYTES_MAX_DEFAULT,
                                                      .trailer_bytes_max = STOA_HTTP_TRAILER_BYTES_MAX_DEFAULT,
                                                      .trailers_max = STOA_HTTP_TRAILERS_MAX_DEFAULT};
  struct stoa_collector *collector = exchange->collector;
  struct stoa_http_body body;
  struct stoa_bytes content;
  size_t at = head_len, len = 0;
  stoa_http_body_begin_chunked(&limits, &body);
  for (;;) {
    switch (stoa_http_body_read(&body, collector->answer, collector->answer_len, &at, &content)) {
      case STOA_HTTP_BODY_CONTENT:
        assert(head_len + len + content.len <= at);
        memmove(collector->answer + head_len + len, content.data, content.len);
        len += content.len;
        break;
      case STOA_HTTP_BODY_MORE:
        if (receive(exchange) != STOA_OK) {
          return len;
        }
        break;
      case STOA_HTTP_BODY_END:
      case STOA_HTTP_BODY_REFUSED:
        return len;
    }
  }
}

/* By its length, or up to the end of the connection. */
static size_t receive_plain(struct exchange *exchange, const struct stoa_http_response *response) {
  const struct stoa_collector *collector = exchange->collector;
  uint64_t len = number_of(stoa_http_response_field(response, collector->answer, "Content-Length", NULL));
  while (collector->answer_len - response->head_len < len && receive(exchange) == STOA_OK) {
  }
  size_t got = collector->answer_len - response->head_len;
  return got < len ? got : (size_t)len;
}

/* The status is known: whatever happens to the body, it counts. */
static void receive_body(struct exchange *exchange, const struct stoa_http_response *response,
                         struct stoa_collector_answer *out_answer) {
  const uint8_t *answer = exchange->collector->answer;
  size_t len =
      is_chunked(response, answer) ? receive_chunks(exchange, response->head_len) : receive_plain(exchange, response);
  out_answer->body = stoa_string_make((const char *)answer + response->head_len, len);
}

static int run(struct exchange *exchange, struct stoa_bytes body, struct stoa_collector_answer *out_answer) {
  struct stoa_http_response response;
  int status = connect_any(exchange);
  if (status == STOA_OK) {
    status = handshake(exchange);
  }
  if (status == STOA_OK) {
    status = send_request(exchange, body);
  }
  /* A collector that refuses may answer before it has read all, and end the connection. */
  if (status == STOA_OK || status == STOA_E_SYSTEM) {
    bool is_connected = exchange->conn.io.fd >= 0;
    int received = is_connected ? receive_head(exchange, &response) : status;
    status = received == STOA_OK || status == STOA_OK ? received : status;
  }
  if (status == STOA_OK) {
    out_answer->status = response.status;
    out_answer->retry_after_s = retry_after_s(
        exchange->limit->clock, stoa_http_response_field(&response, exchange->collector->answer, "Retry-After", NULL));
    receive_body(exchange, &response, out_answer);
  }
  return status;
}

int stoa_collector_post(struct stoa_collector *collector, struct stoa_bytes body,
                        const struct stoa_collector_limit *limit, struct stoa_collector_answer *out_answer,
                        const char **out_reason) {
  struct exchange exchange = {.collector = collector, .limit = limit, .conn = {.io = {.fd = -1}}, .reason = ""};
  collector->answer_len = 0;
  int status = run(&exchange, body, out_answer);
  hang_up(&exchange);
  if (status != STOA_OK) {
    assert(exchange.reason[0] != '\0');
    *out_reason = exchange.reason;
  }
  return status;
}
