#include "server/http/cors.h"

#include "base/array.h"
#include "server/http/response.h"
#include "server/listener/origin.h"
#include "wire/http_field.h"
#include "wire/http_route.h"

#include <stdio.h>
#include <stoa/log.h>

static bool has_star(const struct stoa_cors_config *config) {
  for (size_t i = 0; i < config->allowed_origins.count; i++) {
    if (stoa_string_equal(config->allowed_origins.items[i], stoa_string_of("*"))) {
      return true;
    }
  }
  return false;
}

static int refuse(const char *option, struct stoa_string value, const char *fault) {
  stoa_log(STOA_LOG_ERROR, fault, STOA_F_STR("option", option), STOA_F_TEXT("value", value));
  return STOA_E_ARGUMENT;
}

static int check_origins(const struct stoa_cors_config *config) {
  int status = STOA_OK;
  for (size_t i = 0; i < config->allowed_origins.count; i++) {
    char text[STOA_ORIGIN_REASON_SIZE];
    const char *fault = stoa_origin_entry_fault(config->allowed_origins.items[i], text);
    if (fault != NULL) {
      status = refuse("server.cors.allowed_origins", config->allowed_origins.items[i], fault);
    }
  }
  if (config->credentials && has_star(config)) {
    status = refuse("server.cors.allowed_origins", stoa_string_of("*"),
                    "with credentials every origin must be listed: \"*\" would let every page act as its visitor");
  }
  return status;
}

int stoa_cors_check(const struct stoa_cors_config *config) {
  enum stoa_http_route_method ignored;
  if (config == NULL) {
    return STOA_OK;
  }
  int status = check_origins(config);
  for (size_t i = 0; i < config->methods.count; i++) {
    if (!stoa_http_route_method_of(config->methods.items[i], &ignored) || ignored == STOA_HTTP_ROUTE_ANY) {
      status = refuse("server.cors.methods", config->methods.items[i],
                      "not a method of routes; write it in capitals, such as \"GET\"");
    }
  }
  for (size_t i = 0; i < config->headers.count; i++) {
    if (!stoa_http_is_token(config->headers.items[i])) {
      status = refuse("server.cors.headers", config->headers.items[i], "not the name of a field");
    }
  }
  return status;
}

static bool is_on(const struct stoa_cors_config *config) {
  return config != NULL && config->allowed_origins.count > 0;
}

/* RFC 6454 7.3: one Origin at most. With two it is no page's request. */
static struct stoa_string origin_of(const struct stoa_http_head *head, const uint8_t *data) {
  size_t index = 0;
  struct stoa_string origin = stoa_http_field(head, data, "Origin", &index);
  bool is_repeated = origin.data != NULL && stoa_http_field(head, data, "Origin", &index).data != NULL;
  return is_repeated ? stoa_string_make(NULL, 0) : origin;
}

bool stoa_cors_is_preflight(const struct stoa_cors_config *config, const struct stoa_http_head *head,
                            const uint8_t *data) {
  return is_on(config) && stoa_string_equal(stoa_http_route_method_in(head, data), stoa_string_of("OPTIONS")) &&
         stoa_http_field(head, data, "Origin", NULL).data != NULL &&
         stoa_http_field(head, data, "Access-Control-Request-Method", NULL).data != NULL;
}

bool stoa_cors_allows(const struct stoa_cors_config *config, const struct stoa_http_head *head, const uint8_t *data) {
  struct stoa_string origin = is_on(config) ? origin_of(head, data) : stoa_string_make(NULL, 0);
  return origin.data != NULL &&
         stoa_ws_origin_is_listed(origin, config->allowed_origins.items, config->allowed_origins.count);
}

int stoa_cors_add(const struct stoa_cors_config *config, const struct stoa_http_head *head, const uint8_t *data,
                  struct stoa_buffer *out) {
  if (!is_on(config)) {
    return STOA_OK;
  }
  bool is_for_all = has_star(config);
  /* A cache must not give the answer for one origin to another. */
  int status = is_for_all ? STOA_OK : stoa_response_add_field(out, "Vary", stoa_string_of("Origin"));
  if (status != STOA_OK || !stoa_cors_allows(config, head, data)) {
    return status;
  }
  struct stoa_string origin = is_for_all ? stoa_string_of("*") : origin_of(head, data);
  status = stoa_response_add_field(out, "Access-Control-Allow-Origin", origin);
  if (status == STOA_OK && config->credentials) {
    status = stoa_response_add_field(out, "Access-Control-Allow-Credentials", stoa_string_of("true"));
  }
  return status;
}

int stoa_cors_add_echo(const struct stoa_http_head *head, const uint8_t *data, struct stoa_buffer *out) {
  struct stoa_string origin = origin_of(head, data);
  int status = stoa_response_add_field(out, "Vary", stoa_string_of("Origin"));
  if (status != STOA_OK || origin.data == NULL) {
    return status;
  }
  status = stoa_response_add_field(out, "Access-Control-Allow-Origin", origin);
  return status == STOA_OK ? stoa_response_add_field(out, "Access-Control-Allow-Credentials", stoa_string_of("true"))
                           : status;
}

/* One line with all items. */
static int add_list(struct stoa_buffer *out, const char *name, const struct stoa_string *items, size_t count) {
  int status = stoa_buffer_append(out, name, strlen(name));
  for (size_t i = 0; i < count && status == STOA_OK; i++) {
    status = stoa_buffer_append(out, i == 0 ? ": " : ", ", 2);
    status = status == STOA_OK ? stoa_buffer_append(out, items[i].data, items[i].len) : status;
  }
  return status == STOA_OK ? stoa_buffer_append(out, "\r\n", 2) : status;
}

int stoa_cors_add_preflight(const struct stoa_cors_config *config, const char *methods, struct stoa_buffer *out) {
  static const struct stoa_string usual[] = {STOA_STR("Authorization"), STOA_STR("Content-Type")};
  char age[16];
  snprintf(age, sizeof age, "%u", config->max_age_s);
  int status = config->methods.count > 0
                   ? add_list(out, "Access-Control-Allow-Methods", config->methods.items, config->methods.count)
                   : stoa_response_add_field(out, "Access-Control-Allow-Methods", stoa_string_of(methods));
  if (status == STOA_OK) {
    bool is_usual = config->headers.count == 0;
    status = add_list(out, "Access-Control-Allow-Headers", is_usual ? usual : config->headers.items,
                      is_usual ? STOA_COUNT_OF(usual) : config->headers.count);
  }
  return status == STOA_OK ? stoa_response_add_field(out, "Access-Control-Max-Age", stoa_string_of(age)) : status;
}
