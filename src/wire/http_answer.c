#include <stdio.h>

#include "base/array.h"
#include "wire/http.h"
#include "wire/http_date.h"

const char *stoa_http_reason(int code) {
  static const struct {
    int code;
    const char *reason;
  } reasons[] = {
      {101, "Switching Protocols"},
      {200, "OK"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {426, "Upgrade Required"},
      {409, "Conflict"},
      {410, "Gone"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {505, "HTTP Version Not Supported"},
  };
  for (size_t i = 0; i < STOA_COUNT_OF(reasons); i++) {
    if (reasons[i].code == code) {
      return reasons[i].reason;
    }
  }
  return "";
}

/* The fields that a code requires: RFC 9110 15.5.6 and 15.5.22, RFC 6455 4.4. */
static const char *fields_of(int code) {
  switch (code) {
    case 405:
      return "Connection: close\r\nAllow: GET, HEAD\r\n";
    case 426:
      return "Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    default:
      return "Connection: close\r\n";
  }
}

size_t stoa_http_refusal(const struct stoa_http_refusal *refusal, char *out, size_t out_size) {
  const char *reason = stoa_http_reason(refusal->code);
  const char *text = refusal->text != NULL ? refusal->text : reason;
  char date[STOA_HTTP_DATE_SIZE];
  stoa_http_date(refusal->wall_us, date);
  int len = snprintf(out, out_size,
                     "HTTP/1.1 %d %s\r\n"
                     "Date: %s\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Content-Length: %zu\r\n"
                     "X-Content-Type-Options: nosniff\r\n"
                     "%s%s\r\n%s%s",
                     refusal->code, reason, date, strlen(text) + 1, fields_of(refusal->code),
                     refusal->fields != NULL ? refusal->fields : "", refusal->head_only ? "" : text,
                     refusal->head_only ? "" : "\n");
  return len > 0 && (size_t)len < out_size ? (size_t)len : 0;
}
