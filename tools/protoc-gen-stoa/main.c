/* protoc-gen-stoa: C structs, tables, typed handlers and senders from .proto files.
 *
 *   protoc --plugin=protoc-gen-stoa=PATH --stoa_out=DIR -I api api/chatroom/v1/chatroom.proto
 *
 * writes DIR/chatroom/v1/chatroom.stoa.h and .c. protoc starts this program, hands it the parsed files on standard
 * input and takes the generated ones from standard output.
 */
#include <stdio.h>
#include <string.h>

#include "collide.h"
#include "emit.h"
#include "model.h"
#include "number.h"
#include "pool.h"
#include "request.h"

typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File response_file;

static response_file *make_file(const char *name, const struct text *content) {
  response_file *file = pool_array(1, sizeof *file);
  *file = (response_file)GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FILE__INIT;
  file->name = pool_copy(name, strlen(name));
  file->content = content->data;
  return file;
}

static void emit_files(const struct model *model, Google__Protobuf__Compiler__CodeGeneratorResponse *response) {
  response->file = pool_array(2 * model->file_count, sizeof(response_file *));
  for (size_t i = 0; i < model->file_count; i++) {
    const struct model_file *file = &model->files[i];
    if (!file->is_wanted) {
      continue;
    }
    struct text header = {0};
    struct text source = {0};
    emit_header(&header, file);
    emit_source(&source, file);
    response->file[response->n_file++] = make_file(text_format("%s.h", file->out_name), &header);
    response->file[response->n_file++] = make_file(text_format("%s.c", file->out_name), &source);
  }
}

static const char *generate(const Google__Protobuf__Compiler__CodeGeneratorRequest *request,
                            Google__Protobuf__Compiler__CodeGeneratorResponse *response) {
  if (request->parameter != NULL && *request->parameter != '\0') {
    return text_format("unknown parameter \"%s\": there are none", request->parameter);
  }
  struct problems problems = {0};
  struct model model = model_build(request, &problems);
  number_files(&model, &problems);
  collide_check(&model, &problems);
  if (problems.count == 0) {
    emit_files(&model, response);
  }
  return problem_summary(&problems);
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    pool_die("protoc starts this program: protoc --plugin=protoc-gen-stoa=PATH --stoa_out=DIR FILE.proto");
  }
  Google__Protobuf__Compiler__CodeGeneratorResponse response =
      GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
  response.has_supported_features = 1;
  response.supported_features = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FEATURE__FEATURE_PROTO3_OPTIONAL;
  const char *wrong = generate(request_read(), &response);
  if (wrong != NULL) {
    response.error = pool_copy(wrong, strlen(wrong));
  }
  request_answer(&response);
  return 0;
}
