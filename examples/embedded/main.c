/* A server inside of a program with its own loop: it sends typed lines to all clients and prints their messages.
 *
 *   embedded [ADDRESS]      127.0.0.1:7700 by default; the program exits at the end of the input
 */
#include "chat.stoa.h"

#include <poll.h>
#include <stdio.h>
#include <stoa/server.h>
#include <string.h>
#include <unistd.h>

#define INPUT_BYTES 4096

static const struct stoa_error *on_chat(void *user, struct stoa_session *session,
                                        const struct chat_v1_chat_message *message) {
  (void)user;
  printf("%.*s: %.*s\n", (int)message->sender.len, message->sender.data, (int)message->message.len,
         message->message.data);
  fflush(stdout);
  int status = chat_v1_chat_broadcast(stoa_session_server(session), message);
  return status == STOA_OK ? NULL : stoa_session_error(session, STOA_ERROR_INTERNAL, "INTERNAL", "not sent");
}

static void announce(struct stoa_server *server, const char *line, size_t len) {
  const struct chat_v1_chat_message message = {.message = stoa_string_make(line, len), .sender = STOA_STR("console")};
  int status = chat_v1_chat_broadcast(server, &message);
  if (status != STOA_OK) {
    fprintf(stderr, "not sent: %s\n", stoa_status_text(status));
  }
}

/* Send the available input line by line; a line longer than the buffer is sent in pieces. False at the end of the
 * input. */
static bool read_input(struct stoa_server *server) {
  static char input[INPUT_BYTES];
  static size_t len;
  ssize_t count = read(STDIN_FILENO, input + len, sizeof input - len);
  if (count <= 0) {
    return false;
  }
  len += (size_t)count;
  size_t at = 0;
  for (char *end = memchr(input, '\n', len); end != NULL; end = memchr(input + at, '\n', len - at)) {
    announce(server, input + at, (size_t)(end - input) - at);
    at = (size_t)(end - input) + 1;
  }
  if (at == 0 && len == sizeof input) {
    announce(server, input, len);
    at = len;
  }
  len -= at;
  memmove(input, input + at, len);
  return true;
}

static void serve(struct stoa_server *server) {
  struct pollfd fds[2] = {{stoa_server_fd(server), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  do {
    poll(fds, 2, stoa_server_wait_ms(server));
    if (fds[1].revents != 0 && !read_input(server)) {
      fds[1].fd = -1; /* poll(2) ignores it from now on */
      stoa_server_drain(server);
    }
  } while (stoa_server_step(server, 0));
}

static int start(const char *address, struct stoa_server **out_server) {
  const struct stoa_string addresses[] = {stoa_string_of(address)};
  const struct stoa_server_config config = {.addresses = {addresses, 1}, .workers = 1};
  const struct chat_v1_chat_service_handlers handlers = {.chat = on_chat};
  int status = stoa_server_create(&config, out_server);
  if (status == STOA_OK) {
    status = chat_v1_chat_service_register(*out_server, &handlers, NULL);
  }
  return status == STOA_OK ? stoa_server_open(*out_server) : status;
}

int main(int argc, char **argv) {
  struct stoa_server *server = NULL;
  int status = start(argc > 1 ? argv[1] : "127.0.0.1:7700", &server);
  if (status == STOA_OK) {
    serve(server);
  } else {
    fprintf(stderr, "embedded: %s\n", stoa_status_text(status)); /* the log has details */
  }
  stoa_server_destroy(server);
  return status == STOA_OK ? 0 : 1;
}
