/* http.h: the HTTP routes of rpcs, from the options (google.api.http) and (stoa.http).
 *
 * Path templates are compiled by src/wire/http_template.c, which meson compiles into the plugin as well, so that the
 * generator and the server never differ about what a template is.
 */
#ifndef PLUGIN_HTTP_H
#define PLUGIN_HTTP_H

#include "model.h"

/* Read and check the routes of the wanted files' rpcs. A route with an error is left out, and reported unless the run
 * leaves such routes out. */
void http_read(struct model *model, struct problems *problems);

/* Does a file have any? */
bool http_has(const struct model_file *file);

/* The field of that name, by its name in the .proto file or in JSON; `len` bytes of `name`. NULL when there is none. */
const struct model_field *http_field(const struct model_message *message, const char *name, size_t len);
/* The field that a path such as "room.name" leads to. NULL when a step is no field, or when one before the last is not
 * a single message. */
const struct model_field *http_field_at(const struct model_message *message, const char *path, size_t len);

#endif
