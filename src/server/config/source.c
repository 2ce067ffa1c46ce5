/* server/config/source.c: reads files whole, up to the cap. */
#include "server/config/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>

#include "base/sys.h"

#define READ_BYTES (16u * 1024)

static const struct stoa_config_mark whole = {0, 0};

static int report_errno(struct stoa_config_report *report) {
  return stoa_config_report_add(report, whole, "cannot be read: %s", strerror(errno));
}

static ssize_t read_some(int fd, struct stoa_buffer *text) {
  ssize_t count;
  do {
    count = stoa_sys.read(fd, text->data + text->len, text->cap - text->len);
  } while (count < 0 && errno == EINTR);
  return count;
}

/* Read the descriptor to its end. Errors: STOA_E_SYSTEM, STOA_E_LIMIT, STOA_E_MEMORY. */
static int read_all(int fd, struct stoa_buffer *text) {
  for (;;) {
    /* One byte above the cap shows that a file is too large. */
    size_t left = text->len_max - text->len;
    if (left == 0) {
      return STOA_E_LIMIT;
    }
    int status = stoa_buffer_reserve(text, left < READ_BYTES ? left : READ_BYTES);
    if (status != STOA_OK) {
      return status;
    }
    ssize_t count = read_some(fd, text);
    if (count <= 0) {
      return count == 0 ? STOA_OK : STOA_E_SYSTEM;
    }
    text->len += (size_t)count;
  }
}

static int parse_file(int fd, struct stoa_buffer *text, struct stoa_arena *arena, struct stoa_config_report *report,
                      struct stoa_config_node **out_root) {
  int status = read_all(fd, text);
  switch (status) {
    case STOA_OK:
      return stoa_config_tree_read(stoa_string_make((const char *)text->data, text->len), arena, report, out_root);
    case STOA_E_SYSTEM:
      return report_errno(report);
    case STOA_E_LIMIT:
      return stoa_config_report_add(report, whole, "larger than %u bytes", STOA_CONFIG_FILE_BYTES_MAX);
    default:
      return status;
  }
}

static int read_file(const char *path, struct stoa_arena *arena, struct stoa_config_report *report,
                     struct stoa_config_node **out_root) {
  int fd = stoa_sys.open(path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) {
    return report_errno(report);
  }
  struct stoa_buffer text;
  stoa_buffer_init(&text, STOA_CONFIG_FILE_BYTES_MAX + 1);
  int status = parse_file(fd, &text, arena, report, out_root);
  stoa_buffer_fini(&text);
  stoa_sys.close(fd);
  return status;
}

static int read_text(struct stoa_string text, struct stoa_arena *arena, struct stoa_config_report *report,
                     struct stoa_config_node **out_root) {
  if (text.len > STOA_CONFIG_FILE_BYTES_MAX) {
    return stoa_config_report_add(report, whole, "larger than %u bytes", STOA_CONFIG_FILE_BYTES_MAX);
  }
  return stoa_config_tree_read(text, arena, report, out_root);
}

int stoa_config_source_read(const struct stoa_config_source *source, struct stoa_arena *arena,
                            struct stoa_config_report *report, struct stoa_config_node **out_root) {
  *out_root = NULL;
  switch (source->kind) {
    case STOA_CONFIG_FILE:
      return read_file(source->text.data, arena, report, out_root);
    case STOA_CONFIG_TEXT:
      return read_text(source->text, arena, report, out_root);
    case STOA_CONFIG_SET:
      return stoa_config_tree_set(source->text, arena, report, out_root);
    case STOA_CONFIG_VARIABLE:
      return stoa_config_tree_at(source->path, source->text, arena, report, out_root);
    case STOA_CONFIG_ENVIRONMENT:
      break;
  }
  assert(source->kind != STOA_CONFIG_ENVIRONMENT); /* each of its variables is a source */
  return STOA_OK;
}
