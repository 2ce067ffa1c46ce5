/* server/config/config.h: reads YAML files and --set items into a message's struct, and prints it as YAML.
 *
 * The descriptor table of the message has the keys, their types and the offsets of their values; this module knows no
 * key by name. One run finds every mistake in every source, and reports it with its place:
 *
 *   chat.yaml:12:3: unknown key "adress" in server; did you mean "addresses"?
 *   chat.yaml:14:12: server.workers: expected a number from 0 to 4294967295, got "x"
 *   --set server.byte_order=middle: server.byte_order: expected big or little, got "middle"
 *
 * Lines and columns count from 1; columns count characters.
 *
 * The input: one YAML document a file, UTF-8, of plain values, lists and sections.
 *   message         a section; `key:` without a value leaves the section as it was
 *   repeated        a list
 *   map             a section whose keys are the map's
 *   string          any scalar, quoted or not
 *   bytes           base64, in either alphabet, padded or not, as in proto3 JSON
 *   bool            true or false
 *   enum            the value's name (BYTE_ORDER_LITTLE) or its short form (little): lower case, without the enum's
 *                   name as prefix
 *   numbers         decimal. A field with the word `bytes` in its name also takes "16KiB", "16MiB" and "1GiB" (powers
 *                   of 1024), "10KB", "10MB" and "1GB" (powers of 1000). One whose name ends in `_ms` also takes
 *                   "500ms", "30s", "2m" (or "2min") and "1h". A blank before the unit is optional. In 32 bits such a
 *                   time is at most 2147483647 ms.
 * Keys are the names in the .proto. Anchors, aliases, tags, merge keys and further documents are refused: a reader of
 * the file should not need to know all of YAML.
 *
 * ${NAME} and ${NAME:default} in a scalar are replaced by the value of an environment variable (expand.h).
 *
 * Sources apply in order: a later scalar or list replaces the earlier one, sections and maps merge key by key.
 *
 * Does not know: what the values mean; the user of a value checks what its type cannot express.
 * Thread: any; a call keeps no state.
 */
#ifndef STOA_SERVER_CONFIG_CONFIG_H
#define STOA_SERVER_CONFIG_CONFIG_H

#include <stoa/arena.h>
#include <stoa/buffer.h>
#include <stoa/descriptor.h>

#define STOA_CONFIG_FILE_BYTES_MAX (1024u * 1024)
#define STOA_CONFIG_DEPTH_MAX 32u         /* nested sections and lists; also the limit of tables */
#define STOA_CONFIG_VALUES_MAX 65536u     /* scalars, lists and sections of one source */
#define STOA_CONFIG_KEY_BYTES_MAX 128u    /* one key */
#define STOA_CONFIG_MAP_ENTRIES_MAX 1024u /* one map, all sources together */
#define STOA_CONFIG_ERRORS_MAX 50u        /* shown; the others are counted */

/* The kind of a source. The caller decides the order of sources. */
enum stoa_config_source_kind {
  STOA_CONFIG_FILE,        /* `text` is a file's path, or a directory's: its files as folder.h lists them */
  STOA_CONFIG_TEXT,        /* `text` is YAML, `name` replaces the path in errors */
  STOA_CONFIG_SET,         /* `text` is "a.b=c": the value c, in YAML, at the path a.b */
  STOA_CONFIG_ENVIRONMENT, /* the environment's variables that set keys (environment.h); `text` is the program's name */
  STOA_CONFIG_VARIABLE     /* one of them: `text` is the value, in YAML, for `path`; `name` the variable's */
};

struct stoa_config_origins;

struct stoa_config_source {
  enum stoa_config_source_kind kind;
  struct stoa_string text; /* a path is followed by a NUL */
  const char *name;        /* STOA_CONFIG_TEXT and STOA_CONFIG_VARIABLE only */
  struct stoa_string path; /* STOA_CONFIG_VARIABLE only */
};

/* What a load reads. Borrowed until the call returns. */
struct stoa_config_input {
  const struct stoa_message_type *type;
  const struct stoa_config_source *sources; /* none is fine */
  size_t source_count;
  const char *const *environment;      /* "NAME=value" each, up to NULL: what ${NAME} stands for. NULL: empty */
  struct stoa_config_origins *origins; /* zeroed (origins.h): records where values come from. NULL: not recorded */
};

/* Read all sources into a struct of input->type.
 *
 * arena        memory of the struct's strings, lists and messages; every string and bytes value is followed by a NUL
 * out_message  the type's size of bytes; written on STOA_OK only
 * out_errors   on STOA_E_SYNTAX: the text to show, one line a mistake, by source and place; unchanged otherwise
 * Errors: STOA_E_SYNTAX    there are mistakes: a file or directory that is missing, unreadable or too large; broken
 *                          YAML; keys, values or variables that the table does not allow
 *         STOA_E_MEMORY    memory is out, or the arena's cap is reached; no mistake is reported
 *         STOA_E_LIMIT     the mistakes do not fit into out_errors
 *         STOA_E_ARGUMENT  a table is of another ABI
 */
int stoa_config_load(const struct stoa_config_input *input, struct stoa_arena *arena, void *out_message,
                     struct stoa_buffer *out_errors);

/* Append the message as YAML for people: every key, also what is not set, each value with the source it came from as a
 * comment, and `default` where there is none. What a field's name says is secret (key_secret, token, password, secret,
 * their plurals, and names that end in one of them) is shown as "***". Sections and fields that keep whether they are
 * set, and are not, are comments. Errors: as stoa_config_print() */
int stoa_config_print_all(const struct stoa_message_type *type, const void *message,
                          const struct stoa_config_origins *origins, struct stoa_buffer *out);

/* Append the message as YAML that stoa_config_load() reads back to the same struct: keys in the table's order, only
 * fields that are set, present but empty sections as {}.
 * Errors: STOA_E_LIMIT     out's cap, or more than STOA_CONFIG_DEPTH_MAX nested sections and lists
 *         STOA_E_MEMORY
 *         STOA_E_UTF8      a string is not UTF-8
 *         STOA_E_TYPE      an enum's number has no name
 *         STOA_E_ARGUMENT  a table is of another ABI
 *         `out` is as before after each.
 */
int stoa_config_print(const struct stoa_message_type *type, const void *message, struct stoa_buffer *out);

#endif
