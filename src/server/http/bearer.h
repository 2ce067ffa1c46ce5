/* server/http/bearer.h: a bearer token in a request (RFC 6750 2). Pure. */
#ifndef STOA_SERVER_HTTP_BEARER_H
#define STOA_SERVER_HTTP_BEARER_H

#include <stoa/bytes.h>

/* See stoa_request_token(). authorization  the field's value, data NULL for none */
struct stoa_string stoa_bearer_find(struct stoa_string authorization, struct stoa_string query);

#endif
