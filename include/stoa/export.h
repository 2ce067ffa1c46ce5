/* stoa/export.h: marks what the library shows. Everything else is hidden. */
#ifndef STOA_EXPORT_H
#define STOA_EXPORT_H

#define STOA_API __attribute__((visibility("default")))

#endif
