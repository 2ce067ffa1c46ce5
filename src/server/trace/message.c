#include "server/trace/message.h"

#include "base/sys.h"
#include "server/call/handlers.h"
#include "server/http/exchange.h"
#include "server/server_private.h"
#include "server/trace/session.h"
#include "server/trace/tracer.h"
#include "session/fallback.h"

#include <assert.h>
#include <stoa/errors.h>

#define FIELD "traceparent"

/* What was told. */

static const struct stoa_field *find_field(const struct stoa_message_type *type) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    const struct stoa_field *field = &type->fields[i];
    if (field->kind == STOA_KIND_STRING && field->label <= STOA_LABEL_OPTIONAL && field->name_len == strlen(FIELD) &&
        memcmp(field->name, FIELD, strlen(FIELD)) == 0) {
      return field;
    }
  }
  return NULL;
}

bool stoa_message_trace_read(const struct stoa_message_type *type, const void *message,
                             struct stoa_trace_context *out_context) {
  const struct stoa_field *field = message == NULL || type == NULL ? NULL : find_field(type);
  if (field == NULL) {
    return false;
  }
  const struct stoa_string *text = (const void *)((const char *)message + field->offset);
  return stoa_traceparent_parse(*text, out_context) == STOA_OK;
}

static bool read_told(const struct stoa_message_trace *trace, struct stoa_trace_context *out_context) {
  const struct stoa_http_exchange *http = trace->question->http;
  if (http != NULL && stoa_traceparent_parse(stoa_exchange_field_once(http, FIELD), out_context) == STOA_OK) {
    return true;
  }
  return stoa_message_trace_read(trace->handler->message, trace->message, out_context) ||
         (http == NULL && stoa_session_trace_told(trace->session, out_context));
}

/* The place. */

static void make_place(struct stoa_trace_context *out_context) {
  uint8_t ids[sizeof out_context->trace_id + sizeof out_context->span_id];
  if (stoa_random_pooled(ids, sizeof ids) != STOA_OK) {
    memset(ids, 0, sizeof ids);
  }
  memcpy(out_context->trace_id, ids, sizeof out_context->trace_id);
  memcpy(out_context->span_id, ids + sizeof out_context->trace_id, sizeof out_context->span_id);
  out_context->is_sampled = false;
}

static void find(struct stoa_message_trace *trace) {
  if (trace->is_found) {
    return;
  }
  if (trace->question == NULL) {
    stoa_session_trace_place(trace->session, &trace->context);
  } else if (trace->question->span != NULL) {
    trace->context = *stoa_span_context(trace->question->span);
  } else if (!read_told(trace, &trace->context)) {
    make_place(&trace->context);
  }
  trace->is_found = true;
}

static struct stoa_message_trace *trace_of(const struct stoa_session *session) {
  struct stoa_message_trace *trace = stoa_worker_of(session)->message_trace;
  return trace != NULL && trace->session == session ? trace : NULL;
}

void stoa_message_trace_find(struct stoa_session *session, struct stoa_trace_context *out_context) {
  struct stoa_message_trace *trace = trace_of(session);
  if (trace == NULL) {
    stoa_session_trace_place(session, out_context);
    return;
  }
  find(trace);
  *out_context = trace->context;
}

struct stoa_span *stoa_message_trace_span(const struct stoa_worker *worker) {
  const struct stoa_message_trace *trace = worker->message_trace;
  return trace == NULL || trace->question == NULL ? NULL : trace->question->span;
}

void stoa_message_trace_change(struct stoa_session *session, const uint8_t trace_id[16]) {
  struct stoa_message_trace *trace = trace_of(session);
  if (trace != NULL && trace->question != NULL && trace->question->span == NULL) {
    find(trace);
    memcpy(trace->context.trace_id, trace_id, sizeof trace->context.trace_id);
  }
}

bool stoa_message_trace_of_thread(char out_text[STOA_TRACE_ID_TEXT_LEN + 1]) {
  const struct stoa_worker *worker = stoa_worker_current();
  if (worker == NULL || worker->message_trace == NULL) {
    return false;
  }
  find(worker->message_trace);
  stoa_trace_id_format(worker->message_trace->context.trace_id, out_text);
  return true;
}

/* The span. */

/* "/notes.v1.NotesService/Add" is the method Add of the service notes.v1.NotesService. */
static void describe(struct stoa_span *span, const struct stoa_message_trace *trace) {
  const char *operation = stoa_handler_operation(trace->handler);
  const char *name = operation[0] == '/' ? operation + 1 : operation;
  const char *slash = strchr(name, '/');
  char id[STOA_UUID_TEXT_LEN + 1];
  stoa_span_set_text(span, "rpc.system", stoa_string_of("stoa"));
  if (slash != NULL) {
    stoa_span_set_text(span, "rpc.service", stoa_string_make(name, (size_t)(slash - name)));
  }
  stoa_span_set_text(span, "rpc.method", stoa_string_of(slash == NULL ? name : slash + 1));
  bool is_http = trace->question->http != NULL || stoa_session_is_fallback(trace->session);
  stoa_span_set_text(span, "network.protocol.name", stoa_string_of(is_http ? "http" : "websocket"));
  if (trace->question->http == NULL) {
    stoa_uuid_format(&trace->session->id, id);
    stoa_span_set_text(span, "session.id", stoa_string_of(id));
  }
}

static struct stoa_span *start(struct stoa_message_trace *trace) {
  struct stoa_tracer *tracer = stoa_worker_of(trace->session)->server->tracer;
  struct stoa_trace_context parent;
  const char *operation = stoa_handler_operation(trace->handler);
  const struct stoa_span_options options = {
      .kind = STOA_SPAN_SERVER, .parent = read_told(trace, &parent) ? &parent : NULL, .is_remote = true};
  struct stoa_span *span = stoa_tracer_start_span(tracer, operation[0] == '/' ? operation + 1 : operation, &options);
  if (span != NULL) {
    describe(span, trace);
  }
  return span;
}

void stoa_message_trace_begin(struct stoa_message_trace *trace, struct stoa_session *session,
                              const struct stoa_handler *handler, struct stoa_question *question, const void *message) {
  struct stoa_worker *worker = stoa_worker_of(session);
  assert(worker->message_trace == NULL);
  trace->session = session;
  trace->question = question;
  trace->handler = handler;
  trace->message = message;
  trace->is_found = false;
  if (worker->server->tracer != NULL && question->span == NULL) {
    question->span = start(trace);
  }
  worker->message_trace = trace;
}

void stoa_message_trace_begin_session(struct stoa_message_trace *trace, struct stoa_session *session) {
  assert(stoa_worker_of(session)->message_trace == NULL);
  *trace = (struct stoa_message_trace){.session = session};
  stoa_worker_of(session)->message_trace = trace;
}

void stoa_message_trace_end(struct stoa_message_trace *trace) {
  struct stoa_worker *worker = stoa_worker_of(trace->session);
  assert(worker->message_trace == trace);
  worker->message_trace = NULL;
}

static void describe_error(struct stoa_span *span, enum stoa_invocation_end end, const struct stoa_error *error) {
  int status = stoa_error_http_status(error);
  stoa_span_set_text(span, "error.type", error->reason.len > 0 ? error->reason : stoa_string_of("_OTHER"));
  stoa_span_set_int(span, "stoa.error.code", error->code);
  if (end != STOA_INVOCATION_FAILED && end != STOA_INVOCATION_DONE) {
    stoa_span_set_text(span, "stoa.end", stoa_string_of(stoa_invocation_end_text(end)));
  }
  /* What the caller has done wrong is no failure of the server. */
  if (status >= 500 || end == STOA_INVOCATION_TIMED_OUT || end == STOA_INVOCATION_DROPPED) {
    stoa_span_fail(span, error->message.len > 0 ? error->message : error->reason);
  }
}

void stoa_message_trace_answered(const struct stoa_question *question, enum stoa_invocation_end end,
                                 const struct stoa_error *error) {
  struct stoa_span *span = question->span;
  if (span == NULL) {
    return;
  }
  if (question->http != NULL) {
    stoa_span_set_int(span, "http.response.status_code", error == NULL ? 200 : stoa_error_http_status(error));
  }
  if (error != NULL) {
    describe_error(span, end, error);
  }
  stoa_span_end(span);
}

/* stoa/trace.h */

struct stoa_span *stoa_span_start(struct stoa_server *server, const char *name,
                                  const struct stoa_span_options *options) {
  return stoa_tracer_start_span(server->tracer, name, options);
}

void stoa_session_trace(struct stoa_session *session, struct stoa_trace_context *out_context) {
  stoa_message_trace_find(session, out_context);
}

struct stoa_span *stoa_session_span(struct stoa_session *session) {
  return trace_of(session) == NULL ? NULL : stoa_message_trace_span(stoa_worker_of(session));
}
