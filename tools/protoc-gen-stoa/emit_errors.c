#include "count.h"
#include "emit.h"
#include "emit_handlers.h"
#include "errors.h"

bool emit_has_errors(const struct model_file *file) {
  for (size_t i = 0; i < file->enum_count; i++) {
    if (file->enums[i].is_errors) {
      return true;
    }
  }
  return false;
}

static void add_constructor(struct text *text, const char *head, const struct model_enum *enumeration,
                            const struct model_enum_value *value, const char *tail) {
  static const char *const arguments[] = {"struct stoa_session *session", "const char *message"};
  text_add_call(text, text_format("%sconst struct stoa_error *%s", head, errors_constructor(enumeration, value)),
                arguments, COUNT(arguments), tail);
}

static void add_formatter(struct text *text, const char *head, const struct model_enum *enumeration,
                          const struct model_enum_value *value, const char *tail) {
  static const char *const arguments[] = {"struct stoa_session *session", "const char *format", "..."};
  text_add_call(text, text_format("%sconst struct stoa_error *%s", head, errors_formatter(enumeration, value)),
                arguments, COUNT(arguments), tail);
}

static void add_test(struct text *text, const char *head, const struct model_enum *enumeration,
                     const struct model_enum_value *value, const char *tail) {
  static const char *const arguments[] = {"const struct stoa_error *error"};
  text_add_call(text, text_format("%sbool %s", head, errors_test(enumeration, value)), arguments, COUNT(arguments),
                tail);
}

static void emit_declarations(struct text *text, const struct model_enum *enumeration,
                              const struct model_enum_value *value) {
  const char *status = value->http_status == 0 ? "" : text_format(", HTTP status %u", value->http_status);
  const char *head = text_format(" Error %d, %s%s.", value->error_code, value->name, status);
  text_add(text, "\n");
  text_add_comment(text, "", emit_with_comment(head, value->place.comment));
  add_constructor(text, "STOA_API ", enumeration, value, ";\n");
  add_formatter(text, "STOA_API ", enumeration, value, "\n");
  text_add(text, "    __attribute__((format(printf, 2, 3)));\n");
  add_test(text, "STOA_API ", enumeration, value, ";\n");
}

static void emit_definitions(struct text *text, const struct model_enum *enumeration,
                             const struct model_enum_value *value) {
  text_add(text, "\n");
  add_constructor(text, "", enumeration, value, " {\n");
  if (value->http_status == 0) {
    text_addf(text, "  return stoa_session_error(session, %d, \"%s\", message);\n}\n\n", value->error_code,
              value->name);
  } else {
    text_addf(text, "  return stoa_error_with_status(session, %d, %u, \"%s\", message);\n}\n\n", value->error_code,
              value->http_status, value->name);
  }
  add_formatter(text, "", enumeration, value, " {\n");
  text_addf(text,
            "  va_list arguments;\n  va_start(arguments, format);\n"
            "  const struct stoa_error *error = stoa_error_format(session, %d, %u, \"%s\", format, arguments);\n"
            "  va_end(arguments);\n  return error;\n}\n\n",
            value->error_code, value->http_status, value->name);
  add_test(text, "", enumeration, value, " {\n");
  text_addf(text, "  static const struct stoa_string reason = STOA_STR(\"%s\");\n", value->name);
  text_addf(text, "  return error != NULL && error->code == %d && stoa_string_equal(error->reason, reason);\n}\n",
            value->error_code);
}

static void for_each_error(struct text *text, const struct model_file *file,
                           void (*emit)(struct text *text, const struct model_enum *enumeration,
                                        const struct model_enum_value *value)) {
  for (size_t e = 0; e < file->enum_count; e++) {
    const struct model_enum *enumeration = &file->enums[e];
    for (size_t i = 0; enumeration->is_errors && i < enumeration->value_count; i++) {
      if (enumeration->values[i].error_code != 0) {
        emit(text, enumeration, &enumeration->values[i]);
      }
    }
  }
}

void emit_errors_header(struct text *text, const struct model_file *file) {
  if (!emit_has_errors(file)) {
    return;
  }
  text_add(text,
           "\nstruct stoa_error;\nstruct stoa_session;\n"
           "\n/* _error_x() makes an error for a handler to return, as stoa_session_error() does; `message` may be "
           "NULL.\n * _errorf_x() formats its message as printf() does, of at most STOA_ERROR_MESSAGE_LEN_MAX bytes.\n"
           " * _is_x() returns whether an error is this one; false for NULL. */\n");
  for_each_error(text, file, emit_declarations);
}

void emit_errors_source(struct text *text, const struct model_file *file) {
  for_each_error(text, file, emit_definitions);
}
