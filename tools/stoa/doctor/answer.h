/* tools/stoa/doctor/answer.h: the upgrade request, and a server's answer to it or to a plain GET.
 *
 * Pure: bytes and texts. The answer is read leniently, because wrong answers are what is looked for.
 */
#ifndef STOA_TOOL_DOCTOR_ANSWER_H
#define STOA_TOOL_DOCTOR_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "../bench_target.h"

enum { DOCTOR_HEAD_MAX = 16 * 1024, DOCTOR_BODY_MAX = 2048, DOCTOR_REQUEST_MAX = 24 * 1024, DOCTOR_HEADERS_MAX = 16 };

struct doctor_question {
  const char *target; /* NULL: that of the URL */
  bool is_upgrade;    /* else a plain GET */
  const char *origin; /* NULL: none */
  const char *subprotocol;
  bool compression;
  const char *const *headers; /* "NAME: VALUE" */
  size_t header_count;
};

struct doctor_answer {
  size_t head_len; /* the empty line included; 0: none has come */
  size_t len;      /* of `data`: the head, and what came with it */
  int minor;       /* HTTP/1.minor; -1: no HTTP */
  int status;
  char data[DOCTOR_HEAD_MAX + DOCTOR_BODY_MAX + 1];
};

/* Returns the length; 0 when it is longer than DOCTOR_REQUEST_MAX. */
size_t doctor_question_write(const struct doctor_question *question, const struct bench_url *url,
                             char out[DOCTOR_REQUEST_MAX]);

/* Parse what has come, when the head is complete. False: it is not. */
bool doctor_answer_parse(struct doctor_answer *answer);
/* The value of a field, copied and cut; "" when there is none. Returns whether there is one. */
bool doctor_answer_field(const struct doctor_answer *answer, const char *name, char *out, size_t size);
/* Sec-WebSocket-Accept is that of the request's key (RFC 6455 4.1). */
bool doctor_answer_is_accepted(const struct doctor_answer *answer);
/* The n-th field's name, lower case; false after the last one. */
bool doctor_answer_name(const struct doctor_answer *answer, size_t index, char *out, size_t size);
/* The first line of the body, cut. */
void doctor_answer_line(const struct doctor_answer *answer, char *out, size_t size);

#endif
