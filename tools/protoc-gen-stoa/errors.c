#include "errors.h"

#include "names.h"

/* The numbers of Kratos's extensions of EnumOptions and EnumValueOptions. */
#define DEFAULT_CODE_NUMBER 1108
#define CODE_NUMBER 1109

/* (stoa.http_status) of EnumValueOptions. */
#define STATUS_NUMBER REQUEST_OPTION_NUMBER
#define STATUS_MIN 400
#define STATUS_MAX 599

static bool is_status(uint32_t number) {
  return number >= STATUS_MIN && number <= STATUS_MAX;
}

static void check_status(const struct model_enum_value *value, struct problems *problems) {
  if (!is_status(value->http_status)) {
    problem_add(problems, &value->place, "HTTP status %u of value \"%s\" is not between %d and %d", value->http_status,
                value->name, STATUS_MIN, STATUS_MAX);
  } else if (value->error_code == 0) {
    problem_add(problems, &value->place, "value \"%s\" has an HTTP status but no error code: add option (errors.code)",
                value->name);
  } else if (is_status((uint32_t)value->error_code)) {
    problem_add(problems, &value->place,
                "error code %d of value \"%s\" is its HTTP status already: remove option (stoa.http_status)",
                value->error_code, value->name);
  }
}

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
    bool has_status = false;
    if (proto->value[i]->options != NULL) {
      request_option_number(&proto->value[i]->options->base, CODE_NUMBER, &code);
      has_status = request_option_number(&proto->value[i]->options->base, STATUS_NUMBER, &value->http_status);
    }
    value->error_code = (int32_t)code;
    enumeration->is_errors = enumeration->is_errors || code != 0;
    check_code(value, &value->place, problems);
    if (has_status) {
      check_status(value, problems);
    }
  }
}

void errors_read(struct model *model, struct problems *problems) {
  if (model->options->messages_only) {
    return;
  }
  for (size_t f = 0; f < model->file_count; f++) {
    for (size_t i = 0; model->files[f].is_wanted && i < model->files[f].enum_count; i++) {
      read_enum(&model->files[f].enums[i], problems);
    }
  }
}

static const char *name(const struct model_enum *enumeration, const struct model_enum_value *value, const char *verb) {
  return names_join(enumeration->c_scope, text_format("%s_%s", verb, value->error_part));
}

const char *errors_constructor(const struct model_enum *enumeration, const struct model_enum_value *value) {
  return name(enumeration, value, "error");
}

const char *errors_formatter(const struct model_enum *enumeration, const struct model_enum_value *value) {
  return name(enumeration, value, "errorf");
}

const char *errors_test(const struct model_enum *enumeration, const struct model_enum_value *value) {
  return name(enumeration, value, "is");
}
