#include "ts_emit.h"
#include "ts_names.h"

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
    ts_names_comment(text, "    ", problem_comment(&method->place, TS_NAMES_DEPRECATED));
    text_addf(text, "    readonly %s: readonly [%u, %s, %s];\n", ts_names_property(ts_names_call(method)),
              method->number, type_of(method->input, file), type_of(method->output, file));
  }
  text_add(text, "  };\n");
}

/* The text that the runtime's service() reads, and the types of other files, which its lines number. */
struct service_text {
  struct text lines;
  struct text own;
  size_t own_count;
};

static const char *place_of(struct service_text *out, const struct model_message *message,
                            const struct model_file *file) {
  if (message->file == file) {
    return text_format("m%zu", ts_emit_line_number(message));
  }
  text_addf(&out->own, ", %s", ts_names_reference(message->full_name, message->file, file));
  return text_format("x%zu", out->own_count++);
}

static void add_line(struct service_text *out, const char *name, uint32_t number, const char *types) {
  text_addf(&out->lines, "%s%s %u %s", out->lines.len == 0 ? "" : "\n", name, number, types);
}

static struct service_text service_text(const struct model_service *service, const struct model_file *file) {
  struct service_text out = {0};
  for (size_t i = 0; i < service->push_count; i++) {
    const struct model_message *message = service->pushes[i];
    add_line(&out, ts_names_push(message), message->number, place_of(&out, message, file));
  }
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    const char *input = place_of(&out, method->input, file);
    add_line(&out, ts_names_call(method), method->number,
             text_format("%s %s", input, place_of(&out, method->output, file)));
  }
  return out;
}

static void emit_service(struct text *text, const struct model_service *service, const struct model_file *file) {
  const char *name = ts_names_stem(service, file);
  struct service_text own = service_text(service, file);
  text_add(text, "\n");
  ts_names_comment(text, "", problem_comment(&service->place, TS_NAMES_DEPRECATED));
  text_addf(text, "export interface %sApi {\n", name);
  emit_messages(text, service, file);
  emit_calls(text, service, file);
  text_addf(text,
            "}\n"
            "\n"
            "%sexport const %sApi: %sApi = /* @__PURE__ */ stoa.service(%s, `%s`%s);\n"
            "\n"
            "%sexport class %sClient extends stoa.Client<%sApi> {\n"
            "  constructor(url: string, options?: stoa.ClientOptions) {\n"
            "    super(%sApi, url, options);\n"
            "  }\n"
            "}\n",
            service->place.is_deprecated ? "/** @deprecated */\n" : "", name, name,
            ts_emit_has_types(file) ? "$types" : "stoa.types('')", own.lines.data,
            own.own_count == 0 ? "" : own.own.data, service->place.is_deprecated ? "/** @deprecated */\n" : "", name,
            name, name);
}

void ts_emit_services(struct text *text, const struct model_file *file) {
  for (size_t i = 0; i < file->service_count; i++) {
    const struct model_service *service = &file->services[i];
    if (service->method_count + service->push_count > 0 && !service->is_admin) {
      emit_service(text, service, file);
    }
  }
}
