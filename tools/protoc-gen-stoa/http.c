#include "http.h"

#include <string.h>

#include "count.h"
#include "pool.h"
#include "wire/http_template.h"

/* The number of (google.api.http) in MethodOptions. */
#define GOOGLE_HTTP_NUMBER 72295728

/* The field numbers of google.api.HttpRule and CustomHttpPattern; those of stoa.HttpRule are the same. */
enum {
  RULE_GET = 2,
  RULE_PUT = 3,
  RULE_POST = 4,
  RULE_DELETE = 5,
  RULE_PATCH = 6,
  RULE_BODY = 7,
  RULE_CUSTOM = 8,
  RULE_ADDITIONAL = 11,
  RULE_RESPONSE_BODY = 12,
  CUSTOM_KIND = 1,
  CUSTOM_PATH = 2
};
/* Fields of descriptor.proto, for paths in SourceCodeInfo. */
enum { METHOD_OPTIONS = 4 };

/* Those that a server can have routes for; "*" is all of them. */
static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "*"};

/* What the functions here pass on: one rpc's option. */
struct reading {
  struct model_method *method;
  const char *option; /* "google.api.http" */
  struct place place;
  struct problems *problems;
};

/* An rpc's option as read; empty texts are absent. */
struct rule {
  const char *method;
  const char *path;
  const char *body;
  const char *response_body;
  bool has_additional;
};

/* A terminated copy. A NUL, which no name or path has, becomes a question mark, so that it is not overlooked. */
static const char *text_of(struct stoa_bytes bytes) {
  char *copy = pool_copy((const char *)bytes.data, bytes.len);
  for (size_t i = 0; i < bytes.len; i++) {
    if (copy[i] == '\0') {
      copy[i] = '?';
    }
  }
  return copy;
}

static void read_custom(struct stoa_bytes custom, struct rule *rule) {
  struct request_field field;
  size_t at = 0;
  rule->method = "";
  rule->path = "";
  while (request_field_next(custom, &at, &field)) {
    if (field.bytes.data != NULL && field.number == CUSTOM_KIND) {
      rule->method = text_of(field.bytes);
    } else if (field.bytes.data != NULL && field.number == CUSTOM_PATH) {
      rule->path = text_of(field.bytes);
    }
  }
}

static const char *method_of(uint32_t number) {
  switch (number) {
    case RULE_GET:
      return "GET";
    case RULE_PUT:
      return "PUT";
    case RULE_POST:
      return "POST";
    case RULE_DELETE:
      return "DELETE";
    case RULE_PATCH:
      return "PATCH";
    default:
      return NULL;
  }
}

static void read_member(const struct request_field *field, struct rule *rule) {
  const char *method = method_of(field->number);
  if (method != NULL) {
    rule->method = method;
    rule->path = text_of(field->bytes);
  } else if (field->number == RULE_CUSTOM) {
    read_custom(field->bytes, rule);
  } else if (field->number == RULE_BODY) {
    rule->body = field->bytes.len > 0 ? text_of(field->bytes) : NULL;
  } else if (field->number == RULE_RESPONSE_BODY) {
    rule->response_body = field->bytes.len > 0 ? text_of(field->bytes) : NULL;
  } else if (field->number == RULE_ADDITIONAL) {
    rule->has_additional = true;
  }
}

static struct rule read_rule(struct stoa_bytes option) {
  struct rule rule = {0};
  struct request_field field;
  size_t at = 0;
  while (request_field_next(option, &at, &field)) {
    if (field.bytes.data != NULL) {
      read_member(&field, &rule);
    }
  }
  return rule;
}

const struct model_field *http_field(const struct model_message *message, const char *name, size_t len) {
  for (size_t i = 0; i < message->field_count; i++) {
    const struct model_field *field = &message->fields[i];
    if ((strlen(field->name) == len && memcmp(field->name, name, len) == 0) ||
        (strlen(field->json_name) == len && memcmp(field->json_name, name, len) == 0)) {
      return field;
    }
  }
  return NULL;
}

const struct model_field *http_field_at(const struct model_message *message, const char *path, size_t len) {
  const struct model_field *field = NULL;
  const char *end = path + len;
  while (path <= end) {
    const char *dot = memchr(path, '.', (size_t)(end - path));
    size_t step = dot == NULL ? (size_t)(end - path) : (size_t)(dot - path);
    field = message == NULL ? NULL : http_field(message, path, step);
    if (field == NULL || dot == NULL) {
      return field;
    }
    bool is_single = field->label == STOA_LABEL_SINGULAR || field->label == STOA_LABEL_ONEOF;
    message = is_single ? field->message : NULL;
    path = dot + 1;
  }
  return field;
}

static bool check_variable(const struct reading *reading, struct stoa_string name) {
  const struct model_field *field = http_field_at(reading->method->input, name.data, name.len);
  const char *rpc = reading->method->name;
  if (field == NULL) {
    problem_add(reading->problems, &reading->place, "rpc \"%s\": the variable {%.*s} of its path is no field of %s",
                rpc, (int)name.len, name.data, reading->method->input->full_name);
    return false;
  }
  bool is_list = field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP;
  if (is_list || field->message != NULL) {
    const char *what = field->label == STOA_LABEL_MAP ? "map" : is_list ? "repeated field" : "message";
    problem_add(reading->problems, &reading->place,
                "rpc \"%s\": the variable {%.*s} of its path is a %s, not one value", rpc, (int)name.len, name.data,
                what);
    return false;
  }
  return true;
}

static bool check_method(const struct reading *reading, const struct rule *rule) {
  for (size_t i = 0; i < COUNT(methods); i++) {
    if (strcmp(methods[i], rule->method) == 0) {
      return true;
    }
  }
  problem_add(
      reading->problems, &reading->place,
      "rpc \"%s\": \"%s\" is no method that a route can have: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS or *",
      reading->method->name, rule->method);
  return false;
}

/* The compiled template, in the pool, or NULL. */
static const struct stoa_http_template *compile(const struct reading *reading, const struct rule *rule) {
  struct stoa_http_template *template = pool_array(1, sizeof *template);
  size_t at;
  enum stoa_http_template_error error = stoa_http_template_compile(stoa_string_of(rule->path), template, &at);
  if (error != STOA_HTTP_TEMPLATE_OK) {
    problem_add(reading->problems, &reading->place, "rpc \"%s\": the path \"%s\" is not valid at byte %zu: %s",
                reading->method->name, rule->path, at, stoa_http_template_error_text(error));
    return NULL;
  }
  return template;
}

static bool check_path(const struct reading *reading, const struct stoa_http_template *template) {
  bool is_good = template != NULL;
  for (size_t i = 0; template != NULL && i < template->variable_count; i++) {
    is_good = check_variable(reading, template->variables[i].name) && is_good;
  }
  return is_good;
}

/* The field of the body, by its name; "*" is none. */
static bool check_named(const struct reading *reading, const char *member, const char *name,
                        const struct model_message *message) {
  bool is_good = name == NULL || http_field(message, name, strlen(name)) != NULL;
  if (!is_good) {
    problem_add(reading->problems, &reading->place, "rpc \"%s\": %s \"%s\" is no field of %s", reading->method->name,
                member, name, message->full_name);
  }
  return is_good;
}

static bool check_bodies(const struct reading *reading, const struct rule *rule) {
  bool has_body = rule->body != NULL;
  bool is_whole = has_body && strcmp(rule->body, "*") == 0;
  bool is_good = check_named(reading, "body", is_whole ? NULL : rule->body, reading->method->input);
  is_good = check_named(reading, "response_body", rule->response_body, reading->method->output) && is_good;
  if (has_body && (strcmp(rule->method, "GET") == 0 || strcmp(rule->method, "HEAD") == 0)) {
    problem_add(reading->problems, &reading->place, "rpc \"%s\": a %s request has no body, which is \"%s\" here",
                reading->method->name, rule->method, rule->body);
    is_good = false;
  }
  return is_good;
}

static void add_rule(const struct reading *reading, const struct rule *rule) {
  if (rule->method == NULL) {
    problem_add(reading->problems, &reading->place,
                "rpc \"%s\": option (%s) has no method and path: write get: \"/...\"", reading->method->name,
                reading->option);
    return;
  }
  bool is_good = check_method(reading, rule);
  const struct stoa_http_template *template = compile(reading, rule);
  is_good = check_path(reading, template) && is_good;
  is_good = check_bodies(reading, rule) && is_good;
  if (is_good) {
    reading->method->http[reading->method->http_count++] = (struct model_http){.method = rule->method,
                                                                               .path = rule->path,
                                                                               .body = rule->body,
                                                                               .response_body = rule->response_body,
                                                                               .template = template,
                                                                               .place = reading->place};
  }
}

static void read_additional(const struct reading *reading, struct stoa_bytes option) {
  struct request_field field;
  size_t at = 0;
  while (request_field_next(option, &at, &field)) {
    if (field.number != RULE_ADDITIONAL || field.bytes.data == NULL) {
      continue;
    }
    const struct rule rule = read_rule(field.bytes);
    if (rule.has_additional) {
      problem_add(reading->problems, &reading->place, "rpc \"%s\": additional_bindings have additional_bindings",
                  reading->method->name);
    } else {
      add_rule(reading, &rule);
    }
  }
}

static size_t count_rules(struct stoa_bytes option) {
  struct request_field field;
  size_t at = 0;
  size_t count = 1;
  while (request_field_next(option, &at, &field)) {
    count += field.number == RULE_ADDITIONAL;
  }
  return count;
}

/* The position of the option, or of the rpc's options when this one was set member by member. */
static struct place place_of(const struct model_file *file, size_t service, size_t method, uint32_t number) {
  enum { FILE_SERVICE = 6, SERVICE_METHOD = 2 };
  const struct request_path path = {
      .steps = {FILE_SERVICE, (int32_t)service, SERVICE_METHOD, (int32_t)method, METHOD_OPTIONS, (int32_t)number},
      .count = 6};
  return request_place(file->proto, &path);
}

/* Nothing but a route leads to an rpc of operators. */
static bool check_admin(const struct model_method *method, bool has_route, struct problems *problems) {
  if (!has_route) {
    problem_add(problems, &method->place,
                "rpc \"%s\": its service has option (stoa.admin), so it needs an HTTP route: option (stoa.http)",
                method->name);
  }
  if (method->is_plain) {
    problem_add(problems, &method->place,
                "rpc \"%s\": its service has option (stoa.admin), so no session can send it plainly: leave out option "
                "(stoa.plain)",
                method->name);
  }
  return has_route && !method->is_plain;
}

static void read_method(const struct model_file *file, size_t service, size_t index, struct problems *problems) {
  struct model_method *method = &file->services[service].methods[index];
  const Google__Protobuf__MethodOptions *options = file->proto->service[service]->method[method->index]->options;
  struct stoa_bytes google;
  struct stoa_bytes own;
  bool has_google = options != NULL && request_option_message(&options->base, GOOGLE_HTTP_NUMBER, &google);
  bool has_own = options != NULL && request_option_message(&options->base, REQUEST_HTTP_NUMBER, &own);
  if (file->services[service].is_admin && !check_admin(method, has_google || has_own, problems)) {
    return;
  }
  if ((!has_google && !has_own) || method->input == NULL || method->output == NULL) {
    return;
  }
  const struct reading reading = {
      .method = method,
      .option = has_google ? "google.api.http" : "stoa.http",
      .place = place_of(file, service, method->index, has_google ? GOOGLE_HTTP_NUMBER : REQUEST_HTTP_NUMBER),
      .problems = problems};
  if (has_google && has_own) {
    problem_add(problems, &reading.place, "rpc \"%s\": options (google.api.http) and (stoa.http) are both set",
                method->name);
    return;
  }
  const struct stoa_bytes option = has_google ? google : own;
  method->http = pool_array(count_rules(option), sizeof *method->http);
  const struct rule rule = read_rule(option);
  add_rule(&reading, &rule);
  read_additional(&reading, option);
}

/* A route, with the rpc that it belongs to. */
struct route {
  const struct model_method *method;
  bool is_admin; /* at another listener */
  const struct model_http *http;
};

/* Is the route the only one with its paths so far? */
static bool is_new(const struct route *routes, size_t index, struct problems *problems) {
  const struct route *route = &routes[index];
  for (size_t i = 0; i < index; i++) {
    const struct route *other = &routes[i];
    if (other->is_admin == route->is_admin && strcmp(other->http->method, route->http->method) == 0 &&
        stoa_http_template_compare(other->http->template, route->http->template) == 0) {
      problem_add(problems, &route->http->place, "rpc \"%s\": %s %s has the same paths as %s of rpc \"%s\" (%s)",
                  route->method->name, route->http->method, route->http->path, other->http->path, other->method->name,
                  problem_place(&other->http->place));
      return false;
    }
  }
  return true;
}

/* Keep the method's routes that are new. */
static size_t check_routes(const struct model_service *service, struct model_method *method, struct route *routes,
                           size_t filled, struct problems *problems) {
  size_t kept = 0;
  for (size_t i = 0; i < method->http_count; i++) {
    method->http[kept] = method->http[i];
    routes[filled] = (struct route){method, service->is_admin, &method->http[kept]};
    if (is_new(routes, filled, problems)) {
      kept++;
      filled++;
    }
  }
  method->http_count = kept;
  return filled;
}

/* May routes with errors be left out? Operators have no other way to their rpcs. */
static bool is_silent(const struct model *model, const struct model_service *service) {
  return model->options->skips_routes && !service->is_admin;
}

/* Two files may be parts of different servers, so only the routes of one file are compared. The server compares all
 * that it has. */
static void check_file(const struct model *model, const struct model_file *file, struct problems *problems) {
  size_t count = 0;
  for (size_t s = 0; s < file->service_count; s++) {
    for (size_t m = 0; m < file->services[s].method_count; m++) {
      count += file->services[s].methods[m].http_count;
    }
  }
  struct route *routes = pool_array(count, sizeof *routes);
  size_t filled = 0;
  for (size_t s = 0; s < file->service_count; s++) {
    for (size_t m = 0; m < file->services[s].method_count; m++) {
      struct problems unreported = {0};
      filled = check_routes(&file->services[s], &file->services[s].methods[m], routes, filled,
                            is_silent(model, &file->services[s]) ? &unreported : problems);
    }
  }
}

void http_read(struct model *model, struct problems *problems) {
  for (size_t f = 0; f < model->file_count; f++) {
    const struct model_file *file = &model->files[f];
    if (!file->is_wanted) {
      continue;
    }
    for (size_t s = 0; s < file->service_count; s++) {
      for (size_t m = 0; m < file->services[s].method_count; m++) {
        struct problems unreported = {0};
        read_method(file, s, m, is_silent(model, &file->services[s]) ? &unreported : problems);
      }
    }
    check_file(model, file, problems);
  }
}

bool http_has(const struct model_file *file) {
  for (size_t s = 0; s < file->service_count; s++) {
    for (size_t m = 0; m < file->services[s].method_count; m++) {
      if (file->services[s].methods[m].http_count > 0) {
        return true;
      }
    }
  }
  return false;
}
