#include "requests.h"

#define R(bytes) bytes, sizeof(bytes) - 1

/* Only the field lines of a request that is good otherwise. */
#define FIELDS(lines) R("GET / HTTP/1.1\r\nHost: a\r\n" lines "\r\n")
#define POST(lines) R("POST / HTTP/1.1\r\nHost: a\r\n" lines "\r\n")
#define LINE(line) R(line "\r\nHost: a\r\n\r\n")
#define HOST(value) R("GET / HTTP/1.1\r\nHost:" value "\r\n\r\n")

const struct request requests[] = {
    {"a plain request", 200, R("GET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"a HEAD request", 200, LINE("HEAD /x HTTP/1.1")},
    {"an empty line before", 200, R("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"two empty lines before", 400, R("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"a lone CR before", 400, R("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"bytes after the head", 200, R("GET / HTTP/1.1\r\nHost: a\r\n\r\n\x81\x05Hello")},

    /* RFC 9112 3: the request line. */
    {"a path and a query", 200, LINE("GET /a/b%20c;d=1?x=[1]&y={2}&z=|^` HTTP/1.1")},
    {"an unknown method", 501, LINE("BREW / HTTP/1.1")},
    {"a method in lower case", 501, LINE("get / HTTP/1.1")},
    {"method POST", 405, LINE("POST / HTTP/1.1")},
    {"method PUT", 405, LINE("PUT / HTTP/1.1")},
    {"method DELETE", 405, LINE("DELETE / HTTP/1.1")},
    {"method PATCH", 405, LINE("PATCH / HTTP/1.1")},
    {"method TRACE", 405, LINE("TRACE / HTTP/1.1")},
    {"method OPTIONS", 405, LINE("OPTIONS / HTTP/1.1")},
    {"OPTIONS for the whole server", 405, LINE("OPTIONS * HTTP/1.1")},
    {"CONNECT to an authority", 405, LINE("CONNECT a:443 HTTP/1.1")},
    {"CONNECT to no authority", 400, LINE("CONNECT a:443:1 HTTP/1.1")},
    {"GET for the whole server", 400, LINE("GET * HTTP/1.1")},
    {"GET of an authority", 400, LINE("GET a:80 HTTP/1.1")},
    {"no method", 400, LINE(" / HTTP/1.1")},
    {"a method that is no token", 400, LINE("G@T / HTTP/1.1")},
    {"a tab after the method", 400, LINE("GET\t/ HTTP/1.1")},
    {"two blanks after the method", 400, LINE("GET  / HTTP/1.1")},
    {"no target", 400, LINE("GET HTTP/1.1")},
    {"a relative target", 400, LINE("GET index.html HTTP/1.1")},
    {"a fragment in the target", 400, LINE("GET /#top HTTP/1.1")},
    {"markup in the target", 400, LINE("GET /<script> HTTP/1.1")},
    {"a quote in the target", 400, LINE("GET /\" HTTP/1.1")},
    {"a backslash in the target", 400, LINE("GET /\\..\\x HTTP/1.1")},
    {"a NUL in the target", 400, R("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"a control byte in the target", 400, LINE("GET /\x1b HTTP/1.1")},
    {"a byte above ASCII in the target", 400, LINE("GET /\xc3\xa4 HTTP/1.1")},
    {"line breaks, escaped, in the target", 200, LINE("GET /%0d%0aSet-Cookie:%20x=1 HTTP/1.1")},
    {"no version", 400, R("GET /\r\nHost: a\r\n\r\n")},
    {"HTTP/1.2, read as 1.1", 200, LINE("GET / HTTP/1.2")},
    {"HTTP/1.9 without Host", 400, R("GET / HTTP/1.9\r\n\r\n")},
    {"HTTP/2.0", 505, LINE("GET / HTTP/2.0")},
    {"HTTP/0.9 by name", 505, LINE("GET / HTTP/0.9")},
    {"a version of two digits", 400, LINE("GET / HTTP/1.10")},
    {"a version without a point", 400, LINE("GET / HTTP/2")},
    {"another protocol", 400, LINE("GET / HTCPCP/1.1")},
    {"a version in lower case", 400, LINE("GET / http/1.1")},
    {"a blank after the version", 400, LINE("GET / HTTP/1.1 ")},
    {"the preface of HTTP/2", 501, R("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    {"a TLS hello", 400, R("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")},
    {"noise", 400, R("\xde\xad\xbe\xef\r\n\r\n")},

    /* HTTP/1.0 (RFC 1945): no Host is needed, and bodies know one length only (RFC 9112 6.1). */
    {"1.0", 200, R("GET / HTTP/1.0\r\n\r\n")},
    {"1.0 HEAD", 200, R("HEAD / HTTP/1.0\r\n\r\n")},
    {"1.0 with Host", 200, LINE("GET / HTTP/1.0")},
    {"1.0 with two Hosts", 400, R("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n")},
    {"1.0 with an empty Host", 400, R("GET / HTTP/1.0\r\nHost:\r\n\r\n")},
    {"1.0 with an absolute target and no Host", 200, R("GET http://a/x HTTP/1.0\r\n\r\n")},
    {"1.0 with an absolute target of another host", 400, LINE("GET http://b/ HTTP/1.0")},
    {"1.0 POST", 405, R("POST / HTTP/1.0\r\n\r\n")},
    {"1.0 with a body", 413, R("GET / HTTP/1.0\r\nContent-Length: 5\r\n\r\n")},
    {"1.0 with chunks", 400, R("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {"1.0 POST with chunks", 400, R("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {"1.0 with a length and chunks", 400,
     R("GET / HTTP/1.0\r\nContent-Length: 0\r\nTransfer-Encoding: identity\r\n\r\n")},

    /* RFC 9112 3.2.2: absolute targets. */
    {"an absolute target of the same host", 200, R("GET http://a:80/x?y HTTP/1.1\r\nHost: A:80\r\n\r\n")},
    {"an absolute target over https", 200, LINE("GET https://a/ HTTP/1.1")},
    {"an absolute target without a path", 200, LINE("GET http://a HTTP/1.1")},
    {"an absolute target without a path, with a query", 200, LINE("GET http://a?q HTTP/1.1")},
    {"an absolute target of another host", 400, LINE("GET http://b/ HTTP/1.1")},
    {"an absolute target with user information", 400, LINE("GET http://u@a/ HTTP/1.1")},
    {"an absolute target without a host", 400, LINE("GET http:///x HTTP/1.1")},
    {"an absolute target of another scheme", 400, LINE("GET ftp://a/ HTTP/1.1")},
    {"only a scheme", 400, LINE("GET http:// HTTP/1.1")},

    /* RFC 9112 2.2 and 5: lines and fields. */
    {"a field without a value", 200, FIELDS("X:\r\n")},
    {"a field of blanks", 200, FIELDS("X: \t \r\n")},
    {"a value with bytes above ASCII", 200, FIELDS("X: \xc3\xa4\r\n")},
    {"a bare LF after the request line", 400, R("GET / HTTP/1.1\nHost: a\r\n\r\n")},
    {"a bare LF after a field", 400, R("GET / HTTP/1.1\r\nHost: a\n\r\n")},
    {"a bare LF at the end", 400, R("GET / HTTP/1.1\r\nHost: a\r\n\n")},
    {"a bare CR in a value", 400, FIELDS("X: a\rb\r\n")},
    {"a bare CR at the end", 400, R("GET / HTTP/1.1\r\nHost: a\r\n\rx")},
    {"a folded line", 400, FIELDS("X: a\r\n b\r\n")},
    {"a line that starts with a tab", 400, FIELDS("X: a\r\n\tb\r\n")},
    {"a first line of fields that starts with a blank", 400, R("GET / HTTP/1.1\r\n Host: a\r\n\r\n")},
    {"a blank before the colon", 400, FIELDS("X : a\r\n")},
    {"a tab before the colon", 400, FIELDS("X\t: a\r\n")},
    {"no colon", 400, FIELDS("X\r\n")},
    {"no name", 400, FIELDS(": a\r\n")},
    {"a name that is no token", 400, FIELDS("X[]: a\r\n")},
    {"a NUL in a name", 400, FIELDS("X\0: a\r\n")},
    {"a NUL in a value", 400, FIELDS("X: a\0b\r\n")},
    {"an escape byte in a value", 400, FIELDS("X: \x1b[0m\r\n")},
    {"a DEL in a value", 400, FIELDS("X: \x7f\r\n")},

    /* RFC 9112 3.2: Host. */
    {"no Host", 400, R("GET / HTTP/1.1\r\n\r\n")},
    {"two Hosts", 400, FIELDS("Host: a\r\n")},
    {"two Hosts in one", 400, HOST("a, b")},
    {"an empty Host", 400, HOST("")},
    {"a Host with a port", 200, HOST(" example.com:7700")},
    {"a Host with an empty port", 200, HOST(" example.com:")},
    {"an IPv4 Host", 200, HOST(" 127.0.0.1:80")},
    {"an IPv6 Host", 200, HOST(" [::1]:80")},
    {"an IPv6 Host that is open", 400, HOST(" [::1")},
    {"an empty IPv6 Host", 400, HOST(" []")},
    {"an IPv6 Host with letters after it", 400, HOST(" [::1]x")},
    {"a Host with user information", 400, HOST(" u@a")},
    {"a Host with a path", 400, HOST(" a/b")},
    {"a Host with a bad port", 400, HOST(" a:8o")},
    {"a Host with a port above 65535", 400, HOST(" a:65536")},
    {"a Host with the highest port", 200, HOST(" a:65535")},
    {"a Host with a port of seven digits", 400, HOST(" a:0000080")},
    {"a Host that is only a port", 400, HOST(" :80")},
    {"a Host with a good escape", 200, HOST(" a%2d")},
    {"a Host with a bad escape", 400, HOST(" a%2")},

    /* RFC 9112 6: bodies, and two opinions about where one ends. */
    {"a body of no bytes", 200, FIELDS("Content-Length: 0\r\n")},
    {"a body of no bytes, written at length", 200, FIELDS("Content-Length: 000\r\n")},
    {"a body", 413, FIELDS("Content-Length: 5\r\n")},
    {"an upgrade with frames as its body", 413,
     FIELDS("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 7\r\n")},
    {"the longest body", 413, FIELDS("Content-Length: 9223372036854775807\r\n")},
    {"a body longer than that", 400, FIELDS("Content-Length: 9223372036854775808\r\n")},
    {"a body of 2^64", 400, FIELDS("Content-Length: 18446744073709551616\r\n")},
    {"a POST with a body", 405, POST("Content-Length: 5\r\n")},
    {"two equal lengths", 400, POST("Content-Length: 5\r\nContent-Length: 5\r\n")},
    {"two lengths", 400, POST("Content-Length: 5\r\nContent-Length: 6\r\n")},
    {"a list of lengths", 400, POST("Content-Length: 0, 5\r\n")},
    {"a length with a sign", 400, POST("Content-Length: +5\r\n")},
    {"a negative length", 400, POST("Content-Length: -1\r\n")},
    {"a length in hexadecimal", 400, POST("Content-Length: 0x5\r\n")},
    {"an empty length", 400, POST("Content-Length:\r\n")},
    {"a length with a blank in it", 400, POST("Content-Length: 1 2\r\n")},
    {"chunks", 501, POST("Transfer-Encoding: chunked\r\n")},
    {"chunks by another name", 501, POST("Transfer-Encoding: xchunked\r\n")},
    {"chunks that are not last", 501, POST("Transfer-Encoding: chunked, identity\r\n")},
    {"a length, then chunks", 400, POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")},
    {"chunks, then a length", 400, POST("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")},
    {"chunks, then a length of 0, on GET", 400, FIELDS("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n")},
    {"a folded coding", 400, POST("Transfer-Encoding:\r\n chunked\r\n")},
    {"a coding with a blank before the colon", 400, POST("Transfer-Encoding : chunked\r\n")},
};

const size_t request_count = sizeof requests / sizeof requests[0];

const struct stoa_http_limits default_limits = {STOA_HTTP_HEAD_BYTES_MAX_DEFAULT, STOA_HTTP_TARGET_BYTES_MAX_DEFAULT,
                                                STOA_HTTP_FIELDS_MAX};

struct stoa_http_head head_of(const char *text) {
  struct stoa_http_head head;
  stoa_http_head_init(&head);
  stoa_http_head_parse(&head, &default_limits, (const uint8_t *)text, strlen(text));
  return head;
}
