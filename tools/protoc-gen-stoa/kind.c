#include "kind.h"

#include "count.h"

struct kind {
  const char *name;
  enum kind_class class;
  bool is_64_bit;
};

static const struct kind kinds[] = {
    [0] = {"unknown", KIND_CLASS_OTHER, false},
    [STOA_KIND_DOUBLE] = {"double", KIND_CLASS_REAL, true},
    [STOA_KIND_FLOAT] = {"float", KIND_CLASS_REAL, false},
    [STOA_KIND_INT64] = {"int64", KIND_CLASS_WHOLE, true},
    [STOA_KIND_UINT64] = {"uint64", KIND_CLASS_NATURAL, true},
    [STOA_KIND_INT32] = {"int32", KIND_CLASS_WHOLE, false},
    [STOA_KIND_FIXED64] = {"fixed64", KIND_CLASS_NATURAL, true},
    [STOA_KIND_FIXED32] = {"fixed32", KIND_CLASS_NATURAL, false},
    [STOA_KIND_BOOL] = {"bool", KIND_CLASS_OTHER, false},
    [STOA_KIND_STRING] = {"string", KIND_CLASS_TEXT, false},
    [KIND_GROUP] = {"group", KIND_CLASS_OTHER, false},
    [STOA_KIND_MESSAGE] = {"message", KIND_CLASS_OTHER, false},
    [STOA_KIND_BYTES] = {"bytes", KIND_CLASS_TEXT, false},
    [STOA_KIND_UINT32] = {"uint32", KIND_CLASS_NATURAL, false},
    [STOA_KIND_ENUM] = {"enum", KIND_CLASS_OTHER, false},
    [STOA_KIND_SFIXED32] = {"sfixed32", KIND_CLASS_WHOLE, false},
    [STOA_KIND_SFIXED64] = {"sfixed64", KIND_CLASS_WHOLE, true},
    [STOA_KIND_SINT32] = {"sint32", KIND_CLASS_WHOLE, false},
    [STOA_KIND_SINT64] = {"sint64", KIND_CLASS_WHOLE, true},
};

static const struct kind *find(uint32_t kind) {
  return &kinds[kind < COUNT(kinds) ? kind : 0];
}

enum kind_class kind_class(uint32_t kind) {
  return find(kind)->class;
}

bool kind_is_64_bit(uint32_t kind) {
  return find(kind)->is_64_bit;
}

const char *kind_name(uint32_t kind) {
  return find(kind)->name;
}
