#include "ts_emit.h"
#include "ts_names.h"

static size_t count_calls(const struct model_service *service) {
  size_t count = 0;
  for (size_t i = 0; i < service->method_count; i++) {
    count += !service->methods[i].is_stream;
  }
  return count;
}

bool ts_emit_has_client(const struct model_service *service) {
  return count_calls(service) + service->push_count > 0 && !service->is_admin;
}

static void emit_messages(struct text *text, const struct model_service *service, const struct model_file *file) {
  text_addf(text, "  messages: {%s", service->push_count > 0 ? "\n" : "");
  for (size_t i = 0; i < service->push_count; i++) {
    const struct model_message *message = service->pushes[i];
    text_addf(text, "    %s: [%u, %s],\n", ts_names_property(ts_names_push(message)), message->number,
              ts_names_reference(message->full_name, message->file, file));
  }
  text_add(text, service->push_count > 0 ? "  },\n" : "},\n");
}

static void emit_calls(struct text *text, const struct model_service *service, const struct model_file *file) {
  text_addf(text, "  calls: {%s", count_calls(service) > 0 ? "\n" : "");
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    if (method->is_stream) {
      continue;
    }
    ts_names_comment(text, "    ", problem_comment(&method->place, TS_NAMES_DEPRECATED));
    text_addf(text, "    %s: [%u, %s, %s],\n", ts_names_property(ts_names_call(method)), method->number,
              ts_names_reference(method->input->full_name, method->input->file, file),
              ts_names_reference(method->output->full_name, method->output->file, file));
  }
  text_add(text, count_calls(service) > 0 ? "  },\n" : "},\n");
}

static void emit_service(struct text *text, const struct model_service *service, const struct model_file *file) {
  const char *name = ts_names_stem(service, file);
  text_add(text, "\n");
  ts_names_comment(text, "", problem_comment(&service->place, TS_NAMES_DEPRECATED));
  text_addf(text, "export const %sApi = {\n", name);
  emit_messages(text, service, file);
  emit_calls(text, service, file);
  text_addf(text,
            "} as const;\n"
            "\n"
            "%sexport class %sClient extends stoa.Client<typeof %sApi> {\n"
            "  constructor(url: string, options?: stoa.ClientOptions) {\n"
            "    super(%sApi, url, options);\n"
            "  }\n"
            "}\n",
            service->place.is_deprecated ? "/** @deprecated */\n" : "", name, name, name);
}

void ts_emit_services(struct text *text, const struct model_file *file) {
  for (size_t i = 0; i < file->service_count; i++) {
    const struct model_service *service = &file->services[i];
    if (ts_emit_has_client(service)) {
      emit_service(text, service, file);
    }
  }
}
