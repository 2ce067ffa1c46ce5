/* stoa new: a project that builds and runs. It is made beside its place and moved there when it is complete, so that a
 * failure leaves nothing behind and nothing that exists is touched. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stoa/status.h>

#include "../command.h"
#include "project/files.h"
#include "project/name.h"
#include "project/template.h"

static const char help[] =
    "usage: stoa new NAME\n"
    "\n"
    "Makes the folder NAME with a project: an API in Protobuf, its service in C, configuration, tests, a page, and\n"
    "`./dev`, which builds, runs and tests it against the Stoa that is installed. NAME may have a path before it.\n"
    "A folder that is not empty is left alone.\n"
    "\n"
    "Exit status: 0 made, 1 not made, 2 bad usage.\n";

enum { VALUE_COUNT = 3 };

struct project {
  char folder[PROJECT_PATH_MAX]; /* where it will be */
  char fresh[PROJECT_PATH_MAX];  /* where it is made */
  const char *name;
  char camel[PROJECT_NAME_MAX + 1];
  char upper[PROJECT_NAME_MAX + 1];
  struct project_value values[VALUE_COUNT];
};

/* "service/api/NAME/v1/NAME.proto" below the project's folder. git reads .gitignore; a template of that name would
 * count in Stoa's own tree. */
static bool place_of(const struct project *project, const char *path, char out[PROJECT_PATH_MAX]) {
  char relative[PROJECT_PATH_MAX];
  size_t at = 0;
  path += strlen("service/");
  while (*path != '\0' && at + PROJECT_NAME_MAX + 2 < sizeof relative) {
    bool is_name = strncmp(path, "NAME", 4) == 0;
    int len = snprintf(relative + at, sizeof relative - at, "%.*s", is_name ? PROJECT_NAME_MAX : 1,
                       is_name ? project->name : path);
    at += (size_t)len;
    path += is_name ? 4 : 1;
  }
  const char *dot = strcmp(relative, "gitignore") == 0 ? "." : "";
  return project_path(out, "%s/%s%s", project->fresh, dot, relative);
}

static bool write_one(const struct project *project, const struct project_template *template) {
  char path[PROJECT_PATH_MAX];
  struct stoa_buffer content;
  stoa_buffer_init(&content, PROJECT_FILE_MAX);
  int status = project_template_fill(template->data, template->len, project->values, VALUE_COUNT, &content);
  if (status != STOA_OK) {
    fprintf(stderr, "stoa new: %s: %s\n", template->path, stoa_status_text(status));
  }
  bool is_written = status == STOA_OK && place_of(project, template->path, path) && project_make_parents(path) &&
                    project_write_new(path, template->is_executable, &content);
  stoa_buffer_fini(&content);
  return is_written;
}

static bool write_all(const struct project *project) {
  for (size_t i = 0; i < project_template_count; i++) {
    const struct project_template *template = &project_templates[i];
    if (strncmp(template->path, "service/", strlen("service/")) == 0 && !write_one(project, template)) {
      return false;
    }
  }
  return true;
}

/* rename(2) puts a folder in the place of an empty one, and refuses every other. */
static bool move_in(const struct project *project) {
  if (rename(project->fresh, project->folder) == 0) {
    return true;
  }
  bool is_taken = errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR;
  fprintf(stderr, "stoa new: %s: %s\n", project->folder,
          is_taken ? "it exists and is not an empty folder; choose another name, or remove it" : strerror(errno));
  return false;
}

static bool make(struct project *project) {
  char parents[PROJECT_PATH_MAX];
  mode_t mask = umask(0);
  umask(mask);
  if (!project_path(project->fresh, "%s.XXXXXX", project->folder) || !project_path(parents, "%s", project->folder) ||
      !project_make_parents(parents)) {
    return false;
  }
  if (mkdtemp(project->fresh) == NULL) {
    fprintf(stderr, "stoa new: cannot make a folder beside %s: %s\n", project->folder, strerror(errno));
    return false;
  }
  bool is_made = write_all(project) && chmod(project->fresh, 0777 & ~mask) == 0 && move_in(project);
  if (!is_made) {
    project_remove_folder(project->fresh);
  }
  return is_made;
}

/* The last part of the path is the name. */
static bool read_name(const char *argument, struct project *project) {
  size_t len = strlen(argument);
  while (len > 1 && argument[len - 1] == '/') {
    len--;
  }
  if (!project_path(project->folder, "%.*s", (int)(len < PROJECT_PATH_MAX ? len : PROJECT_PATH_MAX), argument)) {
    return false;
  }
  const char *slash = strrchr(project->folder, '/');
  project->name = slash == NULL ? project->folder : slash + 1;
  const char *problem = project_name_problem(project->name);
  if (problem != NULL) {
    fprintf(stderr, "stoa new: \"%s\" cannot be the name of a project: %s\n", project->name, problem);
    return false;
  }
  project_name_camel(project->name, project->camel);
  project_name_upper(project->name, project->upper);
  const struct project_value values[VALUE_COUNT] = {
      {"name", project->name}, {"Name", project->camel}, {"NAME", project->upper}};
  memcpy(project->values, values, sizeof values);
  return true;
}

int command_new(int argc, char **argv) {
  static struct project project;
  if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    fputs(help, stdout);
    return EXIT_FINE;
  }
  if (argc != 2 || argv[1][0] == '-') {
    fprintf(stderr, "stoa new: give one name, such as hello; `stoa new --help` says more\n");
    return EXIT_USAGE;
  }
  if (!read_name(argv[1], &project)) {
    return EXIT_USAGE;
  }
  if (!make(&project)) {
    return EXIT_FAILED;
  }
  printf(
      "%s is made. Next:\n\n  cd %s\n  ./dev run\n\nand in another terminal, in the same folder:\n\n"
      "  stoa call ws://localhost:7700/ Greet '{\"name\":\"Ann\"}'\n  curl http://localhost:7700/v1/greet/Ann\n",
      project.name, project.folder);
  return EXIT_FINE;
}
