/* errors.h: finds the enums whose values are errors, marked by the options of Kratos's errors/errors.proto. */
#ifndef PLUGIN_ERRORS_H
#define PLUGIN_ERRORS_H

#include "model.h"

/* Give the values of the wanted files' enums their codes. An enum with (errors.default_code), or with (errors.code) on
 * a value, is an enum of errors. A value of it that gets no code from either option is not an error.
 * (stoa.http_status) gives an error whose code is no HTTP status one. */
void errors_read(struct model *model, struct problems *problems);

/* "shop_error_user_not_found", "shop_errorf_user_not_found" and "shop_is_user_not_found". */
const char *errors_constructor(const struct model_enum *enumeration, const struct model_enum_value *value);
const char *errors_formatter(const struct model_enum *enumeration, const struct model_enum_value *value);
const char *errors_test(const struct model_enum *enumeration, const struct model_enum_value *value);

#endif
