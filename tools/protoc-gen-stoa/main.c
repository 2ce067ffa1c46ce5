/* protoc-gen-stoa: generates code in C and TypeScript, and pages about the protocol, from .proto files.
 *
 *   protoc --plugin=protoc-gen-stoa=PATH --stoa_out=DIR -I api api/chatroom/v1/chatroom.proto
 *
 * writes DIR/chatroom/v1/chatroom.stoa.h and .c. --stoa_opt chooses what is written; options.c has the options.
 *
 * protoc starts this program, writes the parsed files to its standard input and reads the generated files from its
 * standard output.
 */
#include <stdio.h>
#include <stoa/version.h>
#include <string.h>

#include "generate.h"
#include "options.h"
#include "pool.h"
#include "text.h"

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

static void print(const char *text) {
  if (fputs(text, stdout) == EOF || fflush(stdout) != 0) {
    pool_die("the answer cannot be written");
  }
}

static const char *help(void) {
  return text_format(
      "protoc-gen-stoa %s: generates code in C and TypeScript, and pages about the protocol, from .proto files\n"
      "\n"
      "protoc starts it:\n"
      "  protoc --plugin=protoc-gen-stoa=PATH --stoa_out=DIR [--stoa_opt=OPTION,...] -I FOLDER... FILE.proto...\n"
      "\n"
      "Options, several separated by commas; X is the file's name without .proto:\n"
      "%s"
      "\n"
      "  --help         this text\n"
      "  --version      the version\n",
      STOA_VERSION, options_help());
}

int main(int argc, char **argv) {
  if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    print(help());
    return 0;
  }
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    print("protoc-gen-stoa " STOA_VERSION "\n");
    return 0;
  }
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
