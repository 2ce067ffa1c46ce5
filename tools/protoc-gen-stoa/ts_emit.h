/* ts_emit.h: writes TypeScript from the model: interfaces, enums, tables for the runtime of web/client, and typed
 * clients. */
#ifndef PLUGIN_TS_EMIT_H
#define PLUGIN_TS_EMIT_H

#include "model.h"
#include "text.h"
#include "ts_own.h"

/* The whole X.stoa.ts. */
void ts_emit_file(struct text *text, const struct model_file *file);
/* Does the service have something that a client calls or sends? */
bool ts_emit_has_client(const struct model_service *service);
/* The API of each service and its client; nothing for a file without numbers. */
void ts_emit_services(struct text *text, struct ts_own *own, const struct model_file *file);
/* The tests and constructors of the errors that the file lists. */
void ts_emit_errors(struct text *text, const struct model_file *file);

#endif
