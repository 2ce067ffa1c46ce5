#include "count.h"
#include "emit.h"
#include "emit_handlers.h"
#include "names.h"

static const struct emit_side server_side = {.owner = "server",
                                             .infix = "",
                                             .row = "stoa_handler",
                                             .function = "stoa_handler_function",
                                             .from = "session",
                                             .result = "const struct stoa_error *",
                                             .deadline = "before the server starts",
                                             .has_calls = true};

bool emit_has_service(const struct model_file *file) {
  for (size_t i = 0; i < file->service_count; i++) {
    if (emit_has_handlers(&server_side, &file->services[i])) {
      return true;
    }
  }
  return false;
}

/* The functions that send a plain message. */
struct sender {
  const char *verb;
  const char *function;
  const char *parameters[3]; /* before the message; NULL after the last */
  const char *arguments;     /* the first arguments of the call */
};

#define SERVER "struct stoa_server *server"
#define GROUP "struct stoa_string group"
#define EXCEPT "const struct stoa_uuid *except"

static const struct sender senders[] = {
    {"send", "stoa_server_send", {SERVER, "const struct stoa_uuid *session_id"}, "server, session_id"},
    {"push", "stoa_session_send", {"struct stoa_session *session"}, "session"},
    {"broadcast", "stoa_server_broadcast", {SERVER}, "server"},
    {"broadcast_except", "stoa_server_broadcast_except", {SERVER, EXCEPT}, "server, except"},
    {"publish", "stoa_server_publish", {SERVER, GROUP}, "server, group"},
    {"publish_except", "stoa_server_publish_except", {SERVER, GROUP, EXCEPT}, "server, group, except"},
};

static const char *sender_name(const struct model_message *message, const struct sender *sender) {
  return names_join(message->file->prefix, text_format("%s_%s", message->push_c_name, sender->verb));
}

const char *emit_sender_name(const struct model_message *message, size_t index) {
  return index < COUNT(senders) ? sender_name(message, &senders[index]) : NULL;
}

static void add_sender(struct text *text, const char *head, const struct model_message *message,
                       const struct sender *sender, const char *tail) {
  const char *arguments[COUNT(sender->parameters) + 1];
  size_t count = 0;
  while (count < COUNT(sender->parameters) && sender->parameters[count] != NULL) {
    arguments[count] = sender->parameters[count];
    count++;
  }
  arguments[count++] = text_format("const struct %s *message", message->c_name);
  text_add_call(text, text_format("%sint %s", head, sender_name(message, sender)), arguments, count, tail);
}

static void emit_sender_declarations(struct text *text, const struct model_message *message) {
  text_add(text, "\n");
  text_add_comment(text, "", text_format(" Message %u, %s.", message->number, message->name));
  for (size_t i = 0; i < COUNT(senders); i++) {
    add_sender(text, "STOA_API ", message, &senders[i], ";\n");
  }
}

const char *emit_answer_name(const struct model_service *service, const struct model_method *method, const char *verb) {
  return text_format("%s_%s_%s", service->c_name, method->c_name, verb);
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

static size_t count_methods(const struct model_service *service, bool of_streams) {
  size_t count = 0;
  for (size_t i = 0; i < service->method_count; i++) {
    count += service->methods[i].is_stream == of_streams;
  }
  return count;
}

/* The functions for a stream's handle. */
struct stream_function {
  const char *verb;
  bool has_item, has_error;
};

static const struct stream_function stream_functions[] = {
    {"send", true, false}, {"end", false, false}, {"fail", false, true}};

static void add_stream_function(struct text *text, const char *head, const struct model_service *service,
                                const struct model_method *method, const struct stream_function *function,
                                const char *tail) {
  const char *arguments[2] = {"struct stoa_call_stream *stream",
                              function->has_item ? text_format("const struct %s *item", method->output->c_name)
                                                 : "const struct stoa_error *error"};
  text_add_call(text, text_format("%sint %s", head, emit_answer_name(service, method, function->verb)), arguments,
                function->has_item || function->has_error ? 2 : 1, tail);
}

static void emit_stream_declarations(struct text *text, const struct model_service *service) {
  if (count_methods(service, true) == 0) {
    return;
  }
  text_add(
      text,
      "\n/* The handler of a stream gets its handle. When it returns STOA_LATER, the stream goes on: _send() sends an "
      "item,\n * _end() or _fail() ends it, once, all on any thread. Errors: as stoa_call_stream_send(), "
      "stoa_call_stream_end() and\n * stoa_call_stream_fail() of stoa/call_stream.h; the handle is consumed also when "
      "ending gives an error. */\n");
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    if (!method->is_stream) {
      continue;
    }
    text_add(text, "\n");
    text_add_comment(text, "", text_format(" Call %u, rpc %s.", method->number, method->name));
    for (size_t f = 0; f < COUNT(stream_functions); f++) {
      add_stream_function(text, "STOA_API ", service, method, &stream_functions[f], ";\n");
    }
  }
}

static void emit_answer_declarations(struct text *text, const struct model_service *service) {
  if (count_methods(service, false) == 0) {
    return;
  }
  text_add(
      text,
      "\n/* A handler of a call may answer later: it takes the call with stoa_call_take() of stoa/call.h and returns "
      "STOA_LATER.\n * Then one of these two functions completes it, once and on any thread. Errors: as "
      "stoa_call_reply() and\n * stoa_call_fail(); the call is consumed also by an error. */\n");
  for (size_t i = 0; i < service->method_count; i++) {
    const struct model_method *method = &service->methods[i];
    if (method->is_stream) {
      continue;
    }
    text_add(text, "\n");
    text_add_comment(text, "", text_format(" Call %u, rpc %s.", method->number, method->name));
    add_reply(text, "STOA_API ", service, method, ";\n");
    add_fail(text, "STOA_API ", service, method, ";\n");
  }
}

static void emit_service_declarations(struct text *text, const struct model_service *service) {
  if (emit_has_handlers(&server_side, service)) {
    const char *head = " The handlers of a server. When a member is NULL, its type has no handler.";
    emit_handlers_header(text, &server_side, service,
                         emit_with_comment(head, problem_comment(&service->place, EMIT_DEPRECATED)));
  }
  emit_answer_declarations(text, service);
  emit_stream_declarations(text, service);
  if (service->push_count > 0) {
    text_add(text,
             "\n/* _send() sends to one session by its id, _broadcast() to all and _publish() to a group's members, "
             "from any "
             "thread.\n * _broadcast_except() and _publish_except() skip the session with that id. _push() sends to a "
             "session "
             "inside its own\n * callbacks. Errors: as stoa_server_send(), stoa_server_broadcast(), "
             "stoa_server_publish() and\n"
             " * stoa_session_send(). */\n");
  }
  for (size_t i = 0; i < service->push_count; i++) {
    emit_sender_declarations(text, service->pushes[i]);
  }
}

/* In C++ a function of another type is always refused, and the option does not exist. */
static void emit_strict_pointers(struct text *text) {
  text_add(
      text,
      "\n/* A handler whose type differs from its member's is an error. Without this pragma, C compilers before gcc 14 "
      "and\n * clang 16 only warn. It applies from here to the end of the compilation unit. */\n"
      "#if defined(__GNUC__) && !defined(__cplusplus)\n"
      "#pragma GCC diagnostic error \"-Wincompatible-pointer-types\"\n"
      "#endif\n");
}

bool emit_has_streams(const struct model_file *file) {
  bool has_streams = false;
  for (size_t i = 0; i < file->service_count; i++) {
    has_streams = has_streams || count_methods(&file->services[i], true) > 0;
  }
  return has_streams;
}

void emit_service_header(struct text *text, const struct model_file *file) {
  if (!emit_has_service(file)) {
    return;
  }
  text_add(text, emit_has_streams(file) ? "\nstruct stoa_call;\nstruct stoa_call_stream;" : "\nstruct stoa_call;");
  text_add(text, "\nstruct stoa_error;\nstruct stoa_server;\nstruct stoa_session;\nstruct stoa_uuid;\n");
  emit_strict_pointers(text);
  emit_quiet(text, file);
  for (size_t i = 0; i < file->service_count; i++) {
    emit_service_declarations(text, &file->services[i]);
  }
  emit_loud(text, file);
}

static void emit_senders(struct text *text, const struct model_message *message) {
  for (size_t i = 0; i < COUNT(senders); i++) {
    text_add(text, "\n");
    add_sender(text, "", message, &senders[i], " {\n");
    text_addf(text, "  return %s(%s, %u, &%s_type, message);\n}\n", senders[i].function, senders[i].arguments,
              message->number, message->c_name);
  }
}

static void emit_stream(struct text *text, const struct model_service *service, const struct model_method *method) {
  for (size_t f = 0; f < COUNT(stream_functions); f++) {
    const struct stream_function *function = &stream_functions[f];
    const char *more = function->has_item    ? text_format(", &%s_type, item", method->output->c_name)
                       : function->has_error ? ", error"
                                             : "";
    text_add(text, "\n");
    add_stream_function(text, "", service, method, function, " {\n");
    text_addf(text, "  return stoa_call_stream_%s(stream%s);\n}\n", function->verb, more);
  }
}

static void emit_answers(struct text *text, const struct model_service *service, const struct model_method *method) {
  if (method->is_stream) {
    emit_stream(text, service, method);
    return;
  }
  text_add(text, "\n");
  add_reply(text, "", service, method, " {\n");
  text_addf(text, "  return stoa_call_reply(call, &%s_type, reply);\n}\n\n", method->output->c_name);
  add_fail(text, "", service, method, " {\n");
  text_add(text, "  return stoa_call_fail(call, error);\n}\n");
}

void emit_service_source(struct text *text, const struct model_file *file) {
  for (size_t s = 0; s < file->service_count; s++) {
    const struct model_service *service = &file->services[s];
    emit_handlers_source(text, &server_side, service);
    for (size_t i = 0; i < service->method_count; i++) {
      emit_answers(text, service, &service->methods[i]);
    }
    for (size_t i = 0; i < service->push_count; i++) {
      emit_senders(text, service->pushes[i]);
    }
  }
}
