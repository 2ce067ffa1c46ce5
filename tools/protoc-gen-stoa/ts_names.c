#include "ts_names.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "pool.h"
#include "wellknown.h"

/* Keywords, types without a declaration, and names in the generated code; each with a blank on both sides. */
static const char kept_names[] =
    " abstract any arguments as async await bigint boolean break case catch class const continue debugger declare"
    " default delete do else enum eval export exports extends false finally for from function get if implements import"
    " in infer instanceof interface is keyof let module namespace never new null number object of package private"
    " protected public readonly require return satisfies set static stoa string super switch symbol this throw true"
    " try type typeof undefined unique unknown var void while with yield Map Uint8Array ";

/* Members of the runtime's Client, and `then`, which would make a promise of it. */
static const char client_names[] =
    " call close constructor move on onError onState reconnect request retryNow send state then ";

const char *ts_names_camel(const char *name) {
  char *camel = pool_array(strlen(name) + 1, 1);
  size_t len = 0;
  bool is_capital = false;
  for (const char *at = name; *at != '\0'; at++) {
    bool is_small = *at >= 'a' && *at <= 'z';
    if (*at != '_') {
      camel[len++] = (char)(is_capital && is_small ? *at - 'a' + 'A' : *at);
    }
    is_capital = *at == '_';
  }
  return camel;
}

const char *ts_names_property(const char *name) {
  return names_is_identifier(name) ? name : ts_names_literal(name);
}

const char *ts_names_type(const char *full_name, const struct model_file *file) {
  const char *package = text_format("%s.", file->proto->package);
  const char *name = names_identifier(names_without_prefix(full_name, package));
  bool is_kept = strstr(kept_names, text_format(" %s ", name)) != NULL;
  return is_kept ? text_format("%s_", name) : name;
}

const char *ts_names_reference(const char *full_name, const struct model_file *file, const struct model_file *from) {
  const char *name = ts_names_type(full_name, file);
  return file == from ? name : text_format("%s.%s", ts_names_alias(file), name);
}

const char *ts_names_push(const struct model_message *message) {
  return ts_names_camel(message->push_c_name);
}

const char *ts_names_call(const struct model_method *method) {
  return ts_names_camel(names_snake(method->name));
}

const char *ts_names_stream(const struct model_method *method) {
  const char *name = ts_names_call(method);
  bool is_kept = strstr(client_names, text_format(" %s ", name)) != NULL;
  return is_kept ? text_format("%s_", name) : name;
}

/* With a capital at the start, as after an underscore. */
static const char *capital(const char *name) {
  return ts_names_camel(text_format("_%s", name));
}

const char *ts_names_stem(const struct model_service *service, const struct model_file *file) {
  if (file->proto->n_service > 0) {
    return names_without_suffix(service->name, "Service");
  }
  const char *stem = capital(names_identifier(service->name));
  return *stem == '\0' ? stem : names_identifier(stem);
}

const char *ts_names_error(const char *verb, const struct model_enum *enumeration,
                           const struct model_enum_value *value) {
  const char *type = ts_names_type(enumeration->full_name, enumeration->file);
  const char *scope = names_without_suffix(type, text_format("_%s", enumeration->name));
  const char *name = text_format("%s%s", verb, capital(names_snake(value->short_name)));
  return scope == type ? name : text_format("%s_%s", scope, name);
}

bool ts_names_is_own(const struct model_file *file) {
  return wellknown_is_in_runtime(file->name);
}

const char *ts_names_module(const struct model_file *file, const struct model_file *from) {
  if (ts_names_is_own(file)) {
    return "@stoa/client/wkt";
  }
  const char *path = text_format("%s.stoa.js", names_without_suffix(file->name, ".proto"));
  const char *up = strchr(from->name, '/') == NULL ? "./" : "";
  for (const char *at = strchr(from->name, '/'); at != NULL; at = strchr(at + 1, '/')) {
    up = text_format("%s../", up);
  }
  return text_format("%s%s", up, path);
}

const char *ts_names_alias(const struct model_file *file) {
  return ts_names_is_own(file) ? "wkt$"
                               : text_format("%s$", names_identifier(names_without_suffix(file->name, ".proto")));
}

const char *ts_names_literal(const char *raw) {
  struct text literal = {0};
  text_add(&literal, "'");
  for (const char *at = raw; *at != '\0'; at++) {
    unsigned char byte = (unsigned char)*at;
    if (byte == '\'' || byte == '\\') {
      text_addf(&literal, "\\%c", byte);
    } else if (byte < 0x20) {
      text_addf(&literal, "\\x%02x", (unsigned)byte);
    } else {
      text_addf(&literal, "%c", byte);
    }
  }
  text_add(&literal, "'");
  return literal.data;
}

void ts_names_comment(struct text *text, const char *indent, const char *raw) {
  struct text comment = {0};
  text_add_comment(&comment, indent, raw);
  if (comment.data != NULL) {
    /* One more star turns C's block comment into a documentation comment. */
    text_addf(text, "%s/**%s", indent, comment.data + strlen(indent) + strlen("/*"));
  }
}
