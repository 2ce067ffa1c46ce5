/* count.h: the number of items in an array. */
#ifndef PLUGIN_COUNT_H
#define PLUGIN_COUNT_H

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#endif
