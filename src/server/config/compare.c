#include "server/config/compare.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "codec/table.h"
#include "server/config/config.h"

/* Larger than the struct of any section, so that a section that is left out can be compared as one of zeros. */
static const _Alignas(16) uint8_t nothing[4096];

struct walk {
  const struct stoa_config_comparison *comparison;
  bool differs; /* with a comparison of NULL: only this is wanted */
};

static void compare(struct walk *walk, const struct stoa_message_type *type, const char *path, const void *one,
                    const void *other, unsigned depth);

static bool is_whole(const struct walk *walk, const char *path, unsigned depth) {
  const struct stoa_config_comparison *comparison = walk->comparison;
  return depth == STOA_CONFIG_DEPTH_MAX ||
         (comparison != NULL && comparison->is_whole != NULL && comparison->is_whole(comparison->context, path));
}

static void note(struct walk *walk, const char *path) {
  walk->differs = true;
  if (walk->comparison != NULL) {
    walk->comparison->on_difference(walk->comparison->context, path);
  }
}

/* Anything at all. */
static bool is_other(const struct stoa_message_type *type, const void *one, const void *other, unsigned depth) {
  struct walk walk = {.comparison = NULL};
  if (depth < STOA_CONFIG_DEPTH_MAX) {
    compare(&walk, type, "", one, other, depth + 1);
  }
  return walk.differs;
}

static bool is_same_text(const void *one, const void *other) {
  const struct stoa_string *a = one;
  const struct stoa_string *b = other;
  return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* One value that is no section. struct stoa_bytes is laid out as struct stoa_string. */
static bool is_same_value(const struct stoa_field *field, const void *one, const void *other) {
  bool is_text = field->kind == STOA_KIND_STRING || field->kind == STOA_KIND_BYTES;
  return is_text ? is_same_text(one, other) : memcmp(one, other, stoa_field_item_size(field)) == 0;
}

static void compare_items(struct walk *walk, const struct stoa_field *field, const char *path,
                          const struct stoa_list *one, const struct stoa_list *other, unsigned depth) {
  size_t size = stoa_field_item_size(field);
  bool is_section = field->message != NULL;
  bool is_one_key = !is_section || field->label == STOA_LABEL_MAP || is_whole(walk, path, depth);
  if (one->count != other->count) {
    note(walk, path);
    return;
  }
  for (size_t i = 0; i < one->count; i++) {
    const void *a = stoa_list_item(one, i, size);
    const void *b = stoa_list_item(other, i, size);
    if (!is_one_key) {
      compare(walk, field->message, path, a, b, depth + 1);
    } else if (is_section ? is_other(field->message, a, b, depth) : !is_same_value(field, a, b)) {
      note(walk, path);
      return;
    }
  }
}

static void compare_sections(struct walk *walk, const struct stoa_field *field, const char *path, const void *one,
                             const void *other, unsigned depth) {
  const void *a = *(const void *const *)one;
  const void *b = *(const void *const *)other;
  bool is_too_large = field->message->size > sizeof nothing && (a == NULL) != (b == NULL);
  a = a == NULL ? nothing : a;
  b = b == NULL ? nothing : b;
  if (a == b) {
    return;
  }
  if (!is_too_large && !is_whole(walk, path, depth)) {
    compare(walk, field->message, path, a, b, depth + 1);
  } else if (is_too_large || is_other(field->message, a, b, depth)) {
    note(walk, path);
  }
}

/* Is it set at all, where that is kept apart from the value? */
static bool is_set(const struct stoa_field *field, const void *message) {
  bool set = true;
  bool is_kept = field->label == STOA_LABEL_OPTIONAL || field->label == STOA_LABEL_ONEOF;
  return !is_kept || !stoa_field_has_presence(field, message, &set) || set;
}

static void compare_field(struct walk *walk, const struct stoa_field *field, const char *path, const void *one,
                          const void *other, unsigned depth) {
  const void *a = stoa_slot(one, field);
  const void *b = stoa_slot(other, field);
  bool is_in_one = is_set(field, one);
  bool is_in_both = is_in_one && is_set(field, other);
  if (is_in_both && (field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP)) {
    compare_items(walk, field, path, a, b, depth);
  } else if (is_in_both && field->kind == STOA_KIND_MESSAGE) {
    compare_sections(walk, field, path, a, b, depth);
  } else if (is_in_both ? !is_same_value(field, a, b) : is_in_one != is_set(field, other)) {
    note(walk, path);
  }
}

/* NOLINTNEXTLINE(misc-no-recursion): the depth is bounded, and the tables are the program's own */
static void compare(struct walk *walk, const struct stoa_message_type *type, const char *path, const void *one,
                    const void *other, unsigned depth) {
  char below[STOA_CONFIG_PATH_SIZE];
  for (uint32_t i = 0; i < type->field_count; i++) {
    snprintf(below, sizeof below, "%s%s%s", path, path[0] == '\0' ? "" : ".", type->fields[i].name);
    compare_field(walk, &type->fields[i], below, one, other, depth);
  }
}

void stoa_config_compare(const struct stoa_message_type *type, const char *prefix, const void *one, const void *other,
                         const struct stoa_config_comparison *comparison) {
  assert(comparison->on_difference != NULL);
  struct walk walk = {.comparison = comparison};
  compare(&walk, type, prefix, one == NULL ? nothing : one, other == NULL ? nothing : other, 0);
}
