/* ts_emit.h: writes TypeScript from the model: interfaces, enums, tables for the runtime of web/client, and typed
 * clients. */
#ifndef PLUGIN_TS_EMIT_H
#define PLUGIN_TS_EMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "model.h"
#include "text.h"

/* The whole X.stoa.ts. */
void ts_emit_file(struct text *text, const struct model_file *file);
/* Does the file have messages, so that its code has `$types`? */
bool ts_emit_has_types(const struct model_file *file);
/* The number of a message's line in the text of its file. */
size_t ts_emit_line_number(const struct model_message *message);
/* The API of each service and its client; nothing for a file without numbers. */
void ts_emit_services(struct text *text, const struct model_file *file);
/* The tests and constructors of the errors that the file lists. */
void ts_emit_errors(struct text *text, const struct model_file *file);

#endif
