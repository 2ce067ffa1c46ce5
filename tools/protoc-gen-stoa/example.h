/* example.h: one message of a type with a value in every field, in JSON and in Protobuf binary.
 *
 * The values obey the fields' rules, so that a reader can send the example. In a oneof the first member is set.
 */
#ifndef PLUGIN_EXAMPLE_H
#define PLUGIN_EXAMPLE_H

#include "model.h"
#include "text.h"

struct example {
  struct text json;   /* on one line */
  struct text binary; /* bytes, any of them may be 0 */
};

struct example example_of(const struct model_message *message);

#endif
