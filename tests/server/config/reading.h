/* tests/server/config/reading.h: load sources into a struct tests_config and look at what came out. */
#ifndef TESTS_SERVER_CONFIG_READING_H
#define TESTS_SERVER_CONFIG_READING_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/config/origins.h"
#include "tables.h"

struct reading {
  struct stoa_arena *arena;
  struct stoa_buffer errors;
  struct tests_config config;
  const char *const *environment; /* NULL: empty */
  struct stoa_config_origins origins;
};

/* A source of YAML whose errors start with "a.yaml". */
struct stoa_config_source yaml(const char *text);
struct stoa_config_source named_yaml(const char *name, const char *text);
struct stoa_config_source setting(const char *item);
struct stoa_config_source file(const char *path);

void reading_init(struct reading *reading);
void reading_fini(struct reading *reading);
/* The variables that set keys; the program is called "a-b". */
struct stoa_config_source variables(void);

int reading_load(struct reading *reading, const struct stoa_config_source *sources, size_t source_count);
/* The errors as a string, valid until fini. */
const char *reading_errors(struct reading *reading);

/* Load and see that it works; the caller calls fini. */
void expect_loads(struct reading *reading, const struct stoa_config_source *sources, size_t source_count);
/* The same with an environment, "NAME=value" each, up to NULL. */
void expect_loads_in(struct reading *reading, const char *const *environment, const struct stoa_config_source *sources,
                     size_t source_count);
/* Load one source in an environment, see that it fails with exactly these lines. */
void expect_errors_in(const char *const *environment, struct stoa_config_source source, const char *lines);
/* Load one text, see that it fails with exactly these lines. */
void expect_errors(const char *text, const char *lines);
void expect_set_errors(const char *item, const char *lines);

void assert_text(struct stoa_string text, const char *expected);

#define LOAD(reading, ...)                                                  \
  expect_loads((reading), (const struct stoa_config_source[]){__VA_ARGS__}, \
               sizeof((const struct stoa_config_source[]){__VA_ARGS__}) / sizeof(struct stoa_config_source))

#endif
