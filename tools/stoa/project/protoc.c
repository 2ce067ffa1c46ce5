#include "project/protoc.h"

#include <assert.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "project/files.h"

enum { ARGUMENTS_MAX = PROTOC_FILES_MAX + PROTOC_INCLUDES_MAX + 8, TEXT_MAX = PROJECT_PATH_MAX + 32 };

/* The arguments of one run. Folders become -Ifolder, for which there is memory. */
struct command_line {
  char *arguments[ARGUMENTS_MAX];
  size_t count;
  char includes[PROTOC_INCLUDES_MAX + 1][TEXT_MAX];
  char plugin[TEXT_MAX];
  char own_protos[PROJECT_PATH_MAX];
};

bool protoc_add_include(struct protoc_input *input, const char *folder) {
  if (input->include_count == PROTOC_INCLUDES_MAX) {
    fprintf(stderr, "stoa: at most %d folders of imports can be given\n", PROTOC_INCLUDES_MAX);
    return false;
  }
  input->includes[input->include_count++] = folder;
  return true;
}

bool protoc_add_file(struct protoc_input *input, const char *file) {
  if (input->file_count == PROTOC_FILES_MAX) {
    fprintf(stderr, "stoa: at most %d .proto files can be given\n", PROTOC_FILES_MAX);
    return false;
  }
  input->files[input->file_count++] = file;
  return true;
}

/* The list's memory holds the folder too, before the names. */
bool protoc_add_project(struct protoc_input *input, const char *root, char **out_memory) {
  char path[PROJECT_PATH_MAX];
  struct stoa_buffer text;
  stoa_buffer_init(&text, PROJECT_FILE_MAX);
  bool is_read = project_path(path, "%s/api", root) && stoa_buffer_append(&text, path, strlen(path) + 1) == STOA_OK &&
                 project_path(path, "%s/api/protos.txt", root) && project_read(path, &text) &&
                 stoa_buffer_append(&text, "", 1) == STOA_OK;
  if (!is_read) {
    stoa_buffer_fini(&text);
    return false;
  }
  *out_memory = (char *)text.data;
  is_read = protoc_add_include(input, *out_memory);
  char *rest;
  char *list = *out_memory + strlen(*out_memory) + 1;
  for (char *line = strtok_r(list, " \r\n", &rest); is_read && line != NULL; line = strtok_r(NULL, " \r\n", &rest)) {
    is_read = protoc_add_file(input, line);
  }
  return is_read;
}

/* The folder of this program, which may be reached by a link. */
static bool own_folder(char out[PROJECT_PATH_MAX]) {
  char path[PROJECT_PATH_MAX];
  ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
  if (len <= 0) {
    return false;
  }
  path[len] = '\0';
  *strrchr(path, '/') = '\0';
  return project_path(out, "%s", path);
}

static bool find_own_protos(char out[PROJECT_PATH_MAX]) {
  static const char *const places[] = {"../share/stoa/proto", "../../../api"};
  char folder[PROJECT_PATH_MAX];
  char options[PROJECT_PATH_MAX];
  for (size_t i = 0; i < sizeof places / sizeof places[0] && own_folder(folder); i++) {
    if (project_path(out, "%s/%s", folder, places[i]) && project_path(options, "%s/stoa/options.proto", out) &&
        access(options, R_OK) == 0) {
      return true;
    }
  }
  return false;
}

/* Else protoc searches PATH. */
static void find_plugin(char out[TEXT_MAX]) {
  static const char *const places[] = {"protoc-gen-stoa", "../protoc-gen-stoa/protoc-gen-stoa"};
  char folder[PROJECT_PATH_MAX];
  char path[PROJECT_PATH_MAX];
  snprintf(out, TEXT_MAX, "--plugin=protoc-gen-stoa=protoc-gen-stoa");
  for (size_t i = 0; i < sizeof places / sizeof places[0] && own_folder(folder); i++) {
    if (project_path(path, "%s/%s", folder, places[i]) && access(path, X_OK) == 0) {
      snprintf(out, TEXT_MAX, "--plugin=protoc-gen-stoa=%s", path);
      return;
    }
  }
}

/* posix_spawnp() does not change the texts. */
static void add(struct command_line *line, const char *argument) {
  union {
    const char *given;
    char *argument;
  } text = {argument};
  assert(line->count < ARGUMENTS_MAX);
  line->arguments[line->count++] = text.argument;
}

static void begin(struct command_line *line, const struct protoc_input *input) {
  add(line, "protoc");
  for (size_t i = 0; i < input->include_count; i++) {
    snprintf(line->includes[i], TEXT_MAX, "-I%s", input->includes[i]);
    add(line, line->includes[i]);
  }
  if (find_own_protos(line->own_protos)) {
    snprintf(line->includes[PROTOC_INCLUDES_MAX], TEXT_MAX, "-I%s", line->own_protos);
    add(line, line->includes[PROTOC_INCLUDES_MAX]);
  }
}

static void add_files(struct command_line *line, const struct protoc_input *input) {
  for (size_t i = 0; i < input->file_count; i++) {
    add(line, input->files[i]);
  }
  add(line, NULL);
}

static bool run(struct command_line *line) {
  pid_t child;
  int ended = 0;
  int error = posix_spawnp(&child, line->arguments[0], NULL, NULL, line->arguments, environ);
  if (error != 0) {
    fprintf(stderr, "stoa: protoc cannot be run: %s; on Debian: apt install protobuf-compiler\n", strerror(error));
    return false;
  }
  while (waitpid(child, &ended, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
}

bool protoc_describe(const struct protoc_input *input, const char *out_file) {
  char option[TEXT_MAX];
  struct command_line *line = calloc(1, sizeof *line);
  if (line == NULL) {
    fprintf(stderr, "stoa: memory is out\n");
    return false;
  }
  begin(line, input);
  snprintf(option, sizeof option, "--descriptor_set_out=%s", out_file);
  add(line, "--include_imports");
  add(line, option);
  add_files(line, input);
  bool is_good = run(line);
  free(line);
  return is_good;
}

bool protoc_generate(const struct protoc_input *input, const char *output, const char *out_folder) {
  char option[64];
  char out[TEXT_MAX];
  struct command_line *line = calloc(1, sizeof *line);
  if (line == NULL) {
    fprintf(stderr, "stoa: memory is out\n");
    return false;
  }
  begin(line, input);
  find_plugin(line->plugin);
  snprintf(option, sizeof option, "--stoa_opt=%s", output);
  snprintf(out, sizeof out, "--stoa_out=%s", out_folder);
  add(line, line->plugin);
  add(line, option);
  add(line, out);
  add_files(line, input);
  bool is_good = run(line);
  free(line);
  return is_good;
}
