#include "server/trace/session.h"

#include "base/hex.h"
#include "server/server_session.h"
#include "wire/http.h"

#include <stoa/middleware.h>

#define FIELD "traceparent"

_Static_assert(sizeof((struct stoa_uuid *)NULL)->bytes == sizeof((struct stoa_trace_context *)NULL)->trace_id,
               "a session's id is a trace id");

/* Two fields are none (W3C Trace Context 3.2): which one counts, the sender did not know either. */
static bool read_head(const struct stoa_http_head *head, const uint8_t *data, struct stoa_trace_context *out_context) {
  return stoa_traceparent_parse(stoa_http_field_once(head, data, FIELD), out_context) == STOA_OK;
}

int stoa_session_trace_keep(struct stoa_session *session, const struct stoa_http_head *head, const uint8_t *data) {
  struct stoa_trace_context context;
  if (!read_head(head, data, &context)) {
    return STOA_OK;
  }
  struct stoa_session_account *account = stoa_server_session_account(stoa_server_session_of(session));
  if (account == NULL) {
    return STOA_E_MEMORY;
  }
  account->trace = context;
  return STOA_OK;
}

bool stoa_session_trace_told(const struct stoa_session *session, struct stoa_trace_context *out_context) {
  const struct stoa_session_account *account = stoa_server_session_of(session)->account;
  if (account == NULL || !stoa_trace_context_is_set(&account->trace)) {
    return false;
  }
  *out_context = account->trace;
  return true;
}

/* A session's id is random enough for a trace, and needs no memory. */
void stoa_session_trace_place(const struct stoa_session *session, struct stoa_trace_context *out_context) {
  if (!stoa_session_trace_told(session, out_context)) {
    memcpy(out_context->trace_id, session->id.bytes, sizeof out_context->trace_id);
    memcpy(out_context->span_id, session->id.bytes + sizeof out_context->trace_id - sizeof out_context->span_id,
           sizeof out_context->span_id);
    out_context->is_sampled = false;
  }
}

/* stoa/middleware.h */

void stoa_trace_id_format(const uint8_t id[16], char out_text[STOA_TRACE_ID_TEXT_LEN + 1]) {
  stoa_hex_write(id, STOA_TRACE_ID_TEXT_LEN / 2, out_text);
  out_text[STOA_TRACE_ID_TEXT_LEN] = '\0';
}
