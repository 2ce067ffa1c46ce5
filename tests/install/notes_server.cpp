// The service of examples/notes in C++, built against the installed library. Before this file the test writes an
// #include of each installed header.
#include "notes.stoa.h"

static const stoa_error *on_join(void *, stoa_session *session, const notes_join_request *request,
                                 notes_join_reply *reply) {
  int status = stoa_session_join(session, request->board);
  if (status != STOA_OK && status != STOA_E_EXISTS) {
    return stoa_session_error(session, 1, "NOT_JOINED", stoa_status_text(status));
  }
  reply->board = request->board;
  return nullptr;
}

static const stoa_error *on_note(void *, stoa_session *session, const notes_note *note) {
  int status = notes_note_publish(stoa_session_server(session), note->board, note);
  return status == STOA_OK ? nullptr : stoa_session_error(session, 2, "NOT_SENT", stoa_status_text(status));
}

static int setup(stoa_server *server, const void *, void *user) {
  notes_note_service_handlers handlers{};
  handlers.join = on_join;
  handlers.note = on_note;
  return notes_note_service_register(server, &handlers, user);
}

int main(int argc, char **argv) {
  stoa_app app{};
  app.name = "notes";
  app.config_type = &stoa_app_config_type;
  app.setup = setup;
  return stoa_app_run(&app, argc, argv);
}
