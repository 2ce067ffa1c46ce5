#include "doctor/session.h"

#include <assert.h>
#include <string.h>
#include "../now.h"

enum { OPCODE_CLOSE = 8, OPCODE_PING = 9, OPCODE_PONG = 10, HEAD_MAX = 10 };

void doctor_session_init(struct doctor_session *session, struct doctor_wire *wire, const char *data, size_t len) {
  *session = (struct doctor_session){.wire = wire, .traffic_ms = tool_now_ms()};
  session->len = len < sizeof session->data ? len : sizeof session->data;
  memcpy(session->data, data, session->len);
}

/* RFC 6455 5.3: a client masks. A mask of zeros is one too, and hides nothing that has to be hidden here. */
static bool send_control(struct doctor_session *session, unsigned opcode, const void *payload, size_t len,
                         int64_t deadline_ms) {
  uint8_t frame[6 + DOCTOR_CONTROL_MAX] = {(uint8_t)(0x80 | opcode), (uint8_t)(0x80 | len)};
  assert(len <= DOCTOR_CONTROL_MAX);
  memcpy(frame + 6, payload, len);
  session->traffic_ms = tool_now_ms();
  return doctor_wire_write(session->wire, frame, 6 + len, deadline_ms) == DOCTOR_WIRE_OK;
}

bool doctor_session_ping(struct doctor_session *session, const char *text, int64_t deadline_ms) {
  return send_control(session, OPCODE_PING, text, strlen(text), deadline_ms);
}

bool doctor_session_close(struct doctor_session *session, int64_t deadline_ms) {
  const uint8_t code[2] = {1000 >> 8, 1000 & 0xff};
  return send_control(session, OPCODE_CLOSE, code, sizeof code, deadline_ms);
}

/* Drop what was used, and read more. */
static enum doctor_event fill(struct doctor_session *session, int64_t deadline_ms) {
  size_t got = 0;
  memmove(session->data, session->data + session->at, session->len - session->at);
  session->len -= session->at;
  session->at = 0;
  assert(session->len < sizeof session->data);
  switch (doctor_wire_read(session->wire, session->data + session->len, sizeof session->data - session->len,
                           deadline_ms, &got)) {
    case DOCTOR_WIRE_OK:
      session->len += got;
      session->traffic_ms = tool_now_ms();
      return DOCTOR_EVENT_MESSAGE;
    case DOCTOR_WIRE_LATE:
      return DOCTOR_EVENT_LATE;
    case DOCTOR_WIRE_ENDED:
    case DOCTOR_WIRE_FAILED:
      break;
  }
  return DOCTOR_EVENT_ENDED;
}

static void skip_some(struct doctor_session *session) {
  size_t there = session->len - session->at;
  size_t used = session->skip < there ? (size_t)session->skip : there;
  session->at += used;
  session->skip -= used;
}

/* RFC 6455 5.2. Returns the head's length, 0 while it is incomplete. */
static size_t read_head(const uint8_t *data, size_t len, uint64_t *out_payload_len) {
  if (len < 2) {
    return 0;
  }
  unsigned short_len = data[1] & 0x7f;
  size_t extra = short_len == 126 ? 2 : short_len == 127 ? 8 : 0;
  if (len < 2 + extra) {
    return 0;
  }
  uint64_t value = extra == 0 ? short_len : 0;
  for (size_t i = 0; i < extra; i++) {
    value = value << 8 | data[2 + i];
  }
  *out_payload_len = value;
  return 2 + extra;
}

static enum doctor_event take_control(struct doctor_session *session, unsigned opcode, int64_t deadline_ms) {
  switch (opcode) {
    case OPCODE_CLOSE:
      session->close_code = session->control_len >= 2 ? (unsigned)session->control[0] << 8 | session->control[1] : 1005;
      return DOCTOR_EVENT_CLOSE;
    case OPCODE_PING:
      return send_control(session, OPCODE_PONG, session->control, session->control_len, deadline_ms)
                 ? DOCTOR_EVENT_PING
                 : DOCTOR_EVENT_ENDED;
    case OPCODE_PONG:
      return DOCTOR_EVENT_PONG;
    default:
      session->wrong = "a frame with an unknown opcode";
      return DOCTOR_EVENT_WRONG;
  }
}

/* Why a server may not send this frame; NULL when it may. */
static const char *judge_head(const uint8_t *data, uint64_t payload_len) {
  if ((data[1] & 0x80) != 0) {
    return "a masked frame, which only clients send";
  }
  bool is_control = (data[0] & 0x08) != 0;
  return is_control && payload_len > DOCTOR_CONTROL_MAX ? "a control frame of more than 125 bytes" : NULL;
}

enum doctor_event doctor_session_next(struct doctor_session *session, int64_t deadline_ms) {
  for (;;) {
    skip_some(session);
    uint64_t payload_len = 0;
    const uint8_t *data = session->data + session->at;
    size_t there = session->len - session->at;
    size_t head_len = session->skip > 0 ? 0 : read_head(data, there, &payload_len);
    bool is_control = head_len > 0 && (data[0] & 0x08) != 0;
    session->wrong = head_len > 0 ? judge_head(data, payload_len) : NULL;
    if (session->wrong != NULL) {
      return DOCTOR_EVENT_WRONG;
    }
    if (head_len > 0 && !is_control) {
      session->at += head_len;
      session->skip = payload_len;
      return DOCTOR_EVENT_MESSAGE;
    }
    if (is_control && there >= head_len + payload_len) {
      unsigned opcode = data[0] & 0x0f;
      session->control_len = (size_t)payload_len;
      memcpy(session->control, data + head_len, session->control_len);
      session->at += head_len + session->control_len;
      return take_control(session, opcode, deadline_ms);
    }
    enum doctor_event event = fill(session, deadline_ms);
    if (event != DOCTOR_EVENT_MESSAGE) {
      return event;
    }
  }
}
