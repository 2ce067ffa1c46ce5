/* sanity.h: checks that a request can come from protoc.
 *
 * protoc checks .proto files before any plugin sees them, and the rest of the plugin relies on that: names exist,
 * indexes are in range. Bytes that only look like a request are refused here, before an index is used.
 */
#ifndef PLUGIN_SANITY_H
#define PLUGIN_SANITY_H

#include <stdbool.h>

#include "google/protobuf/compiler/plugin.pb-c.h"

/* Names of types are not resolved here; that is done later. */
bool sanity_check(const Google__Protobuf__Compiler__CodeGeneratorRequest *request);

#endif
