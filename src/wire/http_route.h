/* wire/http_route.h: which route an HTTP request is for: a table of path templates by method.
 *
 * The routes are kept in the order of precedence, so that the first one that matches is the one. A look-up allocates
 * nothing and looks at each route once at most; a prefix that does not match is not compared again for the routes that
 * share it.
 *
 * Does not know: what a route does, what variables mean.
 * Thread: one at a time while routes are added, any after that. Lifetime: routes live as long as the table.
 */
#ifndef STOA_WIRE_HTTP_ROUTE_H
#define STOA_WIRE_HTTP_ROUTE_H

#include <stoa/status.h>

#include "wire/http.h"
#include "wire/http_template.h"

#define STOA_HTTP_ROUTES_MAX_DEFAULT 1024
#define STOA_HTTP_ALLOW_LEN_MAX 63

/* Between routes of the same paths the order is that of precedence. */
enum stoa_http_route_method {
  STOA_HTTP_ROUTE_HEAD,
  STOA_HTTP_ROUTE_GET, /* for HEAD too, when it has no route of its own (RFC 9110 9.3.2) */
  STOA_HTTP_ROUTE_POST,
  STOA_HTTP_ROUTE_PUT,
  STOA_HTTP_ROUTE_PATCH,
  STOA_HTTP_ROUTE_DELETE,
  STOA_HTTP_ROUTE_OPTIONS,
  STOA_HTTP_ROUTE_ANY /* all of those above; "*" in a custom pattern of google.api.http */
};

struct stoa_http_route {
  void *context; /* as it was given */
  enum stoa_http_route_method method;
  struct stoa_http_template template;
  /* Private to http_route.c. */
  uint8_t shared; /* leading segments that are those of the route before it too */
  char text[];    /* of the template */
};

/* Why a route was not added. */
struct stoa_http_route_problem {
  enum stoa_http_template_error error; /* with STOA_E_SYNTAX; */
  size_t at;                           /* then also where in the template */
  const struct stoa_http_route *other; /* with STOA_E_EXISTS: the route that has these paths */
};

struct stoa_http_match {
  const struct stoa_http_route *route;
  /* Of the route's variables, in their order, decoded. UTF-8 without control bytes and backslashes; no part of one
   * between slashes is "." or "..". They lie in the text that the caller gave. */
  struct stoa_string values[STOA_HTTP_TEMPLATE_VARIABLES_MAX];
  uint32_t allow; /* after 405: the methods that the path has, a bit each, for stoa_http_allow_write() */
};

struct stoa_http_routes;

/* A table for at most routes_max routes. NULL when memory is out. */
struct stoa_http_routes *stoa_http_routes_create(uint32_t routes_max);
/* NULL is fine. */
void stoa_http_routes_destroy(struct stoa_http_routes *routes);
uint32_t stoa_http_routes_count(const struct stoa_http_routes *routes);
/* In the order of precedence; `index` is below the count. */
const struct stoa_http_route *stoa_http_routes_at(const struct stoa_http_routes *routes, uint32_t index);

/* "GET", "*" and so on, in capitals. False for a method that no route can have, such as CONNECT. */
bool stoa_http_route_method_of(struct stoa_string name, enum stoa_http_route_method *out_method);

/* "GET", "*" and so on. */
const char *stoa_http_route_method_name(enum stoa_http_route_method method);

/* The method's name in a head that was read to its end, which holds only its kind. */
struct stoa_string stoa_http_route_method_in(const struct stoa_http_head *head, const uint8_t *data);

/* Add a route.
 *
 * text         a template (wire/http_template.h); copied
 * context      borrowed as long as the table lives
 * out_problem  may be NULL; written with STOA_E_SYNTAX and STOA_E_EXISTS
 * Errors: STOA_E_SYNTAX  the text is no template
 *         STOA_E_EXISTS  the method has a route for the same paths already, whatever its variables are called. Routes
 *                        of which only some paths are the same do not conflict: precedence decides
 *         STOA_E_LIMIT   routes_max
 *         STOA_E_MEMORY. The table is as it was after all of them */
int stoa_http_routes_add(struct stoa_http_routes *routes, enum stoa_http_route_method method, struct stoa_string text,
                         void *context, struct stoa_http_route_problem *out_problem);

/* Remove the routes that were added with this context; those that are left are as if they alone had been added. */
void stoa_http_routes_remove(struct stoa_http_routes *routes, const void *context);

/* Find the route of a request. Of the routes that match the path and take the method, the first one in the order of
 * stoa_http_template_compare(). The path is cut at its slashes and colon first and decoded then, so "%2F" and "%3A" are
 * data. In the value of a variable that stands for several segments "%2F" stays as it is (google/api/http.proto).
 *
 * method  its name in capitals
 * path    percent-encoded, without the query; views of a head that was read to its end
 * text    room for 2 * path.len bytes, where values are decoded
 * Returns 200 and the match; 404 when no route matches the path; 405 when one does, but for another method, with only
 * `allow` written; 400 when the path has a bad escape, control bytes, a backslash, text that is not UTF-8, or a
 * segment that is, after decoding, "." or "..", or has such a part between slashes. An empty segment matches
 * nothing, nor does a path of more than 64 segments. */
int stoa_http_routes_find(const struct stoa_http_routes *routes, struct stoa_string method, struct stoa_string path,
                          char *text, struct stoa_http_match *out_match);

/* Write the value of the field Allow: "GET, HEAD, POST", with a NUL. Returns its length. */
size_t stoa_http_allow_write(uint32_t allow, char out[STOA_HTTP_ALLOW_LEN_MAX + 1]);

#endif
