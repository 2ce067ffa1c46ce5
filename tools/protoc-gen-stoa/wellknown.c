#include "wellknown.h"

#include "count.h"

#include <stddef.h>
#include <string.h>

#define FOLDER "google/protobuf/"
#define PACKAGE "google.protobuf."

/* Those of the runtime of TypeScript come first. */
static const char *const files[] = {
    "any",      "duration", "empty",           "field_mask", "struct",         "timestamp",
    "wrappers", "api",      "compiler/plugin", "descriptor", "source_context", "type",
};
#define IN_RUNTIME 7

struct special {
  const char *message;
  enum stoa_special special;
};

static const struct special specials[] = {
    {"Any", STOA_SPECIAL_ANY},
    {"Timestamp", STOA_SPECIAL_TIMESTAMP},
    {"Duration", STOA_SPECIAL_DURATION},
    {"FieldMask", STOA_SPECIAL_FIELD_MASK},
    {"Struct", STOA_SPECIAL_STRUCT},
    {"Value", STOA_SPECIAL_VALUE},
    {"ListValue", STOA_SPECIAL_LIST_VALUE},
    {"Empty", STOA_SPECIAL_EMPTY},
    {"DoubleValue", STOA_SPECIAL_WRAPPER},
    {"FloatValue", STOA_SPECIAL_WRAPPER},
    {"Int64Value", STOA_SPECIAL_WRAPPER},
    {"UInt64Value", STOA_SPECIAL_WRAPPER},
    {"Int32Value", STOA_SPECIAL_WRAPPER},
    {"UInt32Value", STOA_SPECIAL_WRAPPER},
    {"BoolValue", STOA_SPECIAL_WRAPPER},
    {"StringValue", STOA_SPECIAL_WRAPPER},
    {"BytesValue", STOA_SPECIAL_WRAPPER},
};

/* The part after `prefix`, or NULL. */
static const char *part_after(const char *name, const char *prefix) {
  size_t len = strlen(prefix);
  return strncmp(name, prefix, len) == 0 ? name + len : NULL;
}

static bool is_among(const char *file_name, size_t count) {
  const char *name = part_after(file_name, FOLDER);
  for (size_t i = 0; name != NULL && i < count; i++) {
    const char *suffix = part_after(name, files[i]);
    if (suffix != NULL && strcmp(suffix, ".proto") == 0) {
      return true;
    }
  }
  return false;
}

bool wellknown_is_foreign(const char *file_name) {
  return part_after(file_name, FOLDER) != NULL && !is_among(file_name, COUNT(files));
}

bool wellknown_is_in_runtime(const char *file_name) {
  return is_among(file_name, IN_RUNTIME);
}

bool wellknown_is_proto2(const char *file_name) {
  return strcmp(file_name, FOLDER "descriptor.proto") == 0 || strcmp(file_name, FOLDER "compiler/plugin.proto") == 0;
}

enum stoa_special wellknown_special(const char *full_name) {
  const char *name = part_after(full_name, PACKAGE);
  for (size_t i = 0; name != NULL && i < COUNT(specials); i++) {
    if (strcmp(specials[i].message, name) == 0) {
      return specials[i].special;
    }
  }
  return STOA_SPECIAL_NONE;
}

bool wellknown_is_null(const char *full_name) {
  return strcmp(full_name, PACKAGE "NullValue") == 0;
}
