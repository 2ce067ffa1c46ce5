/* protoc-gen-stoa: generates code in C and TypeScript, and pages about the protocol, from .proto files.
 *
 *   protoc --plugin=protoc-gen-stoa=PATH --stoa_out=DIR -I api api/chatroom/v1/chatroom.proto
 *
 * writes DIR/chatroom/v1/chatroom.stoa.h and .c. --stoa_opt chooses what is written; several options are separated by
 * commas:
 *
 *   c         X.stoa.h and .c: structs, tables, handlers and senders for a server; the default
 *   client    X.client.stoa.h and .c: handlers, senders and calls for a client in C; they include X.stoa.h
 *   markdown  X.md: a page about the protocol
 *   openapi   X.openapi.json: an OpenAPI 3.1 document of the HTTP routes, for files that have some
 *   ts        X.stoa.ts: interfaces, tables and a client in TypeScript
 *
 * protoc starts this program, writes the parsed files to its standard input and reads the generated files from its
 * standard output.
 */
#include <stdio.h>
#include <string.h>

#include "generate.h"
#include "pool.h"

#define READ_BYTES ((size_t)64 * 1024)

static uint8_t *read_all(size_t *out_len) {
  uint8_t *bytes = pool_array(READ_BYTES, 1);
  size_t capacity = READ_BYTES;
  size_t len = 0;
  for (;;) {
    len += fread(bytes + len, 1, capacity - len, stdin);
    if (len < capacity) {
      break;
    }
    uint8_t *grown = pool_array(capacity * 2, 1);
    memcpy(grown, bytes, len);
    bytes = grown;
    capacity *= 2;
  }
  if (ferror(stdin)) {
    pool_die("the request cannot be read");
  }
  *out_len = len;
  return bytes;
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    pool_die("protoc starts this program: protoc --plugin=protoc-gen-stoa=PATH --stoa_out=DIR FILE.proto");
  }
  size_t len;
  const uint8_t *bytes = read_all(&len);
  struct generated answer;
  if (!generate(bytes, len, &answer)) {
    pool_die("standard input is not a CodeGeneratorRequest; protoc starts this program");
  }
  if (fwrite(answer.bytes, 1, answer.len, stdout) != answer.len || fflush(stdout) != 0) {
    pool_die("the answer cannot be written");
  }
  return 0;
}
