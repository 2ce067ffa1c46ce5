/* stoa chat: the chat room in a terminal. */
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../call/options.h"
#include "../command.h"
#include "chat/plain.h"
#include "chat/screen.h"

static const char help[] =
    "usage: stoa chat URL [options]\n"
    "\n"
    "Chats in a room. URL is that of the server's page, http://localhost:7700, or its endpoint, ws://localhost:7700/.\n"
    "On a terminal it uses the whole screen: /help lists the commands, Up changes your last message, Ctrl-P and "
    "Ctrl-N\n"
    "select a message, Page Up scrolls back, Alt-Enter begins a new line. When input or output is no terminal, each "
    "line\n"
    "of the input is sent, and each message is a line of the output.\n"
    "\n"
    "  -n, --nick NAME       your name; else the server gives one\n"
    "  -r, --room ROOM       the room; else the server's default\n"
    "      --history N       messages to begin with, at most 50 (50; without a terminal 0)\n"
    "      --identity FILE   keep who you are in this file: the next time you are the same guest\n"
    "      --token-file FILE a token (JWT) for servers that ask for one; or the variable STOA_TOKEN\n"
    "  -f, --follow          without a terminal: go on after the end of the input\n"
    "      --plain           plain lines on a terminal too\n"
    "      --ca FILE         wss: authorities to trust instead of the system's\n"
    "      --insecure        wss: accept any certificate\n"
    "\n"
    "Exit status: 0 ended by you or, without a terminal, all is stored; 1 something was not sent, or no connection;\n"
    "2 bad usage.\n";

#define TOKEN_LEN_MAX 8192

struct wanted {
  struct chat_link_options link;
  const char *token_file;
  bool follow, is_plain;
  bool has_history;
};

enum { OPT_HISTORY = 256, OPT_IDENTITY, OPT_TOKEN_FILE, OPT_PLAIN, OPT_CA, OPT_INSECURE, OPT_HELP };

static bool read_history(const char *text, struct wanted *wanted, const char *name) {
  char *end;
  unsigned long number = strtoul(text, &end, 10);
  if (end == text || *end != '\0' || number > CHAT_HISTORY_PAGE || text[0] == '-') {
    fprintf(stderr, "%s: --history wants a number from 0 to %u, got %s\n", name, CHAT_HISTORY_PAGE, text);
    return false;
  }
  wanted->link.history = (uint32_t)number;
  wanted->has_history = true;
  return true;
}

static bool take_option(int c, struct wanted *wanted, const char *name) {
  switch (c) {
    case 'n':
      wanted->link.nick = optarg;
      return true;
    case 'r':
      wanted->link.room = optarg[0] == '#' ? optarg + 1 : optarg;
      return true;
    case 'f':
      wanted->follow = true;
      return true;
    case OPT_HISTORY:
      return read_history(optarg, wanted, name);
    case OPT_IDENTITY:
      wanted->link.identity_file = optarg;
      return true;
    case OPT_TOKEN_FILE:
      wanted->token_file = optarg;
      return true;
    case OPT_PLAIN:
      wanted->is_plain = true;
      return true;
    case OPT_CA:
      wanted->link.ca_file = optarg;
      return true;
    case OPT_INSECURE:
      wanted->link.insecure = true;
      return true;
    default:
      return false; /* getopt_long() has printed the error */
  }
}

static bool take_options(int argc, char **argv, struct wanted *wanted) {
  static const struct option options[] = {{"nick", required_argument, NULL, 'n'},
                                          {"room", required_argument, NULL, 'r'},
                                          {"follow", no_argument, NULL, 'f'},
                                          {"history", required_argument, NULL, OPT_HISTORY},
                                          {"identity", required_argument, NULL, OPT_IDENTITY},
                                          {"token-file", required_argument, NULL, OPT_TOKEN_FILE},
                                          {"plain", no_argument, NULL, OPT_PLAIN},
                                          {"ca", required_argument, NULL, OPT_CA},
                                          {"insecure", no_argument, NULL, OPT_INSECURE},
                                          {NULL, 0, NULL, 0}};
  for (int c; (c = getopt_long(argc, argv, "n:r:f", options, NULL)) != -1;) {
    if (!take_option(c, wanted, argv[0])) {
      return false;
    }
  }
  if (optind + 1 != argc) {
    fprintf(stderr, "%s: give one URL, such as http://localhost:7700; `stoa chat --help` lists the options\n", argv[0]);
    return false;
  }
  wanted->link.url = argv[optind];
  return true;
}

/* False, and said: it cannot be read. */
static bool read_token(struct wanted *wanted, char out[TOKEN_LEN_MAX], const char *name) {
  const char *variable = getenv("STOA_TOKEN");
  wanted->link.token = variable != NULL && variable[0] != '\0' ? variable : NULL;
  if (wanted->token_file == NULL) {
    return true;
  }
  FILE *file = fopen(wanted->token_file, "re");
  if (file == NULL) {
    fprintf(stderr, "%s: %s: %m\n", name, wanted->token_file);
    return false;
  }
  size_t len = fread(out, 1, TOKEN_LEN_MAX - 1, file);
  fclose(file);
  out[len] = '\0';
  out[strcspn(out, " \r\n")] = '\0';
  wanted->link.token = out;
  return true;
}

static bool set_utf8(void) {
  if (setlocale(LC_ALL, "") != NULL && strcmp(nl_langinfo(CODESET), "UTF-8") == 0) {
    return true;
  }
  return setlocale(LC_CTYPE, "C.UTF-8") != NULL;
}

int command_chat(int argc, char **argv) {
  char url[CALL_URL_MAX];
  char token[TOKEN_LEN_MAX];
  struct wanted wanted = {.link = {.history = CHAT_HISTORY_PAGE}};
  if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    fputs(help, stdout);
    return EXIT_FINE;
  }
  if (!take_options(argc, argv, &wanted) || !read_token(&wanted, token, argv[0])) {
    return EXIT_USAGE;
  }
  if (!call_make_url(wanted.link.url, url) || !set_utf8()) {
    fprintf(stderr, "%s: %s\n", argv[0], "the URL is too long, or the system has no locale with UTF-8");
    return EXIT_USAGE;
  }
  wanted.link.url = url;
  bool is_screen = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !wanted.is_plain;
  if (!is_screen && !wanted.has_history) {
    wanted.link.history = 0;
  }
  return is_screen ? chat_screen_run(&wanted.link) : chat_plain_run(&wanted.link, wanted.follow);
}
