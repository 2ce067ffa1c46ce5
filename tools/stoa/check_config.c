/* stoa check-config: checks configuration files without starting anything. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stoa/app.h>

#include "command.h"

static const char help[] =
    "usage: stoa check-config FILE... [options]\n"
    "\n"
    "Checks configuration as a server program does at its start: every key, value, address, path and certificate. "
    "Later\n"
    "files win over earlier ones; a folder stands for its *.yaml and *.yml files. A mistake is printed with file, "
    "line,\n"
    "column and the most similar key.\n"
    "\n"
    "      --program PROGRAM the program that the files are for; without it, sections of its own are unknown keys\n"
    "      --set KEY=VALUE   another value, such as server.path=/live; may be repeated\n"
    "\n"
    "Exit status: 0 the configuration is good, 1 it is not, 2 bad usage.\n";

enum { ARGUMENTS_MAX = 128 };

/* What the program gets. */
struct command_line {
  char *arguments[ARGUMENTS_MAX];
  int count;
};

static bool add(struct command_line *line, char *argument) {
  if (line->count == ARGUMENTS_MAX - 1) {
    fprintf(stderr, "stoa check-config: too many arguments\n");
    return false;
  }
  line->arguments[line->count++] = argument;
  return true;
}

static int check(struct command_line *line, const char *program) {
  if (program == NULL) {
    const struct stoa_app app = {.name = "server"};
    return stoa_app_run(&app, line->count, line->arguments);
  }
  execvp(program, line->arguments);
  fprintf(stderr, "stoa check-config: %s: %s\n", program, strerror(errno));
  return EXIT_USAGE;
}

int command_check_config(int argc, char **argv) {
  static char config_option[] = "-c";
  static char set_option[] = "--set";
  static char check_option[] = "--check-config";
  static const struct option options[] = {
      {"program", required_argument, NULL, 'p'}, {"set", required_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
  struct command_line line = {.arguments = {argv[0]}, .count = 1};
  char *program = NULL;
  if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    fputs(help, stdout);
    return EXIT_FINE;
  }
  optind = 0;
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (c == 'p') {
      program = optarg;
      line.arguments[0] = optarg;
    } else if (c != 's' || !add(&line, set_option) || !add(&line, optarg)) {
      return EXIT_USAGE; /* getopt_long() has printed the error */
    }
  }
  if (optind == argc) {
    fprintf(stderr, "stoa check-config: give a file; `stoa check-config --help` says more\n");
    return EXIT_USAGE;
  }
  for (int i = optind; i < argc; i++) {
    if (!add(&line, config_option) || !add(&line, argv[i])) {
      return EXIT_USAGE;
    }
  }
  return add(&line, check_option) ? check(&line, program) : EXIT_USAGE;
}
