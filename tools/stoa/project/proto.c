/* stoa proto: the .proto files of a project. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stoa/status.h>

#include "../call/api.h"
#include "../command.h"
#include "project/files.h"
#include "project/name.h"
#include "project/protoc.h"
#include "project/template.h"

static const char help[] =
    "usage: stoa proto add PATH\n"
    "       stoa proto gen [options] [FILE...]\n"
    "\n"
    "For projects that `stoa new` has made, in any of their folders.\n"
    "\n"
    "add      makes api/PATH, such as hello/v1/other.proto, and adds it to api/protos.txt, so that it is built\n"
    "gen      runs protoc with the plugin for each FILE, relative to api/; without any, for all of api/protos.txt\n"
    "      --out FOLDER    where to (gen, in the project's folder)\n"
    "      --opt OUTPUTS   c, client, ts, openapi, markdown, with commas between them (c,client,ts)\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 bad usage.\n";

static bool need_root(char root[PROJECT_PATH_MAX]) {
  if (project_find_root(root)) {
    return true;
  }
  fprintf(stderr, "stoa proto: there is no api/protos.txt here or above: run it in a project of `stoa new`\n");
  return false;
}

/* ---- add ---- */

/* "hello/v1/other.proto": its package "hello.v1" and its name "other". */
static bool split(const char *path, char package[PROJECT_PATH_MAX], char name[PROJECT_NAME_MAX + 1]) {
  char copy[PROJECT_PATH_MAX];
  size_t len = strlen(path);
  if (len <= strlen(".proto") || strcmp(path + len - strlen(".proto"), ".proto") != 0 ||
      !project_path(copy, "%.*s", (int)(len - strlen(".proto")), path)) {
    fprintf(stderr, "stoa proto add: \"%s\" is not a path such as hello/v1/other.proto\n", path);
    return false;
  }
  char *rest;
  const char *last = NULL;
  package[0] = '\0';
  for (char *part = strtok_r(copy, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
    const char *problem = project_name_problem(part);
    if (problem != NULL) {
      fprintf(stderr, "stoa proto add: \"%s\" in %s: %s\n", part, path, problem);
      return false;
    }
    if (last != NULL) {
      snprintf(package + strlen(package), PROJECT_PATH_MAX - strlen(package), "%s%s", package[0] == '\0' ? "" : ".",
               last);
    }
    last = part;
  }
  if (last == NULL || package[0] == '\0') {
    fprintf(stderr, "stoa proto add: \"%s\" has no folder, which is its package: hello/v1/other.proto\n", path);
    return false;
  }
  snprintf(name, PROJECT_NAME_MAX + 1, "%s", last);
  return true;
}

/* No two calls of a server have one number. */
static bool next_number(const char *root, char out[16]) {
  static struct protoc_input input;
  char *memory = NULL;
  struct api *api = protoc_add_project(&input, root, &memory) ? api_load(&input) : NULL;
  if (api != NULL) {
    snprintf(out, 16, "%u", api_free_number(api));
  }
  api_destroy(api);
  free(memory);
  return api != NULL;
}

static bool write_proto(const char *path, const struct project_value *values, size_t value_count) {
  char parents[PROJECT_PATH_MAX];
  struct stoa_buffer content;
  int status = STOA_E_NOT_FOUND;
  stoa_buffer_init(&content, PROJECT_FILE_MAX);
  for (size_t i = 0; i < project_template_count; i++) {
    const struct project_template *template = &project_templates[i];
    if (strcmp(template->path, "proto/file.proto") == 0) {
      status = project_template_fill(template->data, template->len, values, value_count, &content);
    }
  }
  if (status != STOA_OK) {
    fprintf(stderr, "stoa proto add: %s\n", stoa_status_text(status));
  }
  bool is_written = status == STOA_OK && project_path(parents, "%s", path) && project_make_parents(parents) &&
                    project_write_new(path, false, &content);
  stoa_buffer_fini(&content);
  return is_written;
}

static bool add_to_list(const char *root, const char *line) {
  char path[PROJECT_PATH_MAX];
  struct stoa_buffer list;
  stoa_buffer_init(&list, PROJECT_FILE_MAX);
  bool is_read = project_path(path, "%s/api/protos.txt", root) && project_read(path, &list);
  bool is_cut = is_read && list.len > 0 && list.data[list.len - 1] != '\n';
  bool is_added = is_read && (!is_cut || stoa_buffer_append(&list, "\n", 1) == STOA_OK) &&
                  stoa_buffer_append(&list, line, strlen(line)) == STOA_OK &&
                  stoa_buffer_append(&list, "\n", 1) == STOA_OK && project_replace(path, &list);
  stoa_buffer_fini(&list);
  return is_added;
}

static int add(int argc, char **argv) {
  char root[PROJECT_PATH_MAX];
  char package[PROJECT_PATH_MAX];
  char path[PROJECT_PATH_MAX];
  char name[PROJECT_NAME_MAX + 1];
  char camel[PROJECT_NAME_MAX + 1];
  char number[16];
  if (argc != 2 || argv[1][0] == '-') {
    fprintf(stderr, "stoa proto add: give one path, such as hello/v1/other.proto\n");
    return EXIT_USAGE;
  }
  const char *relative = strncmp(argv[1], "api/", 4) == 0 ? argv[1] + 4 : argv[1];
  if (!split(relative, package, name) || !need_root(root)) {
    return EXIT_USAGE;
  }
  project_name_camel(name, camel);
  if (!project_path(path, "%s/api/%s", root, relative) || !next_number(root, number)) {
    return EXIT_FAILED;
  }
  const struct project_value values[] = {{"package", package}, {"Name", camel}, {"type", number}};
  if (!write_proto(path, values, sizeof values / sizeof values[0])) {
    return EXIT_FAILED;
  }
  if (!add_to_list(root, relative)) {
    unlink(path);
    return EXIT_FAILED;
  }
  printf("api/%s is made, and is built from now on. Its call has the number %s.\n", relative, number);
  return EXIT_FINE;
}

/* ---- gen ---- */

struct wanted {
  const char *out;
  const char *outputs;
};

static bool take_options(int argc, char **argv, struct wanted *wanted) {
  static const struct option options[] = {
      {"out", required_argument, NULL, 'o'}, {"opt", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
  optind = 0;
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (c == 'o') {
      wanted->out = optarg;
    } else if (c == 'p') {
      wanted->outputs = optarg;
    } else {
      return false; /* getopt_long() has printed the error */
    }
  }
  return true;
}

static bool take_files(int argc, char **argv, const char *root, struct protoc_input *input, char **out_memory) {
  bool is_good = protoc_add_project(input, root, out_memory);
  input->file_count = optind < argc ? 0 : input->file_count;
  for (int i = optind; is_good && i < argc; i++) {
    is_good = protoc_add_file(input, strncmp(argv[i], "api/", 4) == 0 ? argv[i] + 4 : argv[i]);
  }
  return is_good;
}

static int gen(int argc, char **argv) {
  static struct protoc_input input;
  char root[PROJECT_PATH_MAX];
  char out[PROJECT_PATH_MAX];
  char inside[PROJECT_PATH_MAX];
  char *memory = NULL;
  struct wanted wanted = {.outputs = "c,client,ts"};
  if (!take_options(argc, argv, &wanted) || !need_root(root)) {
    return EXIT_USAGE;
  }
  bool is_good = wanted.out == NULL ? project_path(out, "%s/gen", root) : project_path(out, "%s", wanted.out);
  is_good = is_good && project_path(inside, "%s/.", out) && project_make_parents(inside) &&
            take_files(argc, argv, root, &input, &memory) && protoc_generate(&input, wanted.outputs, out);
  if (is_good) {
    printf("%zu files of api/ are generated (%s) in %s\n", input.file_count, wanted.outputs, out);
  }
  free(memory);
  return is_good ? EXIT_FINE : EXIT_FAILED;
}

int command_proto(int argc, char **argv) {
  if (argc < 2) {
    fputs(help, stderr);
    return EXIT_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    fputs(help, stdout);
    return EXIT_FINE;
  }
  if (strcmp(argv[1], "add") == 0) {
    return add(argc - 1, argv + 1);
  }
  if (strcmp(argv[1], "gen") == 0) {
    return gen(argc - 1, argv + 1);
  }
  fprintf(stderr, "stoa proto: no command named %s; `stoa proto --help` lists them\n", argv[1]);
  return EXIT_USAGE;
}
