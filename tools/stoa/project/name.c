#include "project/name.h"

#include <assert.h>
#include <string.h>

/* Keywords of C23, C++ and proto3, reserved targets of Meson, programs of the template, packages of others. */
static const char *const taken[] = {
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "class", "compl", "concept", "const", "consteval", "constexpr", "constinit", "continue", "decltype", "default",
    "delete", "do", "double", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto",
    "if", "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator",
    "or", "or_eq", "private", "protected", "public", "register", "requires", "restrict", "return", "short", "signed",
    "sizeof", "static", "struct", "switch", "template", "this", "throw", "true", "try", "typedef", "typeid", "typename",
    "typeof", "union", "unsigned", "using", "virtual", "void", "volatile", "while", "xor", "xor_eq",
    /* proto3 */
    "bytes", "extend", "extensions", "group", "import", "map", "max", "message", "oneof", "option", "optional",
    "package", "repeated", "required", "reserved", "returns", "rpc", "service", "stream", "string", "syntax", "to",
    "weak",
    /* targets and programs of a build */
    "all", "benchmark", "clean", "coverage", "dist", "install", "reconfigure", "service_test", "test", "uninstall",
    /* packages, and files of the project */
    "api", "configs", "errors", "google", "main", "stoa", "tests", "web"};

static bool is_small(char c) {
  return c >= 'a' && c <= 'z';
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

const char *project_name_problem(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len > PROJECT_NAME_MAX) {
    return "a name has 1 to 40 characters";
  }
  if (!is_small(name[0])) {
    return "a name begins with a small letter";
  }
  for (size_t i = 0; i < len; i++) {
    if (!is_small(name[i]) && !is_digit(name[i]) && name[i] != '_') {
      return "a name has small letters, digits and underscores only, because it becomes a part of C names";
    }
    /* Generated names would have two in a row, or lose one: "a__b", "a_", "a_1". */
    if (name[i] == '_' && !is_small(name[i + 1])) {
      return "a letter follows each underscore";
    }
  }
  for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
    if (strcmp(name, taken[i]) == 0) {
      return "it is a word of C, C++ or Protobuf, or taken by the build or the library";
    }
  }
  return NULL;
}

static char upper(char c) {
  return (char)(is_small(c) ? c - 'a' + 'A' : c);
}

void project_name_camel(const char *name, char out[PROJECT_NAME_MAX + 1]) {
  assert(strlen(name) <= PROJECT_NAME_MAX);
  bool is_first = true;
  for (; *name != '\0'; name++) {
    if (*name != '_') {
      *out = *name;
      if (is_first) {
        *out = upper(*name);
      }
      out++;
    }
    is_first = *name == '_';
  }
  *out = '\0';
}

void project_name_upper(const char *name, char out[PROJECT_NAME_MAX + 1]) {
  assert(strlen(name) <= PROJECT_NAME_MAX);
  for (; *name != '\0'; name++) {
    *out++ = upper(*name);
  }
  *out = '\0';
}
