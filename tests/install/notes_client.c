/* A client of examples/notes, built against the installed library: it joins a board by a call, sends a note, and ends
 * well when that note has come back.
 *
 *   notes-client URL
 */
#include "notes.client.stoa.h"

#include <stdio.h>

static const struct notes_note sent = {.board = STOA_STR("board"), .text = STOA_STR("a note")};

struct run {
  bool joined, received, ended;
};

static void on_join(void *user, struct stoa_client *client, const struct notes_join_reply *reply,
                    const struct stoa_call_end *end) {
  struct run *run = user;
  run->joined = end->result == STOA_CALL_REPLY && stoa_string_equal(reply->board, sent.board);
  if (!run->joined || notes_client_send_note(client, &sent) != STOA_OK) {
    stoa_client_close(client, 1000, "not joined");
  }
}

static void on_note(void *user, struct stoa_client *client, const struct notes_note *note) {
  struct run *run = user;
  run->received = stoa_string_equal(note->board, sent.board) && stoa_string_equal(note->text, sent.text);
  stoa_client_close(client, 1000, "received");
}

static void on_state(void *user, struct stoa_client *client, const struct stoa_client_change *change) {
  struct run *run = user;
  const struct notes_join_request request = {.board = sent.board};
  if (change->state == STOA_CLIENT_OPEN &&
      notes_note_service_client_call_join(client, &request, 0, on_join, run, NULL) != STOA_OK) {
    stoa_client_close(client, 1000, "not called");
  }
  run->ended = change->state == STOA_CLIENT_ENDED;
}

static int run_client(const char *url, const struct stoa_codec *codec) {
  struct run run = {0};
  struct stoa_client *client;
  const struct stoa_client_options options = {.url = url, .codec = codec, .once = true};
  const struct stoa_client_callbacks callbacks = {.on_state = on_state, .user = &run};
  const struct notes_note_service_client_handlers handlers = {.note = on_note};
  int status = stoa_client_create(&options, &callbacks, &client);
  if (status != STOA_OK) {
    fprintf(stderr, "notes-client: %s\n", stoa_status_text(status));
    return 1;
  }
  status = notes_note_service_client_register(client, &handlers, &run);
  if (status == STOA_OK) {
    status = stoa_client_open(client);
  }
  while (status == STOA_OK && !run.ended) {
    stoa_client_step(client, -1);
  }
  stoa_client_destroy(client);
  if (!run.joined || !run.received) {
    fprintf(stderr, "notes-client: %s by %s, joined %d, received %d\n", stoa_status_text(status), codec->name,
            run.joined, run.received);
    return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: notes-client URL\n");
    return 2;
  }
  return run_client(argv[1], &stoa_codec_json) != 0 || run_client(argv[1], &stoa_codec_proto) != 0;
}
