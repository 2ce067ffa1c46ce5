#include "streams.h"

#include <stdlib.h>

#include "transcript.h"

/* A frame whose payload is a literal. */
#define F(first, payload) \
  { (first), (payload), sizeof(payload) - 1 }

#define TEN(text) text text text text text text text text text text
#define X100 TEN("xxxxxxxxxx")
#define X1000 TEN(X100)
#define HASH_OF_X1000 "text \"1000 bytes, hash e1add1d93134d2c5\"; "

const struct stream streams[] = {
    /* RFC 6455 5.2 and 5.4: messages, whole and in fragments. */
    {.name = "a text", .frames = {F(0x81, "Hello")}, .expected = "text \"Hello\"; "},
    {.name = "an empty text", .frames = {F(0x81, "")}, .expected = "text \"\"; "},
    {.name = "an empty binary", .frames = {F(0x82, "")}, .expected = "binary \"\"; "},
    {.name = "a binary with NULs", .frames = {F(0x82, "\0\1\0\2")}, .expected = "binary \"\\00\\01\\00\\02\"; "},
    {.name = "two messages", .frames = {F(0x81, "a"), F(0x82, "b")}, .expected = "text \"a\"; binary \"b\"; "},
    {.name = "125 bytes, the longest short length",
     .frames = {F(0x82, X100 "xxxxxxxxxxxxxxxxxxxxxxxxx")},
     .expected = "binary \"125 bytes, hash 8607fe8de5d8aeb7\"; "},
    {.name = "126 bytes, the shortest 16-bit length",
     .frames = {F(0x82, X100 "xxxxxxxxxxxxxxxxxxxxxxxxxx")},
     .expected = "binary \"126 bytes, hash 98445a1d8f3109bd\"; "},
    {.name = "a message at the limit", .frames = {F(0x81, X1000)}, .expected = HASH_OF_X1000},
    {.name = "a message at the limit in fragments",
     .frames = {F(0x01, X100 X100), F(0x00, X100 X100 X100), F(0x80, X100 X100 X100 X100 X100)},
     .expected = HASH_OF_X1000},
    {.name = "three fragments", .frames = {F(0x01, "a"), F(0x00, "b"), F(0x80, "c")}, .expected = "text \"abc\"; "},
    {.name = "empty fragments",
     .frames = {F(0x02, ""), F(0x00, ""), F(0x00, ""), F(0x80, "")},
     .expected = "binary \"\"; "},
    {.name = "empty fragments around full ones",
     .frames = {F(0x01, ""), F(0x00, "ab"), F(0x00, ""), F(0x00, "c"), F(0x80, "")},
     .expected = "text \"abc\"; "},
    {.name = "a control between fragments",
     .frames = {F(0x01, "a"), F(0x89, "p"), F(0x00, ""), F(0x8a, ""), F(0x80, "b"), F(0x81, "c")},
     .expected = "ping \"p\"; pong \"\"; text \"ab\"; text \"c\"; "},
    {.name = "a message that never ends", .frames = {F(0x01, "a"), F(0x00, "b")}, .expected = ""},

    /* RFC 6455 5.5: control frames. */
    {.name = "a ping and a pong", .frames = {F(0x89, "x"), F(0x8a, "y")}, .expected = "ping \"x\"; pong \"y\"; "},
    {.name = "a ping of 125 bytes",
     .frames = {F(0x89, X100 "xxxxxxxxxxxxxxxxxxxxxxxxx")},
     .expected = "ping \"125 bytes, hash 8607fe8de5d8aeb7\"; "},
    {.name = "a ping of 126 bytes", .frames = {F(0x89, X100 "xxxxxxxxxxxxxxxxxxxxxxxxxx")}, .expected = "error 1002; "},
    {.name = "a fragmented ping", .frames = {F(0x09, "x")}, .expected = "error 1002; "},
    {.name = "a fragmented close", .frames = {F(0x08, "\x03\xe8")}, .expected = "error 1002; "},

    /* RFC 6455 5.5.1 and 7.4: closing. */
    {.name = "a close without a code", .frames = {F(0x88, "")}, .expected = "close 1005 \"\"; "},
    {.name = "a close with a code", .frames = {F(0x88, "\x03\xe8")}, .expected = "close 1000 \"\"; "},
    {.name = "a close with a reason", .frames = {F(0x88, "\x03\xe9gone")}, .expected = "close 1001 \"gone\"; "},
    {.name = "a close with a code of an application", .frames = {F(0x88, "\x13\x87")}, .expected = "close 4999 \"\"; "},
    {.name = "a close in the middle of a message",
     .frames = {F(0x01, "a"), F(0x88, "\x03\xe8")},
     .expected = "close 1000 \"\"; "},
    {.name = "data, a ping and nonsense after a close",
     .frames = {F(0x88, "\x03\xe8"), F(0x81, "late"), F(0x89, "late"), F(0xff, "late")},
     .expected = "close 1000 \"\"; "},
    {.name = "a close of one byte", .frames = {F(0x88, "\x03")}, .expected = "error 1002; "},
    {.name = "a close with code 0", .frames = {F(0x88, "\x00\x00")}, .expected = "error 1002; "},
    {.name = "a close with code 999", .frames = {F(0x88, "\x03\xe7")}, .expected = "error 1002; "},
    {.name = "a close with code 1004", .frames = {F(0x88, "\x03\xec")}, .expected = "error 1002; "},
    {.name = "a close with code 1005", .frames = {F(0x88, "\x03\xed")}, .expected = "error 1002; "},
    {.name = "a close with code 1006", .frames = {F(0x88, "\x03\xee")}, .expected = "error 1002; "},
    {.name = "a close with code 1015", .frames = {F(0x88, "\x03\xf7")}, .expected = "error 1002; "},
    {.name = "a close with code 2999", .frames = {F(0x88, "\x0b\xb7")}, .expected = "error 1002; "},
    {.name = "a close with code 5000", .frames = {F(0x88, "\x13\x88")}, .expected = "error 1002; "},
    {.name = "a close with code 65535", .frames = {F(0x88, "\xff\xff")}, .expected = "error 1002; "},
    {.name = "a close whose reason is not UTF-8", .frames = {F(0x88, "\x03\xe8\xff")}, .expected = "error 1007; "},
    {.name = "a close whose reason is cut short", .frames = {F(0x88, "\x03\xe8\xe2\x82")}, .expected = "error 1007; "},

    /* RFC 6455 5.1 and 5.2: headers. */
    {.name = "a frame without a mask", .raw_hex = "810548656c6c6f", .expected = "error 1002; "},
    {.name = "RSV1 without an extension", .frames = {F(0xc1, "x")}, .expected = "error 1002; "},
    {.name = "RSV2", .frames = {F(0xa1, "x")}, .expected = "error 1002; "},
    {.name = "RSV3", .frames = {F(0x91, "x")}, .expected = "error 1002; "},
    {.name = "RSV2 on a ping", .frames = {F(0xa9, "x")}, .expected = "error 1002; "},
    {.name = "opcode 3", .frames = {F(0x83, "x")}, .expected = "error 1002; "},
    {.name = "opcode 4", .frames = {F(0x84, "x")}, .expected = "error 1002; "},
    {.name = "opcode 5", .frames = {F(0x85, "x")}, .expected = "error 1002; "},
    {.name = "opcode 6", .frames = {F(0x86, "x")}, .expected = "error 1002; "},
    {.name = "opcode 7", .frames = {F(0x87, "x")}, .expected = "error 1002; "},
    {.name = "opcode 11", .frames = {F(0x8b, "x")}, .expected = "error 1002; "},
    {.name = "opcode 12", .frames = {F(0x8c, "x")}, .expected = "error 1002; "},
    {.name = "opcode 13", .frames = {F(0x8d, "x")}, .expected = "error 1002; "},
    {.name = "opcode 14", .frames = {F(0x8e, "x")}, .expected = "error 1002; "},
    {.name = "opcode 15", .frames = {F(0x8f, "x")}, .expected = "error 1002; "},
    {.name = "a continuation of nothing", .frames = {F(0x80, "x")}, .expected = "error 1002; "},
    {.name = "a continuation after a whole message",
     .frames = {F(0x81, "x"), F(0x00, "y")},
     .expected = "text \"x\"; error 1002; "},
    {.name = "a message inside a message", .frames = {F(0x01, "x"), F(0x82, "y")}, .expected = "error 1002; "},
    {.name = "what came before an illegal frame",
     .frames = {F(0x81, "one"), F(0x89, "p"), F(0x81, "two"), F(0xb1, "bad"), F(0x81, "three")},
     .expected = "text \"one\"; ping \"p\"; text \"two\"; error 1002; "},

    /* RFC 6455 5.2: lengths. */
    {.name = "5 bytes with a 16-bit length", .raw_hex = "82fe00050000000001020304 05", .expected = "error 1002; "},
    {.name = "125 bytes with a 16-bit length", .raw_hex = "82fe007d00000000", .expected = "error 1002; "},
    {.name = "5 bytes with a 64-bit length", .raw_hex = "82ff0000000000000005000000000102", .expected = "error 1002; "},
    {.name = "65535 bytes with a 64-bit length", .raw_hex = "82ff000000000000ffff00000000", .expected = "error 1002; "},
    {.name = "a length of 2^63", .raw_hex = "82ff800000000000000000000000", .expected = "error 1002; "},
    {.name = "a length of 2^64-1", .raw_hex = "82ffffffffffffffffff00000000", .expected = "error 1002; "},
    {.name = "a length of 2^63-1", .raw_hex = "82ff7fffffffffffffff00000000", .expected = "error 1009; "},
    {.name = "a length of 2^32+5 with 5 bytes after it",
     .raw_hex = "82ff0000000100000005000000000102030405",
     .expected = "error 1009; "},
    {.name = "a fragment, then one of 2^63, then one of 5",
     .frames = {F(0x01, "A")},
     .raw_hex = "00ff8000000000000000000000008085000000000102030405",
     .expected = "error 1002; "},
    {.name = "a fragment, then one that wraps the sum",
     .frames = {F(0x01, "A")},
     .raw_hex = "00ff7fffffffffffffff000000008085000000000102030405",
     .expected = "error 1009; "},
    {.name = "a byte over the limit", .frames = {F(0x82, X1000 "x")}, .expected = "error 1009; "},
    {.name = "a byte over the limit in the last of four fragments",
     .frames = {F(0x02, X100 X100 "x"), F(0x00, X100 X100), F(0x00, X100 X100), F(0x80, X100 X100 X100 X100)},
     .expected = "error 1009; "},
    {.name = "a whole message, then one over the limit",
     .frames = {F(0x81, "x"), F(0x82, X1000 "x")},
     .expected = "text \"x\"; error 1009; "},

    /* RFC 6455 8.1 and RFC 3629: text. */
    {.name = "a character cut in two by fragments",
     .frames = {F(0x01, "\xce"), F(0x80, "\xba")},
     .expected = "text \"\\ce\\ba\"; "},
    {.name = "a character cut in four, with a ping between",
     .frames = {F(0x01, "\xf0"), F(0x00, "\x9f"), F(0x89, "\xff"), F(0x00, "\x98"), F(0x00, ""), F(0x80, "\x80")},
     .expected = "ping \"\\ff\"; text \"\\f0\\9f\\98\\80\"; "},
    {.name = "a text that ends inside a character", .frames = {F(0x81, "ab\xe2\x82")}, .expected = "error 1007; "},
    {.name = "a text whose empty last fragment leaves a character open",
     .frames = {F(0x01, "\xe2\x82"), F(0x80, "")},
     .expected = "error 1007; "},
    {.name = "an overlong slash", .frames = {F(0x81, "ok\xc0\xaf")}, .expected = "error 1007; "},
    {.name = "an overlong slash in three bytes", .frames = {F(0x81, "\xe0\x80\xaf")}, .expected = "error 1007; "},
    {.name = "a surrogate", .frames = {F(0x81, "\xed\xa0\x80")}, .expected = "error 1007; "},
    {.name = "a character above U+10FFFF", .frames = {F(0x81, "\xf4\x90\x80\x80")}, .expected = "error 1007; "},
    {.name = "a stray continuation byte", .frames = {F(0x81, "\x80")}, .expected = "error 1007; "},
    {.name = "a bad byte in the second fragment, after a whole message",
     .frames = {F(0x81, "fine"), F(0x01, "good"), F(0x00, "go\xff"), F(0x80, "od")},
     .expected = "text \"fine\"; error 1007; "},
    {.name = "any bytes in a binary", .frames = {F(0x82, "\xff\xfe\xc0")}, .expected = "binary \"\\ff\\fe\\c0\"; "},

    /* RFC 7692 6: compressed messages. */
    {.name = "a compressed text, not checked here",
     .compression = true,
     .frames = {F(0xc1, "\xff\x00")},
     .expected = "text* \"\\ff\\00\"; "},
    {.name = "a compressed message in fragments, then a plain one",
     .compression = true,
     .frames = {F(0x41, "\xff"), F(0x89, ""), F(0x80, "\xfe"), F(0x81, "plain")},
     .expected = "ping \"\"; text* \"\\ff\\fe\"; text \"plain\"; "},
    {.name = "RSV1 on a continuation",
     .compression = true,
     .frames = {F(0x41, "x"), F(0xc0, "y")},
     .expected = "error 1002; "},
    {.name = "RSV1 on a ping", .compression = true, .frames = {F(0xc9, "")}, .expected = "error 1002; "},
    {.name = "RSV1 on a close", .compression = true, .frames = {F(0xc8, "")}, .expected = "error 1002; "},
    {.name = "a plain text that is not UTF-8 beside compression",
     .compression = true,
     .frames = {F(0xc1, "\xff"), F(0x81, "\xff")},
     .expected = "text* \"\\ff\"; error 1007; "},
    {.name = "a compressed message far over the limit",
     .compression = true,
     .raw_hex = "c2fe1000 00000000",
     .expected = "error 1009; "},
};

const size_t stream_count = sizeof streams / sizeof streams[0];

static uint8_t digit(char byte) {
  return (uint8_t)(byte <= '9' ? byte - '0' : byte - 'a' + 10);
}

void stream_bytes(const struct stream *stream, struct stoa_buffer *out) {
  for (const struct stream_frame *frame = stream->frames; frame->payload != NULL; frame++) {
    frame_put(out, frame->first, frame->payload, frame->len);
  }
  for (const char *at = stream->raw_hex; at != NULL && *at != 0; at++) {
    if (*at == ' ') {
      continue;
    }
    uint8_t byte = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
    if (stoa_buffer_append(out, &byte, 1) != STOA_OK) {
      abort();
    }
    at++;
  }
}
