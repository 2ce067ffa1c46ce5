/* ts_own.h: what the types of a file need beside their text, as the arguments of the runtime's types(). */
#ifndef PLUGIN_TS_OWN_H
#define PLUGIN_TS_OWN_H

#include <stddef.h>

#include "model.h"
#include "text.h"

#define TS_OWN_MAX 256

/* A zeroed one is empty and ready. */
struct ts_own {
  struct text code; /* ", a, b" */
  size_t count;
  const char *known[TS_OWN_MAX];
};

/* The place of this expression; the same one has one place. */
size_t ts_own_add(struct ts_own *own, const char *code);
/* The kind of a message in the texts of `from`: "m3" for the line of one of its own, "x0" for one of another file. */
const char *ts_own_message(struct ts_own *own, const struct model_message *message, const struct model_file *from);

#endif
