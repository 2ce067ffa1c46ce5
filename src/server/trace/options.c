#include "server/trace/options.h"

#include "base/array.h"
#include "token/file.h"

#include <errno.h>
#include <stdio.h>
#include <stoa/log.h>
#include <stoa/uuid.h>

#define HEADERS_MAX 32u

/* The headers of the section, and those of its file. */
struct headers {
  struct stoa_string items[HEADERS_MAX];
  size_t count, of_list;
  struct stoa_token_file file;
};

static int refuse(const char *option, struct stoa_string value, const char *why, int status) {
  stoa_log(STOA_LOG_ERROR, "an option of tracing cannot be used", STOA_F_STR("option", option),
           STOA_F_TEXT("value", value), STOA_F_STR("reason", why));
  return status;
}

static int add(struct headers *headers, struct stoa_string header) {
  if (headers->count == HEADERS_MAX) {
    return refuse("server.tracing.header_secrets", stoa_string_of("***"), "there are more than 32", STOA_E_ARGUMENT);
  }
  headers->items[headers->count++] = header;
  return STOA_OK;
}

/* Lines end with LF or CR LF; empty ones are skipped. */
static int add_lines(struct headers *headers) {
  const char *at = (const char *)headers->file.data;
  const char *end = at + headers->file.len;
  int status = STOA_OK;
  while (at < end && status == STOA_OK) {
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    const char *next = line_end == NULL ? end : line_end + 1;
    struct stoa_string line = stoa_string_make(at, (size_t)((line_end == NULL ? end : line_end) - at));
    line.len -= line.len > 0 && line.data[line.len - 1] == '\r';
    status = line.len == 0 ? STOA_OK : add(headers, line);
    at = next;
  }
  return status;
}

static int read_file(struct headers *headers, struct stoa_string path) {
  const char *why = "";
  int status = stoa_token_file_read(path.data, &headers->file, &why);
  if (status == STOA_OK && headers->file.is_open_to_read) {
    why = "others may read this file; run chmod o-r on it";
    status = STOA_E_DENIED;
  }
  if (status == STOA_E_MEMORY) {
    return status;
  }
  return status == STOA_OK ? add_lines(headers) : refuse("server.tracing.header_secrets_file", path, why, status);
}

static int read_headers(struct headers *headers, const struct stoa_tracing_config *config) {
  int status = STOA_OK;
  for (size_t i = 0; i < config->header_secrets.count && status == STOA_OK; i++) {
    status = add(headers, config->header_secrets.items[i]);
  }
  headers->of_list = headers->count;
  return status == STOA_OK && config->header_secrets_file.len > 0 ? read_file(headers, config->header_secrets_file)
                                                                  : status;
}

/* The value of a header may be a secret, and so may what stands there by mistake. */
static int refuse_collector(const struct stoa_tracing_config *config, const struct headers *headers, size_t header,
                            int status) {
  char text[32];
  switch (status) {
    case STOA_E_SYNTAX:
      return refuse("server.tracing.endpoint", config->endpoint, "not like http://host:4318/v1/traces",
                    STOA_E_ARGUMENT);
    case STOA_E_ARGUMENT:
      snprintf(text, sizeof text, "line %zu", header - headers->of_list + 1);
      return header < headers->of_list
                 ? refuse("server.tracing.header_secrets", stoa_string_of("***"), "not like \"Name: value\"", status)
                 : refuse("server.tracing.header_secrets_file", stoa_string_of(text), "not like \"Name: value\"",
                          status);
    case STOA_E_MEMORY:
      return status;
    default:
      return refuse("server.tracing.ca_file", config->ca_file, stoa_status_text(status), status);
  }
}

static int open_collector(const struct stoa_tracing_config *config, struct stoa_collector **out_collector) {
  struct headers headers = {.count = 0};
  size_t header = 0;
  int status = read_headers(&headers, config);
  if (status == STOA_OK) {
    const struct stoa_collector_settings settings = {.endpoint = config->endpoint,
                                                     .headers = headers.items,
                                                     .header_count = headers.count,
                                                     .ca_file = config->ca_file};
    status = stoa_collector_create(&settings, &header, out_collector);
    if (status != STOA_OK) {
      status = refuse_collector(config, &headers, header, status);
    }
  }
  stoa_token_file_fini(&headers.file);
  return status;
}

static enum stoa_tracer_sampling sampling_of(const struct stoa_tracing_config *config) {
  switch (config->sampling) {
    case STOA_TRACING_CONFIG_SAMPLING_PARENT:
      return STOA_TRACER_CALLER_OR_OWN;
    case STOA_TRACING_CONFIG_SAMPLING_PARENT_ONLY:
      return STOA_TRACER_CALLER;
    default:
      return STOA_TRACER_OWN;
  }
}

void stoa_trace_apply(struct stoa_tracer *tracer, const struct stoa_tracing_config *config) {
  if (tracer != NULL) {
    stoa_tracer_set_sampling(tracer, sampling_of(config), config->sample);
  }
}

int stoa_trace_open(const struct stoa_tracing_config *config, const struct stoa_trace_surroundings *surroundings,
                    struct stoa_tracer **out_tracer) {
  struct stoa_collector *collector;
  struct stoa_uuid id;
  char id_text[STOA_UUID_TEXT_LEN + 1];
  *out_tracer = NULL;
  if (config->endpoint.len == 0) {
    return STOA_OK;
  }
  int status = open_collector(config, &collector);
  if (status != STOA_OK) {
    return status;
  }
  bool has_id = stoa_uuid_make(&id) == STOA_OK;
  if (has_id) {
    stoa_uuid_format(&id, id_text);
  }
  const struct stoa_tracer_settings settings = {
      .clock = surroundings->clock,
      .collector = collector,
      .resource = {.service_name = config->service_name.len > 0 ? config->service_name
                                                                : stoa_string_of(program_invocation_short_name),
                   .instance_id = stoa_string_of(has_id ? id_text : "")},
      .spans_max = config->spans_max,
      .timeout_ms = config->timeout_ms,
      .on_count = surroundings->on_count,
      .context = surroundings->context,
  };
  status = stoa_tracer_create(&settings, out_tracer);
  if (status == STOA_OK) {
    stoa_trace_apply(*out_tracer, config);
  }
  return status;
}

int stoa_trace_describe(struct stoa_tracer *tracer, const struct stoa_tracing_config *config,
                        const struct stoa_otlp_resource *program) {
  struct stoa_otlp_resource resource = *program;
  if (tracer == NULL) {
    return STOA_OK;
  }
  if (config->service_name.len > 0) {
    resource.service_name = config->service_name;
  }
  return stoa_tracer_set_resource(tracer, &resource);
}
