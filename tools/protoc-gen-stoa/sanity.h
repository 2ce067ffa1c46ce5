/* sanity.h: is a request one that protoc can have written?
 *
 * protoc checks .proto files before any plugin sees them, and the rest of the plugin relies on that: names are there,
 * indexes point at something. Bytes that only look like a request are refused here, before anything follows them.
 */
#ifndef PLUGIN_SANITY_H
#define PLUGIN_SANITY_H

#include <stdbool.h>

#include "google/protobuf/compiler/plugin.pb-c.h"

/* Which types the names mean is looked at later, when types are found by name. */
bool sanity_check(const Google__Protobuf__Compiler__CodeGeneratorRequest *request);

#endif
