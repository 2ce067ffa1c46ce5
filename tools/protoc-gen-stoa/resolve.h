/* resolve.h: fields and rpcs, once every type of the request has its name. */
#ifndef PLUGIN_RESOLVE_H
#define PLUGIN_RESOLVE_H

#include "model.h"

/* Fill in the fields, services and includes of the wanted files. */
void resolve_files(struct model *model, struct problems *problems);

#endif
