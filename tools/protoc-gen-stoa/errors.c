#include "errors.h"

#include "names.h"

/* The numbers of Kratos's extensions of EnumOptions and EnumValueOptions. */
#define DEFAULT_CODE_NUMBER 1108
#define CODE_NUMBER 1109

static void check_code(const struct model_enum_value *value, const struct place *place, struct problems *problems) {
  if (value->error_code < 0) {
    problem_add(problems, place, "error code %d of value \"%s\" is below 0", value->error_code, value->name);
  }
}

static void read_enum(struct model_enum *enumeration, struct problems *problems) {
  const Google__Protobuf__EnumDescriptorProto *proto = enumeration->proto;
  uint32_t default_code = 0;
  if (proto->options != NULL) {
    request_option_number(&proto->options->base, DEFAULT_CODE_NUMBER, &default_code);
  }
  for (size_t i = 0; i < enumeration->value_count; i++) {
    struct model_enum_value *value = &enumeration->values[i];
    uint32_t code = default_code;
    if (proto->value[i]->options != NULL) {
      request_option_number(&proto->value[i]->options->base, CODE_NUMBER, &code);
    }
    value->error_code = (int32_t)code;
    enumeration->is_errors = enumeration->is_errors || code != 0;
    check_code(value, &value->place, problems);
  }
}

void errors_read(struct model *model, struct problems *problems) {
  for (size_t f = 0; f < model->file_count; f++) {
    for (size_t i = 0; model->files[f].is_wanted && i < model->files[f].enum_count; i++) {
      read_enum(&model->files[f].enums[i], problems);
    }
  }
}

static const char *name(const struct model_enum *enumeration, const struct model_enum_value *value, const char *verb) {
  return names_join(enumeration->c_scope, text_format("%s_%s", verb, names_snake(value->short_name)));
}

const char *errors_constructor(const struct model_enum *enumeration, const struct model_enum_value *value) {
  return name(enumeration, value, "error");
}

const char *errors_test(const struct model_enum *enumeration, const struct model_enum_value *value) {
  return name(enumeration, value, "is");
}
