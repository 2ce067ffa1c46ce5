/* kind.h: the kinds of fields: those of enum stoa_field_kind, and groups. */
#ifndef PLUGIN_KIND_H
#define PLUGIN_KIND_H

#include <stdbool.h>
#include <stdint.h>
#include <stoa/descriptor.h>

enum kind_class {
  KIND_CLASS_WHOLE,   /* int32, int64 and their sint and sfixed */
  KIND_CLASS_NATURAL, /* uint32, uint64, fixed32, fixed64 */
  KIND_CLASS_REAL,
  KIND_CLASS_TEXT, /* string and bytes */
  KIND_CLASS_OTHER
};

/* Groups do not exist in proto3, and stoa/descriptor.h has no constant for them. */
#define KIND_GROUP 10

enum kind_class kind_class(uint32_t kind);
bool kind_is_64_bit(uint32_t kind);
/* The name in a .proto file: "uint32"; "message" and "enum" for these. */
const char *kind_name(uint32_t kind);

#endif
