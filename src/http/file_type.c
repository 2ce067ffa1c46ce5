#include "http/file_type.h"

#include "base/array.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct kind {
  const char *extension;
  const char *type;
  bool compresses;
};

static const struct kind kinds[] = {
    {".html", "text/html; charset=utf-8", true},
    {".htm", "text/html; charset=utf-8", true},
    {".css", "text/css; charset=utf-8", true},
    {".js", "text/javascript; charset=utf-8", true},
    {".mjs", "text/javascript; charset=utf-8", true},
    {".json", "application/json", true},
    {".map", "application/json", true},
    {".webmanifest", "application/manifest+json", true},
    {".txt", "text/plain; charset=utf-8", true},
    {".md", "text/markdown; charset=utf-8", true},
    {".csv", "text/csv; charset=utf-8", true},
    {".xml", "application/xml", true},
    {".svg", "image/svg+xml", true},
    {".wasm", "application/wasm", true},
    {".ttf", "font/ttf", true},
    {".png", "image/png", false},
    {".jpg", "image/jpeg", false},
    {".jpeg", "image/jpeg", false},
    {".gif", "image/gif", false},
    {".webp", "image/webp", false},
    {".avif", "image/avif", false},
    {".ico", "image/x-icon", false},
    {".woff", "font/woff", false},
    {".woff2", "font/woff2", false},
    {".pdf", "application/pdf", false},
    {".mp3", "audio/mpeg", false},
    {".ogg", "audio/ogg", false},
    {".mp4", "video/mp4", false},
    {".webm", "video/webm", false},
};

static const struct kind *find(const char *name) {
  const char *dot = strrchr(name, '.');
  for (size_t i = 0; dot != NULL && i < STOA_COUNT_OF(kinds); i++) {
    if (strcasecmp(dot, kinds[i].extension) == 0) {
      return &kinds[i];
    }
  }
  return NULL;
}

const char *stoa_file_type(const char *name) {
  const struct kind *kind = find(name);
  return kind == NULL ? "application/octet-stream" : kind->type;
}

bool stoa_file_type_compresses(const char *name) {
  const struct kind *kind = find(name);
  return kind != NULL && kind->compresses;
}
