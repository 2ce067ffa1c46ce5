#include "server/server_session.h"

#include "base/memory.h"

struct stoa_session_account *stoa_server_session_account(struct stoa_server_session *own) {
  if (own->account == NULL) {
    own->account = stoa_calloc(1, sizeof *own->account);
  }
  return own->account;
}

void stoa_server_session_free_account(struct stoa_server_session *own) {
  if (own->account != NULL) {
    stoa_free(own->account->rates);
    stoa_free(own->account->name);
    stoa_free(own->account->kept);
    stoa_free(own->account);
    own->account = NULL;
  }
}

bool stoa_server_session_set_client(struct stoa_server_session *own, const uint8_t address[16]) {
  struct stoa_session_account *account = stoa_server_session_account(own);
  if (account == NULL) {
    return false;
  }
  memcpy(account->client.bytes, address, sizeof account->client.bytes);
  own->proxied = true;
  return true;
}

uint32_t stoa_server_session_count_mistake(struct stoa_session *session) {
  struct stoa_session_account *account = stoa_server_session_account(stoa_server_session_of(session));
  uint32_t now_ms = stoa_stream_now32(&session->stream);
  if (account == NULL) {
    return 1; /* without memory mistakes are not counted */
  }
  uint32_t seconds = (now_ms - account->mistakes_ms) / 1000;
  account->mistakes = seconds < account->mistakes ? account->mistakes - seconds : 0;
  account->mistakes_ms = account->mistakes == 0 ? now_ms : account->mistakes_ms + seconds * 1000;
  return ++account->mistakes;
}
