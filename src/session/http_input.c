#include "session/input.h"

#include "base/memory.h"

#include <string.h>

void stoa_session_refuse(struct stoa_session *session, int code, bool head_only, const char *text) {
  char answer[1024];
  const struct stoa_http_refusal refusal = {.code = code,
                                            .head_only = head_only,
                                            .wall_us = stoa_clock_wall_us(stoa_loop_clock(session->host->loop)),
                                            .text = text};
  size_t len = stoa_http_refusal(&refusal, answer, sizeof answer);
  struct stoa_buffer *out = stoa_session_output_begin(session);
  if (out != NULL) {
    if (stoa_buffer_append(out, answer, len) != STOA_OK) {
      session->broken = true;
    }
    stoa_session_output_end(session);
  }
  stoa_session_answered(session, true);
}

void stoa_session_refuse_late(struct stoa_session *session) {
  const struct stoa_http_head *head = session->input->head;
  stoa_session_refuse(session, 408, head != NULL && head->method == STOA_HTTP_HEAD, NULL);
}

/* A head that comes in pieces needs its parser kept; one that is complete at once does not. */
static bool keep_head(struct stoa_session *session, const struct stoa_http_head *head) {
  struct stoa_session_input *input = stoa_session_input_ensure(session);
  if (input == NULL) {
    return false;
  }
  if (input->head == NULL) {
    input->head = stoa_alloc(sizeof *input->head);
    if (input->head == NULL) {
      return false;
    }
  }
  if (input->head != head) {
    *input->head = *head;
  }
  return true;
}

static void forget_head(struct stoa_session *session) {
  if (session->input != NULL) {
    stoa_free(session->input->head);
    session->input->head = NULL;
  }
}

size_t stoa_session_read_head(struct stoa_session *session, uint8_t *data, size_t len) {
  struct stoa_http_head fresh;
  struct stoa_http_head *head = session->input == NULL ? NULL : session->input->head;
  if (head == NULL) {
    stoa_http_head_init(&fresh);
    head = &fresh;
  }
  int code = stoa_http_head_parse(head, &session->host->limits->http, data, len);
  if (code == 0) {
    if (!keep_head(session, head)) {
      stoa_session_drop(session, STOA_WS_CLOSE_INTERNAL, "out of memory");
    }
    return 0;
  }
  if (code != 200) {
    /* RFC 9110 9.3.2: an answer to HEAD has no content, or a proxy would take it for the next answer's start. */
    stoa_session_refuse(session, code, head->method == STOA_HTTP_HEAD, NULL);
    forget_head(session);
    return len;
  }
  if (head != &fresh) {
    fresh = *head;
    forget_head(session);
  }
  session->keep_alive = fresh.keep_alive;
  session->host->on_request(session, &fresh, data);
  return fresh.head_len;
}
