/* stoa/export.h: marks the symbols that the library exports. All others are hidden. */
#ifndef STOA_EXPORT_H
#define STOA_EXPORT_H

#define STOA_API __attribute__((visibility("default")))

#endif
