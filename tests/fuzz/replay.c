/* Runs a fuzz target over the files of a folder, without a fuzzer: what was once found stays found. Speaks TAP. */
#include <dirent.h>
#include <string.h>

#include "must.h"

#define INPUT_LEN_MAX ((size_t)1 << 20)

/* The input lies in a block of its own length, so that a sanitizer sees a read after it. */
static void replay(const char *folder, const char *name) {
  static uint8_t content[INPUT_LEN_MAX];
  char path[4096];
  must(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
  FILE *file = fopen(path, "rb");
  must(file != NULL);
  size_t len = fread(content, 1, sizeof content, file);
  must(ferror(file) == 0 && len < sizeof content);
  fclose(file);
  uint8_t *input = malloc(len > 0 ? len : 1);
  must(input != NULL);
  memcpy(input, content, len);
  LLVMFuzzerTestOneInput(input, len);
  free(input);
}

static int is_input(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

int main(int argc, char **argv) {
  struct dirent **entries;
  must(argc == 2);
  int count = scandir(argv[1], &entries, is_input, alphasort);
  must(count > 0);
  printf("1..%d\n", count);
  for (int i = 0; i < count; i++) {
    replay(argv[1], entries[i]->d_name);
    printf("ok %d - %s\n", i + 1, entries[i]->d_name);
    fflush(stdout);
    free(entries[i]);
  }
  free(entries);
  return 0;
}
