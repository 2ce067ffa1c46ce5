#include "options.h"

#include <stddef.h>
#include <string.h>

#include "count.h"
#include "pool.h"
#include "text.h"

struct option {
  const char *name;
  const char *help;
  size_t member; /* the offset of a bool in struct options */
};

#define WRITES(output) offsetof(struct options, writes[output])

static const struct option known[] = {
    {"c", "X.stoa.h and .c: structs, tables, handlers and senders for a server; the default", WRITES(OPTION_OUTPUT_C)},
    {"client", "X.client.stoa.h and .c: handlers, senders and calls for a client in C; they include X.stoa.h",
     WRITES(OPTION_OUTPUT_CLIENT)},
    {"ts", "X.stoa.ts: interfaces, tables and a client in TypeScript", WRITES(OPTION_OUTPUT_TS)},
    {"markdown", "X.md: a page about the protocol", WRITES(OPTION_OUTPUT_MARKDOWN)},
    {"openapi", "X.openapi.json: an OpenAPI 3.1 document of the HTTP routes, for files that have some",
     WRITES(OPTION_OUTPUT_OPENAPI)},
    {"messages_only", "structs, interfaces and tables alone: no services, senders and errors",
     offsetof(struct options, messages_only)},
    {"numbers=hash", "an rpc or a message without a type number gets one from its full name",
     offsetof(struct options, hashes_numbers)},
    {"streams=skip", "rpcs whose request is a stream are left out; without this option they are errors",
     offsetof(struct options, skips_streams)},
    {"routes=skip", "HTTP routes that a server cannot have are left out; without this option they are errors",
     offsetof(struct options, skips_routes)},
};

static const char *known_names(void) {
  const char *names = known[0].name;
  for (size_t i = 1; i < COUNT(known); i++) {
    names = text_format("%s, %s", names, known[i].name);
  }
  return names;
}

static bool choose(struct options *options, const char *name) {
  for (size_t i = 0; i < COUNT(known); i++) {
    if (strcmp(known[i].name, name) == 0) {
      *(bool *)((char *)options + known[i].member) = true;
      return true;
    }
  }
  return false;
}

static bool writes_any(const struct options *options) {
  for (size_t i = 0; i < OPTION_OUTPUT_COUNT; i++) {
    if (options->writes[i]) {
      return true;
    }
  }
  return false;
}

/* An output of services alone would be empty. */
static const char *check(struct options *options) {
  if (!writes_any(options)) {
    options->writes[OPTION_OUTPUT_C] = true;
  }
  if (options->messages_only && options->writes[OPTION_OUTPUT_CLIENT]) {
    return "options \"messages_only\" and \"client\" exclude each other: a client is made of services";
  }
  if (options->messages_only && options->writes[OPTION_OUTPUT_OPENAPI]) {
    return "options \"messages_only\" and \"openapi\" exclude each other: routes belong to services";
  }
  return NULL;
}

const char *options_read(struct options *options, const char *parameter) {
  const char *at = parameter == NULL || *parameter == '\0' ? known[0].name : parameter;
  for (;;) {
    size_t len = strcspn(at, ",");
    const char *name = pool_copy(at, len);
    if (!choose(options, name)) {
      return text_format("unknown option \"%s\": the options are %s", name, known_names());
    }
    if (at[len] == '\0') {
      return check(options);
    }
    at += len + 1;
  }
}

const char *options_help(void) {
  const char *lines = "";
  for (size_t i = 0; i < COUNT(known); i++) {
    lines = text_format("%s  %-14s %s\n", lines, known[i].name, known[i].help);
  }
  return lines;
}
