/* Sends each raw WebSocket message back unchanged, for protocol test suites. */
#include <stoa/app.h>

static void on_raw(void *user, struct stoa_session *session, struct stoa_bytes message, bool is_text) {
  (void)user;
  /* When it fails, the library closes the session; there is nothing else to do. */
  int ignored = stoa_session_send_raw(session, message, is_text);
  (void)ignored;
}

static int setup(struct stoa_server *server, const void *config, void *user) {
  const struct stoa_callbacks callbacks = {.on_raw = on_raw, .user = user};
  (void)config;
  stoa_server_set_callbacks(server, &callbacks);
  return STOA_OK;
}

int main(int argc, char **argv) {
  const struct stoa_app app = {.name = "echo",
                               .about =
                                   "Sends each WebSocket message back. Try --set server.compression=true and "
                                   "--set server.limits.message_bytes_max=16777216.",
                               .setup = setup};
  return stoa_app_run(&app, argc, argv);
}
