#include "generate.h"

#include <string.h>

#include "collide.h"
#include "count.h"
#include "emit.h"
#include "errors.h"
#include "http.h"
#include "model.h"
#include "names.h"
#include "number.h"
#include "openapi.h"
#include "pool.h"
#include "request.h"
#include "sanity.h"
#include "separate.h"
#include "ts_collide.h"
#include "ts_emit.h"

typedef Google__Protobuf__Compiler__CodeGeneratorRequest request_message;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse response_message;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File response_file;

/* One file for each .proto file: X.proto gives X and the suffix. */
struct output {
  enum option_output option;
  const char *suffix;
  void (*emit)(struct text *text, const struct model_file *file);
  bool (*applies)(const struct model_file *file); /* NULL: to every file */
};

static const struct output outputs[] = {
    {OPTION_OUTPUT_C, ".stoa.h", emit_header, NULL},
    {OPTION_OUTPUT_C, ".stoa.c", emit_source, NULL},
    {OPTION_OUTPUT_CLIENT, ".client.stoa.h", emit_client_header, NULL},
    {OPTION_OUTPUT_CLIENT, ".client.stoa.c", emit_client_source, NULL},
    {OPTION_OUTPUT_TS, ".stoa.ts", ts_emit_file, NULL},
    {OPTION_OUTPUT_MARKDOWN, ".md", emit_markdown, NULL},
    {OPTION_OUTPUT_OPENAPI, ".openapi.json", openapi_emit, http_has},
};

static void emit_file(const struct output *output, const struct model_file *from, response_message *response) {
  struct text content = {0};
  output->emit(&content, from);
  response_file *file = pool_array(1, sizeof *file);
  *file = (response_file)GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FILE__INIT;
  const char *name = text_format("%s%s", names_without_suffix(from->name, ".proto"), output->suffix);
  file->name = pool_copy(name, strlen(name));
  file->content = content.data;
  response->file[response->n_file++] = file;
}

static void emit_files(const struct model *model, response_message *response) {
  response->file = pool_array(COUNT(outputs) * model->file_count, sizeof(response_file *));
  for (size_t i = 0; i < model->file_count; i++) {
    for (size_t o = 0; model->files[i].is_wanted && o < COUNT(outputs); o++) {
      bool applies = outputs[o].applies == NULL || outputs[o].applies(&model->files[i]);
      if (model->options->writes[outputs[o].option] && applies) {
        emit_file(&outputs[o], &model->files[i], response);
      }
    }
  }
}

/* JSON names are always checked. Names of a language are checked only if it is generated: equal names in C do not
 * matter when only TypeScript is wanted. */
static void check_names(const struct model *model, struct problems *problems) {
  const bool *writes = model->options->writes;
  collide_check_json(model, problems);
  if (writes[OPTION_OUTPUT_CLIENT] || writes[OPTION_OUTPUT_C]) {
    collide_check(model, writes[OPTION_OUTPUT_CLIENT], problems);
  }
  if (writes[OPTION_OUTPUT_TS]) {
    ts_collide_check(model, problems);
  }
}

/* The errors for protoc to show, or NULL. */
static const char *fill(const request_message *request, response_message *response) {
  struct options options = {0};
  const char *wrong = options_read(&options, request->parameter);
  if (wrong != NULL) {
    return wrong;
  }
  struct problems problems = {0};
  struct model model = model_build(request, &options, &problems);
  errors_read(&model, &problems);
  number_files(&model, &problems);
  http_read(&model, &problems);
  separate_names(&model);
  check_names(&model, &problems);
  if (problems.count == 0) {
    emit_files(&model, response);
  }
  return problem_summary(&problems);
}

bool generate(const uint8_t *bytes, size_t len, struct generated *out_answer) {
  const request_message *request = request_parse(bytes, len);
  if (request == NULL || !sanity_check(request)) {
    return false;
  }
  response_message response = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
  response.has_supported_features = 1;
  response.supported_features = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FEATURE__FEATURE_PROTO3_OPTIONAL;
  const char *wrong = fill(request, &response);
  if (wrong != NULL) {
    response.error = pool_copy(wrong, strlen(wrong));
  }
  size_t answer_len = google__protobuf__compiler__code_generator_response__get_packed_size(&response);
  out_answer->bytes = pool_array(answer_len, 1);
  out_answer->len = google__protobuf__compiler__code_generator_response__pack(&response, out_answer->bytes);
  return true;
}
