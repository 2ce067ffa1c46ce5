/* stoa/version.h: which version of the library this is.
 *
 * The macros are those of the headers that a program was compiled with, the functions those of the library that it runs
 * with; a program that cares compares them. Versions are semantic (https://semver.org): before 1.0 a minor version may
 * break an interface.
 *
 * Does not know: the tables of generated code, whose shape has a number of its own (STOA_DESCRIPTOR_ABI).
 */
#ifndef STOA_VERSION_H
#define STOA_VERSION_H

#include <stoa/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The build reads it here. */
#define STOA_VERSION "0.1.0"

#define STOA_VERSION_MAJOR 0
#define STOA_VERSION_MINOR 1
#define STOA_VERSION_PATCH 0

/* One number, 0x000100 for 0.1.0, for #if and for comparing. */
#define STOA_VERSION_NUMBER (STOA_VERSION_MAJOR << 16 | STOA_VERSION_MINOR << 8 | STOA_VERSION_PATCH)

/* STOA_VERSION and STOA_VERSION_NUMBER of the library that is linked. Any thread. */
STOA_API const char *stoa_version(void);
STOA_API int stoa_version_number(void);

#ifdef __cplusplus
}
#endif

#endif
