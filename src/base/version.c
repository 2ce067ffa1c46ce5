#include <stoa/version.h>

const char *stoa_version(void) {
  return STOA_VERSION;
}

int stoa_version_number(void) {
  return STOA_VERSION_NUMBER;
}
