/* collide.h: finds names that differ in the .proto file and are equal in C or JSON. */
#ifndef PLUGIN_COLLIDE_H
#define PLUGIN_COLLIDE_H

#include "model.h"

/* Names of the client are checked only when it is generated too. */
void collide_check(const struct model *model, bool has_client, struct problems *problems);
/* Finds two fields of a message with the same name from json_name; protoc leaves this check to its plugins. */
void collide_check_json(const struct model *model, struct problems *problems);

#endif
