/* X.client.stoa.h and .c: the code with which a client sends and receives the file's messages. They are separate files,
 * so that a server does not contain the client's code, nor a client the server's. */
#include "count.h"
#include "emit.h"
#include "emit_handlers.h"
#include "names.h"

static const struct emit_side client_side = {.owner = "client",
                                             .infix = "client_",
                                             .row = "stoa_client_handler",
                                             .function = "stoa_client_function",
                                             .from = "client",
                                             .result = "void ",
                                             .deadline = "before the client is opened",
                                             .has_calls = false};

const char *emit_client_sender_name(const struct model_message *message) {
  return names_join(message->file->prefix, text_format("client_send_%s", message->push_c_name));
}

static void add_sender(struct text *text, const char *head, const struct model_message *message, const char *tail) {
  const char *const arguments[] = {"struct stoa_client *client",
                                   text_format("const struct %s *message", message->c_name)};
  text_add_call(text, text_format("%sint %s", head, emit_client_sender_name(message)), arguments, COUNT(arguments),
                tail);
}

const char *emit_client_reply_type(const struct model_service *service, const struct model_method *method) {
  return text_format("%s_client_on_%s", service->c_name, method->c_name);
}

const char *emit_client_caller_name(const struct model_service *service, const struct model_method *method) {
  return text_format("%s_client_call_%s", service->c_name, method->c_name);
}

const char *emit_client_end_name(const struct model_service *service, const struct model_method *method) {
  return text_format("%s_%s_%s", service->c_name, method->c_name, method->is_stream ? "item" : "end");
}

static void emit_item_pointer(struct text *text, const struct model_service *service,
                              const struct model_method *method) {
  const char *const arguments[] = {"void *user", "struct stoa_client *client",
                                   text_format("const struct %s *item", method->output->c_name)};
  text_add_call(text, text_format("typedef void (*%s)", emit_client_reply_type(service, method)), arguments,
                COUNT(arguments), ";\n");
}

static void add_stream_caller(struct text *text, const char *head, const struct model_service *service,
                              const struct model_method *method, const char *tail) {
  const char *const arguments[] = {"struct stoa_client *client",
                                   text_format("const struct %s *request", method->input->c_name),
                                   text_format("%s on_item", emit_client_reply_type(service, method)),
                                   "stoa_client_on_end *on_end",
                                   "void *user",
                                   "uint32_t *out_call_id"};
  text_add_call(text, text_format("%sint %s", head, emit_client_caller_name(service, method)), arguments,
                COUNT(arguments), tail);
}

static void emit_reply_pointer(struct text *text, const struct model_service *service,
                               const struct model_method *method) {
  const char *const arguments[] = {"void *user", "struct stoa_client *client",
                                   text_format("const struct %s *reply", method->output->c_name),
                                   "const struct stoa_call_end *end"};
  text_add_call(text, text_format("typedef void (*%s)", emit_client_reply_type(service, method)), arguments,
                COUNT(arguments), ";\n");
}

static void add_caller(struct text *text, const char *head, const struct model_service *service,
                       const struct model_method *method, const char *tail) {
  const char *const arguments[] = {"struct stoa_client *client",
                                   text_format("const struct %s *request", method->input->c_name),
                                   "uint32_t timeout_ms",
                                   text_format("%s on_reply", emit_client_reply_type(service, method)),
                                   "void *user",
                                   "uint32_t *out_call_id"};
  text_add_call(text, text_format("%sint %s", head, emit_client_caller_name(service, method)), arguments,
                COUNT(arguments), tail);
}

static void emit_push_declarations(struct text *text, const struct model_service *service) {
  emit_handlers_header(text, &client_side, service,
                       " The handlers of a client. When a member is NULL, its type has no handler.");
  text_add(text, "\n/* Send to the server. Errors: as stoa_client_send(). */\n");
  for (size_t i = 0; i < service->push_count; i++) {
    add_sender(text, "STOA_API ", service->pushes[i], ";\n");
  }
}

static void emit_about_call(struct text *text, const struct model_method *method) {
  text_add(text, "\n");
  text_add_comment(text, "",
                   emit_with_comment(text_format(" Call %u, rpc %s.", method->number, method->name),
                                     problem_comment(&method->place, EMIT_DEPRECATED)));
}

static size_t count_streams(const struct model_service *service) {
  size_t count = 0;
  for (size_t i = 0; i < service->method_count; i++) {
    count += service->methods[i].is_stream;
  }
  return count;
}

static void emit_stream_declarations(struct text *text, const struct model_service *service) {
  if (count_streams(service) == 0) {
    return;
  }
  text_add(
      text,
      "\n/* Call the server for a stream. `on_item` is called for each item and may be NULL, then `on_end` once (see "
      "stoa_client_stream()).\n * `out_call_id` may be NULL. Errors: as stoa_client_stream(); nothing is called "
      "after an error. */\n");
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    if (method->is_stream) {
      emit_about_call(text, method);
      emit_item_pointer(text, service, method);
      add_stream_caller(text, "STOA_API ", service, method, text_format("%s;\n", emit_attribute(&method->place)));
    }
  }
}

static void emit_call_declarations(struct text *text, const struct model_service *service) {
  if (count_streams(service) == service->method_count) {
    return;
  }
  text_add(
      text,
      "\n/* Call the server. `on_reply` is called once (see stoa_client_call()): `reply` is NULL unless the result is\n"
      " * STOA_CALL_REPLY; otherwise `end` has the reason. `out_call_id` may be NULL. Errors: as stoa_client_call();\n"
      " * `on_reply` is not called after an error. */\n");
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    if (!method->is_stream) {
      emit_about_call(text, method);
      emit_reply_pointer(text, service, method);
      add_caller(text, "STOA_API ", service, method, text_format("%s;\n", emit_attribute(&method->place)));
    }
  }
}

void emit_client_header(struct text *text, const struct model_file *file) {
  const char *name = names_without_suffix(file->out_name, ".stoa");
  const char *guard = names_upper(names_identifier(text_format("%s.client.stoa.h", name)));
  emit_banner(text, file, problem_comment(&file->place, EMIT_DEPRECATED));
  text_addf(text, "#ifndef %s\n#define %s\n\n#include <%s.h>\n#include <stoa/client.h>\n", guard, guard,
            file->out_name);
  text_add(text, "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
  emit_quiet(text, file);
  for (size_t i = 0; i < file->service_count; i++) {
    if (emit_has_handlers(&client_side, &file->services[i])) {
      emit_push_declarations(text, &file->services[i]);
    }
    if (file->services[i].method_count > 0 && !file->services[i].is_admin) {
      emit_call_declarations(text, &file->services[i]);
      emit_stream_declarations(text, &file->services[i]);
    }
  }
  emit_loud(text, file);
  text_add(text, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

static void emit_sender(struct text *text, const struct model_message *message) {
  text_add(text, "\n");
  add_sender(text, "", message, " {\n");
  text_addf(text, "  return stoa_client_send(client, %u, &%s_type, message);\n}\n", message->number, message->c_name);
}

static void emit_stream_caller(struct text *text, const struct model_service *service,
                               const struct model_method *method) {
  static const char *const arguments[] = {"stoa_client_function function", "void *user", "struct stoa_client *client",
                                          "const void *item"};
  const char *invoke = emit_client_end_name(service, method);
  text_add(text, "\n");
  text_add_call(text, text_format("static void %s", invoke), arguments, COUNT(arguments), " {\n");
  text_addf(text, "  ((%s)function)(user, client, item);\n}\n\n", emit_client_reply_type(service, method));
  add_stream_caller(text, "", service, method, " {\n");
  text_addf(text,
            "  const struct stoa_client_stream_start start = {\n      .type = %u,\n      .request_type = &%s_type,\n",
            method->number, method->input->c_name);
  text_addf(text, "      .request = request,\n      .item_type = &%s_type,\n", method->output->c_name);
  text_addf(text, "      .invoke = on_item == NULL ? NULL : %s,\n", invoke);
  text_add(text,
           "      .function = (stoa_client_function)on_item,\n      .on_end = on_end,\n      .user = user,\n  };\n"
           "  return stoa_client_stream(client, &start, out_call_id);\n}\n");
}

static void emit_caller(struct text *text, const struct model_service *service, const struct model_method *method) {
  static const char *const arguments[] = {"stoa_client_function function", "void *user", "struct stoa_client *client",
                                          "const struct stoa_call_end *end"};
  const char *invoke = emit_client_end_name(service, method);
  text_add(text, "\n");
  text_add_call(text, text_format("static void %s", invoke), arguments, COUNT(arguments), " {\n");
  text_addf(text, "  ((%s)function)(user, client, end->message, end);\n}\n\n", emit_client_reply_type(service, method));
  add_caller(text, "", service, method, " {\n");
  text_addf(text, "  const struct stoa_call_start call = {\n      .type = %u,\n      .request_type = &%s_type,\n",
            method->number, method->input->c_name);
  text_addf(text, "      .request = request,\n      .reply_type = &%s_type,\n", method->output->c_name);
  text_addf(text, "      .timeout_ms = timeout_ms,\n      .invoke = on_reply == NULL ? NULL : %s,\n", invoke);
  text_add(text,
           "      .function = (stoa_client_function)on_reply,\n      .user = user,\n  };\n"
           "  return stoa_client_call(client, &call, out_call_id);\n}\n");
}

void emit_client_source(struct text *text, const struct model_file *file) {
  emit_banner(text, file, NULL);
  text_addf(text, "#include <%s.client.stoa.h>\n", names_without_suffix(file->out_name, ".stoa"));
  emit_quiet_source(text, file);
  for (size_t s = 0; s < file->service_count; s++) {
    const struct model_service *service = &file->services[s];
    emit_handlers_source(text, &client_side, service);
    for (size_t i = 0; i < service->push_count; i++) {
      emit_sender(text, service->pushes[i]);
    }
    for (size_t i = 0; i < service->method_count && !service->is_admin; i++) {
      const struct model_method *method = &service->methods[i];
      (method->is_stream ? emit_stream_caller : emit_caller)(text, service, method);
    }
  }
}
