/* server/config/arguments.c: the command line, argument by argument. */
#include "server/config/arguments.h"

#include "base/array.h"

#include <stdio.h>

enum option_kind { OPTION_FILE, OPTION_SET, OPTION_WATCH, OPTION_ACTION };

struct option {
  const char *name; /* without the dashes */
  char letter;      /* 0: it has none */
  enum option_kind kind;
  enum stoa_arguments_action action;
  const char *value; /* name of its value in the usage text; NULL: it takes none */
  const char *about;
};

static const struct option options[] = {
    {"config", 'c', OPTION_FILE, 0, "FILE", "read a YAML file or a directory of them; may be repeated, later ones win"},
    {"set", 0, OPTION_SET, 0, "a.b=c", "set one value, wins over files and environment; may be repeated"},
    {"watch", 0, OPTION_WATCH, 0, NULL, "reload when the configuration's files, certificates or keys change"},
    {"check-config", 0, OPTION_ACTION, STOA_ARGUMENTS_CHECK_CONFIG, NULL,
     "check the settings, show all errors, and exit"},
    {"print-config", 0, OPTION_ACTION, STOA_ARGUMENTS_PRINT_CONFIG, NULL,
     "show every setting and its source as YAML, and exit"},
    {"version", 0, OPTION_ACTION, STOA_ARGUMENTS_VERSION, NULL, "show name and version, and exit"},
    {"help", 'h', OPTION_ACTION, STOA_ARGUMENTS_HELP, NULL, "show this text, and exit"},
};

#define OPTION_COUNT STOA_COUNT_OF(options)

struct reader {
  char **next; /* arguments not read yet, up to NULL */
  struct stoa_arguments *arguments;
  char *error;
  size_t error_size;
};

static int refuse(struct reader *reader, const char *what, const char *argument, const char *then) {
  snprintf(reader->error, reader->error_size, "%s \"%s\"%s", what, argument, then);
  return STOA_E_ARGUMENT;
}

/* Files come before settings, so a new file moves the settings up by one. */
static int add_source(struct reader *reader, enum stoa_config_source_kind kind, const char *text) {
  struct stoa_arguments *out = reader->arguments;
  if (out->source_count == STOA_ARGUMENTS_SOURCES_MAX) {
    snprintf(reader->error, reader->error_size, "more than %u files and settings", STOA_ARGUMENTS_SOURCES_MAX);
    return STOA_E_LIMIT;
  }
  size_t at = kind == STOA_CONFIG_FILE ? out->file_count++ : out->source_count;
  memmove(&out->sources[at + 1], &out->sources[at], (out->source_count - at) * sizeof out->sources[0]);
  out->sources[at] = (struct stoa_config_source){.kind = kind, .text = stoa_string_of(text)};
  out->source_count++;
  return STOA_OK;
}

static int apply(struct reader *reader, const struct option *option, const char *value) {
  if (option->kind == OPTION_ACTION) {
    if (option->action > reader->arguments->action) {
      reader->arguments->action = option->action;
    }
    return STOA_OK;
  }
  if (option->kind == OPTION_WATCH) {
    reader->arguments->watch = true;
    return STOA_OK;
  }
  return add_source(reader, option->kind == OPTION_FILE ? STOA_CONFIG_FILE : STOA_CONFIG_SET, value);
}

static const struct option *find_name(struct stoa_string name) {
  for (size_t i = 0; i < OPTION_COUNT; i++) {
    if (stoa_string_equal(name, stoa_string_of(options[i].name))) {
      return &options[i];
    }
  }
  return NULL;
}

static const struct option *find_letter(char letter) {
  for (size_t i = 0; i < OPTION_COUNT; i++) {
    if (options[i].letter == letter) {
      return &options[i];
    }
  }
  return NULL;
}

/* `attached` is a value in the same argument, or NULL. */
static int read_value(struct reader *reader, const struct option *option, const char *argument, const char *attached) {
  if (option->value == NULL) {
    return attached == NULL ? apply(reader, option, NULL) : refuse(reader, "option", argument, " takes no value");
  }
  if (attached == NULL) {
    attached = *reader->next;
    reader->next += attached != NULL;
  }
  if (attached == NULL) {
    return refuse(reader, "option", argument, " needs a value");
  }
  return apply(reader, option, attached);
}

static int read_name(struct reader *reader, const char *argument) {
  const char *name = argument + 2;
  const char *sign = strchr(name, '=');
  size_t len = sign == NULL ? strlen(name) : (size_t)(sign - name);
  const struct option *option = find_name(stoa_string_make(name, len));
  if (option == NULL) {
    return refuse(reader, "unknown option", argument, "");
  }
  return read_value(reader, option, argument, sign == NULL ? NULL : sign + 1);
}

/* -c FILE and -cFILE. Letters are not bundled. */
static int read_letter(struct reader *reader, const char *argument) {
  const struct option *option = argument[1] == '\0' ? NULL : find_letter(argument[1]);
  if (option == NULL) {
    return refuse(reader, argument[1] == '\0' ? "unexpected argument" : "unknown option", argument, "");
  }
  return read_value(reader, option, argument, argument[2] == '\0' ? NULL : argument + 2);
}

static int read_argument(struct reader *reader) {
  const char *argument = *reader->next++;
  if (argument[0] != '-') {
    return refuse(reader, "unexpected argument", argument, "");
  }
  if (argument[1] != '-') {
    return read_letter(reader, argument);
  }
  if (argument[2] != '\0') {
    return read_name(reader, argument);
  }
  return *reader->next == NULL ? STOA_OK : refuse(reader, "unexpected argument", *reader->next, "");
}

int stoa_arguments_parse(int argc, char **argv, struct stoa_arguments *out_arguments, char *out_error, size_t size) {
  struct stoa_arguments read = {.action = STOA_ARGUMENTS_RUN};
  struct reader reader = {.next = argv + (argc > 0), .arguments = &read, .error = out_error, .error_size = size};
  int status = STOA_OK;
  while (*reader.next != NULL && status == STOA_OK) {
    status = read_argument(&reader);
  }
  if (status == STOA_OK) {
    *out_arguments = read;
  }
  return status;
}

static int append_option(const struct option *option, struct stoa_buffer *out) {
  char form[48];
  char line[128];
  const char *value = option->value == NULL ? "" : option->value;
  snprintf(form, sizeof form, "%s--%s%s%s", option->letter == 0 ? "    " : (char[]){'-', option->letter, ',', ' ', 0},
           option->name, option->value == NULL ? "" : " ", value);
  int len = snprintf(line, sizeof line, "  %-22s %s\n", form, option->about);
  return stoa_buffer_append(out, line, (size_t)len);
}

static int append_text(struct stoa_buffer *out, const char *text) {
  return stoa_buffer_append(out, text, strlen(text));
}

int stoa_arguments_usage(const char *name, const char *about, struct stoa_buffer *out) {
  const char *parts[] = {"Usage: ", name, " [OPTION]...\n", about == NULL ? "" : about, about == NULL ? "\n" : "\n\n"};
  int status = STOA_OK;
  for (size_t i = 0; i < STOA_COUNT_OF(parts) && status == STOA_OK; i++) {
    status = append_text(out, parts[i]);
  }
  for (size_t i = 0; i < OPTION_COUNT && status == STOA_OK; i++) {
    status = append_option(&options[i], out);
  }
  return status;
}
