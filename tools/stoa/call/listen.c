/* stoa listen: prints what a server sends, a line of JSON for each message. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <stoa/log.h>

#include "../command.h"
#include "../now.h"
#include "call/options.h"

static const char help[] =
    "usage: stoa listen URL [METHOD [JSON]] [options]\n"
    "\n"
    "Prints each message that a server sends as a line of JSON: {\"type\":2,\"name\":\"hello.v1.Greeted\","
    "\"message\":{...}}.\n"
    "With METHOD it is called first, for servers that send nothing before a join, and again after each reconnect; its\n"
    "reply has \"reply\" instead of \"message\", each item of a stream \"item\"; items count as messages. URL, METHOD "
    "and\n"
    "JSON are those of `stoa call`.\n"
    "\n"
    "  -I FOLDER             where --proto and its imports are; may be repeated (.)\n"
    "      --proto FILE      a .proto file with the names; may be repeated. In a project of `stoa new`: its own files\n"
    "      --count N         end after N messages\n"
    "      --for TIME        end after this time: 500ms, 10s, 2m\n"
    "      --once            end with the connection, instead of connecting again\n"
    "      --timeout TIME    for the handshake, and for METHOD unless a .proto file says that it is a stream (10s)\n"
    "      --header 'NAME: VALUE'  a field of the upgrade; may be repeated\n"
    "      --token-file FILE a token (JWT) for servers that ask for one; or the variable STOA_TOKEN\n"
    "      --ca FILE         wss: authorities to trust instead of the system's\n"
    "      --insecure        wss: accept any certificate\n"
    "      --trace           begin a trace with the upgrade (W3C traceparent), and print its id\n"
    "\n"
    "Exit status: 0 ended by --count, --for or Ctrl-C; 1 METHOD was answered by an error; 2 bad usage;\n"
    "3 no connection.\n";

enum { STREAM_NUMBER_MAX = 0x1fffffff }; /* bit 29 of a stream's frames has a meaning of its own */

struct listen_run {
  const struct call_options *options;
  const struct api *api;
  struct stoa_client *client;
  struct stoa_buffer json;
  uint32_t number;
  bool is_call;
  bool is_over, is_closing;
  int64_t due_ms; /* of the first answer to METHOD; 0: none is waited for */
  bool was_open;
  uint64_t count;
  int result; /* the exit status; -1 while there is none */
};

static volatile sig_atomic_t is_interrupted;

static void on_signal(int signal_number) {
  (void)signal_number;
  is_interrupted = 1;
}

static void finish(struct listen_run *run, int result) {
  run->result = run->result < 0 ? result : run->result;
  run->is_closing = true;
  stoa_client_close(run->client, 1000, NULL);
}

/* What a line holds, by the name of its member. */
static const char message_member[] = "message", reply_member[] = "reply", item_member[] = "item";

static void print_line(struct listen_run *run, uint32_t type, const char *member, struct stoa_bytes payload) {
  const struct api_entry *entry = api_by_number(run->api, type, member != message_member);
  printf("{\"type\":%u,", type);
  if (entry != NULL) {
    printf("\"name\":\"%s\",", entry->name);
  }
  printf("\"%s\":", member);
  call_print(stdout, stoa_string_make((const char *)payload.data, payload.len));
  printf("}\n");
  if (fflush(stdout) != 0) {
    finish(run, EXIT_FAILED); /* whoever reads has gone */
  }
}

static void print_counted(struct listen_run *run, uint32_t type, const char *member, struct stoa_bytes payload) {
  print_line(run, type, member, payload);
  if (++run->count == run->options->count) {
    finish(run, EXIT_FINE);
  }
}

static void on_other(void *user, struct stoa_client *client, uint32_t type, struct stoa_bytes payload) {
  struct listen_run *run = user;
  (void)client;
  if (!run->is_closing) {
    print_counted(run, type, message_member, payload);
  }
}

static void on_item(stoa_client_function function, void *user, struct stoa_client *client, const void *item) {
  struct listen_run *run = user;
  (void)function, (void)client;
  run->due_ms = 0;
  if (!run->is_closing) {
    print_counted(run, run->number, item_member, *(const struct stoa_bytes *)item);
  }
}

static void finish_unanswered(struct listen_run *run) {
  fprintf(stderr, "%s: %s has no answer\n", run->options->program, run->options->method);
  finish(run, CALL_NO_CONNECTION);
}

/* The end of a stream is empty; a reply is at least {}. */
static void on_answer(struct listen_run *run, struct stoa_bytes payload) {
  if (payload.len > 0) {
    print_line(run, run->number, reply_member, payload);
  } else if (!run->is_closing) {
    fprintf(stderr, "%s: %s has ended\n", run->options->program, run->options->method);
  }
}

static void on_end(void *user, struct stoa_client *client, const struct stoa_call_end *end) {
  struct listen_run *run = user;
  (void)client;
  run->due_ms = 0;
  if (end->result == STOA_CALL_REPLY || end->result == STOA_CALL_DONE) {
    on_answer(run, *(const struct stoa_bytes *)end->message);
  } else if (end->result == STOA_CALL_ERROR) {
    call_print_error(run->options, end->error);
    finish(run, EXIT_FAILED);
  } else if (end->result == STOA_CALL_TIMEOUT || end->result == STOA_CALL_MALFORMED) {
    finish_unanswered(run);
  }
}

static void on_call_end(stoa_client_function function, void *user, struct stoa_client *client,
                        const struct stoa_call_end *end) {
  (void)function;
  on_end(user, client, end);
}

static void on_error(void *user, struct stoa_client *client, uint32_t type, const struct stoa_error *error) {
  struct listen_run *run = user;
  (void)client, (void)type;
  call_print_error(run->options, error);
}

/* What a .proto file does not name may be a stream: a server that answers it once sends its end alone. */
static int start_call(struct listen_run *run, const struct stoa_bytes *request) {
  const struct stoa_client_stream_start stream = {
      .type = run->number, .request = request, .invoke = on_item, .on_end = on_end, .user = run};
  const struct stoa_call_start call = {.type = run->number, .request = request, .invoke = on_call_end, .user = run};
  const struct api_entry *entry = api_by_number(run->api, run->number, true);
  if ((entry != NULL && !entry->is_stream) || run->number > STREAM_NUMBER_MAX) {
    return stoa_client_call(run->client, &call, NULL);
  }
  /* One that is known may be silent for as long as it likes. */
  run->due_ms = entry == NULL ? tool_now_ms() + run->options->timeout_ms : 0;
  return stoa_client_stream(run->client, &stream, NULL);
}

static void on_open(struct listen_run *run) {
  const struct stoa_bytes request = {run->json.data, run->json.len};
  int status = STOA_OK;
  run->was_open = true;
  if (run->options->method != NULL && run->is_call) {
    status = start_call(run, &request);
  } else if (run->options->method != NULL) {
    status = stoa_client_send(run->client, run->number, NULL, &request);
  }
  if (status != STOA_OK) {
    fprintf(stderr, "%s: %s is not sent: %s\n", run->options->program, run->options->method, stoa_status_text(status));
    finish(run, CALL_NO_CONNECTION);
  }
}

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct listen_run *run = user;
  (void)client;
  switch (change->state) {
    case STOA_CLIENT_IDLE:
    case STOA_CLIENT_CONNECTING:
    case STOA_CLIENT_CLOSING:
      break;
    case STOA_CLIENT_OPEN:
      fprintf(stderr, "%s: connected\n", run->options->program);
      on_open(run);
      break;
    case STOA_CLIENT_WAITING:
      call_print_ending(run->options, change);
      if (!run->was_open) {
        finish(run, CALL_NO_CONNECTION); /* never reached: more tries would only repeat the line */
      } else {
        fprintf(stderr, "%s: the next try is in %u ms\n", run->options->program, change->retry_ms);
      }
      break;
    case STOA_CLIENT_ENDED:
      run->is_over = true;
      if (run->result < 0) {
        call_print_ending(run->options, change);
        run->result = CALL_NO_CONNECTION;
      }
      break;
  }
}

/* The shorter wait; nothing is waited for at 0. */
static int64_t until(int64_t wait_ms, int64_t due_ms, int64_t now_ms) {
  int64_t left_ms = due_ms > now_ms ? due_ms - now_ms : 0;
  return due_ms > 0 && (wait_ms < 0 || wait_ms > left_ms) ? left_ms : wait_ms;
}

static int step_to_end(struct listen_run *run) {
  int64_t end_ms = run->options->until_ms > 0 ? tool_now_ms() + run->options->until_ms : 0;
  while (!run->is_over) {
    int64_t wait_ms = stoa_client_wait_ms(run->client);
    if (!run->is_closing) {
      int64_t now_ms = tool_now_ms();
      wait_ms = until(until(wait_ms, end_ms, now_ms), run->due_ms, now_ms);
    }
    stoa_client_step(run->client, (int)wait_ms); /* a signal ends the wait */
    int64_t now_ms = tool_now_ms();
    if (!run->is_closing && (is_interrupted || (end_ms > 0 && now_ms >= end_ms))) {
      finish(run, EXIT_FINE);
    } else if (!run->is_closing && run->due_ms > 0 && now_ms >= run->due_ms) {
      finish_unanswered(run);
    }
  }
  return run->result;
}

static int run_listen(struct listen_run *run) {
  const struct stoa_client_callbacks callbacks = {
      .on_state = on_state, .on_error = on_error, .on_other = on_other, .user = run};
  int result = call_create_client(run->options, run->options->once, &callbacks, &run->client);
  if (result == EXIT_FINE) {
    result = stoa_client_open(run->client) == STOA_OK ? step_to_end(run) : CALL_NO_CONNECTION;
  }
  stoa_client_destroy(run->client);
  return result;
}

static void set_signals(void) {
  const struct sigaction action = {.sa_handler = on_signal}; /* without SA_RESTART */
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
}

int command_listen(int argc, char **argv) {
  static struct call_options options;
  struct api *api = NULL;
  struct listen_run run = {.options = &options, .result = -1};
  if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    fputs(help, stdout);
    return EXIT_FINE;
  }
  set_signals();
  stoa_log_set_level(STOA_LOG_WARN);
  stoa_buffer_init(&run.json, CALL_MESSAGE_MAX);
  bool is_good = call_options_read(argc, argv, true, &options) && call_load_api(&options, &api) &&
                 (options.method == NULL ||
                  (call_find_method(&options, api, &run.number, &run.is_call) && call_read_json(&options, &run.json)));
  run.api = api;
  int result = is_good ? run_listen(&run) : EXIT_USAGE;
  api_destroy(api);
  stoa_buffer_fini(&run.json);
  call_options_fini(&options);
  return result;
}
