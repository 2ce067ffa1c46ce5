/* collide.h: names that differ in the .proto file and are one in C. */
#ifndef PLUGIN_COLLIDE_H
#define PLUGIN_COLLIDE_H

#include "model.h"

void collide_check(const struct model *model, struct problems *problems);

#endif
