/* HTTP requests into messages: a byte that chooses the binding, the values of its variables, the query and the body,
 * each up to a line end. What is read can be written as JSON, and reads the same again. */
#include <stoa/json.h>

#include "server/http/transcode.h"

#include "convert.h"

#define PAIRS_MAX 300

static const struct stoa_http_binding bindings[] = {
    {"GET", "/{every.a_string}/{every.an_int32}/{every.a_color}", NULL, NULL},
    {"POST", "/{every.maybe_int}/{every.a_bool}", "*", "every"},
    {"PUT", "/{every.a_bytes}/{every.a_double}", "every", NULL},
    {"PATCH", "/", "timestamps", "timestamp"},
};

/* The bytes up to a line end, which is taken too. */
static struct stoa_string take_line(struct stoa_bytes *rest) {
  const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);
  size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
  struct stoa_string line = stoa_string_make((const char *)rest->data, len);
  size_t used = len + (end != NULL);
  *rest = stoa_bytes_make(used == 0 ? rest->data : rest->data + used, rest->len - used);
  return line;
}

static void try_message(const struct stoa_http_binding *binding, const struct special *message,
                        struct stoa_arena *arena) {
  struct stoa_buffer out;
  stoa_buffer_init(&out, OUT_BYTES_MAX);
  int status = stoa_json_encode_with(&plain, &special_type, message, &out);
  must(status == STOA_OK || status == STOA_E_LIMIT);
  if (is_written(status, &out)) {
    json_comes_back(&plain, &out, arena);
  }
  out.len = 0;
  status = stoa_transcode_write(binding, &special_type, message, &out);
  must(status == STOA_OK || status == STOA_E_LIMIT);
  stoa_buffer_fini(&out);
}

static void try_request(const struct stoa_http_binding *binding, struct stoa_bytes input, struct stoa_arena *arena) {
  struct stoa_http_template template;
  struct stoa_string values[STOA_HTTP_TEMPLATE_VARIABLES_MAX];
  struct stoa_http_query query;
  struct special message;
  struct stoa_codec_error error;
  size_t at;
  must(stoa_http_template_compile(stoa_string_of(binding->path), &template, &at) == STOA_HTTP_TEMPLATE_OK);
  for (size_t i = 0; i < template.variable_count; i++) {
    /* The route's look-up gives UTF-8 only; so does the parser of queries, which decodes here. */
    struct stoa_http_query value;
    if (stoa_http_query_parse(take_line(&input), 1, arena, &value) != STOA_OK || value.count == 0) {
      return;
    }
    values[i] = value.pairs[0].name;
  }
  if (stoa_http_query_parse(take_line(&input), PAIRS_MAX, arena, &query) != STOA_OK) {
    return;
  }
  const struct stoa_transcode_request request = {
      .binding = binding, .template = &template, .values = values, .query = query, .body = input};
  memset(&message, 0, sizeof message);
  int status = stoa_transcode_read(&request, &special_type, arena, &message, &error);
  reason_fits(status, &error);
  must(status == STOA_OK || status == STOA_E_TYPE || status == STOA_E_SYNTAX || status == STOA_E_UTF8 ||
       status == STOA_E_LIMIT);
  if (status == STOA_OK) {
    try_message(binding, &message, arena);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  must(special_add_types());
  if (len == 0) {
    return 0;
  }
  struct stoa_arena *arena = stoa_arena_create(ARENA_BYTES_MAX);
  must(arena != NULL);
  try_request(&bindings[data[0] % (sizeof bindings / sizeof bindings[0])], stoa_bytes_make(data + 1, len - 1), arena);
  stoa_arena_destroy(arena);
  return 0;
}
