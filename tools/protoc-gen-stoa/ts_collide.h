/* ts_collide.h: finds names that differ in the .proto file and are equal in TypeScript. */
#ifndef PLUGIN_TS_COLLIDE_H
#define PLUGIN_TS_COLLIDE_H

#include "model.h"

void ts_collide_check(const struct model *model, struct problems *problems);

#endif
