#include "rules.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "kind.h"

/* The field numbers of message FieldRules in api/stoa/options.proto. */
enum {
  REQUIRED = 1,
  MIN_LEN = 2,
  MAX_LEN = 3,
  MIN = 4,
  MAX = 5,
  MIN_INT64 = 6,
  MAX_INT64 = 7,
  MIN_UINT64 = 8,
  MAX_UINT64 = 9,
  MEMBER_COUNT
};

static const char *const member_names[MEMBER_COUNT] = {
    [REQUIRED] = "required",
    [MIN_LEN] = "min_len",
    [MAX_LEN] = "max_len",
    [MIN] = "min",
    [MAX] = "max",
    [MIN_INT64] = "min_int64",
    [MAX_INT64] = "max_int64",
    [MIN_UINT64] = "min_uint64",
    [MAX_UINT64] = "max_uint64",
};

/* Up to here doubles represent all whole numbers. */
#define EXACT_MAX 9007199254740992.0

/* The option's members as read. */
struct raw_rules {
  bool is_set[MEMBER_COUNT];
  uint64_t value[MEMBER_COUNT];
};

static struct raw_rules read_raw(const ProtobufCMessage *options) {
  struct raw_rules raw = {0};
  struct request_cursor cursor = {0};
  struct request_member member;
  while (request_option_next(options, REQUEST_OPTION_NUMBER, &cursor, &member)) {
    if (member.number > 0 && member.number < MEMBER_COUNT) {
      raw.is_set[member.number] = true;
      raw.value[member.number] = member.value;
    }
  }
  raw.is_set[REQUIRED] = raw.value[REQUIRED] != 0;
  return raw;
}

static bool is_list(const struct model_field *field) {
  return field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP;
}

static bool fits(const struct model_field *field, int member) {
  enum kind_class class = kind_class(field->kind);
  bool is_wide = kind_is_64_bit(field->kind);
  switch (member) {
    case REQUIRED:
      return !is_list(field) && field->label != STOA_LABEL_ONEOF;
    case MIN_LEN:
    case MAX_LEN:
      return is_list(field) || class == KIND_CLASS_TEXT;
    case MIN_INT64:
    case MAX_INT64:
      return class == KIND_CLASS_WHOLE && is_wide;
    case MIN_UINT64:
    case MAX_UINT64:
      return class == KIND_CLASS_NATURAL && is_wide;
    default:
      return class == KIND_CLASS_WHOLE || class == KIND_CLASS_NATURAL || class == KIND_CLASS_REAL;
  }
}

/* "repeated uint32 fields" */
static const char *what(const struct model_field *field) {
  switch (field->label) {
    case STOA_LABEL_MAP:
      return "map fields";
    case STOA_LABEL_REPEATED:
      return text_format("repeated %s fields", kind_name(field->kind));
    case STOA_LABEL_ONEOF:
      return text_format("%s fields in a oneof", kind_name(field->kind));
    case STOA_LABEL_SINGULAR:
    case STOA_LABEL_OPTIONAL:
      break;
  }
  return text_format("%s fields", kind_name(field->kind));
}

/* Do all rules that are set fit the field? */
static bool check_fit(const struct model_field *field, const struct raw_rules *raw, struct problems *problems) {
  bool is_fit = true;
  for (int member = 1; member < MEMBER_COUNT; member++) {
    if (raw->is_set[member] && !fits(field, member)) {
      problem_add(problems, &field->place, "field \"%s\": rule %s does not apply to %s", field->name,
                  member_names[member], what(field));
      is_fit = false;
    }
  }
  return is_fit;
}

static double least(uint32_t kind) {
  return kind_class(kind) == KIND_CLASS_NATURAL ? 0 : kind_is_64_bit(kind) ? -EXACT_MAX : INT32_MIN;
}

static double most(uint32_t kind) {
  return kind_is_64_bit(kind) ? EXACT_MAX : kind_class(kind) == KIND_CLASS_NATURAL ? UINT32_MAX : INT32_MAX;
}

/* `member` is MIN or MAX, a double. */
static bool read_real_bound(const struct model_field *field, int member, uint64_t bits,
                            union stoa_rule_bound *out_bound, struct problems *problems) {
  assert(kind_class(field->kind) != KIND_CLASS_TEXT);
  assert(kind_class(field->kind) != KIND_CLASS_OTHER);
  double value;
  memcpy(&value, &bits, sizeof value);
  bool is_real = kind_class(field->kind) == KIND_CLASS_REAL;
  bool is_exact = is_real || (value >= least(field->kind) && value <= most(field->kind) && value == floor(value));
  bool is_fit = isfinite(value) && (kind_is_64_bit(field->kind) || fabs(value) <= (double)FLT_MAX);
  if (!is_fit || (!is_exact && (!kind_is_64_bit(field->kind) || fabs(value) <= EXACT_MAX))) {
    problem_add(problems, &field->place, "field \"%s\": rule %s %s is not a valid %s", field->name,
                member_names[member], text_real(value), isfinite(value) ? kind_name(field->kind) : "number");
    return false;
  }
  if (!is_exact) {
    problem_add(problems, &field->place,
                "field \"%s\": rule %s %s cannot be represented exactly by a double: write %s_%s", field->name,
                member_names[member], text_real(value), member_names[member],
                kind_class(field->kind) == KIND_CLASS_NATURAL ? "uint64" : "int64");
    return false;
  }
  if (kind_class(field->kind) == KIND_CLASS_WHOLE) {
    out_bound->whole = (int64_t)value;
  } else if (kind_class(field->kind) == KIND_CLASS_NATURAL) {
    out_bound->natural = (uint64_t)value;
  } else {
    out_bound->real = value;
  }
  return true;
}

/* Read one bound: `member` is MIN or MAX, and `rule` its bit. */
static bool read_bound(struct model_field *field, const struct raw_rules *raw, int member, uint32_t rule,
                       union stoa_rule_bound *out_bound, struct problems *problems) {
  assert(member == MIN || member == MAX);
  int wide = member - MIN + (kind_class(field->kind) == KIND_CLASS_NATURAL ? MIN_UINT64 : MIN_INT64);
  if (raw->is_set[member] && raw->is_set[wide]) {
    problem_add(problems, &field->place, "field \"%s\": rules %s and %s set the same bound twice", field->name,
                member_names[member], member_names[wide]);
    return false;
  }
  if (!raw->is_set[member] && !raw->is_set[wide]) {
    return true;
  }
  field->rules.rules |= rule;
  if (raw->is_set[wide]) {
    /* For both kinds the varint has the bits of the member. */
    out_bound->natural = raw->value[wide];
    return true;
  }
  return read_real_bound(field, member, raw->value[member], out_bound, problems);
}

static bool is_above(const struct model_field *field, const union stoa_rule_bound *a, const union stoa_rule_bound *b) {
  switch (kind_class(field->kind)) {
    case KIND_CLASS_WHOLE:
      return a->whole > b->whole;
    case KIND_CLASS_NATURAL:
      return a->natural > b->natural;
    case KIND_CLASS_REAL:
      return a->real > b->real;
    case KIND_CLASS_TEXT:
    case KIND_CLASS_OTHER:
      break;
  }
  return false;
}

const char *rules_bound_text(const struct model_field *field, const union stoa_rule_bound *bound) {
  switch (kind_class(field->kind)) {
    case KIND_CLASS_WHOLE:
      return text_format("%lld", (long long)bound->whole);
    case KIND_CLASS_NATURAL:
      return text_format("%llu", (unsigned long long)bound->natural);
    case KIND_CLASS_REAL:
    case KIND_CLASS_TEXT:
    case KIND_CLASS_OTHER:
      break;
  }
  return text_real(bound->real);
}

static void read_lengths(struct model_field *field, const struct raw_rules *raw, struct problems *problems) {
  struct stoa_field_rules *rules = &field->rules;
  rules->min_len = (uint32_t)raw->value[MIN_LEN];
  rules->max_len = (uint32_t)raw->value[MAX_LEN];
  rules->rules |= raw->is_set[MIN_LEN] ? STOA_RULE_MIN_LEN : 0U;
  rules->rules |= raw->is_set[MAX_LEN] ? STOA_RULE_MAX_LEN : 0U;
  if (raw->is_set[MIN_LEN] && raw->is_set[MAX_LEN] && rules->min_len > rules->max_len) {
    problem_add(problems, &field->place, "field \"%s\": rule min_len %u is above max_len %u", field->name,
                rules->min_len, rules->max_len);
  }
}

static void read_bounds(struct model_field *field, const struct raw_rules *raw, struct problems *problems) {
  struct stoa_field_rules *rules = &field->rules;
  bool is_good = read_bound(field, raw, MIN, STOA_RULE_MIN, &rules->min, problems);
  is_good = read_bound(field, raw, MAX, STOA_RULE_MAX, &rules->max, problems) && is_good;
  bool has_both = (rules->rules & STOA_RULE_MIN) != 0 && (rules->rules & STOA_RULE_MAX) != 0;
  if (is_good && has_both && is_above(field, &rules->min, &rules->max)) {
    problem_add(problems, &field->place, "field \"%s\": rule min %s is above max %s", field->name,
                rules_bound_text(field, &rules->min), rules_bound_text(field, &rules->max));
  }
}

void rules_read(struct model_field *field, const Google__Protobuf__FieldDescriptorProto *proto,
                struct problems *problems) {
  if (proto->options == NULL) {
    return;
  }
  const struct raw_rules raw = read_raw(&proto->options->base);
  if (!check_fit(field, &raw, problems)) {
    return;
  }
  field->rules.rules |= raw.is_set[REQUIRED] ? STOA_RULE_REQUIRED : 0U;
  read_lengths(field, &raw, problems);
  read_bounds(field, &raw, problems);
}

static const char *len_unit(const struct model_field *field, bool is_one) {
  if (field->label == STOA_LABEL_REPEATED || field->label == STOA_LABEL_MAP) {
    return is_one ? "entry" : "entries";
  }
  if (field->kind == STOA_KIND_STRING) {
    return is_one ? "character" : "characters";
  }
  return is_one ? "byte" : "bytes";
}

static const char *range_text(const char *min, const char *max) {
  if (min != NULL && max != NULL) {
    return strcmp(min, max) == 0 ? min : text_format("%s to %s", min, max);
  }
  return min != NULL ? text_format("at least %s", min) : text_format("at most %s", max);
}

static void add_rule(struct text *text, const char *rule) {
  text_addf(text, "%s%s", text->len > 0 ? ", " : "", rule);
}

const char *rules_text(const struct model_field *field) {
  const struct stoa_field_rules *rules = &field->rules;
  struct text text = {0};
  text_add(&text, "");
  if ((rules->rules & STOA_RULE_REQUIRED) != 0) {
    add_rule(&text, "required");
  }
  if ((rules->rules & (uint32_t)(STOA_RULE_MIN_LEN | STOA_RULE_MAX_LEN)) != 0) {
    const char *min = (rules->rules & STOA_RULE_MIN_LEN) != 0 ? text_format("%u", rules->min_len) : NULL;
    const char *max = (rules->rules & STOA_RULE_MAX_LEN) != 0 ? text_format("%u", rules->max_len) : NULL;
    add_rule(&text,
             text_format("%s %s", range_text(min, max), len_unit(field, strcmp(max != NULL ? max : min, "1") == 0)));
  }
  if ((rules->rules & (uint32_t)(STOA_RULE_MIN | STOA_RULE_MAX)) != 0) {
    const char *min = (rules->rules & STOA_RULE_MIN) != 0 ? rules_bound_text(field, &rules->min) : NULL;
    const char *max = (rules->rules & STOA_RULE_MAX) != 0 ? rules_bound_text(field, &rules->max) : NULL;
    add_rule(&text, range_text(min, max));
  }
  return text.data;
}

bool rules_own(const struct model_message *message) {
  for (size_t i = 0; i < message->field_count; i++) {
    if (message->fields[i].rules.rules != 0) {
      return true;
    }
  }
  return false;
}

/* Returns true when the message's mark changed. */
static bool spread_to(struct model_message *message) {
  if (message->has_rules) {
    return false;
  }
  message->has_rules = rules_own(message);
  for (size_t i = 0; i < message->field_count && !message->has_rules; i++) {
    const struct model_message *below = message->fields[i].message;
    message->has_rules = below != NULL && below->has_rules;
  }
  return message->has_rules;
}

/* Messages may contain each other in a cycle, so this repeats until nothing changes. */
void rules_spread(struct model *model) {
  for (bool is_changed = true; is_changed;) {
    is_changed = false;
    for (size_t f = 0; f < model->file_count; f++) {
      for (size_t i = 0; i < model->files[f].message_count; i++) {
        is_changed = spread_to(&model->files[f].messages[i]) || is_changed;
      }
    }
  }
}
