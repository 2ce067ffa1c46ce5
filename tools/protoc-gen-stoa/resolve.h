/* resolve.h: resolves the types of fields and rpcs, after all types of the request have names. */
#ifndef PLUGIN_RESOLVE_H
#define PLUGIN_RESOLVE_H

#include "model.h"

/* Fill in the fields of all files, and the services and includes of the wanted ones. */
void resolve_files(struct model *model, struct problems *problems);

#endif
