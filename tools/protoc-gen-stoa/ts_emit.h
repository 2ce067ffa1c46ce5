/* ts_emit.h: writes TypeScript from the model: interfaces, enums, tables for the runtime of web/client, and typed
 * clients. */
#ifndef PLUGIN_TS_EMIT_H
#define PLUGIN_TS_EMIT_H

#include "model.h"
#include "text.h"
#include "ts_own.h"

/* The whole X.stoa.ts. */
void ts_emit_file(struct text *text, const struct model_file *file);
/* The API of each service and its client; nothing for a file without numbers. */
void ts_emit_services(struct text *text, struct ts_own *own, const struct model_file *file);
/* The tests and constructors of the errors that the file lists. */
void ts_emit_errors(struct text *text, const struct model_file *file);

#endif
