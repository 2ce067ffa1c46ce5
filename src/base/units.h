/* base/units.h: factors between units of time. */
#ifndef STOA_BASE_UNITS_H
#define STOA_BASE_UNITS_H

#define STOA_NS_PER_MS 1000000u
#define STOA_NS_PER_S 1000000000u
#define STOA_US_PER_S 1000000
#define STOA_S_PER_DAY 86400

#endif
