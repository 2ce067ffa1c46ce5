/* stoa: the command line program. It finds the subcommand and passes the other arguments to it. */
#include <stdio.h>
#include <stoa/version.h>
#include <string.h>

#include "command.h"

struct command {
  const char *name;
  const char *about;
  int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"bench", "load a WebSocket server, check every delivery, measure the cost", command_bench},
    {"call", "call a server, typed by a .proto file or by number", command_call},
    {"chat", "chat in a terminal", command_chat},
    {"check-config", "check configuration files without starting anything", command_check_config},
    {"doctor", "find what keeps clients from connecting, and what to do", command_doctor},
    {"listen", "print what a server sends", command_listen},
    {"new", "make a project that builds and runs", command_new},
    {"proto", "add .proto files to a project, generate code from them", command_proto},
    {"token", "make keys, sign and show JSON Web Tokens", command_token},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to) {
  fprintf(to, "usage: stoa COMMAND [options]\n       stoa --help | --version\n\ncommands:\n");
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    fprintf(to, "  %-14s %s\n", commands[i].name, commands[i].about);
  }
  fprintf(to, "\n`stoa COMMAND --help` shows the options.\n");
}

static const struct command *find_command(const char *name) {
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    if (strcmp(commands[i].name, name) == 0) {
      return &commands[i];
    }
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    print_help(stderr);
    return EXIT_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    print_help(stdout);
    return EXIT_FINE;
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("stoa %s\n", STOA_VERSION);
    return EXIT_FINE;
  }
  const struct command *command = find_command(argv[1]);
  if (command == NULL) {
    fprintf(stderr, "stoa: no command named %s; `stoa --help` lists them\n", argv[1]);
    return EXIT_USAGE;
  }
  char name[64];
  snprintf(name, sizeof name, "stoa %s", command->name);
  argv[1] = name;
  return command->run(argc - 1, argv + 1);
}
