#include "count.h"
#include "emit.h"
#include "names.h"
#include "pool.h"

/* A service without a member has nothing to handle, and C no empty structs. */
static bool has_members(const struct model_service *service) {
  return service->method_count + service->push_count > 0;
}

bool emit_has_service(const struct model_file *file) {
  for (size_t i = 0; i < file->service_count; i++) {
    if (has_members(&file->services[i])) {
      return true;
    }
  }
  return false;
}

static const char *with_comment(const char *head, const char *comment) {
  return comment == NULL ? head : text_format("%s\n%s", head, comment);
}

/* `head` is "name(" or "(*name)(": one shape for the struct's members and the source's typedefs. */
static void add_push_pointer(struct text *text, const char *head, const struct model_message *message) {
  const char *const arguments[] = {"void *user", "struct stoa_session *session",
                                   text_format("const struct %s *message", message->c_name)};
  text_add_call(text, head, arguments, COUNT(arguments), ";\n");
}

static void add_call_pointer(struct text *text, const char *head, const struct model_method *method) {
  const char *const arguments[] = {"void *user", "struct stoa_session *session",
                                   text_format("const struct %s *request", method->input->c_name),
                                   text_format("struct %s *reply", method->output->c_name)};
  text_add_call(text, head, arguments, COUNT(arguments), ";\n");
}

static void emit_method_member(struct text *text, const struct model_method *method) {
  const char *head = text_format(" Call %u, rpc %s.", method->number, method->name);
  text_add_comment(text, "  ", with_comment(head, method->place.comment));
  add_call_pointer(text, text_format("  const struct stoa_error *(*%s)", method->c_name), method);
}

static void emit_push_member(struct text *text, const struct model_message *message) {
  text_add_comment(text, "  ", text_format(" Message %u, %s.", message->number, message->name));
  const char *member = names_safe(message->push_c_name);
  add_push_pointer(text, text_format("  const struct stoa_error *(*%s)", member), message);
}

static void emit_handlers(struct text *text, const struct model_service *service) {
  const char *head = " What answers clients. A member that is NULL leaves its type without a handler.";
  text_add(text, "\n");
  text_add_comment(text, "", with_comment(head, service->place.comment));
  text_addf(text, "struct %s_handlers {\n", service->c_name);
  for (size_t i = 0; i < service->method_count; i++) {
    emit_method_member(text, &service->methods[i]);
  }
  for (size_t i = 0; i < service->push_count; i++) {
    emit_push_member(text, service->pushes[i]);
  }
  text_add(text, "};\n");
}

static void add_register(struct text *text, const char *head, const struct model_service *service, const char *tail) {
  const char *const arguments[] = {"struct stoa_server *server",
                                   text_format("const struct %s_handlers *handlers", service->c_name), "void *user"};
  text_add_call(text, text_format("%sint %s_register", head, service->c_name), arguments, COUNT(arguments), tail);
}

static void emit_register_declaration(struct text *text, const struct model_service *service) {
  text_add(text,
           "\n/* Register all that are not NULL, before the server starts. `handlers` is borrowed until the call "
           "returns, `user`\n * until the server is destroyed. Errors as stoa_server_handle() tells; those before the "
           "failing one stay. */\n");
  add_register(text, "STOA_API ", service, ";\n");
}

/* The four ways a plain message goes out. */
struct sender {
  const char *verb;
  const char *function;
  const char *target;    /* the first parameter */
  const char *detail;    /* the second one, or NULL */
  const char *arguments; /* what the call starts with */
};

static const struct sender senders[] = {
    {"send", "stoa_server_send", "struct stoa_server *server", "const struct stoa_uuid *session_id",
     "server, session_id"},
    {"push", "stoa_session_send", "struct stoa_session *session", NULL, "session"},
    {"broadcast", "stoa_server_broadcast", "struct stoa_server *server", NULL, "server"},
    {"publish", "stoa_server_publish", "struct stoa_server *server", "struct stoa_string group", "server, group"},
};

static void add_sender(struct text *text, const char *head, const struct model_message *message,
                       const struct sender *sender, const char *tail) {
  const char *arguments[3];
  size_t count = 0;
  arguments[count++] = sender->target;
  if (sender->detail != NULL) {
    arguments[count++] = sender->detail;
  }
  arguments[count++] = text_format("const struct %s *message", message->c_name);
  const char *name = names_join(message->file->prefix, text_format("%s_%s", message->push_c_name, sender->verb));
  text_add_call(text, text_format("%sint %s", head, name), arguments, count, tail);
}

static void emit_sender_declarations(struct text *text, const struct model_message *message) {
  text_add(text, "\n");
  text_add_comment(text, "", text_format(" Message %u, %s.", message->number, message->name));
  for (size_t i = 0; i < COUNT(senders); i++) {
    add_sender(text, "STOA_API ", message, &senders[i], ";\n");
  }
}

const char *emit_answer_name(const struct model_service *service, const struct model_method *method, const char *verb) {
  return text_format("%s_%s_%s", service->c_name, names_snake(method->name), verb);
}

static void add_reply(struct text *text, const char *head, const struct model_service *service,
                      const struct model_method *method, const char *tail) {
  const char *const arguments[] = {"struct stoa_call *call",
                                   text_format("const struct %s *reply", method->output->c_name)};
  text_add_call(text, text_format("%sint %s", head, emit_answer_name(service, method, "reply")), arguments,
                COUNT(arguments), tail);
}

static void add_fail(struct text *text, const char *head, const struct model_service *service,
                     const struct model_method *method, const char *tail) {
  static const char *const arguments[] = {"struct stoa_call *call", "const struct stoa_error *error"};
  text_add_call(text, text_format("%sint %s", head, emit_answer_name(service, method, "fail")), arguments,
                COUNT(arguments), tail);
}

static void emit_answer_declarations(struct text *text, const struct model_service *service) {
  if (service->method_count == 0) {
    return;
  }
  text_add(
      text,
      "\n/* A handler of a call may answer later: it takes the call by stoa_call_take() of stoa/call.h and returns "
      "STOA_LATER,\n * and one of these two completes it, once and on any thread. Errors as stoa_call_reply() and "
      "stoa_call_fail() tell;\n * the call is consumed by all of them. */\n");
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    text_add(text, "\n");
    text_add_comment(text, "", text_format(" Call %u, rpc %s.", method->number, method->name));
    add_reply(text, "STOA_API ", service, method, ";\n");
    add_fail(text, "STOA_API ", service, method, ";\n");
  }
}

static void emit_service_declarations(struct text *text, const struct model_service *service) {
  if (has_members(service)) {
    emit_handlers(text, service);
    emit_register_declaration(text, service);
  }
  emit_answer_declarations(text, service);
  if (service->push_count > 0) {
    text_add(
        text,
        "\n/* _send() goes to one session by its id, _broadcast() to all and _publish() to a group's members, from "
        "any thread;\n * _push() goes to a session inside its own callbacks. Errors as stoa_server_send(), "
        "stoa_server_broadcast(),\n * stoa_server_publish() and stoa_session_send() tell. */\n");
  }
  for (size_t i = 0; i < service->push_count; i++) {
    emit_sender_declarations(text, service->pushes[i]);
  }
}

/* C++ refuses a function of another type by itself, and does not know the option. */
static void emit_strict_pointers(struct text *text) {
  text_add(text,
           "\n/* A handler of another type than its member's is an error. Without this, C compilers before gcc 14 and "
           "clang 16 only\n * warn. It holds from here to the end of what is compiled. */\n"
           "#if defined(__GNUC__) && !defined(__cplusplus)\n"
           "#pragma GCC diagnostic error \"-Wincompatible-pointer-types\"\n"
           "#endif\n");
}

void emit_service_header(struct text *text, const struct model_file *file) {
  if (!emit_has_service(file)) {
    return;
  }
  text_add(text,
           "\nstruct stoa_call;\nstruct stoa_error;\nstruct stoa_server;\nstruct stoa_session;\nstruct stoa_uuid;\n");
  emit_strict_pointers(text);
  for (size_t i = 0; i < file->service_count; i++) {
    emit_service_declarations(text, &file->services[i]);
  }
}

static void open_invoke(struct text *text, const char *name) {
  static const char *const arguments[] = {"stoa_handler_function function", "void *user",
                                          "struct stoa_session *session", "const void *message", "void *reply"};
  text_add_call(text, text_format("static const struct stoa_error *%s_invoke", name), arguments, COUNT(arguments),
                " {\n");
}

static void emit_method_invoke(struct text *text, const struct model_service *service,
                               const struct model_method *method) {
  const char *name = text_format("%s_%s", service->c_name, method->c_name);
  text_add(text, "\n");
  add_call_pointer(text, text_format("typedef const struct stoa_error *(*%s_function)", name), method);
  text_add(text, "\n");
  open_invoke(text, name);
  text_addf(text, "  return ((%s_function)function)(user, session, message, reply);\n}\n", name);
}

static void emit_push_invoke(struct text *text, const struct model_service *service,
                             const struct model_message *message) {
  const char *name = text_format("%s_%s", service->c_name, message->push_c_name);
  text_add(text, "\n");
  add_push_pointer(text, text_format("typedef const struct stoa_error *(*%s_function)", name), message);
  text_add(text, "\n");
  open_invoke(text, name);
  text_addf(text, "  (void)reply;\n  return ((%s_function)function)(user, session, message);\n}\n", name);
}

/* One row of the register function's table. `reply` may be NULL. */
static void emit_row(struct text *text, const char *name, uint32_t number, const char *message, const char *reply) {
  text_addf(text, "      .name = \"%s\",\n      .type = %u,\n      .message = &%s_type,\n", name, number, message);
  if (reply != NULL) {
    text_addf(text, "      .reply = &%s_type,\n", reply);
  }
}

static void emit_row_function(struct text *text, const struct model_service *service, const char *invoke,
                              const char *member) {
  text_addf(text, "      .invoke = %s_%s_invoke,\n", service->c_name, invoke);
  text_addf(text, "      .function = (stoa_handler_function)handlers->%s,\n      .user = user,\n    },\n", member);
}

static void emit_register(struct text *text, const struct model_service *service) {
  text_add(text, "\n");
  add_register(text, "", service, " {\n");
  text_add(text, "  const struct stoa_handler all[] = {\n");
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    text_add(text, "    {\n");
    emit_row(text, method->name, method->number, method->input->c_name, method->output->c_name);
    emit_row_function(text, service, method->c_name, method->c_name);
  }
  for (size_t i = 0; i < service->push_count; i++) {
    const struct model_message *message = service->pushes[i];
    text_add(text, "    {\n");
    emit_row(text, message->push_name, message->number, message->c_name, NULL);
    emit_row_function(text, service, message->push_c_name, names_safe(message->push_c_name));
  }
  text_add(text,
           "  };\n"
           "  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {\n"
           "    int status = all[i].function == NULL ? STOA_OK : stoa_server_handle(server, &all[i]);\n"
           "    if (status != STOA_OK) {\n"
           "      return status;\n"
           "    }\n"
           "  }\n"
           "  return STOA_OK;\n"
           "}\n");
}

static void emit_senders(struct text *text, const struct model_message *message) {
  for (size_t i = 0; i < COUNT(senders); i++) {
    text_add(text, "\n");
    add_sender(text, "", message, &senders[i], " {\n");
    text_addf(text, "  return %s(%s, %u, &%s_type, message);\n}\n", senders[i].function, senders[i].arguments,
              message->number, message->c_name);
  }
}

static void emit_answers(struct text *text, const struct model_service *service, const struct model_method *method) {
  text_add(text, "\n");
  add_reply(text, "", service, method, " {\n");
  text_addf(text, "  return stoa_call_reply(call, &%s_type, reply);\n}\n\n", method->output->c_name);
  add_fail(text, "", service, method, " {\n");
  text_add(text, "  return stoa_call_fail(call, error);\n}\n");
}

void emit_service_source(struct text *text, const struct model_file *file) {
  for (size_t s = 0; s < file->service_count; s++) {
    const struct model_service *service = &file->services[s];
    for (size_t i = 0; i < service->method_count; i++) {
      emit_method_invoke(text, service, &service->methods[i]);
    }
    for (size_t i = 0; i < service->push_count; i++) {
      emit_push_invoke(text, service, service->pushes[i]);
    }
    if (has_members(service)) {
      emit_register(text, service);
    }
    for (size_t i = 0; i < service->method_count; i++) {
      emit_answers(text, service, &service->methods[i]);
    }
    for (size_t i = 0; i < service->push_count; i++) {
      emit_senders(text, service->pushes[i]);
    }
  }
}
