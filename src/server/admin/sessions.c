/* server/admin/sessions.c: the page /debug/sessions.
 *
 * A page is collected by one worker after the other, each with its own sessions, until it is full. Inside a worker the
 * table of connections is walked from its end down: when a connection ends, the last one moves to its place, so a
 * session may come twice, but none is left out.
 */
#include "base/array.h"
#include "base/memory.h"
#include "codec/json_write.h"
#include "server/admin/pages.h"
#include "server/server_private.h"
#include "session/fallback.h"

#include <stdio.h>
#include <stoa/auth.h>
#include <stoa/worker.h>

#define SESSIONS_MAX 100u
/* Connections that are no sessions are looked at too. */
#define LOOKS_MAX 4096u
#define PAGE_BYTES_MAX ((size_t)1024 * 1024)

struct page {
  struct stoa_server *server;
  struct stoa_http_exchange *exchange; /* taken */
  struct stoa_buffer text;
  uint32_t worker; /* the next one to ask */
  uint32_t below;  /* its connections with smaller indexes are not on a page yet */
  uint32_t count;  /* sessions on this one */
  int status;
};

static const struct stoa_json_options json = STOA_JSON_DEFAULTS;

static void put(struct page *page, const char *text) {
  page->status = page->status == STOA_OK ? stoa_buffer_append(&page->text, text, strlen(text)) : page->status;
}

static void put_name(struct page *page, const char *name) {
  put(page, ",\"");
  put(page, name);
  put(page, "\":");
}

static void put_number(struct page *page, const char *name, uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  put_name(page, name);
  put(page, text);
}

static void put_text(struct page *page, const char *name, struct stoa_string value) {
  struct stoa_json_writer writer = {.out = &page->text, .options = &json};
  put_name(page, name);
  page->status = page->status == STOA_OK ? stoa_json_write_string(&writer, &value) : page->status;
}

static void put_session(struct page *page, const struct stoa_session *session) {
  const struct stoa_server_session *own = stoa_server_session_of(session);
  char id[STOA_UUID_TEXT_LEN + 1];
  char address[STOA_ADDRESS_TEXT_LEN + 1];
  stoa_uuid_format(&session->id, id);
  stoa_session_address(session, address);
  put(page, page->count == 0 ? "{\"id\":\"" : ",\n{\"id\":\"");
  put(page, id);
  put(page, "\"");
  put_text(page, "address", stoa_string_of(address));
  put_text(page, "user", stoa_string_of(own->account == NULL ? NULL : own->account->name));
  put_text(page, "subject", stoa_session_subject(session));
  put_text(page, "codec", stoa_string_of(stoa_session_codec(session)));
  put_text(page, "transport", stoa_string_of(stoa_session_is_fallback(session) ? "http" : "websocket"));
  put_text(page, "tls", stoa_string_of(stoa_session_tls_version(session)));
  put_number(page, "worker", page->worker);
  put_number(page, "open_ms", stoa_session_age_ms(session));
  put_number(page, "messages_in", session->stream.messages_in);
  put_number(page, "messages_out", session->stream.messages_out);
  put_number(page, "bytes_in", session->stream.bytes_in);
  put_number(page, "bytes_out", session->stream.bytes_out);
  put_number(page, "queued_bytes", stoa_session_queued_bytes(session));
  put_number(page, "groups", own->group_count);
  put(page, "}");
  page->count++;
}

/* Those of this worker. False: the page ends before all were looked at. */
static bool collect(struct page *page, const struct stoa_worker *worker) {
  uint32_t looks = 0;
  page->below = page->below < worker->table_count ? page->below : worker->table_count;
  for (; page->below > 0; page->below--) {
    const struct stoa_session *session = &worker->table[page->below - 1]->base;
    if (page->count == SESSIONS_MAX || looks++ == LOOKS_MAX) {
      return false;
    }
    if (session->state == STOA_SESSION_OPEN) {
      put_session(page, session);
    }
  }
  return true;
}

static void finish(struct page *page, bool is_full) {
  char end[64];
  snprintf(end, sizeof end, is_full ? "],\"next\":\"%u.%u\"}\n" : "],\"next\":\"\"}\n", page->worker, page->below);
  put(page, end);
  if (page->status == STOA_OK) {
    stoa_admin_reply(page->exchange, 200, "application/json", &page->text);
  } else {
    stoa_http_drop(page->exchange);
  }
  stoa_buffer_fini(&page->text);
  stoa_free(page);
}

static void drop(struct page *page) {
  stoa_http_drop(page->exchange);
  stoa_buffer_fini(&page->text);
  stoa_free(page);
}

/* On the worker that the page asks. */
static void on_worker(void *context, int status) {
  struct page *page = context;
  if (status != STOA_OK) {
    drop(page);
    return;
  }
  if (!collect(page, &page->server->workers[page->worker])) {
    finish(page, true);
    return;
  }
  page->worker++;
  page->below = UINT32_MAX;
  if (page->worker == page->server->worker_count) {
    finish(page, false);
  } else if (stoa_worker_run(page->server, page->worker, on_worker, page) != STOA_OK) {
    drop(page);
  }
}

/* "worker.below"; an empty one is the first page. */
static bool read_cursor(struct page *page, struct stoa_string cursor) {
  uint32_t *const parts[] = {&page->worker, &page->below};
  size_t part = 0;
  page->below = UINT32_MAX;
  if (cursor.len == 0) {
    return true;
  }
  page->below = 0;
  for (size_t i = 0; i < cursor.len; i++) {
    char c = cursor.data[i];
    if (c == '.' && part == 0) {
      part = 1;
    } else if (c >= '0' && c <= '9' && *parts[part] < UINT32_MAX / 10 - 1) {
      *parts[part] = *parts[part] * 10 + (uint32_t)(c - '0');
    } else {
      return false;
    }
  }
  return part == 1 && page->worker < page->server->worker_count;
}

void stoa_admin_on_sessions(void *user, struct stoa_http_exchange *exchange, const struct stoa_http_request *request) {
  static const struct stoa_error bad = {
      .code = 400, .reason = STOA_STR("BAD_CURSOR"), .message = STOA_STR("take the cursor from `next` of a page")};
  struct page *page = stoa_calloc(1, sizeof *page);
  if (page == NULL) {
    stoa_http_drop(exchange);
    return;
  }
  page->server = user;
  page->exchange = exchange;
  stoa_buffer_init(&page->text, PAGE_BYTES_MAX);
  if (!read_cursor(page, stoa_http_parameter(request, "cursor", NULL))) {
    stoa_free(page);
    int ignored = stoa_http_fail(exchange, 0, &bad);
    (void)ignored;
    return;
  }
  put(page, "{\"sessions\":[\n");
  int status = stoa_http_take(exchange);
  if (status != STOA_OK || stoa_worker_run(page->server, page->worker, on_worker, page) != STOA_OK) {
    drop(page);
  }
}
