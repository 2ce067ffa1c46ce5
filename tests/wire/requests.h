/* tests/wire/requests.h: request heads, good and hostile, and the expected result of each. */
#ifndef TESTS_WIRE_REQUESTS_H
#define TESTS_WIRE_REQUESTS_H

#include "wire/http.h"

struct request {
  const char *name;
  int verdict;
  const char *bytes;
  size_t len;
};

extern const struct request requests[];
extern const size_t request_count;

extern const struct stoa_http_limits default_limits;

/* A head that was read in one piece. The bytes are the caller's. */
struct stoa_http_head head_of(const char *text);

#endif
