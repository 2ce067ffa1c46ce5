#include "collide.h"

#include "c_symbols.h"

void collide_check_json(const struct model *model, struct problems *problems) {
  for (size_t f = 0; f < model->file_count; f++) {
    const struct model_file *file = &model->files[f];
    for (size_t i = 0; file->is_wanted && i < file->message_count; i++) {
      struct symbols names = {0};
      for (size_t n = 0; n < file->messages[i].field_count; n++) {
        const struct model_field *field = &file->messages[i].fields[n];
        const char *what = text_format("field \"%s\"", field->name);
        symbols_add(&names, SYMBOL_SPACE_ORDINARY, field->json_name, what, &field->place);
      }
      symbols_report(&names, "JSON", problems);
    }
  }
}

/* What was not separated: names of two files that do not import each other. */
void collide_check(const struct model *model, bool has_client, struct problems *problems) {
  struct symbols all = {0};
  for (size_t f = 0; f < model->file_count; f++) {
    const struct model_file *file = &model->files[f];
    if (file->is_wanted || !file->is_foreign) {
      c_symbols_types(&all, file, false);
      c_symbols_services(&all, file, has_client);
    }
  }
  symbols_report(&all, "C", problems);
}
