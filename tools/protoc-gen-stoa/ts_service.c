#include "ts_emit.h"
#include "ts_names.h"

bool ts_emit_has_client(const struct model_service *service) {
  return service->method_count + service->push_count > 0 && !service->is_admin;
}

static const char *type_of(const struct model_message *message, const struct model_file *file) {
  return text_format("stoa.Type<%s>", ts_names_reference(message->full_name, message->file, file));
}

static void emit_messages(struct text *text, const struct model_service *service, const struct model_file *file) {
  text_add(text, "  readonly messages: {\n");
  for (size_t i = 0; i < service->push_count; i++) {
    const struct model_message *message = service->pushes[i];
    text_addf(text, "    readonly %s: readonly [%u, %s];\n", ts_names_property(ts_names_push(message)), message->number,
              type_of(message, file));
  }
  text_add(text, "  };\n");
}

static void emit_calls(struct text *text, const struct model_service *service, const struct model_file *file) {
  text_add(text, "  readonly calls: {\n");
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    if (method->is_stream) {
      continue;
    }
    ts_names_comment(text, "    ", problem_comment(&method->place, TS_NAMES_DEPRECATED));
    text_addf(text, "    readonly %s: readonly [%u, %s, %s];\n", ts_names_property(ts_names_call(method)),
              method->number, type_of(method->input, file), type_of(method->output, file));
  }
  text_add(text, "  };\n");
}

static void add_line(struct text *lines, const char *name, uint32_t number, const char *types) {
  text_addf(lines, "%s%s %u %s", lines->len == 0 ? "" : "\n", name, number, types);
}

/* As the runtime's service() reads them. */
static struct text lines_of(const struct model_service *service, struct ts_own *own, const struct model_file *file) {
  struct text lines = {0};
  for (size_t i = 0; i < service->push_count; i++) {
    const struct model_message *message = service->pushes[i];
    add_line(&lines, ts_names_push(message), message->number, ts_own_message(own, message, file));
  }
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    if (method->is_stream) {
      continue;
    }
    const char *input = ts_own_message(own, method->input, file);
    const char *output = ts_own_message(own, method->output, file);
    add_line(&lines, ts_names_call(method), method->number, text_format("%s %s", input, output));
  }
  return lines;
}

/* Only here the runtime's stream() is named: a bundle of a program without streams does not have it. */
static void emit_streams(struct text *text, const struct model_service *service, const struct model_file *file) {
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    if (!method->is_stream) {
      continue;
    }
    const char *input = ts_names_reference(method->input->full_name, method->input->file, file);
    const char *output = ts_names_reference(method->output->full_name, method->output->file, file);
    text_add(text, "\n");
    ts_names_comment(text, "  ", problem_comment(&method->place, TS_NAMES_DEPRECATED));
    text_addf(text,
              "  %s(request: stoa.Init<%s>, options?: stoa.StreamOptions): stoa.Stream<%s> {\n"
              "    return stoa.stream(this, [%u, %s, %s], request, options);\n"
              "  }\n",
              ts_names_property(ts_names_stream(method)), input, output, method->number, input, output);
  }
}

static void emit_service(struct text *text, struct ts_own *own, const struct model_service *service,
                         const struct model_file *file) {
  const char *name = ts_names_stem(service, file);
  const char *deprecated = service->place.is_deprecated ? "/** @deprecated */\n" : "";
  struct text lines = lines_of(service, own, file);
  text_add(text, "\n");
  ts_names_comment(text, "", problem_comment(&service->place, TS_NAMES_DEPRECATED));
  text_addf(text, "export interface %sApi {\n", name);
  emit_messages(text, service, file);
  emit_calls(text, service, file);
  const char *api = lines.len == 0 ? "{ messages: {}, calls: {} }"
                                   : text_format("/* @__PURE__ */ stoa.service($types, `%s`)", lines.data);
  text_addf(text,
            "}\n"
            "\n"
            "%sexport const %sApi: %sApi = %s;\n"
            "\n"
            "%sexport class %sClient extends stoa.Client<%sApi> {\n"
            "  constructor(url: string, options?: stoa.ClientOptions) {\n"
            "    super(%sApi, url, options);\n"
            "  }\n",
            deprecated, name, name, api, deprecated, name, name, name);
  emit_streams(text, service, file);
  text_add(text, "}\n");
}

void ts_emit_services(struct text *text, struct ts_own *own, const struct model_file *file) {
  for (size_t i = 0; i < file->service_count; i++) {
    const struct model_service *service = &file->services[i];
    if (ts_emit_has_client(service)) {
      emit_service(text, own, service, file);
    }
  }
}
