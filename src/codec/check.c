/* codec/check.c: checks the fields of a message against their rules.
 *
 * Only messages whose type has rules, or can contain a message with rules, are checked.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "codec/fault.h"
#include "codec/map_field.h"
#include "codec/number.h"
#include "codec/table.h"

struct checker {
  struct stoa_fault fault;
  unsigned depth;
};

static int check_message(struct checker *checker, const struct stoa_message_type *type, const void *message);

static bool has(const struct stoa_field_rules *rules, enum stoa_rule rule) {
  return (rules->rules & (uint32_t)rule) != 0;
}

/* Counts every byte that does not continue a character. */
static size_t count_characters(const struct stoa_string *text) {
  size_t count = 0;
  for (size_t i = 0; i < text->len; i++) {
    count += ((uint8_t)text->data[i] & 0xc0) != 0x80;
  }
  return count;
}

static int check_len(struct checker *checker, const struct stoa_field_rules *rules, size_t len, const char *unit,
                     const char *units) {
  bool is_short = has(rules, STOA_RULE_MIN_LEN) && len < rules->min_len;
  bool is_long = has(rules, STOA_RULE_MAX_LEN) && len > rules->max_len;
  if (!is_short && !is_long) {
    return STOA_OK;
  }
  uint32_t bound = is_short ? rules->min_len : rules->max_len;
  stoa_fault_set(&checker->fault, "at %s %u %s, got %zu", is_short ? "least" : "most", bound, bound == 1 ? unit : units,
                 len);
  return STOA_E_TYPE;
}

static int check_whole(struct checker *checker, const struct stoa_field_rules *rules, int64_t value) {
  bool is_low = has(rules, STOA_RULE_MIN) && value < rules->min.whole;
  bool is_high = has(rules, STOA_RULE_MAX) && value > rules->max.whole;
  if (!is_low && !is_high) {
    return STOA_OK;
  }
  stoa_fault_set(&checker->fault, "at %s %lld, got %lld", is_low ? "least" : "most",
                 (long long)(is_low ? rules->min.whole : rules->max.whole), (long long)value);
  return STOA_E_TYPE;
}

static int check_natural(struct checker *checker, const struct stoa_field_rules *rules, uint64_t value) {
  bool is_low = has(rules, STOA_RULE_MIN) && value < rules->min.natural;
  bool is_high = has(rules, STOA_RULE_MAX) && value > rules->max.natural;
  if (!is_low && !is_high) {
    return STOA_OK;
  }
  stoa_fault_set(&checker->fault, "at %s %llu, got %llu", is_low ? "least" : "most",
                 (unsigned long long)(is_low ? rules->min.natural : rules->max.natural), (unsigned long long)value);
  return STOA_E_TYPE;
}

struct real_text {
  char text[STOA_NUMBER_TEXT_MAX + 1];
};

static struct real_text write_real(double value, bool is_float) {
  struct real_text out = {{0}};
  if (isfinite(value)) {
    size_t len = is_float ? stoa_number_write_float((float)value, out.text) : stoa_number_write_double(value, out.text);
    out.text[len] = '\0';
  } else {
    (void)snprintf(out.text, sizeof out.text, "%s", isnan(value) ? "NaN" : value < 0 ? "-inf" : "inf");
  }
  return out;
}

/* NaN is outside of every range, so a value that passes is a number. */
static int check_real(struct checker *checker, const struct stoa_field_rules *rules, double value, bool is_float) {
  bool is_low = has(rules, STOA_RULE_MIN) && !(value >= rules->min.real);
  bool is_high = has(rules, STOA_RULE_MAX) && !(value <= rules->max.real);
  if (!is_low && !is_high) {
    return STOA_OK;
  }
  struct real_text bound = write_real(is_low ? rules->min.real : rules->max.real, false);
  stoa_fault_set(&checker->fault, "at %s %s, got %s", is_low ? "least" : "most", bound.text,
                 write_real(value, is_float).text);
  return STOA_E_TYPE;
}

/* One value in its slot, with the rules of its field. */
static int check_value(struct checker *checker, const struct stoa_field *field, const void *slot) {
  const struct stoa_field_rules *rules = field->rules;
  switch ((enum stoa_field_kind)field->kind) {
    case STOA_KIND_STRING:
      return check_len(checker, rules, count_characters(slot), "character", "characters");
    case STOA_KIND_BYTES:
      return check_len(checker, rules, ((const struct stoa_bytes *)slot)->len, "byte", "bytes");
    case STOA_KIND_DOUBLE:
      return check_real(checker, rules, *(const double *)slot, false);
    case STOA_KIND_FLOAT:
      return check_real(checker, rules, (double)*(const float *)slot, true);
    case STOA_KIND_INT64:
    case STOA_KIND_SINT64:
    case STOA_KIND_SFIXED64:
      return check_whole(checker, rules, *(const int64_t *)slot);
    case STOA_KIND_INT32:
    case STOA_KIND_SINT32:
    case STOA_KIND_SFIXED32:
      return check_whole(checker, rules, *(const int32_t *)slot);
    case STOA_KIND_UINT64:
    case STOA_KIND_FIXED64:
      return check_natural(checker, rules, *(const uint64_t *)slot);
    case STOA_KIND_UINT32:
    case STOA_KIND_FIXED32:
      return check_natural(checker, rules, *(const uint32_t *)slot);
    case STOA_KIND_BOOL:
    case STOA_KIND_ENUM:
    case STOA_KIND_MESSAGE:
      break;
  }
  return STOA_OK;
}

/* A message's slot holds a pointer; in a map's entry it may be NULL, which means the empty message. */
static int check_below(struct checker *checker, const struct stoa_message_type *type, const void *message) {
  if (message == NULL || !type->has_rules) {
    return STOA_OK;
  }
  return check_message(checker, type, message);
}

static int check_item(struct checker *checker, const struct stoa_field *field, const void *item) {
  if (field->kind == STOA_KIND_MESSAGE) {
    return check_below(checker, field->message, item);
  }
  /* The length rules of a list apply to the list, not to its items. */
  bool is_number = field->kind != STOA_KIND_STRING && field->kind != STOA_KIND_BYTES;
  return field->rules != NULL && is_number ? check_value(checker, field, item) : STOA_OK;
}

static int check_items(struct checker *checker, const struct stoa_field *field, const struct stoa_list *list) {
  size_t size = stoa_field_item_size(field);
  for (size_t i = 0; i < list->count; i++) {
    int status = check_item(checker, field, stoa_list_item(list, i, size));
    if (status != STOA_OK) {
      stoa_fault_index(&checker->fault, i);
      return status;
    }
  }
  return STOA_OK;
}

static void name_entry(struct checker *checker, const struct stoa_field *key, const void *slot) {
  char text[24];
  if (key->kind == STOA_KIND_STRING) {
    stoa_fault_key(&checker->fault, *(const struct stoa_string *)slot);
    return;
  }
  size_t size = stoa_field_item_size(key);
  bool is_unsigned = key->kind == STOA_KIND_UINT64 || key->kind == STOA_KIND_FIXED64 || key->kind == STOA_KIND_UINT32 ||
                     key->kind == STOA_KIND_FIXED32;
  if (size == 1) {
    (void)snprintf(text, sizeof text, "%s", *(const bool *)slot ? "true" : "false");
  } else if (is_unsigned) {
    (void)snprintf(text, sizeof text, "%llu",
                   (unsigned long long)(size == 8 ? *(const uint64_t *)slot : *(const uint32_t *)slot));
  } else {
    (void)snprintf(text, sizeof text, "%lld", (long long)(size == 8 ? *(const int64_t *)slot : *(const int32_t *)slot));
  }
  stoa_fault_key(&checker->fault, stoa_string_of(text));
}

static int check_entries(struct checker *checker, const struct stoa_field *map, const struct stoa_list *entries) {
  assert(map->label == STOA_LABEL_MAP);
  const struct stoa_field *key = stoa_map_field_key(map);
  const struct stoa_field *value = stoa_map_field_value(map);
  if (value->kind != STOA_KIND_MESSAGE || !value->message->has_rules) {
    return STOA_OK;
  }
  for (size_t i = 0; i < entries->count; i++) {
    const void *entry = stoa_list_item(entries, i, map->message->size);
    int status = check_below(checker, value->message, *(const void *const *)stoa_slot(entry, value));
    if (status != STOA_OK) {
      name_entry(checker, key, stoa_slot(entry, key));
      return status;
    }
  }
  return STOA_OK;
}

static int check_list(struct checker *checker, const struct stoa_field *field, const struct stoa_list *list) {
  int status = field->rules == NULL ? STOA_OK : check_len(checker, field->rules, list->count, "entry", "entries");
  if (status != STOA_OK) {
    return status;
  }
  return field->label == STOA_LABEL_MAP ? check_entries(checker, field, list) : check_items(checker, field, list);
}

static int check_field(struct checker *checker, const struct stoa_field *field, const void *message) {
  const void *slot = stoa_slot(message, field);
  if (field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP) {
    return check_list(checker, field, slot);
  }
  bool is_set = true;
  bool has_presence = stoa_field_has_presence(field, message, &is_set);
  bool is_given = has_presence ? is_set : !stoa_field_is_default(field, slot);
  if (field->rules != NULL && has(field->rules, STOA_RULE_REQUIRED) && !is_given) {
    stoa_fault_set(&checker->fault, "required");
    return STOA_E_TYPE;
  }
  if (!is_set) {
    return STOA_OK;
  }
  if (field->kind == STOA_KIND_MESSAGE) {
    return check_below(checker, field->message, *(const void *const *)slot);
  }
  return field->rules == NULL ? STOA_OK : check_value(checker, field, slot);
}

/* Recursive along the message; the depth is limited as in a decoder. */
static int check_message(struct checker *checker, const struct stoa_message_type *type, const void *message) {
  if (checker->depth == STOA_CODEC_DEPTH_MAX) {
    stoa_fault_set(&checker->fault, "nested too deeply");
    return STOA_E_LIMIT;
  }
  checker->depth++;
  for (uint32_t i = 0; i < type->field_count; i++) {
    int status = check_field(checker, &type->fields[i], message);
    if (status != STOA_OK) {
      stoa_fault_name(&checker->fault, type->fields[i].name);
      return status;
    }
  }
  checker->depth--;
  return STOA_OK;
}

int stoa_message_check(const struct stoa_message_type *type, const void *message, struct stoa_codec_error *out_error) {
  struct checker checker = {.depth = 0};
  stoa_fault_init(&checker.fault, out_error);
  int status = type->has_rules ? check_message(&checker, type, message) : STOA_OK;
  assert(status != STOA_OK || checker.depth == 0);
  return status;
}
