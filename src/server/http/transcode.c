#include "server/http/transcode.h"

#include "codec/fault.h"
#include "codec/field_text.h"
#include "codec/json_field.h"
#include "codec/table.h"

#include <assert.h>
#include <stoa/json.h>

static const struct stoa_json_options options = STOA_JSON_DEFAULTS;

static bool is_whole(const char *body) {
  return body != NULL && strcmp(body, "*") == 0;
}

static int report(struct stoa_transcode_problem *out_problem, const char *text, struct stoa_string detail) {
  *out_problem = (struct stoa_transcode_problem){text, detail};
  return STOA_E_SYNTAX;
}

static int check_variables(const struct stoa_http_template *template, const struct stoa_message_type *request,
                           struct stoa_transcode_problem *out_problem) {
  for (uint8_t i = 0; i < template->variable_count; i++) {
    struct stoa_string name = template->variables[i].name;
    const struct stoa_field *field = stoa_field_path_find(request, name);
    if (field == NULL) {
      return report(out_problem, "a variable of the path is no field of the request", name);
    }
    if (field->label == STOA_LABEL_REPEATED || field->kind == STOA_KIND_MESSAGE) {
      return report(out_problem, "a variable of the path is a field without one value", name);
    }
  }
  return STOA_OK;
}

int stoa_transcode_check(const struct stoa_http_binding *binding, const struct stoa_http_template *template,
                         const struct stoa_message_type *request, const struct stoa_message_type *reply,
                         struct stoa_transcode_problem *out_problem) {
  struct stoa_string body = stoa_string_of(binding->body);
  struct stoa_string response = stoa_string_of(binding->response_body);
  bool is_bodiless = strcmp(binding->method, "GET") == 0 || strcmp(binding->method, "HEAD") == 0;
  if (binding->body != NULL && is_bodiless) {
    return report(out_problem, "a request with this method has no body", body);
  }
  if (binding->body != NULL && !is_whole(binding->body) && stoa_field_by_name(request, body) == NULL) {
    return report(out_problem, "the body is no field of the request", body);
  }
  if (binding->response_body != NULL && stoa_field_by_name(reply, response) == NULL) {
    return report(out_problem, "the response_body is no field of the reply", response);
  }
  return check_variables(template, request, out_problem);
}

static int fail(struct stoa_codec_error *error, int status, const char *text) {
  struct stoa_fault fault;
  stoa_fault_init(&fault, error);
  stoa_fault_set(&fault, "%s", text);
  return status;
}

static int read_body(const struct stoa_transcode_request *request, const struct stoa_field_texts *texts) {
  const char *body = request->binding->body;
  if (request->body.len == 0) {
    return STOA_OK;
  }
  if (body == NULL) {
    return fail(texts->error, STOA_E_LIMIT, "this request has no body");
  }
  if (is_whole(body)) {
    return stoa_json_decode_with(&options, texts->type, request->body, texts->arena, texts->message, texts->error);
  }
  const struct stoa_field *field = stoa_field_by_name(texts->type, stoa_string_of(body));
  assert(field != NULL);
  return stoa_json_decode_field(&options, field, request->body, texts->arena, texts->message, texts->error);
}

/* The first name of a path. */
static struct stoa_string first_name(struct stoa_string path) {
  const char *dot = path.len == 0 ? NULL : memchr(path.data, '.', path.len);
  return dot == NULL ? path : stoa_string_make(path.data, (size_t)(dot - path.data));
}

/* A name in the .proto file and one in JSON may mean the same field, so fields are compared, not names. */
static const char *where_given(const struct stoa_transcode_request *request, const struct stoa_message_type *type,
                               struct stoa_string name) {
  const char *body = request->binding->body;
  if (is_whole(body)) {
    return "it belongs into the body";
  }
  const struct stoa_field *outer = stoa_field_by_name(type, first_name(name));
  if (outer != NULL && body != NULL && outer == stoa_field_by_name(type, stoa_string_of(body))) {
    return "it belongs into the body";
  }
  for (uint8_t i = 0; i < request->template->variable_count; i++) {
    if (stoa_field_path_same(type, request->template->variables[i].name, name)) {
      return "it is in the path";
    }
  }
  return NULL;
}

static int read_parameter(const struct stoa_transcode_request *request, struct stoa_field_texts *texts,
                          const struct stoa_http_query_pair *pair) {
  const char *where = where_given(request, texts->type, pair->name);
  if (where == NULL) {
    return stoa_field_texts_add(texts, "query parameter", pair->name, pair->value);
  }
  char quoted[STOA_FAULT_QUOTE_SIZE];
  struct stoa_fault fault;
  stoa_fault_init(&fault, texts->error);
  stoa_fault_quote(pair->name, quoted);
  stoa_fault_set(&fault, "query parameter \"%s\": %s", quoted, where);
  return STOA_E_TYPE;
}

static int read_query(const struct stoa_transcode_request *request, struct stoa_field_texts *texts) {
  if (request->query.count > STOA_TRANSCODE_PARAMETERS_MAX) {
    return fail(texts->error, STOA_E_LIMIT, "too many query parameters");
  }
  int status = STOA_OK;
  for (size_t i = 0; i < request->query.count && status == STOA_OK; i++) {
    status = read_parameter(request, texts, &request->query.pairs[i]);
  }
  return status;
}

static int read_path(const struct stoa_transcode_request *request, struct stoa_field_texts *texts) {
  int status = STOA_OK;
  for (uint8_t i = 0; i < request->template->variable_count && status == STOA_OK; i++) {
    status = stoa_field_texts_replace(texts, "path variable", request->template->variables[i].name, request->values[i]);
  }
  return status;
}

int stoa_transcode_read(const struct stoa_transcode_request *request, const struct stoa_message_type *type,
                        struct stoa_arena *arena, void *out_message, struct stoa_codec_error *out_error) {
  struct stoa_field_texts texts = {.type = type, .message = out_message, .arena = arena, .error = out_error};
  struct stoa_fault fault;
  assert(request->binding != NULL);
  assert(request->template != NULL);
  stoa_fault_init(&fault, out_error); /* no text, also when nothing is read */
  int status = read_body(request, &texts);
  status = status == STOA_OK ? read_path(request, &texts) : status;
  return status == STOA_OK ? read_query(request, &texts) : status;
}

int stoa_transcode_write(const struct stoa_http_binding *binding, const struct stoa_message_type *type,
                         const void *reply, struct stoa_buffer *out) {
  if (binding->response_body == NULL) {
    return stoa_codec_json.encode(type, reply, out);
  }
  const struct stoa_field *field = stoa_field_by_name(type, stoa_string_of(binding->response_body));
  assert(field != NULL);
  return stoa_json_encode_field(&options, field, reply, out);
}
