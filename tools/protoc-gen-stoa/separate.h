/* separate.h: makes names that differ in the .proto file and are equal in C different, by underscores at their end. */
#ifndef PLUGIN_SEPARATE_H
#define PLUGIN_SEPARATE_H

#include "model.h"

/* Change the C names of the model. Numbers are assigned and routes are read.
 *
 * A name depends on the file and its imports only: not on other files of the run, nor on what is written. So the header
 * and the client's header, written in two runs, agree. */
void separate_names(struct model *model);

#endif
