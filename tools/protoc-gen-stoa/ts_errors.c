/* Functions that test which of an API's listed errors a client received, and constructors of these errors for code
 * without a server. */
#include "ts_emit.h"
#include "ts_names.h"

static void emit_error(struct text *text, const struct model_enum *enumeration, const struct model_enum_value *value) {
  const char *head = text_format(" Error %d, %s.", value->error_code, value->name);
  text_add(text, "\n");
  ts_names_comment(text, "", value->place.comment == NULL ? head : text_format("%s\n%s", head, value->place.comment));
  text_addf(text,
            "export const %s = (error: unknown): error is stoa.StoaError =>\n"
            "  stoa.isApiError(error, %d, '%s');\n",
            ts_names_error("is", enumeration, value), value->error_code, value->name);
  text_addf(text,
            "export const %s = (message?: string): stoa.StoaError =>\n"
            "  stoa.apiError(%d, '%s', message);\n",
            ts_names_error("error", enumeration, value), value->error_code, value->name);
}

void ts_emit_errors(struct text *text, const struct model_file *file) {
  for (size_t e = 0; e < file->enum_count; e++) {
    const struct model_enum *enumeration = &file->enums[e];
    for (size_t i = 0; i < enumeration->value_count; i++) {
      if (enumeration->values[i].error_code != 0) {
        emit_error(text, enumeration, &enumeration->values[i]);
      }
    }
  }
}
