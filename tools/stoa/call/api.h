/* tools/stoa/call/api.h: the calls and messages of .proto files, by name and by number.
 *
 * protoc reads the files, so that they mean here what they mean to the generator. Numbers come from the options
 * (stoa.type) and (stoa.message_type), or from the enum MessageType. In a file with an rpc that has none of these, they
 * come from names, as the generator gives them with numbers=hash.
 *
 * Thread: one.
 */
#ifndef STOA_TOOL_CALL_API_H
#define STOA_TOOL_CALL_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../project/protoc.h"

enum { API_NUMBER_MAX = 0x3fffffff };

struct api_entry {
  const char *name; /* "hello.v1.HelloService.Greet", "hello.v1.Greeted" */
  uint32_t number;
  bool is_call;   /* else a message */
  bool is_stream; /* a call that is answered by a stream */
};

struct api;

/* Read the files. NULL, and said, when protoc fails or memory is out. */
struct api *api_load(const struct protoc_input *input);
/* NULL is allowed. */
void api_destroy(struct api *api);

/* The entry of a name: in full, with a slash before the method, or its last parts. A message may be
 * named without "Message" at its end, as in C and TypeScript. A call wins over a message. NULL,
 * with a reason and what there is on stderr, when no or more than one entry has the name. */
const struct api_entry *api_find(const struct api *api, const char *name);
/* The entry of a number; NULL when there is none. */
const struct api_entry *api_by_number(const struct api *api, uint32_t number, bool is_call);
/* A number that no entry has; one more than the highest. */
uint32_t api_free_number(const struct api *api);

#endif
