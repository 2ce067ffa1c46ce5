#include "emit_handlers.h"

#include <assert.h>

#include "count.h"
#include "emit.h"
#include "names.h"
#include "pool.h"

/* One member of the struct. */
struct entry {
  const char *about;  /* " Call 3, rpc Join." */
  const char *name;   /* for the log */
  const char *c_name; /* in the names of its types and functions */
  const char *member;
  uint32_t number;
  const struct model_message *message;
  const struct model_message *reply; /* NULL: a plain message */
  bool is_stream;                    /* the replies are a stream */
  bool takes_plain;                  /* a call that may be a plain message too */
  bool is_admin;                     /* only for admin listeners */
  const struct model_http *http;
  size_t http_count;
};

struct entries {
  struct entry *items;
  size_t count;
};

const char *emit_with_comment(const char *head, const char *comment) {
  return comment == NULL ? head : text_format("%s\n%s", head, comment);
}

/* On a server the handler of a plain rpc handles the message too. */
static bool has_own_handler(const struct emit_side *side, const struct model_message *push) {
  return !side->has_calls || push->call == NULL;
}

bool emit_has_handlers(const struct emit_side *side, const struct model_service *service) {
  bool has_handlers = side->has_calls && service->method_count > 0;
  for (size_t i = 0; i < service->push_count && !has_handlers; i++) {
    has_handlers = has_own_handler(side, service->pushes[i]);
  }
  return has_handlers;
}

static struct entry call_entry(const struct model_method *method) {
  const char *more = method->is_stream  ? ", which returns a stream: see stoa/call_stream.h"
                     : method->is_plain ? "; or a plain message, which gets no reply"
                                        : "";
  const char *about = text_format(" Call %u, rpc %s%s.", method->number, method->name, more);
  return (struct entry){.about = emit_with_comment(about, problem_comment(&method->place, EMIT_DEPRECATED)),
                        .name = method->name,
                        .c_name = method->c_name,
                        .member = names_safe(method->c_name),
                        .number = method->number,
                        .message = method->input,
                        .reply = method->output,
                        .is_stream = method->is_stream,
                        .takes_plain = method->is_plain,
                        .http = method->http,
                        .http_count = method->http_count};
}

static struct entry push_entry(const struct model_message *message) {
  return (struct entry){.about = text_format(" Message %u, %s.", message->number, message->name),
                        .name = message->push_name,
                        .c_name = message->push_c_name,
                        .member = names_safe(message->push_c_name),
                        .number = message->number,
                        .message = message};
}

static struct entries entries_of(const struct emit_side *side, const struct model_service *service) {
  struct entries entries = {.items = pool_array(service->method_count + service->push_count, sizeof(struct entry))};
  for (size_t i = 0; side->has_calls && i < service->method_count; i++) {
    entries.items[entries.count] = call_entry(&service->methods[i]);
    entries.items[entries.count++].is_admin = service->is_admin;
  }
  for (size_t i = 0; i < service->push_count; i++) {
    if (has_own_handler(side, service->pushes[i])) {
      entries.items[entries.count++] = push_entry(service->pushes[i]);
    }
  }
  assert((entries.count > 0) == emit_has_handlers(side, service));
  return entries;
}

/* `head` ends in "(*name)": one form for the struct's members and the source's typedefs. */
static void add_pointer(struct text *text, const char *head, const struct emit_side *side, const struct entry *entry) {
  const char *what = entry->reply != NULL ? "request" : "message";
  const char *arguments[4] = {"void *user", text_format("struct stoa_%s *%s", side->from, side->from),
                              text_format("const struct %s *%s", entry->message->c_name, what)};
  if (entry->is_stream) {
    arguments[3] = "struct stoa_call_stream *stream";
  } else if (entry->reply != NULL) {
    arguments[3] = text_format("struct %s *reply", entry->reply->c_name);
  }
  text_add_call(text, head, arguments, entry->reply != NULL ? 4 : 3, ";\n");
}

static void add_register(struct text *text, const char *head, const struct emit_side *side,
                         const struct model_service *service, const char *tail) {
  const char *const arguments[] = {text_format("struct stoa_%s *%s", side->owner, side->owner),
                                   text_format("const struct %s_%shandlers *handlers", service->c_name, side->infix),
                                   "void *user"};
  text_add_call(text, text_format("%sint %s_%sregister", head, service->c_name, side->infix), arguments,
                COUNT(arguments), tail);
}

void emit_handlers_header(struct text *text, const struct emit_side *side, const struct model_service *service,
                          const char *comment) {
  const struct entries entries = entries_of(side, service);
  assert(entries.count > 0);
  text_add(text, "\n");
  text_add_comment(text, "", comment);
  text_addf(text, "struct %s_%shandlers {\n", service->c_name, side->infix);
  for (size_t i = 0; i < entries.count; i++) {
    const struct entry *entry = &entries.items[i];
    text_add_comment(text, "  ", entry->about);
    add_pointer(text, text_format("  %s(*%s)", side->result, entry->member), side, entry);
  }
  text_add(text, "};\n");
  text_addf(text,
            "\n/* Register every handler that is not NULL, %s. `handlers` is borrowed until the call returns,\n"
            " * `user` until the %s is destroyed. Errors: as stoa_%s_handle(); handlers registered before the error "
            "stay. */\n",
            side->deadline, side->owner, side->owner);
  add_register(text, "STOA_API ", side, service, ";\n");
}

static void emit_invoke(struct text *text, const struct emit_side *side, const struct model_service *service,
                        const struct entry *entry) {
  assert(side->has_calls || entry->reply == NULL);
  const char *const arguments[] = {text_format("%s function", side->function), "void *user",
                                   text_format("struct stoa_%s *%s", side->from, side->from), "const void *message",
                                   "void *reply"};
  const char *name = text_format("%s_%s", service->c_name, entry->c_name);
  text_add(text, "\n");
  add_pointer(text, text_format("typedef %s(*%s_function)", side->result, name), side, entry);
  text_add(text, "\n");
  text_add_call(text, text_format("static %s%s_invoke", side->result, name), arguments,
                side->has_calls ? COUNT(arguments) : COUNT(arguments) - 1, " {\n");
  text_add(text, side->has_calls && entry->reply == NULL ? "  (void)reply;\n" : "");
  text_addf(text, "  %s((%s_function)function)(user, %s, message%s);\n}\n", side->has_calls ? "return " : "", name,
            side->from, entry->reply != NULL ? ", reply" : "");
}

static void add_http_member(struct text *text, const char *name, const char *value) {
  if (value != NULL) {
    text_addf(text, ", .%s = ", name);
    text_add_literal(text, value);
  }
}

/* Only a server has routes. */
static bool has_http(const struct emit_side *side, const struct entry *entry) {
  return side->has_calls && entry->http_count > 0;
}

static void emit_http(struct text *text, const struct emit_side *side, const struct model_service *service,
                      const struct entry *entry) {
  if (!has_http(side, entry)) {
    return;
  }
  text_addf(text, "\nstatic const struct stoa_http_binding %s_%s_http[] = {\n", service->c_name, entry->c_name);
  for (size_t i = 0; i < entry->http_count; i++) {
    const struct model_http *http = &entry->http[i];
    text_addf(text, "  {.method = \"%s\"", http->method);
    add_http_member(text, "path", http->path);
    add_http_member(text, "body", http->body);
    add_http_member(text, "response_body", http->response_body);
    text_add(text, "},\n");
  }
  text_add(text, "};\n");
}

static void emit_row(struct text *text, const struct emit_side *side, const struct model_service *service,
                     const struct entry *entry) {
  text_addf(text, "    {\n      .name = \"%s\",\n      .type = %u,\n      .message = &%s_type,\n", entry->name,
            entry->number, entry->message->c_name);
  if (entry->reply != NULL) {
    text_addf(text, "      .reply = &%s_type,\n", entry->reply->c_name);
  }
  text_addf(text, "      .invoke = %s_%s_invoke,\n", service->c_name, entry->c_name);
  text_addf(text, "      .function = (%s)handlers->%s,\n      .user = user,\n", side->function, entry->member);
  if (side->has_calls) {
    text_addf(text, "      .operation = \"/%s/%s\",\n", service->full_name, entry->name);
  }
  if (has_http(side, entry)) {
    text_addf(text, "      .http = %s_%s_http,\n      .http_count = %zu,\n", service->c_name, entry->c_name,
              entry->http_count);
  }
  text_add(text, entry->takes_plain ? "      .takes_plain = true,\n" : "");
  text_add(text, entry->is_admin ? "      .is_admin = true,\n" : "");
  text_add(text, entry->is_stream ? "      .is_stream = true,\n" : "");
  text_add(text, "    },\n");
}

static void emit_register(struct text *text, const struct emit_side *side, const struct model_service *service,
                          const struct entries *entries) {
  text_add(text, "\n");
  add_register(text, "", side, service, " {\n");
  text_addf(text, "  const struct %s all[] = {\n", side->row);
  for (size_t i = 0; i < entries->count; i++) {
    emit_row(text, side, service, &entries->items[i]);
  }
  text_addf(text,
            "  };\n"
            "  for (size_t i = 0; i < sizeof(all) / sizeof(all)[0]; i++) {\n"
            "    int status = all[i].function == NULL ? STOA_OK : stoa_%s_handle(%s, &all[i]);\n"
            "    if (status != STOA_OK) {\n"
            "      return status;\n"
            "    }\n"
            "  }\n"
            "  return STOA_OK;\n"
            "}\n",
            side->owner, side->owner);
}

void emit_handlers_source(struct text *text, const struct emit_side *side, const struct model_service *service) {
  const struct entries entries = entries_of(side, service);
  for (size_t i = 0; i < entries.count; i++) {
    emit_invoke(text, side, service, &entries.items[i]);
    emit_http(text, side, service, &entries.items[i]);
  }
  if (entries.count > 0) {
    emit_register(text, side, service, &entries);
  }
}
