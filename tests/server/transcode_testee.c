/* The other side of transcode_differential.py: reads queries into messages, one request after another.
 *
 * A request is a line end after a query. The answer is a line: the message as JSON with what is set only, or "!" and
 * the text of the error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stoa/json.h>

#include "server/http/transcode.h"
#include "transcode.stoa.h"

#define ARENA_BYTES_MAX ((size_t)1024 * 1024)
#define LINE_BYTES_MAX 65536

static bool answer(struct stoa_string text, struct stoa_arena *arena, struct stoa_buffer *out) {
  static const struct stoa_http_binding binding = {.method = "GET", .path = "/"};
  static const struct stoa_http_template template;
  static const struct stoa_json_options only_set;
  struct stoa_transcode_request request = {.binding = &binding, .template = &template};
  struct transcode_every message = {0};
  struct stoa_codec_error error;
  if (stoa_http_query_parse(text, STOA_TRANSCODE_PARAMETERS_MAX, arena, &request.query) != STOA_OK) {
    return false;
  }
  if (stoa_transcode_read(&request, &transcode_every_type, arena, &message, &error) != STOA_OK) {
    return printf("!%s\n", error.text) > 0;
  }
  if (stoa_json_encode_with(&only_set, &transcode_every_type, &message, out) != STOA_OK) {
    return false;
  }
  return printf("%.*s\n", (int)out->len, (const char *)out->data) > 0;
}

int main(void) {
  static char line[LINE_BYTES_MAX];
  struct stoa_arena *arena = stoa_arena_create(ARENA_BYTES_MAX);
  struct stoa_buffer out;
  bool is_good = arena != NULL;
  stoa_buffer_init(&out, ARENA_BYTES_MAX);
  while (is_good && fgets(line, sizeof line, stdin) != NULL) {
    out.len = 0;
    is_good = answer(stoa_string_make(line, strcspn(line, "\n")), arena, &out) && fflush(stdout) == 0;
    stoa_arena_reset(arena);
  }
  stoa_buffer_fini(&out);
  stoa_arena_destroy(arena);
  return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
