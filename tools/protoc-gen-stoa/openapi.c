#include "openapi.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "count.h"
#include "http.h"
#include "names.h"
#include "pool.h"
#include "wire/http_template.h"

/* Levels of messages whose fields are query parameters; types may contain themselves. */
#define QUERY_DEPTH_MAX 4

/* Not those that OpenAPI 3.1 lacks: a Path Item has exactly these, in this order. */
static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH"};

/* One operation: a route with one method. */
struct operation {
  const struct model_service *service;
  const struct model_method *method;
  const struct model_http *http;
  size_t index; /* of the route among the rpc's */
};

/* The document on its way. */
struct document {
  struct json json;
  struct openapi_types types;
  struct operation *operations;
  size_t count;
};

static void collect(struct document *document, const struct model_file *file) {
  size_t count = 0;
  for (size_t s = 0; s < file->service_count; s++) {
    for (size_t m = 0; m < file->services[s].method_count; m++) {
      count += file->services[s].methods[m].http_count;
    }
  }
  document->operations = pool_array(count, sizeof *document->operations);
  for (size_t s = 0; s < file->service_count; s++) {
    const struct model_service *service = &file->services[s];
    for (size_t m = 0; m < service->method_count; m++) {
      const struct model_method *method = &service->methods[m];
      for (size_t i = 0; i < method->http_count; i++) {
        document->operations[document->count++] = (struct operation){service, method, &method->http[i], i};
      }
    }
  }
  assert(document->count == count);
}

/* Does OpenAPI see one path? Names of parameters do not count, nor does what "**" stands for. */
static bool is_same_path(const struct stoa_http_template *a, const struct stoa_http_template *b) {
  if (a->segment_count != b->segment_count || !stoa_string_equal(a->verb, b->verb)) {
    return false;
  }
  for (size_t i = 0; i < a->segment_count; i++) {
    bool is_literal = a->segments[i].kind == STOA_HTTP_SEGMENT_LITERAL;
    if (is_literal != (b->segments[i].kind == STOA_HTTP_SEGMENT_LITERAL) ||
        !stoa_string_equal(a->segments[i].literal, b->segments[i].literal)) {
      return false;
    }
  }
  return true;
}

/* The variable that a segment belongs to, or NULL. */
static const struct stoa_http_variable *variable_of(const struct stoa_http_template *template, size_t segment) {
  for (size_t i = 0; i < template->variable_count; i++) {
    const struct stoa_http_variable *variable = &template->variables[i];
    if (segment >= variable->first && segment < (size_t)variable->first + variable->count) {
      return variable;
    }
  }
  return NULL;
}

static size_t wildcards(const struct stoa_http_template *template, size_t first, size_t end) {
  size_t count = 0;
  for (size_t i = first; i < end; i++) {
    count += template->segments[i].kind != STOA_HTTP_SEGMENT_LITERAL;
  }
  return count;
}

/* "book.name", or "book.name.2" for the second "*" of several, or "segment-3" outside of variables. No field has the
 * latter two names. */
static const char *parameter_name(const struct stoa_http_template *template, size_t segment) {
  const struct stoa_http_variable *variable = variable_of(template, segment);
  if (variable == NULL) {
    return text_format("segment-%zu", segment + 1);
  }
  size_t end = (size_t)variable->first + variable->count;
  const char *name = pool_copy(variable->name.data, variable->name.len);
  return wildcards(template, variable->first, end) == 1
             ? name
             : text_format("%s.%zu", name, wildcards(template, variable->first, segment + 1));
}

/* The segments from `first` to `end` as OpenAPI writes a path, without the first slash. */
static const char *path_text(const struct stoa_http_template *template, size_t first, size_t end) {
  struct text text = {0};
  text_add(&text, "");
  for (size_t i = first; i < end; i++) {
    const struct stoa_http_segment *segment = &template->segments[i];
    text_add(&text, i > first ? "/" : "");
    if (segment->kind == STOA_HTTP_SEGMENT_LITERAL) {
      text_add_bytes(&text, segment->literal.data, segment->literal.len);
    } else {
      text_addf(&text, "{%s}", parameter_name(template, i));
    }
  }
  return text.data;
}

static const char *whole_path(const struct stoa_http_template *template) {
  const char *verb = pool_copy(template->verb.data, template->verb.len);
  return text_format("/%s%s%s", path_text(template, 0, template->segment_count), *verb != '\0' ? ":" : "", verb);
}

/* What a path parameter is: the field's comment, and how a value of several segments is put together. */
static const char *describe_segment(const struct operation *operation, const struct stoa_http_template *shown,
                                    size_t segment, const struct model_field *field) {
  const struct stoa_http_template *template = operation->http->template;
  const struct stoa_http_variable *variable = variable_of(template, segment);
  struct text text = {0};
  const char *comment = field == NULL ? NULL : openapi_comment(field->place.comment);
  text_add(&text, comment != NULL ? comment : "");
  if (variable != NULL) {
    const char *name = pool_copy(variable->name.data, variable->name.len);
    size_t end = (size_t)variable->first + variable->count;
    if (variable->count > 1 || strcmp(parameter_name(shown, segment), name) != 0) {
      text_addf(&text, "%s`%s` is `%s`.", text.len > 0 ? " " : "", name, path_text(shown, variable->first, end));
    }
  }
  if (template->segments[segment].kind == STOA_HTTP_SEGMENT_REST) {
    text_addf(&text, "%sIt may contain slashes.", text.len > 0 ? " " : "");
  }
  return text.len > 0 ? text.data : NULL;
}

static void add_path_parameter(struct document *document, const struct operation *operation,
                               const struct stoa_http_template *shown, size_t segment) {
  struct json *json = &document->json;
  const struct stoa_http_variable *variable = variable_of(operation->http->template, segment);
  const struct model_field *field =
      variable == NULL ? NULL : http_field_at(operation->method->input, variable->name.data, variable->name.len);
  const char *about = describe_segment(operation, shown, segment, field);
  json_open(json, NULL, '{');
  json_string(json, "name", parameter_name(shown, segment));
  json_string(json, "in", "path");
  if (about != NULL) {
    json_string(json, "description", about);
  }
  json_raw(json, "required", "true");
  json_open(json, "schema", '{');
  if (field != NULL && variable->count == 1) {
    openapi_field_members(json, &document->types, field, NULL);
  } else {
    json_string(json, "type", "string");
  }
  json_close(json, '}');
  json_close(json, '}');
}

static void add_path_parameters(struct document *document, const struct operation *operation,
                                const struct stoa_http_template *shown) {
  for (size_t i = 0; i < shown->segment_count; i++) {
    if (shown->segments[i].kind != STOA_HTTP_SEGMENT_LITERAL) {
      add_path_parameter(document, operation, shown, i);
    }
  }
}

static bool is_in_path(const struct operation *operation, const char *name) {
  const struct stoa_http_template *template = operation->http->template;
  const struct model_field *field = http_field_at(operation->method->input, name, strlen(name));
  for (size_t i = 0; i < template->variable_count; i++) {
    const struct stoa_string variable = template->variables[i].name;
    if (http_field_at(operation->method->input, variable.data, variable.len) == field) {
      return true;
    }
  }
  return false;
}

static bool has_text(const struct model_field *field) {
  if (field->label == STOA_LABEL_MAP) {
    return false;
  }
  if (field->message == NULL) {
    return true;
  }
  enum stoa_special special = field->message->special;
  return special == STOA_SPECIAL_TIMESTAMP || special == STOA_SPECIAL_DURATION || special == STOA_SPECIAL_FIELD_MASK ||
         special == STOA_SPECIAL_WRAPPER;
}

static void add_query_parameter(struct document *document, const struct model_field *field, const char *name,
                                bool is_required) {
  struct json *json = &document->json;
  const char *comment = openapi_comment(field->place.comment);
  json_open(json, NULL, '{');
  json_string(json, "name", name);
  json_string(json, "in", "query");
  if (comment != NULL) {
    json_string(json, "description", comment);
  }
  if (is_required) {
    json_raw(json, "required", "true");
  }
  openapi_deprecated(json, &field->place);
  json_open(json, "schema", '{');
  openapi_field_members(json, &document->types, field, NULL);
  json_close(json, '}');
  json_close(json, '}');
}

/* Recursive to QUERY_DEPTH_MAX. */
static void add_query(struct document *document, const struct operation *operation, const struct model_message *message,
                      const char *prefix, unsigned depth) {
  const char *body = operation->http->body;
  const struct model_field *in_body = depth > 0 || body == NULL ? NULL : http_field(message, body, strlen(body));
  for (size_t i = 0; i < message->field_count; i++) {
    const struct model_field *field = &message->fields[i];
    const char *name = *prefix == '\0' ? field->name : text_format("%s.%s", prefix, field->name);
    bool is_single = field->label == STOA_LABEL_SINGULAR || field->label == STOA_LABEL_ONEOF;
    bool has_members = field->message != NULL && field->message->special == STOA_SPECIAL_NONE && is_single;
    if (field == in_body || is_in_path(operation, name)) {
      continue;
    }
    if (has_text(field)) {
      bool is_required = depth == 0 && (field->rules.rules & (uint32_t)STOA_RULE_REQUIRED) != 0;
      add_query_parameter(document, field, name, is_required);
    } else if (has_members && depth + 1 < QUERY_DEPTH_MAX && field->message != message) {
      add_query(document, operation, field->message, name, depth + 1);
    }
  }
}

static bool is_whole_body(const struct model_http *http) {
  return http->body != NULL && strcmp(http->body, "*") == 0;
}

static void add_parameters(struct document *document, const struct operation *operation,
                           const struct stoa_http_template *shown) {
  json_open(&document->json, "parameters", '[');
  add_path_parameters(document, operation, shown);
  if (!is_whole_body(operation->http)) {
    add_query(document, operation, operation->method->input, "", 0);
  }
  json_close(&document->json, ']');
}

/* "content" with the schema of a message, or of one of its fields. A stream's is that of one event's data. */
static void add_content(struct document *document, const struct model_message *message, const char *field_name,
                        const char *media_type) {
  struct json *json = &document->json;
  json_open(json, "content", '{');
  json_open(json, media_type, '{');
  json_open(json, "schema", '{');
  if (field_name == NULL) {
    openapi_message_members(json, &document->types, message);
  } else {
    openapi_field_members(json, &document->types, http_field(message, field_name, strlen(field_name)), NULL);
  }
  json_close(json, '}');
  json_close(json, '}');
  json_close(json, '}');
}

static void add_bodies(struct document *document, const struct operation *operation) {
  struct json *json = &document->json;
  const struct model_http *http = operation->http;
  if (http->body != NULL) {
    json_open(json, "requestBody", '{');
    add_content(document, operation->method->input, is_whole_body(http) ? NULL : http->body, "application/json");
    json_close(json, '}');
  }
  json_open(json, "responses", '{');
  json_open(json, "200", '{');
  bool is_stream = operation->method->is_stream;
  json_string(json, "description",
              is_stream ? "The items, each as the data of an event; the schema is that of one. The stream ends with an "
                          "event \"end\", whose data is {}, or \"error\", whose data is a stoa.http.Error."
                        : "The reply.");
  add_content(document, operation->method->output, http->response_body,
              is_stream ? "text/event-stream" : "application/json");
  json_close(json, '}');
  json_open(json, "default", '{');
  json_string(json, "$ref", "#/components/responses/Error");
  json_close(json, '}');
  json_close(json, '}');
}

static void add_comment(struct json *json, const char *raw) {
  const char *comment = openapi_comment(raw);
  if (comment == NULL) {
    return;
  }
  size_t len = strcspn(comment, "\n");
  json_string(json, "summary", pool_copy(comment, len));
  if (comment[len] != '\0') {
    json_string(json, "description", comment);
  }
}

static const char *lower(const char *text) {
  char *copy = pool_copy(text, strlen(text));
  for (char *at = copy; *at != '\0'; at++) {
    *at = (char)tolower((unsigned char)*at);
  }
  return copy;
}

/* Every operation of a document has its own id. */
static const char *operation_id(const struct operation *operation, const char *method) {
  const char *id = text_format("%s_%s", operation->service->name, operation->method->name);
  id = operation->index == 0 ? id : text_format("%s_%zu", id, operation->index + 1);
  return strcmp(operation->http->method, "*") == 0 ? text_format("%s_%s", id, lower(method)) : id;
}

static void add_operation(struct document *document, const struct operation *operation,
                          const struct stoa_http_template *shown, const char *method) {
  struct json *json = &document->json;
  json_open(json, lower(method), '{');
  json_open(json, "tags", '[');
  json_string(json, NULL, operation->service->name);
  json_close(json, ']');
  json_string(json, "operationId", operation_id(operation, method));
  add_comment(json, operation->method->place.comment);
  openapi_deprecated(json, &operation->method->place);
  if (operation->service->is_admin) {
    json_raw(json, "security", "[{\"adminKey\": []}]");
  }
  add_parameters(document, operation, shown);
  add_bodies(document, operation);
  json_close(json, '}');
}

/* The operation of a path with that method: one that names it goes before one of all methods. */
static const struct operation *find_operation(const struct document *document, size_t first, const char *method) {
  const struct operation *all = NULL;
  for (size_t i = first; i < document->count; i++) {
    const struct operation *operation = &document->operations[i];
    if (!is_same_path(operation->http->template, document->operations[first].http->template)) {
      continue;
    }
    if (strcmp(operation->http->method, method) == 0) {
      return operation;
    }
    bool is_all = strcmp(operation->http->method, "*") == 0;
    all = is_all && all == NULL ? operation : all;
  }
  return all;
}

static bool is_first_of_path(const struct document *document, size_t index) {
  for (size_t i = 0; i < index; i++) {
    if (is_same_path(document->operations[i].http->template, document->operations[index].http->template)) {
      return false;
    }
  }
  return true;
}

static void add_paths(struct document *document) {
  json_open(&document->json, "paths", '{');
  for (size_t i = 0; i < document->count; i++) {
    const struct stoa_http_template *shown = document->operations[i].http->template;
    if (!is_first_of_path(document, i)) {
      continue;
    }
    json_open(&document->json, whole_path(shown), '{');
    for (size_t m = 0; m < COUNT(methods); m++) {
      const struct operation *operation = find_operation(document, i, methods[m]);
      if (operation != NULL) {
        add_operation(document, operation, shown, methods[m]);
      }
    }
    json_close(&document->json, '}');
  }
  json_close(&document->json, '}');
}

static void add_security(struct document *document) {
  bool has_admin = false;
  for (size_t i = 0; i < document->count; i++) {
    has_admin = has_admin || document->operations[i].service->is_admin;
  }
  if (has_admin) {
    json_raw(
        &document->json, "securitySchemes",
        "{\"adminKey\": {\"description\": \"The key of the admin listener, when it has one.\", \"type\": \"http\", "
        "\"scheme\": \"bearer\"}}");
  }
}

static void add_components(struct document *document) {
  struct json *json = &document->json;
  json_open(json, "components", '{');
  json_open(json, "schemas", '{');
  openapi_schemas(json, &document->types);
  json_open(json, "stoa.http.Error", '{');
  json_string(json, "description", "Why a request was not done.");
  json_string(json, "type", "object");
  json_open(json, "properties", '{');
  json_raw(json, "code", "{\"description\": \"A number that programs branch on.\", \"type\": \"integer\"}");
  json_raw(json, "reason", "{\"description\": \"The name of the code; it never changes.\", \"type\": \"string\"}");
  json_raw(json, "message", "{\"description\": \"A sentence for people; it may change.\", \"type\": \"string\"}");
  json_raw(json, "metadata",
           "{\"description\": \"Details: values by name.\", \"type\": \"object\", "
           "\"additionalProperties\": {\"type\": \"string\"}}");
  json_close(json, '}');
  json_raw(json, "required", "[\"code\", \"reason\", \"message\", \"metadata\"]");
  json_close(json, '}');
  json_close(json, '}');
  json_open(json, "responses", '{');
  json_open(json, "Error", '{');
  json_string(json, "description", "Why the request was not done.");
  json_raw(json, "content",
           "{\"application/json\": {\"schema\": {\"$ref\": \"#/components/schemas/stoa.http.Error\"}}}");
  json_close(json, '}');
  json_close(json, '}');
  add_security(document);
  json_close(json, '}');
}

/* "v1" of "routes.v1"; OpenAPI requires a version. */
static const char *version_of(const struct model_file *file) {
  const char *dot = strrchr(file->proto->package, '.');
  const char *last = dot == NULL ? file->proto->package : dot + 1;
  return last[0] == 'v' && isdigit((unsigned char)last[1]) ? last : "0";
}

static void add_info(struct json *json, const struct model_file *file) {
  const char *comment = openapi_comment(file->comment);
  json_open(json, "info", '{');
  json_string(json, "title", *file->proto->package != '\0' ? file->proto->package : file->name);
  json_string(json, "version", version_of(file));
  if (comment != NULL) {
    json_string(json, "description", comment);
  }
  json_close(json, '}');
}

static void add_tags(struct json *json, const struct model_file *file) {
  json_open(json, "tags", '[');
  for (size_t i = 0; i < file->proto->n_service; i++) {
    const char *comment = openapi_comment(file->services[i].place.comment);
    json_open(json, NULL, '{');
    json_string(json, "name", file->services[i].name);
    if (comment != NULL) {
      json_string(json, "description", comment);
    }
    json_close(json, '}');
  }
  json_close(json, ']');
}

void openapi_emit(struct text *text, const struct model_file *file) {
  struct document document = {.json = {.text = text}};
  collect(&document, file);
  assert(document.count > 0);
  json_open(&document.json, NULL, '{');
  json_string(&document.json, "openapi", "3.1.0");
  add_info(&document.json, file);
  add_tags(&document.json, file);
  add_paths(&document);
  add_components(&document);
  json_close(&document.json, '}');
  text_add(text, "\n");
}
