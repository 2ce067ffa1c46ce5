/* tools/stoa/call/options.h: the options of `stoa call` and `stoa listen`, and what they have in common: the API that
 * gives names their numbers, the fields of the upgrade, texts on a terminal. */
#ifndef STOA_TOOL_CALL_OPTIONS_H
#define STOA_TOOL_CALL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stoa/client.h>
#include <stoa/traceparent.h>
#include <stoa/uuid.h>

#include "../command.h"
#include "call/api.h"

enum {
  CALL_NO_CONNECTION = 3,
  CALL_FIELDS_MAX = 17,
  CALL_HEADERS_MAX = CALL_FIELDS_MAX - 2, /* the others are for the token and the trace */
  CALL_URL_MAX = 2048,
  CALL_TOKEN_MAX = 8192,
  CALL_MESSAGE_MAX = 16 * 1024 * 1024
};

struct call_options {
  const char *program; /* "stoa call" */
  char url[CALL_URL_MAX];
  const char *method; /* NULL: none */
  const char *json;   /* NULL: none; "-": the standard input */
  struct protoc_input protos;
  char *project_memory; /* of protos */
  int64_t timeout_ms;
  bool is_message;  /* call: a plain message, no call */
  bool once;        /* listen: no reconnecting */
  uint64_t count;   /* listen: end after so many messages; 0: no such end */
  int64_t until_ms; /* listen: end after this time; 0: no such end */
  const char *ca_file;
  bool insecure;
  const char *token_file;
  char authorization[CALL_TOKEN_MAX + 8];
  struct stoa_client_field fields[CALL_FIELDS_MAX];
  size_t field_count;
  bool is_traced; /* begin a trace with the upgrade */
  char traceparent[STOA_TRACEPARENT_LEN + 1];
  char *field_memory[CALL_FIELDS_MAX]; /* of names of fields */
  size_t field_memory_count;
};

/* Read the command line. False, and said: the caller exits with EXIT_USAGE. The options are to be freed in any case. */
bool call_options_read(int argc, char **argv, bool is_listen, struct call_options *out);
void call_options_fini(struct call_options *options);

/* "500ms", "10", "10s", "2m", "1h"; at most a day. */
bool call_read_time(const char *text, int64_t *out_ms);
/* A page's URL, or host:port, as that of an endpoint. False when it is too long. */
bool call_make_url(const char *given, char out[CALL_URL_MAX]);

/* The API of --proto, else that of the project around, else none (NULL in *out_api). False, and said: it cannot be
 * read. */
bool call_load_api(struct call_options *options, struct api **out_api);
/* The number of the method, and whether it is a call. False, and said. */
bool call_find_method(const struct call_options *options, const struct api *api, uint32_t *out_number,
                      bool *out_is_call);
/* The JSON of the command line or of the standard input; "{}" without any. False, and said. */
bool call_read_json(const struct call_options *options, struct stoa_buffer *out);

/* Print a text of the server. On a terminal it is made harmless, elsewhere it stays as it is. */
void call_print(FILE *to, struct stoa_string text);
/* "stoa call: error 107 INVALID: the message" on stderr. */
void call_print_error(const struct call_options *options, const struct stoa_error *error);
/* Why there is no connection, on stderr. */
void call_print_ending(const struct call_options *options, const struct stoa_client_change *change);

/* Make the client. Returns the exit status, EXIT_FINE when it is made; else why not is on stderr. */
int call_create_client(const struct call_options *options, bool once, const struct stoa_client_callbacks *callbacks,
                       struct stoa_client **out_client);

#endif
