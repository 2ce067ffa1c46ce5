#include <stoa/app.h>

#include "notes.stoa.h"

/* A call fills in its reply and returns NULL, or returns an error, which the client gets instead. */
static const struct stoa_error *on_join(void *user, struct stoa_session *session,
                                        const struct notes_join_request *request, struct notes_join_reply *reply) {
  (void)user;
  int status = stoa_session_join(session, request->board);
  if (status != STOA_OK && status != STOA_E_EXISTS) {
    return stoa_session_error(session, 1, "NOT_JOINED", stoa_status_text(status));
  }
  reply->board = request->board;
  return NULL;
}

/* A message. Each member gets it in its own codec, JSON or Protobuf. */
static const struct stoa_error *on_note(void *user, struct stoa_session *session, const struct notes_note *note) {
  (void)user;
  int status = notes_note_publish(stoa_session_server(session), note->board, note);
  if (status != STOA_OK) {
    return stoa_session_error(session, 2, "NOT_SENT", stoa_status_text(status));
  }
  return NULL;
}

static int setup(struct stoa_server *server, const void *config, void *user) {
  (void)config;
  const struct notes_note_service_handlers handlers = {.join = on_join, .note = on_note};
  return notes_note_service_register(server, &handlers, user);
}

int main(int argc, char **argv) {
  return stoa_app_run(&(struct stoa_app){.name = "notes", .setup = setup}, argc, argv);
}
