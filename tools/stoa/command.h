/* tools/stoa/command.h: the subcommands of `stoa`. Each subcommand reads its own options and returns the exit
 * status. */
#ifndef STOA_TOOL_COMMAND_H
#define STOA_TOOL_COMMAND_H

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* argv[0] is "stoa NAME", for error messages. */
int command_bench(int argc, char **argv);
int command_call(int argc, char **argv);
int command_chat(int argc, char **argv);
int command_check_config(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_listen(int argc, char **argv);
int command_new(int argc, char **argv);
int command_proto(int argc, char **argv);
int command_token(int argc, char **argv);

#endif
