/* collide.h: names that differ in the .proto file and are one in C or in JSON. */
#ifndef PLUGIN_COLLIDE_H
#define PLUGIN_COLLIDE_H

#include "model.h"

/* Names of the client are looked at only when it is generated too. */
void collide_check(const struct model *model, bool has_client, struct problems *problems);
/* Two fields of a message that json_name gives one name; protoc leaves that to its plugins. */
void collide_check_json(const struct model *model, struct problems *problems);

#endif
