/* stoa call: one call, or one message, and its answer. JSON goes to the server as it is, in the subprotocol stoa.json,
 * so the tool needs no types: the server checks the fields and names what is wrong. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <stoa/log.h>

#include "../command.h"
#include "../now.h"
#include "call/options.h"

static const char help[] =
    "usage: stoa call URL METHOD [JSON] [options]\n"
    "\n"
    "Calls a server and prints the reply, as JSON; of a stream each item on a line. URL is that of the endpoint,\n"
    "ws://HOST:PORT/PATH or wss://...; with http:// or https:// it is the same. METHOD is a name from a .proto file\n"
    "(Greet, HelloService.Greet, in full), or its number. A message that is no call is sent, and nothing is printed.\n"
    "JSON is the request, {} without any; - is the standard input.\n"
    "\n"
    "  -I FOLDER             where --proto and its imports are; may be repeated (.)\n"
    "      --proto FILE      a .proto file with the method; may be repeated. In a project of `stoa new`: its own "
    "files\n"
    "      --message         METHOD is a message, also when a call has the same name or number\n"
    "      --timeout TIME    for all of it, or between two items of a stream: 500ms, 10s, 2m (10s)\n"
    "      --header 'NAME: VALUE'  a field of the upgrade; may be repeated\n"
    "      --token-file FILE a token (JWT) for servers that ask for one; or the variable STOA_TOKEN\n"
    "      --ca FILE         wss: authorities to trust instead of the system's\n"
    "      --insecure        wss: accept any certificate\n"
    "      --trace           begin a trace with the upgrade (W3C traceparent), and print its id\n"
    "\n"
    "Exit status: 0 a reply; 1 an error of the server, its code and reason are on standard error; 2 bad usage;\n"
    "3 no connection, or no answer in time.\n";

struct call_run {
  const struct call_options *options;
  struct stoa_client *client;
  struct stoa_buffer json;
  uint32_t number;
  bool is_call;
  bool is_over;
  int64_t heard_ms; /* when it began, or an item came */
  int result;       /* the exit status; -1 while there is none */
};

static void finish(struct call_run *run, int result) {
  run->result = run->result < 0 ? result : run->result;
  stoa_client_close(run->client, 1000, NULL);
}

/* False when the output takes no more. */
static bool print_line(const struct stoa_bytes *payload) {
  call_print(stdout, stoa_string_make((const char *)payload->data, payload->len));
  putchar('\n');
  return fflush(stdout) == 0;
}

static void on_item(stoa_client_function function, void *user, struct stoa_client *client, const void *item) {
  struct call_run *run = user;
  (void)function, (void)client;
  run->heard_ms = tool_now_ms();
  if (run->result < 0 && !print_line(item)) {
    finish(run, EXIT_FAILED);
  }
}

static void on_end(void *user, struct stoa_client *client, const struct stoa_call_end *end) {
  struct call_run *run = user;
  (void)client;
  switch (end->result) {
    case STOA_CALL_REPLY:
      finish(run, print_line(end->message) ? EXIT_FINE : EXIT_FAILED);
      return;
    case STOA_CALL_DONE: {
      const struct stoa_bytes *payload = end->message;
      bool is_written = payload->len == 0 || print_line(payload);
      finish(run, is_written ? EXIT_FINE : EXIT_FAILED);
      return;
    }
    case STOA_CALL_ERROR:
      call_print_error(run->options, end->error);
      finish(run, EXIT_FAILED);
      return;
    case STOA_CALL_TIMEOUT:
      fprintf(stderr, "%s: no answer within %lld ms\n", run->options->program, (long long)run->options->timeout_ms);
      break;
    case STOA_CALL_CANCELLED:
    case STOA_CALL_LOST:
      break; /* the end of the connection says why */
    case STOA_CALL_MALFORMED:
      fprintf(stderr, "%s: the answer cannot be read\n", run->options->program);
      break;
  }
  if (end->result == STOA_CALL_TIMEOUT || end->result == STOA_CALL_MALFORMED) {
    finish(run, CALL_NO_CONNECTION);
  }
}

static void on_call_end(stoa_client_function function, void *user, struct stoa_client *client,
                        const struct stoa_call_end *end) {
  (void)function;
  on_end(user, client, end);
}

/* Every call is one for a stream: a server that answers it once sends its end alone. Only the numbers of streams can
 * be that; others are those of calls. */
static int start_call(struct call_run *run, const struct stoa_bytes *request) {
  const struct stoa_client_stream_start stream = {
      .type = run->number, .request = request, .invoke = on_item, .on_end = on_end, .user = run};
  const struct stoa_call_start call = {.type = run->number, .request = request, .invoke = on_call_end, .user = run};
  int status = stoa_client_stream(run->client, &stream, NULL);
  return status == STOA_E_ARGUMENT ? stoa_client_call(run->client, &call, NULL) : status;
}

/* The server's answer to a message that it cannot handle. */
static void on_error(void *user, struct stoa_client *client, uint32_t type, const struct stoa_error *error) {
  struct call_run *run = user;
  (void)client;
  if (!run->is_call && type == run->number) {
    call_print_error(run->options, error);
    run->result = EXIT_FAILED;
  }
}

static void start(struct call_run *run) {
  const struct stoa_bytes request = {run->json.data, run->json.len};
  int status = run->is_call ? start_call(run, &request) : stoa_client_send(run->client, run->number, NULL, &request);
  if (status != STOA_OK) {
    fprintf(stderr, "%s: not sent: %s\n", run->options->program, stoa_status_text(status));
    finish(run, CALL_NO_CONNECTION);
  } else if (!run->is_call) {
    /* The server reads what was sent before the close frame, and answers before its own. */
    stoa_client_close(run->client, 1000, NULL);
  }
}

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct call_run *run = user;
  (void)client;
  if (change->state == STOA_CLIENT_OPEN) {
    start(run);
  } else if (change->state == STOA_CLIENT_ENDED) {
    run->is_over = true;
    bool is_sent = !run->is_call && change->status == STOA_OK && change->close_code == 1000;
    if (run->result < 0 && !is_sent) {
      call_print_ending(run->options, change);
    }
    run->result = run->result >= 0 ? run->result : is_sent ? EXIT_FINE : CALL_NO_CONNECTION;
  }
}

static int step_to_end(struct call_run *run) {
  run->heard_ms = tool_now_ms();
  while (!run->is_over) {
    int64_t left_ms = run->heard_ms + run->options->timeout_ms - tool_now_ms();
    if (left_ms <= 0) {
      if (run->result < 0) {
        fprintf(stderr, "%s: %s: no answer within %lld ms\n", run->options->program, run->options->url,
                (long long)run->options->timeout_ms);
      }
      return run->result >= 0 ? run->result : CALL_NO_CONNECTION;
    }
    int wait_ms = stoa_client_wait_ms(run->client);
    stoa_client_step(run->client, wait_ms < 0 || wait_ms > left_ms ? (int)left_ms : wait_ms);
  }
  return run->result;
}

static int run_call(struct call_run *run) {
  const struct stoa_client_callbacks callbacks = {.on_state = on_state, .on_error = on_error, .user = run};
  int result = call_create_client(run->options, true, &callbacks, &run->client);
  if (result == EXIT_FINE) {
    result = stoa_client_open(run->client) == STOA_OK ? step_to_end(run) : CALL_NO_CONNECTION;
  }
  stoa_client_destroy(run->client);
  return result;
}

int command_call(int argc, char **argv) {
  static struct call_options options;
  struct api *api = NULL;
  struct call_run run = {.options = &options, .result = -1};
  if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    fputs(help, stdout);
    return EXIT_FINE;
  }
  signal(SIGPIPE, SIG_IGN);
  stoa_log_set_level(STOA_LOG_WARN);
  stoa_buffer_init(&run.json, CALL_MESSAGE_MAX);
  bool is_number = false;
  bool is_good = call_options_read(argc, argv, false, &options);
  if (is_good) {
    is_number = options.method[0] >= '0' && options.method[0] <= '9';
    is_good = (is_number || call_load_api(&options, &api)) &&
              call_find_method(&options, api, &run.number, &run.is_call) && call_read_json(&options, &run.json);
  }
  int result = is_good ? run_call(&run) : EXIT_USAGE;
  api_destroy(api);
  stoa_buffer_fini(&run.json);
  call_options_fini(&options);
  return result;
}
