#include "kind.h"

#include "count.h"

struct kind {
  const char *name;
  enum kind_class class;
  bool is_64_bit;
};

static const struct kind kinds[] = {
    [0] = {"unknown", KIND_CLASS_OTHER, false},  [1] = {"double", KIND_CLASS_REAL, true},
    [2] = {"float", KIND_CLASS_REAL, false},     [3] = {"int64", KIND_CLASS_WHOLE, true},
    [4] = {"uint64", KIND_CLASS_NATURAL, true},  [5] = {"int32", KIND_CLASS_WHOLE, false},
    [6] = {"fixed64", KIND_CLASS_NATURAL, true}, [7] = {"fixed32", KIND_CLASS_NATURAL, false},
    [8] = {"bool", KIND_CLASS_OTHER, false},     [9] = {"string", KIND_CLASS_TEXT, false},
    [10] = {"group", KIND_CLASS_OTHER, false},   [11] = {"message", KIND_CLASS_OTHER, false},
    [12] = {"bytes", KIND_CLASS_TEXT, false},    [13] = {"uint32", KIND_CLASS_NATURAL, false},
    [14] = {"enum", KIND_CLASS_OTHER, false},    [15] = {"sfixed32", KIND_CLASS_WHOLE, false},
    [16] = {"sfixed64", KIND_CLASS_WHOLE, true}, [17] = {"sint32", KIND_CLASS_WHOLE, false},
    [18] = {"sint64", KIND_CLASS_WHOLE, true},
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
