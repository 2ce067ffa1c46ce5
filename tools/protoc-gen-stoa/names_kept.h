/* names_kept.h: names that C, C++ and the headers of a system have taken. */
#ifndef PLUGIN_NAMES_KEPT_H
#define PLUGIN_NAMES_KEPT_H

#include <stdbool.h>

/* A keyword of C or C++, a macro without capitals, or a type of the generated structs? */
bool names_kept_word(const char *name);
/* A macro in capitals, such as INT32_MAX? */
bool names_kept_constant(const char *name);
/* The tag of a struct of the C library? */
bool names_kept_tag(const char *name);

#endif
