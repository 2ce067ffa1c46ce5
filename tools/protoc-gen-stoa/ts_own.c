#include "ts_own.h"

#include <string.h>

#include "ts_names.h"

size_t ts_own_add(struct ts_own *own, const char *code) {
  /* Beyond the table's end the same one gets another place. */
  size_t known_count = own->count < TS_OWN_MAX ? own->count : TS_OWN_MAX;
  for (size_t i = 0; i < known_count; i++) {
    if (strcmp(own->known[i], code) == 0) {
      return i;
    }
  }
  if (own->count < TS_OWN_MAX) {
    own->known[own->count] = code;
  }
  text_addf(&own->code, ", %s", code);
  return own->count++;
}

static size_t line_number(const struct model_message *message) {
  size_t line = 0;
  for (const struct model_message *other = message->file->messages; other != message; other++) {
    line += other->is_map_entry ? 0 : 1;
  }
  return line;
}

const char *ts_own_message(struct ts_own *own, const struct model_message *message, const struct model_file *from) {
  if (message->file == from) {
    return text_format("m%zu", line_number(message));
  }
  const char *name = ts_names_reference(message->full_name, message->file, from);
  return text_format("x%zu", ts_own_add(own, text_format("/* @__PURE__ */ stoa.nested(() => %s)", name)));
}
