/* server/listener/origin.h: decides by Origin and Host whether a request is allowed.
 *
 * It stops two attacks. First, a page of another site that connects from a user's browser (RFC 6455 10.2): its Origin
 * is another host. Second, DNS rebinding: a page of evil.example looks up its own name again and gets this machine's
 * private address, so that Origin and Host are equal: evil.example. Against that the server must know its own names. It
 * knows them where it matters: a public name for a private address is either rebound or configured.
 *
 * An upgrade without Origin does not come from a browser.
 *
 * Does not know: sockets, the configuration's form, the log. Pure. Thread: any.
 */
#ifndef STOA_SERVER_LISTENER_ORIGIN_H
#define STOA_SERVER_LISTENER_ORIGIN_H

#include "wire/ip.h"
#include "wire/ws_origin.h"

/* Size of the reason of a refusal, with its NUL. */
#define STOA_ORIGIN_REASON_SIZE 512

struct stoa_string_list {
  const struct stoa_string *items;
  size_t count;
};

/* The configuration, and the names of the machine. Borrowed. */
struct stoa_origin_rules {
  struct stoa_string_list allowed_origins;   /* server.allowed_origins, checked by stoa_origin_entry_fault() */
  struct stoa_string_list hosts;             /* server.hosts, checked by stoa_host_entry_fault() */
  struct stoa_string_list certificate_names; /* of the listener's certificate; "*.a" is one label and ".a" */
  struct stoa_string machine_name;           /* may be empty */
};

struct stoa_origin_request {
  struct stoa_string origin; /* data NULL: none */
  struct stoa_string host;   /* as wire/http.h has checked it; data NULL: none, which HTTP/1.0 allows */
  bool is_upgrade;   /* to WebSocket. A script can add a proxy's fields to any other request, but not to an upgrade */
  bool is_tls;       /* of the connection */
  bool is_forwarded; /* stoa_forwarded_present() */
  /* The address of our end of the connection, or the destination of a PROXY header. NULL: a unix socket, which no
   * browser connects to. */
  const uint8_t *local;
};

/* Is the request allowed?
 *
 * Origin, where there is one, must be in allowed_origins. With an empty list it must be this server's own page: its
 * host and port are those of Host, or in `hosts`. Its scheme is https on a TLS connection; on a plain one http, or
 * https from a TLS proxy in front.
 *
 * Host must be known: a literal address, localhost or a name below it, a single label, a name in .local, the machine's
 * own, one of the certificate, or in `hosts`, whatever the port. With `hosts` this is required of every request.
 * Without, it is required of requests to a private, link-local or loopback address, except upgrades that no rebound
 * page can have sent: without Origin, from an origin in allowed_origins, with fields of a proxy, or from an https page
 * on a plain connection (a browser does not let it open ws:// to a name).
 *
 * out_reason  written when the answer is false: what was refused, and the setting to paste. Contains hosts and origins
 *             of the request only if they are well-formed */
bool stoa_origin_check(const struct stoa_origin_rules *rules, const struct stoa_origin_request *request,
                       char out_reason[STOA_ORIGIN_REASON_SIZE]);

/* The fault of an entry of server.allowed_origins or server.hosts and its correction, as text, or NULL when it is
 * valid. The text is in `out_text` or a literal. */
const char *stoa_origin_entry_fault(struct stoa_string entry, char out_text[STOA_ORIGIN_REASON_SIZE]);
const char *stoa_host_entry_fault(struct stoa_string entry, char out_text[STOA_ORIGIN_REASON_SIZE]);

#endif
