#include "doctor/answer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* RFC 6455 1.3's own example of a key and its answer. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

struct request {
  char *out;
  size_t len;
  bool is_cut;
};

__attribute__((format(printf, 2, 3))) static void add(struct request *request, const char *format, ...) {
  va_list values;
  va_start(values, format);
  size_t room = DOCTOR_REQUEST_MAX - request->len;
  int len = vsnprintf(request->out + request->len, room, format, values);
  va_end(values);
  request->is_cut = request->is_cut || len < 0 || (size_t)len >= room;
  request->len += request->is_cut ? 0 : (size_t)len;
}

size_t doctor_question_write(const struct doctor_question *question, const struct bench_url *url,
                             char out[DOCTOR_REQUEST_MAX]) {
  struct request request = {.out = out};
  add(&request, "GET %s HTTP/1.1\r\nHost: %s\r\n", question->target != NULL ? question->target : url->target,
      url->authority);
  if (question->is_upgrade) {
    add(&request,
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n");
  } else {
    add(&request, "Connection: close\r\n");
  }
  if (question->origin != NULL) {
    add(&request, "Origin: %s\r\n", question->origin);
  }
  if (question->is_upgrade && question->subprotocol != NULL) {
    add(&request, "Sec-WebSocket-Protocol: %s\r\n", question->subprotocol);
  }
  if (question->is_upgrade && question->compression) {
    add(&request, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
  }
  for (size_t i = 0; i < question->header_count; i++) {
    add(&request, "%s\r\n", question->headers[i]);
  }
  add(&request, "User-Agent: stoa-doctor\r\n\r\n");
  return request.is_cut ? 0 : request.len;
}

/* "HTTP/1.1 101" */
static bool is_status_line(const char *text) {
  static const char form[] = "HTTP/1.0 000";
  for (size_t i = 0; form[i] != '\0'; i++) {
    if (form[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != form[i]) {
      return false;
    }
  }
  return true;
}

bool doctor_answer_parse(struct doctor_answer *answer) {
  answer->data[answer->len] = '\0';
  const char *end = memmem(answer->data, answer->len, "\r\n\r\n", 4);
  answer->minor = -1;
  answer->status = 0;
  if (answer->len > 12 && is_status_line(answer->data)) {
    answer->minor = answer->data[7] - '0';
    answer->status = (int)strtol((const char[]){answer->data[9], answer->data[10], answer->data[11], '\0'}, NULL, 10);
  }
  answer->head_len = end == NULL ? 0 : (size_t)(end - answer->data) + 4;
  return end != NULL;
}

/* The line of the n-th field; NULL after the last one. */
static const char *line_at(const struct doctor_answer *answer, size_t index, size_t *out_len) {
  const char *end = answer->data + answer->head_len;
  const char *line = memchr(answer->data, '\n', answer->head_len);
  for (; line != NULL && line + 1 < end; line = memchr(line + 1, '\n', (size_t)(end - line - 1))) {
    const char *stop = memchr(line + 1, '\n', (size_t)(end - line - 1));
    if (stop == NULL || line[1] == '\r' || line[1] == '\n') {
      return NULL;
    }
    if (index-- == 0) {
      *out_len = (size_t)(stop - line - 1);
      return line + 1;
    }
  }
  return NULL;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static void copy_trimmed(const char *from, size_t len, char *out, size_t size) {
  while (len > 0 && is_blank(*from)) {
    from++;
    len--;
  }
  while (len > 0 && is_blank(from[len - 1])) {
    len--;
  }
  snprintf(out, size, "%.*s", (int)len, from);
}

bool doctor_answer_field(const struct doctor_answer *answer, const char *name, char *out, size_t size) {
  size_t len = 0;
  size_t name_len = strlen(name);
  const char *line;
  out[0] = '\0';
  for (size_t i = 0; (line = line_at(answer, i, &len)) != NULL; i++) {
    if (len > name_len && line[name_len] == ':' && strncasecmp(line, name, name_len) == 0) {
      copy_trimmed(line + name_len + 1, len - name_len - 1, out, size);
      return true;
    }
  }
  return false;
}

bool doctor_answer_is_accepted(const struct doctor_answer *answer) {
  char value[64];
  return doctor_answer_field(answer, "Sec-WebSocket-Accept", value, sizeof value) && strcmp(value, ACCEPT) == 0;
}

bool doctor_answer_name(const struct doctor_answer *answer, size_t index, char *out, size_t size) {
  size_t len = 0;
  const char *line = line_at(answer, index, &len);
  if (line == NULL) {
    return false;
  }
  const char *colon = memchr(line, ':', len);
  copy_trimmed(line, colon == NULL ? len : (size_t)(colon - line), out, size);
  for (; *out != '\0'; out++) {
    *out = (char)tolower((unsigned char)*out);
  }
  return true;
}

void doctor_answer_line(const struct doctor_answer *answer, char *out, size_t size) {
  const char *body = answer->data + answer->head_len;
  size_t len = answer->len - answer->head_len;
  const char *stop = memchr(body, '\n', len);
  copy_trimmed(body, stop == NULL ? len : (size_t)(stop - body), out, size);
}
