#include "server/http/fallback_post.h"

#include "base/array.h"
#include "base/container.h"
#include "base/memory.h"
#include "server/http/exchange.h"
#include "server/server_private.h"
#include "server/session_id.h"
#include "server/worker/post.h"
#include "server/worker/table.h"
#include "wire/http_token.h"
#include "wire/packed.h"

#include <assert.h>
#include <stdio.h>
#include <stoa/token.h>

/* When to try again what did not fit into the mailbox of a worker. */
#define RETRY_MS 200u
/* What JavaScript counts exactly: 2^53 - 1. */
#define NUMBER_MAX 9007199254740991u

/* A post on its way, and until it is answered. */
struct posting {
  struct stoa_fallback_post base; /* first */
  struct stoa_http_exchange *exchange;
  struct stoa_uuid session_id;
  uint8_t secret[STOA_FALLBACK_SECRET_LEN];
  uint8_t body[];
};

/* Keys. */

static void write_hex(const uint8_t *bytes, size_t len, char *out) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < len; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  out[2 * len] = '\0';
}

void stoa_fallback_key_write(const struct stoa_session *session, char out_key[STOA_FALLBACK_KEY_LEN + 1]) {
  const uint8_t *secret = stoa_fallback_secret(session);
  assert(secret != NULL);
  stoa_uuid_format(stoa_session_id(session), out_key);
  out_key[STOA_UUID_TEXT_LEN] = '.';
  write_hex(secret, STOA_FALLBACK_SECRET_LEN, out_key + STOA_UUID_TEXT_LEN + 1);
}

static int digit_of(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_key(struct stoa_string text, struct stoa_uuid *out_id, uint8_t out_secret[STOA_FALLBACK_SECRET_LEN]) {
  if (text.len != STOA_FALLBACK_KEY_LEN || text.data[STOA_UUID_TEXT_LEN] != '.' ||
      stoa_uuid_parse(stoa_string_make(text.data, STOA_UUID_TEXT_LEN), out_id) != STOA_OK) {
    return false;
  }
  const char *hex = text.data + STOA_UUID_TEXT_LEN + 1;
  for (size_t i = 0; i < STOA_FALLBACK_SECRET_LEN; i++) {
    int high = digit_of(hex[2 * i]);
    int low = digit_of(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    out_secret[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

/* The number of a post: a plain decimal above 0. */
static bool read_number(struct stoa_string text, uint64_t *out_number) {
  uint64_t number = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9' || number > NUMBER_MAX / 10) {
      return false;
    }
    number = number * 10 + (uint64_t)(text.data[i] - '0');
  }
  *out_number = number;
  return text.len > 0 && number > 0 && number <= NUMBER_MAX;
}

/* Answers. */

static void fail(struct stoa_http_exchange *exchange, uint16_t status, const char *reason, const char *message) {
  const struct stoa_error error = {.code = status,
                                   .reason = stoa_string_of(reason),
                                   .message = stoa_string_of(message),
                                   .temporary = status == 429 || status == 503,
                                   .retry_ms = status == 429 || status == 503 ? RETRY_MS : 0};
  /* It fails when the client has gone, or without memory, when the client gets 500. */
  int ignored = stoa_http_fail(exchange, status, &error);
  (void)ignored;
}

static void answer(struct stoa_http_exchange *exchange, enum stoa_fallback_end end) {
  static const struct stoa_http_answer done = {.status = 204};
  int ignored;
  switch (end) {
    case STOA_FALLBACK_TAKEN:
      return;
    case STOA_FALLBACK_DONE:
      ignored = stoa_http_reply(exchange, &done);
      (void)ignored;
      return;
    case STOA_FALLBACK_GONE:
      fail(exchange, 410, "SESSION_GONE", "the session has ended, perhaps before all messages were handled");
      return;
    case STOA_FALLBACK_SUPERSEDED:
      fail(exchange, 409, "SUPERSEDED", "the same post was sent again, and that one gets the answer");
      return;
    case STOA_FALLBACK_OUT_OF_ORDER:
      fail(exchange, 409, "OUT_OF_ORDER",
           "Stoa-Sequence is neither the next number nor that of the last post, "
           "or that one had another body");
      return;
    case STOA_FALLBACK_BUSY:
      fail(exchange, 429, "BUSY", "the post before is not answered yet");
      return;
    case STOA_FALLBACK_SYNTAX:
      fail(exchange, 400, "BAD_REQUEST", "the body ends inside a message");
      return;
    case STOA_FALLBACK_TOO_BIG:
      fail(exchange, 413, "CONTENT_TOO_LARGE", "a message is longer than message_bytes_max");
      return;
    case STOA_FALLBACK_NOT_UTF8:
      fail(exchange, 400, "BAD_REQUEST", "a text message is not UTF-8");
      return;
  }
}

static void destroy(struct posting *posting) {
  stoa_secret_wipe(posting->secret, sizeof posting->secret);
  stoa_free(posting);
}

static void on_end(struct stoa_fallback_post *post, enum stoa_fallback_end end) {
  struct posting *posting = stoa_container_of(post, struct posting, base);
  answer(posting->exchange, end);
  destroy(posting);
}

/* On the session's worker. */

struct delivery {
  struct stoa_worker_post post; /* first */
  struct posting *posting;
};

/* One answer for every wrong key: nobody learns which sessions there are. */
static struct stoa_session *find(struct stoa_worker *worker, const struct posting *posting) {
  struct stoa_session *session = stoa_worker_find(worker, &posting->session_id);
  const uint8_t *secret = session != NULL && stoa_session_is_fallback(session) ? stoa_fallback_secret(session) : NULL;
  bool is_right = secret != NULL && stoa_secret_equal(stoa_bytes_make(secret, STOA_FALLBACK_SECRET_LEN),
                                                      stoa_bytes_make(posting->secret, sizeof posting->secret));
  return is_right ? session : NULL;
}

static void deliver(struct stoa_worker *worker, struct stoa_worker_post *post) {
  struct posting *posting = stoa_container_of(post, struct delivery, post)->posting;
  struct stoa_session *session = find(worker, posting);
  enum stoa_fallback_end end = STOA_FALLBACK_DONE;
  if (session == NULL) {
    fail(posting->exchange, 404, "SESSION_GONE", "there is no such session, or it has ended, or the key is wrong");
    destroy(posting);
    return;
  }
  if (posting->base.number == 0) {
    stoa_fallback_note_alive(session);
  } else {
    end = stoa_fallback_feed(session, &posting->base);
  }
  if (end != STOA_FALLBACK_TAKEN) {
    on_end(&posting->base, end);
  }
}

/* On the worker of the request. */

/* Is the body one text message, or packed ones? */
static bool is_one_text(struct stoa_string type) {
  size_t len = 0;
  while (len < type.len && type.data[len] != ';' && !stoa_http_is_blank((uint8_t)type.data[len])) {
    len++;
  }
  struct stoa_string name = stoa_string_make(type.data, len);
  return stoa_http_equal_fold(name, stoa_string_of("application/json")) ||
         stoa_http_equal_fold(name, stoa_string_of("text/plain"));
}

static void copy_body(struct posting *posting, struct stoa_bytes body, bool is_text) {
  size_t header_len = is_text ? STOA_PACKED_HEADER_LEN : 0;
  if (is_text) {
    uint32_t header = STOA_PACKED_TEXT | (uint32_t)body.len;
    for (size_t i = 0; i < STOA_PACKED_HEADER_LEN; i++) {
      posting->body[i] = (uint8_t)(header >> (24 - 8 * i));
    }
  }
  if (body.len > 0) {
    memcpy(posting->body + header_len, body.data, body.len);
  }
  posting->base.body = stoa_bytes_make(posting->body, header_len + body.len);
}

/* Send it to the worker of its session. Errors: STOA_E_LIMIT, STOA_E_MEMORY; STOA_E_CLOSED  the client has gone */
static int pass_on(struct stoa_server *server, struct stoa_http_exchange *exchange, const struct posting *key,
                   struct stoa_bytes body, bool is_text) {
  size_t size = sizeof(struct posting) + STOA_PACKED_HEADER_LEN + body.len;
  struct stoa_worker *to = &server->workers[stoa_session_id_worker(&key->session_id, server->worker_count)];
  struct posting *posting = stoa_alloc(size);
  struct stoa_worker_post *post;
  if (posting == NULL) {
    return STOA_E_MEMORY;
  }
  *posting = *key;
  posting->base.on_end = on_end;
  posting->exchange = exchange;
  copy_body(posting, body, is_text);
  int status = stoa_worker_post_create(to, &to->mailbox, sizeof(struct delivery), size, deliver, &post);
  if (status != STOA_OK) {
    destroy(posting);
    return status;
  }
  stoa_container_of(post, struct delivery, post)->posting = posting;
  status = stoa_http_take(exchange);
  assert(status == STOA_OK); /* its handler runs, and it was not answered */
  stoa_worker_post_send(post);
  return status;
}

/* A field twice may mean one thing to a proxy and another one here. */
static bool has_repeated_field(const struct stoa_http_exchange *exchange) {
  static const char *const names[] = {"Stoa-Session", "Stoa-Sequence", "Content-Type"};
  for (size_t i = 0; i < STOA_COUNT_OF(names); i++) {
    if (stoa_exchange_field(exchange, names[i]).data != NULL &&
        stoa_exchange_field_once(exchange, names[i]).data == NULL) {
      return true;
    }
  }
  return false;
}

void stoa_fallback_on_post(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  struct posting key = {.exchange = exchange};
  (void)user;
  struct stoa_string number = stoa_http_request_field(request, "Stoa-Sequence");
  struct stoa_string type = stoa_http_request_field(request, "Content-Type");
  bool is_text = is_one_text(type);
  if (has_repeated_field(exchange)) {
    fail(exchange, 400, "BAD_REQUEST", "Stoa-Session, Stoa-Sequence or Content-Type is there twice");
    return;
  }
  if (!read_key(stoa_http_request_field(request, "Stoa-Session"), &key.session_id, key.secret)) {
    fail(exchange, 404, "SESSION_GONE", "Stoa-Session is not a key that the first event has given");
    return;
  }
  bool has_number = number.data != NULL;
  if (has_number ? !read_number(number, &key.base.number) : request->body.len > 0) {
    fail(exchange, 400, "BAD_REQUEST", "Stoa-Sequence must be the number of the post, from 1 on");
    return;
  }
  if (has_number && !is_text && !stoa_http_equal_fold(type, stoa_string_of("application/octet-stream"))) {
    fail(exchange, 415, "UNSUPPORTED_MEDIA_TYPE",
         "Content-Type must be application/octet-stream, or text/plain or "
         "application/json for one text message");
    return;
  }
  struct stoa_server *server = stoa_session_server(stoa_exchange_session(exchange));
  int status = pass_on(server, exchange, &key, request->body, is_text && has_number);
  stoa_secret_wipe(key.secret, sizeof key.secret);
  if (status == STOA_E_LIMIT) {
    fail(exchange, 503, "BUSY", "the session's worker has too much to do");
  } else if (status != STOA_OK) {
    fail(exchange, 503, "UNAVAILABLE", "out of memory");
  }
}
